package cib

import (
	"fmt"
	"slices"
	"strings"
)

// sectionPath maps the name of a section to where it is.
var sectionPath = map[string][]string{
	"cib":              {},
	"configuration":    {"configuration"},
	"crm_config":       {"configuration", "crm_config"},
	"nodes":            {"configuration", "nodes"},
	"resources":        {"configuration", "resources"},
	"constraints":      {"configuration", "constraints"},
	"rsc_defaults":     {"configuration", "rsc_defaults"},
	"op_defaults":      {"configuration", "op_defaults"},
	"acls":             {"configuration", "acls"},
	"fencing-topology": {"configuration", "fencing-topology"},
	"tags":             {"configuration", "tags"},
	"alerts":           {"configuration", "alerts"},
	"tickets":          {"status", "tickets"},
	"status":           {"status"},
}

// Sections returns the names that a scope may have, in a fixed order.
func Sections() []string {
	names := make([]string, 0, len(sectionPath))
	for n := range sectionPath {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Section returns a section of a document by its name ("" or "cib" is the
// whole), nil if the document has none, and an error wrapping ErrUsage for a
// name that no section has.
func Section(root *Element, scope string) (*Element, error) {
	if scope == "" {
		return root, nil
	}
	path, ok := sectionPath[scope]
	if !ok {
		return nil, fmt.Errorf("%w: no section is called %q; there are %s", ErrUsage, scope, strings.Join(Sections(), ", "))
	}
	return root.Path(path...), nil
}

// withSection makes sure that a section exists.
func withSection(root *Element, scope string) *Element {
	path := sectionPath[scope]
	if len(path) == 0 || root.Path(path...) != nil {
		return root
	}
	return withPath(root, path)
}

func withPath(e *Element, path []string) *Element {
	if len(path) == 0 {
		return e
	}
	c := e.First(path[0])
	if c == nil {
		return e.WithChild(withPath(New(path[0]), path[1:]))
	}
	return e.WithReplaced(c, withPath(c, path[1:]))
}

// pathTo returns the chain of elements from root to the target (by identity),
// both included, or nil.
func pathTo(root, target *Element) []*Element {
	if root == target {
		return []*Element{root}
	}
	for _, c := range root.Children {
		if !c.IsElement() {
			continue
		}
		if p := pathTo(c, target); p != nil {
			return append([]*Element{root}, p...)
		}
	}
	return nil
}

// substitute returns root with the target replaced; nil removes it. The root
// itself can be replaced but not removed.
func substitute(root, target, by *Element) *Element {
	chain := pathTo(root, target)
	for i := len(chain) - 2; i >= 0; i-- {
		by = chain[i].WithReplaced(chain[i+1], by)
	}
	if chain == nil || by == nil {
		return root
	}
	return by
}

// findObject returns the first element at or below e with the tag and, if it
// is not empty, the id of the pattern.
func findObject(e, pattern *Element) *Element {
	var found *Element
	id := pattern.ID()
	e.Walk(func(x *Element) bool {
		if x.Name == pattern.Name && (id == "" || x.ID() == id) {
			found = x
		}
		return found == nil
	})
	return found
}

// describe names an element in an error.
func describe(e *Element) string {
	if id := e.ID(); id != "" {
		return fmt.Sprintf("<%s id=%q>", e.Name, id)
	}
	return "<" + e.Name + ">"
}
