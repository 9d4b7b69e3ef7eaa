package pengine

import "slices"

// orderActions adds an ordering between two actions; it reports whether there
// was none of that kind yet.
func (s *scheduler) orderActions(first, then *action, flags uint32) bool {
	if flags == oNone || first == nil || then == nil || first == then {
		return false
	}
	if len(first.after) <= len(then.before) {
		for i := range first.after {
			if first.after[i].a == then && first.after[i].t&flags != 0 {
				return false
			}
		}
	} else {
		for i := range then.before {
			if then.before[i].a == first && then.before[i].t&flags != 0 {
				return false
			}
		}
	}
	first.after = append(first.after, edge{a: then, t: flags})
	then.before = append(then.before, edge{a: first, t: flags})
	return true
}

// applyOrders turns the orderings into edges between actions and lets them
// change what is planned.
func (s *scheduler) applyOrders() {
	for i := 0; i < len(s.orders); i++ {
		o := s.orders[i]
		switch {
		case o.rsc1 != nil:
			s.applyFirst(o)
		case o.rsc2 != nil:
			s.applyThen(o.act1, o.rsc2, o)
		default:
			s.orderActions(o.act1, o.act2, o.flags)
		}
	}
	for i := len(s.actions) - 1; i >= 0; i-- {
		s.blockDependents(s.actions[i])
	}
	s.orderProbes()
	for i := len(s.actions) - 1; i >= 0; i-- {
		s.updateAction(s.actions[i])
	}
}

func (s *scheduler) applyFirst(o *order) {
	r := o.rsc1
	var list []*action
	if o.act1 != nil {
		list = []*action{o.act1}
	} else {
		list = r.findKeyed(o.task1, o.ival1, nil)
	}
	if len(list) == 0 {
		if r == o.rsc2 {
			return
		}
		switch st := r.state(true); {
		case o.task1 == tStop && st <= roleStopped:
			return
		case o.task1 == tDemote && st == roleUnpromoted:
			return
		}
		list = []*action{s.newAction(r, o.task1, o.ival1, nil, true)}
	}
	then := o.rsc2
	if then == nil && o.act2 != nil {
		then = o.act2.rsc
	}
	for _, a := range list {
		if then != nil {
			s.applyThen(a, then, o)
		} else {
			s.orderActions(a, o.act2, o.flags)
		}
	}
}

func (s *scheduler) applyThen(first *action, r *resource, o *order) {
	var list []*action
	if o.act2 != nil {
		list = []*action{o.act2}
	} else {
		list = r.findKeyed(o.task2, o.ival2, nil)
	}
	if len(list) == 0 {
		return
	}
	flags := o.flags
	if first != nil && first.rsc == r && first.is(aDangling) {
		flags &^= oImpliesThen
	}
	for _, t := range list {
		if first != nil {
			s.orderActions(first, t, flags)
		} else {
			t.clear(aRunnable)
		}
	}
}

// What changed in an ordering.
const (
	chFirst uint8 = 1 << iota
	chThen
)

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
	for _, m := range r.children {
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
	case cloneVariant:
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

func (s *scheduler) updateClone(first, then *action, n *node, flags, filter, kind uint32) uint8 {
	if s.interleaved(first, then) {
		return s.updateInterleaved(first, then, n, filter, kind)
	}
	if then.rsc == nil {
		return 0
	}
	ch := s.updatePair(first, then, n, flags, filter, kind)
	for _, c := range then.rsc.children {
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
	if first.rsc == nil || then.rsc == nil || first.rsc == then.rsc || !first.rsc.isClone() || !then.rsc.isClone() {
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
	for _, tc := range then.rsc.children {
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
		fa := fc.firstAction(task, n)
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
	r := a.rsc.top()
	if r.isGroup() {
		return // neither a group nor a member of one blocks what is with it
	}
	for _, c := range r.children {
		x := c.firstAction(a.task, nil)
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
