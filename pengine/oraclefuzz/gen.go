package oraclefuzz

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/quorate/quorate/cib"
)

// Now is the time of every generated document, in seconds of the Unix epoch:
// Saturday 2024-06-15 12:00:00 UTC. Engines are run at this time.
const Now = 1718452800

// NowISO is Now in the form which crm_simulate's option -t takes.
const NowISO = "2024-06-15T12:00:00Z"

// phases of the generator, in order.
const (
	phaseNodes = iota
	phaseResources
	phaseMeta
	phaseConstraints
	phaseStatus
	phases
)

// gen is one document under construction.
type gen struct {
	r       *rand.Rand
	want    map[string]bool
	nodes   []*node
	inner   []*node // of bundles
	rscs    []*rsc  // top level
	tmpls   []*rsc
	tags    []*cib.Element
	props   []pair
	rscDef  []*cib.Element
	opDef   []*cib.Element
	cons    []*cib.Element
	levels  []*cib.Element
	tickets []*cib.Element
	places  []*place
	late    []func() // run when everything has its place
	quorum  string
	serial  int
}

// Generate makes the document of a seed. With names of features given, all of
// them are used besides those the seed chooses; unknown names are an error.
func Generate(seed uint64, force ...string) (*cib.Element, error) {
	g := &gen{r: rand.New(rand.NewPCG(seed, 0x71756f72617465)), want: map[string]bool{}, quorum: "1"}
	for _, n := range force {
		if FeatureByName(n) == nil {
			return nil, fmt.Errorf("there is no feature named %q: the driver's option -list-features prints the names", n)
		}
		g.want[n] = true
	}
	for _, i := range deal(seed) {
		g.want[Features[i].Name] = true
	}
	for range g.r.IntN(5) {
		g.want[Features[g.r.IntN(len(Features))].Name] = true
	}
	g.base()
	for p := range phases {
		if p == phaseStatus {
			g.placeAll()
			g.promotionScores()
			for _, f := range g.late {
				f()
			}
		}
		for _, list := range [][]Feature{Features, More} {
			for i := range list {
				if f := &list[i]; f.phase == p && g.want[f.Name] {
					f.apply(g)
				}
			}
		}
	}
	g.writeHistories()
	return g.withDigests(g.document()), nil
}

// handSize is the number of features dealt to each seed.
const handSize = 7

// deal gives each seed some features, so that every run of len(Features) /
// handSize consecutive seeds sees all of them once.
func deal(seed uint64) []int {
	hands := uint64((len(Features) + handSize - 1) / handSize)
	deck := rand.New(rand.NewPCG(seed/hands, 0x6465616c)).Perm(len(Features))
	lo := int(seed%hands) * handSize
	return deck[lo:min(lo+handSize, len(deck))]
}

// chance is true with probability p.
func (g *gen) chance(p float64) bool { return g.r.Float64() < p }

// pick returns one of the values.
func pick[T any](g *gen, vs ...T) T { return vs[g.r.IntN(len(vs))] }

// name makes a new unique id.
func (g *gen) name(prefix string) string {
	g.serial++
	return prefix + strconv.Itoa(g.serial)
}

// base makes the nodes, some resources and the usual options.
func (g *gen) base() {
	n := 2 + g.r.IntN(4)
	if g.chance(0.3) {
		n = 2
	}
	for i := range n {
		g.nodes = append(g.nodes, newNode(strconv.Itoa(i+1), fmt.Sprintf("node%d", i+1)))
	}
	if g.chance(0.6) {
		g.addPrimitive().fence()
		if g.chance(0.06) { // a cloned device
			k := g.rscs[0]
			g.rscs = g.rscs[:0]
			g.cloneOf(k)
		}
	} else if g.chance(0.6) {
		g.props = set(g.props, "stonith-enabled", "false")
	}
	for range g.r.IntN(3) {
		g.addPrimitive()
	}
	if g.chance(0.15) {
		g.addGroup()
	}
	if g.chance(0.1) {
		g.addClone()
	}
	if len(g.rscs) == 0 {
		g.addPrimitive()
	}
}

// fence turns a primitive into a fencing device.
func (r *rsc) fence() *rsc {
	r.class, r.provider, r.typ = "stonith", "", "fence_dummy"
	r.params = []pair{{"pcmk_host_list", "node1 node2 node3 node4 node5"}}
	return r
}

// primitive makes a primitive without parent.
func (g *gen) primitive() *rsc {
	r := &rsc{kind: "primitive", id: g.name("rsc"), class: "ocf", provider: "pacemaker", typ: "Dummy", rank: g.r.IntN(1 << 20)}
	switch g.r.IntN(12) {
	case 0:
		r.class, r.provider, r.typ = "systemd", "", "dummy"
	case 1:
		r.class, r.provider, r.typ = "lsb", "", "dummy"
	case 2, 3:
		r.provider, r.typ = "heartbeat", pick(g, "IPaddr2", "Filesystem", "apache")
	}
	if r.class == "ocf" && g.chance(0.7) {
		r.params = append(r.params, pair{"state", "/run/" + r.id})
		if g.chance(0.3) {
			r.params = append(r.params, pair{"fake", "v" + strconv.Itoa(g.r.IntN(3))})
		}
	}
	if g.chance(0.75) {
		r.ops = append(r.ops, g.monitor(10000))
	}
	if g.chance(0.15) {
		r.ops = append(r.ops, &op{name: "start", attrs: []pair{{"timeout", pick(g, "30s", "60s")}}})
	}
	if g.chance(0.1) {
		r.ops = append(r.ops, &op{name: "stop", attrs: []pair{{"timeout", "90s"}}})
	}
	return r
}

func (g *gen) monitor(ms int) *op {
	o := &op{name: "monitor", ms: ms}
	if g.chance(0.5) {
		o.attrs = append(o.attrs, pair{"timeout", pick(g, "20s", "45s")})
	}
	return o
}

// maxTop is the number of resources at the top level at most.
const maxTop = 8

// full reports whether there is no room for another top-level resource.
func (g *gen) full() bool { return len(g.rscs) >= maxTop }

func (g *gen) addPrimitive() *rsc {
	r := g.primitive()
	g.rscs = append(g.rscs, r)
	return r
}

func (g *gen) group() *rsc {
	r := &rsc{kind: "group", id: g.name("grp"), rank: g.r.IntN(1 << 20)}
	for range 1 + g.r.IntN(3) {
		k := g.primitive()
		k.parent = r
		r.kids = append(r.kids, k)
	}
	return r
}

func (g *gen) addGroup() *rsc {
	r := g.group()
	g.rscs = append(g.rscs, r)
	return r
}

// addClone clones a new primitive, seldom a group.
func (g *gen) addClone() *rsc {
	k := g.primitive()
	if g.chance(0.15) {
		k = g.group()
	}
	return g.cloneOf(k)
}

func (g *gen) cloneOf(k *rsc) *rsc {
	r := &rsc{kind: "clone", id: k.id + "-clone", kids: []*rsc{k}, rank: k.rank}
	k.parent = r
	g.rscs = append(g.rscs, r)
	return r
}

// promote makes a clone promotable.
func (g *gen) promote(c *rsc) *rsc {
	c.meta = set(c.meta, "promotable", "true")
	for _, l := range c.leaves() {
		l.class, l.provider, l.typ = "ocf", "pacemaker", "Stateful"
		for _, o := range l.ops {
			if o.name == "monitor" && get(o.attrs, "role") == "" {
				o.attrs = set(o.attrs, "role", "Unpromoted")
			}
		}
		if g.chance(0.7) {
			m := g.monitor(9000)
			m.attrs = set(m.attrs, "role", "Promoted")
			l.ops = append(l.ops, m)
		}
		for _, n := range []string{"promote", "demote"} {
			if g.chance(0.15) {
				l.ops = append(l.ops, &op{name: n, attrs: []pair{{"timeout", "33s"}}})
			}
		}
		l.ops = dedupe(l.ops)
	}
	return c
}

// some returns a random top-level resource that fits, or makes one.
func (g *gen) some(fits func(*rsc) bool, make func() *rsc) *rsc {
	var fit []*rsc
	for _, r := range g.rscs {
		if fits(r) {
			fit = append(fit, r)
		}
	}
	if len(fit) == 0 || (!g.full() && g.chance(0.2)) {
		return make()
	}
	return fit[g.r.IntN(len(fit))]
}

func (g *gen) anyGroup() *rsc {
	return g.some(func(r *rsc) bool { return r.kind == "group" }, g.addGroup)
}
func (g *gen) anyClone() *rsc { return g.some((*rsc).isClone, g.addClone) }
func (g *gen) anyPromotable() *rsc {
	return g.some((*rsc).promotable, func() *rsc { return g.promote(g.addClone()) })
}
func (g *gen) anyUnique() *rsc {
	return g.some((*rsc).unique, func() *rsc {
		c := g.addClone()
		c.meta = set(c.meta, "globally-unique", "true")
		return c
	})
}
func (g *gen) plain() *rsc {
	return g.some(func(r *rsc) bool { return r.kind == "primitive" && !r.stonith() }, g.addPrimitive)
}

// anyRsc returns a random top-level resource which is no fencing device.
func (g *gen) anyRsc() *rsc {
	return g.some(func(r *rsc) bool { return !r.stonith() }, func() *rsc {
		switch g.r.IntN(4) {
		case 0:
			return g.addGroup()
		case 1:
			return g.addClone()
		}
		return g.addPrimitive()
	})
}

// leaf returns a random primitive which is no fencing device.
func (g *gen) leaf() *rsc {
	ls := g.anyRsc().leaves()
	if len(ls) == 0 { // an empty bundle
		ls = []*rsc{g.addPrimitive()}
	}
	return ls[g.r.IntN(len(ls))]
}

// two returns two different top-level resources, the lower rank first.
func (g *gen) two() (a, b *rsc) {
	ok := func(r *rsc) bool { return !r.stonith() }
	a = g.some(ok, g.addPrimitive)
	b = g.some(func(r *rsc) bool { return ok(r) && r != a }, func() *rsc {
		if g.chance(0.5) {
			return g.addClone()
		}
		return g.addPrimitive()
	})
	if b.rank < a.rank || b.rank == a.rank && b.id < a.id {
		a, b = b, a
	}
	return a, b
}

// ref is the id under which a constraint names r: its own, mostly, or a
// member's.
func (g *gen) ref(r *rsc) string {
	if r.kind == "group" && g.chance(0.25) {
		return pick(g, r.kids...).id
	}
	if r.isClone() && g.chance(0.04) {
		return r.kids[0].id
	}
	return r.id
}

func (g *gen) aNode() *node { return g.nodes[g.r.IntN(len(g.nodes))] }

func (g *gen) score() string {
	return pick(g, "1", "10", "50", "100", "200", "1000", "INFINITY", "-10", "-100", "-INFINITY", "0")
}

func (g *gen) finite() string { return pick(g, "1", "10", "50", "100", "500", "-10", "-100", "-500") }
