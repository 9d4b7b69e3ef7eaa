package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// kind is a kind of fault that [Generate] makes, with how often in relation to
// the others.
type kind struct {
	name   string
	weight int64
	make   func(g *generator, e *Step)
}

// generator makes the steps of one seed.
type generator struct {
	r  *rng
	sc *Scenario
	// moments is how many steps there are for one that waits for a moment, 0: none
	// does.
	moments int64
	// steps that follow a fault by nature, such as the end of a standby.
	more []Step
}

// node draws a node.
func (g *generator) node() string {
	all := g.sc.all()
	return all[g.r.below(int64(len(all)))]
}

// member draws a node that runs resources.
func (g *generator) member() string { return g.sc.Nodes[g.r.below(int64(len(g.sc.Nodes)))] }

// pair draws two nodes.
func (g *generator) pair(e *Step) {
	all := g.sc.all()
	n := int64(len(all))
	i := g.r.below(n)
	j := (i + 1 + g.r.below(n-1)) % n
	e.Node, e.Peer = all[i], all[j]
}

// lasts draws how long something lasts: mostly about as long as it takes to be
// noticed.
func (g *generator) lasts(e *Step) {
	d := int64(g.sc.Deadtime)
	switch g.r.below(4) {
	case 0:
		e.For = time.Duration(g.r.between(d/100, d/2))
	case 1:
		e.For = time.Duration(g.r.between(d/2, 3*d/2))
	default:
		e.For = time.Duration(g.r.between(d/2, 4*d))
	}
	e.For = e.For.Round(time.Millisecond)
}

// kinds are the faults by their names in --faults.
var kinds = []kind{
	{"crash", 8, func(g *generator, e *Step) { e.Verb, e.Node = "crash", g.node(); g.lasts(e) }},
	{"restart", 8, func(g *generator, e *Step) { e.Verb, e.Node = "kill", g.node(); g.lasts(e) }},
	{"freeze", 8, func(g *generator, e *Step) { e.Verb, e.Node = "freeze", g.node(); g.lasts(e) }},
	{"hang", 6, func(g *generator, e *Step) { e.Verb, e.Node = "hang", g.node(); g.lasts(e) }},
	{"cut", 12, func(g *generator, e *Step) { e.Verb = "cut"; g.pair(e); g.lasts(e) }},
	{"oneway", 8, func(g *generator, e *Step) { e.Verb, e.OneWay = "cut", true; g.pair(e); g.lasts(e) }},
	{"isolate", 8, func(g *generator, e *Step) { e.Verb, e.Node = "isolate", g.node(); g.lasts(e) }},
	{"mend", 4, func(g *generator, e *Step) { e.Verb = "mend" }},
	{"loss", 6, func(g *generator, e *Step) {
		e.Verb, e.Amount = "loss", g.r.between(10, 500)
		if g.r.chance(2) {
			g.pair(e)
			e.OneWay = g.r.chance(2)
		}
		g.lasts(e)
	}},
	{"duplicate", 2, func(g *generator, e *Step) { e.Verb, e.Amount = "duplicate", g.r.between(10, 300); g.lasts(e) }},
	{"delay", 4, func(g *generator, e *Step) {
		e.Verb, e.Amount = "delay", int64(time.Duration(g.r.between(int64(time.Millisecond), int64(g.sc.Deadtime)/2)).Round(time.Millisecond))
		g.lasts(e)
	}},
	{"slowdisk", 4, func(g *generator, e *Step) {
		e.Verb, e.Node, e.Kind = "disk", g.node(), "slow"
		e.Amount = int64(time.Duration(g.r.between(int64(10*time.Millisecond), int64(g.sc.Deadtime)/2)).Round(time.Millisecond))
		g.lasts(e)
	}},
	{"fulldisk", 2, func(g *generator, e *Step) { e.Verb, e.Node, e.Kind = "disk", g.node(), "full"; g.lasts(e) }},
	{"torndisk", 4, func(g *generator, e *Step) { e.Verb, e.Node, e.Kind = "disk", g.node(), "torn" }},
	{"lostdisk", 2, func(g *generator, e *Step) { e.Verb, e.Node, e.Kind = "disk", g.node(), "lost"; g.lasts(e) }},
	{"drift", 2, func(g *generator, e *Step) {
		e.Verb, e.Node, e.Kind, e.Amount = "clock", g.node(), "drift", g.r.between(-4500, 4500)
	}},
	{"jump", 2, func(g *generator, e *Step) {
		e.Verb, e.Node, e.Kind = "clock", g.node(), "jump"
		e.Amount = int64(time.Duration(g.r.between(-int64(2*time.Hour), int64(2*time.Hour))).Round(time.Second))
	}},
	{"agent", 6, func(g *generator, e *Step) {
		e.Verb, e.Node, e.Resource = "agent", g.member(), g.resource()
		f := [][2]string{{"fails", "start"}, {"fails", "stop"}, {"fails", "monitor"}, {"hangs", "start"}, {"hangs", "stop"},
			{"hangs", "monitor"}, {"lies", "monitor"}, {"lies", "start"}}[g.r.below(8)]
		e.Kind, e.Op = f[0], f[1]
		g.lasts(e)
	}},
	{"fail", 6, func(g *generator, e *Step) { e.Verb, e.Node, e.Resource = "fail", g.member(), g.resource() }},
	{"standby", 3, func(g *generator, e *Step) {
		e.Verb, e.Node = "standby", g.member()
		back := Step{At: e.At, Verb: "online", Node: e.Node}
		g.lasts(&back)
		back.At, back.For = back.At+back.For, 0
		g.more = append(g.more, back)
	}},
	{"stop", 4, func(g *generator, e *Step) { e.Verb, e.Node = "stop", g.node(); g.lasts(e) }},
	{"edit", 8, func(g *generator, e *Step) { e.Verb, e.Node = "edit", g.member() }},
	{"edits", 4, func(g *generator, e *Step) { // several through one node, whatever happens to it
		e.Verb, e.Node = "edit", g.member()
		at := e.At
		for range g.r.between(2, 6) {
			at += time.Duration(g.r.below(int64(g.sc.Deadtime) / 4)).Round(time.Millisecond)
			g.more = append(g.more, Step{At: at, Verb: "edit", Node: e.Node})
		}
	}},
	{"voters", 3, func(g *generator, e *Step) {
		switch {
		case len(g.sc.Spares) > 0 && g.r.chance(2):
			e.Verb, e.Node = "add", g.sc.Spares[g.r.below(int64(len(g.sc.Spares)))]
		case len(g.sc.Nodes) > 3 || len(g.sc.Spares) > 0 && g.r.chance(2):
			e.Verb, e.Node = "remove", g.member()
			if len(g.sc.Spares) > 0 && g.r.chance(2) {
				e.Node = g.sc.Spares[g.r.below(int64(len(g.sc.Spares)))]
			}
		default:
			e.Verb, e.Node, e.Amount = "votes", g.node(), 50*g.r.between(1, 6)
		}
	}},
	{"cleanup", 2, func(g *generator, e *Step) { e.Verb, e.Resource = "cleanup", g.resource() }},
}

// FaultNames lists what [Generate] can make, in a fixed order.
func FaultNames() []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.name)
	}
	return out
}

// resource draws a primitive.
func (g *generator) resource() string {
	names := primitives(g.sc.CIB)
	if len(names) == 0 {
		return ""
	}
	return names[g.r.below(int64(len(names)))]
}

// Vary makes clusters of one size differ by the seed: in votes, in an arbiter, in
// nodes to be added, and in how views come about.
func Vary(sc *Scenario, seed uint64) {
	r := newRNG(seed, 11)
	switch seed % 6 {
	case 1:
		sc.Weights = map[string]int{}
		for _, n := range sc.Nodes {
			sc.Weights[n] = int(50 * r.between(1, 5))
		}
	case 2:
		sc.Arbiters = []string{"arbiter"}
	case 3:
		sc.Spares = []string{"spare1", "spare2"}
	case 4:
		sc.RandomViews = true
	}
}

// Generate fills a scenario with faults, one per every in the mean, until its
// Length; it ends with all of them repaired. faults names the kinds, nil means
// all. The same seed makes the same steps.
func Generate(sc *Scenario, seed uint64, every time.Duration, faults []string) error {
	var use []kind
	total := int64(0)
	for _, k := range kinds {
		if len(faults) == 0 || slices.Contains(faults, k.name) {
			if len(sc.Nodes) < 2 && slices.Contains([]string{"cut", "oneway", "loss"}, k.name) {
				continue
			}
			use = append(use, k)
			total += k.weight
		}
	}
	for _, f := range faults {
		if !slices.Contains(FaultNames(), f) {
			return fmt.Errorf("fault %q is not known; there are %s", f, strings.Join(FaultNames(), ", "))
		}
	}
	g := &generator{r: newRNG(seed, 7), sc: sc, moments: 8}
	sc.Settle = true
	g.fill(use, total, every)
	return nil
}

// fill draws steps of the kinds in use until the scenario is full.
func (g *generator) fill(use []kind, total int64, every time.Duration) {
	sc := g.sc
	sc.Steps = nil
	// The cluster forms first.
	at := 4 * sc.Deadtime
	for {
		// Half of the faults come close upon the one before.
		if g.r.chance(2) {
			at += time.Duration(g.r.between(0, int64(every)/5)).Round(time.Millisecond)
		} else {
			at += time.Duration(g.r.between(0, 19*int64(every)/5)).Round(time.Millisecond)
		}
		if at >= sc.Length {
			break
		}
		e := Step{At: at}
		pick := g.r.below(total)
		for _, k := range use {
			if pick -= k.weight; pick < 0 {
				k.make(g, &e)
				break
			}
		}
		if (e.Verb == "agent" || e.Verb == "fail" || e.Verb == "cleanup") && e.Resource == "" {
			continue
		}
		if g.moments > 0 && g.r.chance(g.moments) {
			e.Upon = moments[g.r.below(int64(len(moments)))]
		}
		sc.Steps = append(sc.Steps, e)
	}
	for _, e := range g.more {
		if e.At < sc.Length {
			sc.Steps = append(sc.Steps, e)
		}
	}
	slices.SortStableFunc(sc.Steps, func(a, b Step) int { return int(a.At - b.At) })
}
