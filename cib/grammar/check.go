package grammar

import (
	"fmt"
	"sort"
	"strings"
)

// Node is an element of a document as [Schema.Check] sees it. Comments and
// processing instructions are no nodes; text is one without a name.
type Node interface {
	// Tag is the name of the element, "" for text.
	Tag() string
	// Attributes is their number.
	Attributes() int
	// Attribute returns the name and the value of the i-th.
	Attribute(i int) (name, value string)
	// Kids is the number of child nodes and of what is none.
	Kids() int
	// Kid returns the i-th, nil for what is no node.
	Kid(i int) Node
	// Position is the line in the source, 0 if it is not known.
	Position() int
}

// Fault is one thing which a schema does not allow.
type Fault struct {
	// Node is where, Owner the id of the next element around it that has one,
	// or its own.
	Node  Node
	Owner string
	// Sentence says what is wrong, without the line.
	Sentence string
	order    int
}

// IDs maps each id of a document to its element, the first if several have it.
type IDs map[string]Node

// Check returns what is wrong in a document, in document order, and the ids
// in it. It goes on after a fault, so that one mistake hides no other, and
// notes at most limit faults (0 for no limit).
func (s *Schema) Check(root Node, limit int) ([]Fault, IDs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &checker{schema: s, limit: limit, ids: IDs{}}
	if root.Tag() != s.start.name {
		c.fault(root, "the root element must be <%s>, not <%s>", s.start.name, root.Tag())
		return c.faults, c.ids
	}
	c.element(root, s.start.def)
	c.references()
	sort.SliceStable(c.faults, func(i, j int) bool { return c.faults[i].order < c.faults[j].order })
	return c.faults, c.ids
}

type checker struct {
	schema *Schema
	faults []Fault
	limit  int
	ids    IDs
	refs   []reference
	// owner is the id of the innermost element that has one, seen counts elements.
	owner string
	seen  int
	// at is the number of the element that is being checked.
	at int
}

// reference is an attribute that names an id, which may come later.
type reference struct {
	node              Node
	name, value, with string
	owner             string
	order             int
}

func (c *checker) fault(n Node, format string, args ...any) {
	c.faultAt(n, c.owner, c.at, format, args...)
}

func (c *checker) faultAt(n Node, owner string, order int, format string, args ...any) {
	if c.limit == 0 || len(c.faults) < c.limit {
		c.faults = append(c.faults, Fault{n, owner, fmt.Sprintf(format, args...), order})
	}
}

// element checks one element against its definition.
func (c *checker) element(n Node, d *definition) {
	c.seen++
	outer, before := c.owner, c.at
	c.at = c.seen
	p := c.schema.content(d)
	if p.kind == anything {
		c.at = before
		return
	}
	for i := range n.Attributes() {
		if name, value := n.Attribute(i); name == "id" && value != "" {
			c.owner = value
		}
	}
	p = c.attributes(n, d, p)
	open := p
	if p = c.schema.make.close(open); p.kind == notAllowed {
		c.missingAttributes(n, open)
		p = c.schema.make.forgive(open)
	}
	complete := c.children(n, d, p)
	if complete.kind != notAllowed && !complete.nullable {
		c.missingChildren(n, open, complete)
	}
	c.owner, c.at = outer, before
}

// attributes returns what may follow after the attributes of a node.
func (c *checker) attributes(n Node, d *definition, p *pattern) *pattern {
	m := c.schema.make
	for i := range n.Attributes() {
		name, value := n.Attribute(i)
		if name == "xmlns" || strings.HasPrefix(name, "xmlns:") {
			if name == "xmlns" && value != "" {
				c.fault(n, "%s is in the namespace %q, and the elements of a CIB are in none", c.place(n), value)
			}
			continue
		}
		s := m.attribute(p, name)
		if len(s.cands) == 0 {
			c.strayAttribute(n, d, i)
			continue
		}
		matched := uint64(0)
		for k, a := range s.cands {
			ok, id, ref := a.values.match(value)
			if !ok {
				continue
			}
			matched |= 1 << k
			if id {
				c.id(n, name, collapse(value))
			} else if ref {
				c.refs = append(c.refs, reference{n, name, collapse(value), value, c.owner, c.at})
			}
		}
		if matched == 0 {
			c.badValue(n, name, value, s.cands)
			matched = 1<<len(s.cands) - 1
		}
		p = m.next(p, s, matched)
	}
	return p
}

// children returns what would have to follow after the children of a node.
func (c *checker) children(n Node, d *definition, p *pattern) *pattern {
	m := c.schema.make
	for i := range n.Kids() {
		k := n.Kid(i)
		if k == nil {
			continue
		}
		name := k.Tag()
		if name == "" {
			c.fault(k, "there is text in %s, where only elements may be", c.place(n))
			continue
		}
		s := m.child(p, name)
		if len(s.cands) == 0 {
			if e := c.strayChild(n, d, i); e != nil {
				c.element(k, e.def)
			}
			continue
		}
		c.element(k, s.cands[0].def)
		p = m.next(p, s, 1)
	}
	return p
}

func (c *checker) id(n Node, name, value string) {
	if first := c.ids[value]; first != nil {
		at := ""
		if l := first.Position(); l > 0 {
			at = fmt.Sprintf(" in line %d", l)
		}
		c.fault(n, "%s uses an id that <%s>%s has already", c.place(n), first.Tag(), at)
		return
	}
	c.ids[value] = n
}

// references checks them when all ids are known.
func (c *checker) references() {
	for _, r := range c.refs {
		if c.ids[r.value] == nil {
			what := "something"
			if resourceReference[r.name] {
				what = "a resource"
			}
			c.faultAt(r.node, r.owner, r.order, "%s refers with %s=%q to %s that does not exist", describe(r.node, r.owner), r.name, r.with, what)
		}
	}
}

// resourceReference are attributes which name resources.
var resourceReference = map[string]bool{"rsc": true, "with-rsc": true, "first": true, "then": true, "template": true}

// place names a node in a sentence.
func (c *checker) place(n Node) string { return describe(n, c.owner) }

func describe(n Node, owner string) string {
	for i := range n.Attributes() {
		if name, value := n.Attribute(i); name == "id" && value != "" {
			return fmt.Sprintf("<%s id=%q>", n.Tag(), value)
		}
	}
	for i := range n.Attributes() {
		if name, value := n.Attribute(i); name == "name" && value != "" && owner != "" {
			return fmt.Sprintf("<%s name=%q> in %s", n.Tag(), value, owner)
		}
	}
	if owner != "" {
		return "<" + n.Tag() + "> in " + owner
	}
	return "<" + n.Tag() + ">"
}

// attribute and child return the remembered step of a name; next where it leads.
func (m *maker) attribute(p *pattern, name string) *step { return m.step(&p.atts, p, attribute, name) }
func (m *maker) child(p *pattern, name string) *step     { return m.step(&p.kids, p, element, name) }

// maxNames bounds the steps remembered for names that are not in the tables.
const maxNames = 64

func (m *maker) step(steps *map[string]*step, p *pattern, k kind, name string) *step {
	if s := (*steps)[name]; s != nil {
		return s
	}
	s := &step{cands: find(p, k, name, nil)}
	if *steps == nil {
		*steps = map[string]*step{}
	}
	if len(s.cands) > 0 || len(*steps) < maxNames {
		(*steps)[strings.Clone(name)] = s
	}
	return s
}

func (m *maker) next(p *pattern, s *step, matched uint64) *pattern {
	if q := s.next[matched]; q != nil {
		return q
	}
	var met []*pattern
	for i, a := range s.cands {
		if matched&(1<<i) != 0 {
			met = append(met, a)
		}
	}
	q := m.after(p, met)
	if s.next == nil {
		s.next = map[uint64]*pattern{}
	}
	s.next[matched] = q
	return q
}

// forgive is p as if all attributes which must still come had come.
func (m *maker) forgive(p *pattern) *pattern {
	switch p.kind {
	case attribute:
		return m.void
	case choice:
		return m.choice(m.forgive(p.a), m.forgive(p.b))
	case group, interleave:
		return m.pair(p.kind, m.forgive(p.a), m.forgive(p.b))
	case oneOrMore:
		return m.oneOrMore(m.forgive(p.a))
	}
	return p
}
