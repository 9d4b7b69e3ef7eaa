package cib

import "slices"

// resource writes a primitive, group or clone in the old way.
func (d *downgrader) resource(e *Element) *Element {
	out := e
	switch e.Name {
	case "primitive":
		switch class := e.Get("class"); class {
		case "ocf", "lsb", "heartbeat", "stonith":
		case "":
			d.say(e, "", Note, "the primitive has no class of its own: Heartbeat 2 has no templates")
		default:
			d.say(e, "", Note, "Heartbeat 2 cannot execute class %s", class)
		}
		if t, ok := e.Lookup("template"); ok {
			d.say(e, "", Dropped, "template=%q has no equivalent: write its contents here", t)
			out = out.WithoutAttr("template")
		}
	case "clone", "master":
		out = d.clone(out)
	}
	out = d.prereq(out)
	return d.children(out)
}

// metaPair finds a meta attribute of a resource that holds always.
func metaPair(e *Element, name string) (set, nv *Element) {
	for _, s := range e.All("meta_attributes") {
		for _, p := range s.All("nvpair") {
			if p.Get("name") == name && s.First("rule") == nil {
				return s, p
			}
		}
	}
	return nil, nil
}

// withoutPair takes a pair out of a set, and the set out if it is left empty.
func withoutPair(e, set, nv *Element) *Element {
	left := set.WithReplaced(nv, nil)
	if len(left.Children) == 0 {
		return e.WithReplaced(set, nil)
	}
	return e.WithReplaced(set, left)
}

// clone tells clones and promotable clones apart by the tag again.
func (d *downgrader) clone(e *Element) *Element {
	out := *e
	if e.Name == "master" {
		out.Name = "master_slave"
	}
	res := &out
	if set, nv := metaPair(e, "promotable"); nv != nil {
		if b, _ := ParseBool(nv.Get("value")); b {
			res.Name = "master_slave"
		}
		res = withoutPair(res, set, nv)
	}
	if set, nv := metaPair(res, "globally-unique"); nv == nil {
		d.say(e, "", Added, "globally_unique=\"false\" is written down: it is the default today, and was true")
		pair := New("nvpair", "id", e.ID()+"-meta_attributes-globally_unique", "name", "globally-unique", "value", "false")
		sets := res.All("meta_attributes")
		if len(sets) > 0 {
			res = res.WithReplaced(sets[0], sets[0].WithChild(pair))
		} else {
			res = res.WithChildren(append([]*Element{New("meta_attributes", "id", e.ID()+"-meta_attributes").WithChild(pair)}, res.Children...)...)
		}
	} else if b, err := ParseBool(nv.Get("value")); err == nil && b {
		// The default of the old dialect needs no words.
		res = withoutPair(res, set, nv)
	}
	return res
}

// prereq writes the meta attribute requires at the start operation, if there
// is one.
func (d *downgrader) prereq(e *Element) *Element {
	set, nv := metaPair(e, "requires")
	ops := e.First("operations")
	if nv == nil || ops == nil {
		return e
	}
	if v := nv.Get("value"); v == "unfencing" {
		d.say(nv, e.ID(), Dropped, "requires=%q has no equivalent", v)
		return withoutPair(e, set, nv)
	}
	i := slices.IndexFunc(ops.Children, func(o *Element) bool { return o.Get("name") == "start" })
	if i < 0 {
		return e
	}
	start := ops.Children[i].WithAttr("prereq", nv.Get("value"))
	e = e.WithReplaced(ops, ops.WithReplaced(ops.Children[i], start))
	return withoutPair(e, set, nv)
}

func (d *downgrader) op(e *Element, owner string) *Element {
	out := oldRole(e, "role")
	if v, ok := out.Lookup("enabled"); ok {
		b, err := ParseBool(v)
		out = renameAttr(out, "enabled", "disabled").WithAttr("disabled", boolText(err == nil && !b))
	}
	if v, err := ParseInterval(out.Get("interval")); err == nil && v == 0 {
		out = out.WithoutAttr("interval")
	}
	switch v := out.Get("on_fail"); v {
	case "standby", "demote", "restart-container":
		d.say(e, owner, Dropped, "on-fail=%q has no equivalent: the default holds", v)
		out = out.WithoutAttr("on_fail")
	}
	for _, name := range []string{"interval-origin", "record-pending"} {
		if v, ok := out.Lookup(name); ok {
			d.say(e, owner, Dropped, "%s=%q has no equivalent", name, v)
			out = out.WithoutAttr(name)
		}
	}
	return d.children(out)
}

func (d *downgrader) location(e *Element) *Element {
	if _, ok := e.Lookup("rsc"); !ok {
		d.say(e, "", Dropped, "Heartbeat 2 has neither patterns nor sets of resources: %s", e)
		return nil
	}
	out := e
	if v, ok := e.Lookup("resource-discovery"); ok {
		d.say(e, "", Dropped, "resource-discovery=%q has no equivalent", v)
		out = out.WithoutAttr("resource-discovery")
	}
	if node, ok := e.Lookup("node"); ok {
		rule := New("rule", "id", e.ID()+"-rule", "score", e.Get("score")).WithChild(
			New("expression", "id", e.ID()+"-rule-expr", "attribute", "#uname", "operation", "eq", "value", node))
		out = out.WithoutAttr("node").WithoutAttr("score").WithChild(rule)
	}
	if role, ok := out.Lookup("role"); ok {
		out = out.WithoutAttr("role")
		for _, r := range out.All("rule") {
			out = out.WithReplaced(r, r.WithAttr("role", role))
		}
	}
	return d.children(out)
}

func (d *downgrader) order(e *Element) *Element {
	if _, ok := e.Lookup("first"); !ok {
		d.say(e, "", Dropped, "Heartbeat 2 has no sets of resources: %s", e)
		return nil
	}
	kind := e.Get("kind")
	if kind == "Serialize" {
		d.say(e, "", Dropped, "Heartbeat 2 has no order of the kind Serialize: %s", e)
		return nil
	}
	out := &Element{Name: e.Name, Line: e.Line, Attrs: []Attr{{"id", e.ID()}, {"from", e.Get("then")}}}
	first, hasFirst := e.Lookup("first-action")
	then, hasThen := e.Lookup("then-action")
	if !hasFirst {
		first = "start"
	}
	if !hasThen {
		then = first
	}
	if hasFirst || hasThen {
		out.Attrs = append(out.Attrs, Attr{"action", then})
	}
	out.Attrs = append(out.Attrs, Attr{"type", "after"}, Attr{"to", e.Get("first")})
	if first != then {
		out.Attrs = append(out.Attrs, Attr{"to_action", first})
	}
	switch {
	case kind == "Optional":
		out.Attrs = append(out.Attrs, Attr{"score", "0"})
	case kind == "Mandatory":
		out.Attrs = append(out.Attrs, Attr{"score", "INFINITY"})
	}
	for _, a := range e.Attrs {
		switch a.Name {
		case "symmetrical", "score":
			out.Attrs = append(out.Attrs, a)
		case "require-all":
			d.say(e, "", Dropped, "%s=%q has no equivalent", a.Name, a.Value)
		}
	}
	return d.children(out.WithChildren(e.Children...))
}
