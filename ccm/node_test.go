package ccm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// textReplica is a replicated list of lines.
type textReplica struct {
	mu    sync.Mutex
	lines []string
}

func (r *textReplica) Snapshot() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []byte(strings.Join(r.lines, "\n"))
}

func (r *textReplica) Restore(b []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = nil
	if len(b) > 0 {
		r.lines = strings.Split(string(b), "\n")
	}
	return nil
}

var errRefused = errors.New("refused by the replica")

func (r *textReplica) Apply(_ uint64, c []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if string(c) == "bad" {
		return errRefused
	}
	r.lines = append(r.lines, string(c))
	return nil
}

func (r *textReplica) Digest() string { return fmt.Sprintf("%q", r.Snapshot()) }

// lab is a cluster in memory.
type lab struct {
	t      *testing.T
	net    *MemNetwork
	names  []string
	quorum []string
	timing agree.Timing
	dirs   map[string]string
	nodes  map[string]*Node
	state  map[string]*textReplica
	logs   map[string]*recorder // of the nodes whose log matters
}

func newLab(t *testing.T, names ...string) *lab {
	t.Helper()
	timing, err := agree.NewTiming(agree.TimingOptions{Keepalive: 200 * time.Millisecond, Deadtime: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, net: NewMemNetwork(1), names: names, timing: timing, dirs: map[string]string{}, nodes: map[string]*Node{}, state: map[string]*textReplica{}}
	l.net.Clock = bubbleClock
	for _, n := range names {
		l.dirs[n] = t.TempDir()
	}
	return l
}

// bubbleClock is virtual inside a synctest bubble.
func bubbleClock() int64 { return time.Now().UnixNano() }

func (l *lab) start(names ...string) {
	l.t.Helper()
	for _, n := range names {
		l.state[n] = &textReplica{}
		node, err := Start(context.Background(), Config{Node: n, Nodes: l.names, StateDir: l.dirs[n], Replica: l.state[n], Transport: l.net.Transport(l.names...),
			Timing: l.timing, Quorum: l.quorum, ClusterID: "lab", Clock: bubbleClock, Logger: l.logger(n)})
		if err != nil {
			l.t.Fatal(err)
		}
		l.nodes[n] = node
	}
}

func (l *lab) logger(node string) *slog.Logger {
	var w io.Writer = io.Discard
	if os.Getenv("QUORATE_TRACE") != "" {
		w = os.Stderr
	}
	if r := l.logs[node]; r != nil {
		w = r
	}
	return slog.New(slog.NewTextHandler(w, nil)).With("node", node)
}

func (l *lab) kill(names ...string) {
	l.t.Helper()
	for _, n := range names {
		if err := l.nodes[n].Close(); err != nil {
			l.t.Error(err)
		}
		delete(l.nodes, n)
	}
}

func (l *lab) stopAll() { l.kill(slices.Collect(mapKeys(l.nodes))...) }

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// await waits for a view of a node, and returns how long that took.
func (l *lab) await(node string, what string, ok func(View) bool) (View, time.Duration) {
	l.t.Helper()
	begin := time.Now()
	deadline := time.After(30 * time.Second)
	for {
		v, ch := l.nodes[node].View()
		if ok(v) {
			return v, time.Since(begin)
		}
		select {
		case <-ch:
		case <-deadline:
			l.t.Fatalf("%s: no %s within 30 s; view %+v", node, what, v)
		}
	}
}

func quorate(members ...string) func(View) bool {
	return func(v View) bool {
		return v.Quorum && slices.EqualFunc(v.Members, members, func(m Member, n string) bool { return m.Name == n })
	}
}

func TestThreeNodesFormReplicateAndFailOver(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		l.start("a", "b", "c")
		v, _ := l.await("a", "view of all", quorate("a", "b", "c"))
		l.await("b", "view of all", quorate("a", "b", "c"))
		l.await("c", "view of all", quorate("a", "b", "c"))
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		dc := v.DC
		seq, err := l.nodes[dc].Propose(ctx, "r1", []byte("hello"))
		if err != nil || seq != 1 {
			t.Fatalf("proposal: %d %v", seq, err)
		}
		if again, err := l.nodes[dc].Propose(ctx, "r1", []byte("hello")); err != nil || again != seq {
			t.Fatalf("a retry must be answered the same way: %d %v", again, err)
		}
		if _, err := l.nodes[dc].Propose(ctx, "r2", []byte("bad")); !errors.Is(err, errRefused) {
			t.Fatalf("what Apply said: %v", err)
		}
		other := "a"
		if dc == "a" {
			other = "b"
		}
		if _, err := l.nodes[other].Propose(ctx, "r3", []byte("x")); !errors.Is(err, ErrNotDC) {
			t.Fatalf("not the DC: %v", err)
		}
		// Starts are confirmed once a beat was echoed in the view.
		time.Sleep(l.timing.Beat * 2)
		for _, n := range l.names {
			if err := l.nodes[n].MayStart(v.Instance); err != nil {
				t.Errorf("%s: %v", n, err)
			}
			if ls, _ := l.nodes[n].Lease(); !ls.Valid || ls.Exclusion != "guaranteed" {
				t.Errorf("%s: lease %+v", n, ls)
			}
		}
		l.nodes[other].Send(dc, []byte("one"))
		l.nodes[other].Send(dc, []byte("two"))
		l.nodes[dc].Send(dc, []byte("self"))
		got := map[string]string{}
		for range 3 {
			m := <-l.nodes[dc].Receive()
			got[m.From] += string(m.Payload)
		}
		if got[other] != "onetwo" || got[dc] != "self" {
			t.Fatalf("messages %v", got)
		}

		// The DC dies: a new view after deadtime and a few milliseconds.
		l.kill(dc)
		rest := slices.DeleteFunc(slices.Clone(l.names), func(n string) bool { return n == dc })
		v2, took := l.await(rest[0], "view of the rest", quorate(rest...))
		if took > l.timing.Deadtime+20*time.Millisecond || took < l.timing.Deadtime-l.timing.Beat {
			t.Errorf("the view came after %v, deadtime is %v", took, l.timing.Deadtime)
		}
		begin := time.Now()
		expired, err := l.nodes[v2.DC].Certify(ctx, v2.Instance)
		if err != nil || !slices.Equal(expired, []string{dc}) {
			t.Fatalf("certificate %v %v", expired, err)
		}
		t.Logf("view after %v, certificate after another %v", took, time.Since(begin))
		if time.Since(begin) > 20*time.Millisecond {
			t.Errorf("takeover %v fits in deadtime, yet the certificate took %v", l.timing.Takeover, time.Since(begin))
		}
		if err := l.nodes[rest[0]].MayStart(v.Instance); !errors.Is(err, ErrStale) {
			t.Errorf("an old token: %v", err)
		}

		// One node alone: quorum lost, then the lease.
		l.kill(rest[1])
		_, ch := l.nodes[rest[0]].Lease()
		begin = time.Now()
		<-ch
		if d := time.Since(begin); d > l.timing.Lease {
			t.Errorf("the lease ended after %v, it is %v", d, l.timing.Lease)
		}
		l.await(rest[0], "loss of quorum", func(v View) bool { return !v.Quorum && v.Event == agree.EventInvalid })
		if _, err := l.nodes[rest[0]].Propose(ctx, "r4", []byte("x")); !errors.Is(err, ErrNoQuorum) {
			t.Errorf("no quorum: %v", err)
		}

		// All back: the state is everywhere.
		l.start(dc, rest[1])
		for _, n := range l.names {
			l.await(n, "view of all again", quorate("a", "b", "c"))
			if s := string(l.state[n].Snapshot()); s != "hello" {
				t.Errorf("%s holds %q", n, s)
			}
		}
		l.stopAll()
	})
}

func TestLeaveIsImmediate(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		l.start("a", "b", "c")
		for _, n := range l.names {
			l.await(n, "view of all", quorate("a", "b", "c"))
		}
		time.Sleep(2 * l.timing.Beat) // what has just started waits for those who may be coming
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		begin := time.Now()
		if err := l.nodes["c"].Leave(ctx, true); err != nil {
			t.Fatal(err)
		}
		l.kill("c")
		v, _ := l.await("a", "view of two", quorate("a", "b"))
		expired, err := l.nodes[v.DC].Certify(ctx, v.Instance)
		if err != nil || !slices.Equal(expired, []string{"c"}) {
			t.Fatalf("certificate %v %v", expired, err)
		}
		if d := time.Since(begin); d > 50*time.Millisecond {
			t.Errorf("a planned stop took %v", d)
		}
		l.start("c")
		l.await("a", "view of all", quorate("a", "b", "c"))
		l.stopAll()
	})
}

func TestRestartOfAllKeepsTheState(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		l.start("a", "b", "c")
		v, _ := l.await("a", "view of all", quorate("a", "b", "c"))
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		// More changes than are kept beside the snapshot.
		for i := range compactChanges + 10 {
			if _, err := l.nodes[v.DC].Propose(ctx, fmt.Sprint("r", i), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		l.stopAll()
		l.start("a", "b", "c")
		w, _ := l.await("a", "view of all", quorate("a", "b", "c"))
		if !v.Instance.Less(w.Instance) {
			t.Errorf("instance %v after %v", w.Instance, v.Instance)
		}
		if n := len(l.state["a"].lines); n != compactChanges+10 {
			t.Errorf("%d changes", n)
		}
		l.stopAll()
	})
}

func TestLostDiskIsReadmitted(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		l.start("a", "b", "c")
		v, _ := l.await("a", "view of all", quorate("a", "b", "c"))
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		if _, err := l.nodes[v.DC].Propose(ctx, "r", []byte("kept")); err != nil {
			t.Fatal(err)
		}
		l.kill("c")
		if err := os.Remove(filepath.Join(l.dirs["c"], "cluster.db")); err != nil {
			t.Fatal(err)
		}
		// While a is away, the blank c gives b no quorum.
		l.kill("a")
		l.start("c")
		time.Sleep(2 * l.timing.Initdead)
		if v, _ := l.nodes["b"].View(); v.Quorum {
			t.Fatalf("the vote of a lost disk counted: %+v", v)
		}
		l.start("a")
		l.await("c", "view of all", quorate("a", "b", "c"))
		time.Sleep(l.timing.Deadtime)
		// Readmitted: now b and c are a quorum.
		l.kill("a")
		l.await("c", "view of b and c", quorate("b", "c"))
		if s := string(l.state["c"].Snapshot()); s != "kept" {
			t.Errorf("c holds %q", s)
		}
		l.stopAll()
	})
}

func TestTwoNodes(t *testing.T) {
	l := newLab(t, "a", "b")
	l.quorum = []string{"majority", "twonodes"}
	synctest.Test(t, func(t *testing.T) {
		l.start("a", "b")
		l.await("a", "view of both", quorate("a", "b"))
		l.await("b", "view of both", quorate("a", "b"))
		if ls, _ := l.nodes["a"].Lease(); !strings.Contains(ls.Exclusion, "twonodes") {
			t.Errorf("exclusion %q", ls.Exclusion)
		}
		l.kill("b")
		v, took := l.await("a", "view alone", quorate("a"))
		if took > l.timing.Deadtime+20*time.Millisecond {
			t.Errorf("the view came after %v", took)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if expired, err := l.nodes["a"].Certify(ctx, v.Instance); err != nil || !slices.Equal(expired, []string{"b"}) {
			t.Errorf("certificate %v %v", expired, err)
		}
		if err := l.nodes["a"].MayStart(v.Instance); err != nil {
			t.Error(err)
		}
		if _, err := l.nodes["a"].Propose(ctx, "r", []byte("alone")); err != nil {
			t.Error(err)
		}
		// A lone start waits for initdead.
		l.kill("a")
		begin := time.Now()
		l.start("a")
		l.await("a", "view alone", quorate("a"))
		if d := time.Since(begin); d < l.timing.Initdead {
			t.Errorf("a lone start had quorum after %v, initdead is %v", d, l.timing.Initdead)
		}
		l.stopAll()
	})
}

func TestForeignVersionIsRefused(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		l.start("a")
		tr, err := l.net.Transport(l.names...)(Life{Node: "b", Incarnation: 9})
		if err != nil {
			t.Fatal(err)
		}
		frame := agree.Encode(l.nodes["a"].cluster, &agree.Beat{})
		frame[1] = 77
		tr.Broadcast(frame)
		time.Sleep(time.Second)
		for _, p := range l.nodes["a"].Peers() {
			if p.Name == "b" && (p.Version != 77 || p.Status != "init") {
				t.Errorf("peer %+v", p)
			}
		}
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		l.stopAll()
	})
}

func TestStateDirectoryOfAnotherDaemon(t *testing.T) {
	l := newLab(t, "a")
	s, err := openStore(l.dirs["a"])
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := openStore(l.dirs["a"]); !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), "another daemon") {
		t.Fatal(err)
	}
}

// A node whose disk fails stops: it must not promise what it cannot keep.
func TestFailedDiskStopsTheNode(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		l.start("a", "b", "c")
		v, _ := l.await("a", "view of all", quorate("a", "b", "c"))
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		dc := l.nodes[v.DC]
		dc.inbox.put(func() {
			if err := dc.store.db.Close(); err != nil {
				t.Error(err)
			}
		})
		if _, err := dc.Propose(ctx, "r", []byte("x")); !errors.Is(err, ErrUnknown) {
			t.Errorf("proposal on a failed disk: %v", err)
		}
		<-dc.Done()
		if err := dc.Err(); !errors.Is(err, ErrStore) {
			t.Errorf("the reason: %v", err)
		}
		if v, _ := dc.View(); v.Quorum {
			t.Errorf("a stopped node shows %+v", v)
		}
		if err := dc.MayStart(v.Instance); !errors.Is(err, ErrLease) {
			t.Errorf("a stopped node may start: %v", err)
		}
		delete(l.nodes, v.DC)
		rest := slices.DeleteFunc(slices.Clone(l.names), func(n string) bool { return n == v.DC })
		l.await(rest[0], "view of the rest", quorate(rest...))
		l.stopAll()
	})
}

// Messages of any size arrive whole and in order; what is sent into a cut is
// dropped, and the next session starts clean.
func TestCutAndHeal(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		l.net.Loss(0.05)
		l.start("a", "b", "c")
		for _, n := range l.names {
			l.await(n, "view of all", quorate("a", "b", "c"))
		}
		l.net.Isolate("c", true)
		l.await("a", "view of two", quorate("a", "b"))
		v, _ := l.await("c", "loss of quorum", func(v View) bool { return !v.Quorum && v.Event == agree.EventInvalid })
		if !slices.Equal(v.Lost, []string{"a", "b"}) || v.DC != "" {
			t.Errorf("c shows %+v", v)
		}
		if ls, _ := l.nodes["c"].Lease(); ls.Valid {
			t.Errorf("c is alone for %v and holds a lease", l.timing.Deadtime)
		}
		l.net.Isolate("c", false)
		_, took := l.await("c", "view of all", quorate("a", "b", "c"))
		if took > l.timing.Deadtime {
			t.Errorf("it took %v to come together again", took)
		}
		// One-way: c hears a, a does not hear c.
		l.net.Cut("c", "a", true)
		l.await("b", "view without c or a", func(v View) bool { return v.Quorum && len(v.Members) == 2 && v.Has("b") })
		l.net.Cut("c", "a", false)
		for _, n := range l.names {
			l.await(n, "view of all", quorate("a", "b", "c"))
		}
		l.stopAll()
	})
}

// A node that leaves without having released everything is out of the view at
// once, but others wait for its lease.
func TestCertificateWaitsForTheLease(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		l.start("a", "b", "c")
		for _, n := range l.names {
			l.await(n, "view of all", quorate("a", "b", "c"))
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		time.Sleep(l.timing.Beat)
		begin := time.Now()
		if err := l.nodes["c"].Leave(ctx, false); err != nil {
			t.Fatal(err)
		}
		l.kill("c")
		v, _ := l.await("a", "view of two", quorate("a", "b"))
		short, stop := context.WithTimeout(ctx, l.timing.Takeover/2)
		defer stop()
		if got, err := l.nodes[v.DC].Certify(short, v.Instance); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a certificate before the lease is over: %v %v", got, err)
		}
		if got, err := l.nodes[v.DC].Certify(ctx, v.Instance); err != nil || !slices.Equal(got, []string{"c"}) {
			t.Errorf("certificate %v %v", got, err)
		}
		if d := time.Since(begin); d < l.timing.Takeover-l.timing.Beat || d > l.timing.Takeover+20*time.Millisecond {
			t.Errorf("the certificate came after %v, takeover is %v", d, l.timing.Takeover)
		}
		if err := l.nodes[v.DC].Confirm(ctx, v.Instance); err != nil {
			t.Errorf("the DC is confirmed: %v", err)
		}
		other := "a"
		if v.DC == "a" {
			other = "b"
		}
		if err := l.nodes[other].Confirm(ctx, v.Instance); !errors.Is(err, ErrStale) {
			t.Errorf("another node is not the DC: %v", err)
		}
		if _, err := l.nodes[v.DC].Certify(ctx, Instance{Number: 1, Proposer: "z"}); !errors.Is(err, ErrStale) {
			t.Errorf("another view: %v", err)
		}
		// A stuck DC hands over.
		l.nodes[v.DC].SetFit(false)
		w, took := l.await(other, "another DC", func(w View) bool { return w.Quorum && w.DC == other })
		if !v.Instance.Less(w.Instance) || took > 100*time.Millisecond {
			t.Errorf("another DC after %v: %+v", took, w)
		}
		l.stopAll()
	})
}
