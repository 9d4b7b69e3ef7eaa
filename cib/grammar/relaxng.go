package grammar

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// FileName is the name under which other tools look for the grammar of a
// schema: pacemaker-3.9.rng.
func (s *Schema) FileName() string { return Prefix + s.Version + ".rng" }

// RelaxNG returns the schema in RELAX NG's XML syntax, complete in one file. It
// holds the definitions that the document can reach, in the order of the tables.
func (s *Schema) RelaxNG() []byte {
	w := &writer{schema: s}
	fmt.Fprintf(&w.out, `<?xml version="1.0" encoding="UTF-8"?>
<!-- The grammar of the CIB, schema %s%s. Made by quorate from its tables: do not edit. -->
<grammar xmlns="http://relaxng.org/ns/structure/1.0"
         datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
`, Prefix, s.Version)
	w.depth = 1
	w.open("start")
	w.empty("ref", "name", "element-cib")
	w.close("start")
	reached := s.reach()
	for _, name := range s.table.order {
		if !reached[name] {
			continue
		}
		w.open("define", "name", w.defineName(name))
		w.pattern(s.table.defs[name])
		w.close("define")
	}
	w.defineAnything()
	w.close("grammar")
	return w.out.Bytes()
}

// reach returns the definitions that a document uses.
func (s *Schema) reach() map[string]bool {
	out := map[string]bool{}
	var visit func(n node)
	visit = func(n node) {
		if n.op == '$' && !out[n.name] {
			out[n.name] = true
			visit(s.table.defs[n.name])
		}
		for _, k := range n.kids {
			visit(k)
		}
	}
	visit(node{op: '$', name: "cib"})
	return out
}

type writer struct {
	schema *Schema
	out    bytes.Buffer
	depth  int
}

// defineName is how a definition is called in RELAX NG: elements by their tag, as
// clients expect ("element-primitive"), others by their own name.
func (w *writer) defineName(name string) string {
	if n := w.schema.table.defs[name]; n.op == '<' {
		return "element-" + name
	}
	return name
}

func (w *writer) tag(name string, attrs []string, end string) {
	fmt.Fprintf(&w.out, "%s<%s", strings.Repeat("  ", w.depth), name)
	for i := 0; i < len(attrs); i += 2 {
		fmt.Fprintf(&w.out, ` %s="%s"`, attrs[i], escape(attrs[i+1]))
	}
	w.out.WriteString(end + "\n")
}

func (w *writer) open(name string, attrs ...string)  { w.tag(name, attrs, ">"); w.depth++ }
func (w *writer) empty(name string, attrs ...string) { w.tag(name, attrs, "/>") }

func (w *writer) close(name string) {
	w.depth = max(0, w.depth-1)
	fmt.Fprintf(&w.out, "%s</%s>\n", strings.Repeat("  ", w.depth), name)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

var wrappers = map[byte]string{',': "group", '|': "choice", '&': "interleave", '?': "optional", '*': "zeroOrMore", '+': "oneOrMore"}

func (w *writer) pattern(n node) {
	switch n.op {
	case 0:
		w.empty("empty")
	case '.':
		w.anything()
	case '$':
		w.empty("ref", "name", w.defineName(n.name))
	case '@':
		w.attribute(n)
	case '<':
		w.open("element", "name", n.name)
		w.list(n.kids, ',')
		w.close("element")
	default:
		// "(a, b)?" needs no group within optional: what a wrapper holds is one.
		w.open(wrappers[n.op])
		w.list(n.kids, map[byte]byte{'?': ',', '*': ',', '+': ','}[n.op])
		w.close(wrappers[n.op])
	}
}

// list writes parts; a single one of the operator which the parts have anyway
// is written as its own parts.
func (w *writer) list(kids []node, implied byte) {
	if len(kids) == 1 && implied != 0 && kids[0].op == implied {
		kids = kids[0].kids
	}
	for _, k := range kids {
		w.pattern(k)
	}
}

func (w *writer) attribute(n node) {
	if len(n.values.alts) == 1 && n.values.alts[0].typ == "string" && n.values.alts[0].except == nil {
		w.open("attribute", "name", n.name)
		w.empty("text")
		w.close("attribute")
		return
	}
	w.open("attribute", "name", n.name)
	if len(n.values.alts) > 1 {
		w.open("choice")
	}
	for _, v := range n.values.alts {
		w.value(v)
	}
	if len(n.values.alts) > 1 {
		w.close("choice")
	}
	w.close("attribute")
}

func (w *writer) value(v value) {
	switch {
	case v.typ == "":
		fmt.Fprintf(&w.out, "%s<value>%s</value>\n", strings.Repeat("  ", w.depth), escape(v.literal))
	case v.regexp != "":
		w.open("data", "type", "string")
		fmt.Fprintf(&w.out, "%s<param name=\"pattern\">%s</param>\n", strings.Repeat("  ", w.depth), escape(v.regexp))
		w.close("data")
	case len(v.except) > 0:
		w.open("data", "type", "string")
		w.open("except")
		w.open("choice")
		for _, e := range v.except {
			w.value(value{literal: e})
		}
		w.close("choice")
		w.close("except")
		w.close("data")
	default:
		w.empty("data", "type", v.typ)
	}
}

// anything allows every attribute, element and text.
func (w *writer) anything() {
	w.open("zeroOrMore")
	w.open("choice")
	w.anyAttribute()
	w.empty("text")
	w.empty("ref", "name", "anything")
	w.close("choice")
	w.close("zeroOrMore")
}

func (w *writer) anyAttribute() {
	w.open("attribute")
	w.empty("anyName")
	w.empty("text")
	w.close("attribute")
}

// defineAnything is the element that anything refers to.
func (w *writer) defineAnything() {
	w.open("define", "name", "anything")
	w.open("element")
	w.empty("anyName")
	w.anything()
	w.close("element")
	w.close("define")
}
