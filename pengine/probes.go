package pengine

// scheduleProbes plans to find out the state of every resource on every node
// where it is unknown.
func (s *scheduler) scheduleProbes() {
	for _, n := range s.nodes {
		if !n.online && n.isRemote() && n.connection != nil && s.connectionState(n) == connectionFailed {
			s.fenceNode(n, "the connection is unrecoverable", false)
		}
		if !n.online || n.unclean || n.noDiscovery {
			continue
		}
		if v, ok := n.attrs["probe_complete"]; ok {
			if b, ok := parseBool(v); ok && !b {
				a := s.newGlobal("probe_again-"+n.uname, "probe_again", n, false)
				if len(a.extra) == 0 {
					a.extra = append(a.extra, Param{"CRM_meta_op_no_wait", "true"})
				}
				continue
			}
		}
		for _, r := range s.resources {
			s.probe(r, n)
		}
	}
}

func (s *scheduler) probe(r *resource, n *node) {
	switch r.variant {
	case primitiveVariant:
		s.probePrimitive(r, n)
	case groupVariant:
		for _, m := range r.children {
			s.probe(m, n)
		}
	case cloneVariant:
		s.probeClone(r, n)
	case bundleVariant:
		s.probeBundle(r, n)
	}
}

func (s *scheduler) probeClone(r *resource, n *node) {
	if len(r.children) == 0 {
		return
	}
	if !r.numbered {
		sortByNumber(r)
		r.numbered = true
	}
	if r.is(rExclusiveDiscovery) {
		if c := &r.allowed[n.idx]; c.present && c.discover != discoverExclusive {
			// Notifications shall name only nodes where it may ever run.
			c.present = false
			return
		}
	}
	if r.is(rUnique) {
		for _, c := range r.children {
			s.probe(c, n)
		}
		return
	}
	if r.instanceAt == nil {
		r.instanceAt = make([]*resource, len(s.nodes))
		for i := len(r.children) - 1; i >= 0; i-- {
			if at := r.children[i].nextNode(); at != nil {
				r.instanceAt[at.idx] = r.children[i]
			}
		}
	}
	child := r.instanceAt[n.idx]
	for _, c := range r.children {
		if c.knownAtAll(n) {
			child = c
			break
		}
	}
	if child == nil {
		child = r.children[0]
	}
	s.probe(child, n)
}

// knownAtAll reports whether the state of r or of something in it is known on
// a node.
func (r *resource) knownAtAll(n *node) bool {
	if r.known[n.idx] {
		return true
	}
	for _, c := range r.children {
		if c.knownAtAll(n) {
			return true
		}
	}
	return false
}

// knownOn reports whether a node's history tells the state of r or, for an
// anonymous clone, of any of its instances.
func (s *scheduler) knownOn(r *resource, n *node) bool {
	if r.known[n.idx] {
		return true
	}
	top := r.top()
	if !top.isAnonClone() {
		return false
	}
	if r.parent == top {
		return top.known[n.idx]
	}
	base := baseID(r.id)
	for _, c := range top.children {
		if m := member(c, base); m != nil && m.known[n.idx] {
			return true
		}
	}
	return false
}

func (s *scheduler) probePrimitive(r *resource, n *node) {
	if n.overConnection() && !probesBehind(r, n) || r.container != nil && !r.is(rConnection) {
		return
	}
	if r.is(rOrphan) || s.knownOn(r, n) {
		return
	}
	c := &r.allowed[n.idx]
	if r.is(rExclusiveDiscovery) || r.top().is(rExclusiveDiscovery) {
		if !c.present || c.discover != discoverExclusive {
			return
		}
	}
	if c.present && c.discover == discoverNever || n.inBundle && c.discover != discoverExclusive {
		return
	}
	top := r.top()
	if !top.isClone() || s.unfencing && r.is(rFenceDevice) {
		top = r
	}
	if n.isGuest() && s.guestGoes(n, r.top()) {
		return
	}
	a := s.newAction(r, tMonitor, 0, n, false)
	a.clear(aOptional)
	s.waitForUnfencing(a)
	if x := r.find(tLRMDelete, 0, n); x != nil && s.cfg.shutdownLock {
		x.set(aOptional) // what the probe finds replaces the history
	}
	running := false
	for _, x := range r.running {
		running = running || x == n
	}
	if !running {
		a.targetRC = rcNotRunning
	} else if r.role == rolePromoted {
		a.targetRC = rcRunningPromoted
	}
	flags := oOptional
	if !a.is(aRunnable) && len(r.running) == 0 {
		flags |= oRunnableLeft
	}
	s.addOrder(&order{act1: a, rsc2: top, task2: tStart, flags: flags})
	if top.firstAction(tReloadAgent, nil) != nil {
		s.addOrder(&order{act1: a, rsc2: top, task2: tReloadAgent, flags: oOptional})
	}
}

// orderProbes orders probes before what must wait for them.
func (s *scheduler) orderProbes() {
	for _, r := range s.resources {
		s.orderProbesOf(r)
	}
	for _, o := range s.orders {
		if o.flags == oNone || o.rsc1 == nil || o.rsc2 == nil || o.rsc1 == o.rsc2 {
			continue
		}
		if o.act1 != nil && o.act1.task != tStop || o.act1 == nil && o.task1 != tStop {
			continue
		}
		if o.rsc1.container == o.rsc2 && (o.act2 != nil && o.act2.task == tStop || o.act2 == nil && o.task2 == tStop) {
			continue // a probe may come after the container was started again
		}
		flags := oOptional | o.flags&(oApplyFirstNonMigr|oSameNode)
		if o.flags == oAntiColocation || o.flags == oLoad {
			flags = o.flags
		}
		probes := s.resourceActions(o.rsc1, nil, tMonitor, false)
		if len(probes) == 0 {
			continue
		}
		var then []*action
		if o.act2 != nil {
			then = []*action{o.act2}
		} else if o.rsc2 != nil {
			then = o.rsc2.findKeyed(o.task2, o.ival2, nil)
		}
		for _, p := range probes {
			for _, t := range then {
				s.orderActions(p, t, flags)
			}
		}
	}
}

// resourceActions returns the actions of r with a task and no interval.
// exact demands a node that matches; without it actions without node match.
func (s *scheduler) resourceActions(r *resource, n *node, task string, exact bool) []*action {
	var out []*action
	list := r.withKey(task, 0)
	for i := len(list) - 1; i >= 0; i-- {
		a := list[i]
		if a.kt != task || a.interval != 0 || a.custom {
			continue
		}
		if n == nil {
			if exact && false {
				continue
			}
			out = append(out, a)
			continue
		}
		if a.node == n || a.node == nil && !exact {
			out = append(out, a)
		}
	}
	return out
}

func (s *scheduler) orderProbesOf(r *resource) {
	if r.variant != primitiveVariant {
		for _, c := range r.children {
			s.orderProbesOf(c)
		}
		return
	}
	for i := len(r.actions) - 1; i >= 0; i-- {
		p := r.actions[i]
		if p.kt != tMonitor || p.interval != 0 {
			continue
		}
		for k := len(p.after) - 1; k >= 0; k-- {
			s.stamp++
			s.restartsAfterProbe(p, p.after[k].a)
		}
	}
}

// restartsAfterProbe orders a probe before the stops of what restarts because
// of it.
func (s *scheduler) restartsAfterProbe(p, after *action) {
	if after == nil || p.rsc == nil || after.stamp == s.stamp {
		return
	}
	after.stamp = s.stamp
	r := after.rsc
	if r != nil && r.variant == primitiveVariant && p.rsc != r {
		undo := ""
		switch after.task {
		case tStart:
			undo = tStop
		case tPromote:
			undo = tDemote
		}
		for i := len(r.others) - 1; i >= 0 && undo != ""; i-- {
			if t := r.others[i]; t.kt == undo && !t.custom && !t.is(aPseudo) {
				s.orderActions(p, t, oOptional)
			}
		}
	}
	interleave := false
	var compatible *resource
	if r != nil && r.variant > groupVariant {
		if interleave = r.interleave; interleave {
			compatible = s.compatibleInstance(p.rsc, r, roleUnknown, false)
		}
	}
	for i := len(after.after) - 1; i >= 0; i-- {
		e := after.after[i]
		if e.t&oImpliesThen == 0 {
			if r == nil || r.variant < groupVariant || p.rsc.parent == r || e.a.rsc == nil ||
				e.a.rsc.variant > groupVariant || r != e.a.rsc.parent {
				continue
			}
			if r.variant > groupVariant && interleave && (compatible == nil || compatible != e.a.rsc) {
				continue
			}
		}
		s.restartsAfterProbe(p, e.a)
	}
}
