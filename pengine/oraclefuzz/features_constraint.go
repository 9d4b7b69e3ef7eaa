package oraclefuzz

import (
	"fmt"
	"strings"

	"github.com/quorate/quorate/cib"
)

func (g *gen) constrain(e *cib.Element) { g.cons = append(g.cons, e) }

// location makes a location constraint on a resource and node.
func (g *gen) location(r *rsc, more ...string) *cib.Element {
	e := cib.New("rsc_location", "id", g.name("loc"), "rsc", g.ref(r), "node", g.aNode().name, "score", g.score())
	for i := 0; i+1 < len(more); i += 2 {
		e = e.WithAttr(more[i], more[i+1])
	}
	return e
}

// ruled makes a location constraint with a rule.
func (g *gen) ruled(ruleAttrs []string, exprs ...*cib.Element) *cib.Element {
	if !strings.HasPrefix(strings.Join(ruleAttrs, " ")+" ", "score") {
		ruleAttrs = append([]string{"score", g.score()}, ruleAttrs...)
	}
	e := cib.New("rsc_location", "id", g.name("loc"), "rsc", g.ref(g.anyRsc()))
	e.Children = append(e.Children, g.rule(ruleAttrs, exprs...))
	return e
}

// colocate makes a colocation of two resources without loops.
func (g *gen) colocate(score string, more ...string) *cib.Element {
	a, b := g.two()
	return cib.New("rsc_colocation", append([]string{"id", g.name("col"), "rsc", g.ref(b), "with-rsc", g.ref(a), "score", score}, more...)...)
}

// order makes an ordering of two resources without loops.
func (g *gen) order(more ...string) *cib.Element {
	a, b := g.two()
	return cib.New("rsc_order", append([]string{"id", g.name("ord"), "first", g.ref(a), "then", g.ref(b)}, more...)...)
}

// set makes a resource set of resources in order of rank, from the list.
func (g *gen) set(rs []*rsc, attrs ...string) *cib.Element {
	e := cib.New("resource_set", append([]string{"id", g.name("rset")}, attrs...)...)
	for _, r := range rs {
		e.Children = append(e.Children, cib.New("resource_ref", "id", r.id))
	}
	return e
}

// ranked are the top-level resources without fencing devices by rank; at least n.
func (g *gen) ranked(n int) []*rsc {
	var out []*rsc
	for {
		out = out[:0]
		for _, r := range g.rscs {
			if !r.stonith() {
				out = append(out, r)
			}
		}
		if len(out) >= n {
			break
		}
		g.addPrimitive()
	}
	for i := range out {
		for j := i; j > 0 && out[j].rank < out[j-1].rank; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	if len(out) > n && g.chance(0.6) {
		from := g.r.IntN(len(out) - n + 1)
		out = out[from : from+n]
	}
	return out
}

// sets splits resources into one to three sets with attributes made anew for each.
func (g *gen) sets(parent *cib.Element, rs []*rsc, attrs func() []string) *cib.Element {
	k := 1 + g.r.IntN(min(3, len(rs)))
	for i := range k {
		lo, hi := i*len(rs)/k, (i+1)*len(rs)/k
		if lo < hi {
			parent.Children = append(parent.Children, g.set(rs[lo:hi], attrs()...))
		}
	}
	return parent
}

func (g *gen) seq() []string {
	if g.chance(0.5) {
		return []string{"sequential", pick(g, "true", "false")}
	}
	return nil
}

func scoreOf(f func(s string) bool) func(view) bool {
	return func(v view) bool {
		return anyOf(v.conf["rsc_colocation"], func(e *cib.Element) bool { s := e.Get("score"); return s != "" && f(s) })
	}
}

var constraintFeatures = []Feature{
	{"location-node", phaseConstraints, func(g *gen) {
		for range 1 + g.r.IntN(3) {
			g.constrain(g.location(g.anyRsc()))
		}
	}, has("rsc_location", "node", "*", "rsc", "*")},
	{"location-role", phaseConstraints, func(g *gen) {
		g.constrain(g.location(g.anyPromotable(), "role", pick(g, "Promoted", "Promoted", "Master", "Unpromoted", "Started")))
	}, has("rsc_location", "role", "*")},
	{"resource-discovery", phaseConstraints, func(g *gen) {
		g.constrain(g.location(g.anyRsc(), "resource-discovery", pick(g, "never", "exclusive", "never", "exclusive", "always")))
	}, has("rsc_location", "resource-discovery", "*")},
	{"location-pattern", phaseConstraints, func(g *gen) {
		g.constrain(cib.New("rsc_location", "id", g.name("loc"), "rsc-pattern", pick(g, "^rsc", "rsc[1-3]$", ".*-clone", "!rsc1", "^(grp|rsc)([0-9]+)$"), "node", g.aNode().name, "score", g.score()))
	}, has("rsc_location", "rsc-pattern", "*")},
	{"location-set", phaseConstraints, func(g *gen) {
		e := cib.New("rsc_location", "id", g.name("loc"), "node", g.aNode().name, "score", g.score())
		g.constrain(g.sets(e, g.ranked(2), func() []string { return nil }))
	}, in("rsc_location", "resource_set")},
	{"colocation-finite", phaseConstraints, func(g *gen) { g.constrain(g.colocate(g.finite())) }, scoreOf(func(s string) bool { return !strings.Contains(s, "INFINITY") })},
	{"colocation-infinite", phaseConstraints, func(g *gen) { g.constrain(g.colocate("INFINITY")) }, scoreOf(func(s string) bool { return s == "INFINITY" })},
	{"colocation-never", phaseConstraints, func(g *gen) { g.constrain(g.colocate("-INFINITY")) }, scoreOf(func(s string) bool { return s == "-INFINITY" })},
	{"colocation-role", phaseConstraints, func(g *gen) {
		p := g.anyPromotable()
		o := g.some(func(r *rsc) bool { return r != p && !r.stonith() }, g.addPrimitive)
		e := cib.New("rsc_colocation", "id", g.name("col"), "score", pick(g, "INFINITY", "-INFINITY", "100", "-100"))
		role := pick(g, "Promoted", "Promoted", "Master", "Unpromoted")
		if p.rank < o.rank {
			e.Attrs = append(e.Attrs, cib.Attr{Name: "rsc", Value: o.id}, cib.Attr{Name: "with-rsc", Value: p.id}, cib.Attr{Name: "with-rsc-role", Value: role})
			if o.promotable() && g.chance(0.5) {
				e.Attrs = append(e.Attrs, cib.Attr{Name: "rsc-role", Value: "Promoted"})
			}
		} else {
			e.Attrs = append(e.Attrs, cib.Attr{Name: "rsc", Value: p.id}, cib.Attr{Name: "rsc-role", Value: role}, cib.Attr{Name: "with-rsc", Value: o.id})
		}
		g.constrain(e)
	}, func(v view) bool {
		return has("rsc_colocation", "rsc-role", "*")(v) || has("rsc_colocation", "with-rsc-role", "*")(v)
	}},
	{"colocation-node-attribute", phaseConstraints, func(g *gen) {
		for _, n := range g.nodes {
			if g.chance(0.9) {
				n.attrs = set(n.attrs, "site", pick(g, "a", "b"))
			}
		}
		g.constrain(g.colocate(pick(g, "INFINITY", "-INFINITY", "100"), "node-attribute", "site"))
	}, has("rsc_colocation", "node-attribute", "*")},
	{"colocation-influence", phaseConstraints, func(g *gen) {
		g.constrain(g.colocate(pick(g, "INFINITY", "100"), "influence", pick(g, "false", "false", "true")))
	}, has("rsc_colocation", "influence", "*")},
	{"colocation-set", phaseConstraints, func(g *gen) {
		e := cib.New("rsc_colocation", "id", g.name("col"), "score", pick(g, "INFINITY", "INFINITY", "200", "-100"))
		g.constrain(g.sets(e, g.ranked(2+g.r.IntN(3)), func() []string {
			a := g.seq()
			if g.chance(0.2) {
				a = append(a, "score", pick(g, "INFINITY", "100", "-INFINITY"))
			}
			if g.chance(0.1) {
				a = append(a, "ordering", pick(g, "listed", "group"))
			}
			return a
		}))
	}, in("rsc_colocation", "resource_set")},
	{"order-mandatory", phaseConstraints, func(g *gen) {
		e := g.order()
		if g.chance(0.6) {
			e = e.WithAttr("kind", "Mandatory")
		}
		g.constrain(e)
	}, func(v view) bool {
		return anyOf(v.conf["rsc_order"], func(e *cib.Element) bool {
			k := e.Get("kind")
			return k == "" && e.Get("score") == "" || k == "Mandatory"
		})
	}},
	{"order-optional", phaseConstraints, func(g *gen) {
		if g.chance(0.15) {
			g.constrain(g.order("score", "0")) // the older way to say it
			return
		}
		g.constrain(g.order("kind", "Optional"))
	}, func(v view) bool { return has("rsc_order", "kind", "Optional")(v) || has("rsc_order", "score", "0")(v) }},
	{"order-serialize", phaseConstraints, func(g *gen) { g.constrain(g.order("kind", "Serialize")) }, has("rsc_order", "kind", "Serialize")},
	{"order-asymmetric", phaseConstraints, func(g *gen) {
		g.constrain(g.order("symmetrical", "false"))
	}, has("rsc_order", "symmetrical", "false")},
	{"order-actions", phaseConstraints, func(g *gen) {
		p := g.anyPromotable()
		o := g.some(func(r *rsc) bool { return r != p && !r.stonith() }, g.addPrimitive)
		e := cib.New("rsc_order", "id", g.name("ord"))
		if p.rank < o.rank {
			e.Attrs = append(e.Attrs, cib.Attr{Name: "first", Value: p.id}, cib.Attr{Name: "first-action", Value: pick(g, "promote", "promote", "demote", "start", "stop")},
				cib.Attr{Name: "then", Value: o.id}, cib.Attr{Name: "then-action", Value: pick(g, "start", "start", "stop")})
		} else {
			e.Attrs = append(e.Attrs, cib.Attr{Name: "first", Value: o.id}, cib.Attr{Name: "first-action", Value: pick(g, "start", "start", "stop")},
				cib.Attr{Name: "then", Value: p.id}, cib.Attr{Name: "then-action", Value: pick(g, "promote", "promote", "demote", "start")})
		}
		if g.chance(0.3) {
			e = e.WithAttr("symmetrical", "false")
		}
		g.constrain(e)
	}, func(v view) bool {
		return has("rsc_order", "first-action", "*")(v) || has("rsc_order", "then-action", "*")(v)
	}},
	{"order-set", phaseConstraints, func(g *gen) {
		e := cib.New("rsc_order", "id", g.name("ord"))
		if g.chance(0.5) {
			e = e.WithAttr("kind", pick(g, "Mandatory", "Optional", "Serialize"))
		}
		if g.chance(0.3) || e.Get("kind") == "Serialize" {
			e = e.WithAttr("symmetrical", "false")
		}
		g.constrain(g.sets(e, g.ranked(2+g.r.IntN(3)), func() []string {
			a := g.seq()
			if g.chance(0.15) {
				a = append(a, "kind", pick(g, "Mandatory", "Optional"))
			}
			return a
		}))
	}, in("rsc_order", "resource_set")},
	{"order-require-all", phaseConstraints, func(g *gen) {
		if g.chance(0.5) {
			c := g.anyClone()
			o := g.some(func(r *rsc) bool { return r.rank > c.rank && !r.stonith() }, func() *rsc {
				r := g.addPrimitive()
				r.rank += 1 << 21
				return r
			})
			g.constrain(cib.New("rsc_order", "id", g.name("ord"), "first", c.id, "then", o.id, "require-all", "false"))
			return
		}
		rs := g.ranked(3)
		e := cib.New("rsc_order", "id", g.name("ord"))
		e.Children = append(e.Children, g.set(rs[:len(rs)-1], "sequential", "false", "require-all", "false"), g.set(rs[len(rs)-1:]))
		g.constrain(e)
	}, func(v view) bool {
		return has("rsc_order", "require-all", "false")(v) || has("resource_set", "require-all", "false")(v)
	}},
	{"order-set-role", phaseConstraints, func(g *gen) {
		p := g.anyPromotable()
		o := g.some(func(r *rsc) bool { return r != p && !r.stonith() }, g.addPrimitive)
		if g.chance(0.5) {
			a, b := g.set([]*rsc{p}, "action", "promote"), g.set([]*rsc{o}, "action", "start")
			if o.rank < p.rank {
				a, b = b, a
			}
			g.constrain(cib.New("rsc_order", "id", g.name("ord")).WithChildren(a, b))
			return
		}
		// In a colocation the earlier set depends on the later.
		a, b := g.set([]*rsc{o}, "role", "Started"), g.set([]*rsc{p}, "role", pick(g, "Promoted", "Master"))
		if o.rank < p.rank {
			a, b = b, a
		}
		g.constrain(cib.New("rsc_colocation", "id", g.name("col"), "score", "INFINITY").WithChildren(a, b))
	}, func(v view) bool {
		return has("resource_set", "action", "*")(v) || has("resource_set", "role", "*")(v)
	}},
}

// dateExpr is a date expression around Now.
func (g *gen) dateExpr() *cib.Element {
	id := g.name("date")
	day := func(d int) string { return fmt.Sprintf("2024-06-%02d", d) }
	at := func() string {
		return pick(g, day(10), day(15)+" 11:00:00Z", day(15)+"T13:00:00Z", day(20), day(15)+" 12:00:00Z")
	}
	switch g.r.IntN(5) {
	case 0:
		return cib.New("date_expression", "id", id, "operation", "gt", "start", at())
	case 1:
		return cib.New("date_expression", "id", id, "operation", "lt", "end", at())
	case 2:
		e := cib.New("date_expression", "id", id, "operation", "in_range")
		if g.chance(0.8) {
			e = e.WithAttr("start", pick(g, day(1), day(14), day(16)))
		}
		if e.Get("start") == "" || g.chance(0.5) {
			e = e.WithAttr("end", pick(g, day(14), day(16), day(30)))
		}
		return e
	case 3:
		d := cib.New("duration", "id", id+"-duration")
		d = d.WithAttr(pick(g, "hours", "days", "weeks", "months", "minutes"), pick(g, "1", "2", "20"))
		return cib.New("date_expression", "id", id, "operation", "in_range", "start", pick(g, day(1), day(14), day(15)+" 10:30:00Z")).WithChild(d)
	}
	s := cib.New("date_spec", "id", id+"-spec")
	for range 1 + g.r.IntN(2) {
		f := pick(g, [2]string{"hours", "9-16"}, [2]string{"hours", "13-20"}, [2]string{"weekdays", "1-5"}, [2]string{"weekdays", "6"},
			[2]string{"monthdays", "15"}, [2]string{"months", "6-8"}, [2]string{"years", "2024"}, [2]string{"years", "2025-"},
			[2]string{"yeardays", "160-170"}, [2]string{"weeks", "24"}, [2]string{"weekyears", "2024"}, [2]string{"minutes", "0-30"})
		s = s.WithAttr(f[0], f[1])
	}
	return cib.New("date_expression", "id", id, "operation", "date_spec").WithChild(s)
}
