package pengine

// updateOrdered applies one kind of ordering; owner is the resource whose kind
// decides how.
func (s *scheduler) updateOrdered(owner *resource, first, then *action, n *node, flags, filter, kind uint32) uint8 {
	switch owner.variant {
	case groupVariant:
		ch := s.updatePair(first, then, n, flags, filter, kind)
		if then.rsc == nil {
			return ch
		}
		for _, m := range then.rsc.children {
			if a := m.firstAction(then.task, n); a != nil {
				ch |= s.updateOrdered(m, first, a, n, flags, filter, kind)
			}
		}
		return ch
	case cloneVariant, bundleVariant:
		return s.updateClone(first, then, n, flags, filter, kind)
	}
	return s.updatePair(first, then, n, flags, filter, kind)
}

func (s *scheduler) updatePair(first, then *action, n *node, flags, filter, kind uint32) uint8 {
	ff, tf := first.flags, then.flags
	if kind&oAsymmetrical != 0 {
		s.asymmetric(first, then)
	}
	if kind&oImpliesFirst != 0 && tf&aOptional == 0 {
		if filter&aOptional != 0 && flags&aOptional == 0 && first.is(aOptional) {
			first.clearBecause(aOptional, then)
		}
		if flags&aMigratable != 0 && !then.is(aMigratable) {
			first.clearBecause(aMigratable, then)
		}
	}
	if kind&oPromotedImpliesFirst != 0 && then.rsc != nil && then.rsc.role == rolePromoted && !then.is(aOptional) {
		first.clearBecause(aOptional, then)
		if first.is(aMigratable) && !then.is(aMigratable) {
			first.clearBecause(aMigratable, then)
		}
	}
	if kind&oImpliesFirstMigr != 0 && filter&aOptional != 0 {
		if !then.is(aMigratable | aRunnable) {
			first.clearBecause(aRunnable, then)
		}
		if !then.is(aOptional) {
			first.clearBecause(aOptional, then)
		}
	}
	if kind&oPseudoLeft != 0 && filter&aOptional != 0 && !first.is(aRunnable) {
		then.clearBecause(aMigratable, first)
		then.clear(aPseudo)
	}
	if kind&oRunnableLeft != 0 && filter&aRunnable != 0 && then.is(aRunnable) && flags&aRunnable == 0 {
		then.clearBecause(aRunnable, first)
		then.clearBecause(aMigratable, first)
	}
	if kind&oImpliesThen != 0 && filter&aOptional != 0 && then.is(aOptional) && flags&aOptional == 0 && !first.is(aMigratable) {
		then.clearBecause(aOptional, first)
	}
	if kind&oRestart != 0 {
		s.restartOrdering(first, then, filter)
	}
	var ch uint8
	if tf != then.flags {
		ch |= chThen
		if then.rsc != nil && then.rsc.parent != nil {
			s.updateAction(then)
		}
	}
	if ff != first.flags {
		ch |= chFirst
	}
	return ch
}

func (s *scheduler) restartOrdering(first, then *action, filter uint32) {
	reason := filter&aOptional != 0 && !then.is(aOptional)
	if filter&aRunnable != 0 && !then.is(aRunnable) && then.rsc.is(rManaged) && first.rsc == then.rsc {
		reason = true
	}
	if !reason {
		return
	}
	if first.is(aRunnable) {
		first.clearBecause(aOptional, then)
	}
	if !then.is(aOptional) {
		first.clearBecause(aOptional, then)
	}
	if !then.is(aMigratable) {
		first.clearBecause(aMigratable, then)
	}
	if !first.is(aOptional) && !first.is(aRunnable) {
		then.clearBecause(aRunnable, first)
	}
}

// asymmetric handles an ordering that holds in one direction only.
func (s *scheduler) asymmetric(first, then *action) {
	if then.rsc == nil {
		return
	}
	st := then.rsc.state(true)
	if then.task == tStop && st == roleStopped {
		return
	}
	if then.task == tStart && st >= roleStarted && then.is(aOptional) && then.node != nil &&
		len(then.rsc.running) == 1 && then.node == then.rsc.running[0] {
		return
	}
	if !first.is(aRunnable) {
		// What is needed only because of the other says so.
		then.clearBecause(aOptional, first)
		then.clearBecause(aRunnable, first)
	}
}
