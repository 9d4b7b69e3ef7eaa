package pengine

// fencingAndShutdowns plans to fence unclean nodes and to shut down those that
// asked for it.
func (s *scheduler) fencingAndShutdowns() {
	managed := false
	for _, r := range s.resources {
		managed = managed || r.is(rManaged)
	}
	var fencing, shutdowns []*action
	var dcDown *action
	lost := false
	for _, n := range s.nodes {
		if n.isGuest() {
			// Recovering its container is all the fencing that it needs.
			if n.reset && managed {
				s.fenceGuest(n)
			}
			continue
		}
		var op *action
		switch {
		case managed && n.unclean && s.canFence(n):
			if !n.fenceWarned {
				s.warnf("node %s will be fenced: node is unclean", n.uname)
			}
			op = s.fenceOp(n, "", false, "node is unclean", false)
			s.orderVsFencing(op)
			if n.isDC {
				dcDown = op
			} else {
				if !s.cfg.concurrentFencing && len(fencing) > 0 {
					s.orderActions(fencing[len(fencing)-1], op, oOptional)
				}
				fencing = append(fencing, op)
			}
		case n.online && n.shutdown && !n.overConnection():
			down := s.shutdownOp(n)
			if n.isDC {
				dcDown = down
			} else {
				shutdowns = append(shutdowns, down)
			}
		}
		if op == nil && n.unclean {
			lost = true
			s.warnf("node %s is unclean but cannot be fenced", n.uname)
		}
	}
	if lost {
		if !s.cfg.fencing {
			s.warnf("functions and data may be lost: configure, enable and test fencing")
		} else if !s.haveQuorum {
			s.warnf("unclean nodes are not fenced before there is a quorum or no-quorum-policy is ignore")
		}
	}
	if dcDown == nil {
		return
	}
	if dcDown.task == tShutdown {
		for i := len(shutdowns) - 1; i >= 0; i-- {
			s.orderActions(shutdowns[i], dcDown, oOptional)
		}
	}
	if s.cfg.concurrentFencing {
		for i := len(fencing) - 1; i >= 0; i-- {
			s.orderActions(fencing[i], dcDown, oOptional)
		}
	} else if len(fencing) > 0 {
		s.orderActions(fencing[len(fencing)-1], dcDown, oOptional)
	}
}

func (s *scheduler) shutdownOp(n *node) *action {
	a := s.newGlobal("do_shutdown-"+n.uname, tShutdown, n, false)
	for _, r := range s.all {
		for _, x := range r.actions {
			if x.task != tStop || x.node != n || r.is(rMaintenance) || n.maintenance || r.flags&(rManaged|rBlocked) == 0 {
				continue
			}
			x.clear(aOptional)
			s.addOrder(&order{act1: x, rsc1: r, act2: a, flags: oOptional | oRunnableLeft})
		}
	}
	if len(a.extra) == 0 {
		a.extra = append(a.extra, Param{"CRM_meta_op_no_wait", "true"})
	}
	return a
}

// orderVsFencing orders starts after fencing and turns the stops that fencing
// implies into pseudo actions.
func (s *scheduler) orderVsFencing(op *action) {
	for _, r := range s.resources {
		s.orderOneVsFencing(r, op)
	}
}

func (s *scheduler) orderOneVsFencing(r *resource, op *action) {
	if len(r.children) > 0 {
		for _, c := range r.children {
			s.orderOneVsFencing(c, op)
		}
		return
	}
	if !r.is(rManaged) {
		return
	}
	n := op.node
	for _, a := range r.actions {
		switch a.needs {
		case needsFencing:
			s.orderActions(op, a, oOptional)
		case needsQuorum:
			known := r.known[n.idx] || r.parent.isAnonClone() && r.parent.known[n.idx]
			if a.task == tStart && r.allowed[n.idx].present && !known {
				s.orderActions(op, a, oOptional|oRunnableLeft)
			}
		}
	}
	top := r.top()
	implicit := r.is(rNeedsFencing) || n.isGuest()
	for _, a := range s.resourceActions(r, n, tStop, false) {
		a.set(aPseudo | aRunnable)
		a.set(aDoneByStonith)
		if implicit {
			if !r.bundled() {
				s.orderActions(op, a, oPreserve)
			}
			if p := top.firstAction(tStop, nil); p != nil {
				s.orderActions(op, p, oPreserve)
			}
		}
		if r.is(rNotify) {
			s.notifyAfterFencing(a, r, op)
		}
	}
	for _, a := range s.resourceActions(r, n, tDemote, false) {
		if a.node != nil && (!a.node.online || a.node.unclean) || r.is(rFailed) {
			a.set(aPseudo | aRunnable)
			if implicit && !r.bundled() {
				s.orderActions(op, a, oPreserve|oOptional)
			}
		}
	}
}
