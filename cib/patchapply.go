package cib

import (
	"fmt"
	"strconv"
	"strings"
)

// ApplyPatch returns the document that a patch of MakePatch, of crm_diff or
// cibadmin (format 2), or of Heartbeat 2 (format 1, or none said) makes of root.
// Changes are made one after the other. Where one finds nothing to work on, the
// error wraps ErrPatch and names the change, and ErrOld where the patch starts
// from a version that is passed; nothing is done by half. What is to be deleted
// may be gone already.
//
// With <version> in it the result has the version that the patch leads to.
func ApplyPatch(root, diff *Element) (*Element, error) {
	if root == nil {
		return nil, ErrNoDocument
	}
	if diff == nil || diff.Name != patchTag {
		return nil, fmt.Errorf("%w: %s is no patch: <diff> is expected", ErrBadData, rootName(diff))
	}
	switch f := diff.Get("format"); f {
	case "2":
	case "", "1":
		return applyOldPatch(root, diff)
	default:
		return nil, fmt.Errorf("%w: the patch has format %q; 1 and 2 are known", ErrUsage, f)
	}
	version := diff.First("version")
	if s := version.First("source"); s != nil {
		have, want := VersionOf(root), VersionOf(s)
		if c := have.Compare(want); c > 0 {
			return nil, fmt.Errorf("%w: the patch starts from version %v, and the document has %v", ErrOld, want, have)
		} else if c < 0 {
			return nil, fmt.Errorf("%w: it starts from version %v, and the document has %v only", ErrPatch, want, have)
		}
	}
	out := root
	n := 0
	for _, c := range diff.Children {
		if c.Name != changeTag {
			continue
		}
		n++
		next, err := applyChange(out, c)
		if err != nil {
			return nil, fmt.Errorf("%w: change %d (%s %s): %w", ErrPatch, n, c.Get("operation"), c.Get(attrPath), err)
		}
		out = next
	}
	if t := version.First("target"); t != nil && VersionOf(out) != VersionOf(t) {
		out = WithVersion(out, VersionOf(t))
	}
	if d := diff.Get("digest"); d != "" && d != VersionedDigest(out) {
		return nil, fmt.Errorf("%w: the result has another digest than %s", ErrPatch, d)
	}
	return out, nil
}

// applyChange makes one change.
func applyChange(root, c *Element) (*Element, error) {
	op := c.Get("operation")
	place := -1
	if v, ok := c.Lookup(attrPlace); ok {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("the position %q is no number from 0 up", v)
		}
		place = n
	}
	trail, err := resolve(root, c.Get(attrPath), place)
	if err != nil {
		return nil, err
	}
	at := trail[len(trail)-1]
	var by *Element
	switch op {
	case opDelete:
		if at == nil {
			return root, nil
		}
		if len(trail) == 1 {
			return nil, fmt.Errorf("the root element cannot be deleted")
		}
	case opCreate:
		if at == nil {
			return nil, fmt.Errorf("there is no such element")
		}
		if len(c.Children) != 1 {
			return nil, fmt.Errorf("one new element is expected, and %d are given", len(c.Children))
		}
		by = inserted(at, c.Children[0], place)
	case opModify:
		if at == nil {
			return nil, fmt.Errorf("there is no such element")
		}
		if by, err = modified(at, c); err != nil {
			return nil, err
		}
	case opMove:
		if at == nil {
			return nil, fmt.Errorf("there is no such element")
		}
		if len(trail) == 1 || place < 0 {
			return nil, fmt.Errorf("a move needs a position and an element that is not the root")
		}
		parent := trail[len(trail)-2]
		by = inserted(parent.WithReplaced(at, nil), at, place)
		trail = trail[:len(trail)-1]
	default:
		return nil, fmt.Errorf("there is no operation %q", op)
	}
	// Rebuild the way to the root.
	for i := len(trail) - 2; i >= 0; i-- {
		by = trail[i].WithReplaced(trail[i+1], by)
	}
	return by, nil
}

// inserted returns parent with the child at a place; beyond the end means at
// the end, and below 0 at the beginning.
func inserted(parent, child *Element, place int) *Element {
	place = min(max(place, 0), len(parent.Children))
	kids := make([]*Element, 0, len(parent.Children)+1)
	kids = append(append(append(kids, parent.Children[:place]...), child), parent.Children[place:]...)
	return parent.WithChildren(kids...)
}

// modified returns the element with the attributes of the change: those of its
// result, or where it has none, the single steps.
func modified(at, c *Element) (*Element, error) {
	if res := c.First("change-result"); res != nil && len(res.Children) == 1 {
		r := res.Children[0]
		if r.Name != at.Name {
			return nil, fmt.Errorf("<%s> cannot become <%s>", at.Name, r.Name)
		}
		m := *at
		m.Attrs = r.Attrs
		return &m, nil
	}
	for _, s := range c.First("change-list").All("change-attr") {
		switch name := s.Get("name"); s.Get("operation") {
		case "set":
			at = at.WithAttr(name, s.Get("value"))
		case "unset":
			at = at.WithoutAttr(name)
		default:
			return nil, fmt.Errorf("an attribute can be set or unset, not %q", s.Get("operation"))
		}
	}
	return at, nil
}

// resolve follows a path of a patch from the root and returns the elements on
// its way; the last one is nil when nothing is there. A comment is named by its
// place.
func resolve(root *Element, path string, place int) ([]*Element, error) {
	steps, err := splitPath(path)
	if err != nil {
		return nil, err
	}
	if steps[0].name != root.Name {
		return nil, fmt.Errorf("the document is a <%s>", root.Name)
	}
	trail := []*Element{root}
	for i, s := range steps[1:] {
		at := trail[len(trail)-1]
		var next *Element
		if last := i == len(steps)-2; s.name == commentStep && !s.hasID && last && place >= 0 {
			if place < len(at.Children) && at.Children[place].Name == CommentName {
				next = at.Children[place]
			}
		} else {
			for _, c := range at.Children {
				if c.Name == s.name && (!s.hasID || c.ID() == s.id) {
					next = c
					break
				}
			}
		}
		trail = append(trail, next)
		if next == nil && i < len(steps)-2 {
			// Nothing below nothing.
			return []*Element{root, nil}, nil
		}
	}
	return trail, nil
}

type pathStep struct {
	name, id string
	hasID    bool
}

// splitPath reads /name[@id='value']/… as MakePatch writes it.
func splitPath(path string) ([]pathStep, error) {
	bad := func() ([]pathStep, error) {
		return nil, fmt.Errorf("the path %q is not of the form /cib/name[@id='value']", path)
	}
	var steps []pathStep
	for rest := path; rest != ""; {
		if rest[0] != '/' {
			return bad()
		}
		rest = rest[1:]
		end := strings.IndexAny(rest, "/[")
		if end < 0 {
			end = len(rest)
		}
		s := pathStep{name: rest[:end]}
		rest = rest[end:]
		if s.name == "" {
			return bad()
		}
		if inner, ok := strings.CutPrefix(rest, "[@id="); ok {
			if inner == "" || inner[0] != '\'' && inner[0] != '"' {
				return bad()
			}
			end := strings.Index(inner[1:], inner[:1]+"]")
			if end < 0 {
				return bad()
			}
			s.id, s.hasID, rest = inner[1:1+end], true, inner[end+3:]
		} else if strings.HasPrefix(rest, "[") {
			return bad()
		}
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return bad()
	}
	return steps, nil
}
