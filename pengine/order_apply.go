package pengine

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
	s.orders = nil // the edges say it all from here on; in a large cluster they need the room
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
