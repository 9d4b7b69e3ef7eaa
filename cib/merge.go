package cib

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// merge returns at with the attributes and children of from merged in: children
// are paired by tag and id, or by tag alone where from gives no id. It returns
// at itself if nothing changes.
func merge(at, from *Element) (*Element, error) {
	out := at
	for _, a := range from.Attrs {
		v, err := expandValue(at, a.Name, a.Value)
		if err != nil {
			return nil, err
		}
		out = out.WithAttr(a.Name, v)
	}
	if len(from.Children) == 0 {
		return out, nil
	}
	kids := slices.Clone(out.Children)
	// index finds a child by tag and id, and the first one by tag alone.
	index := make(map[[2]string]int, 2*len(kids))
	note := func(i int, c *Element) {
		for _, k := range [][2]string{{c.Name, c.ID()}, {c.Name, ""}} {
			if _, ok := index[k]; !ok {
				index[k] = i
			}
		}
	}
	for i, c := range kids {
		note(i, c)
	}
	changed := false
	for _, c := range from.Children {
		if !c.IsElement() {
			if !slices.ContainsFunc(kids, func(x *Element) bool { return Equal(x, c) }) {
				kids, changed = append(kids, c), true
			}
			continue
		}
		i, ok := index[[2]string{c.Name, c.ID()}]
		if !ok {
			fresh, err := expand(c)
			if err != nil {
				return nil, err
			}
			note(len(kids), fresh)
			kids, changed = append(kids, fresh), true
			continue
		}
		m, err := merge(kids[i], c)
		if err != nil {
			return nil, err
		}
		changed = changed || m != kids[i]
		kids[i] = m
	}
	if !changed {
		return out, nil
	}
	return out.WithChildren(kids...), nil
}

// expand returns a copy of a new element with name++ and name+=N resolved,
// where the old value counts as 0. It is a copy in depth, so that no element is
// in a document twice: edits find theirs by identity.
func expand(e *Element) (*Element, error) {
	out := *e
	out.Attrs = slices.Clone(e.Attrs)
	for i, a := range out.Attrs {
		v, err := expandValue(nil, a.Name, a.Value)
		if err != nil {
			return nil, err
		}
		out.Attrs[i].Value = v
	}
	out.Children = nil
	for _, c := range e.Children {
		n, err := expand(c)
		if err != nil {
			return nil, err
		}
		out.Children = append(out.Children, n)
	}
	return &out, nil
}

// expandValue resolves the values "name++" and "name+=N" of an attribute name
// against its present value; scores stop at INFINITY.
func expandValue(at *Element, name, value string) (string, error) {
	rest, ok := strings.CutPrefix(value, name)
	if !ok || rest != "++" && !strings.HasPrefix(rest, "+=") {
		return value, nil
	}
	old := 0
	if v := at.Get(name); v != "" {
		var err error
		if old, err = ParseScore(v); err != nil {
			return "", fmt.Errorf("%w: %s=%q cannot be counted up: %w", ErrBadData, name, value, err)
		}
	}
	add := 1
	if rest != "++" {
		var err error
		if add, err = ParseScore(rest[2:]); err != nil {
			return "", fmt.Errorf("%w: %s=%q: %w", ErrBadData, name, value, err)
		}
	}
	if at != nil && at.Name == "cib" {
		// Versions are plain numbers.
		n, err := strconv.Atoi(at.Get(name))
		if err != nil {
			n = 0
		}
		return strconv.Itoa(n + add), nil
	}
	sum := old + add
	if old == Infinity || add == Infinity || sum >= Infinity {
		return FormatScore(Infinity), nil
	}
	return FormatScore(max(sum, -Infinity)), nil
}
