package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/lrm"
)

const pairCIB = `<group id="web"><primitive id="fs" class="ocf" provider="heartbeat" type="Filesystem"/>` +
	`<primitive id="httpd" class="ocf" provider="heartbeat" type="apache"/></group></resources>`

// At the end of its lease a node stops what it runs, users first. Its DC hears of
// the first stop and commands that resource again, before it hears of the next: by
// then the node has let go of what the resource needs.
func TestStartOlderThanTheNodesOwnStops(t *testing.T) {
	t.Run("late", func(t *testing.T) { testOwnStops(t, false) })
	t.Run("lost", func(t *testing.T) { testOwnStops(t, true) })
}

func testOwnStops(t *testing.T, lost bool) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.configure("</resources>", pairCIB, "</constraints>", `<rsc_location id="l2" rsc="web" node="n1" score="200"/></constraints>`)
	w.pass(2 * time.Second)
	w.want("fs", "n1")
	w.want("httpd", "n1")
	n, dc := w.nodes["n1"], w.nodes["n2"]
	began := len(w.starts)

	ownStop := func(rsc string) (report []byte) {
		op := n.ops[rsc+"_start_0"]
		op.Name, op.TransitionKey = "stop", ""
		delete(n.running, rsc)
		n.calls++
		n.m.Result(w.now, &lrm.Result{Op: op, CallID: n.calls, Status: lrm.Done, LastRun: w.now, LastRCChange: w.now})
		for _, e := range n.m.Effects() {
			if s, ok := e.(Send); ok && s.To == "n2" {
				report = s.Payload()
			} else {
				w.effect(n, e)
			}
		}
		if report == nil {
			t.Fatal("the stop was not reported")
		}
		return report
	}
	first, second := ownStop("httpd"), ownStop("fs")
	deliver := func(report []byte) {
		if err := dc.m.Message(w.now, "n1", report); err != nil {
			t.Error(err)
		}
	}
	commands := func() (n int) {
		for _, l := range w.log {
			if strings.Contains(l, "Initiating action") && strings.Contains(l, "httpd_start_0 on n1") {
				n++
			}
		}
		return n
	}
	before := commands()
	// The second report is on its way when the DC commands.
	var next func(hops int)
	next = func(hops int) {
		switch {
		case commands() > before:
			deliver(second)
		case hops > 0:
			w.queue = append(w.queue, func() { next(hops - 1) })
		default:
			t.Error("no command after the first report")
		}
	}
	w.queue = append(w.queue, func() {
		deliver(first)
		if !lost {
			next(50)
		}
	})
	w.pass(3 * time.Second)
	if !w.logged("before the DC knew of all stops") {
		t.Error("the early command was not given, or not refused")
	}
	w.want("fs", "n1")
	w.want("httpd", "n1")
	if got := w.starts[began:]; len(got) != 2 || got[0] != "fs n1" || got[1] != "httpd n1" {
		t.Errorf("started: %v", got)
	}
}
