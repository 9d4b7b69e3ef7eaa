package cib

import "strings"

// Names of the pseudo-elements that keep what is not an element, so that a
// document survives a round trip.
const (
	// CommentName is the Name of an Element that holds a comment in Text.
	CommentName = "#comment"
	// TextName is the Name of an Element that holds character data in Text.
	// White space between elements is not kept.
	TextName = "#text"
	// InstructionName is the Name of an Element that holds a processing
	// instruction, target and data, in Text.
	InstructionName = "#pi"
)

// Attr is one attribute of an Element, in document order.
type Attr struct {
	Name  string
	Value string
}

// Element is one immutable node of a CIB document.
//
// Warning: immutable data. Never write to an Element, its Attrs or its
// Children after anybody else may hold it; use the With functions, which copy.
type Element struct {
	// Name is the tag, or CommentName or TextName.
	Name string
	// Attrs are in document order; names are unique.
	Attrs []Attr
	// Children holds elements, comments and text in document order.
	Children []*Element
	// Text is set for comments, text and processing instructions only.
	Text string
	// Line is the 1-based line of the start tag in the source, 0 when the
	// element was made by the program.
	Line int
}

// New returns an element with attributes given as name, value pairs.
func New(name string, nameValue ...string) *Element {
	e := &Element{Name: name}
	if n := len(nameValue) / 2; n > 0 {
		e.Attrs = make([]Attr, n)
		for i := range e.Attrs {
			e.Attrs[i] = Attr{nameValue[2*i], nameValue[2*i+1]}
		}
	}
	return e
}

// Lookup returns the value of an attribute and whether it is present.
func (e *Element) Lookup(name string) (string, bool) {
	if e != nil {
		for i := range e.Attrs {
			if e.Attrs[i].Name == name {
				return e.Attrs[i].Value, true
			}
		}
	}
	return "", false
}

// Get returns the value of an attribute, or "" when it is absent.
func (e *Element) Get(name string) string {
	v, _ := e.Lookup(name)
	return v
}

// ID returns the value of the attribute "id".
func (e *Element) ID() string { return e.Get("id") }

// IsElement reports whether e is an element, not a comment or text.
func (e *Element) IsElement() bool { return !strings.HasPrefix(e.Name, "#") }

// First returns the first child with the given name, or nil.
func (e *Element) First(name string) *Element {
	if e != nil {
		for _, c := range e.Children {
			if c.Name == name {
				return c
			}
		}
	}
	return nil
}

// Path walks First for each name in turn, or returns nil.
func (e *Element) Path(names ...string) *Element {
	for _, n := range names {
		if e = e.First(n); e == nil {
			return nil
		}
	}
	return e
}

// All returns the children with the given name.
func (e *Element) All(name string) []*Element {
	var out []*Element
	if e != nil {
		for _, c := range e.Children {
			if c.Name == name {
				out = append(out, c)
			}
		}
	}
	return out
}

// Walk calls f for e and every element below it in document order until f
// returns false; it reports whether it came to the end.
func (e *Element) Walk(f func(*Element) bool) bool {
	if e == nil {
		return true
	}
	if !f(e) {
		return false
	}
	for _, c := range e.Children {
		if c.IsElement() && !c.Walk(f) {
			return false
		}
	}
	return true
}

// WithAttr returns a copy of e with the attribute set; the position of an
// existing attribute is kept.
func (e *Element) WithAttr(name, value string) *Element {
	c := *e
	for i := range e.Attrs {
		if e.Attrs[i].Name == name {
			if e.Attrs[i].Value == value {
				return e
			}
			c.Attrs = append([]Attr(nil), e.Attrs...)
			c.Attrs[i].Value = value
			return &c
		}
	}
	c.Attrs = append(e.Attrs[:len(e.Attrs):len(e.Attrs)], Attr{name, value})
	return &c
}

// WithoutAttr returns a copy of e without the attribute.
func (e *Element) WithoutAttr(name string) *Element {
	for i := range e.Attrs {
		if e.Attrs[i].Name == name {
			c := *e
			c.Attrs = append(append([]Attr(nil), e.Attrs[:i]...), e.Attrs[i+1:]...)
			return &c
		}
	}
	return e
}

// WithChildren returns a copy of e with the given children.
func (e *Element) WithChildren(children ...*Element) *Element {
	c := *e
	c.Children = children
	return &c
}

// WithChild returns a copy of e with child appended.
func (e *Element) WithChild(child *Element) *Element {
	c := *e
	c.Children = append(e.Children[:len(e.Children):len(e.Children)], child)
	return &c
}

// WithReplaced returns a copy of e in which the child old (by identity) is
// replaced by the given one; nil removes it. Without old in e, e is returned.
func (e *Element) WithReplaced(old, by *Element) *Element {
	for i, c := range e.Children {
		if c != old {
			continue
		}
		n := *e
		n.Children = append([]*Element(nil), e.Children[:i]...)
		if by != nil {
			n.Children = append(n.Children, by)
		}
		n.Children = append(n.Children, e.Children[i+1:]...)
		return &n
	}
	return e
}
