package member

import (
	"slices"
	"strconv"

	"github.com/quorate/quorate/agents"
	"github.com/quorate/quorate/cib"
)

// Requirements returns, by primitive, the primitives that must be active while it
// is: those before it in its group, and those that an ordering of starts or
// promotions names. A stop of everything goes the other way round. Names are
// those of the configuration, without the number of an instance; rules are not
// evaluated.
func Requirements(root *cib.Element) map[string][]string {
	r := requirements{out: map[string][]string{}, members: map[string][]string{}}
	r.unpack(root.Path("configuration", "resources"))
	for _, tag := range root.Path("configuration", "tags").All("tag") {
		for _, ref := range tag.All("obj_ref") {
			r.members[tag.ID()] = append(r.members[tag.ID()], r.members[ref.ID()]...)
		}
	}
	for _, o := range root.Path("configuration", "constraints").All("rsc_order") {
		if oneWay(o) {
			continue
		}
		if sets := o.All("resource_set"); len(sets) > 0 {
			r.sets(sets)
			continue
		}
		r.need(r.members[o.Get("then")], r.members[o.Get("first")])
	}
	return r.out
}

type requirements struct {
	out map[string][]string
	// members are the primitives that a name stands for.
	members map[string][]string
}

// unpack reads groups and clones; it returns the primitives of an element.
func (r *requirements) unpack(e *cib.Element) (all []string) {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		var in []string
		switch c.Name {
		case "primitive":
			in = []string{c.ID()}
		case "group", "clone", "master", "bundle":
			in = r.unpack(c)
		default:
			continue
		}
		r.members[c.ID()] = in
		if e.Name == "group" && len(all) > 0 {
			r.need(in, all[len(all)-1:])
		}
		all = append(all, in...)
	}
	return all
}

func (r *requirements) need(users, used []string) {
	for _, u := range users {
		for _, v := range used {
			if u != v && !slices.Contains(r.out[u], v) {
				r.out[u] = append(r.out[u], v)
			}
		}
	}
}

// sets takes the sets of one ordering in: each needs the one before it, and what
// stands in a sequential one what stands before it there.
func (r *requirements) sets(sets []*cib.Element) {
	var before []string
	for _, set := range sets {
		var all, last []string
		if oneWay(set) {
			before = nil
			continue
		}
		for _, ref := range set.All("resource_ref") {
			in := r.members[ref.ID()]
			r.need(in, before)
			if !no(set.Get("sequential")) {
				r.need(in, last)
			}
			all, last = append(all, in...), in
		}
		before = all
	}
}

// oneWay tells an ordering that says nothing about stops: it is not symmetrical,
// or it orders stops or demotions itself.
func oneWay(o *cib.Element) bool {
	for _, a := range []string{"first-action", "action"} {
		if v := o.Get(a); v == "stop" || v == "demote" {
			return true
		}
	}
	return no(o.Get("symmetrical")) || o.Get("kind") == "Serialize"
}

// Demotable returns the primitives that are only demoted when the right to run
// ends, because the policy without quorum is demote: those of promotable clones
// that may run on every node. An address is none of them, wherever it stands.
func Demotable(root *cib.Element) (out []string) {
	if Policy(root) != PolicyDemote {
		return nil
	}
	nodes := len(root.Path("configuration", "nodes").All("node"))
	for _, c := range root.Path("configuration", "resources").Children {
		if c.Name != "clone" && c.Name != "master" || !everywhere(c, nodes) {
			continue
		}
		c.Walk(func(e *cib.Element) bool {
			if e.Name == "primitive" && !agents.IsAddress(e.Get("class"), e.Get("provider"), e.Get("type")) {
				out = append(out, e.ID())
			}
			return true
		})
	}
	return out
}

// everywhere reports whether a clone is promotable and may have an instance on
// each node: then one more that stays is none too many.
func everywhere(c *cib.Element, nodes int) bool {
	promotable, limit := c.Name == "master", nodes
	for _, set := range c.All("meta_attributes") {
		for _, nv := range set.All("nvpair") {
			switch v := nv.Get("value"); nv.Get("name") {
			case "promotable":
				promotable = promotable || yes(v)
			case "globally-unique":
				if yes(v) {
					return false
				}
			case "clone-max":
				if n, err := strconv.Atoi(v); err == nil {
					limit = n
				}
			}
		}
	}
	return promotable && limit >= nodes
}
