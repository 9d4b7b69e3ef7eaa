package oraclefuzz

import (
	"strconv"

	"github.com/quorate/quorate/cib"
)

// meta makes a feature of one meta-attribute of a random resource, set on the
// whole or on a member.
func meta(feature, name string, values ...string) Feature {
	return Feature{feature, phaseMeta, func(g *gen) {
		r := g.anyRsc()
		if g.chance(0.3) {
			r = g.leaf()
		}
		r.meta = set(r.meta, name, pick(g, values...))
	}, func(v view) bool {
		for _, x := range values {
			if nv(name, x)(v) {
				return true
			}
		}
		return false
	}}
}

// withFailure adds a failure for the feature to act on, to the same resource
// where that runs.
func withFailure(f Feature) Feature {
	apply := f.apply
	f.apply = func(g *gen) {
		apply(g)
		if g.chance(0.8) {
			g.want[pick(g, "failed-monitor", "failed-start", "fail-count", "failed-monitor")] = true
		}
	}
	return f
}

// multipleActive makes a feature of one multiple-active policy, with a
// resource that is up twice.
func multipleActive(policy string) []Feature {
	n := "multiple-active-" + policy
	return []Feature{{n, phaseMeta, func(g *gen) {
		r := g.plain()
		if g.chance(0.3) {
			r = g.anyGroup()
		}
		r.meta = set(r.meta, "multiple-active", policy)
		g.want["running-twice"] = true
	}, nv("multiple-active", policy)}}
}

var metaFeatures = append([]Feature{
	meta("unmanaged", "is-managed", "false"),
	meta("rsc-maintenance", "maintenance", "true"),
	meta("target-role-stopped", "target-role", "Stopped"),
	meta("target-role-started", "target-role", "Started"),
	{"target-role-unpromoted", phaseMeta, func(g *gen) {
		c := g.anyPromotable()
		c.meta = set(c.meta, "target-role", pick(g, "Unpromoted", "Slave"))
	}, nv("target-role", "Unpromoted|Slave")},
	{"target-role-promoted", phaseMeta, func(g *gen) {
		c := g.anyPromotable()
		c.meta = set(c.meta, "target-role", pick(g, "Promoted", "Master"))
	}, nv("target-role", "Promoted|Master")},
	meta("priority", "priority", "1", "10", "100", "-5"),
	meta("stickiness", "resource-stickiness", "1", "100", "INFINITY", "-100", "0"),
	withFailure(meta("migration-threshold", "migration-threshold", "1", "2", "3", "INFINITY")),
	withFailure(meta("failure-timeout", "failure-timeout", "60s", "10min", "1h", "1")),
	{"id-ref", phaseMeta, func(g *gen) {
		a, b := g.leaf(), g.addPrimitive()
		b.class, b.provider, b.typ = a.class, a.provider, a.typ
		if len(a.ops) > 0 && g.chance(0.6) {
			b.opsRef, b.ops = a.id+"-ops", a.ops
		} else {
			a.meta = set(a.meta, "resource-stickiness", "40")
			b.metaRef = a.id + "-meta"
		}
	}, func(v view) bool {
		return has("operations", "id-ref", "*")(v) || has("meta_attributes", "id-ref", "*")(v)
	}},
	meta("requires", "requires", "nothing", "quorum", "fencing"),
	meta("not-critical", "critical", "false"),
	{"live-migration", phaseMeta, func(g *gen) {
		r := g.plain()
		r.meta = set(r.meta, "allow-migrate", "true")
		r.meta = set(r.meta, "resource-stickiness", "0")
		if g.chance(0.7) { // something to move for
			g.cons = append(g.cons, cib.New("rsc_location", "id", g.name("loc"), "rsc", r.id, "node", g.aNode().name, "score", pick(g, "100", "INFINITY")))
		}
	}, nv("allow-migrate", "true")},
	{"rsc-defaults", phaseMeta, func(g *gen) {
		g.rscDef = append(g.rscDef, g.guarded("meta_attributes", nil, pair{pick(g, "resource-stickiness", "migration-threshold", "priority", "failure-timeout"), pick(g, "1", "5", "100")}))
	}, has("rsc_defaults")},
	{"op-defaults", phaseMeta, func(g *gen) {
		g.opDef = append(g.opDef, g.guarded("meta_attributes", nil, pick(g, pair{"timeout", "35s"}, pair{"on-fail", "ignore"}, pair{"record-pending", "false"})))
	}, has("op_defaults")},
	{"multiple-params", phaseMeta, func(g *gen) {
		l := g.leaf()
		l.extra = append(l.extra, g.guarded("instance_attributes", nil, pair{"state", "/run/other"}, pair{"extra", strconv.Itoa(g.r.IntN(9))}))
	}, func(v view) bool {
		return anyOf(v.conf["primitive"], func(e *cib.Element) bool { return len(e.All("instance_attributes")) > 1 })
	}},
}, concat(multipleActive("stop_start"), multipleActive("stop_only"), multipleActive("block"), multipleActive("stop_unexpected"))...)

func concat(fs ...[]Feature) []Feature {
	var out []Feature
	for _, f := range fs {
		out = append(out, f...)
	}
	return out
}

// onFail makes a feature of one on-fail policy, with an operation that failed.
func onFail(policy string) Feature {
	return Feature{"on-fail-" + policy, phaseMeta, func(g *gen) {
		task, fate := "monitor", "failed-monitor"
		l := g.leaf()
		switch {
		case policy == "demote":
			l = g.anyPromotable().leaves()[0]
			if g.chance(0.3) {
				task, fate = "promote", "failed-promote"
			}
		case g.chance(0.25):
			task, fate = "start", "failed-start"
		case policy != "restart" && policy != "stop" && g.chance(0.25):
			task, fate = "stop", "failed-stop"
		}
		if policy == "standby" && task == "stop" {
			task, fate = "monitor", "failed-monitor"
		}
		var o *op
		for _, x := range l.ops {
			if x.name == task && (task != "monitor" || x.ms > 0) {
				o = x
			}
		}
		if o == nil {
			o = &op{name: task}
			if task == "monitor" {
				o = g.monitor(10000)
			}
			l.ops = append(l.ops, o)
		}
		o.attrs = set(o.attrs, "on-fail", policy)
		if policy == "demote" && task == "monitor" && l.top().promotable() {
			o.attrs = set(o.attrs, "role", "Promoted")
			o.ms = 9000
			l.ops = dedupe(l.ops)
		}
		if g.chance(0.85) {
			g.want[fate] = true
		}
	}, has("op", "on-fail", policy)}
}

// dedupe keeps the last operation of each name and interval, since twins are
// an error.
func dedupe(ops []*op) []*op {
	var out []*op
	for i, o := range ops {
		twin := false
		for _, x := range ops[i+1:] {
			twin = twin || x.name == o.name && x.ms == o.ms
		}
		if !twin {
			out = append(out, o)
		}
	}
	return out
}

var opFeatures = []Feature{
	onFail("ignore"), onFail("block"), onFail("stop"), onFail("restart"), onFail("standby"), onFail("fence"), onFail("demote"),
	{"recurring-two", phaseMeta, func(g *gen) {
		l := g.leaf()
		l.ops = dedupe(append(l.ops, g.monitor(10000), g.monitor(30000)))
	}, func(v view) bool {
		return anyOf(v.conf["operations"], func(e *cib.Element) bool {
			n := 0
			for _, o := range e.All("op") {
				if o.Get("name") == "monitor" && o.Get("interval") != "0s" {
					n++
				}
			}
			return n > 1
		})
	}},
	{"monitor-stopped", phaseMeta, func(g *gen) {
		l := g.leaf()
		m := g.monitor(20000)
		m.attrs = set(m.attrs, "role", "Stopped")
		l.ops = dedupe(append(l.ops, m))
	}, has("op", "role", "Stopped")},
	{"op-disabled", phaseMeta, func(g *gen) {
		l := g.leaf()
		m := g.monitor(10000)
		m.attrs = set(m.attrs, "enabled", "false")
		l.ops = dedupe(append(l.ops, m))
	}, has("op", "enabled", "false")},
	{"start-delay", phaseMeta, func(g *gen) {
		l := g.leaf()
		o := g.monitor(10000)
		if g.chance(0.3) {
			o = &op{name: "start"}
		}
		o.attrs = set(o.attrs, "start-delay", pick(g, "5s", "90s"))
		l.ops = dedupe(append(l.ops, o))
	}, has("op", "start-delay", "*")},
	{"interval-origin", phaseMeta, func(g *gen) {
		l := g.leaf()
		o := g.monitor(60000)
		o.attrs = set(o.attrs, "interval-origin", pick(g, "2024-06-15 00:00:17Z", "2024-06-16 01:00:00Z"))
		l.ops = dedupe(append(l.ops, o))
	}, has("op", "interval-origin", "*")},
	{"op-params", phaseMeta, func(g *gen) {
		l := g.leaf()
		o := g.monitor(10000)
		o.extra = append(o.extra, g.guarded("instance_attributes", nil, pair{"OCF_CHECK_LEVEL", "10"}))
		l.ops = dedupe(append(l.ops, o))
	}, in("op", "nvpair", "name", "OCF_CHECK_LEVEL")},
	{"op-meta", phaseMeta, func(g *gen) {
		l := g.leaf()
		o := &op{name: "stop"}
		if g.chance(0.5) {
			o = g.monitor(10000)
			o.attrs = nil
		}
		o.extra = append(o.extra, g.guarded("meta_attributes", nil, pair{"timeout", "77s"}))
		l.ops = dedupe(append(l.ops, o))
	}, in("op", "meta_attributes")},
}
