package oraclefuzz

import (
	"fmt"
	"strconv"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// bundle is what a bundle has besides the primitive inside.
type bundle struct {
	engine            string
	replicas, perHost int
	promoted          int
	ip                bool
	options           []pair // further attributes of the engine
	ports             bool
	storage           bool
}

// addBundle adds a bundle, mostly with a primitive inside.
func (g *gen) addBundle() *rsc {
	b := &bundle{engine: pick(g, "docker", "podman", "rkt"), replicas: 1 + g.r.IntN(3), perHost: 1, ip: g.chance(0.6)}
	if g.chance(0.25) {
		b.perHost = 2
		b.ip = true
	}
	if g.chance(0.3) {
		b.options = append(b.options, pair{"run-command", "/usr/sbin/pacemaker_remoted"})
	}
	if g.chance(0.2) {
		b.options = append(b.options, pair{"options", "--log-driver=journald"})
	}
	b.ports, b.storage = b.ip && g.chance(0.4), g.chance(0.4)
	r := &rsc{kind: "bundle", id: g.name("bundle"), rank: g.r.IntN(1 << 20), bundle: b}
	if g.chance(0.8) {
		if !b.ip && b.perHost == 1 {
			b.options = append(b.options, pair{"network", "host"})
		}
		r.kids = []*rsc{g.inBundle(r)}
	}
	g.rscs = append(g.rscs, r)
	return r
}

// inBundle makes a primitive for a bundle.
func (g *gen) inBundle(r *rsc) *rsc {
	k := g.primitive()
	k.class, k.provider = "ocf", "pacemaker"
	k.typ = "Dummy"
	k.parent = r
	return k
}

func (b *bundle) element(r *rsc) *cib.Element {
	e := cib.New("bundle", "id", r.id)
	if s := nvset("meta_attributes", r.id+"-meta", r.meta); s != nil {
		e.Children = append(e.Children, s)
	}
	x := cib.New(b.engine, "image", "registry/"+r.id+":latest", "replicas", strconv.Itoa(b.replicas))
	if b.perHost > 1 {
		x = x.WithAttr("replicas-per-host", strconv.Itoa(b.perHost))
	}
	if b.promoted > 0 {
		x = x.WithAttr("promoted-max", strconv.Itoa(b.promoted))
	}
	for _, o := range b.options {
		x = x.WithAttr(o.name, o.value)
	}
	e.Children = append(e.Children, x)
	n := cib.New("network")
	if b.ip {
		n = n.WithAttr("ip-range-start", "192.168.7.10")
	} else {
		n = n.WithAttr("control-port", "9999")
	}
	if b.ports {
		n.Children = append(n.Children, cib.New("port-mapping", "id", r.id+"-port", "port", "80"))
	}
	e.Children = append(e.Children, n)
	if b.storage {
		s := cib.New("storage")
		s.Children = []*cib.Element{cib.New("storage-mapping", "id", r.id+"-map", "source-dir", "/srv/data", "target-dir", "/data", "options", "rw")}
		e.Children = append(e.Children, s)
	}
	for _, k := range r.kids {
		e.Children = append(e.Children, k.element())
	}
	return e
}

// placeBundle places the containers of a bundle and what is in them.
func (g *gen) placeBundle(r *rsc, fresh bool) {
	b := r.bundle
	var ns []*node
	for _, n := range g.withLRM() {
		if !n.remote {
			ns = append(ns, n)
		}
	}
	if len(ns) == 0 {
		return
	}
	first := g.r.IntN(len(ns))
	for i := range b.replicas {
		host := ns[(first+i/b.perHost)%len(ns)]
		up := !fresh && (i/b.perHost < len(ns)) && g.chance(0.85)
		st := func() string {
			if up {
				return "started"
			}
			return g.idle(fresh)
		}
		suffix := strconv.Itoa(i)
		c := &rsc{kind: "primitive", id: r.id + "-" + b.engine + "-" + suffix, class: "ocf", provider: "heartbeat", typ: b.engine, host: true}
		c.ops = []*op{{name: "monitor", ms: 60000}}
		g.put(c, c.id, host, st())
		for _, n := range ns {
			if n != host && g.chance(0.5) && !fresh {
				g.put(c, c.id, n, "probed")
			}
		}
		if b.ip {
			a := &rsc{kind: "primitive", id: fmt.Sprintf("%s-ip-192.168.7.%d", r.id, 10+i), class: "ocf", provider: "heartbeat", typ: "IPaddr2", host: true}
			a.ops = []*op{{name: "monitor", ms: 60000}}
			g.put(a, a.id, host, st())
		}
		if len(r.kids) == 0 {
			continue
		}
		if up && g.chance(0.07) {
			up = false
		}
		name := r.id + "-" + suffix
		conn := &rsc{kind: "primitive", id: name, class: "ocf", provider: "pacemaker", typ: "remote", host: true, container: c.id}
		conn.ops = []*op{{name: "monitor", ms: 30000}}
		if up || g.chance(0.3) {
			g.put(conn, conn.id, host, st())
		}
		inner := newNode(name, name)
		inner.remote, inner.crmd = true, ""
		if !up && g.chance(0.5) {
			inner.inCCM = "false"
		}
		g.inner = append(g.inner, inner)
		if up || g.chance(0.2) {
			state := st()
			if b.promoted > 0 && i < b.promoted && state == "started" && g.chance(0.7) {
				state = "promoted"
			}
			if b.promoted > 0 && g.chance(0.7) {
				inner.transient = set(inner.transient, "master-"+r.kids[0].id, strconv.Itoa(5+5*g.r.IntN(3)))
			}
			g.put(r.kids[0], r.kids[0].id, inner, state)
		}
	}
}

// withDigests completes the histories of what bundles imply: their parameters
// are nowhere in the document.
func (g *gen) withDigests(root *cib.Element) *cib.Element {
	bundles := false
	for _, r := range g.rscs {
		bundles = bundles || r.bundle != nil
	}
	if !bundles {
		return root
	}
	bare := *root
	bare.Children = []*cib.Element{root.First("configuration"), cib.New("status")}
	for _, n := range root.First("status").All("node_state") {
		if n.Get("remote_node") == "" {
			bare.Children[1].Children = append(bare.Children[1].Children, cib.New("node_state", "id", n.ID(), "uname", n.Get("uname"),
				"in_ccm", "true", "crmd", "online", "join", "member", "expected", "member"))
		}
	}
	res, err := pengine.Schedule(&bare, time.Unix(Now, 0), pengine.Options{})
	if err != nil {
		return root
	}
	params := map[string]map[string]string{}
	for _, a := range res.Graph.Actions {
		if a.Operation == "start" && a.Primitive != nil {
			m := map[string]string{}
			for _, p := range a.Params {
				m[p.Name] = p.Value
			}
			params[a.Primitive.ID] = m
		}
	}
	for _, n := range root.First("status").All("node_state") {
		for _, r := range n.Path("lrm", "lrm_resources").All("lrm_resource") {
			m := params[r.ID()]
			if m == nil || r.Get("type") == "Dummy" || r.Get("type") == "Stateful" {
				continue
			}
			if r.Get("container") != "" && m["addr"] != "" && m["addr"][0] != '1' {
				m["addr"] = n.Get("uname")
			}
			for i, o := range r.Children {
				if o.Get("op-digest") != "" && o.Get("crm-debug-origin") == "" && o.Get("interval") == "0" {
					r.Children[i] = o.WithAttr("op-digest", pengine.OpDigest(m, false)).WithoutAttr("op-restart-digest").WithoutAttr("op-force-restart")
				}
			}
		}
	}
	return root
}
