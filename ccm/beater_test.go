package ccm

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// inRunner executes f in the runner of a node and waits until it has begun.
func inRunner(n *Node, f func()) {
	begun := make(chan struct{})
	n.inbox.put(func() { close(begun); f() })
	<-begun
}

// formed waits until all nodes have the view of all with confirmed leases.
func (l *lab) formed() View {
	l.t.Helper()
	var v View
	for _, n := range l.names {
		v, _ = l.await(n, "view of all", quorate(l.names...))
	}
	time.Sleep(2 * l.timing.Beat)
	return v
}

// changes returns whether the view or the lease of a node changes while f runs.
func (l *lab) changes(node string, f func()) (view, lease bool) {
	_, vch := l.nodes[node].View()
	_, lch := l.nodes[node].Lease()
	f()
	select {
	case <-vch:
		view = true
	default:
	}
	select {
	case <-lch:
		lease = true
	default:
	}
	return view, lease
}

// TestSlowDisk: while the disk of a node does not answer, and that takes longer
// than deadtime and lease, its beats go on, its lease is renewed, and nobody
// takes it for dead; what depends on that disk waits, and nothing else does: the
// DC's own copy is one of three.
func TestSlowDisk(t *testing.T) {
	for _, role := range []string{"DC", "member"} {
		t.Run(role, func(t *testing.T) {
			l := newLab(t, "a", "b", "c")
			synctest.Test(t, func(t *testing.T) {
				l.start(l.names...)
				v := l.formed()
				slow := v.DC
				if role == "member" {
					slow = slices.DeleteFunc(slices.Clone(l.names), func(n string) bool { return n == v.DC })[0]
				}
				stall := beatPatience(l.timing) - 10*time.Millisecond
				l.nodes[slow].store.stall.Store(int64(stall))
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				defer cancel()
				for _, watched := range l.names {
					view, lease := l.changes(watched, func() {
						begin := time.Now()
						if _, err := l.nodes[v.DC].Propose(ctx, "to the slow disk, seen from "+watched, []byte("x")); err != nil {
							t.Fatal(err)
						}
						took := time.Since(begin)
						if took > 100*time.Millisecond {
							t.Errorf("a quorum of disks had it, but the answer took %v", took)
						}
						time.Sleep(2 * stall)
					})
					if view || lease {
						t.Errorf("%s: while the disk of %s was slow, the view changed: %v, the lease: %v", watched, slow, view, lease)
					}
				}
				if s := l.nodes[slow].Beats(); s.Withheld != 0 {
					t.Errorf("%d beats were withheld", s.Withheld)
				}
				l.nodes[slow].store.stall.Store(0)
				l.stopAll()
			})
		})
	}
}

// TestHungRunner: a node whose runner hangs, and one whose disk never answers,
// is repeated by its beater for a while only. Its lease ends, and nobody gets a
// certificate before that.
func TestHungRunner(t *testing.T) {
	const hang = 10 * time.Second
	for _, how := range []string{"runner", "disk"} {
		for _, who := range []string{"a", "b"} { // the DC, a member
			t.Run(how+" of "+who, func(t *testing.T) {
				l := newLab(t, "a", "b", "c")
				synctest.Test(t, func(t *testing.T) {
					l.start(l.names...)
					v := l.formed()
					if v.DC != "a" {
						t.Fatalf("the DC is %s", v.DC)
					}
					n := l.nodes[who]
					var end int64 // of the lease, as the guard is told
					inRunner(n, func() { n.cfg.OnLease = func(stop int64) { end = stop } })
					time.Sleep(2 * l.timing.Beat)
					ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
					defer cancel()
					begin := time.Now()
					if how == "runner" {
						inRunner(n, func() { time.Sleep(hang) })
					} else {
						n.store.stall.Store(int64(hang))
						go l.nodes["a"].Propose(ctx, "r", []byte("x"))
					}
					var rest []string
					for _, name := range l.names {
						if name != who {
							rest = append(rest, name)
						}
					}
					v, _ = l.await(rest[0], "view without "+who, quorate(rest...))
					took := time.Since(begin)
					patience := beatPatience(l.timing)
					if took < l.timing.Deadtime || took > patience+l.timing.Deadtime+2*l.timing.Beat {
						t.Errorf("%s is out after %v; patience %v, deadtime %v", who, took, patience, l.timing.Deadtime)
					}
					expired, err := l.nodes[v.DC].Certify(ctx, v.Instance)
					if err != nil || !slices.Equal(expired, []string{who}) {
						t.Fatalf("certificate %v %v", expired, err)
					}
					released := end + int64(l.timing.StopBound)
					if now := bubbleClock(); released >= now {
						t.Errorf("certified %v before everything is released", time.Duration(released-now))
					}
					if how == "runner" && end > begin.Add(l.timing.Lease).UnixNano() {
						t.Error("the lease was renewed while the runner hung")
					}
					if n.Beats().Withheld == 0 {
						t.Error("no beat was withheld")
					}
					time.Sleep(hang)
					if how == "disk" {
						n.store.stall.Store(0)
					}
					for _, name := range l.names {
						l.await(name, "view of all again", quorate(l.names...))
					}
					l.stopAll()
				})
			})
		}
	}
}

// oversleeper is an alarm that returns too late.
type oversleeper struct {
	*timerAlarm
	extra atomic.Int64
}

func (o *oversleeper) wait(ns int64) {
	if ns > 0 {
		o.timerAlarm.wait(ns + o.extra.Load())
	}
}

// TestLateBeatsAreCounted: the beater knows that it was late.
func TestLateBeatsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timing, err := agree.NewTiming(agree.TimingOptions{Keepalive: 200 * time.Millisecond, Deadtime: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		a := &oversleeper{timerAlarm: newTimerAlarm()}
		var sent []time.Time
		b := newBeater(1, timing, a, bubbleClock, func([]byte) { sent = append(sent, time.Now()) }, nil, nil)
		b.vouch(&agree.Beat{})
		b.start()
		time.Sleep(timing.Beat + time.Millisecond)
		if s := b.stats(); s.Late != 0 || s.Sent != 3 && s.Sent != 2 {
			t.Fatalf("in time, but %+v", s)
		}
		a.extra.Store(int64(150 * time.Millisecond))
		time.Sleep(2*timing.Beat + time.Millisecond)
		a.extra.Store(0)
		time.Sleep(2 * timing.Beat)
		s := b.stats()
		if s.Late != 1 || s.Worst < 150*time.Millisecond || s.Worst > timing.Beat {
			t.Errorf("one beat left 150 ms late, but %+v", s)
		}
		if !b.late.Load() {
			t.Error("the runner is not told")
		}
		b.stop()
		n := len(sent)
		time.Sleep(time.Second)
		if len(sent) != n {
			t.Error("beats after stop")
		}
	})
}
