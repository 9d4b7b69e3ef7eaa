package ccm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowReplica takes long to work a change out beforehand, and none to apply it
// then.
type slowReplica struct {
	textReplica
	takes time.Duration
}

func (r *slowReplica) Heavy(int) bool         { return r.takes > 0 }
func (r *slowReplica) Prepare([][]byte, bool) { time.Sleep(r.takes) }
func (r *slowReplica) PrepareState(_ []byte)  { time.Sleep(r.takes / 10) }
func (r *slowReplica) String() string         { return string(r.Snapshot()) }

// Changes that take three deadtimes to work out disturb nobody: no view changes,
// no lease ends, and the changes come in their order. A node that was away takes
// the state over the same way.
func TestSlowChangesDisturbNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, "a", "b", "c")
		state := map[string]*slowReplica{}
		start := func(n string) {
			state[n] = &slowReplica{takes: 3 * time.Second}
			node, err := Start(context.Background(), Config{Node: n, Nodes: l.names, StateDir: l.dirs[n], Replica: state[n], Transport: l.net.Transport(l.names...),
				Timing: l.timing, ClusterID: "lab", Clock: bubbleClock, Logger: l.logger(n)})
			if err != nil {
				t.Fatal(err)
			}
			l.nodes[n] = node
		}
		for _, n := range l.names {
			start(n)
		}
		whole := func(v View) bool { return v.Quorum && len(v.Members) == 3 }
		v, _ := l.await("a", "view", whole)
		for _, n := range l.names {
			l.await(n, "view", whole)
		}
		done := make(chan error, 3)
		for i := range 3 {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				_, err := l.nodes[v.DC].Propose(context.Background(), fmt.Sprint("r", i), []byte(fmt.Sprint("change", i)))
				done <- err
			}()
		}
		for left := 3; left > 0; {
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
				left--
			case <-time.After(50 * time.Millisecond):
			}
			for _, n := range l.names {
				if now, _ := l.nodes[n].View(); now.Instance != v.Instance || !now.Quorum {
					t.Fatalf("%s: %+v", n, now)
				}
				begin := time.Now()
				if err := l.nodes[n].MayStart(v.Instance); err != nil || time.Since(begin) > time.Millisecond {
					t.Fatalf("%s may not start: %v, after %v", n, err, time.Since(begin))
				}
			}
		}
		time.Sleep(30 * time.Second)
		for _, n := range l.names {
			if got := state[n].String(); got != "change0\nchange1\nchange2" {
				t.Errorf("%s holds %q", n, got)
			}
		}
		lost := l.names[slices.IndexFunc(l.names, func(n string) bool { return n != v.DC })]
		l.kill(lost)
		l.await(v.DC, "view without it", func(v View) bool { return v.Quorum && len(v.Members) == 2 })
		if _, err := l.nodes[v.DC].Propose(context.Background(), "", []byte("change3")); err != nil {
			t.Fatal(err)
		}
		start(lost)
		l.await(lost, "view", whole)
		if got := state[lost].String(); !strings.HasSuffix(got, "change3") {
			t.Errorf("%s holds %q after it came back", lost, got)
		}
		l.stopAll()
	})
}
