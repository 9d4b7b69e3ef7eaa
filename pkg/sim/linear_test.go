package sim

import (
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/member"
)

var historiesFlag = flag.Int("histories", 0, "histories of TestLinearizable; 0: as many as CI has time for")

// How a conditional change ended for its client.
const (
	swapDone    = iota // it is made
	swapRefused        // the configuration was another one
	swapUnknown        // no answer, or one that says nothing
)

// swapModel is a register that holds the epoch of the configuration. A change
// made for epoch N that was done found N and left N+1; between two of our
// clients' changes the cluster may have made some of its own, so that the epoch
// only rises. What was refused changed nothing; what is unknown may have.
var swapModel = porcupine.NondeterministicModel{
	Init: func() []any { return []any{0} },
	Step: func(state, input, output any) []any {
		epoch, wants := state.(int), input.(int)
		switch {
		case output == swapRefused:
			return []any{epoch}
		case output == swapDone && wants >= epoch:
			return []any{wants + 1}
		case output == swapDone:
			return nil
		case wants >= epoch:
			return []any{epoch, wants + 1}
		}
		return []any{epoch}
	},
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("change made for epoch %v: %v", in, out) },
}

// swapper is a client that makes conditional changes one after the other, each
// through another node.
type swapper struct {
	s       *sim
	id, n   int
	history *[]porcupine.Operation
	open    int // index of the operation without an answer, or -1
}

// next makes a change and waits for its answer, or for so long that the client
// gives up.
func (w *swapper) next() {
	s := w.s
	if s.quiet {
		return
	}
	w.n++
	node := s.nodes[(w.id+w.n)%len(s.nodes)]
	again := func() { s.at(int64(w.s.sc.Keepalive)+int64(w.id)*1_000_003, w.next) }
	if node.d == nil || node.d.ctl == nil || node.frozen > s.now || node.hung > s.now {
		again()
		return
	}
	d := node.d
	epoch := cib.VersionOf(d.app.rep.Root()).Epoch
	op := option(fmt.Sprintf("swap-%d", w.id), fmt.Sprint(w.n))
	op.Expect = cib.VersionOf(d.app.rep.Root()).Configuration()
	change := member.Sign(op, node.clk.wall(s.now), node.name)
	at, number := len(*w.history), w.n
	*w.history = append(*w.history, porcupine.Operation{ClientId: w.id, Input: epoch, Call: s.now, Output: swapUnknown, Return: math.MaxInt64})
	w.open = at
	d.owner(func() {
		d.edits.Edit(d.now(), fmt.Sprintf("swap-%d-%d", w.id, w.n), change, func(code int, _ string) {
			h := &(*w.history)[at]
			switch code {
			case cli.ExitOK:
				h.Output, h.Return = swapDone, s.now
				s.checks.acked[changeID(change)] = true
			case cib.ExitCode(cib.ErrMoved):
				h.Output, h.Return = swapRefused, s.now
			}
			if w.open == at {
				w.open = -1
				again()
			}
		})
	})
	s.at(int64(2*s.sc.Deadtime), func() {
		if w.open == at && w.n == number { // its outcome stays unknown; a late answer still counts
			w.open = -1
			w.next()
		}
	})
}

// Changes that clients make under partitions, crashes and restarts have one
// order that each of them can have seen, and those that were acknowledged are
// there in the end. More: go test ./pkg/sim -run Linearizable -seed 1 -histories 200.
func TestLinearizable(t *testing.T) {
	runs := 40
	if *historiesFlag > 0 {
		runs = *historiesFlag
	}
	done, refused, unknown := 0, 0, 0
	for seed := *seedFlag; seed < *seedFlag+uint64(runs); seed++ {
		sc := NewScenario([]int{3, 5}[seed%2], 3*time.Minute)
		if err := Generate(sc, seed, 5*time.Second, []string{"crash", "restart", "freeze", "hang", "cut", "oneway", "isolate", "loss", "duplicate", "delay", "slowdisk", "torndisk"}); err != nil {
			t.Fatal(err)
		}
		s, err := newSim(sc, Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		var history []porcupine.Operation
		for i := range 4 {
			w := &swapper{s: s, id: i, history: &history, open: -1}
			s.at(int64(4*sc.Deadtime)+int64(i)*7_000_000, w.next)
		}
		s.play()
		if s.stats.Violation != nil {
			t.Errorf("seed %d: %v", seed, s.stats.Violation)
			continue
		}
		for _, o := range history {
			switch o.Output {
			case swapDone:
				done++
			case swapRefused:
				refused++
			default:
				unknown++
			}
		}
		if got := porcupine.CheckOperationsTimeout(swapModel.ToModel(), history, time.Minute); got != porcupine.Ok {
			t.Errorf("seed %d: the history of %d changes is %v", seed, len(history), got)
		}
	}
	t.Logf("%d histories: %d changes done, %d refused because the configuration was another one, %d unknown", runs, done, refused, unknown)
	if done == 0 || refused == 0 || unknown == 0 {
		t.Error("one of the outcomes did not occur")
	}
}

// The checker sees what must not be.
func TestLinearizableCanFail(t *testing.T) {
	op := func(client, wants, out int, call, ret int64) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Input: wants, Call: call, Output: out, Return: ret}
	}
	for _, c := range []struct {
		name string
		ok   bool
		list []porcupine.Operation
	}{
		{"two changes made of one epoch", false, []porcupine.Operation{op(0, 5, swapDone, 1, 4), op(1, 5, swapDone, 2, 3)}},
		{"a change made of an epoch that is over", false, []porcupine.Operation{op(0, 7, swapDone, 1, 2), op(1, 6, swapDone, 3, 4)}},
		{"at the same time", true, []porcupine.Operation{op(0, 7, swapDone, 1, 4), op(1, 6, swapDone, 2, 3)}},
		{"an unknown one was made", true, []porcupine.Operation{op(0, 5, swapUnknown, 1, math.MaxInt64), op(1, 6, swapDone, 3, 4)}},
		{"an unknown one was not made", true, []porcupine.Operation{op(0, 5, swapUnknown, 1, math.MaxInt64), op(1, 5, swapDone, 3, 4)}},
	} {
		if got := porcupine.CheckOperations(swapModel.ToModel(), c.list); got != c.ok {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
