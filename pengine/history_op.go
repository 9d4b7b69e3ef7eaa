package pengine

import (
	"time"
)

// unpackOp judges one operation of a history and updates the resource.
func (s *scheduler) unpackOp(r *resource, n *node, h *opEntry, lastFailure **opEntry, of *onFail) {
	if h.task == "" || h.status < stPending || h.status > stNoSecrets || h.task == tNotify || h.task == "meta-data" {
		return
	}
	// That an agent is not there never expires.
	if h.status != stNotInstalled {
		h.expired = s.opExpired(r, n, h)
		s.remapOp(r, n, h, of)
		if h.expired && h.rc != h.expected && h.status != stDone {
			if h.interval == 0 {
				s.notef("expired failure of %s on %s is ignored", h.id, n.uname)
				return
			}
			if n.online && !n.unclean {
				s.rescheduled = append(s.rescheduled, reschedule{r, n, h})
				return
			}
		}
		if h.probe() && (h.rc == rcNotInstalled || h.rc == rcInvalidParam) {
			h.status = stNotInstalled
		}
	}
	switch h.status {
	case stCancelled:
		return
	case stPending:
		s.pendingOp(r, n, h)
		return
	case stDone:
		s.opSucceeded(r, n, h, h.rc, *lastFailure, of)
		return
	case stNotInstalled:
		if h.probe() {
			// It cannot be there, so that there is nothing to recover.
			r.role = roleStopped
			s.recordFailed(r, n, h)
		} else {
			s.opFailed(r, n, h, lastFailure, of)
			if s.operation(r, h.task, h.interval).onFail == failIgnore {
				s.warnf("failed %s of %s on %s cannot be ignored because the agent is not installed", h.task, r.id, n.uname)
				*of = max(*of, failBan)
			}
		}
		s.locationScore(r.banned(), n, -Infinity, "hard-error")
		return
	}
	o := s.operation(r, h.task, h.interval)
	if o.onFail == failIgnore || o.onFail == failRestartContainer && h.task == tStop {
		s.opSucceeded(r, n, h, h.expected, *lastFailure, of)
		r.set(rFailureIgnored)
		s.recordFailed(r, n, h)
		if o.onFail == failRestartContainer && *of <= failRecover {
			*of = o.onFail
		}
		return
	}
	s.opFailed(r, n, h, lastFailure, of)
	switch h.status {
	case stErrorHard, stNoDevice, stNoSecrets:
		s.locationScore(r.banned(), n, -Infinity, "hard-error")
	case stErrorFatal:
		s.locationScore(r.banned(), nil, -Infinity, "fatal-error")
	}
}

// banned is what a hard failure of r keeps away: all of an anonymous clone.
func (r *resource) banned() *resource {
	if r.is(rUnique) {
		return r
	}
	return r.top()
}

func (s *scheduler) recordFailed(r *resource, n *node, h *opEntry) {
	if n.shutdown && !n.online {
		return
	}
	for _, f := range s.failed {
		if f.node == n && f.op.ID() == h.id && f.op.Get("operation_key") == h.xml.Get("operation_key") {
			return
		}
	}
	s.failed = append(s.failed, failedOp{h.xml, n, r})
}

// pendingOp handles an operation whose result is not known yet.
func (s *scheduler) pendingOp(r *resource, n *node, h *opEntry) {
	switch h.task {
	case tStart:
		r.set(rStartPending)
		setActive(r)
	case tPromote:
		r.role = rolePromoted
	case tMigrateTo:
		if n.unclean {
			// What a pending migration left on its target must be stopped.
			if target := s.byName[h.xml.Get("migrate_target")]; target != nil {
				s.stopAction(r, target, false)
			}
		}
	}
	if r.pendingTask == "" {
		if h.interval != 0 || h.task != tMonitor {
			r.pendingTask, r.pendingNode = h.task, n
		}
	}
}

func setActive(r *resource) {
	if r.top().is(rPromotable) {
		r.role = roleUnpromoted
	} else {
		r.role = roleStarted
	}
}

// opExpired reports whether failure-timeout has made a failure void, and plans
// to clear the fail count when it has.
func (s *scheduler) opExpired(r *resource, n *node, h *opEntry) bool {
	expired := false
	lastFail := h.id == r.historyID()+"_last_failure_0"
	reason := ""
	var unexpired Score
	if r.failureTimeout > 0 && h.changed > 0 {
		at := time.Unix(h.changed, 0).Add(r.failureTimeout)
		expired = !s.now.Before(at) && !s.waitsForFencing(r, h)
		var last time.Time
		unexpired, last = s.failCount(n, r, true, h.xml)
		if r.failureTimeout > 0 && unexpired > 0 && s.now.Before(last.Add(r.failureTimeout)) {
			s.noteChange(last.Add(r.failureTimeout))
		}
	}
	if expired {
		if c, _ := s.failCount(n, r, false, h.xml); c > 0 {
			if unexpired == 0 {
				reason = "it expired"
			} else {
				expired = false
			}
		} else if lastFail && r.reconnect > 0 {
			reason = "reconnect interval is set"
		}
	}
	if !expired && lastFail && s.paramsChanged(r, n, h) {
		reason = "resource parameters have changed"
	}
	if reason != "" {
		a := s.clearFailCount(r, n, reason)
		if r.reconnect > 0 {
			s.afterRemoteFencing(a, r)
		}
	}
	if expired && h.probe() {
		switch h.rc {
		case rcOK, rcNotRunning, rcRunningPromoted, rcDegraded, rcDegradedPromoted:
			expired = false
		}
	}
	return expired
}

func (s *scheduler) noteChange(t time.Time) {
	if t.After(s.now) && (s.nextChange.IsZero() || t.Before(s.nextChange)) {
		s.nextChange = t
	}
}

// paramsChanged tells that a failed start or monitor used other parameters than
// those of now.
func (s *scheduler) paramsChanged(r *resource, n *node, h *opEntry) bool {
	if h.task != tStart && h.task != tMonitor {
		return false
	}
	if s.hostAddressed(r) {
		s.lateChecks = append(s.lateChecks, lateCheck{r, n, h, false})
		return false
	}
	switch s.digestCompare(r, n, h.xml) {
	case digestSame, digestUnknown:
		return false
	}
	return true
}

// remapOp corrects the status of an operation by what its return code means.
func (s *scheduler) remapOp(r *resource, n *node, h *opEntry, of *onFail) {
	switch h.rc {
	case rcDegraded, rcDegradedPromoted:
		if h.rc == rcDegraded && h.task != tMonitor {
			break
		}
		if h.rc == rcDegraded {
			h.rc = rcOK
		} else {
			h.rc = rcRunningPromoted
		}
		if !n.shutdown || n.online {
			s.recordFailed(r, n, h)
		}
	}
	if h.status != stDone && h.status != stError {
		return
	}
	if h.expected < 0 || h.rc != h.expected {
		h.status = stError
	} else {
		h.status = stDone
	}
	switch h.rc {
	case rcOK:
		if h.probe() && h.expected == rcNotRunning {
			h.status = stDone
		}
	case rcNotRunning:
		if h.probe() || h.expected == h.rc || !r.is(rManaged) {
			h.status = stDone
			r.role = roleStopped
			*of = failIgnore
			s.setNext(r, roleUnknown, "")
		}
	case rcRunningPromoted:
		if h.probe() && h.rc != h.expected {
			h.status = stDone
		}
		r.role = rolePromoted
	case rcFailedPromoted:
		r.role = rolePromoted
		h.status = stError
	case rcNotConfigured:
		h.status = stErrorFatal
	case rcUnimplemented, rcNotInstalled, rcInvalidParam, rcInsufficientPriv:
		if h.rc == rcUnimplemented && h.interval > 0 {
			h.status = stNotSupported
			break
		}
		if h.task == tStop && !s.canFence(n) {
			r.clear(rManaged)
			r.set(rBlocked)
			s.warnf("resource %s: nothing more can be done after the failed stop on %s", r.id, n.uname)
		}
		h.status = stErrorHard
	default:
		if h.status == stDone && h.rc != rcUnknownError {
			h.status = stError
		}
	}
}

// opSucceeded applies an operation that did what was expected, or whose failure
// is ignored.
func (s *scheduler) opSucceeded(r *resource, n *node, h *opEntry, rc int, last *opEntry, of *onFail) {
	past := false
	switch {
	case rc == rcNotInstalled && h.probe():
		r.role = roleStopped
	case rc == rcNotRunning:
		past = true
	case h.task == tMonitor:
		if last != nil && last.xml.Get("operation_key") == h.xml.Get("operation_key") {
			past = true
		}
		if r.role < roleStarted {
			setActive(r)
		}
	case h.task == tStart:
		r.role, past = roleStarted, true
	case h.task == tStop:
		r.role, past = roleStopped, true
	case h.task == tPromote:
		r.role, past = rolePromoted, true
	case h.task == tDemote:
		if *of == failDemote {
			past = true
		}
		r.role = roleUnpromoted
	case h.task == tMigrateFrom:
		r.role, past = roleStarted, true
	case h.task == tMigrateTo:
		s.migrateToSucceeded(r, n, h)
	case r.role < roleStarted:
		setActive(r)
	}
	if past {
		switch *of {
		case failResetRemote:
			if r.reconnect > 0 {
				break // not before the failure is cleared
			}
			fallthrough
		case failBlock, failIgnore, failDemote, failRecover, failRestartContainer:
			*of = failIgnore
			s.setNext(r, roleUnknown, "")
		}
	}
}

// opFailed applies a failed operation.
func (s *scheduler) opFailed(r *resource, n *node, h *opEntry, last **opEntry, of *onFail) {
	*last = h
	s.recordFailed(r, n, h)
	o := s.operation(r, h.task, h.interval)
	if *of < o.onFail {
		*of = o.onFail
	}
	switch h.task {
	case tStop:
		s.locationScore(r, n, -Infinity, "__stop_fail__")
	case tMigrateTo:
		s.migrateToFailed(r, n, h)
	case tMigrateFrom:
		s.migrateFromFailed(r, n, h)
	case tPromote:
		r.role = rolePromoted
	case tDemote:
		switch {
		case o.onFail == failBlock:
			r.role = rolePromoted
			s.setNext(r, roleStopped, "demote with on-fail=block")
		case h.rc == rcNotRunning:
			r.role = roleStopped
		default:
			// The resource is stopped in recovery; promotion comes after.
			r.role = roleUnpromoted
		}
	}
	if r.role < roleStarted {
		setActive(r)
	}
	if o.failRole != roleStarted && r.next < o.failRole {
		s.setNext(r, o.failRole, "failure")
	}
	if o.failRole == roleStopped {
		f := r
		if top := r.top(); top.isAnonClone() {
			f = top
		}
		s.banEverywhere(f, "on-fail=stop")
	}
}

// banEverywhere replaces the table of r by one that forbids every node.
func (s *scheduler) banEverywhere(r *resource, why string) {
	for _, n := range s.nodes {
		r.allowed[n.idx].present = true
		s.setScore(r, n, -Infinity, why, "")
	}
}

// resourceState applies what the whole history on a node says.
func (s *scheduler) resourceState(r *resource, n *node, of onFail) {
	if r.role != roleUnknown {
		for p := r; p != nil; p = p.parent {
			p.known[n.idx] = true
			if p.is(rUnique) {
				break
			}
		}
	}
	if r.role > roleStopped && !n.online && !n.maintenance && r.is(rManaged) {
		if n.isGuest() {
			r.set(rFailed | rStop)
			s.fenceNode(n, r.id+" is thought to be active there", false)
		} else if s.cfg.fencing && n.isRemote() && n.connection != nil && !n.connection.is(rFailed) {
			// It need not be fenced if the connection starts elsewhere.
			n.unseen = true
			s.fenceNode(n, r.id+" is active there (fencing will be revoked if remote connection can be re-established elsewhere)", false)
		} else if s.cfg.fencing {
			s.fenceNode(n, r.id+" is thought to be active there", false)
		}
	}
	saved := of
	if n.unclean {
		of = failIgnore
	}
	switch of {
	case failDemote:
		r.set(rFailed)
		s.demoteAction(r, n, false)
	case failFence:
		s.fenceNode(n, r.id+" failed there", false)
	case failStandby:
		n.standby, n.standbyOnFail = true, true
	case failBlock:
		r.clear(rManaged)
		r.set(rBlocked)
	case failBan:
		s.locationScore(r, n, -Infinity, "__action_migration_auto__")
	case failStop:
		s.setNext(r, roleStopped, "on-fail=stop")
	case failRestartContainer:
		s.restartContainer(r, n)
	case failResetRemote:
		s.resetRemote(r, n)
	case failRecover:
		if r.role != roleStopped && r.role != roleUnknown {
			r.set(rFailed | rStop)
			s.stopAction(r, n, false)
		}
	}
	switch {
	case r.role != roleStopped && r.role != roleUnknown:
		s.addRunning(r, n, saved != failIgnore)
		switch {
		case !r.is(rOrphan):
		case r.is(rManaged):
			s.warnf("resource %s is active on %s but no longer configured", r.id, n.uname)
		default:
			s.warnf("resource %s must be stopped by hand on %s: it is no longer configured, and stop-orphan-resources is false", r.id, n.uname)
		}
		switch of {
		case failIgnore:
		case failDemote, failBlock:
			r.set(rFailed)
		default:
			r.set(rFailed | rStop)
		}
	case r.lrmID != "" && baseID(r.lrmID) != r.lrmID:
		r.lrmID = ""
	default:
		for _, a := range r.findKeyed(tStop, 0, n) {
			a.set(aOptional)
		}
	}
	if r.role == roleStopped && r.migrateFrom == n && r.migrateTo != nil && len(r.running) > 0 {
		r.role = roleStarted
	}
}

// addRunning notes that a resource is active on a node.
func (s *scheduler) addRunning(r *resource, n *node, failed bool) {
	for _, x := range r.running {
		if x == n {
			return
		}
	}
	r.running = append(r.running, n)
	if r.variant == primitiveVariant {
		n.running = append(n.running, r)
		s.nodePriority(r, n, failed)
		if n.maintenance {
			r.clear(rManaged)
		}
	}
	if !r.is(rManaged) {
		s.locationScore(r, n, Infinity, "not_managed_default")
		if n.online {
			for p := r.parent; p != nil; p = p.parent {
				p.running = append(p.running, n)
			}
		}
		return
	}
	if r.variant == primitiveVariant && r.multiplyActive() {
		switch r.multi {
		case multiStopOnly:
			s.banEverywhere(r, "multiple-active=stop_only")
		case multiBlock:
			r.clear(rManaged)
			r.set(rBlocked)
			if p := r.parent; p.isGroup() && p.multi == multiBlock {
				for _, c := range p.children {
					c.clear(rManaged)
					c.set(rBlocked)
				}
			}
		}
	}
	if r.parent != nil {
		s.addRunning(r.parent, n, false)
	}
}

// nodePriority adds the priority of a running resource to its node; a promoted
// instance counts one more.
func (s *scheduler) nodePriority(r *resource, n *node, failed bool) {
	if r.priority == 0 || failed {
		return
	}
	p := r.priority
	if r.role == rolePromoted {
		p++
	}
	n.priority += p
}

// absent reports whether a probe failed because the resource cannot be there:
// the agent or what it needs is not installed, or its parameters are wrong
// there.
func (h *opEntry) absent() bool {
	return h.probe() && (h.rc == rcInvalidParam || h.rc == rcNotInstalled || h.status == stNotInstalled)
}
