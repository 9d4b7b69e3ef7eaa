package controller

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pengine"
)

// world is a cluster of machines in virtual time: messages arrive in order,
// operations take their time, the policy engine is the real one.
type world struct {
	t       *testing.T
	now     time.Time
	nodes   map[string]*worldNode
	queue   []func()
	timers  []worldTimer
	config  *cib.Element
	lost    map[string]bool // nodes outside the view
	expired map[string]bool // of the lost ones: their lease has run out
	number  uint64
	quorum  bool
	log     []string
	starts  []string // "rsc node" in the order of execution

	shared map[string]bool // resources that may run on several nodes
	// onSchedule is called while the policy engine works.
	onSchedule func()
	traits     *lrm.Traits // of all agents
	flood      int
	onAddNode  func(AddNode)
	onImport   func(Import)
}

type worldTimer struct {
	at time.Time
	f  func()
}

type worldNode struct {
	name    string
	m       *Machine
	up      bool
	running map[string]bool
	calls   int
	fail    map[string]int // op key to rc
	refuse  string         // a reason to refuse starts
	left    bool
	ops     map[string]lrm.Op // the newest of each kind
	hang    map[string]bool   // operations that never answer
	stuck   map[string]bool   // resources with such an operation
	slow    map[string]time.Duration
	busy    map[string]time.Time // by resource: when its last operation ends
}

const worldCIB = `<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.9"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"/></nodes>
<resources><primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr">
<instance_attributes id="ip-p"><nvpair id="ip-p-ip" name="ip" value="10.0.0.1"/></instance_attributes>
<operations><op id="ip-m" name="monitor" interval="5s" timeout="5s"/></operations></primitive></resources>
<constraints><rsc_location id="l1" rsc="ip" node="n1" score="200"/></constraints>
</configuration></cib>`

func newWorld(t *testing.T, names ...string) *world {
	root, err := cib.Parse([]byte(worldCIB), "world")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: time.Unix(1_000_000, 0), nodes: map[string]*worldNode{}, config: root,
		lost: map[string]bool{}, expired: map[string]bool{}}
	for _, n := range names {
		w.boot(n)
	}
	return w
}

func (w *world) boot(name string) {
	old := w.nodes[name]
	n := &worldNode{name: name, up: true, running: map[string]bool{}, fail: map[string]int{}, hang: map[string]bool{}, stuck: map[string]bool{}, slow: map[string]time.Duration{}, busy: map[string]time.Time{}, ops: map[string]lrm.Op{},
		m: New(Config{Self: name, UUID: "uuid-" + name, TransitionerID: "te-" + name})}
	if old != nil {
		n.calls = old.calls
	}
	w.nodes[name] = n
	n.m.Configuration(w.now, w.config)
}

// view installs a new view of the nodes that are up and not lost; the first of
// the given order is its DC.
func (w *world) view(members ...string) {
	w.number++
	v := ccm.View{Quorum: w.quorum || len(members)*2 > len(w.nodes), Event: "OC_EV_MS_NEW_MEMBERSHIP",
		Instance: ccm.Instance{Number: w.number, Proposer: members[0]}, Reason: "test"}
	if v.Quorum {
		v.DC = members[0]
	}
	in := map[string]bool{}
	for _, n := range members {
		in[n] = true
		v.Members = append(v.Members, ccm.Member{Name: n})
	}
	for n := range w.nodes {
		if !in[n] {
			v.Lost = append(v.Lost, n)
		}
	}
	sort.Strings(v.Lost)
	for _, n := range members {
		w.nodes[n].m.View(w.now, v)
	}
	w.settle()
}

// settle lets everything happen that needs no time.
func (w *world) settle() {
	for again := true; again; {
		again = false
		for _, name := range w.names() {
			n := w.nodes[name]
			for _, e := range n.m.Effects() {
				again = true
				w.effect(n, e)
			}
		}
		q := w.queue
		w.queue = nil
		for _, f := range q {
			again = true
			f()
		}
	}
}

func (w *world) names() []string {
	var out []string
	for n := range w.nodes {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// pass lets time pass in steps of 10 ms.
func (w *world) pass(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(10 * time.Millisecond)
		var due []worldTimer
		rest := w.timers[:0:0]
		for _, t := range w.timers {
			if t.at.After(w.now) {
				rest = append(rest, t)
			} else {
				due = append(due, t)
			}
		}
		w.timers = rest
		for _, t := range due {
			t.f()
		}
		for _, name := range w.names() {
			if w.nodes[name].up {
				w.nodes[name].m.Tick(w.now)
			}
		}
		w.settle()
	}
}

func (w *world) effect(n *worldNode, e Effect) {
	switch e := e.(type) {
	case Send:
		to := w.nodes[e.To]
		w.queue = append(w.queue, func() {
			if to != nil && to.up && n.up {
				if err := to.m.Message(w.now, n.name, e.Payload()); err != nil {
					w.t.Error(err)
				}
			}
		})
	case Execute:
		w.execute(n, e)
	case Schedule:
		res, err := pengine.Schedule(e.Root, w.now, pengine.Options{TransitionID: e.TransitionID})
		answer := func() {
			var g *pengine.Graph
			var next time.Time
			if err == nil {
				g, next = res.Graph, res.NextChange
			}
			n.m.Scheduled(w.now, e.Serial, g, next, err)
		}
		if w.onSchedule == nil {
			w.queue = append(w.queue, answer)
			break
		}
		w.timers = append(w.timers, worldTimer{w.now.Add(10 * time.Millisecond), w.onSchedule}, worldTimer{w.now.Add(20 * time.Millisecond), answer})
	case Certify:
		w.queue = append(w.queue, func() {
			var gone []string
			for x := range w.expired {
				gone = append(gone, x)
			}
			n.m.Certified(w.now, e.Instance, gone)
		})
	case AddNode:
		if w.onAddNode != nil {
			w.queue = append(w.queue, func() { w.onAddNode(e) })
		}
	case Import:
		if w.onImport != nil {
			w.onImport(e)
		}
	case Leave:
		n.left = true
	case Log:
		checkTransition(w.t, e.Text)
		w.log = append(w.log, fmt.Sprintf("%s %s: %s", n.name, e.Component, e.Text))
	}
}

func (w *world) execute(n *worldNode, e Execute) {
	op := e.Op
	if n.hang[op.Key()] || n.stuck[op.Resource] { // operations of a resource wait for one another
		n.stuck[op.Resource] = true
		return
	}
	if Gated(op.Name) && n.refuse != "" {
		n.m.Refused(w.now, &op, n.refuse)
		return
	}
	n.ops[op.Key()] = op
	n.calls++
	call := n.calls
	took := n.slow[op.Key()]
	if took == 0 {
		took = 50 * time.Millisecond
	}
	began := w.now
	if b := n.busy[op.Resource]; b.After(began) { // one at a time
		began = b
	}
	n.busy[op.Resource] = began.Add(took)
	w.timers = append(w.timers, worldTimer{began.Add(took), func() {
		if !n.up {
			return
		}
		rc, ok := n.fail[op.Key()]
		if !ok {
			switch op.Name {
			case "start":
				for _, o := range w.nodes {
					if o != n && o.up && o.running[op.Resource] && op.Class != "stonith" && !w.shared[op.Resource] {
						w.t.Errorf("%s started on %s while %s runs it", op.Resource, n.name, o.name)
					}
				}
				n.running[op.Resource] = true
				w.starts = append(w.starts, op.Resource+" "+n.name)
			case "stop", "migrate_to":
				delete(n.running, op.Resource)
				delete(n.running, op.Resource+" promoted")
			case "migrate_from":
				n.running[op.Resource] = true
			case "promote":
				n.running[op.Resource+" promoted"] = true
			case "demote":
				delete(n.running, op.Resource+" promoted")
			case "monitor":
				switch {
				case n.running[op.Resource+" promoted"]:
					rc = lrm.RunningPromoted
				case !n.running[op.Resource]:
					rc = lrm.NotRunning
				}
			}
		}
		traits := w.traits
		if op.Name != "start" && op.Name != "reload-agent" {
			traits = nil
		}
		n.m.Result(w.now, &lrm.Result{Op: op, CallID: call, RC: rc, Traits: traits, Status: lrm.Done, LastRun: w.now, LastRCChange: w.now})
	}})
}

// owners returns the nodes that run a resource.
func (w *world) owners(rsc string) string {
	var out []string
	for _, name := range w.names() {
		if n := w.nodes[name]; n.up && n.running[rsc] {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

// want fails the test with the log when the resource is not where it should be.
func (w *world) want(rsc, owners string) {
	w.t.Helper()
	if got := w.owners(rsc); got != owners {
		w.t.Fatalf("%s runs on %q, want %q; log:\n%s", rsc, got, owners, strings.Join(w.log, "\n"))
	}
}

// logged reports whether a line of the log holds the text.
func (w *world) logged(text string) bool {
	for _, l := range w.log {
		if strings.Contains(l, text) {
			return true
		}
	}
	return false
}

// repeatMonitor reports a changed result of the resource's recurring monitor.
func (w *world) repeatMonitor(node, rsc string) {
	n, known := w.nodes[node], false
	for _, c := range n.m.hist.rsc[rsc].Children {
		if c.ID() == rsc+"_monitor_5000" {
			known = true
		}
	}
	if !known {
		w.t.Fatalf("%s has no monitor on %s", rsc, node)
	}
	rc := lrm.OK
	if !n.running[rsc] {
		rc = lrm.NotRunning
	}
	n.calls++
	n.m.Result(w.now, &lrm.Result{Op: n.ops[rsc+"_monitor_5000"], CallID: n.calls, RC: rc, Status: lrm.Done, Recurring: true, LastRun: w.now, LastRCChange: w.now})
	w.settle()
}
