package cib

import (
	"fmt"
	"slices"
	"strconv"
)

// apply makes the edit without touching versions.
func (op *Op) apply(root *Element) (*Element, error) {
	switch op.Verb {
	case VerbErase:
		return op.erase(root), nil
	case VerbBump:
		// The caller raises the epoch.
		return root.WithAttr("num_updates", strconv.Itoa(VersionOf(root).NumUpdates+1)), nil
	case VerbUpgrade:
		out, _, err := Upgrade(root)
		if err == nil {
			out, _, err = UpgradeSchema(out)
		}
		return out, err
	case VerbPatch:
		return ApplyPatch(root, op.XML)
	case VerbCreate, VerbModify, VerbReplace, VerbDelete:
	default:
		return nil, fmt.Errorf("%w: there is no command %q", ErrUsage, op.Verb)
	}
	if op.XML == nil && (op.Verb != VerbDelete || op.XPath == "") {
		return nil, fmt.Errorf("%w: %s needs an XML element", ErrUsage, op.Verb)
	}
	if op.XPath != "" {
		return op.applyAt(root)
	}
	section, err := Section(root, op.Scope)
	if err != nil {
		return nil, err
	}
	if section == nil && op.Verb != VerbDelete {
		root = withSection(root, op.Scope)
		section, _ = Section(root, op.Scope)
	}
	switch op.Verb {
	case VerbCreate:
		return op.create(root, section)
	case VerbModify:
		return op.modify(root, section)
	case VerbReplace:
		return op.replace(root, section)
	}
	return op.remove(root, section)
}

// remove takes out the first match. An element with the section's own name
// stands for its children: each of them is taken out, and the section stays.
func (op *Op) remove(root, section *Element) (*Element, error) {
	if section == nil {
		return root, nil
	}
	if op.Scope == "" || op.XML.Name != section.Name {
		if x := findMatch(section, op.XML); x != nil {
			return removeElement(root, x)
		}
		return root, nil
	}
	left := section
	for _, c := range op.XML.Children {
		if x := findMatch(left, c); x != nil && c.IsElement() {
			left = substitute(left, x, nil)
		}
	}
	return substitute(root, section, left), nil
}

// applyAt edits what an XPath selects.
func (op *Op) applyAt(root *Element) (*Element, error) {
	found, err := Find(root, op.XPath)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if op.Verb == VerbDelete {
			return root, nil
		}
		return nil, fmt.Errorf("%w: nothing matches %s", ErrNoSuchObject, op.XPath)
	}
	at := found[0]
	switch op.Verb {
	case VerbDelete:
		if !op.All {
			found = found[:1]
		}
		return removeAll(root, found)
	case VerbReplace:
		return op.put(root, at)
	case VerbModify:
		if op.XML.Name != at.Name {
			return nil, fmt.Errorf("%w: %s selects <%s>, and <%s> cannot be merged into it", ErrUsage, op.XPath, at.Name, op.XML.Name)
		}
		m, err := merge(at, op.XML)
		if err != nil {
			return nil, err
		}
		return substitute(root, at, m), nil
	}
	n, err := addChild(at, op.XML)
	if err != nil {
		return nil, err
	}
	return substitute(root, at, n), nil
}

// create adds op.XML to the section. An element with the section's own name,
// and without a scope that of any section, stands for its children.
func (op *Op) create(root, section *Element) (*Element, error) {
	path, isSection := sectionPath[op.XML.Name]
	switch {
	case isSection && section == root:
		root = withSection(root, op.XML.Name)
		section = root.Path(path...)
		fallthrough
	case op.XML.Name == section.Name:
		n, err := createIn(section, op.XML)
		if err != nil {
			return nil, err
		}
		return substitute(root, section, n), nil
	case section == root, section.Name == "configuration" && !isSection:
		return nil, fmt.Errorf("%w: %s can be created in a section only, for instance with -o %s", ErrNoSuchObject, describe(op.XML), homeOf(op.XML.Name))
	case isSection && section.First(op.XML.Name) != nil:
		return nil, fmt.Errorf("%w: <%s> in <%s>", ErrExists, op.XML.Name, section.Name)
	}
	n, err := addChild(section, op.XML)
	if err != nil {
		return nil, err
	}
	return substitute(root, section, n), nil
}

// homeOf names the section in which an element is at home.
func homeOf(name string) string {
	switch name {
	case "rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket":
		return "constraints"
	case "cluster_property_set", "nvpair":
		return "crm_config"
	case "node":
		return "nodes"
	case "node_state":
		return "status"
	case "meta_attributes":
		return "rsc_defaults"
	}
	return "resources"
}

// createIn adds the children of from to the element of the same kind.
func createIn(at, from *Element) (*Element, error) {
	for _, a := range from.Attrs {
		at = at.WithAttr(a.Name, a.Value)
	}
	if len(from.Children) > 16 {
		return createMany(at, from)
	}
	for _, c := range from.Children {
		var err error
		if sub := at.First(c.Name); c.IsElement() && sectionPath[c.Name] != nil && sub != nil {
			var n *Element
			if n, err = createIn(sub, c); err == nil {
				at = at.WithReplaced(sub, n)
			}
		} else {
			at, err = addChild(at, c)
		}
		if err != nil {
			return nil, err
		}
	}
	return at, nil
}

// createMany does the same for many children, in time in proportion to them.
func createMany(at, from *Element) (*Element, error) {
	have := make(map[[2]string]bool, len(at.Children)+len(from.Children))
	for _, c := range at.Children {
		have[[2]string{c.Name, c.ID()}] = true
	}
	kids := slices.Clone(at.Children)
	for _, c := range from.Children {
		k := [2]string{c.Name, c.ID()}
		if k[1] != "" && have[k] {
			return nil, fmt.Errorf("%w: %s in <%s>", ErrExists, describe(c), at.Name)
		}
		have[k] = true
		clean, err := expand(c)
		if err != nil {
			return nil, err
		}
		kids = append(kids, clean)
	}
	return at.WithChildren(kids...), nil
}

func addChild(at, child *Element) (*Element, error) {
	if id := child.ID(); id != "" {
		for _, c := range at.Children {
			if c.Name == child.Name && c.ID() == id {
				return nil, fmt.Errorf("%w: %s in <%s>", ErrExists, describe(child), at.Name)
			}
		}
	}
	clean, err := expand(child)
	if err != nil {
		return nil, err
	}
	return at.WithChild(clean), nil
}

func (op *Op) modify(root, section *Element) (*Element, error) {
	at := findObject(section, op.XML)
	if at == nil {
		if !op.AllowCreate {
			return nil, fmt.Errorf("%w: %s is not in %s", ErrNoSuchObject, describe(op.XML), scopeName(op.Scope))
		}
		return op.create(root, section)
	}
	m, err := merge(at, op.XML)
	if err != nil {
		return nil, err
	}
	return substitute(root, at, m), nil
}

func scopeName(scope string) string {
	if scope == "" || scope == "cib" {
		return "the document"
	}
	return "section " + scope
}

func (op *Op) replace(root, section *Element) (*Element, error) {
	if op.XML.Name == "cib" && section != root {
		// As with a file of a whole document and a scope: the part counts.
		part, err := Section(op.XML, op.Scope)
		if err != nil || part == nil {
			return nil, fmt.Errorf("%w: the given document has no section %s", ErrNoSuchObject, op.Scope)
		}
		return substitute(root, section, part), nil
	}
	at := findObject(section, op.XML)
	if at == nil {
		if path := sectionPath[op.XML.Name]; len(path) > 0 && (section == root || section.Name == path[0]) {
			// A section that may be missing.
			root = withSection(root, op.XML.Name)
			return substitute(root, root.Path(path...), op.XML), nil
		}
		return nil, fmt.Errorf("%w: %s is not in %s, so it cannot be replaced", ErrNoSuchObject, describe(op.XML), scopeName(op.Scope))
	}
	return op.put(root, at)
}

// put replaces the element at by op.XML.
func (op *Op) put(root, at *Element) (*Element, error) {
	by := op.XML
	if at == root {
		if by.Name != "cib" {
			return nil, fmt.Errorf("%w: the root must be <cib>, not <%s>", ErrUsage, by.Name)
		}
		old, fresh := root.First("status"), by.First("status")
		switch {
		case fresh == nil && old != nil:
			by = by.WithChild(old)
		case op.KeepStatus && old != nil:
			by = by.WithReplaced(fresh, old)
		}
		if _, ok := by.Lookup("validate-with"); !ok {
			by = by.WithAttr("validate-with", root.Get("validate-with"))
		}
	}
	return substitute(root, at, by), nil
}

func (op *Op) erase(root *Element) *Element {
	out := Empty(root.Get("validate-with"))
	if v := root.Get("crm_feature_set"); v != "" {
		out = out.WithAttr("crm_feature_set", v)
	}
	if s := root.First("status"); op.KeepStatus && s != nil {
		out = out.WithReplaced(out.First("status"), s)
	}
	v := VersionOf(root)
	return WithVersion(out, Version{v.AdminEpoch + 1, v.Epoch, v.NumUpdates})
}

// findMatch returns the first element at or below e with the tag and all
// attributes of the pattern.
func findMatch(e, pattern *Element) *Element {
	var found *Element
	e.Walk(func(x *Element) bool {
		if x.Name == pattern.Name && !slices.ContainsFunc(pattern.Attrs, func(a Attr) bool {
			v, ok := x.Lookup(a.Name)
			return !ok || v != a.Value
		}) {
			found = x
		}
		return found == nil
	})
	return found
}

// removeElement takes one element out; the status section is emptied instead.
func removeElement(root, x *Element) (*Element, error) {
	switch x {
	case root:
		return nil, fmt.Errorf("%w: the whole document cannot be deleted, only erased", ErrUsage)
	case root.First("status"):
		return substitute(root, x, New(x.Name)), nil
	}
	return substitute(root, x, nil), nil
}

// removeAll takes out all given elements in one pass.
func removeAll(root *Element, found []*Element) (*Element, error) {
	if len(found) == 1 {
		return removeElement(root, found[0])
	}
	gone := make(map[*Element]bool, len(found))
	for _, x := range found {
		if path, ok := sectionPath[x.Name]; ok && len(path) < 2 {
			return nil, fmt.Errorf("%w: <%s> cannot be deleted together with others", ErrUsage, x.Name)
		}
		gone[x] = true
	}
	return without(root, gone), nil
}

func without(e *Element, gone map[*Element]bool) *Element {
	same := true
	kids := make([]*Element, 0, len(e.Children))
	for _, c := range e.Children {
		if gone[c] {
			same = false
			continue
		}
		n := without(c, gone)
		same = same && n == c
		kids = append(kids, n)
	}
	if same {
		return e
	}
	return e.WithChildren(kids...)
}
