package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pengine"
)

// configure gives every node a configuration with some text of worldCIB
// replaced and a higher epoch.
func (w *world) configure(oldNew ...string) {
	w.t.Helper()
	text := string(cib.PrintCompact(w.config))
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			w.t.Fatalf("%s is not in %s", oldNew[i], text)
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	root, err := cib.Parse([]byte(text), "world")
	if err != nil {
		w.t.Fatal(err)
	}
	v := cib.VersionOf(root)
	v.Epoch++
	w.config = cib.WithVersion(root, v)
	for _, n := range w.names() {
		if w.nodes[n].up {
			w.nodes[n].m.Configuration(w.now, w.config)
		}
	}
	w.settle()
}

// ran returns how often an operation was performed on a node.
func (w *world) ran(node, key string) (n int) {
	for _, l := range w.log {
		if strings.HasPrefix(l, node+" ") && strings.Contains(l, "Performing op="+key+" ") {
			n++
		}
	}
	return n
}

// An answer of the policy engine that was asked for in an earlier time as DC
// must not be carried out, however late it comes.
func TestLateAnswerOfAnEarlierReign(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	m := w.nodes["n2"].m
	var asked []Schedule
	step := func(v ccm.View) {
		m.View(w.now, v)
		for again := true; again; {
			again = false
			for _, e := range m.Effects() {
				again = true
				switch e := e.(type) {
				case Send:
					if e.To == "n2" {
						m.Message(w.now, "n2", e.Payload())
					}
				case Schedule:
					asked = append(asked, e)
				}
			}
		}
	}
	view := func(n uint64, dc string) ccm.View {
		return ccm.View{Instance: ccm.Instance{Number: n, Proposer: "n2"}, Quorum: dc != "", DC: dc, Members: []ccm.Member{{Name: "n2"}}}
	}
	step(view(1, "n2"))
	step(view(1, ""))
	step(view(2, "n2"))
	if len(asked) != 2 || asked[0].Serial == asked[1].Serial {
		t.Fatalf("runs asked for: %+v, want two with different serials", asked)
	}
	m.Scheduled(w.now, asked[0].Serial, &pengine.Graph{Actions: []*pengine.GraphAction{{ID: 1, Kind: pengine.RscOp, Operation: "start",
		Key: "ip_start_0", Node: "n2", Primitive: &pengine.PrimitiveRef{ID: "ip"}}}}, time.Time{}, nil)
	for _, e := range m.Effects() {
		if s, ok := e.(Send); ok && strings.Contains(string(s.Payload()), `"cmd"`) {
			t.Fatalf("a graph of an earlier view is carried out: %s", s.Payload())
		}
	}
}

// What waits for a certificate and is not wanted any more is given up, and what
// the certificate was for does not profit another decision.
func TestHeldStartIsWithdrawn(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.nodes["n3"].up = false
	w.view("n2", "n1")
	w.pass(time.Second)
	w.want("ip", "")
	w.configure(`<instance_attributes id="ip-p">`, `<meta_attributes id="ip-meta"><nvpair id="ip-role" name="target-role" value="Stopped"/></meta_attributes><instance_attributes id="ip-p">`)
	w.pass(200 * time.Millisecond)
	w.expired["n3"] = true
	w.pass(time.Second)
	w.want("ip", "")
	if len(w.starts) != 0 {
		t.Fatalf("started %v although stopped by the administrator", w.starts)
	}
	if s := w.nodes["n2"].m.State(); s != Idle {
		t.Fatalf("DC is in %s, want S_IDLE\n%s", s, strings.Join(w.log, "\n"))
	}
}

func TestCertificateServesOneDecision(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.nodes["n3"].up = false
	w.view("n2", "n1")
	w.pass(500 * time.Millisecond)
	d := w.nodes["n2"].m.dc
	if !d.gate.waits() {
		t.Fatal("nothing is held")
	}
	m := w.nodes["n2"].m
	for len(d.gate.asking) == 0 { // until a certificate is outstanding
		w.now = w.now.Add(10 * time.Millisecond)
		m.Tick(w.now)
	}
	m.want("test")
	a := &pengine.GraphAction{ID: 99, Kind: pengine.RscOp, Operation: "start", Key: "x_start_0", Node: "n1"}
	d.gate.held = append(d.gate.held, a)
	m.Certified(w.now, m.view.Instance, []string{"n3"})
	if len(d.gate.held) != 1 {
		t.Fatal("a certificate asked for before an action was held has let it through")
	}
}

// A start whose result does not come back may still be under way: the resource
// is not started anywhere else, and the start is not repeated.
func TestLostResultIsNotRepeated(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.nodes["n1"].hang["ip_start_0"] = true
	w.view("n2", "n1", "n3")
	w.pass(2 * time.Second)
	w.configure(`node="n1" score="200"`, `node="n1" score="-INFINITY"`)
	w.pass(5 * time.Minute)
	if len(w.starts) != 0 {
		t.Fatalf("started %v while a start on n1 is in flight", w.starts)
	}
	if n := w.ran("n1", "ip_start_0"); n != 1 {
		t.Fatalf("ip_start_0 was commanded %d times", n)
	}
	if len(w.log) > 400 {
		t.Fatalf("%d lines of log: a hot loop?", len(w.log))
	}
	w.nodes["n1"].hang, w.nodes["n1"].stuck = map[string]bool{}, map[string]bool{}
	for _, key := range []string{"ip_start_0", "ip_stop_0", "ip_monitor_0"} {
		if op, waits := w.nodes["n1"].m.flight[w.nodes["n1"].flightKey(key)]; waits {
			w.execute(w.nodes["n1"], Execute{Op: op})
			w.pass(100 * time.Millisecond)
		}
	}
	w.pass(5 * time.Second)
	if got := w.owners("ip"); got != "n2" && got != "n3" {
		t.Fatalf("ip runs on %q\n%s", got, strings.Join(w.log, "\n"))
	}
}

func (n *worldNode) flightKey(opKey string) string {
	for k, o := range n.m.flight {
		if o.Key() == opKey {
			return k
		}
	}
	return ""
}

// A member's operation in flight that comes to nothing is forgotten by the DC.
func TestRefusedAfterTheDCChanged(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	n1 := w.nodes["n1"]
	n1.hang["ip_start_0"] = true
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	op := n1.m.flight[n1.flightKey("ip_start_0")]
	w.view("n3", "n1", "n2")
	w.pass(time.Second)
	n1.hang, n1.stuck = map[string]bool{}, map[string]bool{}
	n1.m.Refused(w.now, &op, "the command is of an older view")
	w.settle()
	w.pass(2 * time.Second)
	w.want("ip", "n1")
}

func TestCancelledBeforeItsFirstResult(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	n1 := w.nodes["n1"]
	n1.hang["ip_monitor_5000"] = true
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	op := n1.m.flight[n1.flightKey("ip_monitor_5000")]
	n1.hang, n1.stuck = map[string]bool{}, map[string]bool{}
	n1.m.Result(w.now, &lrm.Result{Op: op, CallID: 50, Status: lrm.Cancelled})
	w.settle()
	w.pass(3 * time.Second)
	if n := w.ran("n1", "ip_monitor_5000"); n != 2 {
		t.Fatalf("the monitor ran %d times, want a second try\n%s", n, strings.Join(w.log, "\n"))
	}
}

func TestCommandWithoutOperation(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	for _, kind := range []string{msgCommand, msgAttrSet, msgStatus, msgResult, msgForget, msgJoinRequest, msgJoinOffer, msgAttr} {
		for _, to := range w.names() {
			msg := &message{Kind: kind, Instance: w.nodes[to].m.view.Instance, Nodes: []string{"", "<x/>"}, Resources: []string{"<a>", "<b/>"}}
			if err := w.nodes[to].m.Message(w.now, "n2", msg.encode()); err != nil {
				t.Error(err)
			}
		}
	}
	w.settle()
}

// A changed parameter restarts the resource; an unchanged one does not.
func TestChangedParameterRestarts(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.configure(`name="ip" value="10.0.0.1"`, `name="ip" value="10.0.0.2 &quot;'&amp;&lt;"`)
	w.pass(time.Second)
	if len(w.starts) != 2 {
		t.Fatalf("starts: %v, want a restart\n%s", w.starts, strings.Join(w.log, "\n"))
	}
	w.configure(`score="200"`, `score="201"`)
	w.pass(time.Second)
	if len(w.starts) != 2 || w.ran("n1", "ip_monitor_5000") != 2 {
		t.Fatalf("starts: %v, monitors %d: changed although nothing about the resource is\n%s", w.starts, w.ran("n1", "ip_monitor_5000"), strings.Join(w.log, "\n"))
	}
	w.configure(`interval="5s" timeout="5s"`, `interval="5s" timeout="6s"`)
	w.pass(time.Second)
	if len(w.starts) != 2 || w.ran("n1", "ip_monitor_5000") != 3 {
		t.Fatalf("starts: %v, monitors %d: want the monitor anew only\n%s", w.starts, w.ran("n1", "ip_monitor_5000"), strings.Join(w.log, "\n"))
	}
	w.configure(`score="201"`, `score="202"`)
	w.pass(time.Second)
	if len(w.starts) != 2 || w.ran("n1", "ip_monitor_5000") != 3 {
		t.Fatalf("a third change for nothing\n%s", strings.Join(w.log, "\n"))
	}
}

// A failure expires by itself after failure-timeout, without anything else
// happening.
func TestFailureTimeout(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`<instance_attributes id="ip-p">`, `<meta_attributes id="ip-meta"><nvpair id="ip-ft" name="failure-timeout" value="30s"/></meta_attributes><instance_attributes id="ip-p">`)
	w.nodes["n1"].fail["ip_start_0"] = 1
	w.view("n2", "n1", "n3")
	w.pass(2 * time.Second)
	if w.owners("ip") == "n1" || w.owners("ip") == "" {
		t.Fatalf("ip runs on %q", w.owners("ip"))
	}
	delete(w.nodes["n1"].fail, "ip_start_0")
	w.pass(40 * time.Second)
	w.want("ip", "n1")
	for k := range w.nodes["n1"].m.attrs {
		if failureOf(k, "ip") {
			t.Errorf("%s was not cleared", k)
		}
	}
	lines := len(w.log)
	w.pass(5 * time.Minute)
	if len(w.log) > lines+20 {
		t.Errorf("not calm afterwards:\n%s", strings.Join(w.log[lines:], "\n"))
	}
}

// A member deleted from the configuration is still a member: it is written into
// it again.
func TestDeletedMemberIsAddedAgain(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	added := 0
	w.onAddNode = func(e AddNode) {
		added++
		w.configure(`<node id="2" uname="n2"/>`, `<node id="2" uname="n2"/><node id="`+e.ID+`" uname="`+e.Name+`"/>`)
	}
	for i := 1; i <= 2; i++ {
		id := nodeIDs(w.config)["n3"]
		w.configure(`<node id="`+id+`" uname="n3"/>`, ``)
		w.pass(100 * time.Millisecond)
		if added != i {
			t.Fatalf("n3 was added %d times, want %d", added, i)
		}
	}
}

// A configuration found on disk long ago does not come back when the
// administrator has erased the cluster's since.
func TestOldCandidateDoesNotComeBack(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	old := strings.Replace(worldCIB, `epoch="1"`, `epoch="0"`, 1)
	n3 := w.nodes["n3"]
	n3.m = New(Config{Self: "n3", UUID: "uuid-n3", TransitionerID: "te-n3", Candidate: old})
	n3.m.Configuration(w.now, w.config)
	imported := false
	w.onImport = func(Import) { imported = true }
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	if imported {
		t.Fatal("an older configuration was imported")
	}
	root, err := cib.Parse([]byte(`<cib admin_epoch="0" epoch="9" num_updates="0" validate-with="pacemaker-3.9"><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>`), "empty")
	if err != nil {
		t.Fatal(err)
	}
	w.config = root
	w.configure()
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	if imported {
		t.Fatal("an erased configuration came back from the memory of a member")
	}
}

// Failed stop under stonith-enabled: fencing of a living member cannot complete,
// and the cluster goes on with everything else.
func TestFencingOfAMemberBlocksNobodyElse(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.configure(`name="stonith-enabled" value="false"`, `name="stonith-enabled" value="true"`,
		`</resources>`, `<primitive id="fence" class="stonith" type="external/ssh"/></resources>`,
		`</constraints>`, `<rsc_location id="lf" rsc="fence" node="n3" score="INFINITY"/></constraints>`)
	w.nodes["n1"].fail["ip_stop_0"] = 1
	w.configure(`node="n1" score="200"`, `node="n1" score="-INFINITY"`)
	w.pass(3 * time.Second)
	if !w.logged("fencing of n1") {
		t.Fatalf("no fencing is tried\n%s", strings.Join(w.log, "\n"))
	}
	w.want("ip", "n1")
	lines := len(w.log)
	w.pass(time.Minute)
	if len(w.log) > lines+20 {
		t.Errorf("not calm:\n%s", strings.Join(w.log[lines:], "\n"))
	}
	w.configure(`</resources>`, `<primitive id="other" class="ocf" provider="heartbeat" type="Dummy"/></resources>`)
	w.pass(3 * time.Second)
	if w.ran("n3", "other_monitor_0") == 0 {
		t.Errorf("nothing is done about another resource\n%s", strings.Join(w.log[lines:], "\n"))
	}
}

// A failure whose report dies with the DC is counted by the next one, once.
func TestFailureIsCountedByTheNextDC(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.nodes["n2"].up = false // before the report arrives
	delete(w.nodes["n1"].running, "ip")
	w.repeatMonitor("n1", "ip")
	w.expired["n2"] = true
	w.view("n3", "n1")
	w.pass(2 * time.Second)
	w.view("n3", "n1")
	w.pass(2 * time.Second)
	if v := w.nodes["n1"].m.attrs["fail-count-ip#monitor_5000"]; v != "1" {
		t.Fatalf("fail count is %q, want 1\n%s", v, strings.Join(w.log, "\n"))
	}
}

// A status of a megabyte is not sent on with every result.
func TestLargeStatusIsToldSeldom(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	m := w.nodes["n2"].m
	long := strings.Repeat("x", 1<<20)
	sent := 0
	for i := range 100 { // one change each 10 ms
		w.now = w.now.Add(10 * time.Millisecond)
		v := long + string(rune('a'+i%26))
		m.dcAttr(m.dc.byName("n1"), "big", &v)
		m.Tick(w.now)
		for _, e := range m.Effects() {
			if s, ok := e.(Send); ok && s.To == "n3" && strings.Contains(string(s.Payload()), `"kind":"status"`) {
				sent++
			}
		}
	}
	if sent < 1 || sent > 3 {
		t.Fatalf("a member was told %d times in a second", sent)
	}
	w.pass(5 * time.Second)
	if !strings.Contains(compact(w.nodes["n3"].m.Document()), long) {
		t.Fatal("the member does not know the last state")
	}
}
