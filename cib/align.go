package cib

import "slices"

// align returns b with every subtree that is equal to the one of a in its place,
// or one place beside it, replaced by that one; a itself if nothing differs. It
// looks at each element once.
func align(a, b *Element) *Element {
	if a == b {
		return a
	}
	same := a.Name == b.Name && a.Text == b.Text && len(a.Children) == len(b.Children) && slices.Equal(a.Attrs, b.Attrs)
	var kids []*Element // those of the result, once they are not those of a
	shift := 0
	for i, c := range b.Children {
		twin := counterpart(a.Children, i, &shift, func(t *Element) bool { return t.Name == c.Name && t.Text == c.Text && t.ID() == c.ID() })
		n := c
		if twin != nil {
			n = align(twin, c)
		}
		if kids == nil && (!same || n != a.Children[i]) {
			same = false
			kids = slices.Clone(b.Children)
			copy(kids[:i], a.Children)
		}
		if kids != nil {
			kids[i] = n
		}
	}
	switch {
	case same:
		return a
	case kids == nil:
		return b
	}
	return b.WithChildren(kids...)
}

// counterpart returns the one of a list that stands in the place of child i of
// another, or one place beside it, and is what it ought to be, or nil. The shift
// is how many places further those of the children before stood.
func counterpart(list []*Element, i int, shift *int, is func(*Element) bool) *Element {
	for _, d := range [...]int{0, 1, -1} {
		if at := i + *shift + d; at >= 0 && at < len(list) && is(list[at]) {
			*shift += d
			return list[at]
		}
	}
	return nil
}
