package pengine

import (
	"regexp"
	"strings"

	"github.com/quorate/quorate/cib"
)

// location is a preference of one resource for nodes.
type location struct {
	id       string
	rsc      *resource
	role     role // roleUnknown: any
	discover discovery
	nodes    []nodeWeight
	// anyOf tells that a rule with boolean-op="or" made it.
	anyOf bool
}

type nodeWeight struct {
	n *node
	w Score
}

func (s *scheduler) unpackLocation(e *cib.Element) {
	if pattern, ok := e.Lookup("rsc-pattern"); ok {
		s.locationPattern(e, pattern)
		return
	}
	if sets, found := s.constraintSets(e); found {
		for _, set := range sets {
			role := orDefault(set.role, e.Get("role"))
			score := set.xml.Get("score")
			for _, r := range set.rscs {
				s.locate(e, r, role, score, nil)
			}
		}
		return
	}
	set, _ := s.simpleSet(e, e.Get("rsc"), e.Get("role"), "")
	if set == nil {
		return
	}
	for _, r := range set.rscs {
		s.locate(e, r, e.Get("role"), "", nil)
	}
}

func (s *scheduler) locationPattern(e *cib.Element, pattern string) {
	invert := strings.HasPrefix(pattern, "!")
	rx, err := regexp.CompilePOSIX(strings.TrimPrefix(pattern, "!"))
	if err != nil {
		s.errorf("location %s: the pattern %q cannot be read (%v): it is ignored", e.ID(), pattern, err)
		return
	}
	for _, r := range s.resources {
		m := rx.FindStringSubmatch(r.id)
		switch {
		case m != nil && !invert:
			s.locate(e, r, e.Get("role"), "", m)
		case m == nil && invert:
			s.locate(e, r, e.Get("role"), "", nil)
		}
	}
}

// locate applies a rsc_location to one resource.
func (s *scheduler) locate(e *cib.Element, r *resource, roleName, score string, matches []string) {
	if score == "" {
		score = e.Get("score")
	}
	discover := discoverAlways
	switch v := e.Get("resource-discovery"); strings.ToLower(v) {
	case "", "always":
	case "never":
		discover = discoverNever
	case "exclusive":
		discover = discoverExclusive
	default:
		s.errorf("location %s: resource-discovery has the unknown value %q", e.ID(), v)
	}
	if name := e.Get("node"); name != "" && score != "" {
		n := s.byName[name]
		if n == nil {
			return
		}
		r.exclusive(discover)
		l := &location{id: e.ID(), rsc: r, discover: discover, nodes: []nodeWeight{{n, parseScore(score)}}}
		if roleName != "" {
			switch parsed := parseRole(roleName); parsed {
			case roleUnknown:
				s.errorf("location %s has the unknown role %q", e.ID(), roleName)
			case roleStarted, roleUnpromoted:
			default:
				l.role = parsed
			}
		}
		s.addLocation(l)
		return
	}
	empty := true
	for _, c := range e.Children {
		if c.Name == "rule" {
			empty = false
			s.locateRule(e, c, r, discover, matches)
		}
	}
	if empty {
		s.errorf("location %s has neither a node with a score nor a rule: it is ignored", e.ID())
	}
}

// exclusive notes that a resource may be only where a location names it, even
// if the role differs or the rule is true of no node.
func (r *resource) exclusive(d discovery) {
	if d == discoverExclusive {
		r.set(rExclusiveDiscovery)
	}
}

func (s *scheduler) addLocation(l *location) {
	s.locations = append(s.locations, l)
	l.rsc.locations = append(l.rsc.locations, l)
}

func (s *scheduler) locateRule(e, rule *cib.Element, r *resource, discover discovery, matches []string) {
	rule = s.deref(rule)
	l := &location{id: rule.ID(), rsc: r, discover: discover, anyOf: rule.Get("boolean-op") == "or"}
	if v := rule.Get("role"); v != "" {
		l.role = parseRole(v)
		if l.role == roleUnknown {
			s.errorf("location %s: rule %s has the unknown role %q: it is ignored", e.ID(), rule.ID(), v)
			return
		}
		if l.role == roleUnpromoted {
			l.role = roleUnknown
		}
	}
	r.exclusive(discover)
	score, raw := rule.Lookup("score")
	attr := rule.Get("score-attribute")
	if !raw && attr == "" {
		attr = rule.Get("score-attribute-mangled")
	}
	fixed := parseScore(score)
	if len(matches) > 1 {
		attr = expandMatches(attr, matches)
	}
	or := strings.EqualFold(rule.Get("boolean-op"), "or")
	d := &ruleData{now: s.now, changes: &s.nextChange, hasNode: true, params: s.parameters(r, nil), meta: r.meta, matches: matches}
	for _, n := range s.nodes {
		d.node = n
		if !s.ruleTrue(rule, d) {
			continue
		}
		w := fixed
		if !raw {
			if v, ok := n.attrs[attr]; ok {
				w = parseScore(v)
			} else {
				w = -Infinity
			}
		}
		if or {
			w = addScores(n.score, w)
		}
		l.nodes = append(l.nodes, nodeWeight{n, w})
	}
	if len(l.nodes) > 0 {
		s.addLocation(l)
	}
}

// applyLocation adds the scores of a location to the resource and, as its
// kind demands, to its children.
func (s *scheduler) applyLocation(r *resource, l *location, zero bool) {
	if r.isBundle() {
		s.locateBundle(r, l, zero)
		return
	}
	s.applyLocationOne(r, l, zero)
	for _, c := range r.children {
		s.applyLocation(c, l, zero)
		if r.isGroup() && r.collocated {
			// The first member decides for a collocated group.
			zero = true
		}
	}
}

func (s *scheduler) applyLocationOne(r *resource, l *location, zero bool) {
	if l.role > roleUnknown && l.role != r.next {
		return
	}
	for _, nw := range l.nodes {
		c := &r.allowed[nw.n.idx]
		w := nw.w
		if zero {
			w = 0
		}
		c.present = true
		old := c.w
		c.w = addScores(old, w)
		s.note(r, nw.n, w, "location", l.id)
		if c.discover < l.discover {
			if l.discover == discoverExclusive {
				r.set(rExclusiveDiscovery)
			}
			c.discover = l.discover
		}
	}
}

// nodeCriteria applies what does not depend on other resources: locations,
// stickiness, failures, exclusive discovery.
func (s *scheduler) nodeCriteria() {
	s.applyLocks()
	for i := len(s.locations) - 1; i >= 0; i-- {
		s.applyLocation(s.locations[i].rsc, s.locations[i], false)
	}
	for _, r := range s.resources {
		s.applyStickiness(r)
	}
	for _, n := range s.nodes {
		for _, r := range s.resources {
			s.checkFailures(r, n)
			if r.is(rExclusiveDiscovery) || r.anyExclusive() {
				s.applyExclusive(r, n)
			}
		}
	}
}

func (r *resource) anyExclusive() bool {
	for _, c := range r.children {
		if c.is(rExclusiveDiscovery) || c.anyExclusive() {
			return true
		}
	}
	return false
}

func (s *scheduler) applyExclusive(r *resource, n *node) {
	if !r.is(rExclusiveDiscovery) && !r.top().is(rExclusiveDiscovery) {
		return
	}
	for _, c := range r.children {
		s.applyExclusive(c, n)
	}
	if c := &r.allowed[n.idx]; c.present && c.discover != discoverExclusive {
		s.setScore(r, n, -Infinity, "resource-discovery=exclusive elsewhere", "")
	}
}

func (s *scheduler) applyStickiness(r *resource) {
	if len(r.children) > 0 {
		for _, c := range r.children {
			s.applyStickiness(c)
		}
		return
	}
	if !r.is(rManaged) || r.stickiness < 1 || len(r.running) != 1 {
		return
	}
	n := r.running[0]
	if !s.cfg.symmetric && !r.allowed[n.idx].present {
		return
	}
	s.locationScore(r, n, r.stickiness, "stickiness")
}

func (s *scheduler) checkFailures(r *resource, n *node) {
	if n.failNames == 1 {
		return
	}
	if len(r.children) > 0 {
		for _, c := range r.children {
			s.checkFailures(c, n)
		}
		return
	}
	for _, a := range r.actions {
		if a.task == tClearFail && a.node == n {
			return
		}
	}
	if ban, ok := s.failLimit(r, n); ok {
		s.locationScore(ban, n, -Infinity, "migration-threshold")
	}
}
