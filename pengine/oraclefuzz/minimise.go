package oraclefuzz

import (
	"slices"
	"strings"

	"github.com/quorate/quorate/cib"
)

// Minimise removes from a document what the test does not need: it returns the
// smallest document found for which keep is still true, and the number of
// tests it took. It ends after limit tests. keep must be true for root itself.
func Minimise(root *cib.Element, limit int, keep func(*cib.Element) bool) (*cib.Element, int) {
	m := &minimiser{root: root, keep: keep, limit: limit}
	for {
		before := m.done
		m.changed = false
		m.nodes()
		m.resources()
		m.unwrap()
		m.elements()
		m.attributes()
		if !m.changed || m.done >= limit || m.done == before {
			return m.root, m.done
		}
	}
}

type minimiser struct {
	root        *cib.Element
	keep        func(*cib.Element) bool
	done, limit int
	changed     bool
}

// try takes a smaller document when the difference stays.
func (m *minimiser) try(smaller *cib.Element) bool {
	if smaller == nil || smaller == m.root || m.done >= m.limit {
		return false
	}
	m.done++
	if !m.keep(smaller) {
		return false
	}
	m.root, m.changed = smaller, true
	return true
}

// without returns a copy of the document without the elements that drop
// chooses; containers that need a child go with their last one.
func without(e *cib.Element, drop func(*cib.Element) bool) *cib.Element {
	var kids []*cib.Element
	changed := false
	for _, c := range e.Children {
		if drop(c) {
			changed = true
			continue
		}
		n := without(c, drop)
		if n != c {
			changed = true
			if len(n.Children) == 0 && len(c.Children) > 0 && slices.Contains(hollow, c.Name) {
				continue
			}
		}
		kids = append(kids, n)
	}
	if !changed {
		return e
	}
	return e.WithChildren(kids...)
}

// hollow are elements which mean nothing, or are invalid, without children.
var hollow = []string{"resource_set", "tag", "group", "clone", "master", "rule", "meta_attributes", "instance_attributes", "operations", "lrm_resource", "transient_attributes", "rsc_defaults", "op_defaults", "tags", "fencing-topology", "cluster_property_set"}

// nodes removes whole nodes with all that belongs to them.
func (m *minimiser) nodes() {
	for _, n := range m.root.Path("configuration", "nodes").All("node") {
		m.try(without(m.root, func(e *cib.Element) bool {
			switch e.Name {
			case "node", "node_state":
				return e.Get("uname") == n.Get("uname")
			case "rsc_location", "expression":
				return e.Get("node") == n.Get("uname") || e.Get("value") == n.Get("uname")
			case "fencing-level":
				return e.Get("target") == n.Get("uname")
			}
			return false
		}))
	}
}

// ids are the ids of e and of the elements below it.
func ids(e *cib.Element) map[string]bool {
	m := map[string]bool{}
	e.Walk(func(x *cib.Element) bool { m[x.ID()] = true; return true })
	delete(m, "")
	return m
}

// referring reports whether e names one of the ids.
func referring(e *cib.Element, gone map[string]bool) bool {
	switch e.Name {
	case "rsc_location", "rsc_colocation", "rsc_order":
		return gone[e.Get("rsc")] || gone[e.Get("with-rsc")] || gone[e.Get("first")] || gone[e.Get("then")]
	case "resource_ref", "obj_ref":
		return gone[e.ID()]
	case "lrm_resource":
		return gone[strings.SplitN(e.ID(), ":", 2)[0]]
	case "primitive":
		return gone[e.Get("template")]
	case "fencing-level":
		return slices.ContainsFunc(strings.Split(e.Get("devices"), ","), func(d string) bool { return gone[d] })
	}
	return false
}

// cut removes an element with what refers to it.
func (m *minimiser) cut(victim *cib.Element) bool {
	gone := ids(victim)
	return m.try(without(m.root, func(e *cib.Element) bool {
		return e == victim || e.ID() == victim.ID() && e.Name == victim.Name || referring(e, gone)
	}))
}

// resources removes whole resources, then members of groups.
func (m *minimiser) resources() {
	for _, r := range m.root.Path("configuration", "resources").Children {
		m.cut(r)
	}
	for _, r := range m.root.Path("configuration", "resources").Children {
		r.Walk(func(e *cib.Element) bool {
			if e != r && e.Name == "primitive" && e.IsElement() {
				m.cut(e)
			}
			return true
		})
	}
}

// unwrap replaces clones and groups of one member by the member.
func (m *minimiser) unwrap() {
	rs := m.root.Path("configuration", "resources")
	for _, r := range rs.Children {
		var kids []*cib.Element
		for _, c := range r.Children {
			if c.Name == "primitive" || c.Name == "group" {
				kids = append(kids, c)
			}
		}
		if (r.Name != "clone" && r.Name != "master" && r.Name != "group") || len(kids) != 1 {
			continue
		}
		kid := kids[0]
		m.try(rename(m.root, func(e *cib.Element) *cib.Element {
			if e.Name == r.Name && e.ID() == r.ID() {
				return kid
			}
			for _, a := range []string{"rsc", "with-rsc", "first", "then"} {
				if e.Get(a) == r.ID() {
					e = e.WithAttr(a, kid.ID())
				}
			}
			if (e.Name == "resource_ref" || e.Name == "obj_ref") && e.ID() == r.ID() {
				e = e.WithAttr("id", kid.ID())
			}
			return e
		}))
	}
}

// rename maps every element of a document, from the top.
func rename(e *cib.Element, f func(*cib.Element) *cib.Element) *cib.Element {
	n := *f(e)
	kids := n.Children
	n.Children = nil
	for _, c := range kids {
		n.Children = append(n.Children, rename(c, f))
	}
	return &n
}

// fixed are elements that stay.
var fixed = []string{"cib", "configuration", "crm_config", "nodes", "resources", "constraints", "status", "lrm", "lrm_resources"}

// elements removes single elements and runs of siblings, the largest first.
func (m *minimiser) elements() {
	for size := 8; size >= 1; size /= 2 {
		for pos := 0; ; {
			list := m.candidates(size)
			if pos >= len(list) || m.done >= m.limit {
				break
			}
			run := list[pos]
			if !m.try(without(m.root, func(e *cib.Element) bool { return slices.Contains(run, e) })) {
				pos++
			}
		}
	}
}

// candidates are runs of size siblings that may be removed; for size 1 every
// element.
func (m *minimiser) candidates(size int) [][]*cib.Element {
	var out [][]*cib.Element
	m.root.Walk(func(p *cib.Element) bool {
		var kids []*cib.Element
		for _, c := range p.Children {
			if !slices.Contains(fixed, c.Name) && c.Name != "node" {
				kids = append(kids, c)
			}
		}
		for i := 0; i+size <= len(kids); i += size {
			out = append(out, kids[i:i+size])
		}
		return true
	})
	return out
}

// needed are attributes that are never taken away.
var needed = []string{"id", "name", "value", "operation_key", "operation", "rc-code", "op-status", "interval", "call-id", "transition-key", "transition-magic", "class", "type", "provider", "uname",
	"validate-with", "admin_epoch", "epoch", "num_updates", "crm_feature_set", "have-quorum", "dc-uuid", "in_ccm", "crmd", "join", "expected", "node", "rsc", "with-rsc", "first", "then", "score", "score-attribute"}

// attributes removes optional attributes, all of one element at first.
func (m *minimiser) attributes() {
	var all []*cib.Element
	m.root.Walk(func(e *cib.Element) bool { all = append(all, e); return true })
	for _, e := range all {
		var names []string
		for _, a := range e.Attrs {
			if !slices.Contains(needed, a.Name) {
				names = append(names, a.Name)
			}
		}
		drop := func(from *cib.Element, names []string) *cib.Element {
			for _, n := range names {
				from = from.WithoutAttr(n)
			}
			return from
		}
		if len(names) == 0 {
			continue
		}
		if by := drop(e, names); m.try(replace(m.root, e, by)) {
			continue
		}
		cur := e
		for _, n := range names {
			if len(names) == 1 {
				break
			}
			if by := cur.WithoutAttr(n); m.try(replace(m.root, cur, by)) {
				cur = by
			}
		}
	}
}

// replace exchanges one element, by identity, anywhere in a document.
func replace(root, old, by *cib.Element) *cib.Element {
	if root == old {
		return by
	}
	for _, c := range root.Children {
		if n := replace(c, old, by); n != c {
			return root.WithReplaced(c, n)
		}
	}
	return root
}

// Size is the number of elements of a document.
func Size(root *cib.Element) int {
	n := 0
	root.Walk(func(*cib.Element) bool { n++; return true })
	return n
}
