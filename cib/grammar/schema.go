package grammar

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Versions are the schemas there are, oldest first.
var Versions = []string{"1.0", "1.2", "1.3",
	"2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9", "2.10",
	"3.0", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9"}

// Prefix comes before the version in the name of a schema, the value of the
// attribute validate-with.
const Prefix = "pacemaker-"

// Newest is the name of the newest schema.
const Newest = Prefix + "3.9"

// Schema is the grammar of one version.
type Schema struct {
	// Version is one of Versions.
	Version string

	mu    sync.Mutex
	make  *maker
	table *table
	start *pattern
	// byName are the definitions met so far, by their names.
	byName map[string]*definition
	// elements are the definitions of elements by the name of the element.
	elements map[string][]*definition
}

var (
	schemas   = map[string]*Schema{}
	schemasMu sync.Mutex
)

// Load returns the schema of a name such as pacemaker-2.10, or nil if there is
// none of this name. It is made on first use and kept.
func Load(name string) *Schema {
	version, ok := strings.CutPrefix(name, Prefix)
	at := -1
	for i, v := range Versions {
		if v == version {
			at = i
		}
	}
	if !ok || at < 0 {
		return nil
	}
	schemasMu.Lock()
	defer schemasMu.Unlock()
	s := schemas[version]
	if s == nil {
		s = build(at)
		schemas[version] = s
	}
	return s
}

func build(at int) *Schema {
	s := &Schema{Version: Versions[at], make: newMaker(), byName: map[string]*definition{}, elements: map[string][]*definition{},
		table: &table{at: at, defs: map[string]node{}, types: map[string][]value{}, in: &interned{}}}
	for _, src := range sources {
		s.table.read(src)
	}
	for _, v := range *s.table.in {
		v.alts = s.table.resolve(v.alts)
	}
	s.start = s.compile(node{op: '$', name: "cib"})
	for name := range s.table.defs {
		s.compile(node{op: '$', name: name}) // so that errors in the tables and all elements are found at once
	}
	for done := -1; done < len(s.byName); {
		done = len(s.byName)
		for _, d := range s.byName {
			s.content(d)
		}
	}
	return s
}

// compile makes the pattern of a part of the tables.
func (s *Schema) compile(n node) *pattern {
	m := s.make
	if n.absent {
		return m.none
	}
	fold := func(f func(a, b *pattern) *pattern) *pattern {
		p := s.compile(n.kids[0])
		for _, k := range n.kids[1:] {
			p = f(p, s.compile(k))
		}
		return p
	}
	switch n.op {
	case 0:
		return m.void
	case '.':
		return m.intern(pattern{kind: anything, nullable: true})
	case ',':
		return fold(func(a, b *pattern) *pattern { return m.pair(group, a, b) })
	case '&':
		return fold(func(a, b *pattern) *pattern { return m.pair(interleave, a, b) })
	case '|':
		return fold(m.choice)
	case '?':
		return m.optional(s.compile(n.kids[0]))
	case '*':
		return m.optional(m.oneOrMore(s.compile(n.kids[0])))
	case '+':
		return m.oneOrMore(s.compile(n.kids[0]))
	case '@':
		return m.intern(pattern{kind: attribute, name: n.name, values: n.values})
	}
	src, ok := s.table.defs[n.name]
	if !ok {
		panic(fmt.Sprintf("grammar: %q is not defined", n.name))
	}
	if src.op != '<' || src.absent {
		return s.compile(src)
	}
	d := s.byName[n.name]
	if d == nil {
		d = &definition{name: n.name, body: src}
		s.byName[n.name] = d
		s.elements[src.name] = append(s.elements[src.name], d)
	}
	return m.intern(pattern{kind: element, name: src.name, def: d})
}

// content is what an element of a definition may hold. After the schema was
// made it never changes.
func (s *Schema) content(d *definition) *pattern {
	if d.content == nil {
		d.content = s.compile(d.body.kids[0])
	}
	return d.content
}

// Later reports whether schema a is newer than b; both are names of schemas.
func Later(a, b string) bool {
	at := func(s string) int { return slices.Index(Versions, strings.TrimPrefix(s, Prefix)) }
	return at(a) > at(b)
}
