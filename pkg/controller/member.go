package controller

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
)

// obey carries out a message of the DC.
func (m *Machine) obey(msg *message) {
	switch msg.Kind {
	case msgJoinOffer:
		m.send(m.view.DC, m.joinRequest())
	case msgJoinAck:
		m.offered = true
		if m.dc == nil {
			m.to(NotDC, "I_NOT_DC", "C_HA_MESSAGE", "do_cl_join_finalize_respond")
			m.refreshed()
		}
		for _, k := range slices.Sorted(maps.Keys(m.uncounted)) {
			// The history goes with it as it is now: what was so then may be over.
			again := *m.uncounted[k]
			again.Resources, again.OwnStops = m.resourceText(again.Resource), m.ownStops
			m.send(m.view.DC, &again)
		}
		if m.leaving {
			m.askShutdown()
		}
	case msgCommand:
		if msg.Command == nil {
			m.warn("crmd", "a command of %s without an operation is dropped", m.view.DC)
			return
		}
		m.command(msg.Command)
	case msgAttrSet:
		for k, v := range msg.Attrs {
			m.setAttr(k, v)
			delete(m.uncounted, k)
		}
	case msgStatus:
		m.takeStatus(msg)
	case msgDoShutdown:
		if m.leaving {
			m.leave()
		}
	}
}

// refreshed tells that the DC has the attributes of this node, which came with the
// request.
func (m *Machine) refreshed() { m.info("attrd", "attrd_local_callback: Sending full refresh") }

func (m *Machine) joinRequest() *message {
	req := &message{Kind: msgJoinRequest, UUID: m.cfg.UUID, Leaving: m.leaving, OwnStops: m.ownStops, Attrs: map[string]*string{}}
	if m.candidate != nil {
		req.Candidate = m.cfg.Candidate
	}
	all := map[string]bool{}
	for n := range m.hist.rsc {
		all[n] = true
	}
	for key, o := range m.flight {
		all[o.Resource] = true
		if req.Timeouts == nil {
			req.Timeouts = map[string]int64{}
		}
		req.Timeouts[key] = (o.Timeout + o.StartDelay).Milliseconds()
	}
	for _, n := range slices.Sorted(maps.Keys(all)) {
		req.Resources = append(req.Resources, m.resourceText(n)...)
	}
	for k, v := range m.attrs {
		req.Attrs[k] = &v
	}
	return req
}

func (m *Machine) command(c *Command) {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	switch c.Operation {
	case "cancel":
		m.hist.cancel(c.Resource, lrm.OpKey(c.Resource, c.CancelOp, ms(c.IntervalMS)))
		m.do(Cancel{c.Resource, c.CancelOp, ms(c.IntervalMS)})
		m.send(m.view.DC, &message{Kind: msgResult, TransitionKey: c.TransitionKey,
			OpKey:    lrm.OpKey(c.Resource, c.CancelOp, ms(c.IntervalMS)),
			Resource: c.Resource, Resources: m.resourceText(c.Resource)})
		return
	case "delete":
		m.hist.forget(c.Resource)
		m.do(Forget{c.Resource})
		m.send(m.view.DC, &message{Kind: msgResult, TransitionKey: c.TransitionKey,
			OpKey: c.Resource + "_delete_0", Resource: c.Resource})
		return
	}
	op := lrm.Op{
		Resource: c.Resource, Class: c.Class, Provider: c.Provider, Type: c.Type,
		Name: c.Operation, Interval: ms(c.IntervalMS), Timeout: ms(c.TimeoutMS),
		StartDelay: ms(c.StartDelayMS), Params: c.Params, TransitionKey: c.TransitionKey,
	}
	if Gated(op.Name) && c.OwnStops != nil && *c.OwnStops < m.ownStops {
		// It may need what has been stopped.
		m.tellOwnStops()
		m.Refused(m.now, &op, "the command was given before the DC knew of all stops at the end of this node's lease")
		return
	}
	m.flight[c.TransitionKey] = op
	m.info("crmd", "do_lrm_rsc_op: Performing op=%s key=%s", op.Key(), c.TransitionKey)
	m.do(Execute{op, m.view.Instance})
}

// tellOwnStops makes sure that the DC knows what has been stopped here: a report
// made without quorum was not sent.
func (m *Machine) tellOwnStops() {
	if m.toldStops == m.ownStops {
		return
	}
	m.toldStops = m.ownStops
	for _, n := range m.hist.names() {
		m.send(m.view.DC, &message{Kind: msgResult, Resource: n, TransitionKey: "stopped",
			OpKey: lrm.OpKey(n, "stop", 0), OwnStops: m.ownStops, Resources: m.resourceText(n)})
	}
}

// resourceText returns what this node knows of a resource as an lrm_resource
// element, what is in flight included, or nothing.
func (m *Machine) resourceText(resource string) []string {
	all := newHistory()
	if e := m.hist.rsc[resource]; e != nil {
		all.merge(e)
	}
	for _, key := range slices.Sorted(maps.Keys(m.flight)) {
		if o := m.flight[key]; o.Resource == resource && remembered(&o) && !m.cfg.Secretive {
			all.merge(pendingRecord(m.cfg.Self, &o, pendingCall))
		}
	}
	if e := all.rsc[resource]; e != nil {
		return []string{compact(e)}
	}
	return nil
}

// remembered tells whether an operation belongs to the history: a notification
// says nothing about the state of the resource.
func remembered(o *lrm.Op) bool { return o.Name != "notify" }

// pendingCall is the call-id of what is in flight: after everything that ended.
const pendingCall = 1 << 30

// Result takes the result of an operation from the local resource manager.
func (m *Machine) Result(now time.Time, r *lrm.Result) {
	if r.Status == lrm.Cancelled {
		if _, began := m.flight[r.Op.TransitionKey]; began { // withdrawn before its first result
			m.Refused(now, &r.Op, "it was cancelled before it had a result")
		}
		return
	}
	m.now = now
	delete(m.flight, r.Op.TransitionKey)
	own := r.Op.TransitionKey == ""
	if own && (r.Op.Name == "stop" || r.Op.Name == "demote") {
		m.ownStops++
	}
	e := m.hist.inOrder(record(m.cfg.Self, r))
	if r.Op.Interval == 0 && r.RC == lrm.OK && (r.Op.Name == "stop" || own && r.Op.Name == "demote") {
		// What was repeated while it ran is over.
		m.dropRecurring(r.Op.Resource)
	}
	if remembered(&r.Op) {
		m.hist.merge(e)
	}
	m.info("crmd", "process_lrm_event: LRM operation %s (call=%d, rc=%d, status=%d) complete",
		r.Op.Key(), r.CallID, r.RC, int(r.Status))
	if failed(r.Op.Name, r.RC, int(r.Status), targetRC(r.Op.TransitionKey)) {
		switch {
		case r.Status == lrm.TimedOut:
			m.warn("crmd", "process_lrm_event: LRM operation %s Timed Out (timeout=%dms): %s", r.Op.Key(), r.Op.Timeout.Milliseconds(), r.ExitReason)
		case r.ExitReason != "":
			m.warn("crmd", "process_lrm_event: LRM operation %s failed (rc=%d): %s", r.Op.Key(), r.RC, r.ExitReason)
		}
	}
	report := &message{Kind: msgResult, TransitionKey: r.Op.TransitionKey,
		OpKey: r.Op.Key(), Operation: r.Op.Name, IntervalMS: r.Op.Interval.Milliseconds(),
		RC: r.RC, Status: int(r.Status), OwnStops: m.ownStops, Resource: r.Op.Resource,
		Resources: m.resourceText(r.Op.Resource)}
	if attr := report.failCount(); attr != "" {
		m.uncounted[attr] = report
	}
	if m.view.Quorum {
		m.send(m.view.DC, report)
	}
	m.do(StatusChanged{})
}

func (m *Machine) dropRecurring(resource string) {
	old := m.hist.rsc[resource]
	if old == nil {
		return
	}
	var kept []*cib.Element
	for _, c := range old.Children {
		if c.Get("interval") == "0" || c.ID() == resource+"_last_failure_0" {
			kept = append(kept, c)
		}
	}
	m.hist.rsc[resource] = old.WithChildren(kept...)
}

// Refused takes the news that an operation was not executed because this node
// may not run resources now. Nothing was done, so nothing is recorded.
func (m *Machine) Refused(now time.Time, op *lrm.Op, reason string) {
	m.now = now
	delete(m.flight, op.TransitionKey)
	m.warn("crmd", "%s refused: %s", op.Key(), reason)
	if m.view.Quorum {
		m.send(m.view.DC, &message{Kind: msgResult, TransitionKey: op.TransitionKey,
			OpKey: op.Key(), Resource: op.Resource, Resources: m.resourceText(op.Resource), Refused: reason})
	}
}

// Attribute takes a new value of a transient attribute of this node from the
// attribute manager; nil deletes it.
func (m *Machine) Attribute(now time.Time, name string, value *string) {
	m.now = now
	m.setAttr(name, value)
	if m.view.Quorum {
		m.send(m.view.DC, &message{Kind: msgAttr, Attrs: map[string]*string{name: value}})
	}
	m.do(StatusChanged{})
}

func (m *Machine) setAttr(name string, value *string) {
	if value == nil {
		delete(m.attrs, name)
	} else {
		m.attrs[name] = *value
	}
}

func (m *Machine) takeStatus(msg *message) {
	if m.dc != nil {
		return // our own broadcast
	}
	if msg.Whole {
		m.shown, m.unread = map[string]*cib.Element{}, nil
	}
	m.unread = append(m.unread, msg.Nodes...)
	if len(m.unread) > unreadMax {
		m.shownNodes()
	}
	m.shownUpdates, m.shownConfig = msg.NumUpdates, msg.Config
	m.do(StatusChanged{})
}

// unreadMax bounds what is kept of a status that nobody looks at.
const unreadMax = 200

// shownNodes is the status as the DC told it. It is read when somebody looks: on
// most nodes nobody does.
func (m *Machine) shownNodes() map[string]*cib.Element {
	for _, text := range m.unread {
		e, err := cib.Parse([]byte(text), "status from the DC")
		if err != nil {
			m.warn("crmd", "%v", err)
			continue
		}
		m.shown[e.Get("uname")] = e
	}
	m.unread = nil
	return m.shown
}

// forget cleans the history of a resource on this node and its failures.
func (m *Machine) forget(resource string) {
	for _, n := range m.hist.names() {
		if n == resource || attributeName(n) == resource {
			m.forgetOne(n)
		}
	}
	if m.hist.rsc[resource] == nil {
		m.forgetOne(resource)
	}
	maps.DeleteFunc(m.uncounted, func(k string, _ *message) bool { return failureOf(k, resource) })
	gone := map[string]*string{}
	for k := range m.attrs {
		if failureOf(k, resource) {
			gone[k] = nil
		}
	}
	if len(gone) > 0 {
		for k := range gone {
			delete(m.attrs, k)
		}
		m.send(m.view.DC, &message{Kind: msgAttr, Attrs: gone})
	}
}

// forgetOne cleans the history of a resource under the very name it is kept.
func (m *Machine) forgetOne(name string) {
	m.hist.forget(name)
	m.do(Forget{name})
	m.send(m.view.DC, &message{Kind: msgResult, Resource: name, TransitionKey: "cleanup",
		OpKey: lrm.OpKey(name, "delete", 0), Resources: m.resourceText(name)})
}

// failureOf reports whether an attribute counts failures of a resource.
func failureOf(attr, resource string) bool {
	return strings.HasPrefix(attr, "fail-count-"+resource+"#") ||
		strings.HasPrefix(attr, "last-failure-"+resource+"#")
}
