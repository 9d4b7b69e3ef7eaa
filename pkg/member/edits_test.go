package member

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/cib"
)

// testHost notes what the edits want.
type testHost struct {
	proposed, sent []string
	done           []func(error)
}

func (h *testHost) Propose(id string, _ []byte, done func(error)) {
	h.proposed, h.done = append(h.proposed, id), append(h.done, done)
}

func (h *testHost) SendEdit(to string, payload []byte) {
	h.sent = append(h.sent, to+" "+string(payload))
}

// Two requests with one id get one outcome, and only from the DC they went to.
func TestEditsWithOneID(t *testing.T) {
	e := NewEdits("n1", &testHost{})
	e.View(time.Unix(1, 0), ccm.View{Quorum: true, DC: "n2"})
	var got []string
	for _, who := range []string{"a", "b"} {
		e.Edit(time.Unix(1, 0), "id", []byte("x"), func(int, string) { got = append(got, who) })
	}
	done, _ := json.Marshal(&editMessage{ID: "id", Done: true})
	if err := e.Message("n3", done); err != nil || len(got) != 0 {
		t.Fatalf("%v were answered by a node that is not the DC (%v)", got, err)
	}
	if err := e.Message("n2", done); err != nil || len(got) != 2 {
		t.Fatalf("answered: %v, want both (%v)", got, err)
	}
	if e.Waiting() != 0 {
		t.Fatalf("%d still waiting", e.Waiting())
	}
	if err := e.Message("n2", []byte("{")); err == nil {
		t.Error("half a message is taken")
	}
}

// An edit waits while the membership changes, is answered when its DC has gone,
// and when that is silent for too long.
func TestEditsFollowTheView(t *testing.T) {
	h := &testHost{}
	e := NewEdits("n1", h)
	now := time.Unix(1, 0)
	codes := map[string]int{}
	ask := func(id string) { e.Edit(now, id, nil, func(code int, _ string) { codes[id] = code }) }
	e.View(now, ccm.View{Event: agree.EventNotPrimary})
	ask("flux")
	e.View(now, ccm.View{Quorum: true, DC: "n1"})
	if len(h.proposed) != 1 {
		t.Fatal("what was held is not proposed by the DC")
	}
	h.done[0](nil)
	e.View(now, ccm.View{Quorum: true, DC: "n2"})
	ask("gone")
	e.View(now, ccm.View{Quorum: true, DC: "n3"})
	ask("silent")
	e.Tick(now.Add(EditTimeout + time.Second))
	e.View(now, ccm.View{Event: agree.EventInvalid})
	ask("none")
	for id, want := range map[string]int{"flux": 0, "gone": 124, "silent": 124, "none": 107} {
		if got, answered := codes[id]; !answered || got != want {
			t.Errorf("%s: code %d, answered %v, want %d", id, got, answered, want)
		}
	}
}

func TestGateForgetsOtherViews(t *testing.T) {
	g := new(Gate)
	old, now := ccm.Instance{Number: 1}, ccm.Instance{Number: 2}
	g.Allow("a", old)
	g.Allow("b", now)
	g.Prune(now)
	if g.Len() != 1 || g.Take("a") != (ccm.Instance{}) || g.Take("b") != now || g.Len() != 0 {
		t.Fatalf("kept %v", g.views)
	}
}

// A change that no node can apply is refused, whatever it looks like.
func TestReplicaSurvivesAnyChange(t *testing.T) {
	r := NewReplica(func() {})
	for _, op := range []cib.Op{
		{}, {Verb: cib.VerbReplace}, {Verb: cib.VerbCreate, Scope: "nodes"}, {Verb: cib.VerbModify},
		{Verb: cib.VerbDelete}, {Verb: cib.VerbReplace, XML: cib.New("x"), Unchecked: true},
		{Verb: cib.VerbReplace, Scope: "resources", XML: cib.New("x"), Unchecked: true},
		{Verb: cib.VerbDelete, XPath: "//["}, {Verb: cib.VerbReplace, XPath: "/cib", XML: cib.New("x"), Unchecked: true},
		{Verb: cib.VerbDelete, XPath: "/cib", Unchecked: true}, {Verb: cib.VerbDelete, XPath: "//configuration", Unchecked: true},
	} {
		err := r.Apply(1, cib.EncodeOp(op))
		if root := r.Root(); root == nil || root.Name != "cib" || root.First("configuration") == nil {
			t.Fatalf("%+v (error %v) left %s", op, err, cib.PrintCompact(root))
		}
	}
}

// Stopping begins once at the end of the lease, with a deadline before the
// guard's, and again when something is still there.
func TestLeaseEnd(t *testing.T) {
	start := time.Unix(1000, 0)
	sec := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	l := LeaseEnd{StopBound: 10 * time.Second, Deadtime: 30 * time.Second, Started: start}
	over := ccm.LeaseState{Stop: sec(100), Release: sec(110)}
	yes := func() bool { return true }
	for i, c := range []struct {
		now      int
		lease    ccm.LeaseState
		policy   string
		active   func() bool
		want     bool
		deadline int
		first    bool
	}{
		{10, ccm.LeaseState{}, "", yes, false, 0, false}, // never held, still early
		{40, ccm.LeaseState{Valid: true}, "", yes, false, 0, false},
		{100, over, "freeze", yes, false, 0, false},
		{100, over, "", func() bool { return false }, false, 0, false},
		{101, over, "", yes, true, 108, true},
		{109, over, "", yes, false, 0, false},  // being stopped
		{119, over, "", yes, true, 129, false}, // something is left
		{120, ccm.LeaseState{Valid: true}, "", yes, false, 0, false},
		{121, over, "", yes, true, 131, true},
	} {
		got, ok := l.Decide(sec(c.now), c.lease, c.policy, c.active)
		if ok != c.want || ok && (got.First != c.first || !got.Deadline.Equal(sec(c.deadline))) {
			t.Errorf("%d: %v %+v", i, ok, got)
		}
	}
}
