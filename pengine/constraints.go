package pengine

import (
	"strings"

	"github.com/quorate/quorate/cib"
)

// unpackConstraints reads the constraints section.
func (s *scheduler) unpackConstraints() {
	section := s.root.Path("configuration", "constraints")
	if section == nil {
		return
	}
	d := &ruleData{now: s.now, changes: &s.nextChange}
	for _, e := range section.Children {
		if !e.IsElement() {
			continue
		}
		if e.ID() == "" {
			s.errorf("line %d: a %s without id is ignored", e.Line, e.Name)
			continue
		}
		if life := e.First("lifetime"); life != nil {
			if !s.rulesPass(life, d) {
				continue
			}
		}
		switch e.Name {
		case "rsc_location":
			s.unpackLocation(e)
		case "rsc_colocation":
			s.unpackColocation(e)
		case "rsc_order":
			s.unpackOrder(e)
		case "rsc_ticket":
			s.unpackTicket(e)
		default:
			s.errorf("constraint %s has the unknown kind %s and is ignored", e.ID(), e.Name)
		}
	}
}

// findConstrained returns the resource that a constraint names. An instance
// stands for its clone; what a clone copies can be named only by the name that
// the history of a node has for an instance.
func (s *scheduler) findConstrained(id string) *resource {
	r := s.rscByID[id]
	if r == nil {
		if r = s.byHistory(id); r == nil {
			return nil
		}
	}
	if top := r.top(); top.isClone() {
		return top
	}
	return r
}

// byHistory returns the first resource that the history of a node calls so.
func (s *scheduler) byHistory(id string) *resource {
	if s.rscByHistory == nil {
		s.rscByHistory = map[string]*resource{}
		for _, x := range s.all {
			if x.lrmID != "" && s.rscByHistory[x.lrmID] == nil {
				s.rscByHistory[x.lrmID] = x
			}
		}
	}
	return s.rscByHistory[id]
}

// unknownName says why a constraint finds nothing under a name: format gets args,
// the name and the reason. A name that means something, only not here, is no
// error.
func (s *scheduler) unknownName(format, id string, args ...any) {
	why := "does not exist"
	if r := s.rscByID[id+":0"]; r != nil && r.top().isClone() {
		why = "is inside " + r.top().id + " and not found by that name before it ran: name " + r.top().id
	}
	s.errorf(format, append(args, id, why)...)
}

// members expands a template or tag into the resources that it stands for; ok
// is false when the name means nothing.
func (s *scheduler) members(id string) (ids []string, group, ok bool) {
	if r := s.findConstrained(id); r != nil {
		return []string{id}, false, true
	}
	if u, is := s.templUse[id]; is {
		return u, true, true
	}
	if t, is := s.tags[id]; is {
		return t, true, true
	}
	return nil, false, false
}

// rscSet is a resource_set in use.
type rscSet struct {
	xml        *cib.Element
	id         string
	rscs       []*resource
	sequential bool
	// chained tells that only the ends of the set are ordered with other sets:
	// sequential is written, not merely the default.
	chained    bool
	role       string
	action     string
	requireAll bool
}

func (s *scheduler) readSet(constraint, e *cib.Element) *rscSet {
	e = s.deref(e)
	set := &rscSet{xml: e, id: e.ID(), sequential: true, requireAll: true, role: e.Get("role"), action: e.Get("action")}
	if v, ok := parseBool(e.Get("sequential")); ok {
		set.sequential, set.chained = v, v
	}
	if v, ok := parseBool(e.Get("require-all")); ok {
		set.requireAll = v
	}
	for _, ref := range e.All("resource_ref") {
		id := ref.ID()
		ids, _, ok := s.members(id)
		if !ok {
			s.unknownName("constraint %s: resource set %s names %s, which %s", id, constraint.ID(), set.id)
			return nil
		}
		for _, m := range ids {
			if r := s.findConstrained(m); r != nil {
				set.rscs = append(set.rscs, r)
			}
		}
	}
	return set
}

// simpleSet makes a set of what a plain reference names: one resource, or the
// unordered members of a template or tag.
func (s *scheduler) simpleSet(constraint *cib.Element, id, role, action string) (set *rscSet, plain bool) {
	ids, group, ok := s.members(id)
	if !ok {
		s.unknownName("constraint %s names %s, which %s: it is ignored", id, constraint.ID())
		return nil, false
	}
	set = &rscSet{id: id, sequential: !group, requireAll: true, role: role, action: action}
	for _, m := range ids {
		if r := s.findConstrained(m); r != nil {
			set.rscs = append(set.rscs, r)
		}
	}
	return set, !group
}

func (s *scheduler) constraintSets(e *cib.Element) ([]*rscSet, bool) {
	var sets []*rscSet
	found := false
	for _, c := range e.Children {
		if c.Name != "resource_set" {
			continue
		}
		found = true
		set := s.readSet(e, c)
		if set == nil {
			return nil, true
		}
		sets = append(sets, set)
	}
	return sets, found
}

func orDefault(v, def string) string {
	if v == "" {
		return def
	}
	return v
}

// colocation keeps one resource with (or away from) another.
type colocation struct {
	id                         string
	attr                       string
	score                      Score
	dependent, primary         *resource
	dependentRole, primaryRole role
	influence                  bool
}

// influences reports whether the dependent's preferences count for r, one of
// the primary's resources (nil: the primary itself).
func (c *colocation) influences(r *resource) bool {
	if r == nil {
		r = c.primary
	}
	if c.dependent.is(rAllowRemotes) && !c.primary.is(rFailed) && len(c.primary.running) == 1 {
		// A container that runs well does not move for the connection into it.
		return false
	}
	return c.influence || len(r.running) == 0
}

func colocRole(v string) role {
	if v == "" || strings.EqualFold(v, "started") {
		return roleUnknown
	}
	return parseRole(v)
}

func (s *scheduler) newColocation(id, attr string, score Score, dep, with *resource, depRole, withRole string, influence bool) {
	if score == 0 || dep == nil || with == nil {
		return
	}
	if dep == with {
		s.errorf("colocation %s of resource %s with itself is ignored", id, dep.id)
		return
	}
	c := &colocation{id: id, attr: orDefault(attr, "#uname"), score: score, dependent: dep, primary: with,
		dependentRole: colocRole(depRole), primaryRole: colocRole(withRole), influence: influence}
	dep.thisWith = append(dep.thisWith, c)
	with.withThis = append(with.withThis, c)
	s.colocations = append(s.colocations, c)
	if score <= -Infinity {
		s.antiOrder(dep, c.dependentRole, with, c.primaryRole)
		s.antiOrder(with, c.primaryRole, dep, c.dependentRole)
	}
}

// antiOrder lets first leave its role before then gains the role that excludes
// it.
func (s *scheduler) antiOrder(first *resource, firstRole role, then *resource, thenRole role) {
	ft, tt := []string{tStop}, []string{tStart}
	switch firstRole {
	case rolePromoted:
		ft = []string{tDemote}
	case roleUnpromoted:
		ft = append(ft, tPromote)
	}
	switch thenRole {
	case rolePromoted:
		tt = []string{tPromote}
	case roleUnpromoted:
		tt = append(tt, tDemote)
	}
	for _, f := range ft {
		for _, t := range tt {
			s.orderTasks(first, f, then, t, oAntiColocation)
		}
	}
}

func (s *scheduler) influence(e *cib.Element, dep *resource) bool {
	if v, ok := e.Lookup("influence"); ok {
		if b, ok := parseBool(v); ok {
			return b
		}
		s.errorf("colocation %s: influence has the value %q, which is not a boolean", e.ID(), v)
	}
	return dep.is(rCritical)
}

func (s *scheduler) unpackColocation(e *cib.Element) {
	score := Infinity
	if v, ok := e.Lookup("score"); ok {
		score = parseScore(v)
	}
	if sets, found := s.constraintSets(e); found {
		for i, set := range sets {
			s.colocateSet(e, set, score)
			if i > 0 {
				s.colocateSets(e, sets[i-1], set, score)
			}
		}
		return
	}
	if v := e.Get("score"); v == "" && !hasAttr(e, "score") {
		score = 0
	}
	dep, plain1 := s.simpleSet(e, e.Get("rsc"), e.Get("rsc-role"), "")
	with, plain2 := s.simpleSet(e, e.Get("with-rsc"), e.Get("with-rsc-role"), "")
	if dep == nil || with == nil {
		return
	}
	if plain1 && plain2 {
		s.newColocation(e.ID(), e.Get("node-attribute"), score, dep.rscs[0], with.rscs[0], dep.role, with.role,
			s.influence(e, dep.rscs[0]))
		return
	}
	s.colocateSets(e, dep, with, score)
}

func hasAttr(e *cib.Element, name string) bool {
	_, ok := e.Lookup(name)
	return ok
}

func (s *scheduler) colocateSet(e *cib.Element, set *rscSet, score Score) {
	if v, ok := set.xml.Lookup("score"); ok {
		score = parseScore(v)
	}
	if score == 0 || !set.sequential {
		return
	}
	switch {
	case score > 0:
		listed := set.xml.Get("ordering") != "" && !strings.EqualFold(set.xml.Get("ordering"), "group")
		var last *resource
		for _, r := range set.rscs {
			if last != nil {
				dep, with := r, last
				if listed {
					dep, with = last, r
				}
				s.newColocation(set.id, "", score, dep, with, set.role, set.role, s.influence(e, dep))
			}
			last = r
		}
	default:
		for i, r := range set.rscs {
			for _, w := range set.rscs[:i] {
				s.newColocation(set.id, "", score, r, w, set.role, set.role, s.influence(e, r))
			}
		}
	}
}

func (s *scheduler) colocateSets(e *cib.Element, a, b *rscSet, score Score) {
	from, to := a.rscs, b.rscs
	if len(from) == 0 || len(to) == 0 {
		return
	}
	if a.sequential {
		from = from[:1]
	}
	if b.sequential {
		to = to[len(to)-1:]
	}
	for _, x := range from {
		for _, y := range to {
			s.newColocation(e.ID(), e.Get("node-attribute"), score, x, y, a.role, b.role, s.influence(e, x))
		}
	}
}
