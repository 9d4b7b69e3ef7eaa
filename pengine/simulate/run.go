package simulate

import (
	"strconv"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// Options say how a transition is carried out; the zero value has everything
// succeed.
type Options struct {
	// Now is the time of the results, to the second.
	Now time.Time
	// Fail are the operations that fail, with their return codes.
	Fail []OpSpec
	// Known tells whether some resource has the name, by its id or because the
	// history of an instance calls it so; without it the names in the history
	// count.
	Known func(name string) bool
}

// Run executes a graph on a CIB and returns the CIB with the results, what was
// done in order, and whether every action was done. An action that fails ends
// the transition: from then on only pseudo events and what has infinite priority
// are still done.
//
// The actions are gone through in the order of the graph, again and again until
// nothing more can be done; each is done as soon as its inputs are. An input
// that names no action of the graph has never been confirmed.
func Run(root *cib.Element, g *pengine.Graph, o Options) (result *cib.Element, events []Event, complete bool) {
	x := &executor{opts: o, status: newStatus(root), done: make(map[int]bool, len(g.Actions)), failed: make(map[int]bool)}
	if x.opts.Known == nil {
		known := knownNames(root)
		x.opts.Known = func(name string) bool { return known[name] }
	}
	waiting := g.Actions
	for {
		var left []*pengine.GraphAction
		for _, a := range waiting {
			if !x.ready(a) || x.aborted && a.Kind != pengine.PseudoEvent && a.Priority < pengine.Infinity {
				left = append(left, a)
				continue
			}
			x.execute(a)
		}
		if len(left) == 0 || len(left) == len(waiting) {
			return x.status.finish(), x.events, len(left) == 0
		}
		waiting = left
	}
}

// notRunning is the code of an agent whose resource is stopped.
const notRunning = 7

type executor struct {
	opts    Options
	status  *status
	done    map[int]bool // also what failed
	failed  map[int]bool
	events  []Event
	aborted bool
}

// knownNames collects the names of resources that a history names or that the
// configuration has outside of clones.
func knownNames(root *cib.Element) map[string]bool {
	known := make(map[string]bool)
	for _, n := range root.First("status").All("node_state") {
		for _, r := range n.Path("lrm", "lrm_resources").All("lrm_resource") {
			known[r.ID()] = true
		}
	}
	return known
}

func (x *executor) ready(a *pengine.GraphAction) bool {
	for _, in := range a.Inputs {
		if !x.done[in] || x.failed[in] && a.Priority < pengine.Infinity {
			return false
		}
	}
	return true
}

func (x *executor) execute(a *pengine.GraphAction) {
	switch {
	case a.Kind == pengine.PseudoEvent:
		x.pseudo(a)
	case a.Kind == pengine.CRMEvent && a.Operation == "stonith":
		x.fence(a)
	case a.Kind == pengine.CRMEvent:
		e := Event{Kind: ClusterAction, Task: a.Operation, Node: a.Node}
		if a.Primitive != nil {
			e.Resource = a.Primitive.ID
		}
		x.events = append(x.events, e)
		x.done[a.ID] = true
	default:
		x.resource(a)
	}
}

func (x *executor) pseudo(a *pengine.GraphAction) {
	x.done[a.ID] = true
	x.events = append(x.events, Event{Kind: PseudoAction, Task: a.Key, Node: a.Node})
}

// fence takes a node out of the cluster and forgets what it knew; a node that
// is switched on is left as it is.
func (x *executor) fence(a *pengine.GraphAction) {
	x.done[a.ID] = true
	op := a.Param("CRM_meta_stonith_action")
	x.events = append(x.events, Event{Kind: Fencing, Task: op, Node: a.Node})
	if op == "on" {
		return
	}
	n := x.status.node(a.Node, a.NodeID)
	down(n.el, "simulate_fencing_action")
	n.forget("lrm", "transient_attributes")
	x.status.changes += 3
}

// down marks a node as cleanly gone.
func down(e *cib.Element, by string) {
	set(e, "in_ccm", "false", "crmd", "offline", "join", "down", "expected", "down", "crm-debug-origin", by)
}

// shown is the name of the resource in the texts: an instance of an anonymous
// clone has a number until a history names the resource.
func (x *executor) shown(p *pengine.PrimitiveRef) string {
	if p.LongID != "" && !x.opts.Known(p.ID) {
		return p.LongID
	}
	return p.ID
}

func (x *executor) resource(a *pengine.GraphAction) {
	if a.Primitive == nil { // probe_again and the like concern the node
		x.done[a.ID] = true
		return
	}
	interval, _ := strconv.Atoi(a.Param("CRM_meta_interval"))
	p := a.Primitive
	name := x.shown(p)
	x.events = append(x.events, Event{Kind: ResourceAction, Resource: name, Task: a.Operation, Node: a.Node, Interval: interval, ID: a.ID})
	if a.Operation == "delete" || a.Operation == "lrm_delete" {
		x.done[a.ID] = true
		return
	}
	x.status.changes++
	n := x.status.node(a.Node, a.NodeID)
	id := p.ID
	if x.status.has(n, name) {
		id = name
	}
	h := x.status.entry(n, id, p.Class, p.Provider, p.Type)
	r := record{rsc: p.ID, task: a.Operation, interval: interval, rc: a.TargetRC, target: a.TargetRC, digest: digest(a, interval),
		notify:  [2]string{a.Param("CRM_meta_notify_type"), a.Param("CRM_meta_notify_operation")},
		migrate: [2]string{a.Param("CRM_meta_migrate_source"), a.Param("CRM_meta_migrate_target")}}
	failed := x.failure(a, name, p.ID, interval)
	if failed != nil {
		r.rc = failed.RC
		if task := a.Operation; r.rc != r.target && task != "notify" && task != "migrate_to" && task != "migrate_from" {
			r.reason = "User-injected result"
		}
		if a.Operation == "notify" {
			r.rc = 0 // nobody looks at the result of a notification
		}
		x.events = append(x.events, Event{Kind: Pretended, ID: a.ID, RC: failed.RC})
		x.aborted = true
		if failed.RC != notRunning || interval > 0 {
			x.failCount(n, failed.Resource, a.Operation, interval)
		}
	}
	r.write(h, x.opts.Now)
	x.done[a.ID], x.failed[a.ID] = true, failed != nil
}

// failure finds the result that the user wants for an action.
func (x *executor) failure(a *pengine.GraphAction, name, id string, interval int) *OpSpec {
	for i := range x.opts.Fail {
		f := &x.opts.Fail[i]
		if (f.Resource == name || f.Resource == id) && f.Task == a.Operation && f.Interval == interval && f.Node == a.Node {
			return f
		}
	}
	return nil
}

// failCount counts a failure in the attributes of the node.
func (x *executor) failCount(n *nodeState, rsc, task string, interval int) {
	x.events = append(x.events, x.status.countFailure(n, rsc, task, interval, x.opts.Now)...)
}

func (s *status) countFailure(n *nodeState, rsc, task string, interval int, now time.Time) []Event {
	var out []Event
	for _, nv := range [][2]string{{"fail-count-", "value++"}, {"last-failure-", strconv.FormatInt(now.Unix(), 10)}} {
		name := nv[0] + rsc + "#" + task + "_" + strconv.Itoa(interval)
		s.attribute(n, name, nv[1])
		out = append(out, Event{Kind: Attribute, Node: n.el.ID(), Name: name, Value: nv[1]})
	}
	return out
}
