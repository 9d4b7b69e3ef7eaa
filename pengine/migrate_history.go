package pengine

import "github.com/quorate/quorate/cib"

// findHistoryOp returns the operation of a resource in the history of a node;
// source or target, when given, must match for migrations; rc, unless
// negative, must be the result of the completed operation.
func (s *scheduler) findHistoryOp(id, task string, n *node, other string, rc int) *opEntry {
	e := s.historyOf(n, id)
	if e == nil {
		return nil
	}
	var found *cib.Element
	for _, op := range e.Children {
		if op.Name != "lrm_rsc_op" || op.Get("operation") != task {
			continue
		}
		switch {
		case other == "":
		case task == tMigrateTo && op.Get("migrate_target") != other,
			task == tMigrateFrom && op.Get("migrate_source") != other:
			continue
		}
		if found != nil {
			// Which of several counts is not known: none does.
			return nil
		}
		found = op
	}
	if found == nil {
		return nil
	}
	h := readOp(found)
	if rc >= 0 && (h.rc != rc || h.status != stDone) {
		return nil
	}
	return h
}

// historyNode returns the node with the name or, where the configuration does
// not know it, a stand-in that has its history only.
func (s *scheduler) historyNode(name string) *node {
	if n := s.byName[name]; n != nil {
		return n
	}
	for _, e := range s.root.First("status").All("node_state") {
		if e.Get("uname") == name {
			return &node{uname: name, state: e}
		}
	}
	return nil
}

// changedAfter reports whether a start, stop or migration of the resource on a
// node is newer than the operation.
func (s *scheduler) changedAfter(id string, n *node, than *opEntry, sameNode bool) bool {
	e := s.historyOf(n, id)
	if e == nil {
		return false
	}
	for _, op := range e.Children {
		switch op.Get("operation") {
		case tStart, tStop, tMigrateTo, tMigrateFrom:
			if newerOp(readOp(op), than, sameNode) > 0 {
				return true
			}
		}
	}
	return false
}

func (s *scheduler) newerAfterMigrate(id string, n *node, to, from *opEntry) bool {
	ref, same := to, false
	src := to
	if src == nil {
		src = from
	}
	target := src.xml.Get("migrate_target")
	if n != nil && n.uname == target {
		if from != nil {
			ref, same = from, true
		} else {
			ref = to
		}
	} else if to != nil {
		ref, same = to, true
	} else {
		ref = from
	}
	if s.changedAfter(id, n, ref, same) {
		return true
	}
	// A probe, or any other monitor if it is the only one.
	h := s.findHistoryOp(id, tMonitor, n, "", rcNotRunning)
	return h != nil && newerOp(h, ref, same) > 0
}

// unknownOn reports whether no history of a node tells the state of the
// resource.
func (s *scheduler) unknownOn(id string, n *node) bool {
	var e *cib.Element = s.historyOf(n, id)
	if e == nil {
		return true
	}
	for _, op := range e.Children {
		if op.Name == "lrm_rsc_op" && op.Get("rc-code") != "193" {
			return false
		}
	}
	return true
}

func (s *scheduler) migrateToSucceeded(r *resource, n *node, h *opEntry) {
	sourceName, targetName := h.xml.Get("migrate_source"), h.xml.Get("migrate_target")
	if sourceName == "" || targetName == "" || sourceName != n.uname {
		s.errorf("history %s: migration from %q to %q on %s is ignored", h.id, sourceName, targetName, n.uname)
		return
	}
	target := s.historyNode(targetName)
	sourceNewer := s.changedAfter(r.id, n, h, true)
	from := s.findHistoryOp(r.id, tMigrateFrom, target, sourceName, -1)
	if from != nil && sourceNewer {
		return
	}
	targetNewer := s.newerAfterMigrate(r.id, target, h, from)
	if sourceNewer && targetNewer {
		return
	}
	if from != nil && from.rc == rcOK && from.status == stDone {
		r.role = roleStopped
		r.dangling = append([]*node{n}, r.dangling...)
		return
	}
	r.role = roleStarted
	onTarget := !targetNewer && target != nil && target.online
	if from != nil && from.status != stPending {
		if onTarget {
			s.addRunning(r, target, true)
		} else {
			r.set(rFailed | rStop)
			r.clear(rMigratable)
		}
		return
	}
	if target != nil && target.online && s.unknownOn(r.id, target) {
		return
	}
	if onTarget {
		s.addRunning(r, target, false)
		if n.online {
			r.migrateTo, r.migrateFrom = target, n
		}
	} else if !sourceNewer {
		r.set(rFailed | rStop)
		r.clear(rMigratable)
	}
}

func (s *scheduler) migrateToFailed(r *resource, n *node, h *opEntry) {
	sourceName, targetName := h.xml.Get("migrate_source"), h.xml.Get("migrate_target")
	if sourceName == "" || targetName == "" || sourceName != n.uname {
		return
	}
	r.role = roleStarted
	target := s.historyNode(targetName)
	from := s.findHistoryOp(r.id, tMigrateFrom, target, sourceName, rcOK)
	if !s.unknownOn(r.id, target) && !s.newerAfterMigrate(r.id, target, h, from) {
		if target != nil && target.online {
			s.addRunning(r, target, false)
		}
	} else if !s.changedAfter(r.id, n, h, true) {
		r.dangling = append([]*node{n}, r.dangling...)
	}
}

func (s *scheduler) migrateFromFailed(r *resource, n *node, h *opEntry) {
	sourceName, targetName := h.xml.Get("migrate_source"), h.xml.Get("migrate_target")
	if sourceName == "" || targetName == "" || targetName != n.uname {
		return
	}
	r.role = roleStarted
	source := s.historyNode(sourceName)
	to := s.findHistoryOp(r.id, tMigrateTo, source, targetName, rcOK)
	if !s.unknownOn(r.id, source) && !s.newerAfterMigrate(r.id, source, to, h) {
		if source != nil && source.online {
			s.addRunning(r, source, true)
		}
	}
}
