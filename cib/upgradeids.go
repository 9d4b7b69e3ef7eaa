package cib

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// idNeeded lists the elements of the configuration that must have an id. The
// class is their rank when two want the same one: resources are referred to
// from everywhere, so they keep theirs.
var idNeeded = map[string]int{
	"primitive": 1, "group": 1, "clone": 1, "master": 1, "bundle": 1, "template": 1,
	"rsc_location": 2, "rsc_colocation": 2, "rsc_order": 2, "rsc_ticket": 2,
	"cluster_property_set": 3, "instance_attributes": 3, "meta_attributes": 3, "utilization": 3,
	"nvpair": 4, "op": 4, "rule": 4, "expression": 4, "date_expression": 4, "date_spec": 4, "duration": 4,
	"rsc_expression": 4, "op_expression": 4,
}

// resourceRefs lists attributes that hold the id of a resource, by element.
var resourceRefs = map[string][]string{
	"rsc_location":   {"rsc"},
	"rsc_colocation": {"rsc", "with-rsc"},
	"rsc_order":      {"first", "then"},
	"rsc_ticket":     {"rsc"},
	"resource_ref":   {"id"},
}

// idFixer gives every element of the configuration one valid id of its own.
type idFixer struct {
	u     *upgrader
	taken map[string]bool
	// owner is the element that keeps an id.
	owner map[string]*Element
	// moved maps ids that had to change with their element's references: old
	// name to new name, for resources and for what id-ref may name.
	resources, others map[string]string
	// primitives and around hold the ids of primitives and of what they are in.
	primitives, around map[string]bool
}

// fixIDs replaces ids that are missing, used twice or not allowed, and lets
// references follow.
func (u *upgrader) fixIDs(root *Element) *Element {
	f := &idFixer{u, map[string]bool{}, map[string]*Element{}, map[string]string{}, map[string]string{}, map[string]bool{}, map[string]bool{}}
	root.Walk(func(e *Element) bool {
		if e.Name == "primitive" {
			f.primitives[e.ID()] = true
		} else if idNeeded[e.Name] == 1 {
			f.around[e.ID()] = true
		}
		return e.Name != "constraints"
	})
	for class := 1; class <= 5; class++ {
		f.claim(root, class)
	}
	return f.refer(f.assign(root, ""))
}

// inConfig tells whether ids at and below an element share the one name space.
func inConfig(e *Element) bool { return e.IsElement() && e.Name != "status" && e.Name != "node_state" }

// claim lets the elements of one class take their ids if these are good.
func (f *idFixer) claim(e *Element, class int) {
	if !inConfig(e) {
		return
	}
	if id := e.ID(); id != "" && e.Name != "node" && ValidName(id) && !f.taken[id] {
		rank := idNeeded[e.Name]
		if rank == class || rank == 0 && class == 5 && !isReference(e) {
			f.taken[id], f.owner[id] = true, e
		}
	}
	for _, c := range e.Children {
		f.claim(c, class)
	}
}

// isReference tells that the attribute id of an element names another one.
func isReference(e *Element) bool { return e.Name == "resource_ref" || e.Name == "obj_ref" }

// assign rebuilds the tree with a new id for every element that has none of
// its own; parent is the id around.
func (f *idFixer) assign(e *Element, parent string) *Element {
	if !inConfig(e) {
		return e
	}
	id, has := e.Lookup("id")
	want := idNeeded[e.Name] != 0 || has
	out := e
	if want && e.Name != "node" && !isReference(e) && f.owner[id] != e && (id != "" || parent != "" || idNeeded[e.Name] < 4) {
		out = f.replace(e, id, parent)
	}
	if out.ID() != "" {
		parent = out.ID()
	}
	same := true
	kids := make([]*Element, len(e.Children))
	for i, c := range e.Children {
		kids[i] = f.assign(c, parent)
		same = same && kids[i] == c
	}
	if same {
		return out
	}
	return out.WithChildren(kids...)
}

// replace gives e a new id and says why.
func (f *idFixer) replace(e *Element, old, parent string) *Element {
	base := old
	if !ValidName(old) {
		base = sanitizeID(old)
	}
	switch {
	case parent == "" && old == "":
		base = e.Name
	case old == "" || ValidName(old) && parent != "" && idNeeded[e.Name] >= 3:
		// A name that tells where the thing is.
		base = sanitizeID(parent) + "-" + e.Name
		if n := e.Get("name"); n != "" && e.Name == "nvpair" {
			base = sanitizeID(parent + "-" + n)
		}
		if base == old {
			base += "-2"
		}
	}
	id := base
	for n := 2; f.taken[id]; n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	f.taken[id] = true
	switch {
	case old == "":
		f.u.say(e, parent, Added, "the element has no id: it gets %s", id)
		return &Element{Name: e.Name, Attrs: append([]Attr{{"id", id}}, e.WithoutAttr("id").Attrs...), Children: e.Children, Line: e.Line}
	case ValidName(old):
		f.u.say(e, parent, Renamed, "the id %s is used by <%s> already: this one is now %s", old, f.owner[old].Name, id)
	default:
		f.u.say(e, parent, Renamed, "the id %s is not allowed today (a letter or _ first, then letters, digits and . _ -): it is now %s", old, id)
		if _, ok := f.owner[old]; !ok {
			f.owner[old] = e
			if idNeeded[e.Name] == 1 {
				f.resources[old] = id
			} else {
				f.others[old] = id
			}
		}
	}
	return e.WithAttr("id", id)
}

// sanitizeID turns any text into a valid id.
func sanitizeID(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == ':' || r == utf8.RuneError || !isNameRune(r, false) {
			r = '-'
		}
		b.WriteRune(r)
	}
	out := b.String()
	if r, _ := utf8.DecodeRuneInString(out); out == "" || !isNameRune(r, true) {
		out = "id-" + strings.TrimLeft(out, "-")
	}
	return out
}

// refer lets references follow the ids that changed.
func (f *idFixer) refer(e *Element) *Element {
	out := e
	for _, name := range resourceRefs[e.Name] {
		old := e.Get(name)
		to := f.resources[old]
		if to == "" && old != "" && f.owner[old] == nil && !ValidName(old) && f.u.partial {
			// A fragment names a resource by its old id: the rule is the same.
			to = sanitizeID(old)
		}
		if to != "" {
			f.u.say(e, "", Renamed, "%s=%q follows the resource: it is now %q", name, old, to)
			out = out.WithAttr(name, to)
		}
	}
	if to := f.others[e.Get("id-ref")]; to != "" {
		f.u.say(e, "", Renamed, "id-ref=%q follows: it is now %q", e.Get("id-ref"), to)
		out = out.WithAttr("id-ref", to)
	}
	switch e.Name {
	case "lrm_resource":
		if to := f.instance(e.ID()); to != "" {
			f.u.say(e, "", Renamed, "the history follows the resource: it is now %s", to)
			return f.history(out, e.ID(), to)
		}
	case "nvpair":
		for _, p := range []string{"fail-count-", "last-failure-", "master-"} {
			if rsc, ok := strings.CutPrefix(e.Get("name"), p); ok && f.instance(rsc) != "" {
				f.u.say(e, "", Renamed, "the node attribute %s follows the resource: it is now %s", e.Get("name"), p+f.instance(rsc))
				out = out.WithAttr("name", p+f.instance(rsc))
			}
		}
	}
	kids := make([]*Element, len(e.Children))
	same := true
	for i, c := range e.Children {
		kids[i] = f.refer(c)
		same = same && kids[i] == c
	}
	if same {
		return out
	}
	return out.WithChildren(kids...)
}

// instance maps the name of a resource or of an instance of a clone, or
// returns "" if it stays. The first versions put the names of groups and clones
// before that of the primitive: clone:child:0 is child:0 today.
func (f *idFixer) instance(id string) string {
	short := id
	for {
		name, number := short, ""
		if i := strings.LastIndexByte(short, ':'); i > 0 && strings.Trim(short[i+1:], "0123456789") == "" {
			name, number = short[:i], short[i:]
		}
		if to := f.resources[name]; to != "" {
			return to + number
		}
		if f.primitives[name] {
			if short == id {
				return ""
			}
			return short
		}
		head, rest, ok := strings.Cut(short, ":")
		if !ok || !f.around[head] {
			return ""
		}
		short = rest
	}
}

// history renames a resource in its own history.
func (f *idFixer) history(e *Element, old, to string) *Element {
	kids := make([]*Element, len(e.Children))
	for i, c := range e.Children {
		kids[i] = c
		if rest, ok := strings.CutPrefix(c.ID(), old); ok && c.Name == "lrm_rsc_op" {
			f.u.say(c, "", Renamed, "the operation follows the resource: it is now %s", to+rest)
			kids[i] = c.WithAttr("id", to+rest)
		}
	}
	return e.WithAttr("id", to).WithChildren(kids...)
}
