package pengine

import (
	"strings"

	"github.com/quorate/quorate/cib"
)

// Unfencing lets a node have again what a fencing device such as fence_scsi
// takes from it; a node that was not unfenced must not start what requires it
// (Pacemaker Explained, "Fencing", "Unfencing"). The fencing operation is "on".

const (
	// unfencedAttr is the node attribute that says when a node was unfenced.
	unfencedAttr = "#node-unfenced"
	// The definitions of the devices with which a node was unfenced, all of them
	// and without passwords.
	digestsAllAttr    = "#digests-all"
	digestsSecureAttr = "#digests-secure"
)

// secretParams are the parameters that the second digest of a fencing device
// leaves out.
var secretParams = map[string]bool{"passwd": true, "password": true, "user": true}

// unfencingConfigured reports whether any resource provides or requires
// unfencing, wherever its meta attributes are.
func unfencingConfigured(resources *cib.Element) bool {
	found := false
	if resources != nil {
		resources.Walk(func(e *cib.Element) bool {
			if e.Name == "meta_attributes" {
				for _, nv := range e.All("nvpair") {
					if n := nv.Get("name"); (n == "provides" || n == "requires") && nv.Get("value") == "unfencing" {
						found = true
					}
				}
			}
			return !found
		})
	}
	return found
}

// unfenced reports whether a node was unfenced since it came up.
func (n *node) unfenced() bool {
	v := n.attrs[unfencedAttr]
	return v != "" && v != "0"
}

// waitForUnfencing lets a start or probe wait until its node was unfenced, which
// is planned if the node never was.
func (s *scheduler) waitForUnfencing(a *action) {
	r, n := a.rsc, a.node
	if !s.unfencing || !s.cfg.fencing || n == nil || !r.is(rFenceDevice) && !r.is(rNeedsUnfencing) {
		return
	}
	on := s.fenceOp(n, "on", true, "", false)
	s.orderActions(on, a, oImpliesThen)
	if !n.unfenced() && n.unfenceable() {
		s.fenceOp(n, "on", false, "required by "+r.id+" "+a.task, false)
	}
}

// stopBeforeUnfencing lets what requires unfencing stop when its node is unfenced.
func (s *scheduler) stopBeforeUnfencing(a *action) {
	if s.unfencing && a.rsc.is(rNeedsUnfencing) {
		s.orderActions(a, s.fenceOp(a.node, "on", true, "", false), oImpliesFirst)
	}
}

// unfenceable reports whether a node is there to stay.
func (n *node) unfenceable() bool { return n.online && !n.unclean && !n.shutdown }

// unfenceChanged plans to unfence a node because the definition of a fencing
// device that is active there has changed.
func (s *scheduler) unfenceChanged(r *resource, n *node, reason string) {
	if s.unfencing && r.is(rFenceDevice) && n.unfenceable() {
		s.fenceOp(n, "on", false, reason, false)
	}
}

// unfencingConstraints lets what requires unfencing stop before its node is
// unfenced and start afterwards.
func (s *scheduler) unfencingConstraints(r *resource) {
	if !s.unfencing || r.is(rFenceDevice) || !r.is(rNeedsUnfencing) {
		return
	}
	s.eachCandidate(r, func(n *node, _ *cand) {
		on := s.fenceOp(n, "on", true, "", false)
		s.addOrder(&order{rsc1: r, task1: tStop, act2: on, flags: oOptional | oSameNode})
		s.addOrder(&order{act1: on, rsc2: r, task2: tStart, flags: oImpliesThenOnNode | oSameNode})
	})
}

// deviceDigests adds to a new fencing operation what devices the node is
// unfenced with, and reports whether a definition has changed since the last
// time.
func (s *scheduler) deviceDigests(a *action) (changed bool) {
	var all, secure strings.Builder
	for _, r := range s.all {
		if !r.isPrimitive() || !r.is(rFenceDevice) || r.meta["provides"] != "unfencing" && !r.is(rNeedsUnfencing) {
			continue
		}
		params := s.digestParams(r, a.node, "on", 0)
		var public []Param
		for _, p := range params {
			if !secretParams[p.Name] {
				public = append(public, p)
			}
		}
		name := r.id + ":" + r.typ + ":"
		x, y := name+paramDigest(params)+",", name+paramDigest(public)+","
		if old, ok := a.node.attrs[digestsAllAttr]; ok && !strings.Contains(old, x) && !strings.Contains(a.node.attrs[digestsSecureAttr], y) {
			changed = true
		}
		all.WriteString(x)
		secure.WriteString(y)
	}
	a.extra = append(a.extra, Param{"CRM_meta_digests_all", all.String()}, Param{"CRM_meta_digests_secure", secure.String()})
	return changed
}
