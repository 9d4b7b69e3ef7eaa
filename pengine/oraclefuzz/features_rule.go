package oraclefuzz

import (
	"strconv"

	"github.com/quorate/quorate/cib"
)

// scatter sets a node attribute on most nodes, permanent or transient.
func (g *gen) scatter(name string, values ...string) {
	for _, n := range g.nodes {
		if g.chance(0.15) {
			continue
		}
		if g.chance(0.5) {
			n.transient = set(n.transient, name, pick(g, values...))
		} else {
			n.attrs = set(n.attrs, name, pick(g, values...))
		}
	}
}

// typed makes a feature of an attribute rule with a type.
func typed(typ string, values ...string) Feature {
	return Feature{"rule-" + typ, phaseConstraints, func(g *gen) {
		g.scatter("attr-"+typ, values...)
		g.constrain(g.ruled(nil, g.expr("attr-"+typ, pick(g, "lt", "gt", "lte", "gte", "eq", "ne"), "value", pick(g, values...), "type", typ)))
	}, has("expression", "type", typ)}
}

var ruleFeatures = []Feature{
	{"rule-node", phaseConstraints, func(g *gen) {
		n := g.aNode()
		e := g.expr(pick(g, "#uname", "#uname", "#id", "#kind", "#is_dc"), pick(g, "eq", "ne"))
		switch e.Get("attribute") {
		case "#uname":
			e = e.WithAttr("value", n.name)
		case "#id":
			e = e.WithAttr("value", n.id)
		case "#kind":
			e = e.WithAttr("value", "cluster")
		default:
			e = e.WithAttr("value", pick(g, "true", "false"))
		}
		g.constrain(g.ruled(nil, e))
	}, func(v view) bool {
		return anyOf(v.conf["expression"], func(e *cib.Element) bool { return e.Get("attribute")[0] == '#' })
	}},
	{"rule-defined", phaseConstraints, func(g *gen) {
		g.scatter("pingd", "0", "100", "200")
		g.constrain(g.ruled([]string{"boolean-op", "or"}, g.expr("pingd", pick(g, "not_defined", "defined")), g.expr("pingd", "lte", "value", "0", "type", "number")))
	}, func(v view) bool {
		return has("expression", "operation", "defined")(v) || has("expression", "operation", "not_defined")(v)
	}},
	typed("string", "a", "b", "B", "10", "9"),
	typed("integer", "-1", "5", "10", "9", "1.5", "x"),
	typed("number", "1", "2.5", "10", "-3", "abc"),
	typed("version", "1.2", "1.10", "1.2.0", "2", "1.2-3"),
	{"rule-untyped", phaseConstraints, func(g *gen) {
		g.scatter("level", "1", "5", "10", "2.5")
		g.constrain(g.ruled(nil, g.expr("level", pick(g, "lt", "gt", "gte", "eq"), "value", pick(g, "2", "5", "10"))))
	}, func(v view) bool {
		return anyOf(v.conf["expression"], func(e *cib.Element) bool { return e.Get("attribute") == "level" && e.Get("type") == "" })
	}},
	{"rule-score-attribute", phaseConstraints, func(g *gen) {
		g.scatter("pingd", "0", "100", "200", "-INFINITY", "INFINITY")
		g.constrain(g.ruled([]string{"score-attribute", "pingd"}, g.expr("pingd", "defined")))
	}, has("rule", "score-attribute", "*")},
	{"rule-role", phaseConstraints, func(g *gen) {
		c := g.anyPromotable()
		e := g.ruled([]string{"role", pick(g, "Promoted", "Master")}, g.expr("#uname", pick(g, "eq", "ne"), "value", g.aNode().name))
		g.constrain(e.WithAttr("rsc", c.id))
	}, has("rule", "role", "*")},
	{"rule-nested", phaseConstraints, func(g *gen) {
		g.scatter("site", "a", "b")
		inner := g.rule([]string{"boolean-op", pick(g, "or", "and")}, g.expr("site", "eq", "value", "a"), g.expr("#uname", "eq", "value", g.aNode().name))
		g.constrain(g.ruled([]string{"boolean-op", pick(g, "or", "and")}, inner, g.expr("site", "defined")))
	}, in("rule", "rule")},
	{"rule-several", phaseConstraints, func(g *gen) {
		e := g.ruled(nil, g.expr("#uname", "eq", "value", g.aNode().name))
		e.Children = append(e.Children, g.rule([]string{"score", g.score()}, g.expr("#uname", "ne", "value", g.aNode().name)))
		g.constrain(e)
	}, func(v view) bool {
		return anyOf(v.conf["rsc_location"], func(e *cib.Element) bool { return len(e.All("rule")) > 1 })
	}},
	{"rule-date", phaseConstraints, func(g *gen) {
		g.constrain(g.ruled([]string{"boolean-op", pick(g, "and", "or")}, g.dateExpr(), g.expr("#uname", "eq", "value", g.aNode().name)))
	}, in("rsc_location", "date_expression")},
	{"rule-value-source", phaseConstraints, func(g *gen) {
		l := g.plain()
		kind := pick(g, "param", "meta")
		if kind == "param" {
			l.params = set(l.params, "where", "x")
		} else {
			l.meta = set(l.meta, "where", "x")
		}
		g.scatter("zone", "x", "y")
		g.constrain(g.ruled(nil, g.expr("zone", pick(g, "eq", "ne"), "value", "where", "value-source", kind)).WithAttr("rsc", l.id))
	}, has("expression", "value-source", "*")},
	{"rule-rsc-expression", phaseMeta, func(g *gen) {
		r := g.rule([]string{"boolean-op", "and"}, g.rscExpr())
		switch g.r.IntN(2) {
		case 0:
			g.rscDef = append(g.rscDef, g.guarded("meta_attributes", r, pair{pick(g, "resource-stickiness", "priority", "is-managed"), "0"}))
			if last := g.rscDef[len(g.rscDef)-1]; last.Children[1].Get("name") == "is-managed" {
				last.Children[1] = last.Children[1].WithAttr("value", "false")
			}
		default:
			g.opDef = append(g.opDef, g.guarded("meta_attributes", r, pair{"timeout", strconv.Itoa(41+g.r.IntN(3)) + "s"}))
		}
	}, has("rsc_expression")},
	{"rule-op-expression", phaseMeta, func(g *gen) {
		x := cib.New("op_expression", "id", g.name("opx"), "name", pick(g, "monitor", "start", "stop"))
		if x.Get("name") == "monitor" && g.chance(0.5) {
			x = x.WithAttr("interval", pick(g, "10s", "0", "9s"))
		}
		exprs := []*cib.Element{x}
		if g.chance(0.3) {
			exprs = append(exprs, g.rscExpr())
		}
		r := g.rule([]string{"boolean-op", pick(g, "and", "or")}, exprs...)
		g.opDef = append(g.opDef, g.guarded("meta_attributes", r, pick(g, pair{"timeout", "55s"}, pair{"on-fail", pick(g, "ignore", "block", "restart")}, pair{"start-delay", "3s"})))
	}, has("op_expression")},
	{"rule-params", phaseMeta, func(g *gen) {
		l := g.leaf()
		l.extra = append(l.extra, g.guarded("instance_attributes", g.rule(nil, g.expr("#uname", pick(g, "eq", "ne"), "value", g.aNode().name)), pair{pick(g, "state", "iface"), pick(g, "eth0", "eth1")}))
	}, in("instance_attributes", "rule")},
	{"rule-meta", phaseMeta, func(g *gen) {
		r := g.anyRsc()
		r.extra = append(r.extra, g.guarded("meta_attributes", g.rule(nil, g.dateExpr()), pick(g, pair{"resource-stickiness", "77"}, pair{"target-role", "Stopped"}, pair{"priority", "9"}, pair{"is-managed", "false"})))
	}, func(v view) bool {
		for _, k := range []string{"primitive", "group", "clone"} {
			for _, e := range v.conf[k] {
				for _, m := range e.All("meta_attributes") {
					if m.First("rule") != nil {
						return true
					}
				}
			}
		}
		return false
	}},
}

func (g *gen) rscExpr() *cib.Element {
	x := cib.New("rsc_expression", "id", g.name("rscx"))
	switch g.r.IntN(3) {
	case 0:
		return x.WithAttr("class", pick(g, "ocf", "systemd", "stonith"))
	case 1:
		return x.WithAttr("class", "ocf").WithAttr("provider", "pacemaker").WithAttr("type", pick(g, "Dummy", "Stateful"))
	}
	return x.WithAttr("type", pick(g, "Dummy", "Stateful", "IPaddr2"))
}
