package grammar

import (
	"slices"
	"strings"
)

// strayAttribute says why the i-th attribute of a node may not be there.
func (c *checker) strayAttribute(n Node, d *definition, i int) {
	m, content := c.schema.make, c.schema.content(d)
	name, value := n.Attribute(i)
	var own []*pattern
	for _, a := range everywhere(content, attribute, nil) {
		if a.name == name {
			own = append(own, a)
		}
	}
	if len(own) == 0 {
		c.fault(n, "%s has the attribute %s, which is not known there%s", c.place(n), name, c.since(d, func(p *pattern) bool { return p.kind == attribute && p.name == name }))
		return
	}
	for k := range i {
		other, with := n.Attribute(k)
		s := m.attribute(content, other)
		var met []*pattern
		for _, a := range s.cands {
			if ok, _, _ := a.values.match(with); ok {
				met = append(met, a)
			}
		}
		if len(met) == 0 || len(find(m.after(content, met), attribute, name, nil)) > 0 {
			continue
		}
		if len(find(m.after(content, s.cands), attribute, name, nil)) > 0 { // it depends on the value
			if name == "provider" {
				c.fault(n, "%s has class %s and a provider, which only class ocf has", c.place(n), with)
			} else {
				c.fault(n, "%s has %s=%q and %s=%q, which do not go together", c.place(n), other, with, name, value)
			}
			return
		}
		c.fault(n, "%s has both %s and %s, and may have one of them only", c.place(n), other, name)
		return
	}
	c.fault(n, "%s has the attribute %s, which does not go with its other attributes", c.place(n), name)
}

// badValue says what the value of an attribute should be.
func (c *checker) badValue(n Node, name, given string, cands []*pattern) {
	var alts []value
	for _, a := range cands {
		alts = append(alts, a.values.alts...)
	}
	for _, v := range alts {
		if slices.Contains(v.except, collapse(given)) {
			c.fault(n, "%s has %s=%q, which %s does not allow", c.place(n), name, given, Prefix+c.schema.Version)
			return
		}
	}
	c.fault(n, "%s has %s=%q, where %s is expected", c.place(n), name, given, expected(alts))
}

// expected describes what a value may be.
func expected(alts []value) string {
	var literals []string
	typ, score := "", false
	for _, v := range alts {
		switch {
		case v.literal == "INFINITY":
			score = true
		case v.literal != "":
			if !slices.Contains(literals, v.literal) {
				literals = append(literals, v.literal)
			}
		default:
			typ = v.typ
		}
	}
	switch {
	case score:
		return "a score (an integer, INFINITY or -INFINITY)"
	case len(literals) == 1 && typ == "":
		return literals[0]
	case len(literals) > 0 && slices.Contains(literals, "Started") && slices.Contains(literals, "Master"):
		return "a role (" + strings.Join(literals, ", ") + ")"
	case len(literals) > 0:
		return "one of " + strings.Join(literals, ", ")
	}
	switch typ {
	case "ID":
		return "an id (a letter or _ first, then letters, digits and . _ -)"
	case "IDREF":
		return "the id of something (a letter or _ first, then letters, digits and . _ -)"
	case "integer":
		return "a whole number"
	case "nonNegativeInteger":
		return "a whole number, not below 0,"
	case "positiveInteger":
		return "a whole number above 0"
	case "boolean":
		return "true or false"
	}
	for _, v := range alts {
		if v.list {
			return "a list of ids with commas between them and no blanks"
		}
	}
	return "a number or a range such as 1-5"
}

// missingAttributes says what must be added before the children.
func (c *checker) missingAttributes(n Node, open *pattern) {
	m := c.schema.make
	sets := completions(open, attribute, m, func(p *pattern) bool { return m.close(p).kind != notAllowed })
	for _, k := range completions(open, attribute, m, func(p *pattern) bool { return m.close(p).nullable }) {
		if !covered(sets, k) {
			sets = append(sets, k)
		}
	}
	c.missing(n, sets, false)
}

// missingChildren says which children a node must have, or which attributes
// would do instead.
func (c *checker) missingChildren(n Node, open, left *pattern) {
	m := c.schema.make
	sets := completions(open, attribute, m, func(p *pattern) bool {
		p = m.close(p)
		for i := range n.Kids() {
			if k := n.Kid(i); k != nil && k.Tag() != "" {
				p = m.next(p, m.child(p, k.Tag()), 1)
			}
		}
		return p.nullable
	})
	for _, set := range completions(left, element, m, func(p *pattern) bool { return p.nullable }) {
		for i := range set {
			set[i] = "<" + set[i] + ">"
		}
		sets = append(sets, set)
	}
	bare := true
	for i := range n.Kids() {
		bare = bare && n.Kid(i) == nil
	}
	c.missing(n, sets, bare)
}

// missing says that one of several sets of attributes or children is needed.
func (c *checker) missing(n Node, sets [][]string, bare bool) {
	texts := make([]string, len(sets))
	for i, s := range sets {
		slices.Sort(s)
		texts[i] = join(s, ", ", " and ")
	}
	switch {
	case len(sets) == 0:
		c.fault(n, "%s is not complete", c.place(n))
	case len(sets) == 1 && len(sets[0]) == 1:
		c.fault(n, "%s has no %s, which it must have", c.place(n), texts[0])
	case len(sets) == 1:
		c.fault(n, "%s needs %s", c.place(n), texts[0])
	case bare && len(sets) > 2:
		c.fault(n, "%s is empty: it needs one of %s", c.place(n), strings.Join(texts, ", "))
	default:
		c.fault(n, "%s needs %s", c.place(n), join(texts, ", ", ", or "))
	}
}

func join(words []string, sep, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], sep) + last + words[len(words)-1]
}

// completions returns the smallest sets of names, of at most four, that make p
// done. None contains another.
func completions(p *pattern, k kind, m *maker, done func(*pattern) bool) [][]string {
	type state struct {
		p    *pattern
		have []string
	}
	var out [][]string
	level := []state{{p, nil}}
	for depth := 0; depth < 4 && len(level) < 200; depth++ {
		var next []state
		for _, s := range level {
			for _, a := range find(s.p, k, "", nil) {
				have := append(slices.Clone(s.have), a.name)
				if covered(out, have) {
					continue
				}
				switch q := m.after(s.p, []*pattern{a}); {
				case q.kind == notAllowed:
				case done(q):
					out = append(out, have)
				case len(s.have) == 0 || slices.Index(s.have, a.name) < 0:
					next = append(next, state{q, have})
				}
			}
		}
		level = next
	}
	return out
}

// covered reports whether all names of one of the sets are among have.
func covered(sets [][]string, have []string) bool {
	return slices.ContainsFunc(sets, func(s []string) bool {
		return !slices.ContainsFunc(s, func(n string) bool { return !slices.Contains(have, n) })
	})
}

// strayChild says why the i-th child of a node may not be there, and returns
// the element it seems to be, if it is known.
func (c *checker) strayChild(n Node, d *definition, i int) *pattern {
	m, content := c.schema.make, c.schema.content(d)
	k := n.Kid(i)
	var own *pattern
	for _, e := range everywhere(content, element, nil) {
		if e.name == k.Tag() {
			own = e
		}
	}
	owner := c.owner
	for j := range k.Attributes() {
		if name, value := k.Attribute(j); name == "id" && value != "" {
			owner = value
		}
	}
	fault := func(format string, args ...any) { c.faultAt(k, owner, c.seen+1, format, args...) }
	if own == nil {
		fault("<%s> is not known in <%s>%s", k.Tag(), n.Tag(), c.since(d, func(p *pattern) bool { return p.kind == element && p.name == k.Tag() }))
		return nil
	}
	for j := range i {
		if b := n.Kid(j); b != nil && b.Tag() == k.Tag() {
			fault("%s has a second <%s>, and may have one only", c.place(n), k.Tag())
			return own
		}
	}
	closed := m.forgive(content)
	for j := range i {
		b := n.Kid(j)
		if b == nil || b.Tag() == "" {
			continue
		}
		s := m.child(closed, b.Tag())
		if len(s.cands) == 0 || len(everywhereNamed(m.next(closed, s, 1), k.Tag())) > 0 {
			continue
		}
		if o := m.child(closed, k.Tag()); len(o.cands) > 0 && len(everywhereNamed(m.next(closed, o, 1), b.Tag())) > 0 {
			fault("<%s> must stand before <%s> in %s", k.Tag(), b.Tag(), c.place(n))
		} else {
			fault("%s has both <%s> and <%s>, and may have one of them only", c.place(n), b.Tag(), k.Tag())
		}
		return own
	}
	for j := range n.Attributes() {
		name, _ := n.Attribute(j)
		s := m.attribute(content, name)
		if len(s.cands) > 0 && len(everywhereNamed(m.forgive(m.after(content, s.cands)), k.Tag())) == 0 {
			fault("%s has both %s and <%s>, and may have one of them only", c.place(n), name, k.Tag())
			return own
		}
	}
	fault("<%s> may not be there in %s", k.Tag(), c.place(n))
	return own
}

func everywhereNamed(p *pattern, name string) []*pattern {
	return slices.DeleteFunc(everywhere(p, element, nil), func(e *pattern) bool { return e.name != name })
}

// since tells in which versions something is known in an element, or "".
func (c *checker) since(d *definition, is func(*pattern) bool) string {
	var known []string
	for _, v := range Versions {
		if v == c.schema.Version {
			continue
		}
		s := Load(Prefix + v)
		for _, o := range s.elements[d.body.name] {
			p := o.content // made when the schema was
			if slices.ContainsFunc(append(everywhere(p, attribute, nil), everywhere(p, element, nil)...), is) {
				known = append(known, v)
				break
			}
		}
	}
	if len(known) == 0 {
		return ""
	}
	at, first := slices.Index(Versions, c.schema.Version), slices.Index(Versions, known[0])
	if first > at {
		return " (" + Prefix + known[0] + " and later know it)"
	}
	return " (" + Prefix + known[len(known)-1] + " was the last to know it)"
}
