package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// Swarm makes the run of one seed for the hunt for mistakes: short and dense.
// What a uniform mix of all faults averages away is different in each run: the
// cluster, its timers, what runs on it, which kinds of faults there are, how often
// each of them comes, and how many of them wait for a moment of the protocol.
func Swarm(seed uint64) (*Scenario, error) {
	r := newRNG(seed, 13)
	g := &generator{r: r}
	sc := NewScenario(int([]int64{3, 3, 3, 3, 2, 4, 5, 5}[r.below(8)]), 0)
	g.sc = sc
	if len(sc.Nodes) == 2 {
		sc.Arbiters = []string{"arbiter"}
	}
	if r.chance(3) {
		sc.Weights = map[string]int{}
		for _, n := range sc.Nodes {
			sc.Weights[n] = int(50 * r.between(1, 5))
		}
	}
	if r.chance(3) {
		sc.Spares = []string{"spare1"}
	}
	sc.RandomViews, sc.Loose = r.chance(2), r.chance(2)
	// Short timers make everything that takes long by itself long in comparison.
	d := []time.Duration{time.Second, 3 * time.Second, 10 * time.Second}[r.below(3)]
	sc.Deadtime, sc.Keepalive = d, d/4
	if count := int(r.below(4)); count > 0 {
		delay := time.Duration(0)
		if r.chance(2) {
			delay = time.Duration(r.between(int64(d)/4, 3*int64(d))).Round(time.Millisecond)
		}
		sc.SetResources(count, delay)
	}
	long := []time.Duration{d / 8, d / 2, 2 * d}[r.below(3)]
	sc.Models = map[string]Model{}
	for _, name := range primitives(sc.CIB) {
		sc.Models[name] = Model{Start: long, Stop: d / 8}
	}
	sc.Length = d * time.Duration(r.between(60, 200))
	sc.Settle = r.chance(8)
	every := d / 2 << r.below(4)
	var use []kind
	total := int64(0)
	for len(use) == 0 {
		for _, k := range slices.Concat(kinds, attacks) {
			if r.chance(2) {
				k.weight *= []int64{1, 1, 3, 9}[r.below(4)]
				use = append(use, k)
				total += k.weight
			}
		}
	}
	g.moments = []int64{0, 2, 4, 8}[r.below(4)]
	g.fill(use, total, every)
	return sc, nil
}

// attacks are sequences of steps that a mistake in the agreement would not
// survive, and that come about at random too rarely.
var attacks = []kind{
	// Changes on both sides of a cut, the more of them on the side that loses.
	{"writes", 16, func(g *generator, e *Step) {
		e.Verb, e.Node = "isolate", g.member()
		g.lasts(e)
		d := int64(g.sc.Deadtime)
		at := e.At
		for range g.r.between(1, 5) {
			at += time.Duration(g.r.below(d / 4)).Round(time.Millisecond)
			g.more = append(g.more, Step{At: at, Verb: "edit", Node: e.Node})
		}
		g.more = append(g.more, Step{At: e.At + time.Duration(g.r.between(d, 3*d)).Round(time.Millisecond), Verb: "edit", Node: g.member()})
	}},
	// One cable after another: who was left out comes back with the help of one
	// that has just excluded it.
	{"rotate", 16, func(g *generator, e *Step) {
		e.Verb = "cut"
		g.pair(e)
		d := int64(g.sc.Deadtime)
		e.For = time.Duration(g.r.between(d, 3*d)).Round(time.Millisecond)
		at := e.At
		for range g.r.between(1, 3) {
			next := Step{Verb: "cut", OneWay: g.r.chance(4)}
			at += time.Duration(g.r.between(d/2, 2*d)).Round(time.Millisecond)
			g.pair(&next)
			next.At, next.For = at, time.Duration(g.r.between(d/2, 3*d)).Round(time.Millisecond)
			g.more = append(g.more, next)
		}
	}},
	// A change, and the power goes off where it has just been made.
	{"lastword", 8, func(g *generator, e *Step) {
		e.Verb, e.Node = "edit", g.member()
		for range g.r.between(1, 3) {
			f := Step{At: e.At, Upon: []string{"change", "ack", "write"}[g.r.below(3)], Verb: []string{"crash", "isolate"}[g.r.below(2)], Node: g.member()}
			g.lasts(&f)
			g.more = append(g.more, f)
		}
	}},
	// The power goes off while a state is taken over, of who hands it out and of
	// who takes it.
	{"handover", 8, func(g *generator, e *Step) {
		e.Verb, e.Node = "kill", g.member()
		e.For = time.Duration(g.r.between(0, 2*int64(g.sc.Deadtime))).Round(time.Millisecond)
		for range g.r.between(1, 2) {
			f := Step{At: e.At, Upon: []string{"promise", "sync", "synced", "write"}[g.r.below(4)], Verb: "crash", Node: g.member()}
			if g.r.chance(2) {
				f.Verb, f.Kind = "disk", "torn"
			} else {
				g.lasts(&f)
			}
			g.more = append(g.more, f)
		}
	}},
}

// SetResources makes the configuration a number of resources without any relation,
// each of which the cluster starts a delay after it was told to.
func (sc *Scenario) SetResources(count int, delay time.Duration) {
	var b strings.Builder
	b.WriteString(`<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.9"><configuration>
<crm_config><cluster_property_set id="options">
<nvpair id="options-stonith" name="stonith-enabled" value="false"/>
<nvpair id="options-policy" name="no-quorum-policy" value="stop"/>
</cluster_property_set></crm_config><nodes/><resources>`)
	for i := range count {
		id := fmt.Sprintf("r%d", i+1)
		fmt.Fprintf(&b, `<primitive id="%s" class="ocf" provider="heartbeat" type="Dummy"><operations>`, id)
		extra := ""
		if delay > 0 {
			extra = fmt.Sprintf(` start-delay="%dms"`, delay.Milliseconds())
		}
		fmt.Fprintf(&b, `<op id="%s-start" name="start" interval="0" timeout="20s"%s/><op id="%s-stop" name="stop" interval="0" timeout="20s"/>`, id, extra, id)
		b.WriteString(`</operations></primitive>`)
	}
	b.WriteString(`</resources><constraints/>
<rsc_defaults><meta_attributes id="defaults">
<nvpair id="defaults-stickiness" name="resource-stickiness" value="1000"/>
<nvpair id="defaults-timeout" name="failure-timeout" value="5min"/>
</meta_attributes></rsc_defaults></configuration></cib>`)
	root, err := cib.Parse([]byte(b.String()), "resources of the scenario")
	if err != nil {
		panic(err) // made above
	}
	sc.CIB, sc.CIBFile, sc.Sticky = root, "", true
	sc.Resources, sc.StartDelay = count, delay
}
