package pengine

// What changed in an ordering.
const (
	chFirst uint8 = 1 << iota
	chThen
)

// maxUpdateDepth ends the recursion in a loop of orderings.
const maxUpdateDepth = 20000

// updateAction lets everything ordered before an action change it.
func (s *scheduler) updateAction(then *action) {
	if s.updateDepth > maxUpdateDepth {
		s.errorf("the orderings of %s are too deep or form a loop", then.uuid())
		return
	}
	s.updateDepth++
	defer func() { s.updateDepth-- }()
	var changed uint8
	last := then.flags
	if then.is(aRequiresAny) || then.is(aMinRunnable) {
		then.runnableBefore = 0
		if then.requiredBefore == 0 {
			then.requiredBefore = 1
		}
		then.clear(aRunnable)
	}
	for i := len(then.before) - 1; i >= 0; i-- {
		e := then.before[i]
		first := e.a
		firstNode, thenNode := first.node, then.node
		if first.rsc.isGroup() && first.task == tStart {
			if n := first.rsc.nextNode(); n != nil {
				firstNode = n
			}
		}
		if then.rsc.isGroup() && then.task == tStart {
			if n := then.rsc.nextNode(); n != nil {
				thenNode = n
			}
		}
		if e.t&oSameNode != 0 && firstNode != nil && thenNode != nil && firstNode != thenNode {
			then.before[i].t = oNone
			continue
		}
		changed &^= chFirst
		if first.rsc != nil && e.t&oThenCancelsFirst != 0 && !then.is(aOptional) {
			first.set(aOptional)
			if first.task == tReloadAgent {
				first.rsc.clear(rReload)
			}
		}
		if first.rsc != nil && then.rsc != nil && first.rsc != then.rsc && !isParent(first.rsc, then.rsc) {
			first = s.forOrdering(first)
		}
		if first == e.a {
			ff, tf := s.flagsForOrdering(first, thenNode), s.flagsForOrdering(then, firstNode)
			changed |= s.updateByFlags(first, then, ff, tf, &then.before[i])
		} else if s.orderActions(first, then, e.t) {
			changed |= chThen
			then.before[i].t = oNone
		} else {
			then.before[i].t = oNone
		}
		if changed&chFirst != 0 {
			for k := len(first.after) - 1; k >= 0; k-- {
				s.updateAction(first.after[k].a)
			}
			s.updateAction(first)
		}
	}
	if then.is(aRequiresAny) || then.is(aMinRunnable) {
		if last != then.flags {
			changed |= chThen
		} else {
			changed &^= chThen
		}
	}
	if changed&chThen != 0 {
		if last&aRunnable != 0 && !then.is(aRunnable) {
			s.blockDependents(then)
		}
		s.updateAction(then)
		for k := len(then.after) - 1; k >= 0; k-- {
			s.updateAction(then.after[k].a)
		}
	}
}

func (s *scheduler) updateByFlags(first, then *action, ff, tf uint32, e *edge) uint8 {
	var ch uint8
	n := then.node
	if e.t&oImpliesThenOnNode != 0 {
		e.t = e.t&^oImpliesThenOnNode | oImpliesThen
		n = first.node
	}
	if e.t&oImpliesThen != 0 {
		if then.rsc != nil {
			ch |= s.updateOrdered(then.rsc, first, then, n, ff&aOptional, aOptional, oImpliesThen)
		} else if ff&aOptional == 0 && then.is(aOptional) {
			then.clear(aOptional)
			ch |= chThen
		}
	}
	if e.t&oRestart != 0 && then.rsc != nil {
		ch |= s.updateOrdered(then.rsc, first, then, n, ff, aOptional|aRunnable, oRestart)
	}
	if e.t&oImpliesFirst != 0 {
		if first.rsc != nil {
			ch |= s.updateOrdered(first.rsc, first, then, n, ff, aOptional, oImpliesFirst)
		} else if ff&aOptional == 0 && first.is(aRunnable) {
			first.clear(aRunnable)
			ch |= chFirst
		}
	}
	if then.rsc != nil && e.t&oPromotedImpliesFirst != 0 {
		ch |= s.updateOrdered(then.rsc, first, then, n, ff&aOptional, aOptional, oPromotedImpliesFirst)
	}
	if e.t&oOneOrMore != 0 {
		if then.rsc != nil {
			ch |= s.updateOrdered(then.rsc, first, then, n, ff, aRunnable, oOneOrMore)
		} else if ff&aRunnable != 0 {
			then.runnableBefore++
			if then.runnableBefore >= then.requiredBefore && !then.is(aRunnable) {
				then.set(aRunnable)
				ch |= chThen
			}
		}
	}
	if e.t&oProbe != 0 && then.rsc != nil {
		if ff&aRunnable == 0 && first.rsc != nil && len(first.rsc.running) > 0 {
			e.t = oNone
		} else {
			ch |= s.updateOrdered(then.rsc, first, then, n, ff, aRunnable, oRunnableLeft)
		}
	}
	if e.t&oRunnableLeft != 0 {
		if then.rsc != nil {
			ch |= s.updateOrdered(then.rsc, first, then, n, ff, aRunnable, oRunnableLeft)
		} else if ff&aRunnable == 0 && then.is(aRunnable) {
			then.clear(aRunnable)
			ch |= chThen
		}
	}
	if then.rsc != nil {
		for _, k := range [...][2]uint32{{oImpliesFirstMigr, aOptional}, {oPseudoLeft, aOptional}, {oOptional, aRunnable}, {oAsymmetrical, aRunnable}} {
			if e.t&k[0] != 0 {
				ch |= s.updateOrdered(then.rsc, first, then, n, ff, k[1], k[0])
			}
		}
	}
	if first.is(aRunnable) && e.t&oImpliesThenPrinted != 0 && ff&aOptional == 0 {
		then.set(aPrintAlways)
	}
	if e.t&oImpliesFirstPrinted != 0 && tf&aOptional == 0 {
		first.set(aPrintAlways)
	}
	if e.t&(oImpliesThen|oImpliesFirst|oRestart) != 0 && first.rsc != nil && !first.rsc.is(rManaged) &&
		first.rsc.is(rBlocked) && !first.is(aRunnable) && first.task == tStop {
		if then.is(aRunnable) {
			then.clear(aRunnable)
			ch |= chThen
		}
	}
	return ch
}
