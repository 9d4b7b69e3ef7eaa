package cib

import (
	"fmt"
	"strings"

	"github.com/quorate/quorate/cib/grammar"
)

// UpgradeSchema brings a document from the schema that it names to the newest
// that it can be made valid in, as Pacemaker's own upgrade does, and reports what
// it did not simply take over. What the newer schemas have no place for is left
// out and reported as dropped. Where it stops before the newest schema, a note at
// the end of the report says why.
//
// A document without a schema (see [NoSchema]), or of one that is not known,
// comes back as it is. One that its own schema does not allow, or that cannot be
// brought any further, is refused: the error wraps ErrSchema, and nothing changed.
func UpgradeSchema(root *Element) (*Element, Report, error) {
	with := root.Get("validate-with")
	if grammar.Load(with) == nil {
		return root, nil, nil
	}
	if p := firstFault(root, with); p != nil {
		return nil, nil, fmt.Errorf("%w: it is not valid in %s, which it names: %v", ErrSchema, with, p)
	}
	if with == grammar.Newest {
		return root, nil, nil
	}
	u := &schemaUpgrader{}
	out, stopped := root, (*Problem)(nil)
	for _, step := range []struct {
		last      string // of the schemas between which only the name changes
		transform func(*Element) *Element
	}{
		{"pacemaker-1.3", nil},
		{"pacemaker-2.10", func(e *Element) *Element { return mapPath(e, u.acls, "configuration", "acls") }},
		{grammar.Newest, u.toThree},
	} {
		at := out.Get("validate-with")
		if !grammar.Later(step.last, at) {
			continue
		}
		if step.transform != nil && series(at) != series(step.last) {
			// Nothing is touched in a document that is valid already.
			first := series(step.last) + "0"
			next, report := out, len(u.report)
			if firstFault(out, first) != nil {
				next = step.transform(out)
			}
			if stopped = firstFault(next, first); stopped != nil {
				u.report = u.report[:report]
				break
			}
			out = next.WithAttr("validate-with", first)
		}
		if out, stopped = furthest(out, step.last); stopped != nil {
			break
		}
	}
	switch at := out.Get("validate-with"); {
	case stopped != nil && at == with:
		return nil, nil, fmt.Errorf("%w: it cannot be made valid in a newer schema than %s: %v", ErrSchema, with, stopped)
	case stopped != nil:
		u.report = append(u.report, Change{stopped.Line, "cib", stopped.ID, Note, fmt.Sprintf("the document stays in %s: %s", at, stopped.Sentence)})
	}
	return out, u.report, nil
}

// series is what a schema's name has before its last number: pacemaker-2.
func series(schema string) string { return schema[:strings.LastIndexByte(schema, '.')+1] }

// firstFault returns the first thing that a schema does not allow in a document,
// or nil.
func firstFault(root *Element, schema string) *Problem {
	faults, _ := grammar.Load(schema).Check((*node)(root), 1)
	if len(faults) == 0 {
		return nil
	}
	return &Problem{faults[0].Node.Position(), faults[0].Owner, faults[0].Sentence, Error}
}

// furthest names the newest schema up to last in which a document is valid as
// it is, and tells why it is not in last.
func furthest(root *Element, last string) (*Element, *Problem) {
	stopped := firstFault(root, last)
	if stopped == nil {
		return root.WithAttr("validate-with", last), nil
	}
	for i := len(grammar.Versions) - 1; i >= 0; i-- {
		name := grammar.Prefix + grammar.Versions[i]
		if !grammar.Later(name, last) && grammar.Later(name, root.Get("validate-with")) && firstFault(root, name) == nil {
			return root.WithAttr("validate-with", name), stopped
		}
	}
	return root, stopped
}

// mapPath replaces the element at a path below e, if it is there.
func mapPath(e *Element, f func(*Element) *Element, path ...string) *Element {
	at := e.Path(path...)
	if at == nil {
		return e
	}
	return substitute(e, at, f(at))
}

// schemaUpgrader is the state of one UpgradeSchema.
type schemaUpgrader struct {
	reporter
	// defaults are the pairs for op_defaults and rsc_defaults found in crm_config.
	defaults map[string][]*Element
	// sets are the sets of options by id, for references to them.
	sets map[string]*Element
}

// acls rewrites access control of 1.x: users are targets, what a role permits
// are permissions, and what a user is permitted directly goes into a role of its own.
func (u *schemaUpgrader) acls(e *Element) *Element {
	var kids []*Element
	for _, c := range e.Children {
		switch c.Name {
		case "acl_user":
			u.say(c, "", Renamed, "acl_user is now acl_target")
			target := New("acl_target", "id", c.ID())
			own := New("acl_role", "id", "auto-"+c.ID())
			for _, k := range c.Children {
				switch k.Name {
				case "role_ref":
					target = target.WithChild(New("role", "id", k.ID()))
				case "read", "write", "deny":
					own = own.WithChild(u.permission(k))
				default:
					target = target.WithChild(k)
				}
			}
			if len(own.Children) > 0 {
				u.say(c, "", Moved, "what the user was permitted directly is now in the role %s", own.ID())
				target = target.WithChild(New("role", "id", own.ID()))
				kids = append(kids, target, own)
			} else {
				kids = append(kids, target)
			}
		case "acl_role":
			kids = append(kids, u.each(c, func(k *Element) *Element {
				if k.Name == "read" || k.Name == "write" || k.Name == "deny" {
					return u.permission(k)
				}
				return k
			}))
		default:
			kids = append(kids, c)
		}
	}
	return e.WithChildren(kids...)
}

func (u *schemaUpgrader) permission(e *Element) *Element {
	p := New("acl_permission", "id", e.ID(), "kind", e.Name)
	p.Line = e.Line
	attribute, has := e.Lookup("attribute")
	ref, hasRef := e.Lookup("ref")
	tag, hasTag := e.Lookup("tag")
	switch xpath, ok := e.Lookup("xpath"); {
	case ok && has:
		p = p.WithAttr("xpath", xpath+"[@"+attribute+"]")
	case ok:
		p = p.WithAttr("xpath", xpath)
	case hasRef:
		p = p.WithAttr("reference", ref)
		if hasTag || has {
			u.say(e, "", Dropped, "the permission for %s=%q names no tag and no attribute any more", "ref", ref)
		}
	case hasTag && has:
		p = p.WithAttr("object-type", tag).WithAttr("attribute", attribute)
	case hasTag:
		p = p.WithAttr("object-type", tag)
	}
	return p
}

// each returns a copy of e with f applied to each child; a nil result leaves
// the child out. Without a change it is e itself.
func (u *schemaUpgrader) each(e *Element, f func(*Element) *Element) *Element {
	same := true
	kids := make([]*Element, 0, len(e.Children))
	for _, c := range e.Children {
		n := f(c)
		same = same && n == c
		if n != nil {
			kids = append(kids, n)
		}
	}
	if same {
		return e
	}
	return e.WithChildren(kids...)
}

// pairs counts the options of a set.
func pairs(e *Element) int { return len(e.All("nvpair")) }

// set upgrades a set of options with f. A set without options is left out; one
// that refers to another is upgraded as a copy of that would be, and stays if
// something of the copy does.
func (u *schemaUpgrader) set(e *Element, f func(*Element) *Element) *Element {
	ref, isRef := e.Lookup("id-ref")
	at := e
	if isRef {
		if at = u.sets[ref]; at == nil || at.Name != e.Name {
			u.say(e, ref, Dropped, "the reference to %s is left out: that is no such set", ref)
			return nil
		}
		at = copyOfSet(at)
	}
	out := f(at)
	if out == nil || pairs(out) == 0 {
		if out == at {
			u.say(e, ref, Dropped, "the set is left out because it is empty")
		}
		return nil
	}
	if isRef && out.Name == e.Name {
		return e
	}
	return out
}

// copyOfSet is what stands for a reference to a set, under ids of its own.
func copyOfSet(set *Element) *Element {
	id := "_cibtr-2_" + set.ID()
	kids := make([]*Element, len(set.Children))
	for i, c := range set.Children {
		if _, ok := c.Lookup("id"); ok {
			c = c.WithAttr("id", "_"+id+"__"+c.ID())
		}
		kids[i] = c
	}
	return set.WithAttr("id", id).WithChildren(kids...)
}

// toThree goes from 2.x to 3.0.
func (u *schemaUpgrader) toThree(root *Element) *Element {
	return mapPath(root, func(conf *Element) *Element {
		u.defaults, u.sets = map[string][]*Element{}, map[string]*Element{}
		conf.Walk(func(e *Element) bool {
			switch e.Name {
			case "cluster_property_set", "instance_attributes", "meta_attributes":
				if id := e.ID(); id != "" {
					u.sets[id] = e
				}
			}
			return true
		})
		conf = u.each(conf, func(c *Element) *Element {
			switch c.Name {
			case "crm_config":
				return u.each(c, u.options)
			case "nodes":
				return u.each(c, func(n *Element) *Element {
					if strings.TrimSpace(n.Get("type")) != "normal" {
						return n
					}
					u.say(n, "", Renamed, "the type normal is now member")
					return n.WithAttr("type", "member")
				})
			case "resources":
				return u.each(c, u.resource)
			case "constraints":
				return u.each(c, u.colocation)
			}
			return c
		})
		conf = u.addDefaults(conf, "op_defaults", "_2TO3_-op-defaults")
		return u.addDefaults(conf, "rsc_defaults", "_2TO3_-rsc-defaults")
	}, "configuration")
}

func (u *schemaUpgrader) colocation(e *Element) *Element {
	for _, name := range []string{"score-attribute", "score-attribute-mangle"} {
		if v, ok := e.Lookup(name); ok && e.Name == "rsc_colocation" {
			u.say(e, "", Dropped, "%s=%q has no equivalent: the constraint has no score now", name, v)
			e = e.WithoutAttr(name)
		}
	}
	return e
}
