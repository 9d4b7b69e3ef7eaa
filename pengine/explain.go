package pengine

import (
	"maps"
	"slices"
)

// contribution is one addend of a score.
type contribution struct {
	node  int32
	value Score
	kind  string
	id    string
	// set tells that value replaces what was there instead of being added.
	set bool
}

// step is what an explanation keeps of a printed table of scores: the tables
// change afterwards, and a resource may be assigned more than once.
type step struct {
	r             *resource
	name          string
	contributions []contribution
	table         []cand
	// load is the number of resources that each node had at that time.
	load []int
	// room is what was left of the capacity of each node.
	room []amounts
}

// note records a contribution when an explanation is wanted. What has no effect,
// since the score is infinite already, is recorded too.
func (s *scheduler) note(r *resource, n *node, value Score, kind, id string) {
	if !s.opts.Explain || value == 0 {
		return
	}
	r.contributions = append(r.contributions, contribution{node: int32(n.idx), value: value, kind: kind, id: id})
}

// noteScores records what took a score from old to now when it is only known by
// its outcome.
func (s *scheduler) noteScores(r *resource, n *node, old, now Score, kind, id string) {
	if !s.opts.Explain || old == now {
		return
	}
	r.contributions = append(r.contributions, changeOf(n, old, now, kind, id))
}

func changeOf(n *node, old, now Score, kind, id string) contribution {
	c := contribution{node: int32(n.idx), kind: kind, id: id}
	switch {
	case now <= -Infinity, now >= Infinity && old > -Infinity:
		c.value = max(-Infinity, min(Infinity, now))
	case old <= -Infinity || old >= Infinity:
		c.value, c.set = now, true
	default:
		c.value = now - old
	}
	return c
}

// addTo adds a score to the candidacy of a node; why names the cause.
func (s *scheduler) addTo(r *resource, n *node, score Score, why string) {
	c := &r.allowed[n.idx]
	c.w = addScores(c.w, score)
	s.note(r, n, score, why, "")
}

// setScore replaces the score of a node; why names the cause.
func (s *scheduler) setScore(r *resource, n *node, score Score, why, id string) {
	c := &r.allowed[n.idx]
	s.noteScores(r, n, c.w, score, why, id)
	c.w = score
}

// explainMark is a place to which the explanation of a resource can go back.
func (r *resource) explainMark() int { return len(r.contributions) }

// explainRewind forgets the contributions that came after a mark, since the
// table that they led to was given up.
func (r *resource) explainRewind(mark int) { r.contributions = r.contributions[:mark] }

// explainStep keeps the explanation of the table that is about to be printed.
func (s *scheduler) explainStep(r *resource, name string) {
	if !s.opts.Explain {
		return
	}
	st := &step{r: r, name: name, contributions: slices.Clone(r.contributions), table: slices.Clone(r.allowed)}
	st.load = make([]int, len(s.nodes))
	if s.placed() {
		st.room = make([]amounts, len(s.nodes))
	}
	for i, n := range s.nodes {
		st.load[i] = n.numResources
		if s.placed() {
			st.room[i] = maps.Clone(n.capacity)
		}
		if r.allowed[i].present {
			s.stepOfLine = append(s.stepOfLine, lineStep{st, i})
		}
	}
	if s.steps == nil {
		s.steps = map[*resource]*step{}
	}
	s.steps[r] = st
}

// explainAgain adds to the explanation what came after the table was printed.
func (s *scheduler) explainAgain(r *resource) {
	if st := s.steps[r]; s.opts.Explain && st != nil {
		later := *st
		later.contributions, later.table = slices.Clone(r.contributions), slices.Clone(r.allowed)
		s.steps[r] = &later
	}
}

// lineStep is the explanation of one printed score; step is nil for a
// promotion score, whose contributions are in promotion.
type lineStep struct {
	*step
	node int
}

// notePromotion records a contribution to the promotion score of an instance.
func (s *scheduler) notePromotion(r *resource, value Score, kind, id string) {
	if !s.opts.Explain || value == 0 {
		return
	}
	r.promotion = append(r.promotion, contribution{value: value, kind: kind, id: id})
}

// notePromotionChange records what took the promotion score from old to now.
func (s *scheduler) notePromotionChange(r *resource, old, now Score, kind, id string) {
	if !s.opts.Explain || old == now {
		return
	}
	r.promotion = append(r.promotion, changeOf(s.nodes[0], old, now, kind, id))
}

// explainPromotion keeps the explanation of the promotion score that is about
// to be printed.
func (s *scheduler) explainPromotion(r *resource) {
	if !s.opts.Explain {
		return
	}
	s.stepOfLine = append(s.stepOfLine, lineStep{&step{r: r, contributions: slices.Clone(r.promotion)}, -1})
}

// savedTable is a table of scores that may be restored, with the place in the
// explanation that belongs to it.
type savedTable struct {
	table []cand
	mark  int
}
