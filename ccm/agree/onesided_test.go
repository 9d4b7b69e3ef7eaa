package agree

import (
	"fmt"
	"strings"
	"testing"
)

// Two of three nodes are up, and a cut between them is over at about deadtime: one
// may have given the other up, which has not, as each counts from the last beat it
// heard. If it is the arbiter that was alone it takes the same view up again, for it
// may not propose another; a node says that it needs a new view, and proposes it.
func TestDeathThatOneSideAloneSaw(t *testing.T) {
	for _, arbiter := range []bool{false, true} {
		t.Run(fmt.Sprintf("arbiter=%v", arbiter), func(t *testing.T) {
			same, anew, told := 0, 0, 0
			for ms := int64(200); ms <= 320; ms += 4 {
				s := newSim(1, 3, 0, false)
				s.manual = true
				if arbiter {
					s.arbiters = []string{"c"}
				}
				s.start().run(s.now + 1000*msec)
				a, c := s.node("a"), s.node("c")
				s.node("b").up = false
				s.run(s.now + 2000*msec)
				view, opens := a.m.inst, s.opens
				if v := c.m.View(); !v.Quorum || v.Ballot != view || len(v.Members) != 2 {
					t.Fatalf("c begins with %v\n%s", v, s.story(t))
				}
				alone, waits := false, false
				s.listen = func(n *simNode, e Event) {
					v, ok := e.(ViewEvent)
					if !ok || n != c || v.View.Event != EventInvalid {
						return
					}
					alone = true
					waits = waits || strings.Contains(v.View.Reason, fmt.Sprintf("a member of view %v, whose DC is a", view))
					if a.m.inst == view && strings.Contains(v.View.Reason, "without this node") {
						t.Errorf("cut for %d ms: c is a member of view %v and says: %s", ms, view, v.View.Reason)
					}
				}
				s.cutBoth("a", "c", true)
				s.run(s.now + ms*msec)
				s.heal()
				s.run(s.now + 2000*msec)
				if s.viol != "" {
					t.Fatalf("cut for %d ms: %s\n%s", ms, s.viol, s.story(t))
				}
				for _, n := range []*simNode{a, c} {
					if v := n.m.View(); !v.Quorum || len(v.Members) != 2 || v.Ballot != a.m.inst {
						t.Errorf("cut for %d ms: %s stays in the view %v %s: %s\n%s", ms, n.name, v.Ballot, v.Event, v.Reason, s.story(t))
					}
				}
				switch {
				case alone && s.opens == opens:
					same++
				case alone:
					anew++
				}
				if waits {
					told++
				}
			}
			t.Logf("alone for a while, and then in the same view %d times, in a new one %d times; it told %d times that it waits for one", same, anew, told)
			if arbiter && (same == 0 || told > 0) || !arbiter && (same > 0 || told == 0) || anew == 0 {
				t.Errorf("same view %d times, new one %d times, told %d times", same, anew, told)
			}
		})
	}
}
