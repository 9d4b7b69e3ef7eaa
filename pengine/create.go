package pengine

// createActions plans what takes a resource from its role and node to the next.
func (s *scheduler) createActions(r *resource) {
	switch r.variant {
	case primitiveVariant:
		s.primitiveActions(r)
	case groupVariant:
		for _, m := range r.children {
			s.createActions(m)
		}
		for _, t := range []string{tStart, tRunning, tStop, tStopped} {
			s.pseudo(r, t, true, true)
		}
		if r.inPromotable() {
			for _, t := range []string{tDemote, tDemoted, tPromote, tPromoted} {
				s.pseudo(r, t, true, true)
			}
		}
	case cloneVariant:
		s.cloneActions(r)
	case bundleVariant:
		s.bundleActions(r)
	}
}

// nextStep is the first role on the way from one role to another.
func nextStep(from, to role) role {
	switch from {
	case roleUnknown:
		return roleStopped
	case roleStopped:
		if to == rolePromoted {
			return roleUnpromoted
		}
	case roleUnpromoted:
		if to == roleStarted {
			return roleStopped
		}
	case rolePromoted:
		if to != rolePromoted {
			return roleUnpromoted
		}
	}
	return to
}

// step plans the change of one role to the next one.
func (s *scheduler) step(r *resource, from, to role, n *node, optional bool) {
	switch from {
	case roleUnknown:
		if to == roleStopped {
			s.stopResource(r, optional)
		}
	case roleStopped:
		if to == roleStarted || to == roleUnpromoted {
			s.startResource(r, n, optional)
		}
	case roleStarted, roleUnpromoted:
		switch to {
		case roleStopped:
			s.stopResource(r, optional)
		case rolePromoted:
			s.promoteResource(r, n, optional)
		}
	case rolePromoted:
		if to != rolePromoted {
			s.demoteResource(r, n, optional)
		}
	}
}

func (s *scheduler) primitiveActions(r *resource) {
	if r.next == roleUnknown {
		if r.assigned == nil {
			s.setNext(r, roleStopped, "assignment")
		} else {
			s.setNext(r, roleStarted, "assignment")
		}
	}
	current, allActive, cleanActive := r.activeNodes()
	for _, n := range r.dangling {
		a := s.stopAction(r, n, false)
		a.set(aDangling)
		if s.cfg.removeAfterStop {
			s.cleanup(r, n, false)
		}
	}
	moving := current != nil && r.assigned != nil && current != r.assigned && r.next >= roleStarted
	canMigrate := moving && s.canMigrate(r, current)
	needStop, needPromote, multiple := moving, false, false
	switch {
	case r.migrateFrom != nil && r.migrateTo != nil && canMigrate && allActive == 2 &&
		current == r.migrateFrom && r.assigned == r.migrateTo:
		// A partial migration continues.
	case r.migrateFrom != nil || r.migrateTo != nil:
		needStop = true
		r.migrateFrom, r.migrateTo = nil, nil
		canMigrate = false
	case r.is(rNeedsFencing):
		multiple = allActive > 1
	default:
		multiple = cleanActive > 1
	}
	if multiple {
		s.notef("resource %s may be active on %d nodes", r.id, len(r.running))
		switch r.multi {
		case multiStopStart:
			needStop = true
		case multiStopUnexpected:
			needStop = true
			r.set(rStopUnexpected)
		}
	} else {
		r.clear(rStopUnexpected)
	}
	if r.is(rStartPending) {
		a := s.startAction(r, r.assigned, true)
		a.set(aPrintAlways)
	}
	switch {
	case moving:
	case r.is(rFailed):
		if r.is(rStop) {
			needStop = true
		} else if r.next == rolePromoted {
			needPromote = true
		}
	case r.is(rBlocked):
		needStop = true
	case r.role > roleStarted && current != nil && r.assigned != nil:
		if a := s.startAction(r, r.assigned, true); !a.is(aOptional) {
			needStop = true
		}
	}
	s.restartActions(r, current, needStop, needPromote)
	for at := r.role; at != r.next; {
		to := nextStep(at, r.next)
		s.step(r, at, to, r.assigned, false)
		at = to
	}
	s.recurring(r)
	if canMigrate {
		s.migrationActions(r, current)
	}
}

func (s *scheduler) restartActions(r *resource, current *node, needStop, needPromote bool) {
	r.set(rRestarting)
	at := r.role
	for at != roleStopped {
		to := nextStep(at, roleStopped)
		s.step(r, at, to, current, !needStop)
		at = to
	}
	for r.role <= r.next && at != r.role && !r.is(rBlocked) {
		to := nextStep(at, r.role)
		required := needStop || to == rolePromoted && needPromote
		s.step(r, at, to, r.assigned, !required)
		if to == at {
			break
		}
		at = to
	}
	r.clear(rRestarting)
}

// expectedNode reports whether a resource that is active too often stays on
// the node: only where it has to get back to the role that it has.
func (s *scheduler) expectedNode(r *resource, n *node) bool {
	return r.is(rRestarting) && r.is(rStopUnexpected) && r.next > roleStopped && r.assigned == n && n != nil
}

func (s *scheduler) stopResource(r *resource, optional bool) {
	for _, n := range r.running {
		if s.expectedNode(r, n) {
			continue
		}
		if r.migrateTo != nil {
			if r.migrateTo == n && r.migrateTo == r.assigned {
				continue
			}
			optional = false
		}
		a := s.stopAction(r, n, optional)
		if r.assigned == nil {
			a.setReason("node availability", true)
		} else if r.is(rRestarting) && r.is(rStopUnexpected) {
			a.setReason("being multiply active", true)
		}
		if !r.is(rManaged) {
			a.clear(aRunnable)
		}
		if s.cfg.removeAfterStop {
			s.cleanup(r, n, optional)
		}
		s.stopBeforeUnfencing(a)
	}
}

func (s *scheduler) startResource(r *resource, n *node, optional bool) {
	if n == nil {
		return
	}
	a := s.startAction(r, n, true)
	s.waitForUnfencing(a)
	if a.is(aRunnable) && !optional {
		a.clear(aOptional)
	}
	if s.expectedNode(r, n) {
		a.set(aPseudo)
	}
}

func (s *scheduler) demoteResource(r *resource, n *node, optional bool) {
	if s.expectedNode(r, n) {
		return
	}
	for _, n := range r.running {
		s.demoteAction(r, n, optional)
	}
}

func (s *scheduler) promoteResource(r *resource, n *node, optional bool) {
	if n == nil {
		return
	}
	for _, a := range r.findExact(tStart, 0, n) {
		if !a.is(aRunnable) {
			for _, p := range r.findExact(tPromote, 0, n) {
				p.clear(aRunnable)
			}
			return
		}
	}
	a := s.promoteAction(r, n, optional)
	if s.expectedNode(r, n) {
		a.set(aPseudo)
	}
}

// cleanup plans to remove the history of a resource from a node.
func (s *scheduler) cleanup(r *resource, n *node, optional bool) {
	if r.is(rFailed) || n == nil || n.unclean || !n.online {
		return
	}
	s.newAction(r, tDelete, 0, n, optional)
	flags := oOptional
	if optional {
		flags = oImpliesThen
	}
	s.orderTasks(r, tStop, r, tDelete, flags)
	s.orderTasks(r, tDelete, r, tStart, flags)
}

// cloneEvents tells what happens to the instances of a clone.
type cloneEvents struct {
	starting, stopping, active bool
}

func (e *cloneEvents) look(r *resource) {
	for _, c := range r.children {
		e.look(c)
	}
	if len(r.children) > 0 {
		return
	}
	if len(r.running) > 0 {
		e.active = true
	}
	for _, a := range r.actions {
		if a.is(aOptional) || !a.is(aPseudo) && !a.is(aRunnable) {
			continue
		}
		switch a.task {
		case tStop:
			e.stopping = true
		case tStart:
			if a.is(aRunnable) {
				e.starting = true
			}
		}
	}
}

func (s *scheduler) cloneActions(r *resource) {
	var all cloneEvents
	migratable := true
	for _, c := range r.children {
		s.createActions(c)
		one := cloneEvents{}
		one.look(c)
		if one.starting && one.stopping {
			migratable = false
		}
		all.starting = all.starting || one.starting
		all.stopping = all.stopping || one.stopping
		all.active = all.active || one.active
	}
	start := s.pseudo(r, tStart, !all.starting, true)
	started := s.pseudo(r, tRunning, !all.starting, false)
	started.priority = Infinity
	if all.active || all.starting {
		started.set(aRunnable)
	}
	if r.notifyStart == nil {
		r.notifyStart = s.notifyPseudos(r, tStart, start, started)
	}
	stop := s.pseudo(r, tStop, !all.stopping, true)
	stopped := s.pseudo(r, tStopped, !all.stopping, true)
	stopped.priority = Infinity
	if migratable {
		stop.set(aMigratable)
	}
	if r.notifyStop == nil {
		r.notifyStop = s.notifyPseudos(r, tStop, stop, stopped)
		if r.notifyStop != nil && r.notifyStart != nil {
			s.orderActions(r.notifyStop.postDone, r.notifyStart.pre, oOptional)
		}
	}
	if r.ordered {
		s.orderInstances(r)
	}
	if r.is(rPromotable) {
		s.promotableActions(r)
	}
}

// orderInstances orders the instances of a clone that start or stop one after
// the other, whatever stays as it is between them.
func (s *scheduler) orderInstances(r *resource) {
	sortByNumber(r)
	var lastStart, lastStop *action
	for _, c := range r.children {
		if a := c.firstAction(tStop, nil); a != nil && !a.is(aOptional) {
			s.orderActions(a, lastStop, oOptional)
			lastStop = a
		}
		if a := c.firstAction(tStart, nil); a != nil && !a.is(aOptional) {
			s.orderActions(lastStart, a, oOptional)
			lastStart = a
		}
	}
}

func (s *scheduler) promotableActions(r *resource) {
	promoting, demoting := false, false
	for _, c := range r.children {
		c.roleChanges(&promoting, &demoting)
	}
	promote := s.pseudo(r, tPromote, !promoting, true)
	promoted := s.pseudo(r, tPromoted, !promoting, true)
	promoted.priority = Infinity
	demote := s.pseudo(r, tDemote, !demoting, true)
	demoted := s.pseudo(r, tDemoted, !demoting, true)
	demoted.priority = Infinity
	if r.notifyPromote == nil {
		r.notifyPromote = s.notifyPseudos(r, tPromote, promote, promoted)
	}
	if r.notifyDemote == nil {
		r.notifyDemote = s.notifyPseudos(r, tDemote, demote, demoted)
	}
	if r.notifyPromote != nil {
		s.orderActions(r.notifyStop.postDone, r.notifyPromote.pre, oOptional)
		s.orderActions(r.notifyStart.postDone, r.notifyPromote.pre, oOptional)
		s.orderActions(r.notifyDemote.postDone, r.notifyPromote.pre, oOptional)
		s.orderActions(r.notifyDemote.postDone, r.notifyStart.pre, oOptional)
		s.orderActions(r.notifyDemote.postDone, r.notifyStop.pre, oOptional)
	}
	for _, c := range r.children {
		c.priority = r.priority
	}
}

func (r *resource) roleChanges(promoting, demoting *bool) {
	for _, c := range r.children {
		c.roleChanges(promoting, demoting)
	}
	for _, a := range r.actions {
		if a.is(aOptional) {
			continue
		}
		switch a.task {
		case tPromote:
			*promoting = true
		case tDemote:
			*demoting = true
		}
	}
}
