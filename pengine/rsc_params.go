package pengine

import "github.com/quorate/quorate/cib"

func parseInterval(op *cib.Element) int64 {
	v := op.Get("interval")
	if v == "" {
		return 0
	}
	ms := parseSpan(v)
	if ms < 0 {
		return 0
	}
	return ms
}

// parameters returns the agent parameters of a resource as rules see them from
// a node; n may be nil.
func (s *scheduler) parameters(r *resource, n *node) map[string]string {
	if !r.dynamicParams && r.params != nil {
		return r.params
	}
	if r.params != nil {
		idx := -1
		if n != nil {
			idx = n.idx
		}
		if p := r.paramsByNode[idx]; p != nil {
			return p
		}
	}
	d := &ruleData{now: s.now, changes: &s.nextChange, node: n, hasNode: n != nil, hasRsc: true,
		class: r.class, provider: r.provider, typ: r.typ}
	m := map[string]string{}
	dynamic := false
	for p := r; p != nil; p = p.parent {
		s.unpackSets(p.xml, "instance_attributes", "", d, putInto(m))
		for _, c := range p.xml.Children {
			if c.Name == "instance_attributes" && s.deref(c).First("rule") != nil {
				dynamic = true
			}
		}
	}
	r.dynamicParams = dynamic
	r.params = m
	if dynamic {
		if r.paramsByNode == nil {
			r.paramsByNode = map[int]map[string]string{}
		}
		idx := -1
		if n != nil {
			idx = n.idx
		}
		r.paramsByNode[idx] = m
	}
	return m
}
