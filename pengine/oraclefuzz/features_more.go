package oraclefuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/quorate/quorate/cib"
)

// More are the features of tickets, placement strategies, node health,
// unfencing, shutdown locks and containers. They are apart, so that the
// documents of seeds made without them stay what they are.
var More = slices.Concat(ticketFeatures, capacityFeatures, healthFeatures, fencingFeatures, remoteFeatures)

// GenerateMore makes the document of a seed as Generate does, with one to three
// of the features in More besides.
func GenerateMore(seed uint64, force ...string) (*cib.Element, error) {
	r := rand.New(rand.NewPCG(seed, 0x6d6f7265))
	force = slices.Clone(force)
	for range 1 + r.IntN(3) {
		force = append(force, More[r.IntN(len(More))].Name)
	}
	return Generate(seed, force...)
}

// ticketRef makes a ticket constraint; a ticket is granted, refused, in standby or
// unknown.
func (g *gen) ticketRef(attrs ...string) *cib.Element {
	name := pick(g, "ticketA", "ticketB")
	if !slices.ContainsFunc(g.tickets, func(e *cib.Element) bool { return e.ID() == name }) && g.chance(0.85) {
		e := cib.New("ticket_state", "id", name)
		if g.chance(0.9) {
			e = e.WithAttr("granted", pick(g, "true", "false"))
		}
		if g.chance(0.3) {
			e = e.WithAttr("standby", pick(g, "true", "true", "false"))
		}
		g.tickets = append(g.tickets, e)
	}
	e := cib.New("rsc_ticket", append([]string{"id", g.name("tkt"), "ticket", name}, attrs...)...)
	if g.chance(0.8) {
		e = e.WithAttr("loss-policy", pick(g, "stop", "demote", "fence", "freeze"))
	}
	return e
}

func (g *gen) ticketRole(r *rsc) []string {
	switch {
	case r.promotable() && g.chance(0.7):
		return []string{"rsc-role", pick(g, "Promoted", "Promoted", "Promoted", "Master", "Unpromoted", "Started")}
	case g.chance(0.3):
		return []string{"rsc-role", "Started"}
	}
	return nil
}

var ticketFeatures = []Feature{
	{"ticket", phaseConstraints, func(g *gen) {
		for range 1 + g.r.IntN(2) {
			r := g.anyRsc()
			g.constrain(g.ticketRef(append([]string{"rsc", g.ref(r)}, g.ticketRole(r)...)...))
		}
	}, has("rsc_ticket", "rsc", "*")},
	{"ticket-promoted", phaseConstraints, func(g *gen) {
		r := g.anyPromotable()
		g.constrain(g.ticketRef(append([]string{"rsc", r.id}, g.ticketRole(r)...)...))
	}, has("rsc_ticket", "rsc-role", "Promoted|Master|Unpromoted|Started")},
	{"ticket-set", phaseConstraints, func(g *gen) {
		e := g.ticketRef()
		if g.chance(0.4) {
			e.Children = append(e.Children, g.set([]*rsc{g.anyPromotable()}, "role", "Promoted"))
		}
		g.constrain(g.sets(e, g.ranked(2+g.r.IntN(3)), g.seq))
	}, in("rsc_ticket", "resource_set")},
	{"ticket-tag", phaseConstraints, func(g *gen) {
		tag := cib.New("tag", "id", g.name("tag"))
		for _, r := range g.ranked(2) {
			tag.Children = append(tag.Children, cib.New("obj_ref", "id", r.id))
		}
		g.tags = append(g.tags, tag)
		g.constrain(g.ticketRef("rsc", tag.ID()))
	}, func(v view) bool { return len(v.conf["tag"]) > 0 && len(v.conf["rsc_ticket"]) > 0 }},
}

var capacityNames = []string{"cpu", "memory"}

func (g *gen) capacities(n *node) {
	for _, c := range capacityNames {
		if g.chance(0.85) {
			n.util = set(n.util, c, strconv.Itoa(g.r.IntN(9)))
		}
	}
}

// strategy makes a feature of one placement strategy.
func strategy(name string) Feature {
	return Feature{"strategy-" + name, phaseMeta, func(g *gen) {
		g.props = set(g.props, "placement-strategy", name)
		for _, n := range g.nodes {
			g.capacities(n)
		}
		for i := 0; i < 1+g.r.IntN(4); i++ {
			l := g.leaf()
			l.util = set(l.util, pick(g, capacityNames...), strconv.Itoa(1+g.r.IntN(6)))
		}
		if g.chance(0.5) {
			for _, r := range g.rscs {
				for _, l := range r.leaves() {
					if g.chance(0.7) {
						l.util = set(l.util, pick(g, capacityNames...), strconv.Itoa(g.r.IntN(5)))
					}
				}
			}
		}
	}, nv("placement-strategy", name)}
}

var capacityFeatures = []Feature{
	strategy("utilization"), strategy("balanced"), strategy("minimal"),
	{"utilization-default", phaseMeta, func(g *gen) {
		for _, n := range g.nodes {
			g.capacities(n)
		}
		l := g.leaf()
		l.util = set(l.util, "cpu", "4")
	}, in("primitive", "utilization")},
	{"utilization-group", phaseMeta, func(g *gen) {
		for _, k := range g.anyGroup().kids {
			k.util = set(k.util, "cpu", strconv.Itoa(1+g.r.IntN(4)))
		}
		g.want["utilization-more"] = true
	}, in("group", "utilization")},
	{"utilization-clone", phaseMeta, func(g *gen) {
		for _, k := range g.anyClone().leaves() {
			k.util = set(k.util, "memory", strconv.Itoa(1+g.r.IntN(4)))
		}
		g.want["utilization-more"] = true
	}, in("clone", "utilization")},
	{"utilization-more", phaseConstraints, func(g *gen) {
		g.props = set(g.props, "placement-strategy", pick(g, "utilization", "balanced", "minimal"))
		for _, n := range g.nodes {
			g.capacities(n)
		}
		g.constrain(g.colocate("INFINITY"))
	}, nv("placement-strategy", "utilization|balanced|minimal")},
}

// colour makes node attributes of health.
func (g *gen) colour(n *node) {
	name, v := "#health-"+pick(g, "ipmi", "disk", "load"), pick(g, "red", "yellow", "green", "red", "-10", "20", "-INFINITY")
	if g.chance(0.7) {
		n.transient = set(n.transient, name, v)
	} else {
		n.attrs = set(n.attrs, name, v)
	}
}

var healthFeatures = []Feature{
	{"health", phaseNodes, func(g *gen) {
		g.props = set(g.props, "node-health-strategy", pick(g, "none", "migrate-on-red", "only-green", "progressive", "custom", "progressive"))
		for i := 0; i < 1+g.r.IntN(4); i++ {
			g.colour(g.aNode())
		}
	}, nv("node-health-strategy", "*")},
	{"health-scores", phaseNodes, func(g *gen) {
		g.want["health"] = true
		for _, k := range []string{"green", "yellow", "red"} {
			if g.chance(0.6) {
				g.props = set(g.props, "node-health-"+k, pick(g, "10", "0", "-5", "-INFINITY", "INFINITY", "-100"))
			}
		}
		g.props = set(g.props, "node-health-base", pick(g, "0", "10", "200", "-10"))
	}, nv("node-health-base", "*")},
	{"health-allowed", phaseMeta, func(g *gen) {
		r := g.anyRsc()
		r.meta = set(r.meta, "allow-unhealthy-nodes", pick(g, "true", "true", "false"))
	}, nv("allow-unhealthy-nodes", "*")},
}

var fencingFeatures = []Feature{
	{"shutdown-lock", phaseNodes, func(g *gen) {
		g.props = set(g.props, "shutdown-lock", "true")
		if g.chance(0.5) {
			g.props = set(g.props, "shutdown-lock-limit", pick(g, "5min", "30min", "2h"))
		}
		n := g.aNode()
		n.transient = set(n.transient, "shutdown", fmt.Sprint(Now-pick(g, 20, 200, 2000)))
		n.locks = true
		if g.chance(0.5) {
			n.inCCM, n.crmd, n.join, n.expected = "false", "offline", "down", "down"
		}
	}, nv("shutdown-lock", "true")},
	{"priority-fencing", phaseMeta, func(g *gen) {
		g.props = set(g.props, "priority-fencing-delay", pick(g, "15s", "60"))
		for range 2 {
			r := g.anyRsc()
			r.meta = set(r.meta, "priority", pick(g, "1", "5", "100"))
		}
		n := g.someNode()
		n.inCCM, n.crmd = "false", "offline"
	}, nv("priority-fencing-delay", "*")},
	{"unfencing", phaseMeta, func(g *gen) {
		g.props = set(g.props, "stonith-enabled", "true")
		if len(g.fencers()) == 0 {
			g.addPrimitive().fence()
		}
		f := g.fencers()[0]
		if g.chance(0.9) {
			f.meta = set(f.meta, "provides", "unfencing")
		}
		if g.chance(0.3) {
			f.ops = append(f.ops, &op{name: "on", attrs: []pair{{"automatic", "true"}}})
		}
		if g.chance(0.3) {
			r := g.anyRsc()
			r.meta = set(r.meta, "requires", "unfencing")
		}
		for _, n := range g.nodes {
			if g.chance(0.6) {
				n.transient = set(n.transient, "#node-unfenced", fmt.Sprint(Now-900))
			}
		}
	}, nv("provides", "unfencing")},
	{"container", phaseMeta, func(g *gen) {
		a, b := g.plain(), g.addPrimitive()
		if a == b {
			return
		}
		if b.rank < a.rank {
			a.rank, b.rank = b.rank, a.rank
		}
		b.meta = set(b.meta, "container", a.id)
		if g.chance(0.6) {
			m := g.monitor(10000)
			m.attrs = set(m.attrs, "on-fail", pick(g, "restart-container", "restart", "ignore", "block"))
			b.ops = dedupe(append(b.ops, m))
			g.want["failed-monitor"] = true
		}
	}, nv("container", "*")},
	{"restart-container", phaseMeta, func(g *gen) {
		l := g.leaf()
		m := g.monitor(10000)
		m.attrs = set(m.attrs, "on-fail", "restart-container")
		l.ops = dedupe(append(l.ops, m))
		g.want["failed-monitor"] = true
	}, has("op", "on-fail", "restart-container")},
}
