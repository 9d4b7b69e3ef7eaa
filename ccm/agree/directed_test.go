package agree

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Directed schedules: the counterexamples behind single rules. Each is run as
// the rules are, where nothing may be violated, and with the rule left out,
// where the invariant must break.

// directed makes n nodes without faults, forms the first view, and stops the
// simulation's own client and manager.
func directed(t *testing.T, n int, plant Plant) *sim {
	t.Helper()
	s := newSim(1, n, plant, false)
	s.manual = true
	s.trace = *traceFlag
	s.start().run(s.now + 1000*msec)
	if s.opens == 0 {
		t.Fatal("no view:\n" + s.story(t))
	}
	return s
}

func (s *sim) cutBoth(a, b string, cut bool) {
	i, j := s.node(a).id, s.node(b).id
	s.cut[i][j], s.cut[j][i] = cut, cut
}

// proposeNow makes a node propose these members.
func (s *sim) proposeNow(name string, members ...string) {
	n := s.node(name)
	n.m.advance(n.local())
	n.m.propose(n.m.members(n.m.mask(members)))
	n.m.settle()
	n.pump()
}

// change proposes a number on the DC.
func (s *sim) change(dc string, id uint64) {
	n := s.node(dc)
	n.token++
	n.m.Propose(n.local(), n.token, fmt.Sprint("req-", id), binary.BigEndian.AppendUint64(nil, id))
	n.pump()
}

// startOn commands a start of the resource, with a certificate.
func (s *sim) startOn(dc, node string) {
	n := s.node(dc)
	d := &simDC{b: n.m.joined, members: []Member{{Name: node}}, owner: map[string]bool{}, reported: map[string]bool{}}
	n.token++
	d.cert = n.token
	n.dc = d
	n.m.Certify(n.local(), n.token, d.b)
	n.pump()
}

func (s *sim) dcName() string { return s.maxOpen.Proposer }

var schedules = []struct {
	name  string
	plant Plant
	run   func(t *testing.T, s *sim)
}{
	// Why 2: c has promised 8 but still acknowledges a change of 7.
	{"nobind", PlantNoBind | PlantAnyTarget, func(t *testing.T, s *sim) {
		s.hook = func(from, to *simNode, msg Message) (int64, bool) {
			if _, ok := msg.(*Changes); ok {
				return 30 * msec, to.name == "b" // b never hears of it, c late
			}
			if _, ok := msg.(*Sync); ok {
				return 60 * msec, false
			}
			return 0, false
		}
		s.change("a", 71)
		s.run(s.now + 5*msec)
		s.cutBoth("a", "b", true)
		s.proposeNow("b", "b", "c")
		s.run(s.now + 200*msec)
	}},
	// Why 1: the newest state is the one last stamped, not the longest one.
	{"nostamp", PlantNoStamp, func(t *testing.T, s *sim) {
		// a writes much that nobody hears; b and c go on and commit one change.
		s.hook = func(from, to *simNode, msg Message) (int64, bool) { return 0, from.name == "a" || to.name == "a" }
		for i := range uint64(5) {
			s.change("a", 80+i)
		}
		s.run(s.now + 1000*msec)
		s.change(s.dcName(), 90)
		s.run(s.now + 100*msec)
		if !slices.Contains(s.committed, 90) {
			t.Fatal("the change of b and c is not committed")
		}
		s.hook = nil
		s.run(s.now + 1000*msec)
	}},
	// A repeated SYNC must not undo what was acknowledged after it.
	{"dupsync", PlantDupSync, func(t *testing.T, s *sim) {
		var again Message
		s.hook = func(from, to *simNode, msg Message) (int64, bool) {
			if x, ok := msg.(*Sync); ok && to.name == "b" {
				again = x
			}
			return 0, false
		}
		s.proposeNow("a", "a", "b", "c")
		s.run(s.now + 50*msec)
		s.hook = func(from, to *simNode, msg Message) (int64, bool) {
			_, ok := msg.(*Changes)
			return 0, ok && to.name == "c"
		}
		s.change("a", 71)
		s.run(s.now + 20*msec)
		if !slices.Contains(s.committed, 71) || again == nil {
			t.Fatal("the change is not committed")
		}
		whole := *again.(*Sync)
		whole.Same = false
		if whole.Snapshot.App == nil {
			whole.Snapshot.App = []byte{}
		}
		s.deliver("a", s.node("a").inc, s.node("b"), Encode(7, &whole), nil)
		s.hook = func(from, to *simNode, msg Message) (int64, bool) { return 0, from.name == "a" || to.name == "a" }
		s.run(s.now + 1000*msec)
	}},
	// Why 4: a promised {a, b} while c waits for b to expire; b's lease revives.
	{"nocert", PlantNoCert | PlantAnyTarget, func(t *testing.T, s *sim) {
		s.cutBoth("c", "b", true)
		s.proposeNow("c", "a", "c")
		s.run(s.now + 200*msec)
		s.cutBoth("a", "c", true)
		s.proposeNow("b", "a", "b")
		s.run(s.now + 70*msec) // b is confirmed again, by a
		if err := s.node("b").m.MayStart(s.node("b").local(), s.node("b").m.inst); err != nil {
			t.Fatal(err)
		}
		s.node("b").begin(func(string) {})
		n := s.node("c")
		n.dc = &simDC{b: n.m.joined, members: []Member{{Name: "c"}}, owner: map[string]bool{}}
		n.token++
		n.dc.cert = n.token
		n.m.Certify(n.local(), n.token, n.m.joined)
		n.pump()
		s.run(s.now + 150*msec)
	}},
	// A node not seen since the start counts as lost at the start, not before.
	{"restartage", PlantRestartAge, func(t *testing.T, s *sim) {
		s.cutBoth("a", "b", true)
		s.cutBoth("a", "c", true)
		s.run(s.now + 1000*msec) // {b, c}
		v := s.node("c").m.view
		if !v.Quorum || len(v.Members) != 2 {
			t.Fatal("no view of b and c:\n" + s.story(t))
		}
		s.node("c").begin(func(string) {})
		s.run(s.now + 100*msec)
		s.cutBoth("b", "c", true)
		s.cutBoth("a", "b", false)
		s.node("b").up = false
		s.node("b").boot(false) // a quick restart of the daemon
		s.run(s.now + 100*msec)
		v = s.node("a").m.view
		if !v.Quorum {
			t.Fatal("no view of a and b:\n" + s.story(t))
		}
		s.run(s.now + 30*msec) // the members confirm one another
		s.startOn(v.DC, v.DC)
		s.run(s.now + 100*msec)
	}},
	// Rule 28: a DC that was frozen between certificate and command.
	{"nocheck", PlantNoCheck, func(t *testing.T, s *sim) {
		s.node("a").frozen = s.now + 600*msec
		s.run(s.now + 500*msec)
		v := s.node("b").m.view
		if !v.Quorum || len(v.Members) != 2 {
			t.Fatal("no view of b and c:\n" + s.story(t))
		}
		s.node("b").begin(func(string) {})
		// The old command reaches a as the first thing when it wakes.
		a := s.node("a")
		s.run(a.frozen - 1)
		a.onCmd("a", &simCmd{op: "start", b: a.m.joined, serial: 1})
		s.run(s.now + 100*msec)
	}},
}

func TestDirectedSchedules(t *testing.T) {
	for _, c := range schedules {
		t.Run(c.name, func(t *testing.T) {
			// Any target is promised, where the schedule needs it, once the
			// first view is formed.
			run := func(plant Plant) *sim {
				s := directed(t, 3, plant&^PlantAnyTarget)
				for _, x := range s.nodes {
					x.m.cfg.Plant = plant
				}
				c.run(t, s)
				return s
			}
			if s := run(c.plant & PlantAnyTarget); s.viol != "" {
				t.Errorf("with all rules: %s", s.viol)
			}
			s := run(c.plant)
			if s.viol == "" {
				t.Errorf("the violation is not found with the rule left out\n%s", s.story(t))
			} else {
				t.Log(s.viol)
			}
		})
	}
}

// A good-bye that comes twice, the second time after the next life has begun,
// concerns the former life only.
func TestLateGoodbyeOfAFormerLife(t *testing.T) {
	s := directed(t, 3, 0)
	c := s.node("c")
	old := c.inc
	c.m.Leave(c.local(), true)
	c.pump()
	s.run(s.now + 20*msec)
	if v := s.node("a").m.view; len(v.Members) != 2 || !c.m.LeaveDone() {
		t.Fatal("a planned stop is not known at once\n" + s.story(t))
	}
	c.up = false
	c.boot(false)
	s.run(s.now + 100*msec)
	for _, n := range []string{"a", "b"} {
		s.deliver("c", old, s.node(n), Encode(7, &Leaving{Released: true}), nil)
	}
	s.run(s.now + 500*msec)
	for _, n := range []string{"a", "b"} {
		p := s.node(n).m.peers["c"]
		if v := s.node(n).m.view; len(v.Members) != 3 || p.released || !p.alive {
			t.Errorf("%s: %+v %+v", n, v, p)
		}
	}
}

// A member that never acknowledges, though it beats, gets the whole state under
// a new ballot.
func TestMemberThatNeverAcknowledges(t *testing.T) {
	s := directed(t, 3, 0)
	before := s.opens
	s.hook = func(from, to *simNode, msg Message) (int64, bool) {
		_, ok := msg.(*Changes)
		return 0, ok && to.name == "c"
	}
	s.change("a", 7)
	s.run(s.now + 1000*msec)
	if !slices.Contains(s.committed, 7) || len(s.node("c").app.ids) != 0 {
		t.Fatal("two of three disks commit without the third\n" + s.story(t))
	}
	s.run(s.now + 1000*msec)
	if s.opens != before+1 || !slices.Contains(s.node("c").app.ids, 7) {
		t.Errorf("%d more views, c holds %v", s.opens-before, s.node("c").app.ids)
	}
}

// Rows whose names do not fit into a datagram travel as bits.
func TestLongNamesTravelAsBits(t *testing.T) {
	timing, err := NewTiming(TimingOptions{Keepalive: 200 * time.Millisecond, Deadtime: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	q, _ := NewQuorum()
	var names []string
	for i := range 32 {
		names = append(names, fmt.Sprintf("node%02d.%s", i, strings.Repeat("x", 60)))
	}
	machine := func(self string) *Machine {
		m, err := New(Config{Self: self, Nodes: names, Incarnation: 1, Disk: "d", Quorum: q, Timing: timing}, Stored{}, &logApp{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a, b := machine(names[0]), machine(names[1])
	for _, p := range a.order {
		p.alive = true
	}
	a.Tick(int64(timing.Beat))
	rd, _ := a.Ready()
	frame := Encode(7, rd.Messages[len(rd.Messages)-1].Msg)
	if len(frame) > 1200 {
		t.Errorf("a beat of %d bytes", len(frame))
	}
	msg, err := Decode(7, frame)
	if err != nil {
		t.Fatal(err)
	}
	b.Step(1000, Input{From: names[0], Incarnation: 1, At: 1000, Msg: msg})
	if got := b.peers[names[0]].row; got != 1<<32-1 {
		t.Errorf("row %b", got)
	}
}

// Nodes that list others than were agreed on do not count, and say so.
func TestAnotherListDoesNotCount(t *testing.T) {
	s := directed(t, 3, 0)
	s.unlisted = map[string]bool{"c": true}
	for _, x := range s.nodes {
		x.up = false
	}
	s.run(s.now + 100*msec)
	s.node("a").boot(false)
	s.node("b").boot(false)
	s.run(s.now + 2000*msec)
	want := "ha.cf of this node names other nodes, weights or arbiters than the cluster has agreed on (a, b, c)"
	if v := s.node("a").m.view; v.Quorum || !strings.Contains(v.Reason, want) {
		t.Fatal(s.story(t))
	}
	// One of them is put right: with c, whose list was always right, it counts.
	s.unlisted = nil
	s.node("a").up = false
	s.node("a").boot(false)
	s.node("c").boot(false)
	s.run(s.now + 2000*msec)
	if v := s.node("a").m.view; !v.Quorum || len(v.Members) != 3 {
		t.Fatal(s.story(t))
	}
	for _, e := range s.node("a").m.Electorate() {
		if e.Counts != (e.Name != "b") {
			t.Errorf("%+v", e)
		}
	}
}

// A voter that is no longer in ha.cf is never confirmed by the lives that do not
// know it; they can vouch for that since their start.
func TestVoterThatIsNotListedExpires(t *testing.T) {
	s := directed(t, 3, 0)
	s.unlisted, s.autojoin = map[string]bool{"c": true}, true
	for _, x := range s.nodes {
		x.up = false
	}
	s.run(s.now + 100*msec)
	at := s.now
	s.node("a").boot(false)
	s.node("b").boot(false)
	s.run(s.now + 100*msec)
	v := s.node("a").m.view
	if !v.Quorum || !slices.Equal(v.Lost, []string{"c"}) {
		t.Fatal(s.story(t))
	}
	var expired []string
	var when int64
	s.listen = func(n *simNode, e Event) {
		if e, ok := e.(CheckEvent); ok {
			expired, when = e.Expired, s.now
		}
	}
	n := s.node(v.DC)
	n.m.Certify(n.local(), 9, n.m.inst)
	n.pump()
	s.run(s.now + 1000*msec)
	if !slices.Equal(expired, []string{"c"}) || when-at < int64(s.t.Takeover)*98/100 || when-at > int64(s.t.Takeover)*11/10 {
		t.Errorf("expired %v after %d ms", expired, (when-at)/msec)
	}
}

// A DC that is stuck says so, and another member takes over.
func TestUnfitDCIsReplaced(t *testing.T) {
	s := directed(t, 3, 0)
	old := s.dcName()
	s.node(old).m.SetFit(s.node(old).local(), false)
	s.node(old).pump()
	s.run(s.now + 50*msec)
	for _, x := range s.nodes {
		if v := x.m.view; !v.Quorum || len(v.Members) != 3 || v.DC == old {
			t.Fatal(s.story(t))
		}
	}
	opens := s.opens
	// Nobody is fit: nothing changes any more.
	for _, x := range s.nodes {
		x.m.SetFit(x.local(), false)
		x.pump()
	}
	s.run(s.now + 1000*msec)
	if s.opens > opens+2 {
		t.Errorf("%d views while nobody is fit", s.opens-opens)
	}
}
