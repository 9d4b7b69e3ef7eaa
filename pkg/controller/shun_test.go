package controller

import (
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
)

// A member that never answers the join offer is left out of the view: after a
// while, and for longer each time; one that answers is not.
func TestMemberThatNeverAnswersTheJoinOffer(t *testing.T) {
	m := New(Config{Self: "n1", UUID: "u1"})
	now := time.Unix(1000, 0)
	var shunned []Shun
	step := func() {
		for more := true; more; {
			more = false
			for _, e := range m.Effects() {
				more = true
				switch e := e.(type) {
				case Send:
					if e.To == "n1" {
						if err := m.Message(now, "n1", e.Payload()); err != nil {
							t.Fatal(err)
						}
					}
				case Shun:
					shunned = append(shunned, e)
				}
			}
		}
	}
	view := func(number uint64) {
		m.View(now, ccm.View{Instance: ccm.Instance{Number: number, Proposer: "n1"}, Quorum: true, DC: "n1",
			Members: []ccm.Member{{Name: "n1", Incarnation: 1, BornOn: 1}, {Name: "n2", Incarnation: 1, BornOn: 1}}})
		step()
	}
	pass := func(d time.Duration) {
		for end := now.Add(d); now.Before(end); {
			now = now.Add(100 * time.Millisecond)
			m.Tick(now)
			step()
		}
	}
	view(1)
	pass(joinBound - time.Second)
	if len(shunned) > 0 {
		t.Fatalf("left out too soon: %v", shunned)
	}
	pass(3 * time.Second)
	view(3)
	pass(joinBound + 2*time.Second)
	want := []Shun{{"n2", shunFirst}, {"n2", 2 * shunFirst}}
	if len(shunned) != 2 || shunned[0] != want[0] || shunned[1] != want[1] {
		t.Fatalf("%v, want %v", shunned, want)
	}
	// The option for the time of the integration counts.
	root, err := cib.Parse([]byte(`<cib><configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="join-integration-timeout" value="2min"/></cluster_property_set></crm_config></configuration></cib>`), "test")
	if err != nil {
		t.Fatal(err)
	}
	m.Configuration(now, root)
	view(5)
	pass(2*time.Minute - time.Second)
	if len(shunned) != 2 {
		t.Fatalf("left out before its time: %v", shunned)
	}
	pass(3 * time.Second)
	if len(shunned) != 3 {
		t.Fatalf("not left out: %v", shunned)
	}
}
