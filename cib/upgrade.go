package cib

import (
	"errors"
	"slices"
	"strings"
)

// ErrNoDocument is returned where an element is needed and none is given.
var ErrNoDocument = errors.New("there is no document")

// IsHeartbeat2 reports whether a document or a fragment of one is written in
// the dialect of Heartbeat 2 (DTD crm-1.0, later named pacemaker-0.6). The
// attribute validate-with decides where present; else the names used do. An
// element which both dialects write alike is not Heartbeat 2.
func IsHeartbeat2(root *Element) bool {
	if v, ok := root.Lookup("validate-with"); ok && v != "" {
		return v == "pacemaker-0.6" || v == "transitional-0.6"
	}
	return !root.Walk(func(e *Element) bool {
		if hb2Tags[e.Name] || e.Name == "node" && e.Get("type") == "normal" {
			return false
		}
		if e.Name == "cluster_property_set" {
			for _, nv := range e.Children {
				if n := nv.Get("name"); hb2Options[n] != "" && strings.Contains(n, "_") {
					return false
				}
			}
		}
		for _, a := range hb2Attrs[e.Name] {
			if _, ok := e.Lookup(a); ok {
				return false
			}
		}
		return true
	})
}

// Upgrade rewrites a document or a fragment from the dialect of Heartbeat 2 to
// today's names (schema pacemaker-3.9) and accounts for everything it did not
// simply take over. What is in today's dialect already comes back as it is,
// with no report.
//
// The meaning is kept: defaults that differ between the dialects are written
// down, the order of precedence of options is preserved, and ids which are
// missing, used twice or not allowed today are replaced, with all references
// following. Ids of nodes are not touched: they are names of machines.
//
// A fragment (say, one constraint) is upgraded as far as it can be alone: an
// option that belongs into another section today stays where it is.
func Upgrade(root *Element) (*Element, Report, error) {
	if root == nil {
		return nil, nil, ErrNoDocument
	}
	if !IsHeartbeat2(root) {
		return root, nil, nil
	}
	u := &upgrader{partial: root.Name != "cib"}
	out := u.fragment(root)
	out = u.fixIDs(out)
	if !u.partial {
		out = u.prune(out)
	}
	return out, u.report, nil
}

// upgrader is the state of one Upgrade.
type upgrader struct {
	reporter
	// pairs for rsc_defaults and op_defaults, found in crm_config.
	defaults map[string][]*Element
	// partial is set when the root is not a whole document.
	partial bool
	// whole is set when the sections beside crm_config can be written.
	whole bool
}

// fragment dispatches on the kind of element.
func (u *upgrader) fragment(e *Element) *Element {
	switch e.Name {
	case "cib":
		return u.cib(e)
	case "configuration":
		return u.configuration(e)
	case "crm_config":
		return u.crmConfig(e)
	case "cluster_property_set":
		return u.propertySet(e)
	case "instance_attributes", "meta_attributes", "utilization":
		return u.set(e)
	case "node":
		if n := u.node(e); n != nil {
			return n
		}
		return e
	case "primitive", "group", "clone", "master_slave":
		return u.resource(e)
	case "op":
		n, _ := u.op(e, "")
		return n
	case "rsc_location", "rsc_colocation", "rsc_order":
		return u.constraint(e)
	case "rule":
		return u.rule(e)
	case "status":
		return u.status(e)
	case "node_state":
		return u.nodeState(e)
	case "nodes", "resources", "constraints":
		return u.mapChildren(e, func(c *Element) *Element {
			if c.Name == "node" {
				return u.node(c)
			}
			return u.fragment(c)
		})
	}
	return e
}

// mapChildren returns a copy of e with f applied to each child element; a nil
// result leaves the child out.
func (u *upgrader) mapChildren(e *Element, f func(*Element) *Element) *Element {
	out := make([]*Element, 0, len(e.Children))
	for _, c := range e.Children {
		if c.IsElement() {
			c = f(c)
		}
		if c != nil {
			out = append(out, c)
		}
	}
	return e.WithChildren(out...)
}

// rename returns a copy of e with attributes renamed by the table, each
// reported. Where the new name is there already it wins, as it did.
func (u *upgrader) rename(e *Element, owner string, names map[string]string) *Element {
	out := e
	for _, a := range e.Attrs {
		to := names[a.Name]
		if to == "" || to == a.Name {
			continue
		}
		if v, ok := e.Lookup(to); ok {
			u.say(e, owner, Dropped, "attribute %s=%q is left out because %s=%q is given too", a.Name, a.Value, to, v)
			out = out.WithoutAttr(a.Name)
			continue
		}
		u.say(e, owner, Renamed, "attribute %s is now %s", a.Name, to)
		out = renameAttr(out, a.Name, to)
	}
	return out
}

// renameAttr renames one attribute in its place.
func renameAttr(e *Element, from, to string) *Element {
	c := *e
	c.Attrs = slices.Clone(e.Attrs)
	for i := range c.Attrs {
		if c.Attrs[i].Name == from {
			c.Attrs[i].Name = to
		}
	}
	return &c
}

func (u *upgrader) cib(e *Element) *Element {
	u.whole = true
	out := e
	for _, a := range e.Attrs {
		if why, ok := hb2CIBDropped[a.Name]; ok {
			u.say(e, "", Dropped, "attribute %s=%q has no equivalent: %s", a.Name, a.Value, why)
			out = out.WithoutAttr(a.Name)
		}
	}
	out = u.rename(out, "", hb2CIB)
	if v, ok := out.Lookup("have-quorum"); ok {
		if b, err := ParseBool(v); err == nil {
			out = out.WithAttr("have-quorum", map[bool]string{true: "1", false: "0"}[b])
		}
	}
	for _, name := range []string{"admin_epoch", "epoch", "num_updates"} {
		if _, ok := out.Lookup(name); !ok {
			u.say(e, "", Added, "attribute %s is missing and taken as 0", name)
			out = out.WithAttr(name, "0")
		}
	}
	schema := hb2Schema
	if v, ok := out.Lookup("ignore_dtd"); ok {
		out = out.WithoutAttr("ignore_dtd")
		if b, _ := ParseBool(v); b {
			schema = "none"
			u.say(e, "", Renamed, "attribute ignore_dtd=%q is now validate-with=\"none\": the document is not checked against a schema", v)
		} else {
			u.say(e, "", Dropped, "attribute ignore_dtd=%q is what validate-with=%q says now", v, schema)
		}
	}
	out = out.WithAttr("validate-with", schema)
	out = u.mapChildren(out, func(c *Element) *Element {
		switch c.Name {
		case "configuration":
			return u.configuration(c)
		case "status":
			return u.status(c)
		}
		u.say(c, "", Kept, "the element is not known")
		return c
	})
	if out.First("configuration") == nil {
		u.say(e, "", Added, "there is no configuration section: an empty one is made")
		out = out.WithChildren(append([]*Element{u.configuration(New("configuration"))}, out.Children...)...)
	}
	if out.First("status") == nil {
		out = out.WithChild(New("status"))
	}
	return out
}

func (u *upgrader) configuration(e *Element) *Element {
	u.whole = true
	u.defaults = map[string][]*Element{}
	out := u.mapChildren(e, func(c *Element) *Element {
		switch c.Name {
		case "crm_config", "nodes", "resources", "constraints":
			return u.fragment(c)
		}
		u.say(c, "", Kept, "the element is not known to the old dialect")
		return c
	})
	for _, name := range []string{"crm_config", "nodes", "resources", "constraints"} {
		if out.First(name) == nil {
			c := New(name)
			if name == "crm_config" {
				c = u.crmConfig(c)
			}
			out = out.WithChild(c)
		}
	}
	for _, name := range []string{"rsc_defaults", "op_defaults"} {
		sets := u.defaults[name]
		if len(sets) == 0 {
			continue
		}
		if len(sets) > 1 {
			for i, s := range sets {
				// The set cib-bootstrap-options came first of all by itself.
				if id := s.ID(); id == "rsc-options" || id == "op-options" {
					sets[i] = s.WithAttr("score", "INFINITY")
				}
			}
		}
		section := out.First(name)
		if section == nil {
			out = out.WithChild(New(name).WithChildren(sets...))
		} else {
			out = out.WithReplaced(section, section.WithChildren(append(slices.Clone(section.Children), sets...)...))
		}
	}
	return out
}

func (u *upgrader) node(e *Element) *Element {
	switch e.Get("type") {
	case "ping":
		u.say(e, "", Dropped, "%s is a ping node: these are no members of the cluster and are named by ping in ha.cf only", e.Get("uname"))
		return nil
	case "normal":
		u.say(e, "", Changed, "type normal is now member")
		e = e.WithAttr("type", "member")
	}
	return u.mapChildren(e, func(c *Element) *Element { return u.fragment(c) })
}
