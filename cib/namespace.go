package cib

import "strings"

// nsScopes knows which prefixes are declared where. CIBs have no namespaces as
// a rule; this exists so that an undeclared prefix is refused as elsewhere.
type nsScopes struct {
	decls []nsDecl
}

type nsDecl struct {
	depth       int
	prefix, uri string
}

func (n *nsScopes) lookup(prefix string) (string, bool) {
	if prefix == "xml" {
		return "http://www.w3.org/XML/1998/namespace", true
	}
	for i := len(n.decls) - 1; i >= 0; i-- {
		if n.decls[i].prefix == prefix {
			return n.decls[i].uri, true
		}
	}
	return "", false
}

// open takes the declarations of an element and checks its prefixes.
func (n *nsScopes) open(p *parser, pos, depth int, name string, attrs []Attr) {
	for _, a := range attrs {
		prefix, ok := strings.CutPrefix(a.Name, "xmlns:")
		if !ok {
			continue
		}
		switch {
		case prefix == "xmlns", prefix == "xml" && a.Value != "http://www.w3.org/XML/1998/namespace":
			p.fail(pos, "the prefix %q cannot be declared: it is reserved", prefix)
		case a.Value == "":
			p.fail(pos, "the prefix %q is declared with an empty name", prefix)
		}
		if len(n.decls) >= MaxPrefixes {
			p.fail(pos, "more than %d prefixes are declared", MaxPrefixes)
		}
		n.decls = append(n.decls, nsDecl{depth, prefix, a.Value})
	}
	n.check(p, pos, name, "the element <"+name+">")
	var seen map[string]bool
	for _, a := range attrs {
		prefix, local, ok := strings.Cut(a.Name, ":")
		if !ok || prefix == "xmlns" {
			continue
		}
		uri := n.check(p, pos, a.Name, "the attribute "+a.Name+" of <"+name+">")
		if seen == nil {
			seen = map[string]bool{}
		}
		if seen[uri+"\x00"+local] {
			p.fail(pos, "the attribute %s of <%s> is given twice under two prefixes of one namespace", local, name)
		}
		seen[uri+"\x00"+local] = true
	}
}

func (n *nsScopes) check(p *parser, pos int, name, what string) string {
	prefix, _, ok := strings.Cut(name, ":")
	if !ok {
		return ""
	}
	uri, ok := n.lookup(prefix)
	if !ok {
		p.fail(pos, "%s has the prefix %q, which is not declared", what, prefix)
	}
	return uri
}

// close forgets the declarations of an element at the given depth.
func (n *nsScopes) close(depth int) {
	for len(n.decls) > 0 && n.decls[len(n.decls)-1].depth >= depth {
		n.decls = n.decls[:len(n.decls)-1]
	}
}
