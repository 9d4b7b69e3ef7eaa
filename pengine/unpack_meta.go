package pengine

import "strings"

const stickinessMeta = "resource-stickiness"

func (s *scheduler) unpackMeta(r *resource) {
	m := map[string]string{}
	r.meta = m
	put := putInto(m)
	for _, a := range r.xml.Attrs {
		put(a.Name, a.Value)
	}
	d := &ruleData{now: s.now, changes: &s.nextChange, hasRsc: r.variant == primitiveVariant,
		class: r.class, provider: r.provider, typ: r.typ}
	s.unpackSets(r.xml, "meta_attributes", "", d, put)
	if p := r.parent; p != nil {
		for k, v := range p.meta {
			if k != stickinessMeta || !p.defaultStickiness {
				put(k, v)
			}
		}
	}
	if s.rscDefaults != nil {
		s.unpackSets(s.rscDefaults, "meta_attributes", "", d, put)
	}
	// The stickiness that clones have by default gives way to rsc_defaults.
	if _, ok := m[stickinessMeta]; !ok && (r.isClone() || r.parent != nil && r.parent.defaultStickiness) {
		m[stickinessMeta] = "1"
		r.defaultStickiness = true
	}
}

func (s *scheduler) unpackRequires(r *resource) {
	v := r.meta["requires"]
	switch v {
	case "nothing":
		return
	case "quorum":
		r.set(rNeedsQuorum)
		return
	case "fencing":
		r.set(rNeedsFencing)
		if !s.cfg.fencing {
			s.warnf("resource %s requires fencing but fencing is disabled", r.id)
		}
		return
	case "unfencing":
		switch {
		case r.is(rFenceDevice):
			s.warnf("resource %s is a fencing device, which cannot require unfencing: quorum is required", r.id)
		case !s.cfg.fencing:
			s.warnf("resource %s requires unfencing but fencing is disabled: quorum is required", r.id)
		case !s.unfencing:
			r.set(rNeedsFencing)
			return
		default:
			r.set(rNeedsFencing | rNeedsUnfencing)
			return
		}
		r.set(rNeedsQuorum)
		return
	case "":
	default:
		s.errorf("resource %s: requires has the unknown value %q: the default is used", r.id, v)
	}
	switch {
	case r.is(rFenceDevice), r.is(rConnection):
		r.set(rNeedsQuorum)
	case s.cfg.fencing && s.unfencing:
		r.set(rNeedsFencing | rNeedsUnfencing)
	case s.cfg.fencing:
		r.set(rNeedsFencing)
	case s.cfg.quorum == quorumIgnore:
	default:
		r.set(rNeedsQuorum)
	}
}

// targetRole reads target-role; Promoted means what the engine does anyway.
func (s *scheduler) targetRole(r *resource) (role, bool) {
	v, ok := r.meta["target-role"]
	if !ok || strings.EqualFold(v, "started") || strings.EqualFold(v, "default") {
		return 0, false
	}
	t := parseRole(v)
	switch {
	case t == roleUnknown:
		s.errorf("resource %s: target-role has the unknown value %q and is ignored", r.id, v)
		return 0, false
	case t > roleStarted:
		if !r.top().is(rPromotable) {
			if x := r.top(); x.isClone() && x.xml.Name != "clone" || isTrue(x.meta["promotable"]) {
				return 0, false // a clone that is still being read
			}
			s.errorf("resource %s: target-role %s makes no sense because the resource is not promotable", r.id, v)
			return 0, false
		}
		if t > roleUnpromoted {
			return 0, false
		}
	}
	return t, true
}
