package pengine

func isParent(r, of *resource) bool {
	for p := of.parent; p != nil; p = p.parent {
		if p == r {
			return true
		}
	}
	return false
}

// doneTask is the event after which something ordered behind a task of a
// collective resource may go on.
var doneTask = map[string]string{tStart: tRunning, tStop: tStopped, tPromote: tPromoted, tDemote: tDemoted,
	tRunning: tRunning, tStopped: tStopped, tPromoted: tPromoted, tDemoted: tDemoted}

// forOrdering maps an action of a collective resource to its completion.
func (s *scheduler) forOrdering(a *action) *action {
	r := a.rsc
	if r == nil || r.variant < groupVariant || a.custom || a.interval > 0 {
		return a
	}
	done, ok := doneTask[a.task]
	if !ok {
		return a
	}
	key := ""
	if r.is(rNotify) && r.isClone() {
		key = notifyKey(r.id, "confirmed-post", done)
	}
	for i := len(r.actions) - 1; i >= 0; i-- {
		x := r.actions[i]
		if key != "" {
			if x.custom && x.key == key {
				return x
			}
		} else if x.kt == done && !x.custom && x.interval == 0 {
			return x
		}
	}
	return a
}

// simpleTask is the task of the members behind an event of their collective.
func simpleTask(t string) string {
	switch t {
	case tRunning:
		return tStart
	case tStopped:
		return tStop
	case tPromoted:
		return tPromote
	case tDemoted:
		return tDemote
	case tNotified:
		return tNotify
	}
	return t
}

// actionFlags summarises the state of an action over the members of its
// resource.
func (s *scheduler) actionFlags(a *action, n *node) uint32 {
	r := a.rsc
	if r == nil || r.variant == primitiveVariant {
		return a.flags
	}
	flags := aOptional | aRunnable | aPseudo
	event := a.task
	if a.custom && a.notifyKey != nil {
		event = a.notifyKey.keyTask // a notification is as what it announces
	}
	task := simpleTask(event)
	if r.variant == groupVariant {
		for _, m := range r.children {
			c := m.firstAction(task, n)
			if c == nil {
				if task != tStop && task != tDemote {
					flags &^= aRunnable
				}
				continue
			}
			cf := s.actionFlags(c, n)
			if flags&aOptional != 0 && cf&aOptional == 0 {
				flags &^= aOptional
				a.clear(aOptional)
			}
			if task != a.task && flags&aRunnable != 0 && cf&aRunnable == 0 {
				flags &^= aRunnable
				a.clear(aRunnable)
			}
		}
		return flags
	}
	runnable := false
	for _, m := range r.instances() {
		m = r.actor(m, event)
		at, task := n, task
		if len(m.children) > 0 {
			at, task = nil, event // a group has the event itself
		}
		c := m.firstAction(task, at)
		if c == nil {
			continue
		}
		cf := s.actionFlags(c, n)
		if flags&aOptional != 0 && cf&aOptional == 0 {
			flags &^= aOptional
			a.clear(aOptional)
		}
		runnable = runnable || cf&aRunnable != 0
		if runnable && flags&aOptional == 0 && len(m.children) == 0 {
			break // the other instances cannot change anything
		}
	}
	if !runnable {
		flags &^= aRunnable
		if n == nil {
			a.clear(aRunnable)
		}
	}
	return flags
}

func (s *scheduler) flagsForOrdering(a *action, n *node) uint32 {
	if a.rsc == nil {
		return a.flags
	}
	flags := s.actionFlags(a, nil)
	if n == nil || !a.rsc.isClone() {
		return flags
	}
	runnable := flags & aRunnable
	return s.actionFlags(a, n) | runnable
}
