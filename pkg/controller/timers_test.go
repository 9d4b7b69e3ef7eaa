package controller

import (
	"strings"
	"testing"
	"time"
)

// logLines counts the lines of the log that hold the text.
func (w *world) logLines(text string) (n int) {
	for _, l := range w.log {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// A node without a DC says so when dc-deadtime has passed, takes part in the
// election, and says again when that has not ended within election-timeout.
func TestTimesWithoutADC(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`<nvpair id="o-s"`, `<nvpair id="o-d" name="dc-deadtime" value="5s"/><nvpair id="o-e" name="election-timeout" value="9s"/><nvpair id="o-s"`)
	w.view("n1")
	n1 := w.nodes["n1"].m
	step := func(d time.Duration, state State, triggers, timeouts int) {
		t.Helper()
		w.pass(d)
		a, b := w.logLines("n1 crmd: crm_timer_popped: Election Trigger (I_DC_TIMEOUT) just popped in state S_PENDING: no DC within 5s (dc-deadtime): test"),
			w.logLines("n1 crmd: crm_timer_popped: Election Timeout (I_ELECTION) just popped in state S_ELECTION: no DC has been agreed within 9s (election-timeout): test")
		if n1.State() != state || a != triggers || b != timeouts {
			t.Fatalf("state %s, %d triggers, %d timeouts; want %s, %d, %d\n%s", n1.State(), a, b, state, triggers, timeouts, strings.Join(w.log, "\n"))
		}
	}
	step(4900*time.Millisecond, PendingState, 0, 0)
	step(300*time.Millisecond, Election, 1, 0)
	step(8600*time.Millisecond, Election, 1, 0)
	step(500*time.Millisecond, Election, 1, 1)
	step(time.Minute, Election, 1, 1)
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.want("ip", "n1")
	if n1.State() != NotDC {
		t.Errorf("state %s after a DC was named", n1.State())
	}
}

// What a join brings must become the cluster's configuration before anything is
// decided, but not for ever.
func TestFinalizationIsBounded(t *testing.T) {
	for _, c := range []struct {
		option string
		after  time.Duration
	}{{"", finalization}, {`<nvpair id="o-f" name="join-finalization-timeout" value="4s"/>`, 4 * time.Second}} {
		w := newWorld(t, "n1", "n2", "n3")
		w.configure(`<nvpair id="o-s"`, c.option+`<nvpair id="o-s"`)
		n3 := w.nodes["n3"]
		n3.m = New(Config{Self: "n3", UUID: "uuid-n3", TransitionerID: "te-n3",
			Candidate: strings.Replace(worldCIB, `epoch="1"`, `epoch="99"`, 1)})
		n3.m.Configuration(w.now, w.config)
		asked := 0
		w.onImport = func(Import) { asked++ } // and nothing becomes of it
		w.view("n2", "n1", "n3")
		w.pass(c.after - 200*time.Millisecond)
		if state := w.nodes["n2"].m.State(); asked != 1 || state != FinalizeJoin {
			t.Fatalf("asked for %d imports, state %s\n%s", asked, state, strings.Join(w.log, "\n"))
		}
		w.want("ip", "")
		w.pass(time.Second)
		w.want("ip", "n1")
		if n := w.logLines("Finalization Timer (I_ELECTION) just popped in state S_FINALIZE_JOIN"); n != 1 {
			t.Errorf("said %d times\n%s", n, strings.Join(w.log, "\n"))
		}
	}
}

// A member is told once that all resources have been probed on it.
func TestProbeComplete(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.nodes["n3"].slow["ip_monitor_0"] = 3 * time.Second
	w.view("n2", "n1", "n3")
	w.pass(2 * time.Second)
	if w.logged("probe_complete") {
		t.Fatalf("a probe has not ended\n%s", strings.Join(w.log, "\n"))
	}
	w.pass(5 * time.Second)
	w.want("ip", "n1")
	w.view("n3", "n1", "n2")
	w.pass(5 * time.Second)
	for _, n := range w.names() {
		if k := w.logLines("probe_complete on " + n); k != 1 || w.nodes[n].m.attrs["probe_complete"] != "true" {
			t.Errorf("%s: %d lines, attributes %v", n, k, w.nodes[n].m.attrs)
		}
	}
	w.boot("n2")
	w.view("n3", "n1", "n2")
	w.pass(5 * time.Second)
	if k := w.logLines("probe_complete on n2"); k != 2 {
		t.Errorf("%d lines after n2 has begun anew\n%s", k, strings.Join(w.log, "\n"))
	}
}
