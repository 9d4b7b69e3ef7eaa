package ccm

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A node whose clock has jumped ahead, as after a suspend, refuses every start
// until a quorum has confirmed it anew, and nobody else is disturbed.
func TestWakesFromASuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, "a", "b", "c")
		defer l.stopAll()
		l.start("b", "c")
		var jump atomic.Int64
		l.state["a"] = &textReplica{}
		node, err := Start(context.Background(), Config{Node: "a", Nodes: l.names, StateDir: l.dirs["a"], Replica: l.state["a"],
			Transport: l.net.Transport(l.names...), Timing: l.timing, ClusterID: "lab", Logger: l.logger("a"),
			Clock: func() int64 { return bubbleClock() + jump.Load() }})
		if err != nil {
			t.Fatal(err)
		}
		l.nodes["a"] = node
		v, _ := l.await("a", "the whole view", func(v View) bool { return len(v.Members) == 3 && v.Quorum })
		for deadline := time.Now().Add(5 * time.Second); node.MayStart(v.Instance) != nil; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no start is allowed in a whole view: %v", node.MayStart(v.Instance))
			}
		}
		jump.Store(int64(time.Minute))
		if err := node.MayStart(v.Instance); !errors.Is(err, ErrLease) && !errors.Is(err, ErrStale) {
			t.Fatalf("a minute later, without a word of the others, a start may run: %v", err)
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			v, _ := node.View()
			if ls, _ := node.Lease(); ls.Valid && v.Quorum && node.MayStart(v.Instance) == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("not confirmed again: %+v", v)
			}
		}
	})
}
