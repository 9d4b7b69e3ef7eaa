package pengine

// bundleConstraints adds the orderings and colocations between the parts of a
// bundle: the address before its container, the connection into it, the child.
func (s *scheduler) bundleConstraints(r *resource) {
	b := r.bundle
	if c := b.child; c != nil {
		s.orderTasks(r, tStart, c, tStart, oImpliesFirstPrinted)
		s.orderTasks(r, tStop, c, tStop, oImpliesFirstPrinted)
		if len(c.children) > 0 {
			s.orderTasks(c, tRunning, r, tRunning, oImpliesThenPrinted)
			s.orderTasks(c, tStopped, r, tStopped, oImpliesThenPrinted)
		}
	}
	for _, rep := range b.replicas {
		c := rep.container
		s.internalConstraints(c)
		s.orderTasks(r, tStart, c, tStart, oRunnableLeft|oImpliesFirstPrinted)
		if rep.child != nil {
			s.orderTasks(r, tStop, rep.child, tStop, oImpliesFirstPrinted)
		}
		s.orderTasks(r, tStop, c, tStop, oImpliesFirstPrinted)
		s.orderTasks(c, tStart, r, tRunning, oImpliesThenPrinted)
		s.orderTasks(c, tStop, r, tStopped, oImpliesThenPrinted)
		if rep.addr != nil {
			s.internalConstraints(rep.addr)
			s.orderTasks(rep.addr, tStart, c, tStart, oRunnableLeft|oPreserve)
			s.orderTasks(c, tStop, rep.addr, tStop, oImpliesFirst|oPreserve)
			s.newColocation(addressColocation, "", Infinity, rep.addr, c, "", "", true)
		}
		if rep.conn != nil {
			s.internalConstraints(rep.conn)
		}
	}
	if c := b.child; c != nil {
		s.internalConstraints(c)
		if c.is(rPromotable) {
			for _, p := range [][2]string{{tStopped, tStart}, {tStopped, tPromote}, {tDemoted, tStart}, {tRunning, tPromote},
				{tDemoted, tStop}, {tDemote, tDemoted}, {tDemoted, tPromote}} {
				s.orderTasks(r, p[0], r, p[1], oOptional)
			}
			s.orderTasks(r, tPromote, c, tPromote, oImpliesFirstPrinted)
			s.orderTasks(c, tPromoted, r, tPromoted, oImpliesThenPrinted)
			s.orderTasks(r, tDemote, c, tDemote, oImpliesFirstPrinted)
			s.orderTasks(c, tDemoted, r, tDemoted, oImpliesThenPrinted)
		}
	}
}

// Colocations that a bundle makes.
const (
	addressColocation = "ip-with-docker"
	nestedColocation  = "child-remote-with-docker-remote"
)

// assignBundle gives the containers of a bundle their nodes, and what belongs to
// each container follows it.
func (s *scheduler) assignBundle(r *resource) {
	if r.is(rAssigning) {
		return
	}
	if !r.is(rProvisional) {
		// Each who asks for it sees the scores again, as the tools show.
		s.showScores(r, "pcmk__bundle_allocate")
		return
	}
	b := r.bundle
	r.set(rAssigning)
	s.showScores(r, "pcmk__bundle_allocate")
	s.sortInstances(r)
	s.assignInstances(r)
	for _, rep := range b.replicas {
		if rep.addr != nil {
			s.assign(rep.addr, nil)
		}
		if rep.conn != nil {
			if host := rep.container.assigned; host != nil && host.overConnection() && host.connection != nil {
				// A remote node has one active connection, through which all goes.
				s.newColocation(nestedColocation, "", Infinity, rep.conn, host.connection, "", "", true)
			}
			s.assign(rep.conn, nil)
		}
		if rep.child != nil {
			s.assignInside(rep)
		}
	}
	if c := b.child; c != nil {
		for _, n := range s.nodes {
			if !c.allowed[n.idx].present {
				continue
			}
			w := -Infinity
			if b.replicaOn(n) != nil {
				w = 0
			}
			s.setScore(c, n, w, kindBundle, r.id)
		}
		s.assign(c, nil)
	}
	r.clear(rAssigning | rProvisional)
}

// assignInside puts the child of a replica into the container.
func (s *scheduler) assignInside(rep *replica) {
	c := rep.child
	for _, n := range s.nodes {
		if !c.allowed[n.idx].present {
			continue
		}
		if n != rep.node {
			s.setScore(c, n, -Infinity, kindBundle, rep.container.id)
		} else if _, out := s.failLimit(c, n); !out {
			s.setScore(c, n, Infinity, kindBundle, rep.container.id)
		}
	}
	c.parent.set(rAssigning)
	s.assign(c, rep.node)
	c.parent.clear(rAssigning)
}

// bundleActions plans what the parts of a bundle do, and its own events.
func (s *scheduler) bundleActions(r *resource) {
	b := r.bundle
	for _, rep := range b.replicas {
		for _, x := range []*resource{rep.addr, rep.container, rep.conn} {
			if x != nil {
				s.createActions(x)
			}
		}
	}
	var all cloneEvents
	migratable := true
	for _, c := range b.containers {
		one := cloneEvents{}
		one.look(c)
		if one.starting && one.stopping {
			migratable = false
		}
		all.starting = all.starting || one.starting
		all.stopping = all.stopping || one.stopping
		all.active = all.active || one.active
	}
	s.pseudo(r, tStart, !all.starting, true)
	started := s.pseudo(r, tRunning, !all.starting, false)
	started.priority = Infinity
	if all.active || all.starting {
		started.set(aRunnable)
	}
	stop := s.pseudo(r, tStop, !all.stopping, true)
	s.pseudo(r, tStopped, !all.stopping, true).priority = Infinity
	if migratable {
		stop.set(aMigratable)
	}
	if b.child == nil {
		return
	}
	s.createActions(b.child)
	if b.child.is(rPromotable) {
		s.pseudo(r, tPromote, true, true)
		s.pseudo(r, tPromoted, true, true).priority = Infinity
		s.pseudo(r, tDemote, true, true)
		s.pseudo(r, tDemoted, true, true).priority = Infinity
	}
}

// graphBundle chooses the actions of the parts of a bundle; its own events are
// left for later.
func (s *scheduler) graphBundle(r *resource) {
	if c := r.bundle.child; c != nil {
		s.graphResource(c)
	}
	for _, rep := range r.bundle.replicas {
		for _, x := range []*resource{rep.addr, rep.container, rep.conn} {
			if x != nil {
				s.graphResource(x)
			}
		}
	}
}

// probeBundle plans to find out what of a bundle is on a node.
func (s *scheduler) probeBundle(r *resource, n *node) {
	b := r.bundle
	for _, rep := range b.replicas {
		if rep.addr != nil {
			s.probe(rep.addr, n)
		}
		if rep.child != nil && rep.node == n {
			s.probe(rep.child, n)
		}
		c := rep.container
		if s.probePlanned(c, n) && r.cloneNodeMax == 1 {
			// No other container may start there before it is known that none runs.
			for _, other := range b.replicas {
				if other != rep {
					s.orderTasks(c, tMonitor, other.container, tStart, oOptional|oSameNode)
				}
			}
		}
		if rep.conn != nil && s.probePlanned(rep.conn, n) {
			// Its address is known only once the container is.
			if p := rep.conn.findExact(tMonitor, 0, n); len(p) > 0 {
				s.addOrder(&order{rsc1: c, task1: tStart, act2: p[0], flags: oProbe})
			}
		}
	}
}

// probePlanned probes r on a node and reports whether a probe is planned.
func (s *scheduler) probePlanned(r *resource, n *node) bool {
	had := len(r.probes)
	s.probe(r, n)
	return len(r.probes) > had
}

// applyToBundle applies a colocation whose primary is a bundle.
func (s *scheduler) applyToBundle(dep, bundle *resource, c *colocation) {
	if bundle.is(rProvisional) {
		return
	}
	if c.dependent.collective() {
		if p := s.compatibleInstance(dep, bundle, roleUnknown, false); p != nil {
			s.applyColocation(dep, p, c, true)
		} else if c.score >= Infinity {
			s.finalizeAssignment(dep, nil, true)
		}
		return
	}
	on := make([]bool, len(s.nodes))
	for _, rep := range bundle.bundle.replicas {
		if c.score < Infinity {
			s.applyColocation(dep, rep.container, c, false)
			continue
		}
		n := rep.container.assigned
		if n == nil || rep.container.anyBlocked() {
			continue
		}
		if c.primaryRole >= rolePromoted && (rep.child == nil || rep.child.next < rolePromoted) {
			continue
		}
		on[n.idx] = true
	}
	if c.score >= Infinity {
		s.replaceTable(dep, excludeOthers(dep.allowed, on), "colocation", c.id)
	}
}

// excludeOthers returns a table without the candidates that are not on; what is
// on and no candidate yet becomes a refused one.
func excludeOthers(table []cand, on []bool) []cand {
	work := append([]cand(nil), table...)
	for i := range work {
		if work[i].present != on[i] {
			work[i].present, work[i].w = true, -Infinity
		}
	}
	return work
}

// locateBundle applies a location to a bundle: to its containers and addresses,
// and to what is inside if a role is meant.
func (s *scheduler) locateBundle(r *resource, l *location, zero bool) {
	s.applyLocationOne(r, l, zero)
	for _, rep := range r.bundle.replicas {
		s.applyLocation(rep.container, l, zero)
		if rep.addr != nil {
			s.applyLocation(rep.addr, l, zero)
		}
	}
	if c := r.bundle.child; c != nil && l.role > roleStarted {
		s.applyLocation(c, l, zero)
		c.locations = append(c.locations, l)
	}
}
