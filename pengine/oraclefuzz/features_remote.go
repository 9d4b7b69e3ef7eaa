package oraclefuzz

import (
	"strconv"

	"github.com/quorate/quorate/cib"
)

// hosts are the nodes on which a resource may be active: fencing devices,
// connections and what has a guest node inside run on cluster nodes only.
func hosts(r *rsc, ns []*node) []*node {
	only := false
	for _, l := range r.leaves() {
		only = only || l.host || l.stonith()
	}
	if !only {
		return ns
	}
	var out []*node
	for _, n := range ns {
		if !n.remote {
			out = append(out, n)
		}
	}
	return out
}

// addRemote adds a remote node and the connection to it.
func (g *gen) addRemote() *rsc {
	name := g.name("remote")
	c := &rsc{kind: "primitive", id: name, class: "ocf", provider: "pacemaker", typ: "remote", rank: g.r.IntN(1 << 20), host: true}
	if g.chance(0.5) {
		c.params = append(c.params, pair{"server", "host-" + name})
	}
	if g.chance(0.3) {
		c.params = append(c.params, pair{"reconnect_interval", pick(g, "60s", "5min")})
	}
	if g.chance(0.9) {
		m := g.monitor(pick(g, 20000, 60000))
		if g.chance(0.15) {
			m.attrs = set(m.attrs, "on-fail", pick(g, "restart", "stop", "ignore", "fence", "block"))
		}
		c.ops = append(c.ops, m)
	}
	g.rscs = append(g.rscs, c)
	g.remoteNode(name)
	return c
}

// remoteNode adds a node behind a connection.
func (g *gen) remoteNode(name string) *node {
	n := newNode(name, name)
	n.remote, n.listed, n.crmd = true, g.chance(0.4), ""
	if g.chance(0.1) {
		n.inCCM = "false"
	}
	if g.chance(0.2) {
		n.attrs = append(n.attrs, pair{"rack", pick(g, "a", "b")})
	}
	g.nodes = append(g.nodes, n)
	return n
}

// addGuest makes a primitive the host of a guest node.
func (g *gen) addGuest() *rsc {
	vm := g.addPrimitive()
	name := g.name("guest")
	vm.host = true
	vm.class, vm.provider, vm.typ = "ocf", "heartbeat", "VirtualDomain"
	vm.meta = set(vm.meta, "remote-node", name)
	conn := &rsc{kind: "primitive", id: name, class: "ocf", provider: "pacemaker", typ: "remote", host: true, container: vm.id}
	for _, p := range []struct{ meta, param, value string }{{"remote-addr", "addr", "10.0.0.7"}, {"remote-port", "port", "3125"}} {
		if g.chance(0.4) {
			vm.meta = set(vm.meta, p.meta, p.value)
			conn.params = append(conn.params, pair{p.param, p.value})
		}
	}
	if g.chance(0.2) {
		vm.meta = set(vm.meta, "remote-connect-timeout", "90s")
	}
	if g.chance(0.2) {
		vm.meta = set(vm.meta, "remote-allow-migrate", pick(g, "true", "false"))
	}
	if g.chance(0.3) {
		vm.meta = set(vm.meta, "allow-migrate", "true")
	}
	conn.ops = append(conn.ops, &op{name: "monitor", ms: 30000, attrs: []pair{{"timeout", "30s"}}})
	g.remoteNode(name)
	g.late = append(g.late, func() {
		for _, p := range g.places[:len(g.places):len(g.places)] {
			if p.leaf != vm {
				continue
			}
			st := "probed"
			if p.state == "started" && g.chance(0.9) {
				st = "started"
			}
			if st == "started" || g.chance(0.2) {
				g.put(conn, conn.id, p.node, st)
			}
		}
	})
	return vm
}

// behind returns a random node behind a connection, one that is added if there
// is none.
func (g *gen) behind() *node {
	var ns []*node
	for _, n := range g.nodes {
		if n.remote {
			ns = append(ns, n)
		}
	}
	if len(ns) == 0 {
		if g.chance(0.5) {
			g.addRemote()
		} else {
			g.addGuest()
		}
		return g.nodes[len(g.nodes)-1]
	}
	return ns[g.r.IntN(len(ns))]
}

func isRemote(v view) bool { return has("primitive", "type", "remote")(v) || nv("remote-node", "*")(v) }

// remoteState tells whether the state of a node behind a connection has the
// attributes.
func remoteState(attrs ...string) func(view) bool {
	return state(append([]string{"remote_node", "true"}, attrs...)...)
}

var remoteFeatures = []Feature{
	{"remote-node", phaseResources, func(g *gen) {
		for range 1 + g.r.IntN(2) {
			g.addRemote()
		}
	}, has("primitive", "type", "remote")},
	{"guest-node", phaseResources, func(g *gen) { g.addGuest() }, nv("remote-node", "*")},
	{"remote-preferred", phaseConstraints, func(g *gen) {
		g.constrain(cib.New("rsc_location", "id", g.name("loc"), "rsc", g.ref(g.anyRsc()), "node", g.behind().name, "score", g.score()))
	}, isRemote},
	{"remote-lost", phaseStatus, func(g *gen) { // the connection has failed
		n := g.behind()
		p := g.place(func(p *place) bool { return p.leaf.id == n.name && p.state == "started" && p.fate == "" })
		if p == nil {
			return
		}
		p.fate = pick(g, "failed-monitor", "failed-monitor", "failed-start", "pending-start", "failed-stop")
		if g.chance(0.5) {
			g.failCount(p, "", pick(g, "1", "3", "INFINITY"))
		}
		if g.chance(0.3) {
			n.fenced = pick(g, "0", strconv.Itoa(Now-100))
		}
	}, isRemote},
	{"remote-attributes", phaseStatus, func(g *gen) {
		n := g.behind()
		switch g.r.IntN(5) {
		case 0:
			n.transient = set(n.transient, "standby", "true")
		case 1:
			n.transient = set(n.transient, "maintenance", "true")
		case 2:
			n.transient = set(n.transient, "shutdown", strconv.Itoa(Now-20))
		case 3:
			n.attrs, n.listed = set(n.attrs, "resource-discovery-enabled", "false"), true
		default:
			n.inCCM = "false"
		}
	}, remoteState()},
	{"remote-host-lost", phaseStatus, func(g *gen) { // the node that holds the connection
		n := g.behind()
		p := g.place(func(p *place) bool { return p.leaf.id == n.name && p.state == "started" })
		if p == nil || p.node == g.nodes[0] {
			return
		}
		p.node.inCCM, p.node.crmd = "false", "offline"
		if g.chance(0.3) {
			p.node.join, p.node.expected = "down", "down"
		}
	}, isRemote},
	{"bundle", phaseResources, func(g *gen) { g.addBundle() }, has("bundle")},
	{"bundle-promotable", phaseResources, func(g *gen) {
		b := g.addBundle()
		if len(b.kids) == 0 {
			b.kids = []*rsc{g.inBundle(b)}
		}
		l := b.kids[0]
		l.class, l.provider, l.typ = "ocf", "pacemaker", "Stateful"
		b.bundle.promoted = 1 + g.r.IntN(2)
	}, has("bundle")},
	{"bundle-constrained", phaseConstraints, func(g *gen) {
		b := g.some(func(r *rsc) bool { return r.bundle != nil }, g.addBundle)
		o := g.some(func(r *rsc) bool { return r != b && !r.stonith() }, g.addPrimitive)
		if g.chance(0.5) {
			b, o = o, b
		}
		if b.rank > o.rank {
			b, o = o, b
		}
		if g.chance(0.5) {
			g.constrain(cib.New("rsc_order", "id", g.name("ord"), "first", b.id, "then", o.id, "kind", pick(g, "Mandatory", "Optional", "Serialize")))
		} else {
			g.constrain(cib.New("rsc_colocation", "id", g.name("col"), "rsc", o.id, "with-rsc", b.id, "score", g.score()))
		}
	}, has("bundle")},
}
