package cib

import (
	"strings"
)

// constraint upgrades one constraint.
func (u *upgrader) constraint(e *Element) *Element {
	switch e.Name {
	case "rsc_order":
		return u.order(e)
	case "rsc_colocation":
		return u.colocation(e)
	}
	return u.location(e)
}

// order upgrades rsc_order, read "action FROM type to_action TO".
func (u *upgrader) order(e *Element) *Element {
	if _, ok := e.Lookup("first"); ok {
		return u.mapChildren(e, u.fragment)
	}
	after := true
	switch t := e.Get("type"); strings.ToLower(t) {
	case "", "after":
	case "before":
		after = false
	default:
		u.say(e, "", Note, "type=%q is neither before nor after and is read as after", t)
	}
	first, then := e.Get("from"), e.Get("to")
	action, hasAction := e.Lookup("action")
	toAction, hasTo := e.Lookup("to_action")
	if !hasTo && hasAction {
		toAction, hasTo = action, true
	}
	firstAction, thenAction := action, toAction
	if after {
		first, then = then, first
		firstAction, thenAction = toAction, action
	}
	out := &Element{Name: e.Name, Line: e.Line}
	set := func(name, value string) { out.Attrs = append(out.Attrs, Attr{name, value}) }
	if id, ok := e.Lookup("id"); ok {
		set("id", id)
	}
	set("first", first)
	set("then", then)
	if hasAction || hasTo {
		for _, a := range []Attr{{"first-action", firstAction}, {"then-action", thenAction}} {
			if a.Value == "" {
				a.Value = "start"
			}
			set(a.Name, strings.ToLower(a.Value))
		}
	}
	for _, a := range e.Attrs {
		switch a.Name {
		case "id", "from", "to", "type", "action", "to_action":
		case "score":
			kind := "Mandatory"
			switch n, err := ParseScore(u.score(e, "", "score", a.Value)); {
			case err == nil && n == 0:
				kind = "Optional"
			case err == nil && n < 0:
				u.say(e, "", Dropped, "score=%q made the later action pull the earlier one, which has no equivalent: the order is Mandatory now", a.Value)
			}
			set("kind", kind)
			u.say(e, "", Renamed, "score=%q is now kind=%q", a.Value, kind)
		case "symmetrical":
			set("symmetrical", u.bool(a.Value))
		default:
			u.say(e, "", Kept, "attribute %s=%q is not known", a.Name, a.Value)
			set(a.Name, a.Value)
		}
	}
	u.say(e, "", Renamed, "from, to and type are now first=%q and then=%q", first, then)
	return u.lifetime(out.WithChildren(e.Children...))
}

// bool writes a boolean as today's schema wants it where it is one.
func (u *upgrader) bool(v string) string {
	if b, err := ParseBool(v); err == nil {
		return boolText(b)
	}
	return v
}

// lifetime upgrades the rules in the lifetime of an order or colocation; the
// element itself is still known.
func (u *upgrader) lifetime(e *Element) *Element {
	return u.mapChildren(e, func(c *Element) *Element {
		if c.Name != "lifetime" {
			return c
		}
		for _, a := range c.Attrs {
			u.say(c, e.ID(), Dropped, "attribute %s=%q of the lifetime has no equivalent", a.Name, a.Value)
			c = c.WithoutAttr(a.Name)
		}
		return u.mapChildren(c, u.fragment)
	})
}

func (u *upgrader) colocation(e *Element) *Element {
	out := u.rename(e, "", map[string]string{"from": "rsc", "to": "with-rsc", "from_role": "rsc-role", "to_role": "with-rsc-role", "node_attribute": "node-attribute"})
	for _, a := range out.Attrs {
		switch a.Name {
		case "score":
			out = out.WithAttr("score", u.score(e, "", "score", a.Value))
		case "rsc-role", "with-rsc-role":
			out = out.WithAttr(a.Name, u.role(e, "", a.Name, a.Value))
		case "symmetrical":
			u.say(e, "", Dropped, "attribute symmetrical=%q has no equivalent, and had no effect", a.Value)
			out = out.WithoutAttr("symmetrical")
		}
	}
	return u.lifetime(out)
}

func (u *upgrader) location(e *Element) *Element {
	out := e
	if v, ok := e.Lookup("score"); ok {
		out = out.WithAttr("score", u.score(e, "", "score", v))
	}
	var life []*Element
	out = u.mapChildren(out, func(c *Element) *Element {
		switch c.Name {
		case "lifetime":
			life = append(life, u.lifetime(e.WithChildren(c)).First("lifetime"))
			return nil
		case "rule":
			return u.rule(c)
		}
		return c
	})
	if co := u.colocated(e, out); co != nil {
		return co
	}
	for _, l := range life {
		out = u.limit(e, out, l)
	}
	return out
}

// colocated turns the operation #colocated, which only the first versions of
// the dialect had, into a colocation.
func (u *upgrader) colocated(e, out *Element) *Element {
	var at *Element
	out.Walk(func(x *Element) bool {
		if x.Name == "expression" && x.Get("operation") == "#colocated" {
			at = x
		}
		return at == nil
	})
	if at == nil {
		return nil
	}
	rules := out.All("rule")
	if len(rules) != 1 || len(rules[0].Children) != 1 || rules[0].Children[0] != at || at.Get("attribute") == e.Get("rsc") {
		u.say(at, e.ID(), Note, "the operation #colocated with %s cannot be part of a rule: write a constraint rsc_colocation", at.Get("attribute"))
		return nil
	}
	score := rules[0].Get("score")
	u.say(e, "", Changed, "a rule with the operation #colocated is a colocation today: %s with %s, score %s", e.Get("rsc"), at.Get("attribute"), score)
	u.say(rules[0], "", Dropped, "the rule went into the colocation %s", e.ID())
	u.say(at, "", Dropped, "the expression went into the colocation %s", e.ID())
	return &Element{Name: "rsc_colocation", Line: e.Line, Attrs: []Attr{
		{"id", e.ID()}, {"rsc", e.Get("rsc")}, {"with-rsc", at.Get("attribute")}, {"score", score},
	}}
}

// limit puts the rules of a lifetime into the rules of a location: a constraint
// whose lifetime is over is ignored, and so is a rule that does not match.
func (u *upgrader) limit(e, out, life *Element) *Element {
	if len(life.All("rule")) == 0 {
		u.say(life, e.ID(), Dropped, "the lifetime has no rule and so no effect")
		return out
	}
	if node, ok := out.Lookup("node"); ok {
		r := New("rule", "score", out.Get("score")).WithChild(New("expression", "attribute", "#uname", "operation", "eq", "value", node))
		out = out.WithoutAttr("node").WithoutAttr("score").WithChild(r)
	}
	u.say(life, e.ID(), Moved, "the lifetime is now part of each rule of the constraint")
	copies := 0
	return u.mapChildren(out, func(r *Element) *Element {
		if r.Name != "rule" {
			return r
		}
		outer := &Element{Name: "rule", Line: r.Line}
		inner := r
		for _, a := range r.Attrs {
			switch a.Name {
			case "boolean-op":
			case "id":
				inner = inner.WithoutAttr("id")
				outer.Attrs = append(outer.Attrs, a)
			default:
				inner = inner.WithoutAttr(a.Name)
				outer.Attrs = append(outer.Attrs, a)
			}
		}
		outer.Attrs = append(outer.Attrs, Attr{"boolean-op", "and"})
		limits := New("rule", "boolean-op", "or")
		for _, l := range life.All("rule") {
			if copies > 0 {
				l = withoutIDs(l)
			}
			limits = limits.WithChild(l.WithoutAttr("score").WithoutAttr("score-attribute"))
		}
		copies++
		if len(limits.Children) == 1 {
			limits = limits.Children[0]
		}
		return outer.WithChildren(inner, limits)
	})
}

// rule upgrades a rule and the rules and expressions in it.
func (u *upgrader) rule(e *Element) *Element {
	out := u.rename(e, "", map[string]string{"boolean_op": "boolean-op", "score_attribute": "score-attribute", "score_attribute_mangled": "score-attribute"})
	for _, a := range out.Attrs {
		switch a.Name {
		case "score":
			out = out.WithAttr("score", u.score(e, "", "score", a.Value))
		case "boolean-op":
			out = out.WithAttr("boolean-op", strings.ToLower(a.Value))
		case "role":
			out = out.WithAttr("role", u.role(e, "", "role", a.Value))
		}
	}
	n := 0
	out = u.mapChildren(out, func(c *Element) *Element {
		n++
		switch c.Name {
		case "rule":
			return u.rule(c)
		case "expression":
			return u.expression(c, e.ID())
		case "date_expression":
			if _, ok := c.Lookup("operation"); !ok {
				u.say(c, e.ID(), Added, "operation=\"in_range\" is written down: it was the default")
				return c.WithAttr("operation", "in_range")
			}
		}
		return c
	})
	if n == 0 {
		u.say(e, "", Added, "the rule is empty, which was read as true: an expression that is always true is written down")
		out = out.WithChild(New("expression", "attribute", "#uname", "operation", "defined"))
	}
	if s, err := ParseScore(out.Get("score")); err == nil && s != 0 && s > -Infinity && s < Infinity && out.Get("boolean-op") == "or" && n > 1 {
		u.say(e, "", Note, "the score was added once for each expression that matches; today it is added once")
	}
	return out
}

func (u *upgrader) expression(e *Element, owner string) *Element {
	op, ok := e.Lookup("operation")
	if !ok {
		u.say(e, owner, Note, "the expression has no operation: it matches nothing that is known")
		return e
	}
	switch op {
	case "lt", "gt", "lte", "gte":
		if _, ok := e.Lookup("type"); !ok {
			u.say(e, owner, Added, "type=\"string\" is written down: it was the default, and numbers are compared as numbers today")
			return e.WithAttr("type", "string")
		}
	}
	return e
}

// prune leaves out constraints that name a resource which does not exist: they
// had no effect, and today's schema refuses a document that has one.
func (u *upgrader) prune(root *Element) *Element {
	conf := root.First("configuration")
	section := conf.First("constraints")
	if section == nil {
		return root
	}
	exist := map[string]bool{}
	conf.First("resources").Walk(func(e *Element) bool {
		if idNeeded[e.Name] == 1 {
			exist[e.ID()] = true
		}
		return true
	})
	pruned := u.mapChildren(section, func(c *Element) *Element {
		for _, name := range resourceRefs[c.Name] {
			id, ok := c.Lookup(name)
			if !ok || exist[id] {
				continue
			}
			c.Walk(func(x *Element) bool {
				if x != c && x.ID() != "" {
					u.say(x, "", Dropped, "the element goes with the constraint %s", c.ID())
				}
				return true
			})
			why := "no resource has this id, so the constraint had no effect"
			if i := strings.LastIndexByte(id, ':'); i > 0 {
				why = "a single instance of a clone cannot be named today"
			}
			u.say(c, "", Dropped, "the constraint is left out because of %s=%q: %s (it was %s)", name, id, why, c)
			return nil
		}
		return c
	})
	if len(pruned.Children) == len(section.Children) {
		return root
	}
	return root.WithReplaced(conf, conf.WithReplaced(section, pruned))
}
