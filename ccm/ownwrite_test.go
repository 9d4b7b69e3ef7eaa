package ccm

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestOwnWriteCounts: where the DC's disk is needed for a quorum, nobody is
// answered before it has the change, although the member has it long since.
func TestOwnWriteCounts(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		l.start(l.names...)
		v := l.formed()
		for _, name := range l.names {
			if name != v.DC {
				l.kill(name)
				break
			}
		}
		l.await(v.DC, "the view of two", func(now View) bool { return now.Quorum && len(now.Members) == 2 && now.DC == v.DC })
		stall := beatPatience(l.timing) - 10*time.Millisecond
		l.nodes[v.DC].store.stall.Store(int64(stall))
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := l.nodes[v.DC].Propose(ctx, "to the slow disk", []byte("x")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < stall {
			t.Errorf("answered after %v, before the disk of the DC had it, which makes the quorum", took)
		}
		l.nodes[v.DC].store.stall.Store(0)
		l.stopAll()
	})
}
