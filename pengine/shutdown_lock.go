package pengine

import (
	"strconv"
	"time"

	"github.com/quorate/quorate/cib"
)

// A resource whose node is shut down cleanly waits for that node while the
// cluster option shutdown-lock is true, at most for shutdown-lock-limit
// (Pacemaker Explained, "Cluster Options"). The history of the resource keeps
// the lock: the time at which the shutdown began, as its attribute shutdown-lock.

const (
	lockAttr = "shutdown-lock"
	// tLRMDelete removes the history of a resource from the CIB.
	tLRMDelete = "lrm_delete"
)

// readLock reads the lock that the history e of r on a node holds.
func (s *scheduler) readLock(r *resource, n *node, e *cib.Element) {
	at := parseInt(e.Get(lockAttr))
	if !s.cfg.shutdownLock || at <= 0 {
		return
	}
	if s.cfg.lockLimit > 0 && s.now.Unix() > at+s.cfg.lockLimit/1000 {
		s.notef("the shutdown lock of resource %s on node %s expired", r.id, n.uname)
		s.clearHistory(r, n)
		return
	}
	r.lockNode, r.lockTime = n, at
}

// clearHistory plans to remove the history of a resource on a node from the CIB,
// whether the node is there or not.
func (s *scheduler) clearHistory(r *resource, n *node) {
	s.newAction(r, tLRMDelete, 0, n, false)
}

// applyLocks keeps resources on the nodes which they are locked to.
func (s *scheduler) applyLocks() {
	if !s.cfg.shutdownLock {
		return
	}
	for _, r := range s.resources {
		s.applyLock(r)
	}
}

func (s *scheduler) applyLock(r *resource) {
	if r.isGroup() {
		for _, m := range r.children {
			s.applyLock(m)
		}
		return
	}
	if !r.isPrimitive() || r.is(rFenceDevice) || r.is(rConnection) {
		return
	}
	if r.lockNode != nil {
		if len(r.running) > 0 {
			s.notef("resource %s is active, so that its shutdown lock on node %s is cancelled", r.id, r.lockNode.uname)
			s.clearHistory(r, r.lockNode)
			r.lockNode, r.lockTime = nil, 0
		}
	} else if len(r.running) == 1 {
		if n := r.running[0]; n.shutdown {
			if n.unclean {
				s.notef("resource %s is not locked to node %s, which is unclean", r.id, n.uname)
			} else {
				r.lockNode, r.lockTime = n, n.shutdownTime(s.now)
			}
		}
	}
	if r.lockNode == nil {
		return
	}
	if s.cfg.lockLimit > 0 {
		until := time.Unix(r.lockTime, 0).Add(time.Duration(s.cfg.lockLimit) * time.Millisecond)
		s.notef("resource %s is locked to node %s, which was shut down, until %s", r.id, r.lockNode.uname, until.UTC().Format(time.RFC3339))
		s.noteChange(until.Add(time.Second))
	} else {
		s.notef("resource %s is locked to node %s, which was shut down", r.id, r.lockNode.uname)
	}
	for _, n := range s.nodes {
		if n != r.lockNode && !n.unborn {
			s.locationScore(r, n, -Infinity, lockAttr)
		}
	}
}

// shutdownTime is when a node asked to be shut down, in seconds of the epoch.
func (n *node) shutdownTime(now time.Time) int64 {
	if v, err := strconv.ParseInt(n.attrs["shutdown"], 10, 64); err == nil {
		return v
	}
	return now.Unix()
}

// keepsLock tells when an action's lock began: the controller records it with
// the result, so that the lock outlives the action; 0 without a lock. While the
// node goes down only stops keep it.
func (a *action) keepsLock() int64 {
	if a.rsc == nil || a.node == nil || a.rsc.lockNode != a.node || a.node.shutdown && a.task != tStop {
		return 0
	}
	return a.rsc.lockTime
}
