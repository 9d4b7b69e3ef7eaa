package pengine

// connectionState is what is known of the way to a remote node.
type connectionState uint8

const (
	// connectionUnknown: it is not up, and whether it can be is not known yet.
	connectionUnknown connectionState = iota
	connectionAlive
	// connectionResting: it must be started elsewhere first.
	connectionResting
	connectionStopped
	connectionFailed
)

// connectionState tells what can be done on a remote node now.
func (s *scheduler) connectionState(n *node) connectionState {
	r := n.connection
	host := r.current()
	if r.next == roleStopped || r.assigned == nil {
		switch {
		case host != nil && host.unclean:
			return connectionFailed
		case !r.is(rFailed):
			return connectionStopped
		case r.next == roleStopped && r.reconnect > 0 && n.wasFenced && !shutdownAsked(n):
			// It is tried again only when the interval is over.
			return connectionUnknown
		}
		return connectionFailed
	}
	switch {
	case host == nil:
		return connectionUnknown
	case host.unclean || !host.online:
		return connectionResting
	case len(r.running) > 1 && r.migrateFrom != nil && r.migrateTo != nil:
		return connectionResting
	}
	return connectionAlive
}

// orderConnections orders what happens on a node behind a connection with the
// start and stop of that connection.
func (s *scheduler) orderConnections() {
	if !s.hasRemotes {
		return
	}
	for i := len(s.actions) - 1; i >= 0; i-- {
		a := s.actions[i]
		if a.rsc == nil {
			continue
		}
		if a.rsc.is(rConnection) && a.task == tClearFail {
			s.addOrder(&order{act1: a, rsc2: a.rsc, task2: tStart, flags: oOptional})
			continue
		}
		n := a.node
		if n == nil || !n.overConnection() || n.connection == nil || a.is(aPseudo) {
			continue
		}
		r := n.connection
		if a.task == tStart {
			// What moves here stays where it was if the connection fails.
			for k := len(a.rsc.actions) - 1; k >= 0; k-- {
				if x := a.rsc.actions[k]; x.task == tStop && x.node != nil && x.node != n {
					s.addOrder(&order{rsc1: r, task1: tStart, act2: x, flags: oOptional})
				}
			}
		}
		if r.container != nil {
			s.orderInGuest(a, r)
		} else {
			s.orderOnRemote(a, r)
		}
	}
}

// startFirst orders an action after the start of a connection or container.
func (s *scheduler) startFirst(r *resource, a *action, extra uint32) {
	s.addOrder(&order{rsc1: r, task1: tStart, act2: a, flags: oPreserve | oRunnableLeft | extra})
}

// thenStop orders an action before the stop of a connection.
func (s *scheduler) thenStop(a *action, r *resource, extra uint32) {
	s.addOrder(&order{act1: a, rsc2: r, task2: tStop, flags: oPreserve | extra})
}

// recurs reports whether an action is a recurring operation.
func (a *action) recurs() bool { return a.interval > 0 && a.task != tCancel }

func (s *scheduler) orderInGuest(a *action, r *resource) {
	c := r.container
	if c.is(rFailed) {
		s.fenceNode(a.node, "container failed", false)
	}
	switch a.task {
	case tCancel:
		// done where the connection is now
	case tStart, tPromote:
		s.startFirst(c, a, oImpliesThen)
		s.startFirst(r, a, oNone)
	case tStop, tDemote:
		// The recovery of a failed container implies it.
		if !c.is(rFailed) {
			s.thenStop(a, r, oNone)
		}
	default:
		if a.recurs() {
			s.startFirst(r, a, oImpliesThen)
		} else {
			s.startFirst(r, a, oNone)
		}
	}
}

func (s *scheduler) orderOnRemote(a *action, r *resource) {
	n := a.node
	st := s.connectionState(n)
	switch a.task {
	case tStart, tPromote:
		extra := oNone
		if st == connectionFailed {
			extra = oImpliesThen
		}
		s.startFirst(r, a, extra)
	case tStop, tMigrateTo:
		switch {
		case st == connectionAlive:
			s.thenStop(a, r, oImpliesFirst)
		case st == connectionFailed:
			s.fenceNode(n, "resources are active but connection is unrecoverable", false)
		case r.next == roleStopped:
			s.thenStop(a, r, oImpliesFirst)
		default:
			s.startFirst(r, a, oNone)
		}
	case tDemote:
		if st == connectionResting || st == connectionUnknown {
			s.startFirst(r, a, oNone)
		}
	default:
		if a.recurs() {
			s.startFirst(r, a, oImpliesThen)
			return
		}
		if a.task == tMonitor && st == connectionFailed {
			s.fenceNode(n, "resources are in unknown state and connection is unrecoverable", false)
		}
		if r.current() != nil && st == connectionStopped {
			// It is up and goes down for good: what is active there must be known before.
			s.thenStop(a, r, oRunnableLeft)
		} else {
			s.startFirst(r, a, oNone)
		}
	}
}

// waitsForFencing reports whether the failure of a connection cannot expire
// because its node has not been fenced since.
func (s *scheduler) waitsForFencing(r *resource, h *opEntry) bool {
	if r.reconnect == 0 || !s.cfg.fencing || h.task != tMonitor || h.interval == 0 {
		return false
	}
	n := s.byName[r.id]
	return n != nil && !n.wasFenced
}

// afterRemoteFencing lets the clearing of a failed connection wait until its
// node has been fenced.
func (s *scheduler) afterRemoteFencing(a *action, r *resource) {
	n := s.byName[r.id]
	if n == nil || !s.cfg.fencing || n.wasFenced {
		return
	}
	s.orderActions(s.fenceOp(n, "", true, "", false), a, oRunnableLeft)
}

// hostFor returns the node that carries an action out for one behind a
// connection whose ends move from began to ended: what ends something must be
// done before the connection moves, everything else afterwards.
func hostFor(a *action, began, ended *node, partial bool) *node {
	switch {
	case began == nil:
		return ended
	case ended == nil || began == ended:
		return began
	}
	task := a.task
	if task == tNotify && a.notifyKey != nil {
		task = a.notifyKey.op
	}
	switch task {
	case tCancel, tStop, tDemote, tMigrateFrom, tMigrateTo:
		if !partial {
			return began
		}
	}
	return ended
}

// router returns the cluster node that carries out an action on a node behind a
// connection; nil for a cluster node.
func (a *action) router() *node {
	if a.node == nil || !a.node.overConnection() || a.node.connection == nil {
		return nil
	}
	r := a.node.connection
	return hostFor(a, r.current(), r.assigned, r.migrateTo != nil)
}

// goesDown lists the nodes that stopping a connection, or fencing a node, takes
// down.
func (s *scheduler) goesDown(a *action, g *GraphAction) []string {
	switch {
	case a.node == nil:
	case a.task == tShutdown:
		return []string{a.node.id}
	case a.task == tStonith:
		if op := g.Param("CRM_meta_stonith_action"); op != "off" && op != "reboot" && op != "poweroff" {
			return nil
		}
		down := []string{a.node.id}
		for _, r := range a.node.running {
			if r.is(rConnection) && r.container != nil && s.byName[r.id] != nil {
				down = append(down, s.byName[r.id].id)
			}
		}
		return down
	case a.task == tStop && a.rsc != nil && a.rsc.is(rConnection) && !a.is(aPseudo):
		// A migration does not interrupt it.
		for i := range a.before {
			if x := a.before[i].a; x.rsc == a.rsc && x.task == tMigrateFrom && s.inGraph(x) {
				return nil
			}
		}
		return []string{a.rsc.id}
	}
	return nil
}
