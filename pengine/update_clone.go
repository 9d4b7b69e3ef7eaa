package pengine

func (s *scheduler) updateClone(first, then *action, n *node, flags, filter, kind uint32) uint8 {
	if s.interleaved(first, then) {
		return s.updateInterleaved(first, then, n, filter, kind)
	}
	if then.rsc == nil {
		return 0
	}
	ch := s.updatePair(first, then, n, flags, filter, kind)
	for _, c := range then.rsc.instances() {
		c = then.rsc.actor(c, then.task)
		a := c.firstAction(then.task, n)
		if a == nil {
			continue
		}
		if s.actionFlags(a, n)&aRunnable == 0 {
			continue
		}
		one := s.updateOrdered(c, first, a, n, flags, filter, kind)
		ch |= one
		if one&chThen != 0 {
			for k := len(a.after) - 1; k >= 0; k-- {
				s.updateAction(a.after[k].a)
			}
		}
	}
	return ch
}

func (s *scheduler) interleaved(first, then *action) bool {
	if first.rsc == nil || then.rsc == nil || first.rsc == then.rsc || !first.rsc.collective() || !then.rsc.collective() {
		return false
	}
	if then.task == tStop || then.task == tDemote {
		return first.rsc.interleave
	}
	return then.rsc.interleave
}

func (s *scheduler) updateInterleaved(first, then *action, n *node, filter, kind uint32) uint8 {
	var ch uint8
	current := first.task == tStopped || first.task == tDemoted ||
		first.custom && (hasSuffix(first.key, "_stopped_0") || hasSuffix(first.key, "_demoted_0"))
	for _, tc := range then.rsc.instances() {
		fc := s.compatibleInstance(tc, first.rsc, roleUnknown, current)
		if fc == nil {
			if !current && kind&(oRunnableLeft|oImpliesThen) != 0 {
				if tc.assignedAnywhere() {
					s.finalizeAssignment(tc, nil, true)
					ch |= chThen
				}
			}
			continue
		}
		task := simpleTask(first.task)
		if first.custom && first.notifyKey != nil {
			task = first.notifyKey.action.task
		}
		tc = then.rsc.actor(tc, then.task)
		fa := first.rsc.actor(fc, task).firstAction(task, n)
		ta := tc.firstAction(then.task, n)
		if fa == nil || ta == nil {
			continue
		}
		if s.orderActions(fa, ta, kind) {
			ch |= chFirst | chThen
		}
		ch |= s.updateOrdered(tc, fa, ta, n, s.actionFlags(fa, n), filter, kind)
	}
	return ch
}

func hasSuffix(s, x string) bool { return len(s) >= len(x) && s[len(s)-len(x):] == x }

func (r *resource) assignedAnywhere() bool { return len(r.nextNodes()) > 0 }
