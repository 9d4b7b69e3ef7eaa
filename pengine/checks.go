package pengine

import (
	"slices"

	"github.com/quorate/quorate/cib"
)

// reschedule is a recurring operation whose failure has expired: it starts anew.
type reschedule struct {
	r *resource
	n *node
	h *opEntry
}

// configChanges compares what is active with its configuration: agents,
// parameters, operations.
func (s *scheduler) configChanges() {
	for _, n := range s.nodes {
		if n.lrm == nil {
			continue
		}
		if !n.maintenance && !n.canRun() {
			continue
		}
		resources := n.lrm.First("lrm_resources")
		if resources == nil {
			continue
		}
		for _, e := range resources.All("lrm_resource") {
			s.historyChanges(n, e)
		}
	}
}

func (s *scheduler) historyChanges(n *node, e *cib.Element) {
	id := e.ID()
	for _, r := range n.running {
		if r.historyID() == id || r.id == id || !r.is(rUnique) && baseID(r.id) == id {
			s.resourceChanges(r, n, e)
		}
	}
	for _, r := range s.orphans[id] {
		if !slices.Contains(r.running, n) {
			s.cleanup(r, n, false)
		}
	}
	for _, r := range s.namedInHistory(id) {
		if !r.is(rOrphan) && !slices.Contains(r.running, n) && agentChanged(r, e) {
			s.cleanup(r, n, false)
		}
	}
}

// namedInHistory returns the primitives that a history entry with the id may
// stand for.
func (s *scheduler) namedInHistory(id string) []*resource {
	if r := s.rscByID[id]; r != nil && r.variant == primitiveVariant && !r.top().isAnonClone() {
		return []*resource{r}
	}
	base := baseID(id)
	r := s.rscByID[base+":0"]
	if r == nil || !r.top().isAnonClone() {
		return nil
	}
	var out []*resource
	for _, c := range r.top().children {
		if m := member(c, base); m != nil && (m.historyID() == id || m.id == id) {
			out = append(out, m)
		}
	}
	return out
}

func agentChanged(r *resource, e *cib.Element) bool {
	return e.Get("class") != r.class || e.Get("provider") != r.provider || e.Get("type") != r.typ
}

func (s *scheduler) resourceChanges(r *resource, n *node, e *cib.Element) {
	if r.is(rOrphan) {
		if !r.top().isAnonClone() {
			s.cleanup(r, n, false)
		}
		return
	}
	if r.historyID() != e.ID() && r.id != e.ID() && baseID(r.id) != e.ID() {
		return
	}
	if agentChanged(r, e) {
		s.unfenceChanged(r, n, "Device definition changed")
		s.newAction(r, tStop, 0, n, false)
		s.cleanup(r, n, false)
		r.set(rStartPending) // so that there is a start, wherever
	}
	var ops []*opEntry
	for _, c := range e.Children {
		if c.Name == "lrm_rsc_op" && c.Get("operation") != tNotify {
			ops = append(ops, readOp(c))
		}
	}
	sortOps(ops)
	start, stop := activeOps(ops)
	for i, h := range ops {
		if start < stop && i <= stop || i < start {
			continue
		}
		if h.interval > 0 && (r.is(rMaintenance) || n.maintenance) {
			s.scheduleCancel(r, itoa(h.callID), h.task, h.interval, n)
			continue
		}
		switch {
		case h.interval > 0, h.task == tMonitor, h.task == tStart, h.task == tPromote, h.task == tMigrateFrom:
			if s.hostAddressed(r) {
				s.lateChecks = append(s.lateChecks, lateCheck{r, n, h, true})
			} else {
				s.checkActive(r, n, h)
			}
		}
	}
}

// checkActive compares an operation that is in force with its definition.
func (s *scheduler) checkActive(r *resource, n *node, h *opEntry) {
	if s.opChanged(r, n, h) {
		if c, _ := s.failCount(n, r, true, nil); c > 0 {
			s.clearFailCount(r, n, "action definition changed")
		}
	}
}

// lateCheck is the comparison of an operation with its definition that can be
// made only when the node of a container is known.
type lateCheck struct {
	r      *resource
	n      *node
	h      *opEntry
	active bool
}

// checkLate makes the comparisons that had to wait for the assignment.
func (s *scheduler) checkLate() {
	for _, c := range s.lateChecks {
		if c.active {
			s.checkActive(c.r, c.n, c.h)
			continue
		}
		switch s.digestCompare(c.r, c.n, c.h.xml) {
		case digestSame, digestUnknown:
		default:
			s.clearFailCount(c.r, c.n, "resource parameters have changed")
		}
	}
}

// opChanged plans what follows from a changed definition of an operation.
func (s *scheduler) opChanged(r *resource, n *node, h *opEntry) bool {
	if h.interval > 0 {
		if s.findOp(r, h.task, h.interval, false) == nil {
			if s.cfg.stopOrphanActions {
				s.scheduleCancel(r, itoa(h.callID), h.task, h.interval, n)
			}
			return true
		}
	}
	switch d := s.digestCompareAs(r, n, h.xml, s.isRescheduled(r, n, h)); {
	case d == digestSame:
	case s.opts.Sanitized && s.privateOnly(r, n, h.xml):
	case d == digestRestart:
		s.forceRestart(r, n, h)
		return true
	default:
		if h.interval > 0 {
			s.unfenceChanged(r, n, "Device parameters changed (reschedule)")
			s.newAction(r, h.task, h.interval, n, true).set(aReschedule)
		} else if _, ok := h.xml.Lookup("op-restart-digest"); ok {
			s.unfenceChanged(r, n, "Device parameters changed (reload)")
			s.scheduleReload(r, n)
		} else {
			s.forceRestart(r, n, h)
		}
		return true
	}
	return false
}

// isRescheduled tells that an operation is a failure which failure-timeout made
// void, so that it has to run again.
func (s *scheduler) isRescheduled(r *resource, n *node, h *opEntry) bool {
	for _, c := range s.rescheduled {
		if c.r == r && c.n == n && c.h.id == h.id {
			return true
		}
	}
	return false
}

// forceRestart makes a resource restart, or an operation start anew, because
// its parameters changed.
func (s *scheduler) forceRestart(r *resource, n *node, h *opEntry) {
	s.unfenceChanged(r, n, "Device parameters changed")
	if h.interval > 0 {
		s.newAction(r, h.task, h.interval, n, false)
		return
	}
	task := h.task
	if task == tMonitor || task == tMigrateFrom || task == tPromote {
		task = tStart
	}
	a := s.newAction(r, task, 0, nil, false)
	a.setReason("resource definition change", true)
}

// scheduleReload plans to reload the agent parameters of a resource.
func (s *scheduler) scheduleReload(r *resource, n *node) {
	if r.variant > groupVariant || r.variant == groupVariant {
		for _, c := range r.children {
			s.scheduleReload(c, n)
		}
		return
	}
	if r.parent == nil && false || !r.is(rManaged) || r.is(rFailed) {
		return
	}
	if r.is(rStartPending) {
		s.stopAction(r, n, false)
		return
	}
	r.set(rReload)
	a := s.newAction(r, tReloadAgent, 0, n, false)
	a.reason = "resource definition change"
	s.addOrder(&order{act1: a, rsc2: r, task2: tStop, flags: oOptional | oThenCancelsFirst})
	s.addOrder(&order{act1: a, rsc2: r, task2: tDemote, flags: oOptional | oThenCancelsFirst})
}
