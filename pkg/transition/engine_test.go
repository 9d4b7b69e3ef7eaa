package transition

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quorate/quorate/pengine"
)

func act(id int, kind pengine.ActionKind, inputs ...int) *pengine.GraphAction {
	return &pengine.GraphAction{ID: id, Kind: kind, Inputs: inputs}
}

func ids(as []*pengine.GraphAction) string {
	s := ""
	for _, a := range as {
		s += fmt.Sprintf("%d ", a.ID)
	}
	return s
}

func TestOrderAndPseudo(t *testing.T) {
	e := New(&pengine.Graph{Actions: []*pengine.GraphAction{
		act(1, pengine.RscOp), act(2, pengine.PseudoEvent, 1), act(3, pengine.RscOp, 2),
	}}, 0)
	if got := ids(e.Fire()); got != "1 " {
		t.Fatalf("first: %q", got)
	}
	if e.Over() {
		t.Fatal("over while 1 runs")
	}
	e.Confirm(1, true)
	if got := ids(e.Fire()); got != "2 3 " {
		t.Fatalf("after 1: %q", got)
	}
	if !e.Confirm(3, true) || e.Confirm(3, true) {
		t.Fatal("an action is confirmed exactly once")
	}
	if !e.Over() || !e.Complete() {
		t.Fatal("not complete")
	}
}

func TestFailureStopsDependants(t *testing.T) {
	e := New(&pengine.Graph{Actions: []*pengine.GraphAction{
		act(1, pengine.RscOp), act(2, pengine.RscOp, 1), act(3, pengine.RscOp),
	}}, 0)
	e.Fire()
	e.Confirm(1, false)
	if got := ids(e.Fire()); got != "" {
		t.Fatalf("fired %q after a failure", got)
	}
	e.Confirm(3, true)
	if !e.Over() || e.Complete() {
		t.Fatal("want over and incomplete")
	}
}

func TestAbortKeepsHigherPriority(t *testing.T) {
	a := act(2, pengine.RscOp, 1)
	a.Priority = pengine.Infinity
	e := New(&pengine.Graph{Actions: []*pengine.GraphAction{act(1, pengine.RscOp), a, act(3, pengine.RscOp, 1)}}, 0)
	e.Fire()
	e.Abort(1000, "attribute changed")
	e.Confirm(1, true)
	if got := ids(e.Fire()); got != "2 " {
		t.Fatalf("after the abort: %q", got)
	}
}

// Random graphs: no action fires before its inputs, never more than the limit
// run, everything completes.
func TestRandomGraphs(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		n, limit := 1+r.IntN(40), r.IntN(4)
		g := &pengine.Graph{}
		for i := range n {
			a := act(i, pengine.ActionKind(r.IntN(2)))
			for j := range i {
				if r.IntN(4) == 0 {
					a.Inputs = append(a.Inputs, j)
				}
			}
			g.Actions = append(g.Actions, a)
		}
		e, confirmed, running := New(g, limit), map[int]bool{}, []int{}
		for {
			for _, a := range e.Fire() {
				for _, in := range a.Inputs {
					if !confirmed[in] {
						t.Fatalf("seed %d: %d fired before %d", seed, a.ID, in)
					}
				}
				if a.Kind == pengine.PseudoEvent {
					confirmed[a.ID] = true
				} else {
					running = append(running, a.ID)
				}
			}
			if limit > 0 && len(running) > limit {
				t.Fatalf("seed %d: %d run, limit %d", seed, len(running), limit)
			}
			if len(running) == 0 {
				break
			}
			k := r.IntN(len(running))
			id := running[k]
			running = append(running[:k], running[k+1:]...)
			confirmed[id] = true
			e.Confirm(id, true)
		}
		if !e.Over() || !e.Complete() {
			t.Fatalf("seed %d: %v", seed, e)
		}
	}
}

// No node takes part in more migrations at a time than migration-limit says.
func TestMigrationLimit(t *testing.T) {
	g := &pengine.Graph{}
	for i, target := range []string{"b", "b", "c", "d"} {
		a := act(i+1, pengine.RscOp)
		a.Operation, a.Node = "migrate_to", "a"
		if target == "d" { // between others
			a.Node = "e"
		}
		a.Params = append(a.Params, pengine.Param{Name: "CRM_meta_migrate_source", Value: a.Node}, pengine.Param{Name: "CRM_meta_migrate_target", Value: target})
		g.Actions = append(g.Actions, a)
	}
	for limit, want := range map[int]string{1: "1 4 ", 2: "1 2 4 ", -1: "1 2 3 4 "} {
		e := New(g, 0)
		e.LimitMigrations(limit)
		if got := ids(e.Fire()); got != want {
			t.Errorf("limit %d: %q, want %q", limit, got, want)
		}
		if limit == 1 {
			e.Confirm(1, true)
			if got := ids(e.Fire()); got != "2 " {
				t.Errorf("after the first: %q", got)
			}
		}
	}
}
