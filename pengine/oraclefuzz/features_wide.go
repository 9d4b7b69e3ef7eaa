package oraclefuzz

import (
	"slices"
	"strings"

	"github.com/quorate/quorate/cib"
)

// wideFeatures are other ways to say what the features before them say, and
// what they leave out.
var wideFeatures = []Feature{
	// on-fail of what a role or a migration changes, and of fencing devices.
	{"on-fail-other", phaseMeta, func(g *gen) {
		policy := pick(g, "ignore", "block", "stop", "restart", "standby", "fence", "demote")
		task := pick(g, "promote", "demote", "migrate_to", "migrate_from", "monitor")
		l := g.plain()
		fate := "migrate-to-failed"
		switch task {
		case "promote", "demote":
			l, fate = g.anyPromotable().leaves()[0], "failed-"+task
		case "migrate_from":
			fate = "migrate-from-failed"
		case "monitor":
			if fs := g.fencers(); len(fs) > 0 {
				l = pick(g, fs...)
			}
			g.late = append(g.late, func() {
				if p := g.place(func(p *place) bool { return p.leaf == l && p.fate == "" }); p != nil {
					p.state, p.fate = "started", "failed-monitor"
				}
			})
			fate = ""
		}
		o := &op{name: task}
		if task == "monitor" {
			o = g.monitor(10000)
		}
		o.attrs = set(o.attrs, "on-fail", policy)
		l.ops = dedupe(append(l.ops, o))
		if fate != "" {
			g.want[fate] = true
		}
	}, func(v view) bool {
		return has("op", "name", "promote|demote|migrate_to|migrate_from", "on-fail", "*")(v) ||
			anyOf(v.conf["primitive"], func(e *cib.Element) bool {
				return e.Get("class") == "stonith" && !e.Walk(func(o *cib.Element) bool { return o.Name != "op" || o.Get("on-fail") == "" })
			})
	}},
	{"date-duration", phaseConstraints, func(g *gen) {
		id := g.name("date")
		d := cib.New("duration", "id", id+"-duration")
		for range 1 + g.r.IntN(3) {
			f := pick(g, "years", "months", "weeks", "days", "hours", "minutes", "seconds")
			d = d.WithAttr(f, pick(g, "1", "2", "5", "14", "40", "400"))
		}
		at := pick(g, "2024-06-01", "2024-02-29T12:00:00Z", "2023-05-31", "2024-05-15 12:00:00Z", "2024-06-15T11:59:20Z", "2020-06-15T12:00:01Z")
		e := cib.New("date_expression", "id", id, "operation", "in_range", "start", at).WithChild(d)
		g.constrain(g.ruled(nil, e))
	}, has("duration")},
	{"date-moon", phaseConstraints, func(g *gen) {
		id := g.name("date")
		s := cib.New("date_spec", "id", id+"-spec", pick(g, "moon", "moon", "seconds", "weekyears", "yeardays", "weeks"), pick(g, "0", "1-3", "2-", "-4", "4", "24", "167", "2024", "0-59"))
		g.constrain(g.ruled(nil, cib.New("date_expression", "id", id, "operation", "date_spec").WithChild(s)))
	}, func(v view) bool {
		return anyOf(v.conf["date_spec"], func(e *cib.Element) bool { return len(e.Attrs) == 2 })
	}},
	{"date-format", phaseConstraints, func(g *gen) {
		at := pick(g, "2024-W24-6", "2024-167", "20240615", "2024-06-15T14:00:00+02:00", "2024-06-15 07:30:00-05:00", "2024-W24-6T12:00:00Z",
			"20240615T120001Z", "2024-167T11:00Z", "2024-06-15 12", "2024-06-15T12:00:00.5Z")
		id := g.name("date")
		e := cib.New("date_expression", "id", id, "operation", "lt", "end", at)
		if g.chance(0.5) {
			e = cib.New("date_expression", "id", id, "operation", "gt", "start", at)
		}
		g.constrain(g.ruled(nil, e))
	}, func(v view) bool {
		return anyOf(v.conf["date_expression"], func(e *cib.Element) bool {
			s := e.Get("start") + e.Get("end")
			return strings.ContainsAny(s, "W+.") || len(s) >= 8 && s[4] != '-' || strings.HasPrefix(s, "2024-167") || strings.HasSuffix(s, "05:00") || strings.HasSuffix(s, " 12")
		})
	}},
	{"time-formats", phaseMeta, func(g *gen) {
		t := func() string {
			return pick(g, "30", "1min", "45000ms", "2m", "PT90S", "1h", "PT1M", "60 s", "1500000us", "0.5h", "33sec")
		}
		l := g.leaf()
		for _, n := range []string{"start", "stop", "promote"} {
			if g.chance(0.6) {
				l.ops = dedupe(append(l.ops, &op{name: n, attrs: []pair{{"timeout", t()}}}))
			}
		}
		l.ops = dedupe(append(l.ops, &op{name: "stop", attrs: []pair{{"timeout", t()}}}))
		l.meta = set(l.meta, "failure-timeout", t())
		if g.chance(0.5) {
			g.props = set(g.props, "cluster-delay", pick(g, "30", "1min", "45000ms", "PT90S"))
		}
		g.want["failed-monitor"] = true
	}, func(v view) bool {
		return anyOf(v.conf["op"], func(e *cib.Element) bool {
			t := e.Get("timeout")
			return t != "" && (!strings.HasSuffix(t, "s") || strings.HasSuffix(t, "ms") || strings.Contains(t, " "))
		})
	}},
	{"value-formats", phaseMeta, func(g *gen) {
		no := func() string { return pick(g, "no", "off", "0", "n", "False", "FALSE", "f") }
		yes := func() string { return pick(g, "yes", "on", "1", "y", "True", "TRUE", "t") }
		r := g.anyRsc()
		switch g.r.IntN(6) {
		case 0:
			r.meta = set(r.meta, "is-managed", no())
		case 1:
			r.meta = set(r.meta, "resource-stickiness", pick(g, "+INFINITY", "infinity", "+5", "-INFINITY", "1000000", "2000000", "-0", "x"))
		case 2:
			r.meta = set(r.meta, "target-role", pick(g, "stopped", "started", "STOPPED", "slave", "promoted", "unpromoted"))
		case 3:
			c := g.anyClone()
			c.meta = set(c.meta, pick(g, "interleave", "notify", "ordered"), yes())
		case 4:
			r.meta = set(r.meta, "migration-threshold", pick(g, "+2", "0", "INFINITY", "1.5", "1000001"))
			g.want["fail-count"] = true
		default:
			g.props = set(g.props, pick(g, "symmetric-cluster", "startup-fencing", "stop-orphan-resources", "enable-startup-probes"), no())
		}
	}, func(v view) bool {
		return anyOf(v.conf["nvpair"], func(e *cib.Element) bool {
			return slices.Contains([]string{"no", "off", "0", "n", "False", "FALSE", "f", "yes", "on", "1", "y", "True", "TRUE", "t", "+INFINITY", "infinity", "+5",
				"1000000", "2000000", "-0", "x", "stopped", "started", "STOPPED", "slave", "promoted", "unpromoted", "+2", "1.5", "1000001"}, e.Get("value"))
		})
	}},
	{"rule-special", phaseConstraints, func(g *gen) {
		if g.chance(0.5) {
			g.props = set(g.props, "cluster-name", "cl")
		}
		n := pick(g, "#site-name", "#cluster-name", "#role", "#node-type", "#uname", "#ID")
		if n == "#site-name" {
			x := g.aNode()
			x.attrs = set(x.attrs, "site-name", "cl")
		}
		e := g.expr(n, pick(g, "eq", "ne", "defined", "not_defined", "lt"))
		if op := e.Get("operation"); op != "defined" && op != "not_defined" {
			e = e.WithAttr("value", pick(g, "cl", "member", "NODE1", "Started", "b"))
		}
		g.constrain(g.ruled(nil, e))
	}, func(v view) bool {
		return anyOf(v.conf["expression"], func(e *cib.Element) bool {
			return slices.Contains([]string{"#site-name", "#cluster-name", "#role", "#node-type", "#ID"}, e.Get("attribute")) ||
				e.Get("attribute") == "#uname" && slices.Contains([]string{"cl", "member", "NODE1", "Started", "b"}, e.Get("value"))
		})
	}},
	{"pattern-rule", phaseConstraints, func(g *gen) {
		g.scatter("site", "a", "b")
		e := cib.New("rsc_location", "id", g.name("loc"), "rsc-pattern", pick(g, "^rsc", "(rsc|grp)([0-9]+)", "[24680]$", "-clone$", "!^rsc[0-4]"))
		a := []string{"score", g.score()}
		if g.chance(0.3) {
			a = append(a, "role", pick(g, "Promoted", "Unpromoted", "Started"))
		}
		if g.chance(0.3) {
			e = e.WithAttr("resource-discovery", pick(g, "never", "exclusive"))
		}
		e.Children = append(e.Children, g.rule(a, g.expr("site", pick(g, "eq", "ne"), "value", "a")))
		g.constrain(e)
	}, func(v view) bool {
		return anyOf(v.conf["rsc_location"], func(e *cib.Element) bool { return e.Get("rsc-pattern") != "" && e.First("rule") != nil })
	}},
	{"rule-reference", phaseConstraints, func(g *gen) {
		g.scatter("site", "a", "b")
		r := g.rule([]string{"score", g.score()}, g.expr("site", "eq", "value", pick(g, "a", "b")))
		e := cib.New("rsc_location", "id", g.name("loc"), "rsc", g.ref(g.anyRsc()))
		g.constrain(e.WithChild(r))
		f := cib.New("rsc_location", "id", g.name("loc"), "rsc", g.ref(g.anyRsc()))
		g.constrain(f.WithChild(cib.New("rule", "id-ref", r.ID())))
	}, has("rule", "id-ref", "*")},
	{"set-reference", phaseConstraints, func(g *gen) {
		set := g.set(g.ranked(2+g.r.IntN(3)), g.seq()...)
		if g.chance(0.3) {
			set = set.WithAttr("role", pick(g, "Started", "Promoted"))
		}
		ref := cib.New("resource_set", "id-ref", set.ID())
		users := []func() *cib.Element{
			func() *cib.Element {
				return cib.New("rsc_order", "id", g.name("ord"), "kind", pick(g, "Mandatory", "Optional"))
			},
			func() *cib.Element {
				return cib.New("rsc_colocation", "id", g.name("col"), "score", pick(g, "INFINITY", "50", "-INFINITY"))
			},
			func() *cib.Element {
				return cib.New("rsc_location", "id", g.name("loc"), "node", g.aNode().name, "score", g.score())
			},
		}
		g.r.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
		a, b := users[0]().WithChild(set), users[1]().WithChild(ref)
		if g.chance(0.3) { // the reference before what it refers to
			a, b = b, a
		}
		g.constrain(a)
		g.constrain(b)
	}, has("resource_set", "id-ref", "*")},
	{"pair-reference", phaseMeta, func(g *gen) {
		a, b := g.leaf(), g.addPrimitive()
		name, value := pick(g, "resource-stickiness", "priority", "migration-threshold"), pick(g, "3", "100")
		a.meta = set(a.meta, name, value)
		ref := cib.New("nvpair", "id-ref", a.id+"-meta-"+name)
		if g.chance(0.5) { // under a name of its own
			ref = ref.WithAttr("name", pick(g, "resource-stickiness", "priority", "failure-timeout"))
		}
		b.extra = append(b.extra, cib.New("meta_attributes", "id", g.name("set")).WithChild(ref))
		if g.chance(0.4) {
			a.params = set(a.params, "shared", value)
			b.extra = append(b.extra, cib.New("instance_attributes", "id", g.name("set")).WithChild(cib.New("nvpair", "id-ref", a.id+"-params-shared")))
		}
	}, has("nvpair", "id-ref", "*")},
	{"set-tag", phaseConstraints, func(g *gen) {
		rs := g.ranked(3)
		t := cib.New("tag", "id", g.name("tag"))
		for _, r := range rs[1:] {
			t.Children = append(t.Children, cib.New("obj_ref", "id", r.id))
		}
		g.tags = append(g.tags, t)
		ref := func(id string) *cib.Element {
			return cib.New("resource_set", "id", g.name("rset"), "sequential", pick(g, "true", "false")).WithChild(cib.New("resource_ref", "id", id))
		}
		switch g.r.IntN(3) {
		case 0:
			g.constrain(cib.New("rsc_order", "id", g.name("ord")).WithChildren(ref(rs[0].id), ref(t.ID())))
		case 1:
			g.constrain(cib.New("rsc_colocation", "id", g.name("col"), "score", pick(g, "INFINITY", "50", "-INFINITY")).WithChildren(ref(rs[0].id), ref(t.ID())))
		default:
			g.constrain(cib.New("rsc_location", "id", g.name("loc"), "node", g.aNode().name, "score", g.score()).WithChildren(ref(t.ID())))
		}
	}, func(v view) bool {
		return anyOf(v.conf["tag"], func(t *cib.Element) bool { return has("resource_ref", "id", t.ID())(v) })
	}},
	{"defaults-more", phaseMeta, func(g *gen) {
		o := pick(g, pair{"is-managed", "false"}, pair{"target-role", "Stopped"}, pair{"multiple-active", "block"}, pair{"requires", "nothing"},
			pair{"allow-migrate", "true"}, pair{"maintenance", "true"}, pair{"target-role", "Unpromoted"}, pair{"multiple-active", "stop_unexpected"}, pair{"critical", "false"})
		var rule *cib.Element
		if g.chance(0.5) {
			rule = g.rule([]string{"boolean-op", "and"}, g.rscExpr())
		}
		g.rscDef = append(g.rscDef, g.guarded("meta_attributes", rule, o))
		if g.chance(0.5) {
			g.opDef = append(g.opDef, g.guarded("meta_attributes", nil, pick(g, pair{"on-fail", "standby"}, pair{"on-fail", "stop"}, pair{"enabled", "false"}, pair{"interval", "15s"}, pair{"timeout", "1min"}, pair{"start-delay", "2s"})))
		}
	}, func(v view) bool {
		return anyOf(v.conf["rsc_defaults"], func(e *cib.Element) bool {
			return !e.Walk(func(n *cib.Element) bool {
				return !slices.Contains([]string{"is-managed", "target-role", "multiple-active", "requires", "allow-migrate", "maintenance", "critical"}, n.Get("name"))
			})
		})
	}},
	{"migrate-clone", phaseMeta, func(g *gen) {
		c := g.anyClone()
		c.meta = set(c.meta, "allow-migrate", "true")
		c.meta = set(c.meta, "clone-max", "1")
		c.meta = set(c.meta, "resource-stickiness", "0")
		if g.chance(0.4) {
			c.meta = set(c.meta, "globally-unique", "true")
		}
		g.constrain(cib.New("rsc_location", "id", g.name("loc"), "rsc", c.id, "node", g.aNode().name, "score", pick(g, "100", "INFINITY", "-INFINITY")))
	}, in("clone", "nvpair", "name", "allow-migrate", "value", "true")},
	{"old-names", phaseMeta, func(g *gen) {
		c := g.anyPromotable()
		if g.chance(0.6) {
			c.meta = set(c.meta, "master-max", pick(g, "0", "1", "2"))
		} else {
			c.meta = set(c.meta, "master-node-max", pick(g, "1", "2"))
		}
		for _, l := range c.leaves() {
			for _, o := range l.ops {
				switch get(o.attrs, "role") {
				case "Promoted":
					o.attrs = set(o.attrs, "role", "Master")
				case "Unpromoted":
					o.attrs = set(o.attrs, "role", "Slave")
				}
			}
		}
	}, func(v view) bool { return nv("master-max", "*")(v) || nv("master-node-max", "*")(v) }},
	{"node-undeclared", phaseNodes, func(g *gen) { g.someNode().undeclared = true }, func(v view) bool {
		return len(v.conf["node"]) < len(v.status["node_state"])
	}},
	{"node-ping", phaseNodes, func(g *gen) { g.someNode().kind = pick(g, "ping", "member", "member") }, has("node", "type", "*")},
	{"stop-orphan-mixed", phaseStatus, func(g *gen) {
		// What is left of an instance of what is a primitive now, and the other way round.
		p := g.running(false)
		if p == nil {
			return
		}
		p.lrmID += ":" + pick(g, "0", "1", "3")
	}, func(v view) bool {
		return anyOf(v.status["lrm_resource"], func(e *cib.Element) bool { return strings.Contains(e.ID(), ":") })
	}},
	{"set-influence", phaseConstraints, func(g *gen) {
		e := cib.New("rsc_colocation", "id", g.name("col"), "score", pick(g, "INFINITY", "100", "-INFINITY"), "influence", pick(g, "true", "false"))
		g.constrain(g.sets(e, g.ranked(2+g.r.IntN(3)), g.seq))
		r := g.anyRsc()
		r.meta = set(r.meta, "migration-threshold", "1")
		g.want["failed-monitor"] = true
	}, func(v view) bool {
		return anyOf(v.conf["rsc_colocation"], func(e *cib.Element) bool { return e.First("resource_set") != nil && e.Get("influence") != "" })
	}},
	{"restarted-history", phaseStatus, func(g *gen) {
		if p := g.place(func(p *place) bool { return p.fate == "" && (p.state == "started" || p.state == "promoted") }); p != nil {
			p.older = pick(g, "stop", "start", "failed-start", "failed-monitor", "probe")
		}
	}, recorded("exit-reason", "older")},
}
