package pengine

import (
	"slices"
	"strings"
)

// ScoreLine is one line of the allocation scores that crm_simulate -s shows.
type ScoreLine struct {
	// Step names the computation ("pcmk__primitive_assign", …), "" for
	// promotion scores.
	Step     string
	Resource string
	// Node is "none" for a promotion score of an unassigned instance.
	Node  string
	Score Score
}

// String writes the line as the tools do.
func (l ScoreLine) String() string { return string(l.Append(nil)) }

// Append appends the line, without its end, to b.
func (l ScoreLine) Append(b []byte) []byte {
	if l.Step == "" {
		b = append(b, l.Resource...)
		b = append(b, " promotion score on "...)
	} else {
		b = append(b, l.Step...)
		b = append(b, ": "...)
		b = append(b, l.Resource...)
		b = append(b, " allocation score on "...)
	}
	b = append(b, l.Node...)
	b = append(b, ": "...)
	return append(b, l.Score.String()...)
}

// showScores records the table of a resource and, for collective ones, of the
// children.
func (s *scheduler) showScores(r *resource, step string) {
	if r.is(rOrphan) {
		return
	}
	s.explainStep(r, step)
	for _, n := range s.nodes {
		if c := &r.allowed[n.idx]; c.present {
			s.scores = append(s.scores, ScoreLine{step, r.id, n.uname, c.w})
		}
	}
	for _, c := range r.children {
		s.showScores(c, step)
	}
}

// compareNatural compares names with numbers in them by value, ignoring case.
func compareNatural(a, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		if isDigit(a[i]) && isDigit(b[j]) {
			x, y := i, j
			for i < len(a) && isDigit(a[i]) {
				i++
			}
			for j < len(b) && isDigit(b[j]) {
				j++
			}
			da, db := strings.TrimLeft(a[x:i], "0"), strings.TrimLeft(b[y:j], "0")
			if len(da) != len(db) {
				return len(da) - len(db)
			}
			if c := strings.Compare(da, db); c != 0 {
				return c
			}
			continue
		}
		ca, cb := lower(a[i]), lower(b[j])
		if ca != cb {
			return int(ca) - int(cb)
		}
		i++
		j++
	}
	return (len(a) - i) - (len(b) - j)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 32
	}
	return c
}

// assign chooses a node for a resource of any kind.
func (s *scheduler) assign(r *resource, prefer *node) *node {
	switch r.variant {
	case groupVariant:
		return s.assignGroup(r, prefer)
	case cloneVariant:
		s.assignClone(r)
		return nil
	case bundleVariant:
		s.assignBundle(r)
		return nil
	}
	return s.assignPrimitive(r, prefer)
}

func (s *scheduler) assignPrimitive(r *resource, prefer *node) *node {
	if r.parent != nil && !r.parent.is(rAssigning) && r.is(rProvisional) {
		s.assign(r.parent, prefer)
	}
	if !r.is(rProvisional) {
		return r.assigned
	}
	if r.is(rAssigning) {
		return nil
	}
	r.set(rAssigning)
	thisWith, withThis := r.thisWith, r.withThis
	for _, c := range thisWith {
		s.applyThisWith(r, c)
	}
	for _, c := range withThis {
		s.applyWithThis(r, c)
	}
	if r.next == roleStopped {
		s.locationScore(r, nil, -Infinity, "target-role")
	} else if r.next > r.role && !s.haveQuorum && s.cfg.quorum == quorumFreeze {
		s.setNext(r, r.role, "no-quorum-policy=freeze")
	}
	s.showScores(r, "pcmk__primitive_assign")
	if s.cfg.fencing && !s.haveFenceDevice {
		r.clear(rManaged)
	}
	switch {
	case !r.is(rManaged):
		s.setNext(r, r.role, "unmanaged")
		s.finalizeAssignment(r, r.current(), true)
		if r.assigned != nil {
			// It stays whatever its scores are: to others only the node counts.
			r.assignedScore = r.assigned.score
		}
	case s.cfg.stopAll:
		s.finalizeAssignment(r, nil, true)
	default:
		s.chooseNode(r, prefer)
	}
	r.clear(rAssigning)
	if r.is(rConnection) {
		s.connectionAssigned(r)
	}
	return r.assigned
}

func (s *scheduler) applyThisWith(r *resource, c *colocation) {
	var archive []cand
	mark := r.explainMark()
	if c.dependentRole >= rolePromoted || c.score < 0 && c.score > -Infinity {
		archive = slices.Clone(r.allowed)
	}
	s.assign(c.primary, nil)
	s.applyColocation(r, c.primary, c, true)
	if archive != nil && !s.anyAvailable(r.allowed) {
		r.allowed = archive
		r.explainRewind(mark)
	}
}

func (s *scheduler) applyWithThis(r *resource, c *colocation) {
	if !c.influences(nil) {
		return
	}
	t := s.addColocated(c.dependent, r.allowed, c.attr, float64(c.score)/float64(Infinity), selectActive)
	s.replaceTable(r, t, "colocated", c.id)
}

func (s *scheduler) chooseNode(r *resource, prefer *node) {
	if roomiest := s.limitByCapacity(r); prefer == nil {
		prefer = roomiest
	}
	nodes := s.sortedNodes(r.allowed, r.current())
	var chosen *node
	if prefer != nil && len(nodes) > 0 {
		c := &r.allowed[prefer.idx]
		if c.present && c.w >= r.allowed[nodes[0].idx].w && available(prefer, c, true) {
			chosen = prefer
		}
	}
	if chosen == nil && len(nodes) > 0 {
		chosen = nodes[0]
		w := r.allowed[chosen.idx].w
		unique := r.parent.isClone() && r.is(rUnique)
		if !unique && w > 0 && chosen.canRun() {
			running := r.current()
			if running != nil && !running.canRun() {
				running = nil
			}
			if running != nil {
				for _, n := range nodes[1:] {
					if r.allowed[n.idx].w != w {
						break
					}
					if n == running {
						chosen = n
						break
					}
				}
			}
		}
	}
	s.finalizeAssignment(r, chosen, false)
}

// finalizeAssignment settles the node of a resource; force accepts a node that
// cannot run it.
func (s *scheduler) finalizeAssignment(r *resource, n *node, force bool) {
	for _, c := range r.children {
		s.finalizeAssignment(c, n, force)
	}
	if r.variant != primitiveVariant {
		r.clear(rProvisional)
		return
	}
	// The connection to a guest node may still come up.
	if !force && n != nil && (r.allowed[n.idx].w < 0 || !n.canRun() && !n.isGuest()) {
		s.setNext(r, roleStopped, "node availability")
		n = nil
	}
	s.unassign(r)
	r.clear(rProvisional)
	if n == nil {
		s.setNext(r, roleStopped, "unable to assign")
		for _, a := range r.actions {
			switch {
			case a.task == tStop:
				a.clear(aOptional)
			case a.task == tStart:
				a.clear(aRunnable)
			default:
				if a.interval != 0 && a.targetRC != rcNotRunning {
					a.clear(aRunnable)
				}
			}
		}
		return
	}
	r.assigned = n
	r.assignedScore = r.allowed[n.idx].w
	n.numResources++
	s.consume(r, n)
}

// unassign takes the node of a resource away.
func (s *scheduler) unassign(r *resource) {
	n := r.assigned
	r.set(rProvisional)
	if n == nil {
		return
	}
	r.assigned = nil
	n.numResources--
	release(r, n)
}

func (s *scheduler) assignGroup(r *resource, prefer *node) *node {
	if !r.is(rProvisional) {
		return r.assigned
	}
	if r.is(rAssigning) {
		return nil
	}
	r.set(rAssigning)
	r.role = r.children[0].role
	s.shareColocations(r)
	s.showScores(r, "pcmk__group_assign")
	var first *node
	for _, m := range r.children {
		if n := s.assign(m, prefer); first == nil {
			first = n
		}
	}
	s.setNext(r, r.children[0].next, "first group member")
	r.clear(rAssigning | rProvisional)
	if !r.collocated {
		return nil
	}
	r.assigned = first
	return first
}
