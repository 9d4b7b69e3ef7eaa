package cib

import (
	"slices"
	"strings"
)

// metaSet collects the options of one resource that become meta attributes.
type metaSet struct {
	// attrs come from XML attributes, which win over everything.
	attrs []*Element
	// given are the sets of meta attributes of the source.
	given []*Element
	// inner come from sets of instance attributes, which come last.
	inner []*Element
	// extra are written down because of other defaults; no set has them.
	extra []*Element
}

// resource upgrades a primitive, group, clone or master_slave.
func (u *upgrader) resource(e *Element) *Element {
	out := u.resourceName(e)
	m := &metaSet{}
	out = u.optionAttrs(e, out, m)
	var kids []*Element
	member := false
	for _, c := range e.Children {
		switch c.Name {
		case "instance_attributes":
			if s := u.instanceSet(e, c, m); s != nil {
				kids = append(kids, s)
			}
		case "meta_attributes":
			m.given = append(m.given, u.metaNames(e, u.set(c)))
		case "operations":
			kids = append(kids, u.mapChildren(c, func(o *Element) *Element {
				if o.Name != "op" {
					return o
				}
				n, extra := u.op(o, e.ID())
				m.attrs = append(m.attrs, extra...)
				return n
			}))
		case "primitive", "group", "clone", "master_slave":
			if e.Name == "clone" || e.Name == "master_slave" {
				if member {
					u.say(c, e.ID(), Dropped, "%s holds one resource only, and this is not the first: it was ignored", e.ID())
					continue
				}
				member = true
			}
			kids = append(kids, u.resource(c))
		default:
			kids = append(kids, c)
		}
	}
	if e.Name == "group" && e.First("primitive") == nil {
		u.say(e, "", Note, "the group is empty, which today's schema does not allow: give it a member or remove it")
	}
	switch e.Name {
	case "master_slave":
		m.extra = append(m.extra, New("nvpair", "name", "promotable", "value", "true"))
		fallthrough
	case "clone":
		if !m.has("globally-unique") {
			u.say(e, "", Added, "globally-unique=\"true\" is written down: it was the default, which is false today")
			m.extra = append(m.extra, New("nvpair", "name", "globally-unique", "value", "true"))
		}
	}
	return out.WithChildren(append(m.sets(e.ID()), kids...)...)
}

// has tells whether an option is given in any set.
func (m *metaSet) has(name string) bool {
	in := func(nv *Element) bool { return nv.Get("name") == name }
	if slices.ContainsFunc(m.attrs, in) {
		return true
	}
	return slices.ContainsFunc(append(slices.Clone(m.given), m.inner...), func(s *Element) bool {
		return slices.ContainsFunc(s.Children, in)
	})
}

// sets returns the sets in their order of precedence. Without any in the source
// the options go into one set.
func (m *metaSet) sets(owner string) []*Element {
	if len(m.extra) > 0 && !m.append(m.given) && (len(m.attrs) > 0 || !m.append(m.inner)) {
		m.attrs = append(m.attrs, m.extra...)
	}
	var own *Element
	if len(m.attrs) > 0 {
		own = New("meta_attributes", "id", owner+"-meta_attributes").WithChildren(m.attrs...)
	}
	rest := append(slices.Clone(m.given), m.inner...)
	if own == nil {
		return rest
	}
	if len(m.given) == 0 && len(m.inner) == 1 && m.inner[0].First("rule") == nil && m.inner[0].Get("score") == "" {
		names := map[string]bool{}
		for _, nv := range own.Children {
			names[nv.Get("name")] = true
		}
		clash := slices.ContainsFunc(m.inner[0].Children, func(nv *Element) bool { return names[nv.Get("name")] })
		if !clash {
			return []*Element{own.WithChildren(append(slices.Clone(own.Children), m.inner[0].Children...)...)}
		}
	}
	for _, s := range rest {
		if s.Get("score") != "" {
			own = own.WithAttr("score", "INFINITY")
			break
		}
	}
	return append([]*Element{own}, rest...)
}

// append puts the extra pairs into the first set that holds always.
func (m *metaSet) append(sets []*Element) bool {
	for i, s := range sets {
		if s.First("rule") == nil {
			sets[i] = s.WithChildren(append(slices.Clone(s.Children), m.extra...)...)
			return true
		}
	}
	return false
}

// resourceName upgrades the tag and what names the agent.
func (u *upgrader) resourceName(e *Element) *Element {
	out := e
	switch e.Name {
	case "master_slave":
		u.say(e, "", Renamed, "the element master_slave is now a clone with the option promotable")
		c := *e
		c.Name = "clone"
		return &c
	case "primitive":
	default:
		return e
	}
	provider, has := e.Lookup("provider")
	switch class := e.Get("class"); {
	case class == "ocf" && !has:
		u.say(e, "", Added, "provider=\"heartbeat\" is written down: it was the default of class ocf")
		out = out.WithAttr("provider", "heartbeat")
	case class != "ocf" && class != "" && has:
		u.say(e, "", Dropped, "attribute provider=%q has no meaning for class %s", provider, class)
		out = out.WithoutAttr("provider")
	}
	switch e.Get("class") {
	case "heartbeat":
		u.say(e, "", Kept, "class heartbeat (scripts of /etc/ha.d/resource.d with positional parameters) is executed here, but Pacemaker 2 does not know it")
	case "":
		u.say(e, "", Note, "the primitive has no class: today's schema demands one")
	}
	return out
}

// optionAttrs turns options written as XML attributes into meta attributes.
func (u *upgrader) optionAttrs(e, out *Element, m *metaSet) *Element {
	for _, a := range e.Attrs {
		to := hb2Meta[a.Name]
		if to == "" {
			switch a.Name {
			case "id", "description", "class", "type", "provider", "template":
			default:
				u.say(e, "", Kept, "attribute %s=%q is not known", a.Name, a.Value)
			}
			continue
		}
		out = out.WithoutAttr(a.Name)
		nv := &Element{Name: "nvpair", Line: e.Line, Attrs: []Attr{{"name", a.Name}, {"value", a.Value}}}
		nv = u.metaOption(e.ID(), nv)
		if nv != nil {
			m.attrs = append(m.attrs, nv)
			u.say(e, "", Moved, "attribute %s is now the meta attribute %s", a.Name, nv.Get("name"))
		}
	}
	return out
}

// metaOption upgrades name and value of one option of a resource; it returns
// nil if there is no equivalent.
func (u *upgrader) metaOption(owner string, nv *Element) *Element {
	name, value := nv.Get("name"), nv.Get("value")
	if name == "resource_failure_stickiness" {
		return u.failureStickiness(nv, owner, func(n *Element) *Element { return n })
	}
	if to := hb2Meta[name]; to != "" {
		nv = nv.WithAttr("name", to)
	}
	switch nv.Get("name") {
	case "target-role":
		to, ok := CanonicalRole(value)
		if strings.EqualFold(value, "default") {
			to, ok = "#default", true
		}
		if ok && to != value {
			u.say(nv, owner, Changed, "value %s of %s is now %s", value, name, to)
			nv = nv.WithAttr("value", to)
		}
	case "resource-stickiness", "priority":
		if !strings.HasPrefix(value, "#") && value != "" {
			nv = nv.WithAttr("value", u.score(nv, owner, name, value))
		}
	}
	return nv
}

// metaNames upgrades the names in a set of meta attributes.
func (u *upgrader) metaNames(owner, s *Element) *Element {
	return u.mapChildren(s, func(nv *Element) *Element {
		if nv.Name != "nvpair" {
			return nv
		}
		n := u.metaOption(owner.ID(), nv)
		if n != nil && n.Get("name") != nv.Get("name") && n.Get("name") != "migration-threshold" {
			u.say(nv, owner.ID(), Renamed, "meta attribute %s is now %s", nv.Get("name"), n.Get("name"))
		}
		return n
	})
}

// instanceSet upgrades a set of instance attributes; options of the cluster
// found there go to a set of meta attributes. It returns nil if nothing is left.
func (u *upgrader) instanceSet(owner, e *Element, m *metaSet) *Element {
	s := u.set(e)
	var stay, options []*Element
	for _, c := range s.Children {
		name := c.Get("name")
		if c.Name != "nvpair" || hb2Meta[name] == "" || !strings.Contains(name, "_") && !hb2Inside[owner.Name][name] {
			stay = append(stay, c)
			continue
		}
		if n := u.metaOption(owner.ID(), c); n != nil {
			options = append(options, n)
			u.say(c, owner.ID(), Moved, "option %s stood among the instance attributes and is now the meta attribute %s", name, n.Get("name"))
		}
	}
	if len(options) == 0 && len(stay) == len(s.Children) {
		return s
	}
	left := slices.ContainsFunc(stay, func(c *Element) bool { return c.Name != "rule" })
	meta := New("meta_attributes", "id", owner.ID()+"-meta_attributes")
	if v, ok := s.Lookup("score"); ok {
		meta = meta.WithAttr("score", v)
	}
	for _, r := range s.All("rule") {
		if left {
			r = withoutIDs(r)
		}
		meta = meta.WithChild(r)
	}
	if len(options) > 0 {
		m.inner = append(m.inner, meta.WithChildren(append(slices.Clone(meta.Children), options...)...))
	}
	if !left {
		u.say(e, owner.ID(), Dropped, "the set of instance attributes is left empty: all it held were options, which are meta attributes now")
		return nil
	}
	return s.WithChildren(stay...)
}

// op upgrades an operation; the second result holds meta attributes which the
// resource must get instead.
func (u *upgrader) op(e *Element, owner string) (*Element, []*Element) {
	out := u.rename(e, owner, map[string]string{"on_fail": "on-fail", "start_delay": "start-delay"})
	var meta []*Element
	if v, ok := e.Lookup("prereq"); ok {
		out = out.WithoutAttr("prereq")
		if e.Get("name") == "start" {
			u.say(e, owner, Moved, "attribute prereq of the start is now the meta attribute requires=%q of %s", v, owner)
			meta = append(meta, New("nvpair", "name", "requires", "value", v))
		} else {
			u.say(e, owner, Dropped, "attribute prereq=%q has no equivalent for %s, and had no effect there", v, e.Get("name"))
		}
	}
	if v, ok := e.Lookup("disabled"); ok {
		if b, err := ParseBool(v); err == nil {
			u.say(e, owner, Renamed, "attribute disabled=%q is now enabled=%q", v, boolText(!b))
			out = renameAttr(out, "disabled", "enabled").WithAttr("enabled", boolText(!b))
		} else {
			u.say(e, owner, Dropped, "attribute disabled=%q is neither true nor false and is taken as false", v)
			out = out.WithoutAttr("disabled")
		}
	}
	if v, ok := e.Lookup("role_after_failure"); ok {
		u.say(e, owner, Dropped, "attribute role_after_failure=%q has no equivalent: a resource that failed to be promoted or demoted is recovered by on-fail", v)
		out = out.WithoutAttr("role_after_failure")
	}
	switch v := strings.ToLower(out.Get("on-fail")); v {
	case "":
	case "nothing":
		u.say(e, owner, Changed, "on_fail=\"nothing\" was read as restart and is written so")
		out = out.WithAttr("on-fail", "restart")
	case "migrate":
		u.say(e, owner, Changed, "on_fail=\"migrate\" is now on-fail=\"restart\" with migration-threshold=\"1\" of %s: the first failure moves the resource away", owner)
		out = out.WithAttr("on-fail", "restart")
		meta = append(meta, New("nvpair", "name", "migration-threshold", "value", "1"))
	default:
		out = out.WithAttr("on-fail", v)
	}
	if v, ok := out.Lookup("role"); ok {
		out = out.WithAttr("role", u.role(e, owner, "role", v))
	}
	if _, ok := out.Lookup("interval"); !ok {
		out = out.WithAttr("interval", "0")
		u.say(e, owner, Added, "interval=\"0\" is written down: it was the default and must be given today")
	}
	return u.mapChildren(out, func(c *Element) *Element { return u.fragment(c) }), meta
}

func (u *upgrader) role(e *Element, owner, what, v string) string {
	to, ok := CanonicalRole(v)
	if !ok {
		u.say(e, owner, Note, "%s=%q is no role", what, v)
		return v
	}
	if to != v {
		u.say(e, owner, Changed, "%s %s is now %s", what, v, to)
	}
	return to
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
