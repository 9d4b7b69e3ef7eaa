package controller

import (
	"maps"
	"slices"
	"time"

	"github.com/quorate/quorate/pengine"
)

// carriedOp is a command in flight that belongs to no transition of now. The
// status shows it as pending; a transition that wants the same takes it over.
type carriedOp struct {
	node, resource, key, name string
	deadline                  time.Time
	// awaited tells that nothing can be decided before its end is known.
	awaited bool
}

// How long an aborted transition may finish what it has begun before the policy
// engine decides without waiting for it; how many answers of the policy engine
// in a row may be thrown away because something changed meanwhile, and how long
// the decision made then may wait for its certificate.
const (
	detachAfter = 500 * time.Millisecond
	maxIgnored  = 3
	stubbornFor = 300 * time.Millisecond
)

// detach takes what an aborted transition has begun out of it, so that nothing
// unrelated waits for a slow operation. It reports whether the transition can end.
func (m *Machine) detach() bool {
	d := m.dc
	if _, aborted := d.engine.Aborted(); !aborted || d.wanted == "" || d.gate.waits() || m.now.Sub(d.aborted) < detachAfter {
		return false
	}
	running := d.engine.Running()
	for _, a := range running {
		if !m.detachable(a) {
			return false
		}
	}
	for _, a := range running {
		op := m.commanded(a)
		n := d.byName(a.Node)
		d.carried[op.TransitionKey] = carriedOp{node: a.Node, resource: op.Resource, key: op.Key(), name: op.Name, deadline: d.deadline[a.ID]}
		n.hist.merge(pendingRecord(n.uname, &op, pendingCall))
		m.touched(n)
		m.info("tengine", "action %d: %s on %s goes on beside the next transition", a.ID, a.Key, a.Node)
	}
	return true
}

// detachable tells actions that the policy engine understands while they are in
// flight.
func (m *Machine) detachable(a *pengine.GraphAction) bool {
	if a.Kind != pengine.RscOp || a.Primitive == nil || m.dc.byName(a.Node) == nil {
		return false
	}
	switch a.Operation {
	case "start", "stop", "promote", "demote", "monitor":
		return true
	}
	return false
}

// inherit takes over what a member has in flight from the transitions of an
// older DC.
func (m *Machine) inherit(n *nodeStatus, timeouts map[string]int64) {
	for key, op := range m.dc.carried {
		if op.node == n.uname {
			delete(m.dc.carried, key)
		}
	}
	for _, e := range n.hist.rsc {
		for _, op := range e.Children {
			if op.Get("op-status") != "-1" {
				continue
			}
			key := op.Get("transition-key")
			patience := time.Duration(timeouts[key])*time.Millisecond + m.interval("cluster-delay", time.Minute)
			m.dc.carried[key] = carriedOp{node: n.uname, resource: e.ID(), key: op.Get("operation_key"),
				name: op.Get("operation"), deadline: m.now.Add(patience)}
		}
	}
}

// awaits names a command in flight whose end has to be known before the policy
// engine can decide, or "".
func (m *Machine) awaits() string {
	for _, key := range slices.Sorted(maps.Keys(m.dc.carried)) {
		if op := m.dc.carried[key]; op.awaited {
			return op.key + " on " + op.node
		}
	}
	return ""
}

// unwanted looks for a command in flight which the graph does not want any more
// and that changes what the graph was made from: the graph would take for running
// what is about to stop. It is awaited then.
func (m *Machine) unwanted(g *pengine.Graph) string {
	if len(m.dc.carried) == 0 {
		return ""
	}
	type place struct{ node, key string }
	planned := map[place]bool{}
	for _, a := range g.Actions {
		if a.Kind == pengine.RscOp {
			planned[place{a.Node, a.Key}] = true
		}
	}
	found := ""
	for _, key := range slices.Sorted(maps.Keys(m.dc.carried)) {
		op := m.dc.carried[key]
		if n := m.dc.byName(op.node); n == nil || !n.member {
			continue
		}
		if (op.name == "stop" || op.name == "demote") && !planned[place{op.node, op.key}] {
			op.awaited = true
			m.dc.carried[key] = op
			found = op.key + " on " + op.node
		}
	}
	return found
}

// known notes in a command what the policy engine knew of the node's own stops.
func (c *Command) known(d *dc, node string) {
	if n, ok := d.knownStops[node]; ok {
		c.OwnStops = &n
	}
}
