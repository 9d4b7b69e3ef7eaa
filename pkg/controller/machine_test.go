package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
)

func TestPlacesAndMonitors(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.want("ip", "n1")
	if s := w.nodes["n2"].m.State(); s != Idle {
		t.Fatalf("DC is in %s, want S_IDLE", s)
	}
	if s := w.nodes["n1"].m.State(); s != NotDC {
		t.Fatalf("member is in %s, want S_NOT_DC", s)
	}
	doc := string(compact(w.nodes["n1"].m.Document()))
	for _, want := range []string{`operation_key="ip_start_0"`, `id="ip_monitor_5000"`, `dc-uuid="2"`, `have-quorum="1"`} {
		if !strings.Contains(doc, want) {
			t.Errorf("a member's document lacks %s", want)
		}
	}
}

// A lost node may still hold the address: nothing starts until its lease has
// provably run out.
func TestStartWaitsForTheLostNode(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.nodes["n1"].up = false
	w.view("n2", "n3")
	w.pass(time.Second)
	w.want("ip", "")
	if !w.logged("n1 is lost and may still hold resources") {
		t.Error("the log does not say why the start waits")
	}
	w.expired["n1"] = true
	w.pass(time.Second)
	if got := w.owners("ip"); got != "n2" && got != "n3" {
		t.Fatalf("ip runs on %q\n%s", got, strings.Join(w.log, "\n"))
	}
}

func TestFailback(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.nodes["n1"].up = false
	w.expired["n1"] = true
	w.view("n2", "n3")
	w.pass(time.Second)
	w.boot("n1")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.want("ip", "n1")
}

func TestRefusedStartIsTriedAgain(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.nodes["n1"].refuse = "lease not valid"
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.want("ip", "")
	w.nodes["n1"].refuse = ""
	w.pass(2 * time.Second)
	w.want("ip", "n1")
}

func TestFailedMonitorRecovers(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	n1 := w.nodes["n1"]
	delete(n1.running, "ip")
	w.repeatMonitor("n1", "ip")
	w.pass(time.Second)
	w.want("ip", "n1")
	if len(w.starts) != 2 {
		t.Fatalf("starts: %v, want a restart", w.starts)
	}
	if v := n1.m.attrs["fail-count-ip#monitor_5000"]; v != "1" {
		t.Errorf("fail count is %q, want 1\n%s", v, strings.Join(w.log, "\n"))
	}
}

func TestFailedStartMovesOn(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.nodes["n1"].fail["ip_start_0"] = 1
	w.view("n2", "n1", "n3")
	w.pass(2 * time.Second)
	if got := w.owners("ip"); got != "n2" && got != "n3" {
		t.Fatalf("ip runs on %q\n%s", got, strings.Join(w.log, "\n"))
	}
}

func TestShutdownMovesFirst(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.nodes["n1"].m.Shutdown(w.now)
	w.pass(2 * time.Second)
	if w.owners("ip") == "n1" || w.owners("ip") == "" {
		t.Fatalf("ip runs on %q\n%s", w.owners("ip"), strings.Join(w.log, "\n"))
	}
	if !w.nodes["n1"].left {
		t.Fatal("n1 has not left")
	}
}

// A new DC learns of a start in flight at the join and does not repeat it.
func TestNewDCKnowsWhatIsInFlight(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	for range 30 { // until the start is in flight
		w.pass(10 * time.Millisecond)
		if len(w.nodes["n1"].m.flight) > 0 && w.logged("ip_start_0 on n1") {
			break
		}
	}
	w.nodes["n2"].up = false
	w.expired["n2"] = true
	w.view("n3", "n1")
	w.pass(2 * time.Second)
	w.want("ip", "n1")
	if len(w.starts) != 1 {
		t.Fatalf("started %v, want once\n%s", w.starts, strings.Join(w.log, "\n"))
	}
}

func TestWithoutQuorumNothingIsScheduled(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n1")
	w.pass(time.Second)
	w.want("ip", "")
	if !strings.Contains(compact(w.nodes["n1"].m.Document()), `have-quorum="0"`) {
		t.Error("the document does not say that there is no quorum")
	}
}

func TestCommandsOfAnOldViewAreNotObeyed(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	old := (&message{Kind: msgCommand, Instance: w.nodes["n1"].m.view.Instance, Command: &Command{
		Operation: "start", Resource: "late", TransitionKey: "1:1:0:x"}}).encode()
	w.view("n3", "n1", "n2")
	if err := w.nodes["n1"].m.Message(w.now, "n2", old); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.pass(time.Second)
	if w.nodes["n1"].running["late"] {
		t.Fatal("a command of an old view was obeyed")
	}
}

// A node that lost quorum stops by itself; when it has quorum again the cluster
// knows that nothing runs there, and starts anew.
func TestQuorumComesBackAfterOwnStop(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.nodes["n2"].up, w.nodes["n3"].up = false, false
	w.view("n1")
	n1 := w.nodes["n1"]
	delete(n1.running, "ip")
	n1.m.Result(w.now, &lrm.Result{Op: lrm.Op{Resource: "ip", Class: "ocf", Provider: "heartbeat", Type: "IPaddr", Name: "stop"},
		CallID: 100, RC: lrm.OK, Status: lrm.Done, LastRun: w.now, LastRCChange: w.now})
	w.pass(time.Second)
	w.boot("n3")
	w.expired["n2"] = true
	w.view("n1", "n3")
	w.pass(2 * time.Second)
	w.want("ip", "n1")
}

// An edit that takes the nodes out of the configuration does not take them out
// of the cluster.
func TestNodesAreWrittenAgain(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	conf := w.config.First("configuration")
	bare := w.config.WithReplaced(conf, conf.WithReplaced(conf.First("nodes"), cib.New("nodes")))
	for range 2 {
		for _, name := range w.names() {
			w.nodes[name].m.Configuration(w.now, bare)
		}
		added := map[string]bool{}
		for _, e := range w.nodes["n2"].m.Effects() {
			if a, ok := e.(AddNode); ok {
				added[a.Name+" "+a.ID] = true
			}
		}
		if len(added) != 3 || !added["n1 1"] {
			t.Fatalf("added %v, want the three nodes with their ids", added)
		}
		for _, name := range w.names() { // as the cluster does
			w.nodes[name].m.Configuration(w.now, w.config)
		}
		w.nodes["n2"].m.Effects()
	}
}

// While the membership is being agreed anew a node that wants to leave waits.
func TestShutdownWaitsForTheNewView(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	n1 := w.nodes["n1"]
	n1.m.Shutdown(w.now)
	v := n1.m.view
	v.Quorum, v.DC, v.Event = false, "", "OC_EV_MS_NOT_PRIMARY"
	n1.m.View(w.now, v)
	w.settle()
	if n1.left {
		t.Fatal("n1 left with its resources while the membership was changing")
	}
}
