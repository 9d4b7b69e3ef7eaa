package controller

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pengine"
)

// expireActions gives up actions whose result is overdue.
func (m *Machine) expireActions() {
	d := m.dc
	for _, key := range slices.Sorted(maps.Keys(d.carried)) {
		op := d.carried[key]
		if _, adopted := d.adopted[key]; !adopted && !m.now.Before(op.deadline) {
			m.warn("tengine", "%s on %s timed out: no result came back; what became of it is unknown until %s reports", op.key, op.node, op.node)
			delete(d.carried, key)
			m.want("lost result of " + op.key + " on " + op.node)
		}
	}
	engine := d.engine
	if engine == nil {
		return
	}
	for _, a := range engine.Running() {
		if d.engine != engine {
			return // it ended with the one before; the rest is carried on
		}
		if t, ok := d.deadline[a.ID]; ok && !m.now.Before(t) {
			m.warn("tengine", "rsc_op %d: %s on %s timed out: no result came back; what became of it is unknown until %s reports",
				a.ID, a.Key, a.Node, a.Node)
			d.engine.Confirm(a.ID, false)
			m.lostResult(a)
			m.want("lost result of " + a.Key + " on " + a.Node)
		}
	}
}

// lostResult notes that an operation may still be in flight: it is not commanded
// again, and the resource counts as what the operation may make of it, until
// the member reports.
func (m *Machine) lostResult(a *pengine.GraphAction) {
	n, p := m.dc.byName(a.Node), a.Primitive
	if n == nil || p == nil || a.Operation == "cancel" || a.Operation == "delete" {
		return
	}
	op := m.commanded(a)
	delete(m.dc.carried, op.TransitionKey)
	if !remembered(&op) {
		return
	}
	n.hist.merge(pendingRecord(n.uname, &op, pendingCall))
	m.touched(n)
}

// commanded is the operation of a fired action, under the key of the command
// that was given.
func (m *Machine) commanded(a *pengine.GraphAction) lrm.Op {
	p := a.Primitive
	op := lrm.Op{Resource: p.ID, Class: p.Class, Provider: p.Provider, Type: p.Type,
		Name: a.Operation, Interval: metaMS(a, "CRM_meta_interval", 0), TransitionKey: m.key(a), Params: params(a)}
	for key, id := range m.dc.adopted {
		if id == a.ID {
			op.TransitionKey = key
		}
	}
	return op
}

// result takes the end of an operation on a member.
func (m *Machine) result(n *nodeStatus, msg *message) {
	d := m.dc
	parts := strings.SplitN(msg.TransitionKey, ":", 4)
	id := -1
	delete(d.carried, msg.TransitionKey)
	if mine, ok := d.adopted[msg.TransitionKey]; ok && d.engine != nil {
		id = mine
		delete(d.adopted, msg.TransitionKey)
	} else if len(parts) == 4 && d.engine != nil && parts[3] == m.cfg.TransitionerID &&
		parts[1] == strconv.Itoa(d.engine.Graph().TransitionID) {
		id, _ = strconv.Atoi(parts[0])
	}
	if msg.Refused != "" {
		n.setResource(m, msg)
		if id >= 0 && d.engine.Confirm(id, false) {
			m.warn("tengine", "action %d on %s was refused there: %s", id, n.uname, msg.Refused)
			d.notBefore = m.now.Add(200 * time.Millisecond)
		}
		m.want("an action on " + n.uname + " was refused")
		return
	}
	n.setResource(m, msg)
	ok := !failed(msg.Operation, msg.RC, msg.Status, targetRC(msg.TransitionKey)) || len(parts) != 4 ||
		msg.Operation == "notify" // tells the agent, who may not object
	if !ok {
		m.failure(n, msg)
	}
	if id >= 0 && d.engine.Confirm(id, ok) {
		delete(d.deadline, id)
		if ok {
			at := versionOf(m.config)
			at = at[:strings.LastIndexByte(at, '.')]
			m.info("tengine", "te_update_diff: Processing diff (cib_update): %s.%d -> %s.%d", at, max(d.numUpdates, 1)-1, at, d.numUpdates)
			m.info("tengine", "match_graph_event: Action %s (%d) confirmed on %s", msg.OpKey, id, n.uname)
			m.advance()
			return
		}
	}
	if id < 0 || !ok {
		m.want(msg.OpKey + " on " + n.uname + " ended with rc " + strconv.Itoa(msg.RC))
	}
}

// failCount returns the name of the attribute that counts the failure that a
// result reports, or "": probes and notifications do not count.
func (msg *message) failCount() string {
	if !failed(msg.Operation, msg.RC, msg.Status, targetRC(msg.TransitionKey)) ||
		msg.Operation == "" || msg.Operation == "notify" || msg.Operation == "monitor" && msg.IntervalMS == 0 {
		return ""
	}
	return "fail-count-" + attributeName(msg.Resource) + "#" + msg.Operation + "_" + itoa64(msg.IntervalMS)
}

// failure counts a failed operation on its node, as fail-count-RSC#OP_INTERVAL.
func (m *Machine) failure(n *nodeStatus, msg *message) {
	suffix, counts := strings.CutPrefix(msg.failCount(), "fail-count-")
	if !counts {
		return
	}
	task := msg.Operation
	count := "1"
	fatal := task == "stop" || task == "start" && m.option("start-failure-is-fatal") != "false"
	if fatal {
		count = "INFINITY"
	} else if old := n.attrs["fail-count-"+suffix]; old == "INFINITY" {
		count = old
	} else if v, err := strconv.Atoi(old); err == nil {
		count = strconv.Itoa(v + 1)
	}
	m.info("tengine", "update_failcount: Updating failcount for %s on %s after failed %s: rc=%d (update=%s)",
		msg.Resource, n.uname, task, msg.RC, count)
	attrs := map[string]*string{
		"fail-count-" + suffix:   &count,
		"last-failure-" + suffix: ptr(itoa64(m.now.Unix())),
	}
	for k, v := range attrs {
		n.attrs[k] = *v
	}
	m.touched(n)
	m.setAttrOn(n, attrs)
}
