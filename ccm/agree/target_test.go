package agree

import (
	"fmt"
	"math/bits"
	"math/rand"
	"testing"
	"time"
)

// bare makes a machine of n nodes that hears as rows say; it is node 0.
func bare(t testing.TB, rows []uint64) *Machine {
	t.Helper()
	timing, err := NewTiming(TimingOptions{Keepalive: 200 * time.Millisecond, Deadtime: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	q, _ := NewQuorum()
	var names []string
	for i := range rows {
		names = append(names, fmt.Sprintf("node%02d", i))
	}
	m, err := New(Config{Self: names[0], Nodes: names, Incarnation: 1, Disk: "d", Quorum: q, Timing: timing}, Stored{}, &logApp{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names[1:] {
		p := m.peers[name]
		p.alive = rows[0]>>(i+1)&1 == 1
		p.inc = 1
		p.row = rows[i+1]
	}
	return m
}

// connected reports whether all of the set hear one another.
func connected(set uint64, rows []uint64) bool {
	for x := set; x != 0; x &= x - 1 {
		if set&^rows[bits.TrailingZeros64(x)] != 0 {
			return false
		}
	}
	return true
}

// The target against the obvious: try every set.
func TestTargetIsTheLargestConnectedSet(t *testing.T) {
	seed := time.Now().UnixNano()
	r := rand.New(rand.NewSource(seed))
	for range 300 {
		n := 2 + r.Intn(7)
		rows := make([]uint64, n)
		for i := range rows {
			rows[i] = r.Uint64()&(1<<n-1) | r.Uint64()&(1<<n-1) | 1<<i
		}
		got := bare(t, rows).findTarget()
		best := 0
		for set := uint64(1); set < 1<<n; set += 2 {
			if set&^rows[0] == 0 && connected(set, rows) {
				best = max(best, bits.OnesCount64(set))
			}
		}
		if got&1 == 0 || !connected(got, rows) || bits.OnesCount64(got) != best {
			t.Fatalf("seed %d: rows %b: target %b, the largest has %d", seed, rows, got, best)
		}
	}
}

// Above twelve candidates the set is connected, deterministic and not much
// smaller than the best known.
func TestTargetOfMany(t *testing.T) {
	const n = 32
	rows := make([]uint64, n)
	for i := range rows {
		rows[i] = 1<<n - 1
	}
	if got := bare(t, rows).findTarget(); got != 1<<n-1 {
		t.Fatalf("all connected: %b", got)
	}
	// A switch fails: 0 to 19 and 20 to 31 do not hear one another, but 19 hears all.
	for i := range rows {
		if i < 19 {
			rows[i] = 1<<20 - 1
		} else if i > 19 {
			rows[i] = (1<<n - 1) &^ (1<<19 - 1)
		}
	}
	if got := bare(t, rows).findTarget(); got != 1<<20-1 {
		t.Fatalf("two halves: %b", got)
	}
	r := rand.New(rand.NewSource(1))
	for range 100 {
		for i := range rows {
			rows[i] = 1<<n - 1
		}
		for range 5 { // some pairs are cut in one direction
			i, j := r.Intn(n), r.Intn(n)
			if i != j {
				rows[i] &^= 1 << j
			}
		}
		got := bare(t, rows).findTarget()
		if !connected(got, rows) || bits.OnesCount64(got) < n-5 {
			t.Fatalf("rows %b: target %b", rows, got)
		}
	}
}

func TestQuorum(t *testing.T) {
	v := func(ws ...int) Voters {
		x := Voters{}
		for i, w := range ws {
			x[string(rune('a'+i))] = Voter{Weight: w}
		}
		return x
	}
	for _, c := range []struct {
		plugins []string
		v       Voters
		set     string
		want    bool
		meets   bool
	}{
		{nil, v(100, 100, 100), "ab", true, true},
		{nil, v(100, 100, 100), "a", false, true},
		{nil, v(100, 100), "a", false, true},
		{nil, v(100, 100, 100, 100), "ab", false, true},
		{nil, v(300, 100, 100), "a", true, true},
		{nil, Voters{}, "", false, true},
		{[]string{"majority", "twonodes"}, v(100, 100), "a", true, false},
		{[]string{"majority", "twonodes"}, v(100, 100), "", false, false},
		{[]string{"majority", "twonodes"}, v(200, 100), "b", false, true},
		{[]string{"majority", "twonodes"}, v(100, 100, 100, 100), "ab", false, true},
		{[]string{"majority", "twonodes"}, v(100, 100, 100), "a", false, true},
	} {
		q, err := NewQuorum(c.plugins...)
		if err != nil {
			t.Fatal(err)
		}
		in := func(n string) bool { return len(c.set) > 0 && n >= c.set[:1] && n <= c.set[len(c.set)-1:] }
		if got := q.Has(c.v, in); got != c.want || q.Meets(c.v) != c.meets {
			t.Errorf("%v %v of %v: %v meets %v; %s", c.plugins, c.set, c.v, got, q.Meets(c.v), q.Sentence(c.v, in))
		}
	}
	if _, err := NewQuorum("majority", "quorumd"); err == nil {
		t.Error("an unknown plug-in passes")
	}
}

// Two quorums always meet where Meets says so.
func TestQuorumsMeet(t *testing.T) {
	r := rand.New(rand.NewSource(time.Now().UnixNano()))
	for range 2000 {
		v := Voters{}
		n := 1 + r.Intn(6)
		for i := range n {
			v[string(rune('a'+i))] = Voter{Weight: r.Intn(4) * 50}
		}
		q, _ := NewQuorum("majority", "twonodes")
		has := func(set int) bool { return q.Has(v, func(name string) bool { return set>>(name[0]-'a')&1 == 1 }) }
		for x := range 1 << n {
			for y := range 1 << n {
				if x&y == 0 && has(x) && has(y) && q.Meets(v) {
					t.Fatalf("%v: %b and %b both have quorum", v, x, y)
				}
				if x&^y == 0 && has(x) && !has(y) {
					t.Fatalf("%v: %b has quorum, the larger %b has not", v, x, y)
				}
			}
		}
	}
}

// Thirty nodes form a view, lose some, and take them back.
func TestThirtyNodes(t *testing.T) {
	s := newSim(1, 30, 0, false)
	s.manual = true
	s.start().run(s.now + 500*msec)
	if v := s.nodes[0].m.view; !v.Quorum || len(v.Members) != 30 {
		t.Fatal(s.story(t))
	}
	at := s.now
	for _, x := range s.nodes[3:8] {
		x.up = false
	}
	for s.now < at+2000*msec && len(s.nodes[0].m.view.Members) != 25 {
		s.run(s.now + msec)
	}
	if d := time.Duration(s.now - at); d > s.t.Deadtime+s.t.Beat {
		t.Errorf("the view without five nodes took %v", d)
	}
	for _, x := range s.nodes[3:8] {
		x.boot(true)
	}
	s.run(s.now + 300*msec)
	for _, x := range s.nodes {
		if v := x.m.view; !v.Quorum || len(v.Members) != 30 {
			t.Fatal(s.story(t))
		}
	}
	t.Logf("%d views", s.opens)
}

// One event at a node of 32.
func BenchmarkBeatOf32(b *testing.B) {
	rows := make([]uint64, 32)
	for i := range rows {
		rows[i] = 1<<32 - 1
	}
	m := bare(b, rows)
	v := m.seedVoters()
	for n := range v {
		v[n] = Voter{Weight: 100, Disk: "d"}
	}
	m.rep.meta.Voters = v
	m.stamped = Ballot{1, "node05"}
	m.bind(m.stamped, m.members(1<<32-1))
	m.install(m.stamped)
	names := m.list(1<<32 - 1)
	for i := range b.N {
		now := int64(i) * 1000
		m.Step(now, Input{From: "node05", Incarnation: 1, At: now, Msg: &Beat{Sent: int64(i) + 1, Row: names, Disk: "d", Promised: m.promised, Stamped: m.stamped}})
		m.Ready()
		m.Next()
	}
}
