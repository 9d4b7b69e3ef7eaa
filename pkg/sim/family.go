package sim

import (
	"slices"
	"strings"
	"time"
)

// family is a kind of runs for the hunt that goes for one sort of interleavings:
// a small cluster, short timers, and a few steps of which the seed decides who,
// when and in what order. What a swarm meets once in hours of processor time comes
// about here in every tenth run.
type family struct {
	name string
	// every is a deadtime's multiple: the steps of one act are that far apart.
	every int64
	acts  int64
	setup func(g *generator)
	// act adds the steps of one act, which begins at that time.
	act func(g *generator, at time.Duration)
}

// HuntScenario makes the run of one seed for the hunt: the families by turns, and
// a [Swarm] in between.
func HuntScenario(seed uint64) (*Scenario, error) {
	turn := seed % uint64(len(families)+1)
	if turn == 0 {
		return Swarm(seed)
	}
	return families[turn-1].scenario(seed), nil
}

func (f *family) scenario(seed uint64) *Scenario {
	r := newRNG(seed, 19)
	sc := NewScenario(int([]int64{3, 3, 3, 4, 5}[r.below(5)]), 0)
	sc.Deadtime = []time.Duration{time.Second, 3 * time.Second}[r.below(2)]
	sc.Keepalive = sc.Deadtime / 4
	g := &generator{r: r, sc: sc}
	f.setup(g)
	at := 5 * sc.Deadtime
	for range f.acts {
		f.act(g, at)
		at += time.Duration(f.every) * sc.Deadtime
	}
	sc.Length = at + 2*sc.Deadtime
	slices.SortStableFunc(g.more, func(a, b Step) int { return int(a.At - b.At) })
	sc.Steps = g.more
	return sc
}

// span draws a time of lo to hi percent of a deadtime.
func (g *generator) span(lo, hi int64) time.Duration {
	d := int64(g.sc.Deadtime) / 100
	return time.Duration(g.r.between(lo*d, hi*d)).Round(time.Millisecond)
}

// add adds a step.
func (g *generator) add(e Step) { g.more = append(g.more, e) }

// model gives all resources of a configuration one behaviour, in percents of a
// deadtime.
func (g *generator) model(count int, start, stop int64) {
	g.sc.SetResources(count, 0)
	d := g.sc.Deadtime / 100
	g.sc.Models = map[string]Model{}
	for _, name := range primitives(g.sc.CIB) {
		g.sc.Models[name] = Model{Start: time.Duration(start) * d, Stop: time.Duration(stop) * d}
	}
}

// shuffled are the nodes in an order that is drawn.
func (g *generator) shuffled() []string {
	all := slices.Clone(g.sc.Nodes)
	for i := range all {
		j := i + int(g.r.below(int64(len(all)-i)))
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// others draws a set of nodes that makes a majority with the one named.
func (g *generator) others(name string) string {
	all := slices.DeleteFunc(g.shuffled(), func(n string) bool { return n == name })
	all = all[:(len(all)+1)/2]
	slices.Sort(all)
	return strings.Join(all, " ")
}

// propose adds that a node proposes a majority.
func (g *generator) propose(at time.Duration) Step {
	e := Step{At: at, Verb: "propose", Node: g.member()}
	e.Value = g.others(e.Node)
	g.add(e)
	return e
}

// whole adds that a node proposes all.
func (g *generator) whole(at time.Duration) {
	n := g.member()
	all := slices.DeleteFunc(g.sc.all(), func(x string) bool { return x == n })
	g.add(Step{At: at, Verb: "propose", Node: n, Value: strings.Join(all, " ")})
}

var families = []family{
	// One of the attacks of a swarm, a few times.
	{"attack", 6, 3, func(g *generator) {
		g.model(1, 12, 12)
		g.sc.Loose = g.r.chance(4)
	}, func(g *generator, at time.Duration) {
		e := Step{At: at}
		attacks[g.r.below(int64(len(attacks)))].make(g, &e)
		g.add(e)
		if g.r.chance(2) {
			e := Step{At: at + g.span(0, 200), Upon: []string{"change", "ack", "write", "sync"}[g.r.below(4)], Verb: "isolate", Node: g.member()}
			e.For = g.span(100, 300)
			g.add(e)
		}
	}},
	// Changes go on at the old DC while a proposer, whom it does not reach, takes
	// long to write what it was promised.
	{"promised", 4, 3, func(g *generator) {
		g.sc.DirectedViews = true
		g.model(1, 12, 12)
	}, func(g *generator, at time.Duration) {
		p := g.propose(at + g.span(20, 60))
		old := g.member()
		if old != p.Node {
			g.add(Step{At: at, Verb: "cut", Node: p.Node, Peer: old, For: g.span(150, 300)})
		}
		g.add(Step{At: at, Verb: "disk", Node: p.Node, Kind: "slow", Amount: int64(g.span(20, 100)), For: g.span(150, 300)})
		for t := at; t < at+g.sc.Deadtime*3/2; t += g.span(5, 30) {
			g.add(Step{At: t, Verb: "edit", Node: old})
		}
		if g.r.chance(2) {
			g.whole(at + g.span(300, 380))
		}
	}},
	// Votes change so that one node alone, or all the others, are a majority by one
	// of the two rules, while the change is on its way.
	{"electorate", 8, 3, func(g *generator) {
		g.model(2, 12, 12)
	}, func(g *generator, at time.Duration) {
		heavy := g.member()
		g.add(Step{At: at, Verb: "votes", Node: heavy, Amount: []int64{250, 450, 100, 50}[g.r.below(4)]})
		e := Step{At: at, Upon: []string{"change", "write", "ack", ""}[g.r.below(4)], Verb: "isolate", Node: heavy, For: g.span(200, 600)}
		if g.r.chance(4) {
			e.Node = g.member()
		}
		if e.Upon == "" {
			e.At += g.span(0, 150)
		}
		g.add(e)
	}},
	// Views change while operations that take long are under way.
	{"underway", 6, 3, func(g *generator) {
		g.model(int(g.r.between(1, 4)), 400, 50)
	}, func(g *generator, at time.Duration) {
		x := g.member()
		g.add(Step{At: at, Verb: []string{"kill", "crash", "standby"}[g.r.below(3)], Node: x, For: g.span(50, 300)})
		if g.more[len(g.more)-1].Verb == "standby" {
			g.more[len(g.more)-1].For = 0
			g.add(Step{At: at + g.span(300, 500), Verb: "online", Node: x})
		}
		for range g.r.between(1, 3) {
			y := g.member()
			t := at + g.span(0, 250)
			upon := ""
			if g.r.chance(2) {
				upon = []string{"start", "view"}[g.r.below(2)]
			}
			if g.r.chance(3) {
				g.add(Step{At: t, Upon: upon, Verb: "standby", Node: y})
				g.add(Step{At: t + g.span(200, 400), Verb: "online", Node: y})
			} else {
				g.add(Step{At: t, Upon: upon, Verb: []string{"kill", "crash", "hang"}[g.r.below(3)], Node: y, For: g.span(50, 300)})
			}
		}
	}},
	// Majority after majority, each in the time that a lease of the one before
	// has left.
	{"majorities", 3, 8, func(g *generator) {
		g.sc.DirectedViews = true
		g.model(len(g.sc.Nodes), 6, 6)
	}, func(g *generator, at time.Duration) {
		first := g.propose(at)
		next := at + g.span(30, 80)
		// Who proposed first hears nothing of it.
		away := Step{At: next, Verb: "cut", Node: first.Node, For: g.span(50, 150)}
		if away.Peer = strings.Fields(first.Value)[0]; g.r.chance(2) {
			away.Verb, away.Peer = "isolate", ""
		}
		if !g.r.chance(4) {
			g.add(away)
		}
		g.propose(next)
		if g.r.chance(3) {
			g.propose(at + g.span(80, 200))
		}
		if g.r.chance(2) {
			g.whole(at + g.span(200, 300))
		}
	}},
	// A start waits on a node that most have given up since. Its own majority goes
	// on to two views that it never hears of, the second of which names it again.
	{"straggler", 12, 1, func(g *generator) {
		g.sc.Nodes, g.sc.DirectedViews = NodeNames(5), true
		g.model(5, 6, 6)
		g.sc.SetResources(5, g.span(150, 300))
	}, func(g *generator, at time.Duration) {
		n := g.shuffled()
		x, p, q, z, r := n[0], n[1], n[2], n[3], n[4]
		at += 4 * g.sc.Deadtime // all runs by then
		left := at + g.span(85, 125)
		g.add(Step{At: at, Verb: "propose", Node: p, Value: x + " " + q})
		g.add(Step{At: at, Verb: "cut", Node: x, OneWay: true, Peer: q, For: left - at + g.span(0, 200)})
		g.add(Step{At: at, Verb: "cut", Node: x, OneWay: true, Peer: z, For: g.span(500, 700)})
		g.add(Step{At: at, Verb: "cut", Node: x, OneWay: true, Peer: r, For: g.span(500, 700)})
		g.add(Step{At: left, Verb: "propose", Node: z, Value: strings.Join([]string{p, q, r}, " ")})
		g.add(Step{At: left + g.sc.StartDelay - g.span(0, 45), Verb: "propose", Node: r, Value: strings.Join([]string{x, p, q}, " ")})
	}},
	// A change that two hold, of whom one may only have said so: it loses power, and
	// then who made the change, while the third comes back.
	{"lastword", 6, 3, func(g *generator) {
		g.sc.Nodes = NodeNames(3)
		g.model(1, 12, 12)
	}, func(g *generator, at time.Duration) {
		n := g.shuffled()
		g.add(Step{At: at, Verb: []string{"isolate", "crash"}[g.r.below(2)], Node: n[2], For: g.span(200, 280)})
		t := at + g.span(130, 170)
		g.add(Step{At: t, Upon: []string{"write", "ack", "change"}[g.r.below(3)], Verb: "crash", Node: n[1], For: g.span(80, 200)})
		g.add(Step{At: t, Verb: "edit", Node: n[0]})
		if g.r.chance(2) {
			g.more[len(g.more)-2].Of = n[1]
		}
		g.add(Step{At: t + g.span(1, 40), Verb: []string{"isolate", "crash"}[g.r.below(2)], Node: n[0], For: g.span(300, 400)})
	}},
	// Whom a voter has confirmed is forgotten with its daemon, and who comes back
	// has not confirmed anybody for long.
	{"reborn", 8, 3, func(g *generator) {
		g.sc.Nodes = NodeNames(3)
		g.model(3, 6, 25)
	}, func(g *generator, at time.Duration) {
		n := g.shuffled()
		back := g.span(200, 350)
		g.add(Step{At: at, Verb: "isolate", Node: n[0], For: back})
		at += back + g.span(-20, 10)
		g.add(Step{At: at, Verb: "cut", Node: n[1], Peer: n[2], For: g.span(200, 300)})
		g.add(Step{At: at + g.span(0, 10), Verb: []string{"kill", "crash"}[g.r.below(2)], Node: n[1], For: g.span(1, 20)})
	}},
	// A change, then one that holds it loses its disk, and the other its power, while
	// the third, who has never heard of it, comes back.
	{"newdisk", 9, 3, func(g *generator) {
		g.sc.Nodes = NodeNames(3)
		g.model(1, 12, 12)
	}, func(g *generator, at time.Duration) {
		n := g.shuffled()
		g.add(Step{At: at, Verb: "isolate", Node: n[2], For: g.span(180, 220)})
		g.add(Step{At: at + g.span(120, 150), Verb: "edit", Node: n[0]})
		t := at + g.span(155, 180)
		g.add(Step{At: t, Verb: "disk", Node: n[1], Kind: "lost", For: g.span(20, 100)})
		g.add(Step{At: t + g.span(0, 40), Verb: []string{"isolate", "crash"}[g.r.below(2)], Node: n[0], For: g.span(300, 400)})
	}},
	// Who missed changes loses power while it takes the state over, and so do those
	// who have it, before all of them have heard of the new view.
	{"halfway", 8, 3, func(g *generator) {
		g.sc.Nodes = NodeNames(3)
		g.model(1, 12, 12)
	}, func(g *generator, at time.Duration) {
		n := g.shuffled()
		back := g.span(180, 250)
		g.add(Step{At: at, Verb: "isolate", Node: n[2], For: back})
		g.add(Step{At: at + g.span(120, 160), Verb: "edit", Node: n[g.r.below(2)]})
		upon := []string{"sync", "sync", "promise"}[g.r.below(3)]
		g.add(Step{At: at + back, Upon: upon, Verb: "disk", Node: n[2], Kind: "torn"})
		g.add(Step{At: at + back, Upon: "sync", Verb: []string{"isolate", "crash"}[g.r.below(2)], Node: n[0], For: g.span(300, 400)})
		g.add(Step{At: at + back, Upon: "sync", Verb: []string{"isolate", "crash"}[g.r.below(2)], Node: n[1], For: g.span(10, 100)})
	}},
	// States that are handed out come twice, the second time after changes.
	{"twice", 8, 3, func(g *generator) {
		g.sc.Loose = true
		g.model(1, 12, 12)
		g.add(Step{At: 4 * g.sc.Deadtime, Verb: "duplicate", Amount: 500})
	}, func(g *generator, at time.Duration) {
		away, dies := g.member(), g.member()
		end := g.span(250, 400)
		g.add(Step{At: at, Verb: "isolate", Node: away, For: end})
		for t := at + g.sc.Deadtime; t < at+2*g.sc.Deadtime; t += g.span(10, 40) {
			g.add(Step{At: t, Verb: "edit", Node: g.member()})
		}
		if dies != away {
			g.add(Step{At: at + end - g.span(0, 50), Verb: []string{"crash", "isolate"}[g.r.below(2)], Node: dies, For: g.span(200, 400)})
		}
	}},
	// The last echoes to an owner that is cut off come late.
	{"lastecho", 7, 3, func(g *generator) {
		g.model(len(g.sc.Nodes), 6, 30)
	}, func(g *generator, at time.Duration) {
		before := g.span(5, 60)
		g.add(Step{At: at, Verb: "delay", Amount: int64(g.span(40, 90)), For: before})
		g.add(Step{At: at + before, Verb: "isolate", Node: g.member(), For: g.span(150, 400)})
	}},
}
