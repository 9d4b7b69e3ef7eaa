package pengine

// contribution is one addend of a score.
type contribution struct {
	node  int32
	value Score
	kind  string
	id    string
}

// note records a contribution when an explanation is wanted.
func (s *scheduler) note(r *resource, n *node, delta Score, kind, id string) {
	if !s.opts.Explain || delta == 0 {
		return
	}
	r.contributions = append(r.contributions, contribution{int32(n.idx), delta, kind, id})
}

// addTo adds a score to the candidacy of a node; why names the cause.
func (s *scheduler) addTo(r *resource, n *node, score Score, why string) {
	c := &r.allowed[n.idx]
	old := c.w
	c.w = addScores(c.w, score)
	s.note(r, n, c.w-old, why, "")
}

// setScore replaces the score of a node; why names the cause.
func (s *scheduler) setScore(r *resource, n *node, score Score, why, id string) {
	c := &r.allowed[n.idx]
	s.note(r, n, score-c.w, why, id)
	c.w = score
}
