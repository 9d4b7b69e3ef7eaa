package oraclefuzz

import (
	"strconv"

	"github.com/quorate/quorate/cib"
)

// someNode returns a random node other than the first, which stays a healthy
// member so that there is a DC.
func (g *gen) someNode() *node { return g.nodes[1+g.r.IntN(len(g.nodes)-1)] }

var nodeFeatures = []Feature{
	{"node-standby", phaseNodes, func(g *gen) {
		n := g.aNode()
		if g.chance(0.3) {
			n.transient = set(n.transient, "standby", pick(g, "on", "true"))
		} else {
			n.attrs = set(n.attrs, "standby", pick(g, "on", "true"))
		}
	}, func(v view) bool {
		f := func(e *cib.Element) bool { return matches(e, []string{"name", "standby", "value", "on|true"}) }
		return anyOf(v.conf["nvpair"], f) || anyOf(v.status["nvpair"], f)
	}},
	{"node-maintenance", phaseNodes, func(g *gen) { n := g.aNode(); n.attrs = set(n.attrs, "maintenance", "true") }, nv("maintenance", "true")},
	{"node-shutdown", phaseNodes, func(g *gen) {
		n := g.aNode()
		if g.chance(0.15) {
			n.shutdownFlag = "1"
		} else {
			n.transient = set(n.transient, "shutdown", strconv.Itoa(Now-20))
		}
		if g.chance(0.5) {
			n.expected = "down"
		}
	}, func(v view) bool { return transient("shutdown")(v) || state("shutdown", "1")(v) }},
	{"node-unclean", phaseNodes, func(g *gen) {
		n := g.someNode()
		switch g.r.IntN(4) {
		case 0: // daemon died, machine still a member
			n.crmd, n.join = "offline", "down"
		case 1:
			n.inCCM, n.crmd, n.join = "false", "offline", "down"
			n.expected = "member"
		case 2:
			n.inCCM = "false"
		case 3:
			n.inCCM, n.crmd = "false", "offline"
		}
	}, func(v view) bool {
		return state("crmd", "offline", "expected", "member")(v) || state("in_ccm", "false", "expected", "member")(v)
	}},
	{"node-offline", phaseNodes, func(g *gen) {
		n := g.someNode()
		n.inCCM, n.crmd, n.join, n.expected = "false", "offline", "down", "down"
		n.noLRM = g.chance(0.6)
	}, state("crmd", "offline", "expected", "down")},
	{"node-unseen", phaseNodes, func(g *gen) { g.someNode().absent = true }, func(v view) bool {
		return len(v.conf["node"]) > len(v.status["node_state"])
	}},
	{"node-pending", phaseNodes, func(g *gen) {
		n := g.someNode()
		switch g.r.IntN(3) {
		case 0:
			n.join = "down"
		case 1:
			n.join = "pending"
		case 2:
			n.join, n.expected = "pending", "down"
		}
		n.noLRM = g.chance(0.7)
	}, func(v view) bool { return state("in_ccm", "true", "crmd", "online", "join", "down|pending")(v) }},
	{"node-terminate", phaseNodes, func(g *gen) { n := g.aNode(); n.transient = set(n.transient, "terminate", "true") }, transient("terminate")},
}

// option makes a feature of one cluster option with possible values.
func option(feature, name string, values ...string) Feature {
	return Feature{feature, phaseNodes, func(g *gen) { g.props = set(g.props, name, pick(g, values...)) }, nv(name, "*")}
}

// noQuorum makes a feature of one no-quorum policy.
func noQuorum(policy string) Feature {
	return Feature{"no-quorum-" + policy, phaseNodes, func(g *gen) {
		g.props = set(g.props, "no-quorum-policy", policy)
		if g.chance(0.85) {
			g.quorum = "0"
		}
		if policy == "suicide" {
			g.props = set(g.props, "stonith-enabled", "true")
		}
	}, nv("no-quorum-policy", policy)}
}

var optionFeatures = []Feature{
	noQuorum("stop"), noQuorum("freeze"), noQuorum("ignore"), noQuorum("suicide"), noQuorum("demote"),
	option("maintenance-mode", "maintenance-mode", "true"),
	option("stop-all-resources", "stop-all-resources", "true"),
	option("asymmetric", "symmetric-cluster", "false"),
	option("stonith-disabled", "stonith-enabled", "false"),
	option("stonith-action", "stonith-action", "off", "reboot", "poweroff"),
	option("startup-fencing", "startup-fencing", "false"),
	option("concurrent-fencing", "concurrent-fencing", "true", "false"),
	option("priority-fencing-delay", "priority-fencing-delay", "15s", "30s"),
	{"start-failure-is-fatal", phaseNodes, func(g *gen) {
		g.props = set(g.props, "start-failure-is-fatal", "false")
		g.want["failed-start"] = true
	}, nv("start-failure-is-fatal", "false")},
	option("enable-startup-probes", "enable-startup-probes", "false"),
	option("stop-orphan-resources", "stop-orphan-resources", "false", "true"),
	option("stop-orphan-actions", "stop-orphan-actions", "false"),
	option("remove-after-stop", "remove-after-stop", "true"),
	option("placement-strategy", "placement-strategy", "default"),
	option("cluster-delay", "cluster-delay", "30s", "120s"),
	{"watchdog", phaseNodes, func(g *gen) {
		g.props = set(g.props, "have-watchdog", "true")
		g.props = set(g.props, "stonith-watchdog-timeout", pick(g, "0", "10s"))
	}, nv("have-watchdog", "true")},
	{"fencing-topology", phaseConstraints, func(g *gen) {
		for len(g.fencers()) < 2 {
			g.addPrimitive().fence()
		}
		fs := g.fencers()
		n := g.aNode()
		for i := range 1 + g.r.IntN(2) {
			l := cib.New("fencing-level", "id", g.name("level"))
			switch g.r.IntN(3) {
			case 0:
				l = l.WithAttr("target-pattern", "node.*")
			case 1:
				n.attrs = set(n.attrs, "rack", "a")
				l = l.WithAttr("target-attribute", "rack").WithAttr("target-value", "a")
			default:
				l = l.WithAttr("target", n.name)
			}
			dev := fs[i%len(fs)].id
			if g.chance(0.3) {
				dev = fs[0].id + "," + fs[1].id
			}
			g.levels = append(g.levels, l.WithAttr("index", strconv.Itoa(i+1)).WithAttr("devices", dev))
		}
	}, has("fencing-level")},
	{"rsc-defaults-date", phaseMeta, func(g *gen) {

		g.rscDef = append(g.rscDef, g.guarded("meta_attributes", g.rule([]string{"boolean-op", pick(g, "and", "or")}, g.dateExpr()), pair{"resource-stickiness", pick(g, "7", "70", "700")}))
	}, in("rsc_defaults", "date_expression")},
}

// fencers are the fencing devices at the top level.
func (g *gen) fencers() []*rsc {
	var out []*rsc
	for _, r := range g.rscs {
		if r.stonith() {
			out = append(out, r)
		}
	}
	return out
}
