package pengine

import "slices"

// blockDependents blocks what can only run with a resource that cannot start
// or be promoted.
func (s *scheduler) blockDependents(a *action) {
	if a.is(aRunnable) || a.rsc == nil {
		return
	}
	start := a.task == tStart
	if !start && a.task != tPromote {
		return
	}
	r := a.rsc.outermost()
	if r.isGroup() {
		return // neither a group nor a member of one blocks what is with it
	}
	for _, c := range r.instances() {
		x := r.actor(c, a.task).firstAction(a.task, nil)
		if x == nil || x.is(aRunnable) {
			return
		}
	}
	for _, c := range r.withThis {
		if c.score < Infinity || !start && c.primaryRole != rolePromoted {
			continue
		}
		task := tStart
		if c.dependentRole == rolePromoted {
			task = tPromote
		}
		s.blockAction(c.dependent, task, a.rsc)
	}
}

func (s *scheduler) blockAction(r *resource, task string, by *resource) {
	for _, a := range slices.Clone(r.actions) {
		if a.is(aRunnable) && a.task == task {
			a.clear(aRunnable)
			a.setReason("colocation with "+by.id, false)
			s.blockDependents(a)
			s.updateAction(a)
		}
	}
	for _, c := range r.children {
		s.blockAction(c, task, by)
	}
}
