package pengine

import (
	"cmp"
	"slices"
)

// addPromotionScores lets promotion scores draw instances to their nodes.
func (s *scheduler) addPromotionScores(r *resource) {
	if r.is(rPromotableScored) {
		return
	}
	r.set(rPromotableScored)
	for _, c := range r.children {
		for i, n := range s.nodes {
			if !c.allowed[i].present || !n.canRun() {
				continue
			}
			score, _ := s.promotionScore(c, n)
			if score > 0 {
				s.addTo(c, n, score, "promotion score")
			}
			if int(score) > c.priority {
				c.priority = int(score)
			}
		}
	}
}

// promotionScore returns the promotion score of an instance on a node, and
// whether one is set at all.
func (s *scheduler) promotionScore(r *resource, n *node) (score Score, isSet bool) {
	if len(r.children) > 0 {
		for _, c := range r.children {
			v, ok := s.promotionScore(c, n)
			score += v
			isSet = isSet || ok
		}
		return score, isSet
	}
	if !s.promotionApplies(r, n) {
		return 0, false
	}
	if c := &r.allowed[n.idx]; !c.present || c.w < 0 {
		return 0, false
	}
	attrs := r.attributesOn(n)
	v, ok := attrs["master-"+r.historyID()]
	if !ok && !r.is(rUnique) {
		if b := baseID(r.id); b != r.id {
			v, ok = attrs["master-"+b]
		}
	}
	if !ok {
		return 0, false
	}
	return parseScore(v), true
}

// promotionApplies tells whether the promotion score of a node counts for the
// instance r.
func (s *scheduler) promotionApplies(r *resource, n *node) bool {
	if !r.is(rUnique) {
		base := baseID(r.id)
		probed, active := false, false
		for _, c := range r.top().children {
			m := member(c, base)
			if m == nil {
				continue
			}
			if slices.Contains(m.running, n) {
				if m == r {
					return true
				}
				active = true
			}
			probed = probed || m.known[n.idx]
		}
		if probed && !active {
			return true
		}
	}
	if len(r.running) == 0 && !r.knownAnywhere() {
		return true
	}
	return r.known[n.idx]
}

func (r *resource) knownAnywhere() bool { return slices.Contains(r.known, true) }

func (s *scheduler) setInstanceRoles(r *resource) {
	for i := range r.allowed {
		r.allowed[i].count = 0
	}
	for _, c := range r.children {
		if c.state(true) == roleStarted {
			c.currentUnpromoted()
		}
		s.instancePriority(r, c)
	}
	s.sortPromotable(r)
	promoted := 0
	for _, c := range r.children {
		where := "none"
		if n := c.nextNode(); n != nil {
			where = n.uname
		}
		s.explainPromotion(c)
		s.scores = append(s.scores, ScoreLine{"", c.id, where, c.sortIndex})
		var chosen *node
		if c.sortIndex >= 0 && (promoted < r.promotedMax || !r.is(rManaged)) {
			chosen = s.promotionNode(r, c)
		}
		if chosen == nil || c.role < rolePromoted && !s.haveQuorum && s.cfg.quorum == quorumFreeze {
			s.nextUnpromoted(c)
			continue
		}
		r.allowed[chosen.idx].count++
		s.nextPromoted(c)
		promoted++
	}
}

// currentUnpromoted calls what is started unpromoted.
func (r *resource) currentUnpromoted() {
	if r.role == roleStarted {
		r.role = roleUnpromoted
	}
	for _, c := range r.children {
		c.currentUnpromoted()
	}
}

func (s *scheduler) nextUnpromoted(r *resource) {
	if len(r.nextNodes()) > 0 {
		s.setNext(r, roleUnpromoted, "unpromoted instance")
	} else {
		s.setNext(r, roleStopped, "stopped instance")
	}
	for _, c := range r.children {
		s.nextUnpromoted(c)
	}
}

func (s *scheduler) nextPromoted(r *resource) {
	if r.next == roleUnknown {
		s.setNext(r, rolePromoted, "promoted instance")
	}
	for _, c := range r.children {
		s.nextPromoted(c)
	}
}

func (s *scheduler) instancePriority(clone, r *resource) {
	n := r.nextNode()
	if n == nil {
		return
	}
	// Colocations below may take the role away.
	next := r.state(false)
	switch next {
	case roleStarted, roleUnknown:
		score, ok := s.promotionScore(r, n)
		if !ok {
			score = -1
		}
		r.priority = int(score)
	case roleUnpromoted, roleStopped:
		r.priority = int(-Infinity)
	}
	s.notePromotionChange(r, 0, Score(r.priority), kindPromotion, "")
	if n != nil {
		for _, list := range [][]*location{r.locations, clone.locations} {
			for _, l := range list {
				if l.role != rolePromoted {
					continue
				}
				for _, nw := range l.nodes {
					if nw.n == n {
						r.priority = int(addScores(Score(r.priority), nw.w))
						s.notePromotion(r, nw.w, kindLocation, l.id)
					}
				}
			}
		}
	}
	for _, c := range r.thisWith {
		old := r.priority
		s.applyColocation(r, c.primary, c, true)
		s.notePromotionChange(r, Score(old), Score(r.priority), kindColocation, c.id)
	}
	r.sortIndex = Score(r.priority)
	if next == rolePromoted {
		s.notePromotionChange(r, r.sortIndex, Infinity, "promoted already", "")
		r.sortIndex = Infinity
	}
}

// promotionNode returns the node on which an instance may be promoted.
func (s *scheduler) promotionNode(clone, r *resource) *node {
	for _, c := range r.children {
		if s.promotionNode(clone, c) == nil {
			return nil
		}
	}
	n := r.nextNode()
	switch {
	case n == nil:
		return nil
	case !r.is(rManaged):
		if r.state(true) == rolePromoted {
			return n
		}
		return nil
	case r.priority < 0:
		return nil
	case !n.canRun(), n.isGuest() && len(n.connection.container.nextNodes()) == 0:
		return nil
	}
	if !clone.allowed[n.idx].present || int(clone.allowed[n.idx].count) >= clone.promotedNodeMax && r.is(rManaged) {
		return nil
	}
	return n
}

// sortPromotable orders the instances by how much they ought to be promoted.
func (s *scheduler) sortPromotable(r *resource) {
	r.set(rMerging)
	// The clone's own table becomes the sum of its instances.
	t := slices.Clone(r.allowed)
	for _, c := range r.children {
		n := c.nextNode()
		if !c.is(rManaged) && c.next == rolePromoted {
			s.notePromotionChange(c, c.sortIndex, Infinity, "unmanaged and promoted", "")
			c.sortIndex = Infinity
		}
		if n == nil || c.sortIndex < 0 {
			continue
		}
		t[n.idx].w = addScores(c.sortIndex, t[n.idx].w)
	}
	for _, c := range r.thisWith {
		if c.dependentRole == rolePromoted {
			var flags uint8
			if c.score < Infinity {
				flags = selectActive
			}
			t = s.addColocated(c.primary, t, c.attr, float64(c.score)/float64(Infinity), flags)
		}
	}
	for _, c := range r.withThis {
		if c.primaryRole == rolePromoted && c.influences(nil) {
			t = s.addColocated(c.dependent, t, c.attr, float64(c.score)/float64(Infinity), selectActive|selectNonNegative)
		}
	}
	lost := s.promotionTicket(r)
	if lost != nil {
		for i := range t {
			t[i].w = -Infinity
		}
	}
	for _, c := range r.children {
		n := c.nextNode()
		if !c.is(rManaged) && c.next == rolePromoted {
			c.sortIndex = Infinity
		} else if lost != nil && n != nil && c.sortIndex >= 0 {
			s.notePromotionChange(c, c.sortIndex, -Infinity, kindTicket, lost.id)
			c.sortIndex = -Infinity
		} else if n != nil && c.sortIndex >= 0 {
			s.notePromotionChange(c, c.sortIndex, t[n.idx].w, "clone and colocations", r.id)
			c.sortIndex = t[n.idx].w
		}
	}
	for i, n := range s.nodes {
		if t[i].present {
			s.noteScores(r, n, r.allowed[i].w, t[i].w, kindPromotion, "")
		}
	}
	r.allowed = t
	for i := range r.allowed {
		r.allowed[i].count = 0
	}
	keys := map[*resource]*instanceKey{}
	for _, c := range r.children {
		keys[c] = s.instanceKey(c)
	}
	mergeSort(r.children, func(a, b *resource) int {
		if c := cmp.Compare(b.sortIndex, a.sortIndex); c != 0 {
			return c
		}
		if c := cmp.Compare(b.state(true), a.state(true)); c != 0 {
			return c
		}
		return s.compareInstances(r, keys[a], keys[b])
	})
	r.clear(rMerging)
}
