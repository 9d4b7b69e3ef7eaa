package oraclefuzz

import (
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
)

// cornerFeatures are rules that few clusters use.
var cornerFeatures = []Feature{
	{"many-nodes", phaseNodes, func(g *gen) {
		for range 4 + g.r.IntN(4) {
			i := len(g.nodes) + 1
			g.nodes = append(g.nodes, newNode(strconv.Itoa(i), pick(g, "node", "node", "Node", "other.site")+strconv.Itoa(i)))
		}
	}, func(v view) bool { return len(v.conf["node"]) > 5 }},
	{"graph-limits", phaseNodes, func(g *gen) {
		o := pick(g, pair{"batch-limit", "5"}, pair{"migration-limit", "2"}, pair{"stonith-timeout", "77s"}, pair{"migration-limit", "-1"})
		g.props = set(g.props, o.name, o.value)
	}, func(v view) bool {
		return nv("batch-limit", "*")(v) || nv("migration-limit", "*")(v) || nv("stonith-timeout", "*")(v)
	}},
	{"migrate-member", phaseMeta, func(g *gen) {
		r := g.anyGroup()
		for _, l := range r.kids {
			if g.chance(0.8) {
				l.meta = set(l.meta, "allow-migrate", "true")
			}
		}
		r.meta = set(r.meta, "resource-stickiness", "0")
		g.constrain(cib.New("rsc_location", "id", g.name("loc"), "rsc", r.id, "node", g.aNode().name, "score", pick(g, "100", "INFINITY")))
	}, in("group", "nvpair", "name", "allow-migrate", "value", "true")},
	{"tag-constraint", phaseConstraints, func(g *gen) {
		rs := g.ranked(3)
		t := cib.New("tag", "id", g.name("tag"))
		cut := 1 + g.r.IntN(len(rs)-1)
		tagged, other := rs[:cut], rs[cut]
		low := cut > 1 || g.chance(0.5)
		if !low {
			tagged, other = rs[cut:], rs[0]
		}
		for _, r := range tagged {
			t.Children = append(t.Children, cib.New("obj_ref", "id", r.id))
		}
		g.tags = append(g.tags, t)
		first, then := t.ID(), other.id
		if !low {
			first, then = then, first
		}
		if g.chance(0.5) {
			g.constrain(cib.New("rsc_order", "id", g.name("ord"), "first", first, "then", then))
		} else {
			g.constrain(cib.New("rsc_colocation", "id", g.name("col"), "rsc", then, "with-rsc", first, "score", pick(g, "INFINITY", "100", "-INFINITY", "-50")))
		}
	}, func(v view) bool {
		return anyOf(v.conf["tag"], func(t *cib.Element) bool {
			return has("rsc_order", "first", t.ID())(v) || has("rsc_order", "then", t.ID())(v) ||
				has("rsc_colocation", "rsc", t.ID())(v) || has("rsc_colocation", "with-rsc", t.ID())(v)
		})
	}},
	{"template-constraint", phaseConstraints, func(g *gen) {
		t := g.primitive()
		t.kind, t.id, t.params = "template", g.name("tmpl"), nil
		g.tmpls = append(g.tmpls, t)
		high := g.chance(0.5)
		for range 1 + g.r.IntN(2) {
			l := g.addPrimitive()
			l.template, l.class, l.provider, l.typ, l.ops = t.id, t.class, t.provider, t.typ, nil
			if high {
				l.rank += 1 << 22
			} else {
				l.rank -= 1 << 22
			}
		}
		o := g.some(func(r *rsc) bool { return r.template != t.id && !r.stonith() }, g.addPrimitive)
		a, b := t.id, o.id
		if high {
			a, b = b, a
		}
		switch g.r.IntN(3) {
		case 0:
			g.constrain(cib.New("rsc_location", "id", g.name("loc"), "rsc", t.id, "node", g.aNode().name, "score", g.score()))
		case 1:
			g.constrain(cib.New("rsc_order", "id", g.name("ord"), "first", a, "then", b))
		default:
			g.constrain(cib.New("rsc_colocation", "id", g.name("col"), "rsc", b, "with-rsc", a, "score", pick(g, "INFINITY", "100", "-INFINITY")))
		}
	}, func(v view) bool {
		return anyOf(v.conf["template"], func(t *cib.Element) bool {
			return has("rsc_location", "rsc", t.ID())(v) || has("rsc_order", "first", t.ID())(v) || has("rsc_order", "then", t.ID())(v) ||
				has("rsc_colocation", "rsc", t.ID())(v) || has("rsc_colocation", "with-rsc", t.ID())(v)
		})
	}},
	{"location-set-role", phaseConstraints, func(g *gen) {
		e := cib.New("rsc_location", "id", g.name("loc"), "node", g.aNode().name, "score", g.score())
		e.Children = append(e.Children, g.set([]*rsc{g.anyPromotable()}, "role", pick(g, "Promoted", "Unpromoted", "Started", "Master")))
		g.constrain(e)
	}, func(v view) bool {
		return anyOf(v.conf["rsc_location"], func(e *cib.Element) bool {
			return anyOf(e.All("resource_set"), func(s *cib.Element) bool { return s.Get("role") != "" })
		})
	}},
	{"rule-discovery", phaseConstraints, func(g *gen) {
		e := g.ruled(nil, g.expr("#uname", pick(g, "eq", "ne"), "value", g.aNode().name))
		g.constrain(e.WithAttr("resource-discovery", pick(g, "never", "exclusive")))
	}, func(v view) bool {
		return anyOf(v.conf["rsc_location"], func(e *cib.Element) bool { return e.First("rule") != nil && e.Get("resource-discovery") != "" })
	}},
	{"lifetime", phaseConstraints, func(g *gen) {
		e := g.location(g.anyRsc())
		if g.chance(0.6) {
			e = g.colocate(pick(g, "INFINITY", "-INFINITY", "100"))
		}
		life := cib.New("lifetime")
		life.Children = append(life.Children, g.rule([]string{"score", "0"}, g.dateExpr()))
		g.constrain(e.WithChild(life))
	}, has("lifetime")},
	{"order-set-action", phaseConstraints, func(g *gen) {
		e := cib.New("rsc_order", "id", g.name("ord"))
		if g.chance(0.4) {
			e = e.WithAttr("symmetrical", "false")
		}
		g.constrain(g.sets(e, g.ranked(2+g.r.IntN(2)), func() []string {
			return append(g.seq(), "action", pick(g, "start", "start", "stop", "promote", "demote"))
		}))
	}, has("resource_set", "action", "start|stop|demote|promote")},
	{"odd-result", phaseStatus, func(g *gen) {
		for range 1 + g.r.IntN(2) {
			if p := g.running(false); p != nil {
				p.fate = pick(g, "failed-monitor", "failed-start", "failed-stop", "failed-probe")
				p.rc = pick(g, 2, 3, 4, 8, 9, 12, 193)
				p.status = pick(g, 0, 0, 1, 3, 4, 5, 6, 8, 9, 10, 11)
				if g.chance(0.5) {
					g.failCount(p, "", "1")
				}
			}
		}
	}, func(v view) bool {
		return recorded("rc-code", "2|3|4|9|12")(v) || recorded("op-status", "1|3|5|6|8|9|10|11")(v)
	}},
	{"failed-twice", phaseStatus, func(g *gen) {
		for range 2 {
			g.ruin(pick(g, "failed-monitor", "failed-start", "failed-stop"), false)
		}
	}, func(v view) bool {
		n := 0
		for _, e := range v.status["lrm_rsc_op"] {
			if strings.HasSuffix(e.ID(), "_last_failure_0") {
				n++
			}
		}
		return n > 1
	}},
	// Histories need not say when, where, or with what parameters.
	{"bare-history", phaseStatus, func(g *gen) {
		drop := pick(g, "last-rc-change", "last-rc-change", "on_node", "exec-time")
		for _, p := range g.places {
			if g.chance(0.4) {
				p.drop = drop
			}
		}
	}, func(v view) bool {
		return anyOf(v.status["lrm_rsc_op"], func(e *cib.Element) bool {
			return slices.ContainsFunc([]string{"last-rc-change", "on_node", "exec-time"}, func(a string) bool { _, ok := e.Lookup(a); return !ok })
		})
	}},
	{"exit-reason", phaseStatus, func(g *gen) {
		for range 2 {
			if p := g.ruin(pick(g, "failed-monitor", "failed-start", "failed-stop"), false); p != nil {
				p.reason = pick(g, "no \"device\" <x>", "it's gone", "out of &memory")
			}
		}
	}, recorded("exit-reason", "*")},
	{"unfinished-run", phaseStatus, func(g *gen) {
		// Two operations of one resource under way or failed on different nodes.
		p := g.running(false)
		if p == nil {
			return
		}
		p.fate = pick(g, "pending-stop", "failed-stop", "pending-monitor", "failed-monitor")
		if q := g.place(func(q *place) bool { return q.leaf == p.leaf && q != p && q.fate == "" }); q != nil {
			q.fate = pick(g, "pending-start", "pending-probe", "failed-start", "failed-probe")
		}
	}, func(v view) bool {
		seen := map[string]string{}
		return anyOf(v.status["lrm_rsc_op"], func(e *cib.Element) bool {
			if e.Get("op-status") != "-1" && !strings.HasSuffix(e.ID(), "_last_failure_0") {
				return false
			}
			rsc, _, _ := strings.Cut(e.ID(), "_")
			at, other := seen[rsc]
			seen[rsc] = e.Get("on_node")
			return other && at != e.Get("on_node")
		})
	}},
	{"group-role", phaseMeta, func(g *gen) {
		r := g.anyGroup()
		pick(g, r.kids...).meta = set(nil, "target-role", "Stopped")
		if g.chance(0.4) {
			r.meta = set(r.meta, "target-role", "Started")
		}
	}, func(v view) bool {
		return anyOf(v.conf["group"], func(e *cib.Element) bool {
			return anyOf(e.All("primitive"), func(p *cib.Element) bool {
				return anyOf(p.First("meta_attributes").All("nvpair"), func(n *cib.Element) bool { return n.Get("name") == "target-role" })
			})
		})
	}},
}
