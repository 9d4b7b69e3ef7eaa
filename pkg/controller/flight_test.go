package controller

import (
	"strings"
	"testing"
	"time"
)

// A new DC learns of a stop in flight: nothing starts elsewhere before it ends.
func TestNewDCWaitsForAStopInFlight(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.want("ip", "n1")
	w.nodes["n1"].hang["ip_stop_0"] = true
	w.configure(`node="n1" score="200"`, `node="n1" score="-INFINITY"`)
	w.pass(time.Second)
	w.nodes["n2"].up = false
	w.expired["n2"] = true
	w.view("n3", "n1")
	w.pass(5 * time.Second)
	w.want("ip", "n1")
	if len(w.starts) != 1 {
		t.Fatalf("started %v, want once\n%s", w.starts, strings.Join(w.log, "\n"))
	}
}

func TestNewDCWaitsForAStopInFlightWithoutMonitor(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`<op id="ip-m" name="monitor" interval="5s" timeout="5s"/>`, "")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.want("ip", "n1")
	w.nodes["n1"].hang["ip_stop_0"] = true
	w.configure(`node="n1" score="200"`, `node="n1" score="-INFINITY"`)
	w.pass(time.Second)
	w.nodes["n2"].up = false
	w.expired["n2"] = true
	w.view("n3", "n1")
	w.pass(5 * time.Second)
	w.want("ip", "n1")
	if len(w.starts) != 1 {
		t.Fatalf("started %v, want once\n%s", w.starts, strings.Join(w.log, "\n"))
	}
}

// twoResources adds a second resource, db, to the world.
const twoResources = `</primitive><primitive id="db" class="ocf" provider="heartbeat" type="Dummy">` +
	`<operations><op id="db-s" name="start" interval="0" timeout="200s"/><op id="db-m" name="monitor" interval="5s" timeout="5s"/></operations></primitive>`

// A start of three minutes beside an unrelated failure: the failure is recovered
// at once, and the start is neither repeated nor given up.
func TestSlowStartHoldsUpNobodyElse(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`</primitive>`, twoResources)
	for _, n := range w.nodes {
		n.slow["db_start_0"] = 3 * time.Minute
	}
	w.view("n2", "n1", "n3")
	w.pass(2 * time.Second)
	w.want("ip", "n1")
	w.want("db", "")
	for range 3 { // and again beside the transition that took the start over
		starts := len(w.starts)
		delete(w.nodes["n1"].running, "ip")
		w.repeatMonitor("n1", "ip")
		w.pass(1500 * time.Millisecond)
		w.want("ip", "n1")
		if len(w.starts) != starts+1 {
			t.Fatalf("started %v", w.starts)
		}
	}
	w.pass(3 * time.Minute)
	began := 0
	for _, n := range w.names() {
		began += w.ran(n, "db_start_0")
	}
	if began != 1 || w.owners("db") == "" {
		t.Errorf("db was started %d times and runs on %q\n%s", began, w.owners("db"), strings.Join(w.log, "\n"))
	}
	if s := w.nodes["n2"].m.State(); s != Idle {
		t.Errorf("the DC is in %s at the end", s)
	}
	if n := len(w.nodes["n2"].m.dc.carried); n != 0 {
		t.Errorf("%d commands count as in flight", n)
	}
}

// A service that failed, was stopped and takes long to start again is left alone
// when something unrelated happens: the failure was that of the instance before
// the stop.
func TestSlowStartAfterAFailureIsNotStopped(t *testing.T) {
	for _, newDC := range []bool{false, true} {
		w := newWorld(t, "n1", "n2", "n3")
		w.configure(`</primitive>`, twoResources)
		w.view("n3", "n1", "n2")
		w.pass(2 * time.Second)
		owner := w.owners("db")
		for _, n := range w.nodes {
			n.slow["db_start_0"] = time.Minute
		}
		delete(w.nodes[owner].running, "db")
		w.repeatMonitor(owner, "db")
		w.pass(2 * time.Second)
		if n := w.ran(owner, "db_start_0"); n != 2 || w.ran(owner, "db_stop_0") != 1 {
			t.Fatalf("db is not recovered on %s: %d starts\n%s", owner, n, strings.Join(w.log, "\n"))
		}
		if newDC { // who learns of the start from the report of the member
			w.nodes["n3"].up, w.expired["n3"] = false, true
			w.view("n1", "n2")
			w.pass(2 * time.Second)
		}
		delete(w.nodes["n1"].running, "ip")
		w.repeatMonitor("n1", "ip")
		w.pass(2 * time.Minute)
		w.want("ip", "n1")
		w.want("db", owner)
		if starts, stops := w.ran(owner, "db_start_0"), w.ran(owner, "db_stop_0"); starts != 2 || stops != 1 {
			t.Errorf("new DC %v: db was started %d times and stopped %d times, want 2 and 1\n%s", newDC, starts, stops, strings.Join(w.log, "\n"))
		}
	}
}

// A slow start that is not wanted any more is followed by its stop, and what is
// unrelated does not wait for either.
func TestSlowStartThatIsNotWantedAnyMore(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`</primitive>`, twoResources)
	for _, n := range w.nodes {
		n.slow["db_start_0"] = 30 * time.Second
	}
	w.view("n2", "n1", "n3")
	w.pass(2 * time.Second)
	w.configure(`<primitive id="db" class="ocf" provider="heartbeat" type="Dummy">`,
		`<primitive id="db" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="db-meta"><nvpair id="db-role" name="target-role" value="Stopped"/></meta_attributes>`)
	delete(w.nodes["n1"].running, "ip")
	w.repeatMonitor("n1", "ip")
	w.pass(1500 * time.Millisecond)
	w.want("ip", "n1")
	w.pass(time.Minute)
	w.want("db", "")
	if s := w.nodes["n2"].m.State(); s != Idle {
		t.Errorf("the DC is in %s at the end\n%s", s, strings.Join(w.log, "\n"))
	}
}

// A stop in flight that nobody wants any more: what needs the resource is not
// started on one that is about to stop.
func TestSlowStopThatIsNotWantedAnyMore(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`</primitive>`, twoResources, `<constraints>`, `<constraints><rsc_order id="o1" first="db" then="ip"/>`)
	w.view("n2", "n1", "n3")
	w.pass(2 * time.Second)
	owner := w.nodes[w.owners("db")]
	owner.slow["db_stop_0"] = 20 * time.Second
	const plain, off = `<primitive id="db" class="ocf" provider="heartbeat" type="Dummy">`,
		`<primitive id="db" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="db-meta"><nvpair id="db-role" name="target-role" value="Stopped"/></meta_attributes>`
	w.configure(plain, off)
	w.pass(2 * time.Second)
	w.want("ip", "") // stopped before, in order
	w.configure(off, plain)
	w.pass(5 * time.Second)
	w.want("ip", "") // db is still stopping
	w.pass(30 * time.Second)
	w.want("db", owner.name)
	w.want("ip", "n1")
	if n := w.ran(owner.name, "db_stop_0"); n != 1 {
		t.Errorf("stopped %d times\n%s", n, strings.Join(w.log, "\n"))
	}
}

// Changes that come faster than the policy engine answers do not keep it from
// being obeyed.
func TestConstantChangesStarveNobody(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.nodes["n1"].up = false
	w.flood = 0
	w.onSchedule = func() {
		w.flood++
		w.nodes["n3"].m.Attribute(w.now, "load", ptr(itoa64(int64(w.flood))))
	}
	w.view("n2", "n3")
	w.pass(time.Second)
	w.want("ip", "")
	w.expired["n1"] = true
	w.pass(2 * time.Second)
	if got := w.owners("ip"); got != "n2" && got != "n3" {
		t.Fatalf("after %d changes ip runs on %q\n%s", w.flood, got, strings.Join(w.log, "\n"))
	}
}

func TestTransitionDelay(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`<nvpair id="o-s"`, `<nvpair id="o-d" name="transition-delay" value="2s"/><nvpair id="o-s"`)
	w.view("n2", "n1", "n3")
	w.pass(1900 * time.Millisecond)
	w.want("ip", "")
	w.pass(time.Second)
	w.want("ip", "n1")
}

// A node that the DC does not let go leaves by itself in the end.
func TestShutdownEscalation(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`<nvpair id="o-s"`, `<nvpair id="o-e" name="shutdown-escalation" value="30s"/><nvpair id="o-s"`)
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.nodes["n1"].hang["ip_stop_0"] = true
	w.nodes["n1"].m.Shutdown(w.now)
	w.pass(29 * time.Second)
	if w.nodes["n1"].left {
		t.Fatal("n1 left before its resource was stopped")
	}
	w.pass(2 * time.Second)
	if !w.nodes["n1"].left || !w.logged("Shutdown Escalation (I_STOP) just popped") {
		t.Errorf("n1 has not left\n%s", strings.Join(w.log, "\n"))
	}
}
