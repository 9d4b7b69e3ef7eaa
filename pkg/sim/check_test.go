package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/controller"
	"github.com/quorate/quorate/pkg/member"
)

// onlyOn is the node where a resource is active, and otherThan another one.
func onlyOn(t *testing.T, s *sim, resource string) (on, otherThan *node) {
	t.Helper()
	owners, _ := s.checks.owners(s.rsc[resource])
	if len(owners) != 1 {
		t.Fatalf("%s is active on %d nodes", resource, len(owners))
	}
	i := slices.Index(s.nodes, owners[0])
	return owners[0], s.nodes[(i+1)%len(s.nodes)]
}

// tamper changes the configuration of one node behind the back of the others.
func tamper(t *testing.T, d *daemon) {
	t.Helper()
	change := member.Sign(option("tampered", "yes"), epoch, "nobody")
	if err := d.app.rep.Apply(d.m.Inspect().Seq+1, change); err != nil {
		t.Fatal(err)
	}
}

// Every invariant is checked: each of them is violated here behind the back of the
// cluster, in the middle of a run in which nothing else happens, and named.
func TestEachInvariantIsChecked(t *testing.T) {
	const at = 30 * time.Second
	later := at + time.Minute + 4*defaultDeadtime + 3*time.Minute // after the faults, in the calm
	for _, c := range []struct {
		name, rule, says string
		when             time.Duration
		do               func(t *testing.T, s *sim)
	}{
		{"nothing", "", "", at, func(*testing.T, *sim) {}},
		{"a ballot opens with two sets", "I1", "ballot 1/n1 opened with", at, func(t *testing.T, s *sim) {
			d := s.nodes[1].d
			s.checks.opened(d, agree.OpenedEvent{Ballot: d.m.Inspect().Installed, Members: []agree.Member{{Name: "n2", Incarnation: d.inc}}})
		}},
		{"two states of one number", "I2", "two states with the stamp", at, func(t *testing.T, s *sim) {
			d := s.nodes[1].d
			tamper(t, d)
			st := d.m.Inspect().Stamped
			s.checks.stored(d, &agree.Write{Stamp: &st})
		}},
		{"a promise falls", "I3", "the promise of n2 falls", at, func(t *testing.T, s *sim) {
			s.nodes[1].disk.write(&agree.Write{Promise: &agree.PromiseWrite{Ballot: agree.Ballot{Number: 0, Proposer: "n1"}}})
		}},
		{"a stamp above the promise", "I3", "the stamp of n2 goes", at, func(t *testing.T, s *sim) {
			s.nodes[1].disk.write(&agree.Write{Stamp: &agree.Ballot{Number: 99, Proposer: "n1"}})
		}},
		{"a view without a committed change", "I4", "opens without the committed change", at, func(t *testing.T, s *sim) {
			for _, n := range s.nodes {
				n.d.app.log = nil
			}
			s.nodes[2].crash() // so that another view opens
		}},
		{"two histories", "I4", "two histories are committed", at, func(t *testing.T, s *sim) {
			d := s.nodes[0].d
			d.app.log = slices.Clone(d.app.log)
			d.app.log[0].id++
			s.checks.committed(d, d.m.Inspect().Installed, d.m.Inspect().Seq)
		}},
		{"an answered change is lost", "I4", "acknowledged to its client", at, func(t *testing.T, s *sim) { s.checks.acked[42] = true }},
		{"a command below the promise", "I5", "after promising", at, func(t *testing.T, s *sim) {
			s.checks.gated(s.nodes[1].d, &lrm.Op{Resource: "ip", Name: "start"}, ccm.Instance{Number: 0, Proposer: "n3"})
		}},
		{"a command twice", "I5", "executes ip_start_0 (k) twice", at, func(t *testing.T, s *sim) {
			e := &controller.Execute{Op: lrm.Op{Resource: "ip", Name: "start", TransitionKey: "k"}}
			s.nodes[1].d.checkCommand(e)
			s.nodes[1].d.checkCommand(e)
		}},
		{"a start beside one that runs", "I6", "begins to start", at, func(t *testing.T, s *sim) {
			_, other := onlyOn(t, s, "ip")
			s.checks.starting(other.res["ip"], "start")
		}},
		{"two owners", "I7", "ip is active on", at, func(t *testing.T, s *sim) {
			_, other := onlyOn(t, s, "ip")
			other.res["ip"].set(true)
		}},
		{"two owners after a thaw", "I7", "ip is active on", at, func(t *testing.T, s *sim) {
			_, other := onlyOn(t, s, "ip")
			other.frozen = s.now + 1
			other.res["ip"].set(true)
			s.at(1, other.wake)
		}},
		{"not whole", "I8", "not whole", at + time.Minute, func(t *testing.T, s *sim) { s.at(int64(time.Second), func() { s.net.cut(s.nodes[0], s.nodes[1]) }) }},
		{"a resource does not come back", "I8", "ip is active on 0 nodes", at, func(t *testing.T, s *sim) {
			for _, n := range s.nodes {
				n.faults[agentFault{"ip", "fails", "start"}] = 1 << 62
			}
			on, _ := onlyOn(t, s, "ip")
			on.res["ip"].set(false)
			s.checks.excuse("", time.Hour)
			s.at(int64(time.Minute)+1, func() {
				for _, n := range s.nodes {
					n.faults[agentFault{"ip", "fails", "start"}] = 1 << 62
				}
			})
		}},
		{"views in the calm", "I8", "although nothing fails", later, func(t *testing.T, s *sim) { s.nodes[2].kill("a mistake kills it"); s.nodes[2].restart() }},
		{"starts in the calm", "I8", "more starts although nothing fails", later, func(t *testing.T, s *sim) {
			on, _ := onlyOn(t, s, "db")
			on.res["db"].set(false)
			on.res["db"].set(true)
		}},
		{"members differ", "equal", "the configurations of n1 and n2 differ", later, func(t *testing.T, s *sim) { tamper(t, s.nodes[1].d) }},
		{"members hold other changes", "equal", "hold different changes", later, func(t *testing.T, s *sim) { s.nodes[1].d.app.log = s.nodes[1].d.app.log[1:] }},
		{"a move that no rule asks for", "move", "although nothing failed", 10 * time.Minute, func(t *testing.T, s *sim) {
			on, _ := onlyOn(t, s, "db")
			s.checks.excuses = map[int]int64{}
			on.d.checkCommand(&controller.Execute{Op: lrm.Op{Resource: "db", Name: "stop", TransitionKey: "m"}})
		}},
		{"a member of a group out of order", "order", "which it needs, was stopped at the end of the lease", at, func(t *testing.T, s *sim) {
			on, _ := onlyOn(t, s, "web-fs")
			on.res["web-ip"].set(false)
			on.res["web-ip"].released = true
			s.checks.starting(on.res["web-fs"], "start")
		}},
		{"a disk that is no start", "start", "n2 cannot start from its own disk", at, func(t *testing.T, s *sim) {
			s.nodes[1].disk.st.Promised = agree.Ballot{}
			s.nodes[1].kill("its disk is spoilt")
			s.nodes[1].restart()
		}},
		{"a panic", "panic", "index out of range", at, func(t *testing.T, s *sim) { _ = s.nodes[len(s.nodes)+int(s.now&1)-int(s.now&1)] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := NewScenario(3, at+time.Minute)
			sc.Settle = true
			if c.when == 10*time.Minute {
				sc.Length = 20 * time.Minute
			}
			s, err := newSim(sc, Options{Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			s.at(int64(c.when), func() { c.do(t, s) })
			s.play()
			v := s.stats.Violation
			switch {
			case c.rule == "" && v != nil:
				t.Error(v)
			case c.rule == "":
			case v == nil:
				t.Error("nothing was noticed")
			case v.Rule != c.rule || !strings.Contains(v.Text, c.says):
				t.Errorf("%v; want %s: %s", v, c.rule, c.says)
			}
		})
	}
}

// Plain twonodes: a full cut makes two owners; the time is counted, and it ends.
func TestDoubleOwnershipIsCounted(t *testing.T) {
	sc, err := Parse([]byte("nodes 2\nat 60s isolate n1 for 60s\nsettle at 5m"), "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(sc, Options{Seed: 1})
	if err != nil || r.Violation != nil {
		t.Fatal(err, r.Violation)
	}
	if r.Doubles == 0 || r.Double < 30*time.Second || !strings.Contains(r.Summary(), "two owners, as the quorum rule allows") {
		t.Errorf("two owners %d times for %v", r.Doubles, r.Double)
	}
}

// needsAdmin against trying every set of machines: it excuses exactly the clusters
// of which no set could agree.
func TestExcuseIsExact(t *testing.T) {
	excused, not := 0, 0
	for seed := uint64(1); seed <= 60; seed++ {
		r := newRNG(seed, 99)
		sc := NewScenario(3+int(seed%3), 10*time.Minute)
		Vary(sc, seed)
		s, err := newSim(sc, Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		for at := 60 * time.Second; at < sc.Length; at += time.Duration(r.between(1e9, 40e9)) {
			s.at(int64(at), func() {
				n := s.nodes[r.below(int64(len(s.nodes)))]
				switch r.below(3) {
				case 0: // whether or not it may be lost
					if n.up && !n.out {
						n.crash()
						n.disk.lose()
						n.bootAfter(time.Second)
					}
				case 1:
					s.askVoter(agree.VoterChange{Name: n.name, Weight: int(50 * r.between(1, 6)), Arbiter: n.arbiter}, nil)
				default:
					s.net.cut(n, s.nodes[(n.id+1)%len(s.nodes)])
					s.at(r.between(1e9, 30e9), func() { s.net.mend(n, s.nodes[(n.id+1)%len(s.nodes)]) })
				}
			})
			s.at(int64(at)+5e9, func() {
				got, want := s.needsAdmin() != "", noSetAgrees(s)
				if slices.ContainsFunc(s.nodes, func(n *node) bool { return !n.out && (n.d == nil || n.d.m.Inspect().Diverged) }) {
					want = false // more may come
				}
				if got != want {
					t.Errorf("seed %d at %s: excused %v, but that no set could agree is %v", seed, seconds(time.Duration(s.now)), got, want)
				}
				if got {
					excused++
				} else {
					not++
				}
			})
		}
		s.play()
		if v := s.stats.Violation; v != nil && v.Rule != "I8" && v.Rule != "I4" && v.Rule != "equal" { // disks were lost beyond what is promised
			t.Errorf("seed %d: %v", seed, v)
		}
	}
	if excused < 20 || not < 200 {
		t.Errorf("%d states were excused and %d not: too few to tell", excused, not)
	}
}

// noSetAgrees tries all sets of machines that hold a state.
func noSetAgrees(s *sim) bool {
	var all []*node
	for _, n := range s.nodes {
		if !n.out && n.d != nil && !n.d.m.Inspect().Diverged {
			all = append(all, n)
		}
	}
	blank := true
	for set := 1; set < 1<<len(all); set++ {
		var best agree.Inspection
		in := map[string]string{} // stores by name
		for i, n := range all {
			if set>>i&1 == 0 {
				continue
			}
			in[n.name] = n.disk.id
			x := n.d.m.Inspect()
			if c := best.Stamped.Compare(x.Stamped); c < 0 || c == 0 && best.Seq < x.Seq {
				best = x
			}
		}
		if best.Stamped.IsZero() {
			continue
		}
		blank = false
		ok := true
		for _, v := range []agree.Voters{best.Voters, best.Prior} {
			ok = ok && (v == nil || s.quorum.Has(v, func(n string) bool { return in[n] != "" && in[n] == v[n].Disk }))
		}
		if ok {
			return false
		}
	}
	return !blank
}
