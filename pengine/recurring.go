package pengine

import "strconv"

// recurring plans and cancels the recurring operations of a primitive.
func (s *scheduler) recurring(r *resource) {
	if r.is(rBlocked) || r.is(rMaintenance) {
		return
	}
	var start *action
	n := r.assigned
	// Where it runs nothing is planned in maintenance; elsewhere it is watched
	// that it does not run.
	if n != nil && !n.maintenance && (r.next != roleStopped || !r.is(rManaged)) {
		start = s.startAction(r, n, true)
	}
	for i, op := range r.opsXML {
		ms := parseInterval(op)
		task := op.Get("name")
		if ms <= 0 {
			continue
		}
		switch task {
		case tStart, tStop, tPromote, tDemote, tMigrateTo, tMigrateFrom, "":
			s.errorf("resource %s: operation %s cannot be recurring and is ignored", r.id, op.ID())
			continue
		}
		if same := r.opsNamed(task, ms); len(same) > 1 {
			other := same[0]
			if other == i {
				other = same[1]
			}
			s.errorf("resource %s: operation %s is a duplicate of %s and is ignored", r.id, op.ID(), r.opsXML[other].ID())
			continue
		}
		if s.findOp(r, task, ms, false) == nil {
			continue
		}
		role := roleUnknown
		if v := op.Get("role"); v != "" {
			if role = parseRole(v); role == roleUnknown {
				s.errorf("resource %s: operation %s has the unknown role %q and is ignored", r.id, op.ID(), v)
				continue
			}
		}
		if start != nil {
			s.recurringActive(r, start, n, task, ms, role)
		}
		if role == roleStopped {
			s.recurringInactive(r, n, task, ms)
		}
	}
}

func (s *scheduler) recurringActive(r *resource, start *action, n *node, task string, ms int64, role role) {
	if role == roleStopped {
		return
	}
	optional := false
	if have := r.findExact(task, ms, n); len(have) > 0 {
		optional = start.is(aOptional)
		for _, a := range have {
			if a.is(aReschedule) {
				optional = false
			}
		}
	}
	if role != roleUnknown && r.next != role || role == roleUnknown && r.next == rolePromoted {
		if !optional {
			return
		}
		c := s.cancelAction(r, task, ms, n)
		after := ""
		switch r.role {
		case roleUnpromoted, roleStarted:
			switch r.next {
			case rolePromoted:
				after = tPromote
			case roleStopped:
				after = tStop
			}
		case rolePromoted:
			after = tDemote
		}
		if after != "" {
			s.addOrder(&order{act1: c, rsc2: r, task2: after, flags: oRunnableLeft})
		}
		return
	}
	mon := s.newAction(r, task, ms, n, optional)
	if !start.is(aRunnable) {
		mon.clear(aRunnable)
	} else if n == nil || !n.online || n.unclean {
		mon.clear(aRunnable)
	}
	if r.next == rolePromoted {
		mon.targetRC = rcRunningPromoted
	}
	if n == nil || r.is(rManaged) {
		s.addOrder(&order{rsc1: r, task1: tStart, act2: mon, flags: oImpliesThen | oRunnableLeft})
		s.addOrder(&order{rsc1: r, task1: tReloadAgent, act2: mon, flags: oImpliesThen | oRunnableLeft})
		if r.next == rolePromoted {
			s.addOrder(&order{rsc1: r, task1: tPromote, act2: mon, flags: oOptional | oRunnableLeft})
		} else if r.role == rolePromoted {
			s.addOrder(&order{rsc1: r, task1: tDemote, act2: mon, flags: oOptional | oRunnableLeft})
		}
	}
}

// recurringInactive plans monitors that watch that a resource stays stopped.
func (s *scheduler) recurringInactive(r *resource, n *node, task string, ms int64) {
	if !r.is(rUnique) {
		return
	}
	for _, x := range s.nodes {
		if n == x {
			if len(r.findExact(task, ms, n)) > 0 {
				c := s.cancelAction(r, task, ms, n)
				if r.next == roleStarted || r.next == roleUnpromoted {
					s.addOrder(&order{act1: c, rsc2: r, task2: tStart, flags: oRunnableLeft})
				}
			}
			continue
		}
		optional := len(r.findExact(task, ms, x)) > 0
		mon := s.newAction(r, task, ms, x, optional)
		mon.targetRC = rcNotRunning
		if r.is(rManaged) {
			for _, p := range r.findExact(tMonitor, 0, x) {
				s.orderActions(p, mon, oRunnableLeft)
			}
		}
		for _, stop := range r.findExact(tStop, 0, x) {
			if !stop.is(aOptional) && !mon.is(aOptional) && !r.is(rManaged) {
				mon.clear(aRunnable)
			}
			if !stop.is(aRunnable) {
				mon.clear(aRunnable)
			}
			if r.is(rManaged) {
				s.addOrder(&order{rsc1: r, act1: stop, act2: mon, flags: oImpliesThen | oRunnableLeft})
			}
		}
		if !x.online || x.unclean {
			mon.clear(aRunnable)
		}
	}
}

// cancelAction turns a recurring operation into its cancellation.
func (s *scheduler) cancelAction(r *resource, task string, ms int64, n *node) *action {
	known := r.find(task, ms, n) != nil
	a := s.newAction(r, task, ms, n, false)
	if !known {
		// It never was anything but a cancel: rules for operations see it so.
		a.op = s.evaluateOp(r, task, tCancel, ms)
		a.onFail, a.failRole = a.op.onFail, a.op.failRole
	}
	a.task = tCancel
	a.cancel = task
	return a
}

// scheduleCancel cancels a recurring operation that should not run any more.
func (s *scheduler) scheduleCancel(r *resource, callID, task string, ms int64, n *node) {
	a := s.cancelAction(r, task, ms, n)
	a.extra = append(a.extra, Param{"CRM_meta_call_id", callID})
	s.addOrder(&order{rsc1: r, task1: tStop, act2: a, flags: oOptional})
}

func itoa(v int) string { return strconv.Itoa(v) }
