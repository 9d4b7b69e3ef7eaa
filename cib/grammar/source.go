package grammar

import (
	"fmt"
	"slices"
	"strings"
)

// node is one part of the tables as read for a version.
type node struct {
	// op is one of , & | ? * + for combinations, @ for an attribute, < for an
	// element, $ for a reference to a definition, . for anything, and 0 for empty.
	op     byte
	name   string
	kids   []node
	values *values
	// absent is set for a part that does not exist in the version.
	absent bool
}

// table is the source read for one version.
type table struct {
	defs  map[string]node
	order []string
	types map[string][]value
	// at is the index of the version in Versions.
	at int
	in *interned
}

// interned makes equal values equal pointers.
type interned map[string]*values

// reader reads the notation of the tables.
type reader struct {
	*table
	tokens []string
	pos    int
}

// read reads a source for the version of the table. The source is part of the program:
// what is wrong in it is a panic, which any test finds.
func (t *table) read(src string) {
	r := &reader{table: t, tokens: tokens(src)}
	for r.pos < len(r.tokens) {
		name := r.next()
		if name == "type" {
			name = r.next()
			r.want("=")
			t.types[name] = append(t.types[name], r.alternatives()...)
			continue
		}
		r.want("=")
		if _, ok := t.defs[name]; ok {
			r.fail("defined twice: " + name)
		}
		t.defs[name] = r.choice()
		t.order = append(t.order, name)
	}
}

// tokens splits a source.
func tokens(src string) []string {
	var out []string
	for line := range strings.Lines(src) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		for line != "" {
			n := 1
			switch c := line[0]; {
			case c == ' ' || c == '\t':
				line = line[1:]
				continue
			case c == '"' || c == '/':
				n = strings.IndexByte(line[1:], c) + 2
			case c == '[':
				n = strings.IndexByte(line, ']') + 1
			case strings.IndexByte("=(){}|&,?*+@", c) < 0:
				if n = strings.IndexAny(line, " \t=(){}/|&,?*+@\""); n < 0 {
					n = len(line)
				}
			}
			out = append(out, line[:n])
			line = line[n:]
		}
	}
	return out
}

func (r *reader) fail(why string) {
	panic(fmt.Sprintf("grammar: %s near %q", why, strings.Join(r.tokens[max(0, r.pos-6):min(len(r.tokens), r.pos+3)], " ")))
}

func (r *reader) peek() string {
	if r.pos < len(r.tokens) {
		return r.tokens[r.pos]
	}
	return ""
}

func (r *reader) next() string {
	s := r.peek()
	r.pos++
	return s
}

func (r *reader) want(s string) {
	if r.next() != s {
		r.fail("expected " + s)
	}
}

func (r *reader) accept(s string) bool {
	if r.peek() == s {
		r.pos++
		return true
	}
	return false
}

// guard reads version guards and reports whether the part is there.
func (r *reader) guard() bool {
	ok := true
	for strings.HasPrefix(r.peek(), "[") {
		from, to, isRange := strings.Cut(strings.Trim(r.next(), "[]"), "-")
		if !isRange {
			to = from
		}
		lo, hi := 0, len(Versions)-1
		if from != "" {
			lo = r.version(from)
		}
		if to != "" {
			hi = r.version(to)
		}
		ok = ok && r.at >= lo && r.at <= hi
	}
	return ok
}

func (r *reader) version(s string) int {
	i := slices.Index(Versions, s)
	if i < 0 {
		r.fail("no such version: " + s)
	}
	return i
}

// list reads parts with one operator between them.
func (r *reader) list(op string, part func() node) node {
	n := part()
	if r.peek() != op {
		return n
	}
	kids := []node{n}
	for r.accept(op) {
		kids = append(kids, part())
	}
	kids = slices.DeleteFunc(kids, func(k node) bool { return k.absent })
	switch len(kids) {
	case 0:
		return node{absent: true}
	case 1:
		return kids[0]
	}
	return node{op: op[0], kids: kids}
}

func (r *reader) choice() node     { return r.list("|", r.group) }
func (r *reader) group() node      { return r.list(",", r.interleave) }
func (r *reader) interleave() node { return r.list("&", r.item) }

// item reads one part with its guard and its suffix.
func (r *reader) item() node {
	there := r.guard()
	n := r.primary()
	for s := r.peek(); s == "?" || s == "*" || s == "+"; s = r.peek() {
		r.pos++
		n = node{op: s[0], kids: []node{n}, absent: n.absent}
	}
	n.absent = n.absent || !there
	return n
}

func (r *reader) primary() node {
	switch s := r.next(); s {
	case "(":
		n := r.choice()
		r.want(")")
		return n
	case "@":
		n := node{op: '@', name: r.next()}
		alts := []value{{typ: "string"}}
		start := r.pos
		if r.accept("=") {
			if r.accept("(") {
				alts = r.alternatives()
				r.want(")")
			} else {
				alts = r.alternative()
			}
		}
		n.values = r.intern(strings.Join(r.tokens[start:r.pos], " "), alts)
		return n
	case "element":
		n := node{op: '<', name: r.next()}
		r.want("{")
		n.kids = []node{r.choice()}
		r.want("}")
		return n
	case "empty":
		return node{}
	case "anything":
		return node{op: '.'}
	default:
		if strings.IndexByte("=){}|&,?*+", s[0]) >= 0 {
			r.fail("unexpected " + s)
		}
		return node{op: '$', name: s}
	}
}

func (r *reader) intern(source string, alts []value) *values {
	if v := (*r.in)[source]; v != nil {
		return v
	}
	v := &values{alts: alts, source: source}
	(*r.in)[source] = v
	return v
}

func (r *reader) alternatives() []value {
	out := r.alternative()
	for r.accept("|") {
		out = append(out, r.alternative()...)
	}
	return out
}

// alternative reads a literal, a datatype with exceptions, or the name of a type.
func (r *reader) alternative() []value {
	there := r.guard()
	s := r.next()
	var out []value
	switch s {
	case "string", "ID", "IDREF", "integer", "nonNegativeInteger", "positiveInteger", "boolean":
		v := value{typ: s}
		if r.accept("except") {
			r.want("(")
			for _, e := range r.alternatives() {
				v.except = append(v.except, e.literal)
			}
			r.want(")")
		}
		out = []value{v}
	case "chars", "words":
		out = []value{chars(strings.Trim(r.next(), "/"), s == "words")}
	default:
		if strings.HasPrefix(s, `"`) {
			out = []value{{literal: strings.Trim(s, `"`)}}
		} else {
			out = []value{{typ: "$", literal: s}} // see resolve
		}
	}
	if !there {
		return nil
	}
	return out
}

// resolve puts the alternatives of named types, which may stand anywhere in the
// tables, into a list.
func (t *table) resolve(alts []value) []value {
	var out []value
	for _, a := range alts {
		if a.typ != "$" {
			out = append(out, a)
			continue
		}
		named, ok := t.types[a.literal]
		if !ok {
			panic("grammar: no such type: " + a.literal)
		}
		out = append(out, t.resolve(named)...)
	}
	return out
}

// chars makes the type of texts of the given characters, as in a regular
// expression's brackets; with list, words of them with commas between.
func chars(set string, list bool) value {
	v := value{typ: "pattern", list: list}
	class := strings.ReplaceAll(set, `-`, `\-`)
	for s := set; s != ""; {
		if len(s) > 2 && s[1] == '-' {
			class = strings.Replace(class, s[:1]+`\-`+s[2:3], s[:3], 1)
			v.chars.add(s[0], s[2])
			s = s[3:]
			continue
		}
		v.chars.add(s[0], s[0])
		s = s[1:]
	}
	v.regexp = "[" + class + "]+"
	if list {
		v.regexp += "(," + v.regexp + ")*"
	}
	return v
}
