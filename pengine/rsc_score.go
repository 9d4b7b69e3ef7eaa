package pengine

// locationScore adds a score to the table of r and of everything below, on one
// node or, with nil, on all.
func (s *scheduler) locationScore(r *resource, n *node, score Score, tag string) {
	for _, c := range r.children {
		s.locationScore(c, n, score, tag)
	}
	if n != nil {
		s.nodeScore(r, n, score, tag)
		return
	}
	if r.is(rExclusiveDiscovery) && tag == "symmetric_default" {
		return
	}
	for _, n := range s.nodes {
		if n.unborn || n.inBundle && tag == "symmetric_default" {
			continue
		}
		s.nodeScore(r, n, score, tag)
	}
	if score == -Infinity {
		for i := range r.allowed {
			r.allowed[i].w = -Infinity
		}
	}
}

func (s *scheduler) nodeScore(r *resource, n *node, score Score, tag string) {
	c := &r.allowed[n.idx]
	if !c.present {
		c.present = true
		c.w = n.score
		if n.score != 0 {
			s.note(r, n, n.score, "node score", n.id)
		}
	}
	s.addTo(r, n, score, tag)
}
