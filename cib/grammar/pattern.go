package grammar

// kind says what a pattern is made of.
type kind uint8

const (
	notAllowed kind = iota
	empty
	choice     // a | b
	group      // a, b
	interleave // a & b
	oneOrMore  // a+
	element
	attribute
	anything // whatever elements, attributes and text: the status section
)

// pattern is one node of a schema. Patterns are unique: equal ones are the same
// pointer, so that derivatives can be remembered in them.
type pattern struct {
	kind kind
	a, b *pattern
	// name of an element or attribute.
	name string
	// values are those of an attribute.
	values *values
	// def is the definition whose body is the content of an element.
	def *definition
	// nullable: nothing more has to come.
	nullable bool
	id       int

	// What is remembered: steps by name, and the pattern without attributes.
	atts, kids map[string]*step
	closed     *pattern
}

// step is what an attribute or child of one name leads to.
type step struct {
	// cands are the attributes or elements of that name which may come.
	cands []*pattern
	// next by the set of candidates that matched, as bits.
	next map[uint64]*pattern
}

// definition is an element of the tables with its content.
type definition struct {
	name string // of the definition, not of the element
	body node   // its source
	// content is made on first use.
	content *pattern
}

// patternKey makes patterns unique.
type patternKey struct {
	kind kind
	a, b int
	name string
	v    *values
	d    *definition
}

// maker makes the patterns of one schema.
type maker struct {
	all        map[patternKey]*pattern
	none, void *pattern
}

func newMaker() *maker {
	m := &maker{all: map[patternKey]*pattern{}}
	m.none = m.intern(pattern{kind: notAllowed})
	m.void = m.intern(pattern{kind: empty, nullable: true})
	return m
}

func (m *maker) intern(p pattern) *pattern {
	k := patternKey{kind: p.kind, name: p.name, v: p.values, d: p.def, a: -1, b: -1}
	if p.a != nil {
		k.a = p.a.id
	}
	if p.b != nil {
		k.b = p.b.id
	}
	if q := m.all[k]; q != nil {
		return q
	}
	p.id = len(m.all)
	m.all[k] = &p
	return &p
}

func (m *maker) choice(a, b *pattern) *pattern {
	switch {
	case a == b, b.kind == notAllowed:
		return a
	case a.kind == notAllowed:
		return b
	case a.kind == empty && b.nullable:
		return b
	case b.kind == empty && a.nullable:
		return a
	}
	// A choice of choices is one list in a fixed order without repetition, so
	// that the number of patterns stays small.
	if a.kind == choice {
		return m.choice(a.a, m.choice(a.b, b))
	}
	if has(b, a) {
		return b
	}
	if b.kind == choice && b.a.id < a.id {
		return m.intern(pattern{kind: choice, a: b.a, b: m.choice(a, b.b), nullable: a.nullable || b.nullable})
	}
	if b.kind != choice && b.id < a.id {
		a, b = b, a
	}
	return m.intern(pattern{kind: choice, a: a, b: b, nullable: a.nullable || b.nullable})
}

// has reports whether the list of choices p holds q.
func has(p, q *pattern) bool {
	for ; p.kind == choice; p = p.b {
		if p.a == q {
			return true
		}
	}
	return p == q
}

func (m *maker) pair(k kind, a, b *pattern) *pattern {
	switch {
	case a.kind == notAllowed, b.kind == empty:
		return a
	case b.kind == notAllowed, a.kind == empty:
		return b
	}
	if k == interleave && b.id < a.id {
		a, b = b, a
	}
	return m.intern(pattern{kind: k, a: a, b: b, nullable: a.nullable && b.nullable})
}

func (m *maker) oneOrMore(a *pattern) *pattern {
	switch a.kind {
	case notAllowed, empty, oneOrMore:
		return a
	}
	return m.intern(pattern{kind: oneOrMore, a: a, nullable: a.nullable})
}

func (m *maker) optional(a *pattern) *pattern { return m.choice(a, m.void) }

// find collects the attributes or elements of a name (any for "") which may come in p,
// each once.
func find(p *pattern, k kind, name string, out []*pattern) []*pattern {
	switch p.kind {
	case k:
		if name != "" && p.name != name {
			return out
		}
		for _, q := range out {
			if q == p {
				return out
			}
		}
		return append(out, p)
	case choice, interleave:
		return find(p.b, k, name, find(p.a, k, name, out))
	case group:
		out = find(p.a, k, name, out)
		// A child may be the second of a group only when the first need not come.
		if k == attribute || p.a.nullable {
			out = find(p.b, k, name, out)
		}
	case oneOrMore:
		return find(p.a, k, name, out)
	}
	return out
}

// everywhere collects like find, without regard to the order of children.
func everywhere(p *pattern, k kind, out []*pattern) []*pattern {
	switch p.kind {
	case k:
		for _, q := range out {
			if q == p {
				return out
			}
		}
		return append(out, p)
	case choice, interleave, group:
		return everywhere(p.b, k, everywhere(p.a, k, out))
	case oneOrMore:
		return everywhere(p.a, k, out)
	}
	return out
}

// after is what may follow in p when the attributes or elements of the list have
// been met, any of them: the derivative.
func (m *maker) after(p *pattern, met []*pattern) *pattern {
	switch p.kind {
	case element, attribute:
		for _, q := range met {
			if q == p {
				return m.void
			}
		}
		return m.none
	case choice:
		return m.choice(m.after(p.a, met), m.after(p.b, met))
	case interleave:
		return m.choice(m.pair(interleave, m.after(p.a, met), p.b), m.pair(interleave, p.a, m.after(p.b, met)))
	case group:
		d := m.pair(group, m.after(p.a, met), p.b)
		switch {
		case len(met) > 0 && met[0].kind == attribute: // attributes have no order
			d = m.choice(d, m.pair(group, p.a, m.after(p.b, met)))
		case p.a.nullable:
			d = m.choice(d, m.after(p.b, met))
		}
		return d
	case oneOrMore:
		return m.pair(group, m.after(p.a, met), m.optional(p))
	}
	return m.none
}

// close is p when no further attribute comes.
func (m *maker) close(p *pattern) *pattern {
	if p.closed != nil {
		return p.closed
	}
	d := p
	switch p.kind {
	case attribute:
		d = m.none
	case choice:
		d = m.choice(m.close(p.a), m.close(p.b))
	case group, interleave:
		d = m.pair(p.kind, m.close(p.a), m.close(p.b))
	case oneOrMore:
		d = m.oneOrMore(m.close(p.a))
	}
	p.closed = d
	return d
}
