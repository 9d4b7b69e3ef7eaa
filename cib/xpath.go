package cib

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Find returns the elements that an XPath 1.0 expression selects, in document
// order. An expression that selects attributes or text returns the elements
// which have them, as Pacemaker's tools do.
//
// Known are all axes but namespace, following and preceding; the tests for
// names, node(), text() and comment(); predicates with any expression; and the
// functions on nodes, strings, booleans and numbers but id(), lang() and
// namespace-uri(). Variables are not known. Prefixes are part of the name. An
// expression that cannot be read, or does not select nodes, is an error which
// wraps ErrUsage; finding nothing is none.
func Find(root *Element, xpath string) ([]*Element, error) {
	x, err := compileXPath(xpath)
	if err != nil {
		return nil, err
	}
	ev := &xpathEval{doc: &xnode{e: &Element{Name: "#document", Children: []*Element{root}}, attr: -1}}
	v := x(&xctx{ev, ev.doc, 1, 1})
	nodes, ok := v.([]*xnode)
	if !ok {
		return nil, fmt.Errorf("%w: the XPath %q gives a %s and selects nothing", ErrUsage, xpath, typeName(v))
	}
	var out []*Element
	seen := map[*Element]bool{}
	for _, n := range ev.sort(nodes) {
		for n != nil && n.attr < 0 && !n.e.IsElement() {
			n = n.parent
		}
		if n != nil && !seen[n.e] {
			seen[n.e] = true
			out = append(out, n.e)
		}
	}
	return out, nil
}

// NodePath returns the path of an element in the form of cibadmin --node-path,
// such as /cib/configuration/resources/primitive[@id='a'], or "" if it is not
// below root.
func NodePath(root, e *Element) string {
	var b strings.Builder
	for _, x := range pathTo(root, e) {
		b.WriteString("/" + x.Name)
		if id := x.ID(); id != "" {
			b.WriteString("[@id='" + id + "']")
		}
	}
	return b.String()
}

// xnode is a node of the tree during an evaluation: an element, a comment, text
// or, with attr >= 0, an attribute of e. Elements do not know their parents.
type xnode struct {
	e      *Element
	attr   int
	parent *xnode
}

// xctx is the context of an expression.
type xctx struct {
	ev        *xpathEval
	node      *xnode
	pos, size int
}

// xexpr is a compiled expression; its value is a []*xnode, string, float64 or bool.
type xexpr func(*xctx) any

type xpathEval struct {
	doc   *xnode
	order map[*Element]int
}

// sort brings nodes into document order and removes repetitions.
func (ev *xpathEval) sort(nodes []*xnode) []*xnode {
	if len(nodes) < 2 {
		return nodes
	}
	if ev.order == nil {
		ev.order = map[*Element]int{}
		var number func(*Element)
		number = func(e *Element) {
			ev.order[e] = len(ev.order)
			for _, c := range e.Children {
				number(c)
			}
		}
		number(ev.doc.e)
	}
	compare := func(a, b *xnode) int {
		if d := ev.order[a.e] - ev.order[b.e]; d != 0 {
			return d
		}
		return a.attr - b.attr
	}
	if !slices.IsSortedFunc(nodes, compare) {
		nodes = slices.Clone(nodes)
		slices.SortStableFunc(nodes, compare)
	}
	return slices.CompactFunc(nodes, func(a, b *xnode) bool { return a.e == b.e && a.attr == b.attr })
}

func (n *xnode) isAttr() bool { return n.attr >= 0 }

// text is the string value of a node.
func (n *xnode) text() string {
	if n.isAttr() {
		return n.e.Attrs[n.attr].Value
	}
	if !n.e.IsElement() && n.e.Name != "#document" {
		return n.e.Text
	}
	var b strings.Builder
	var walk func(*Element)
	walk = func(e *Element) {
		for _, c := range e.Children {
			if c.Name == TextName {
				b.WriteString(c.Text)
			}
			walk(c)
		}
	}
	walk(n.e)
	return b.String()
}

// name is the name of an element or attribute, or "".
func (n *xnode) name() string {
	switch {
	case n.isAttr():
		return n.e.Attrs[n.attr].Name
	case n.e.IsElement():
		return n.e.Name
	}
	return ""
}

func (n *xnode) children() []*xnode {
	if n.isAttr() {
		return nil
	}
	out := make([]*xnode, len(n.e.Children))
	for i, c := range n.e.Children {
		out[i] = &xnode{c, -1, n}
	}
	return out
}

// walkDown calls f for each node below n.
func (n *xnode) walkDown(f func(*xnode)) {
	for _, c := range n.children() {
		f(c)
		c.walkDown(f)
	}
}

// axis calls f for the nodes of an axis, in the order of the axis.
func (n *xnode) axis(name string, f func(*xnode)) {
	up := n.parent
	switch name {
	case "child":
		for _, c := range n.children() {
			f(c)
		}
	case "descendant":
		n.walkDown(f)
	case "descendant-or-self":
		f(n)
		n.walkDown(f)
	case "self":
		f(n)
	case "parent":
		if up != nil {
			f(up)
		}
	case "ancestor", "ancestor-or-self":
		if name == "ancestor-or-self" {
			f(n)
		}
		for ; up != nil; up = up.parent {
			f(up)
		}
	case "attribute":
		if !n.isAttr() && n.e.IsElement() {
			for i := range n.e.Attrs {
				f(&xnode{n.e, i, n})
			}
		}
	case "following-sibling", "preceding-sibling":
		if up == nil || n.isAttr() {
			return
		}
		kids := up.children()
		at := slices.IndexFunc(kids, func(k *xnode) bool { return k.e == n.e })
		if name == "following-sibling" {
			for _, k := range kids[at+1:] {
				f(k)
			}
			return
		}
		for i := at - 1; i >= 0; i-- {
			f(kids[i])
		}
	}
}

var xpathAxes = map[string]bool{"child": true, "descendant": true, "descendant-or-self": true, "self": true, "parent": true,
	"ancestor": true, "ancestor-or-self": true, "attribute": true, "following-sibling": true, "preceding-sibling": true}

// xstep is one step of a path.
type xstep struct {
	axis, test string
	preds      []xexpr
	// positional is set when a predicate may look at the position.
	positional bool
}

func (s *xstep) matches(n *xnode) bool {
	switch s.test {
	case "node()":
		return true
	case "text()":
		return !n.isAttr() && n.e.Name == TextName
	case "comment()":
		return !n.isAttr() && n.e.Name == CommentName
	case "processing-instruction()":
		return !n.isAttr() && n.e.Name == InstructionName
	}
	if s.axis == "attribute" != n.isAttr() || !n.isAttr() && !n.e.IsElement() {
		return false
	}
	return s.test == "*" || s.test == n.name()
}

// from evaluates the step for one context node.
func (s *xstep) from(ev *xpathEval, n *xnode) []*xnode {
	var out []*xnode
	n.axis(s.axis, func(m *xnode) {
		if s.matches(m) {
			out = append(out, m)
		}
	})
	for _, p := range s.preds {
		out = filterNodes(ev, out, p)
	}
	return out
}

func filterNodes(ev *xpathEval, nodes []*xnode, pred xexpr) []*xnode {
	var kept []*xnode
	for i, n := range nodes {
		v := pred(&xctx{ev, n, i + 1, len(nodes)})
		if num, ok := v.(float64); ok && num == float64(i+1) || !ok && toBool(v) {
			kept = append(kept, n)
		}
	}
	return kept
}

// evalSteps walks the steps of a path from a set of nodes.
func evalSteps(ev *xpathEval, nodes []*xnode, steps []*xstep) []*xnode {
	for _, s := range steps {
		var next []*xnode
		for _, n := range nodes {
			next = append(next, s.from(ev, n)...)
		}
		if len(nodes) > 1 || strings.HasPrefix(s.axis, "ancestor") || s.axis == "preceding-sibling" {
			next = ev.sort(next)
		}
		nodes = next
	}
	return nodes
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case float64:
		return "number"
	case bool:
		return "truth value"
	}
	return "set of nodes"
}

func toText(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case bool:
		return boolText(t)
	case float64:
		switch {
		case math.IsNaN(t):
			return "NaN"
		case math.IsInf(t, 0):
			return strings.Replace(strconv.FormatFloat(t, 'f', -1, 64), "Inf", "Infinity", 1)
		}
		return strconv.FormatFloat(t, 'f', -1, 64)
	case []*xnode:
		if len(t) > 0 {
			return t[0].text()
		}
	}
	return ""
}

func toNumber(v any) float64 {
	switch t := v.(type) {
	case float64:
		return t
	case bool:
		if t {
			return 1
		}
		return 0
	}
	s := strings.Trim(toText(v), " \t\r\n")
	if strings.Trim(s, "-0123456789.") != "" {
		return math.NaN()
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return n
}

func toBool(v any) bool {
	switch t := v.(type) {
	case bool:
		return t
	case float64:
		return t != 0 && !math.IsNaN(t)
	case string:
		return t != ""
	case []*xnode:
		return len(t) > 0
	}
	return false
}

// compareValues implements = != < <= > >= of XPath 1.0 section 3.4.
func compareValues(op string, a, b any) bool {
	an, aSet := a.([]*xnode)
	bn, bSet := b.([]*xnode)
	_, aBool := a.(bool)
	_, bBool := b.(bool)
	switch {
	case aSet && bBool:
		return compareAtoms(op, toBool(a), b)
	case bSet && aBool:
		return compareAtoms(op, a, toBool(b))
	case aSet:
		return slices.ContainsFunc(an, func(n *xnode) bool { return compareValues(op, n.text(), b) })
	case bSet:
		return slices.ContainsFunc(bn, func(n *xnode) bool { return compareValues(op, a, n.text()) })
	}
	return compareAtoms(op, a, b)
}

func compareAtoms(op string, a, b any) bool {
	if op == "=" || op == "!=" {
		equal := false
		_, aBool := a.(bool)
		_, bBool := b.(bool)
		_, aNum := a.(float64)
		_, bNum := b.(float64)
		switch {
		case aBool || bBool:
			equal = toBool(a) == toBool(b)
		case aNum || bNum:
			equal = toNumber(a) == toNumber(b)
		default:
			equal = toText(a) == toText(b)
		}
		return equal == (op == "=")
	}
	x, y := toNumber(a), toNumber(b)
	switch op {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	}
	return x >= y
}
