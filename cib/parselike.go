package cib

import "slices"

// opened is what the reader notes of an element that it has begun, in order to
// share it with the document that it is like.
type opened struct {
	// twin is the element in the other document, or nil.
	twin *Element
	// attrs and element are where the slabs stood before this one.
	attrs, element int
	// shift is how many places further the twins of the next children stand.
	shift int
}

// twin returns the element of the other document that stands where the one is
// which begins here, or one place beside it, and has its tag and id.
func (p *parser) twin(name string, attrs []Attr) *Element {
	if p.like == nil {
		return nil
	}
	if len(p.stack) == 0 {
		return p.like
	}
	id := (&Element{Attrs: attrs}).ID()
	return p.beside(func(c *Element) bool { return c.Name == name && c.ID() == id })
}

// beside looks for the twin of the next child of the innermost open element.
func (p *parser) beside(is func(*Element) bool) *Element {
	last := len(p.stack) - 1
	o := &p.opened[last]
	if o.twin == nil {
		return nil
	}
	return counterpart(o.twin.Children, len(p.kids)-p.marks[last], &o.shift, is)
}

// share puts the twin in the place of an element that is complete and equal to
// it, and takes back what was made for it; it reports whether it did.
func (p *parser) share(e *Element, o opened, kids []*Element) bool {
	if o.twin == nil || o.twin.Name != e.Name || !slices.Equal(o.twin.Attrs, e.Attrs) || !slices.Equal(o.twin.Children, kids) {
		return false
	}
	if at := len(p.kids) - len(kids) - 1; at >= 0 {
		p.kids[at] = o.twin
	} else {
		p.root = o.twin
	}
	if len(e.Attrs) > 0 && o.attrs < len(p.attrs) && &p.attrs[o.attrs] == &e.Attrs[0] {
		p.attrs = p.attrs[:o.attrs]
	}
	p.takeBack(e, o.element)
	return true
}

// takeBack frees the place of an element in the slab, and of those after it.
func (p *parser) takeBack(e *Element, at int) {
	if at >= 0 && at < len(p.elements) && &p.elements[at] == e {
		p.elements = p.elements[:at]
	}
}

// leaf adds a child that is no element.
func (p *parser) leaf(name, text string, line int) {
	if p.like != nil {
		if c := p.beside(func(c *Element) bool { return c.Name == name && c.Text == text }); c != nil {
			p.kids = append(p.kids, c)
			return
		}
	}
	e := p.element()
	e.Name, e.Text, e.Line = name, text, line
	p.kids = append(p.kids, e)
}
