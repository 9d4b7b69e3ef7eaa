package cib

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quorate/quorate/cib/grammar"
)

// Severity tells how bad a Problem is.
type Severity int

const (
	// Warning: the document can be used, but something in it has no effect or
	// not the intended one.
	Warning Severity = iota
	// Error: the schema does not allow it.
	Error
)

// String returns "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Problem is something wrong in a document.
type Problem struct {
	// Line is that of the element, 0 if it did not come from a text.
	Line int
	// ID is that of the element, or of the next one around that has one.
	ID       string
	Sentence string
	Severity Severity
}

// String returns "line N: sentence", or the sentence alone without a line.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.Sentence
	}
	return fmt.Sprintf("line %d: %s", p.Line, p.Sentence)
}

// key identifies the same problem in another version of the document.
func (p Problem) key() string { return p.ID + "\x00" + p.Sentence }

// Check returns what is wrong in a document of today's dialect, in document
// order: what the schema that it names does not allow ([grammar.Schema.Check]),
// references to what is no resource, and options whose values cannot be read.
// The status section is not checked.
//
// With validate-with="none" the newest schema counts and errors become
// warnings, since the administrator wants no check.
func Check(root *Element) []Problem {
	if root == nil || root.Name != "cib" {
		name := "nothing"
		if root != nil {
			name = "<" + root.Name + ">"
		}
		return []Problem{{Sentence: "the root element must be <cib>, not " + name, Severity: Error}}
	}
	if IsHeartbeat2(root) {
		return []Problem{{root.Line, "", "the document is in the dialect of Heartbeat 2: upgrade it first", Error}}
	}
	c := &checker{}
	schema := SchemaOf(root)
	if schema == nil {
		c.add(root, "", Error, "validate-with=%q names no schema that is known: one from %s1.0 to %s, or none, is expected",
			root.Get("validate-with"), grammar.Prefix, grammar.Newest)
		schema = grammar.Load(grammar.Newest)
	}
	relaxed := Error
	if root.Get("validate-with") == NoSchema {
		relaxed = Warning
	}
	faults, ids := schema.Check((*node)(root), 0)
	for _, f := range faults {
		c.problems = append(c.problems, Problem{f.Node.Position(), f.Owner, f.Sentence, relaxed})
	}
	c.ids = ids
	c.meaning(root)
	// Stable: what the schema forbids comes before what has no effect.
	slices.SortStableFunc(c.problems, func(a, b Problem) int { return a.Line - b.Line })
	return c.problems
}

// NoSchema is the value of validate-with that turns the checks off.
const NoSchema = "none"

// SchemaOf returns the schema that a document names in validate-with: the newest
// for NoSchema and for "pacemaker-next", nil if the name is not known.
func SchemaOf(root *Element) *grammar.Schema {
	switch with := root.Get("validate-with"); with {
	case NoSchema, "pacemaker-next":
		return grammar.Load(grammar.Newest)
	default:
		return grammar.Load(with)
	}
}

// node is an Element as the grammar sees it.
type node Element

func (n *node) Tag() string {
	if n.Name == TextName {
		return ""
	}
	return n.Name
}
func (n *node) Attributes() int                      { return len(n.Attrs) }
func (n *node) Attribute(i int) (name, value string) { return n.Attrs[i].Name, n.Attrs[i].Value }
func (n *node) Kids() int                            { return len(n.Children) }
func (n *node) Position() int                        { return n.Line }

func (n *node) Kid(i int) grammar.Node {
	c := n.Children[i]
	if !c.IsElement() && c.Name != TextName {
		return nil
	}
	return (*node)(c)
}

// checker finds what the schema allows and what is a mistake all the same.
type checker struct {
	problems []Problem
	// ids maps every id of the configuration to its first element.
	ids grammar.IDs
}

func (c *checker) add(e *Element, owner string, s Severity, format string, args ...any) {
	id := e.ID()
	if id == "" {
		id = owner
	}
	c.problems = append(c.problems, Problem{e.Line, id, fmt.Sprintf(format, args...), s})
}

// place names an element in a sentence.
func place(e *Element, owner string) string {
	if e.ID() == "" && owner != "" {
		return "<" + e.Name + "> in " + owner
	}
	return describe(e)
}

// meaning warns of what has no effect.
func (c *checker) meaning(root *Element) {
	root.First("configuration").Walk(func(e *Element) bool {
		switch e.Name {
		case "cluster_property_set", "meta_attributes":
			for _, nv := range e.All("nvpair") {
				c.option(nv, e.ID())
			}
		case "op":
			for _, name := range []string{"interval", "timeout", "start-delay"} {
				c.time(e, name)
			}
		case "rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket":
			for _, name := range []string{"rsc", "with-rsc", "first", "then"} {
				c.resource(e, name)
			}
		case "resource_ref":
			c.resource(e, "id")
		case "fencing-level":
			for _, d := range strings.Split(e.Get("devices"), ",") {
				if x := c.ids[strings.TrimSpace(d)]; x == nil || x.Tag() != "primitive" {
					c.add(e, "", Warning, "%s names the device %q, which is no resource", describe(e), strings.TrimSpace(d))
				}
			}
		}
		return true
	})
}

// time warns of a time that cannot be read.
func (c *checker) time(e *Element, name string) {
	v := e.Get(name)
	if _, err := ParseInterval(v); err != nil && v != "" {
		c.add(e, "", Warning, "%s has %s=%q, which is no time (a number with ms, s, min or h, or an ISO 8601 duration)", describe(e), name, v)
	}
}

// resource warns of a reference to what is no resource.
func (c *checker) resource(e *Element, name string) {
	v := e.Get(name)
	if x := c.ids[v]; x != nil && idNeeded[x.Tag()] != 1 && x.Tag() != "tag" {
		c.add(e, "", Warning, "%s refers with %s=%q to <%s>, which is no resource", place(e, ""), name, v, x.Tag())
	}
}
