package cib

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
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
// order: elements, attributes and values that the schema does not know, ids
// that are missing, not valid or used twice, references to what is not there,
// and options whose values cannot be read. The status section is not checked.
//
// With validate-with="none" errors become warnings, since the administrator
// wants no check; with an older schema than 3.0 unknown names do.
func Check(root *Element) []Problem {
	c := &checker{ids: map[string]*Element{}}
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
	switch with := root.Get("validate-with"); {
	case with == "none":
		c.relaxed, c.lax = true, true
	case olderSchema.MatchString(with):
		c.lax = true
	case !knownSchema.MatchString(with):
		c.add(root, "", Error, "validate-with=%q names no schema that is known: one from pacemaker-1.0 to %s, or none, is expected", with, hb2Schema)
	}
	c.collect(root)
	c.element(root, "")
	c.options(root)
	return c.problems
}

type checker struct {
	problems []Problem
	// ids maps every id of the configuration to its first element.
	ids map[string]*Element
	// lax makes unknown names warnings, relaxed every error.
	lax, relaxed bool
}

func (c *checker) add(e *Element, owner string, s Severity, format string, args ...any) {
	if c.relaxed {
		s = Warning
	}
	id := e.ID()
	if id == "" {
		id = owner
	}
	c.problems = append(c.problems, Problem{e.Line, id, fmt.Sprintf(format, args...), s})
}

func (c *checker) unknown(e *Element, owner string, format string, args ...any) {
	s := Error
	if c.lax {
		s = Warning
	}
	c.add(e, owner, s, format, args...)
}

// collect notes all ids, before references are looked at.
func (c *checker) collect(e *Element) {
	if e.Name == "status" {
		return
	}
	if spec := schema[e.Name]; spec != nil && spec.attrs["id"].typ == "id" {
		if id := e.ID(); id != "" && c.ids[id] == nil {
			c.ids[id] = e
		}
	}
	for _, k := range e.Children {
		c.collect(k)
	}
}

// place names an element in a sentence.
func place(e *Element, owner string) string {
	if e.ID() == "" && owner != "" {
		return "<" + e.Name + "> in " + owner
	}
	return describe(e)
}

func (c *checker) element(e *Element, owner string) {
	spec := schema[e.Name]
	for _, a := range e.Attrs {
		s, ok := spec.attrs[a.Name]
		if !ok {
			if !strings.Contains(a.Name, ":") && a.Name != "xmlns" {
				c.unknown(e, owner, "%s has the attribute %s, which is not known there", place(e, owner), a.Name)
			}
			continue
		}
		c.value(e, owner, a, s)
	}
	for _, name := range spec.attrNames {
		if _, ok := e.Lookup(name); spec.attrs[name].required && !ok {
			c.add(e, owner, Error, "%s has no %s, which it must have", place(e, owner), name)
		}
	}
	c.rules(e, owner)
	if id := e.ID(); id != "" {
		owner = id
	}
	count := map[string]int{}
	for _, k := range e.Children {
		if k.Name == TextName {
			c.add(k, owner, Error, "there is text in %s, where only elements may be: %.40q", describe(e), k.Text)
		}
		if !k.IsElement() {
			continue
		}
		how, ok := spec.children[k.Name]
		if !ok {
			c.unknown(k, owner, "<%s> is not known in <%s>", k.Name, e.Name)
			continue
		}
		if count[k.Name]++; count[k.Name] == 2 && (how == '1' || how == '?') {
			c.add(k, owner, Error, "%s has a second <%s>, and may have one only", describe(e), k.Name)
		}
		if k.Name != "status" {
			c.element(k, owner)
		}
	}
	for _, name := range spec.childNames {
		if how := spec.children[name]; (how == '1' || how == '+') && count[name] == 0 {
			c.add(e, owner, Error, "%s has no <%s>, which it must have", describe(e), name)
		}
	}
}

var (
	olderSchema = regexp.MustCompile(`^pacemaker-(1\.[0-3]|2\.([0-9]|10))$`)
	knownSchema = regexp.MustCompile(`^pacemaker-(3\.[0-9]|next)$`)

	scoreForm = regexp.MustCompile(`^[+-]?([0-9]+|INFINITY)$`)
	spanForm  = regexp.MustCompile(`^[0-9]+(-([0-9]+)?)?$`)
	actions   = []string{"start", "promote", "demote", "stop"}
	classes   = []string{"ocf", "lsb", "heartbeat", "stonith", "upstart", "service", "systemd", "nagios"}
)

// value checks one attribute against its type.
func (c *checker) value(e *Element, owner string, a Attr, s attrSpec) {
	bad := func(want string) {
		c.add(e, owner, Error, "%s has %s=%q, where %s is expected", place(e, owner), a.Name, a.Value, want)
	}
	switch s.typ {
	case "id":
		switch first := c.ids[a.Value]; {
		case !ValidName(a.Value):
			bad("an id (a letter or _ first, then letters, digits and . _ -)")
		case first != nil && first != e:
			at := ""
			if first.Line > 0 {
				at = fmt.Sprintf(" in line %d", first.Line)
			}
			c.add(e, owner, Error, "%s uses an id that <%s>%s has already", describe(e), first.Name, at)
		}
	case "idref":
		if c.ids[a.Value] == nil {
			c.add(e, owner, Error, "%s refers with %s=%q to something that does not exist", place(e, owner), a.Name, a.Value)
		}
	case "ref":
		x := c.ids[a.Value]
		switch {
		case x == nil:
			c.add(e, owner, Error, "%s refers with %s=%q to a resource that does not exist", place(e, owner), a.Name, a.Value)
		case idNeeded[x.Name] != 1 && x.Name != "tag":
			c.add(e, owner, Warning, "%s refers with %s=%q to <%s>, which is no resource", place(e, owner), a.Name, a.Value, x.Name)
		}
	case "score":
		if !scoreForm.MatchString(a.Value) {
			bad("a score (an integer, INFINITY or -INFINITY)")
		}
	case "bool":
		if !slices.Contains([]string{"true", "false", "1", "0"}, a.Value) {
			bad("true or false")
		}
	case "role":
		if r, ok := CanonicalRole(a.Value); !ok || r != a.Value && a.Value != "Master" && a.Value != "Slave" {
			bad("a role (Started, Stopped, Promoted, Unpromoted)")
		}
	case "time":
		if _, err := ParseInterval(a.Value); err != nil && a.Value != "" {
			c.add(e, owner, Warning, "%s has %s=%q, which is no time (a number with ms, s, min or h, or an ISO 8601 duration)", place(e, owner), a.Name, a.Value)
		}
	case "int", "count":
		if n, err := strconv.Atoi(strings.TrimSpace(a.Value)); err != nil || n < 0 && s.typ == "count" {
			bad("a whole number")
		}
	case "span":
		if !spanForm.MatchString(a.Value) {
			bad("a number or a range such as 1-5")
		}
	case "action":
		if !slices.Contains(actions, a.Value) {
			bad("one of " + strings.Join(actions, ", "))
		}
	case "class":
		if !slices.Contains(classes, a.Value) {
			bad("one of " + strings.Join(classes, ", "))
		}
	case "enum":
		if !slices.Contains(s.enum, a.Value) {
			bad("one of " + strings.Join(s.enum, ", "))
		}
	}
}
