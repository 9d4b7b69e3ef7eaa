package pengine

import "strconv"

// maxInstances bounds what a clone-max of the CIB may make us allocate.
const maxInstances = 5000

func (s *scheduler) unpackGroup(r *resource, instance int) bool {
	r.ordered, r.collocated = true, true
	for _, name := range []string{"ordered", "collocated"} {
		if v, ok := parseBool(r.meta[name]); ok && !v {
			s.warnf("group %s: the meta attribute %s is deprecated: a resource set says the same", r.id, name)
		}
	}
	if v, ok := parseBool(r.meta["ordered"]); ok {
		r.ordered = v
	}
	if v, ok := parseBool(r.meta["collocated"]); ok {
		r.collocated = v
	}
	for _, c := range r.xml.Children {
		if c.Name != "primitive" {
			continue
		}
		if m := s.unpackResource(c, r, instance); m != nil {
			r.children = append(r.children, m)
		}
	}
	if len(r.children) == 0 {
		s.warnf("group %s has no members and is ignored", r.id)
		return false
	}
	return true
}

func (s *scheduler) unpackClone(r *resource) bool {
	m := r.meta
	if r.xml.Name != "clone" || isTrue(m["promotable"]) {
		r.set(rPromotable)
	}
	num := func(name, old string, def int) int {
		v, ok := m[name]
		if !ok && old != "" {
			v, ok = m[old]
		}
		if !ok {
			return def
		}
		return int(clampScore(parseInt(v)))
	}
	if r.is(rPromotable) {
		r.promotedMax = num("promoted-max", "master-max", 1)
		r.promotedNodeMax = num("promoted-node-max", "master-node-max", 1)
		m["promoted-max"] = strconv.Itoa(r.promotedMax)
		m["promoted-node-max"] = strconv.Itoa(r.promotedNodeMax)
	}
	r.cloneNodeMax = num("clone-node-max", "", 1)
	def := max(1, s.bornNodes())
	r.cloneMax = num("clone-max", "", def)
	if r.cloneMax < 0 {
		r.cloneMax = def
	}
	if r.cloneMax > maxInstances {
		s.errorf("clone %s: clone-max %d is more than this program allows, %d is used", r.id, r.cloneMax, maxInstances)
		r.cloneMax = maxInstances
	}
	r.cloneMin = num("clone-min", "", 0)
	r.ordered = isTrue(m["ordered"])
	r.interleave = isTrue(m["interleave"])
	if !r.is(rUnique) && r.cloneNodeMax > 1 {
		s.warnf("clone %s: clone-node-max is 1 because the clone is anonymous", r.id)
		r.cloneNodeMax = 1
	}
	for _, c := range r.xml.Children {
		if c.Name == "primitive" || c.Name == "group" {
			r.template = c
			break
		}
	}
	if r.template == nil {
		s.errorf("clone %s has nothing to clone and is ignored", r.id)
		return false
	}
	m["globally-unique"] = strconv.FormatBool(r.is(rUnique))
	m["notify"] = strconv.FormatBool(r.is(rNotify))
	if r.cloneMax <= 0 {
		return s.addInstance(r) != nil
	}
	for i := 0; i < r.cloneMax; i++ {
		if s.addInstance(r) == nil {
			return false
		}
	}
	return true
}

// addInstance adds the next instance to a clone; beyond clone-max it is an
// orphan.
func (s *scheduler) addInstance(r *resource) *resource {
	n := r.totalClones
	orphan := n >= r.cloneMax
	c := s.unpackResource(r.template, r, n)
	if c == nil {
		return nil
	}
	r.totalClones++
	r.children = append(r.children, c)
	if orphan {
		c.setAll(rOrphan)
	}
	return c
}
