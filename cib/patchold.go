package cib

import "fmt"

// marker is the attribute by which format 1 tells an element that comes or
// goes from one that is there for its attributes only.
const marker = "__crm_diff_marker__"

// applyOldPatch applies a patch of format 1, the only one of Heartbeat 2: a
// tree of what is removed and one of what is added. It knows no order.
func applyOldPatch(root, diff *Element) (*Element, error) {
	out := root
	removed, added := diff.First("diff-removed"), diff.First("diff-added")
	if removed == nil && added == nil {
		return nil, fmt.Errorf("%w: a <diff> without format is expected to hold <diff-removed> or <diff-added>", ErrBadData)
	}
	if v, ok := oldVersion(removed); ok {
		switch have := VersionOf(root); have.Compare(v) {
		case 1:
			return nil, fmt.Errorf("%w: the patch starts from version %v, and the document has %v", ErrOld, v, have)
		case -1:
			return nil, fmt.Errorf("%w: it starts from version %v, and the document has %v only", ErrPatch, v, have)
		}
	}
	if r := removed.First(root.Name); r != nil {
		less, err := subtract(out, r, "/"+root.Name)
		if err != nil {
			return nil, err
		}
		out = less
	}
	if a := added.First(root.Name); a != nil {
		out = addOld(out, a)
	}
	if v, ok := oldVersion(added); ok {
		out = WithVersion(out, v)
	}
	return out, nil
}

// oldVersion returns the version that one half of a patch names.
func oldVersion(half *Element) (Version, bool) {
	_, ok := half.Lookup("epoch")
	return VersionOf(half), ok
}

// subtract takes the attributes and marked children of r from e. Attributes
// are removed by their name: what replaces them is in the other half.
func subtract(e, r *Element, path string) (*Element, error) {
	for _, a := range r.Attrs {
		if a.Name == "id" || a.Name == marker {
			continue
		}
		if v, ok := e.Lookup(a.Name); ok && v != a.Value && !isVersionAttr(a.Name) {
			return nil, fmt.Errorf("%w: %s has %s=%q, and the patch removes %q", ErrPatch, path, a.Name, v, a.Value)
		}
	}
	out := e
	for _, c := range r.Children {
		if !c.IsElement() {
			continue
		}
		at := findChild(out, c)
		p := path + "/" + describe(c)
		if at == nil {
			return nil, fmt.Errorf("%w: %s is not there", ErrPatch, p)
		}
		if c.Get(marker) != "" {
			out = out.WithReplaced(at, nil)
			continue
		}
		less, err := subtract(at, c, p)
		if err != nil {
			return nil, err
		}
		out = out.WithReplaced(at, less)
	}
	for _, a := range r.Attrs {
		if a.Name != "id" && a.Name != marker && !isVersionAttr(a.Name) {
			out = out.WithoutAttr(a.Name)
		}
	}
	return out, nil
}

// addOld merges what comes into e.
func addOld(e, a *Element) *Element {
	out := e
	for _, at := range a.Attrs {
		if at.Name != marker {
			out = out.WithAttr(at.Name, at.Value)
		}
	}
	for _, c := range a.Children {
		if !c.IsElement() {
			continue
		}
		if at := findChild(out, c); at != nil {
			out = out.WithReplaced(at, addOld(at, c))
		} else {
			out = out.WithChild(unmarked(c))
		}
	}
	return out
}

// unmarked returns a copy without the markers.
func unmarked(e *Element) *Element {
	c := e.WithoutAttr(marker)
	kids := make([]*Element, len(c.Children))
	for i, k := range c.Children {
		kids[i] = unmarked(k)
	}
	return c.WithChildren(kids...)
}

// findChild returns the child of the same tag and id.
func findChild(e, like *Element) *Element {
	for _, c := range e.Children {
		if c.Name == like.Name && c.ID() == like.ID() {
			return c
		}
	}
	return nil
}
