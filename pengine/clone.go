package pengine

import (
	"cmp"
	"slices"
)

func (s *scheduler) assignClone(r *resource) {
	if !r.is(rProvisional) || r.is(rAssigning) {
		return
	}
	if r.is(rPromotable) {
		s.addPromotionScores(r)
	}
	r.set(rAssigning)
	for _, c := range r.thisWith {
		s.assign(c.primary, nil)
	}
	for _, c := range r.withThis {
		if !c.influences(nil) {
			continue
		}
		t := s.addColocated(c.dependent, r.allowed, c.attr, float64(c.score)/float64(Infinity), selectActive|selectNonNegative)
		s.replaceTable(r, t, "colocated", c.id)
	}
	s.showScores(r, "pcmk__clone_allocate")
	s.sortInstances(r)
	s.assignInstances(r)
	if r.is(rPromotable) {
		s.setInstanceRoles(r)
	}
	r.clear(rAssigning | rProvisional)
}

// instanceKey is what instances are ordered by, computed once for each.
type instanceKey struct {
	r        *resource
	active   *node
	nodes    int
	node     *node // the active node, if the instance may stay there
	can      bool
	failed   bool
	colocAt  map[*node]Score
	colocSet bool
}

func (s *scheduler) sortInstances(r *resource) {
	list := r.instances()
	keys := make([]*instanceKey, len(list))
	for i, c := range list {
		keys[i] = s.instanceKey(c)
	}
	// An instance without node is no different from others, though they are
	// among themselves.
	mergeSort(keys, func(a, b *instanceKey) int { return s.compareInstances(r, a, b) })
	for i, k := range keys {
		list[i] = k.r
	}
}

func (s *scheduler) instanceKey(c *resource) *instanceKey {
	k := &instanceKey{r: c, can: true}
	k.active, k.nodes, _ = c.activeNodes()
	k.node = k.active
	if k.node != nil {
		if a := &c.allowed[k.node.idx]; !a.present || a.w < 0 {
			k.node, k.can = nil, false
		}
	}
	k.failed = c.didFail()
	return k
}

func (r *resource) didFail() bool {
	if r.is(rFailed) {
		return true
	}
	for _, c := range r.children {
		if c.didFail() {
			return true
		}
	}
	return false
}

func before(a, b bool) int {
	switch {
	case a && !b:
		return -1
	case !a && b:
		return 1
	}
	return 0
}

func (s *scheduler) compareInstances(clone *resource, a, b *instanceKey) int {
	if a.nodes > 0 && b.nodes > 0 {
		if c := cmp.Compare(a.nodes, b.nodes); c != 0 {
			return c
		}
	}
	if c := before(a.can, b.can); c != 0 {
		return c
	}
	if c := cmp.Compare(b.r.priority, a.r.priority); c != 0 {
		return c
	}
	if a.node == nil && b.node == nil {
		return 0
	}
	if c := before(a.node != nil, b.node != nil); c != 0 {
		return c
	}
	if c := before(a.node.canRun(), b.node.canRun()); c != 0 {
		return c
	}
	pa, pb := &clone.allowed[a.node.idx], &clone.allowed[b.node.idx]
	if !pa.present && !pb.present {
		return 0
	}
	if c := before(pa.present, pb.present); c != 0 {
		return c
	}
	if c := before(b.failed, a.failed); c != 0 {
		return c
	}
	if c := cmp.Compare(s.instanceColoc(clone, b), s.instanceColoc(clone, a)); c != 0 {
		return c
	}
	return compareNatural(a.r.id, b.r.id)
}

// instanceColoc scores the node of an instance by the colocations of its clone,
// from the score of the node itself on.
func (s *scheduler) instanceColoc(clone *resource, k *instanceKey) Score {
	if len(clone.thisWith) == 0 && len(clone.withThis) == 0 {
		return k.node.score
	}
	if k.colocSet {
		return k.colocAt[k.node]
	}
	k.colocSet = true
	t := make([]cand, len(s.nodes))
	t[k.node.idx] = cand{present: true, w: k.node.score}
	for _, c := range clone.thisWith {
		t = s.addColocated(c.primary, t, c.attr, float64(c.score)/float64(Infinity), 0)
	}
	for _, c := range clone.withThis {
		if c.influences(k.r) {
			t = s.addColocated(c.dependent, t, c.attr, float64(c.score)/float64(Infinity), selectNonNegative)
		}
	}
	k.colocAt = map[*node]Score{}
	for i := range t {
		if t[i].present {
			k.colocAt[s.nodes[i]] = t[i].w
		}
	}
	return k.colocAt[k.node]
}

// assignInstances gives every instance a node: first where it runs already,
// then where there is room.
func (s *scheduler) assignInstances(r *resource) {
	available := 0
	for i := range r.allowed {
		c := &r.allowed[i]
		c.count = 0
		if c.present && s.nodes[i].canRun() {
			available++
		}
	}
	optimal := 0
	if available > 0 {
		optimal = max(1, r.cloneMax/available)
	}
	all := r.cloneMax < available
	done := 0
	for _, c := range r.instances() {
		if done >= r.cloneMax {
			break
		}
		if len(c.running) == 0 || !c.is(rProvisional) || c.is(rFailed) {
			continue
		}
		n := c.running[0]
		if !n.canRun() {
			continue
		}
		if p := &r.allowed[n.idx]; p.present && int(p.count) >= optimal {
			continue
		}
		if s.assignInstance(r, c, n, all) {
			done++
		}
	}
	for _, c := range r.instances() {
		if !c.is(rProvisional) {
			continue
		}
		if done >= r.cloneMax {
			s.locationScore(c, nil, -Infinity, "clone-max")
			continue
		}
		if s.assignInstance(r, c, nil, all) {
			done++
		}
	}
}

func (s *scheduler) assignInstance(clone, r *resource, prefer *node, all bool) bool {
	s.inheritColocations(clone, r, all)
	if prefer != nil {
		if c := &r.allowed[prefer.idx]; !c.present || c.w < 0 {
			return false
		}
	}
	for i := range s.nodes {
		c := &r.allowed[i]
		if !c.present {
			continue
		}
		p := &clone.allowed[i]
		if r.is(rOrphan) || !s.nodes[i].canRun() || !p.present || p.w < 0 || int(p.count) >= clone.cloneNodeMax {
			s.banInstance(r, i)
		}
	}
	backup := slices.Clone(r.allowed)
	chosen := s.assign(r, prefer)
	if chosen != nil && prefer != nil && chosen != prefer {
		s.replaceTable(r, backup, "undone", "")
		if r.variant == primitiveVariant {
			s.unassign(r)
		}
		// The members of a group stay where they got although the instance
		// does not count there: so does Pacemaker.
		chosen = nil
	}
	if chosen == nil {
		return false
	}
	clone.allowed[chosen.idx].count++
	return true
}

func (s *scheduler) banInstance(r *resource, i int) { s.scoreInstance(r, i, -Infinity) }

func (s *scheduler) scoreInstance(r *resource, i int, w Score) {
	if r.allowed[i].present {
		s.addTo(r, s.nodes[i], w, "clone")
	}
	for _, c := range r.children {
		s.scoreInstance(c, i, w)
	}
}

// inheritColocations lets an instance follow the colocations of its clone;
// positive finite ones only where not every node gets an instance. An instance
// that is tried a second time, because its own node was refused, inherits them
// a second time.
func (s *scheduler) inheritColocations(clone, r *resource, all bool) {
	var with, lead []*colocation
	for _, c := range clone.thisWith {
		if all || c.score < 0 || c.score == Infinity {
			with = append(with, c)
		}
	}
	for _, c := range clone.withThis {
		if c.influences(r) && (all || c.score < 0) {
			lead = append(lead, c)
		}
	}
	r.thisWith = joinColocations(r.thisWith, with, cmpPrimary)
	r.withThis = joinColocations(r.withThis, lead, cmpDependent)
}

// compatibleInstance returns the instance of clone that goes with match: on the
// same node and, unless unknown, in the role.
func (s *scheduler) compatibleInstance(match, clone *resource, want role, current bool) *resource {
	place := func(r *resource) *node {
		if current {
			if l := r.location(); len(l) == 1 {
				return l[0]
			}
			return nil
		}
		return r.nextNode()
	}
	if n := place(match); n != nil {
		return s.instanceOn(clone, n, want, current)
	}
	for _, n := range s.sortedNodes(match.allowed, nil) {
		if i := s.instanceOn(clone, n, want, current); i != nil {
			return i
		}
	}
	return nil
}

// instanceOn returns the instance of a clone on a node in a role.
func (s *scheduler) instanceOn(clone *resource, n *node, want role, current bool) *resource {
	for _, i := range clone.instances() {
		if i.is(rOrphan) && len(i.running) == 0 {
			continue
		}
		if want != roleUnknown && i.state(current) != want {
			continue
		}
		var on []*node
		if current {
			on = i.location()
		} else {
			on = i.nextNodes()
		}
		if len(on) == 0 || i.anyBlocked() {
			continue
		}
		if on[0] == n {
			return i
		}
	}
	return nil
}
