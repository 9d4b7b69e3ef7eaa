package pengine

import (
	"cmp"
	"slices"
)

// internalConstraints adds the orderings that every resource has by its kind.
func (s *scheduler) internalConstraints(r *resource) {
	switch r.variant {
	case primitiveVariant:
		s.primitiveConstraints(r)
	case groupVariant:
		s.groupConstraints(r)
	case cloneVariant:
		s.cloneConstraints(r)
	case bundleVariant:
		s.bundleConstraints(r)
	}
}

func (s *scheduler) primitiveConstraints(r *resource) {
	if !r.is(rManaged) {
		return
	}
	defer s.containerConstraints(r)
	s.orderTasks(r, tStop, r, tStart, oOptional|oImpliesThen|oRestart)
	if r.inPromotable() || r.role > roleUnpromoted {
		s.orderTasks(r, tDemote, r, tStop, oPromotedImpliesFirst)
		s.orderTasks(r, tStart, r, tPromote, oRunnableLeft)
	}
	s.orderTasks(r, tDelete, r, tMonitor, oSameNode|oThenCancelsFirst)
	s.unfencingConstraints(r)
	s.loadOrders(r)
}

func (s *scheduler) groupConstraints(g *resource) {
	s.orderTasks(g, tStop, g, tStopped, oRunnableLeft)
	s.orderTasks(g, tStopped, g, tStart, oOptional)
	s.orderTasks(g, tStart, g, tRunning, oRunnableLeft)
	promotable := g.inPromotable()
	var prev, lastActive *resource
	for _, m := range g.children {
		down, postDown := oImpliesFirstPrinted, oImpliesThenPrinted
		s.internalConstraints(m)
		if prev == nil {
			if g.ordered {
				down |= oOptional
				postDown = oImpliesThen
			}
		} else if g.collocated {
			s.newColocation(internalColocation, "", Infinity, m, prev, "", "", m.is(rCritical))
		}
		if promotable {
			s.orderTasks(g, tDemote, m, tDemote, down)
			s.orderTasks(m, tDemote, g, tDemoted, postDown)
			s.orderTasks(m, tPromote, g, tPromoted, oRunnableLeft|oImpliesThen|oImpliesThenPrinted)
			s.orderTasks(g, tPromote, m, tPromote, oImpliesFirstPrinted)
		}
		s.orderTasks(g, tStop, m, tStop, down)
		s.orderTasks(m, tStop, g, tStopped, postDown)
		s.orderTasks(g, tStart, m, tStart, oImpliesFirstPrinted)
		s.orderTasks(m, tStart, g, tRunning, oRunnableLeft|oImpliesThen|oImpliesThenPrinted)
		switch {
		case !g.ordered:
			s.orderTasks(g, tStart, m, tStart, oImpliesThen|oRunnableLeft|oImpliesFirstPrinted)
			if promotable {
				s.orderTasks(g, tPromote, m, tPromote, oImpliesThen|oRunnableLeft|oImpliesFirstPrinted)
			}
		case prev == nil:
			s.orderTasks(g, tStart, m, tStart, oNone)
			if promotable {
				s.orderTasks(g, tPromote, m, tPromote, oNone)
			}
		default:
			s.orderTasks(prev, tStart, m, tStart, oImpliesThen|oRunnableLeft)
			s.orderTasks(m, tStop, prev, tStop, oOptional|oRestart)
			if promotable {
				s.orderTasks(prev, tPromote, m, tPromote, oImpliesThen|oRunnableLeft)
				s.orderTasks(m, tDemote, prev, tDemote, oOptional)
			}
		}
		if len(m.running) > 0 {
			if g.ordered && prev != nil && len(prev.running) == 0 && lastActive != nil && len(lastActive.running) > 0 {
				s.orderTasks(m, tStop, lastActive, tStop, oOptional)
			}
			lastActive = m
		}
		prev = m
	}
}

// sortByNumber puts the instances of a clone in the order of their numbers.
func sortByNumber(r *resource) {
	slices.SortStableFunc(r.children, func(a, b *resource) int { return cmp.Compare(a.instance, b.instance) })
}

func (s *scheduler) cloneConstraints(c *resource) {
	s.orderTasks(c, tStopped, c, tStart, oOptional)
	s.orderTasks(c, tStart, c, tRunning, oRunnableLeft)
	s.orderTasks(c, tStop, c, tStopped, oRunnableLeft)
	if c.is(rPromotable) {
		s.orderTasks(c, tDemoted, c, tStop, oOptional)
		s.orderTasks(c, tRunning, c, tPromote, oRunnableLeft)
	}
	if c.ordered {
		sortByNumber(c)
	}
	var last *resource
	for _, i := range c.children {
		s.internalConstraints(i)
		s.orderTasks(c, tStart, i, tStart, oRunnableLeft|oImpliesFirstPrinted)
		s.orderTasks(i, tStart, c, tRunning, oImpliesThenPrinted)
		if c.ordered && last != nil {
			s.orderTasks(last, tStart, i, tStart, oOptional)
		}
		s.orderTasks(c, tStop, i, tStop, oImpliesFirstPrinted)
		s.orderTasks(i, tStop, c, tStopped, oImpliesThenPrinted)
		if c.ordered && last != nil {
			s.orderTasks(i, tStop, last, tStop, oOptional)
		}
		last = i
	}
	if c.is(rPromotable) {
		s.promotableConstraints(c)
	}
}

func (s *scheduler) promotableConstraints(c *resource) {
	var last *resource
	for _, p := range [][2]string{{tStopped, tStart}, {tStopped, tPromote}, {tDemoted, tStart}, {tRunning, tPromote},
		{tDemoted, tStop}, {tDemote, tDemoted}, {tDemoted, tPromote}} {
		s.orderTasks(c, p[0], c, p[1], oOptional)
	}
	for _, i := range c.children {
		s.orderTasks(i, tDemote, i, tPromote, oOptional)
		s.orderTasks(c, tPromote, i, tPromote, oOptional)
		s.orderTasks(i, tPromote, c, tPromoted, oOptional)
		if last != nil && c.ordered {
			s.orderTasks(last, tPromote, i, tPromote, oOptional)
		}
		s.orderTasks(c, tDemote, i, tDemote, oImpliesFirstPrinted)
		s.orderTasks(i, tDemote, c, tDemoted, oImpliesThenPrinted)
		if last != nil && c.ordered {
			s.orderTasks(i, tDemote, last, tDemote, oOptional)
		}
		last = i
	}
}
