package oraclefuzz

import (
	"strconv"

	"github.com/quorate/quorate/cib"
)

// cloneMeta makes a feature of one meta-attribute of clones.
func cloneMeta(name string, values ...string) Feature {
	return Feature{name, phaseMeta, func(g *gen) {
		c := g.anyClone()
		c.meta = set(c.meta, name, pick(g, values...))
	}, in("clone", "nvpair", "name", name)}
}

var resourceFeatures = []Feature{
	{"template", phaseResources, func(g *gen) {
		t := g.primitive()
		t.kind, t.id = "template", g.name("tmpl")
		t.params = nil
		if g.chance(0.5) {
			t.meta = set(t.meta, "resource-stickiness", "30")
		}
		g.tmpls = append(g.tmpls, t)
		for range 1 + g.r.IntN(2) {
			l := g.leaf()
			if l.template != "" || l.top().promotable() {
				l = g.addPrimitive()
			}
			l.template = t.id
			l.class, l.provider, l.typ = t.class, t.provider, t.typ
			if g.chance(0.6) {
				l.ops = nil
			}
		}
	}, has("template")},
	{"tag", phaseResources, func(g *gen) {
		t := cib.New("tag", "id", g.name("tag"))
		a := g.anyRsc()
		t.Children = append(t.Children, cib.New("obj_ref", "id", a.id))
		if b := g.anyRsc(); b != a {
			t.Children = append(t.Children, cib.New("obj_ref", "id", b.id))
		}
		g.tags = append(g.tags, t)
		c := cib.New("rsc_location", "id", g.name("loc"), "rsc", t.ID(), "node", g.aNode().name, "score", g.score())
		g.cons = append(g.cons, c)
	}, has("tag")},
	{"group", phaseResources, func(g *gen) { g.addGroup() }, has("group")},
	{"clone", phaseResources, func(g *gen) { g.addClone() }, has("clone")},
	{"clone-unique", phaseResources, func(g *gen) {
		c := g.anyUnique()
		if g.chance(0.6) {
			c.meta = set(c.meta, "clone-node-max", "2")
			c.meta = set(c.meta, "clone-max", strconv.Itoa(2+g.r.IntN(4)))
		}
	}, nv("globally-unique", "true")},
	{"cloned-group", phaseResources, func(g *gen) { g.cloneOf(g.group()) }, in("clone", "group")},
	{"promotable", phaseResources, func(g *gen) { g.promote(g.addClone()) }, nv("promotable", "true")},
	{"master-element", phaseResources, func(g *gen) {
		c := g.promote(g.addClone())
		c.master = true
		c.meta = nil
	}, has("master")},
	{"promotable-group", phaseResources, func(g *gen) { g.promote(g.cloneOf(g.group())) }, func(v view) bool {
		return anyOf(v.conf["clone"], func(c *cib.Element) bool {
			return c.First("group") != nil && anyOf(c.First("meta_attributes").All("nvpair"), func(e *cib.Element) bool {
				return matches(e, []string{"name", "promotable", "value", "true"})
			})
		})
	}},
	{"group-unordered", phaseMeta, func(g *gen) { r := g.anyGroup(); r.meta = set(r.meta, "ordered", "false") }, in("group", "nvpair", "name", "ordered", "value", "false")},
	{"group-uncolocated", phaseMeta, func(g *gen) { r := g.anyGroup(); r.meta = set(r.meta, "collocated", "false") }, nv("collocated", "false")},
	{"group-stickiness", phaseMeta, func(g *gen) {
		r := g.anyGroup()
		r.meta = set(r.meta, "resource-stickiness", g.finite())
	}, func(v view) bool {
		return anyOf(v.conf["group"], func(c *cib.Element) bool {
			return anyOf(c.First("meta_attributes").All("nvpair"), func(e *cib.Element) bool { return e.Get("name") == "resource-stickiness" })
		})
	}},
	cloneMeta("clone-max", "1", "2", "2", "3", "0"),
	cloneMeta("clone-node-max", "1", "2"),
	cloneMeta("clone-min", "1", "2", "3"),
	cloneMeta("interleave", "true", "true", "true", "false"),
	{"notify", phaseMeta, func(g *gen) {
		c := g.anyClone()
		c.meta = set(c.meta, "notify", "true")
		if l := c.leaves()[0]; g.chance(0.3) {
			l.ops = dedupe(append(l.ops, &op{name: "notify", attrs: []pair{{"timeout", "50s"}}}))
		}
	}, in("clone", "nvpair", "name", "notify")},
	{"clone-ordered", phaseMeta, func(g *gen) { c := g.anyClone(); c.meta = set(c.meta, "ordered", "true") }, in("clone", "nvpair", "name", "ordered", "value", "true")},
	{"promoted-max", phaseMeta, func(g *gen) {
		c := g.anyPromotable()
		c.meta = set(c.meta, "promoted-max", pick(g, "2", "2", "3", "0"))
	}, nv("promoted-max", "*")},
	{"promoted-node-max", phaseMeta, func(g *gen) {
		c := g.anyPromotable()
		c.meta = set(c.meta, "globally-unique", "true")
		c.meta = set(c.meta, "clone-node-max", "2")
		c.meta = set(c.meta, "promoted-node-max", pick(g, "1", "2"))
	}, nv("promoted-node-max", "*")},
	{"promotable-notify", phaseMeta, func(g *gen) { c := g.anyPromotable(); c.meta = set(c.meta, "notify", "true") }, func(v view) bool {
		return anyOf(v.conf["clone"], func(c *cib.Element) bool {
			n := len(c.Name) - len("clone") // a master counts
			for _, m := range c.All("meta_attributes") {
				for _, e := range m.All("nvpair") {
					if (e.Get("name") == "promotable" || e.Get("name") == "notify") && e.Get("value") == "true" {
						n++
					}
				}
			}
			return n == 2
		})
	}},
	{"promotion-score", phaseMeta, func(g *gen) { g.anyPromotable() }, transient("master-")},
}

// promotionScores writes the scores with which agents ask for promotion.
func (g *gen) promotionScores() {
	for _, c := range g.rscs {
		if !c.promotable() || !g.want["promotion-score"] && g.chance(0.3) {
			continue
		}
		for _, p := range g.places {
			if p.leaf.top() != c || g.chance(0.2) {
				continue
			}
			n, s := "master-"+p.lrmID, pick(g, "5", "10", "100", "1", "-5", "INFINITY", "-INFINITY", "1000")
			if g.chance(0.15) {
				p.node.attrs = set(p.node.attrs, n, s)
			} else {
				p.node.transient = set(p.node.transient, n, s)
			}
		}
	}
}
