package pengine

import (
	"cmp"
	"slices"
)

// Ways in which the scores of colocated resources are added.
const (
	selectActive uint8 = 1 << iota // undo when no node would be left
	selectNonNegative
	selectThisWith // what the resource is with, instead of what is with it
)

func cmpColoc(a, b *resource) int {
	if c := cmp.Compare(b.priority, a.priority); c != 0 {
		return c
	}
	if c := cmp.Compare(b.variant, a.variant); c != 0 {
		return c
	}
	if a.isClone() && a.is(rPromotable) != b.is(rPromotable) {
		if a.is(rPromotable) {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.id, b.id)
}

func cmpPrimary(a, b *colocation) int   { return cmpColoc(a.primary, b.primary) }
func cmpDependent(a, b *colocation) int { return cmpColoc(a.dependent, b.dependent) }

// sortColocations brings the colocations of every resource into the order in
// which they count; of equal ones the latest comes first.
func (s *scheduler) sortColocations() {
	for _, r := range s.all {
		if len(r.thisWith) > 1 {
			slices.Reverse(r.thisWith)
			slices.SortStableFunc(r.thisWith, cmpPrimary)
		}
		if len(r.withThis) > 1 {
			slices.Reverse(r.withThis)
			slices.SortStableFunc(r.withThis, cmpDependent)
		}
	}
}

// joinColocations adds colocations to a list as if each were put before its
// equals. The list itself may be in use and is left alone.
func joinColocations(list, more []*colocation, compare func(a, b *colocation) int) []*colocation {
	if len(more) == 0 {
		return list
	}
	out := make([]*colocation, 0, len(list)+len(more))
	for i := len(more) - 1; i >= 0; i-- {
		out = append(out, more[i])
	}
	out = append(out, list...)
	slices.SortStableFunc(out, compare)
	return out
}

// shareColocations hands the colocations of a group to its members: the first
// one follows what the group is with, the last one leads what is with the
// group. It happens as the assignment of the group begins; until then the
// members know nothing of them.
func (s *scheduler) shareColocations(g *resource) {
	first, last := g.children[0], g.children[len(g.children)-1]
	last.withThis = joinColocations(last.withThis, g.withThis, cmpDependent)
	first.thisWith = joinColocations(first.thisWith, g.thisWith, cmpPrimary)
	if len(g.thisWith) == 0 {
		return
	}
	unmanaged := false
	for _, m := range g.children {
		if unmanaged {
			// The chain to the first member is broken.
			m.thisWith = joinColocations(m.thisWith, mandatory(g.thisWith), cmpPrimary)
		}
		unmanaged = unmanaged || !m.is(rManaged)
	}
}

func mandatory(list []*colocation) []*colocation {
	var out []*colocation
	for _, c := range list {
		if c.score == Infinity {
			out = append(out, c)
		}
	}
	return out
}

type colocEffect uint8

const (
	affectsNothing colocEffect = iota
	affectsLocation
	affectsRole
)

func (s *scheduler) colocAffects(dep, prim *resource, c *colocation, preview bool) colocEffect {
	if !preview && prim.is(rProvisional) {
		return affectsNothing
	}
	if c.dependentRole >= roleUnpromoted && dep.parent != nil && dep.parent.is(rPromotable) && !dep.is(rProvisional) {
		return affectsRole
	}
	if !preview && !dep.is(rProvisional) {
		return affectsNothing
	}
	if c.score > 0 {
		if c.dependentRole != roleUnknown && c.dependentRole != dep.next {
			return affectsNothing
		}
		if c.primaryRole != roleUnknown && c.primaryRole != prim.next {
			return affectsNothing
		}
	}
	if c.score < 0 {
		if c.dependentRole != roleUnknown && c.dependentRole == dep.next {
			return affectsNothing
		}
		if c.primaryRole != roleUnknown && c.primaryRole == prim.next {
			return affectsNothing
		}
	}
	return affectsLocation
}

// applyColocation applies c to dep's scores (or promotion priority); forDep
// tells that the dependent asks.
func (s *scheduler) applyColocation(dep, prim *resource, c *colocation, forDep bool) {
	if forDep {
		if dep.isGroup() {
			if dep.collocated {
				s.applyColocation(dep.children[0], prim, c, true)
				return
			}
			if c.score >= Infinity {
				s.errorf("colocation %s: the group %s is not collocated, so it cannot be placed with %s", c.id, dep.id, prim.id)
				return
			}
			for _, m := range dep.children {
				s.applyColocation(m, prim, c, true)
			}
			return
		}
	}
	switch prim.variant {
	case groupVariant:
		if prim.is(rProvisional) {
			return
		}
		if prim.collocated {
			m := prim.children[0]
			if c.score >= Infinity {
				m = prim.children[len(prim.children)-1]
			}
			s.applyColocation(dep, m, c, false)
			return
		}
		if c.score >= Infinity {
			s.errorf("colocation %s: nothing can be placed with the group %s, which is not collocated", c.id, prim.id)
			return
		}
		for _, m := range prim.children {
			s.applyColocation(dep, m, c, false)
		}
		return
	case cloneVariant:
		s.applyToClone(dep, prim, c)
		return
	case bundleVariant:
		s.applyToBundle(dep, prim, c)
		return
	}
	switch s.colocAffects(dep, prim, c, false) {
	case affectsRole:
		s.colocatePriority(dep, prim, c)
	case affectsLocation:
		s.colocateScores(dep, prim, c)
	}
}

func (s *scheduler) colocateScores(dep, prim *resource, c *colocation) {
	if prim.assigned == nil && c.score < 0 {
		return
	}
	value := ""
	if prim.assigned != nil {
		value = prim.assigned.attrs[c.attr]
	}
	work := slices.Clone(dep.allowed)
	for i := range work {
		if !work[i].present {
			continue
		}
		w := &work[i]
		switch {
		case prim.assigned == nil:
			w.w = addScores(-c.score, w.w)
		case s.nodes[i].attrs[c.attr] == value:
			if c.score < Infinity {
				w.w = addScores(c.score, w.w)
			}
		case c.score >= Infinity:
			w.w = addScores(-c.score, w.w)
		}
	}
	if c.score <= -Infinity || c.score >= Infinity || s.anyAvailable(work) {
		s.replaceTable(dep, work, "colocation", c.id)
	}
}

// replaceTable gives a resource a new table of scores and notes what changed.
func (s *scheduler) replaceTable(r *resource, t []cand, kind, id string) {
	if s.opts.Explain {
		for i := range t {
			if t[i].present {
				s.noteScores(r, s.nodes[i], r.allowed[i].w, t[i].w, kind, id)
			}
		}
	}
	r.allowed = t
}

func (s *scheduler) colocatePriority(dep, prim *resource, c *colocation) {
	if prim.assigned == nil || dep.assigned == nil {
		return
	}
	if dep.assigned.attrs[c.attr] != prim.assigned.attrs[c.attr] {
		if c.score >= Infinity && c.dependentRole == rolePromoted {
			dep.priority = int(-Infinity)
		}
		return
	}
	if c.primaryRole != roleUnknown && c.primaryRole != prim.next {
		return
	}
	score := c.score
	if c.dependentRole == roleUnpromoted {
		score = -score
	}
	dep.priority = int(addScores(score, Score(dep.priority)))
}

// applyToClone applies a colocation whose primary is a clone.
func (s *scheduler) applyToClone(dep, clone *resource, c *colocation) {
	if clone.is(rProvisional) {
		return
	}
	if clone.is(rPromotable) && c.primaryRole != roleUnknown {
		if dep.is(rProvisional) {
			s.colocateWithPromotable(dep, clone, c)
		} else if c.dependentRole == rolePromoted && dep.parent != nil && dep.parent.is(rPromotable) {
			// A member of a cloned group is promoted by what its group scores.
			if s.compatibleInstance(dep, clone, c.primaryRole, false) != nil {
				dep.priority = int(addScores(Score(dep.priority), c.score))
			} else if c.score >= Infinity {
				dep.priority = int(-Infinity)
			}
		}
		return
	}
	if dc := c.dependent; dc.isClone() && dc.interleave {
		if s.perNode(dc) == s.perNode(clone) {
			if p := s.compatibleInstance(dep, clone, roleUnknown, false); p != nil {
				s.applyColocation(dep, p, c, true)
			} else if c.score >= Infinity {
				s.finalizeAssignment(dep, nil, true)
			}
			return
		}
		s.errorf("clones %s and %s cannot be interleaved because they run different numbers of instances on a node", dc.id, clone.id)
	}
	if c.score >= Infinity {
		on := make([]bool, len(s.nodes))
		for _, i := range clone.children {
			if n := i.nextNode(); n != nil && !i.anyBlocked() {
				on[n.idx] = true
			}
		}
		work := slices.Clone(dep.allowed)
		for i := range work {
			// What is not a candidate yet becomes a refused one.
			if work[i].present != on[i] {
				work[i].present, work[i].w = true, -Infinity
			}
		}
		s.replaceTable(dep, work, "colocation", c.id)
		return
	}
	for _, i := range clone.children {
		s.applyColocation(dep, i, c, false)
	}
}

func (r *resource) anyBlocked() bool {
	if r.is(rBlocked) {
		return true
	}
	for _, c := range r.children {
		if c.anyBlocked() {
			return true
		}
	}
	return false
}

// perNode is how many instances of a clone a node may have by its meta
// attributes, even where an anonymous clone gets one only.
func (s *scheduler) perNode(r *resource) int {
	if v, ok := r.meta["clone-node-max"]; ok {
		return int(clampScore(parseInt(v)))
	}
	return 1
}

// colocateWithPromotable places dep by where instances of the clone get the
// primary role.
func (s *scheduler) colocateWithPromotable(dep, clone *resource, c *colocation) {
	on := make([]bool, len(s.nodes))
	weight := make([]Score, len(s.nodes))
	for _, i := range clone.children {
		n := i.nextNode()
		if n == nil || i.state(false) != c.primaryRole {
			continue
		}
		if c.score < Infinity {
			work := slices.Clone(dep.allowed)
			for k := range work {
				if work[k].present && s.nodes[k].attrs[c.attr] == n.attrs[c.attr] {
					work[k].w = addScores(work[k].w, c.score)
				}
			}
			s.replaceTable(dep, work, "colocation", c.id)
		}
		on[n.idx] = true
		if m := i.leader(); m != nil {
			weight[n.idx] = m.assignedScore
		}
	}
	if c.score >= Infinity && !(c.dependentRole == rolePromoted && c.primaryRole == rolePromoted) {
		work := slices.Clone(dep.allowed)
		for k := range work {
			switch {
			case work[k].present && on[k]:
				work[k].w = addScores(work[k].w, weight[k])
			case work[k].present || on[k]:
				work[k].present, work[k].w = true, -Infinity
			}
		}
		s.replaceTable(dep, work, "colocation", c.id)
	}
}

// leader is the resource itself or the first assigned member of a group.
func (r *resource) leader() *resource {
	if r.variant == primitiveVariant {
		return r
	}
	for _, c := range r.children {
		if l := c.leader(); l != nil && l.assigned != nil {
			return l
		}
	}
	return nil
}

// nextNodes lists the nodes to which r (or any of its children) is assigned.
func (r *resource) nextNodes() []*node {
	if r.variant == primitiveVariant {
		if r.assigned == nil {
			return nil
		}
		return []*node{r.assigned}
	}
	var out []*node
	for _, c := range r.children {
		for _, n := range c.nextNodes() {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// nextNode is the only node to which r is assigned, nil for none or several.
func (r *resource) nextNode() *node {
	if r.variant == primitiveVariant {
		return r.assigned
	}
	if l := r.nextNodes(); len(l) == 1 {
		return l[0]
	}
	return nil
}

// bestScoreFor returns the best score of r on an available node where the
// attribute has the value.
func (s *scheduler) bestScoreFor(r *resource, attr, value string) Score {
	best := -Infinity
	for i := range r.allowed {
		c := &r.allowed[i]
		if c.present && c.w > best && s.nodes[i].canRun() && s.nodes[i].attrs[attr] == value {
			best = c.w
		}
	}
	return best
}

func (s *scheduler) addMatching(table []cand, r *resource, attr string, factor float64, onlyPositive bool) {
	for i := range table {
		t := &table[i]
		if !t.present {
			continue
		}
		var score Score
		if attr == "#uname" {
			c := &r.allowed[i]
			score = -Infinity
			if c.present && s.nodes[i].canRun() {
				score = c.w
			}
		} else {
			score = s.bestScoreFor(r, attr, s.nodes[i].attrs[attr])
		}
		if factor < 0 && score < 0 {
			// What is bad for the other must not become good here.
			continue
		}
		if t.w == spoilt {
			continue
		}
		d := factor * float64(score)
		var delta Score
		if d < 0 {
			delta = Score(d - 0.5)
		} else {
			delta = Score(d + 0.5)
		}
		if delta == 0 && score != 0 {
			// Small factors must not obliterate small scores.
			if factor > 0 {
				delta = 1
			} else if factor < 0 {
				delta = -1
			}
		}
		sum := addScores(delta, t.w)
		if onlyPositive && sum < 0 && t.w > 0 {
			t.w = spoilt
			continue
		}
		if onlyPositive && sum < 0 && t.w == 0 {
			continue
		}
		t.w = sum
	}
}

// spoilt marks a node whose score has become negative although only positive
// ones count.
const spoilt = -100 * Infinity

// mergeBudget limits the work on indirect colocations of one run, in scores
// looked at. Every path through the colocations counts in the sum, and where
// all are colocated with all, the paths are more than anybody can wait for. No
// configuration with a purpose comes near the limit.
const mergeBudget = 1 << 28

// spend takes the cost of a look at one resource, its table and its
// colocations, from the budget, and tells whether what is colocated with the
// resource may be looked at too.
func (s *scheduler) spend(r *resource, items int) bool {
	const visit, item = 64, 8 // in the time that one score takes
	if s.mergeWork > mergeBudget {
		return false
	}
	if s.mergeWork += visit + item*items; s.mergeWork > mergeBudget {
		s.warnf("resource %s: too many colocations depend on one another; from here on only the direct ones count in the scores", r.id)
	}
	return true
}

// addColocated adds to a table the scores of r and of what is colocated with
// it, scaled by factor; nil is the table of r itself.
func (s *scheduler) addColocated(r *resource, table []cand, attr string, factor float64, flags uint8) []cand {
	if r.is(rMerging) {
		return table
	}
	r.set(rMerging)
	defer r.clear(rMerging)
	deeper := s.spend(r, len(table)+len(r.withThis))
	var work []cand
	var list []*colocation
	if r.isGroup() {
		// The members follow the first one; what is with the group is known
		// to the last one, and counts again.
		lead, last := r.children[0], r.children[len(r.children)-1]
		if flags&selectThisWith != 0 && table == nil {
			lead = last // it follows the others
		}
		work = s.addColocated(lead, table, attr, factor, flags)
		if !s.anyAvailable(work) {
			return work
		}
		list = last.withThis
		if flags&selectThisWith != 0 {
			list = r.thisWith
		}
	} else {
		if table == nil {
			work = slices.Clone(r.allowed)
		} else {
			work = slices.Clone(table)
			s.addMatching(work, r, attr, factor, flags&selectNonNegative != 0)
		}
		if !s.anyAvailable(work) {
			if flags&selectActive != 0 {
				return table
			}
		} else if deeper {
			list = r.withThis
			if flags&selectThisWith != 0 {
				list = r.thisWith
			}
		}
	}
	for _, c := range list {
		if flags&selectThisWith == 0 && !c.influences(nil) {
			continue
		}
		// Only the sign is passed on: each colocation counts by its own score.
		f := float64(c.score) / float64(Infinity)
		if factor < 0 {
			f = -f
		}
		other := c.dependent
		if flags&selectThisWith != 0 {
			other = c.primary
		}
		work = s.addColocated(other, work, c.attr, f, flags|selectActive)
	}
	if flags&selectNonNegative != 0 {
		for i := range work {
			if work[i].w == spoilt {
				work[i].w = 1
			}
		}
	}
	return work
}
