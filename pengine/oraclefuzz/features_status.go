package oraclefuzz

import (
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
)

// fate makes a feature that ruins a running instance.
func fate(name string, promoted bool, used func(view) bool) Feature {
	return Feature{name, phaseStatus, func(g *gen) { g.ruin(name, promoted) }, used}
}

// promotableFate does so for an instance of a promotable clone, which it makes
// sure exists.
func promotableFate(name string, used func(view) bool) []Feature {
	return []Feature{{name, phaseMeta, func(g *gen) {
		g.anyPromotable()
		g.late = append(g.late, func() {
			if p := g.ruin(name, true); p != nil && (name == "failed-demote" || name == "demoted") {
				p.state = "promoted"
			}
		})
	}, used}}
}

// migration makes a feature of one half-done live migration; the fates are
// those of the source and of the target.
func migration(name, source, target string, used func(view) bool) Feature {
	return Feature{name, phaseMeta, func(g *gen) {
		r := g.plain()
		r.meta = set(r.meta, "allow-migrate", "true")
		g.late = append(g.late, func() {
			src := g.place(func(p *place) bool { return p.leaf == r && p.fate == "" && p.state == "started" })
			if src == nil {
				src = g.place(func(p *place) bool { return p.leaf == r && p.fate == "" })
			}
			dst := g.place(func(p *place) bool { return p.leaf == r && p.fate == "" && p != src && p.state != "started" })
			if src == nil || dst == nil {
				return
			}
			src.fate, src.other = source, dst.node
			dst.other = src.node
			if target != "" {
				dst.fate = target
			}
			if g.chance(0.4) {
				dst.state = "unprobed"
			}
		})
	}, used}
}

var statusFeatures = slices.Concat([]Feature{
	fate("failed-monitor", false, failedOp("monitor", false)),
	fate("failed-start", false, failedOp("start", false)),
	fate("failed-stop", false, failedOp("stop", false)),
	{"failed-probe", phaseStatus, func(g *gen) {
		if p := g.place(func(p *place) bool { return p.fate == "" && p.state != "started" && p.state != "promoted" }); p != nil {
			p.fate = "failed-probe"
			if g.chance(0.4) {
				g.failCount(p, "monitor_0", "1")
			}
		}
	}, failedOp("monitor", true)},
	{"not-installed", phaseStatus, func(g *gen) {
		if p := g.place(func(p *place) bool { return p.fate == "" && p.state != "started" && p.state != "promoted" }); p != nil {
			p.fate = "not-installed"
		}
	}, recorded("rc-code", "5")},
	fate("degraded", false, recorded("rc-code", "190|191")),
	fate("found-running", false, func(v view) bool {
		return anyOf(v.status["lrm_rsc_op"], func(e *cib.Element) bool {
			return e.Get("operation") == "monitor" && target(e) == "7" && (e.Get("rc-code") == "0" || e.Get("rc-code") == "8")
		})
	}),
	fate("no-monitor", false, func(v view) bool {
		return anyOf(v.status["lrm_resource"], func(e *cib.Element) bool {
			return len(e.Children) == 1 && matches(e.Children[0], []string{"operation", "start|promote", "rc-code", "0"})
		})
	}),
	fate("cancelled", false, recorded("operation", "monitor", "interval", "7000")),
	fate("pending-start", false, recorded("operation", "start", "op-status", "-1")),
	fate("pending-stop", false, recorded("operation", "stop", "op-status", "-1")),
	fate("pending-monitor", false, recorded("operation", "monitor", "op-status", "-1", "interval", "10000")),
	{"pending-probe", phaseStatus, func(g *gen) {
		if p := g.place(func(p *place) bool { return p.fate == "" && p.state != "started" && p.state != "promoted" }); p != nil {
			p.fate = "pending-probe"
		}
	}, recorded("operation", "monitor", "op-status", "-1", "interval", "0")},
	{"unprobed", phaseStatus, func(g *gen) {
		for range 1 + g.r.IntN(3) {
			if p := g.place(func(p *place) bool { return p.fate == "" && p.state == "probed" }); p != nil {
				p.state = "unprobed"
			}
		}
	}, func(v view) bool {
		n := len(v.conf["primitive"]) * len(v.status["lrm_resources"])
		return len(v.status["lrm_resource"]) < n
	}},
	{"running-twice", phaseStatus, func(g *gen) {
		p := g.place(func(p *place) bool {
			return p.fate == "" && p.state != "started" && !p.leaf.top().isClone() && (get(p.leaf.top().meta, "multiple-active") != "" || !g.wantsPolicy())
		})
		if p == nil {
			return
		}
		p.state = "started"
		if q := g.place(func(q *place) bool { return q.leaf == p.leaf && q != p && q.fate == "" }); q != nil {
			q.state = "started"
		}
	}, func(v view) bool {
		up := map[string]int{}
		for _, e := range v.status["lrm_resource"] {
			if k := v.kind[e.ID()]; k != nil && anyOf(e.Children, func(o *cib.Element) bool {
				return strings.HasSuffix(o.ID(), "_last_0") && matches(o, []string{"operation", "start", "rc-code", "0"})
			}) {
				up[e.ID()]++
			}
		}
		for _, e := range append(v.conf["resources"], v.conf["group"]...) {
			for _, p := range e.All("primitive") {
				if up[p.ID()] > 1 {
					return true
				}
			}
		}
		return false
	}},
	{"orphan", phaseStatus, func(g *gen) {
		ns := g.withLRM()
		if len(ns) == 0 {
			return
		}
		l := g.primitive()
		l.id = g.name("orphan")
		p := &place{leaf: l, lrmID: l.id, node: pick(g, ns...), state: pick(g, "started", "started", "probed"), digest: "good"}
		if g.chance(0.2) {
			p.fate = "failed-stop"
		}
		g.places = append(g.places, p)
	}, func(v view) bool {
		return anyOf(v.status["lrm_resource"], func(e *cib.Element) bool { return v.kind[strings.Split(e.ID(), ":")[0]] == nil })
	}},
	{"orphan-instance", phaseMeta, func(g *gen) {
		c := g.anyUnique()
		g.late = append(g.late, func() {
			if ns := g.withLRM(); len(ns) > 0 {
				l := c.leaves()[0]
				g.put(l, l.id+":"+strconv.Itoa(7+g.r.IntN(2)), pick(g, ns...), "started")
			}
		})
	}, func(v view) bool {
		return anyOf(v.status["lrm_resource"], func(e *cib.Element) bool {
			return strings.HasSuffix(e.ID(), ":7") || strings.HasSuffix(e.ID(), ":8")
		})
	}},
	{"agent-changed", phaseStatus, func(g *gen) {
		if p := g.running(false); p != nil {
			l := *p.leaf
			l.typ = "Old"
			p.leaf = &l
		}
	}, func(v view) bool {
		return anyOf(v.status["lrm_resource"], func(e *cib.Element) bool { return e.Get("type") == "Old" })
	}},
	{"fail-count", phaseStatus, func(g *gen) {
		if p := g.running(false); p != nil {
			g.failCount(p, pick(g, "monitor_10000", "start_0", "stop_0"), pick(g, "1", "2", "3", "INFINITY"))
		}
	}, transient("fail-count-")},
	{"digest-changed", phaseStatus, func(g *gen) {
		if p := g.running(false); p != nil {
			p.digest = "changed"
		}
	}, recorded("transition-magic", "*", "crm-debug-origin", "old-parameters")},
	{"reload", phaseStatus, func(g *gen) {
		p := g.place(func(p *place) bool {
			return p.fate == "" && p.leaf.class == "ocf" && (p.state == "started" || p.state == "promoted")
		})
		if p == nil {
			p = g.running(false)
		}
		if p != nil {
			p.digest = "reload"
		}
	}, recorded("op-restart-digest", "*")},
	{"digest-absent", phaseStatus, func(g *gen) {
		if p := g.running(false); p != nil {
			p.digest = "none"
		}
	}, func(v view) bool {
		return anyOf(v.status["lrm_rsc_op"], func(e *cib.Element) bool { _, ok := e.Lookup("op-digest"); return !ok })
	}},
	{"promoted-running", phaseMeta, func(g *gen) {
		g.anyPromotable()
		g.late = append(g.late, func() {
			if p := g.running(true); p != nil {
				p.state = "promoted"
			}
		})
	}, recorded("operation", "promote")},
	migration("migrate-dangling", "migrate-to", "migrate-from", func(v view) bool {
		return recorded("operation", "migrate_to", "rc-code", "0")(v) && recorded("operation", "migrate_from", "rc-code", "0")(v)
	}),
	migration("migrate-partial", "migrate-to", "", func(v view) bool {
		return recorded("operation", "migrate_to", "rc-code", "0")(v) && !recorded("operation", "migrate_from", "rc-code", "0")(v)
	}),
	migration("migrate-to-pending", "migrate-to-pending", "", recorded("operation", "migrate_to", "op-status", "-1")),
	migration("migrate-from-pending", "migrate-to", "migrate-from-pending", recorded("operation", "migrate_from", "op-status", "-1")),
	migration("migrate-to-failed", "migrate-to-failed", "", recorded("operation", "migrate_to", "rc-code", "1")),
	migration("migrate-from-failed", "migrate-to", "migrate-from-failed", recorded("operation", "migrate_from", "rc-code", "1")),
	migration("migrate-done", "stopped-after-start", "migrate-from", func(v view) bool {
		return recorded("operation", "migrate_from", "rc-code", "0")(v) && !recorded("operation", "migrate_to", "rc-code", "0")(v)
	}),
},
	promotableFate("failed-promote", failedOp("promote", false)),
	promotableFate("failed-demote", failedOp("demote", false)),
	promotableFate("demoted", recorded("operation", "demote", "rc-code", "0")),
	promotableFate("pending-promote", recorded("operation", "promote", "op-status", "-1")),
)

// wantsPolicy reports whether a multiple-active policy is under test.
func (g *gen) wantsPolicy() bool {
	return slices.ContainsFunc(g.rscs, func(r *rsc) bool { return get(r.meta, "multiple-active") != "" })
}
