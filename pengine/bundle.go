package pengine

import (
	"net/netip"
	"strconv"

	"github.com/quorate/quorate/cib"
)

// bundleData is what a bundle adds to a resource: containers that are alike,
// each with a network and perhaps an instance of one primitive inside.
type bundleData struct {
	kind       string // docker, podman or rkt
	image      string
	options    string
	command    string
	network    string // of the container engine
	hosts      string // options that name the other containers
	netmask    string
	nic        string
	port       string // control-port
	firstIP    string
	lastIP     string
	addHosts   bool
	ports      []portMapping
	mounts     []mount
	child      *resource // the clone of the primitive, or nil
	replicas   []*replica
	containers []*resource
}

// replica is one container of a bundle.
type replica struct {
	offset                       int
	ip                           string
	child, container, addr, conn *resource
	node                         *node
}

type portMapping struct{ outside, inside string }

type mount struct {
	source, target, options string
	perReplica              bool
}

// defaultRemotePort is the port on which Pacemaker Remote listens.
const defaultRemotePort = "3121"

// engineOf returns the element that names the container engine of a bundle.
func engineOf(e *cib.Element) *cib.Element {
	for _, c := range e.Children {
		switch c.Name {
		case "docker", "podman", "rkt":
			return c
		}
	}
	return nil
}

// bundleCounts returns how many replicas, replicas on a host and promoted
// instances a bundle has.
func bundleCounts(engine *cib.Element) (replicas, perHost, promoted int) {
	v, ok := engine.Lookup("promoted-max")
	if !ok {
		v = engine.Get("masters")
	}
	promoted = max(0, int(clampScore(parseInt(v))))
	replicas = max(1, promoted)
	if v, ok := engine.Lookup("replicas"); ok {
		replicas = max(1, int(clampScore(parseInt(v))))
	}
	perHost = 1
	if v, ok := engine.Lookup("replicas-per-host"); ok {
		perHost = max(1, int(clampScore(parseInt(v))))
	}
	return min(replicas, maxInstances), perHost, promoted
}

// reachable reports whether the containers of a bundle can be reached, which
// what runs inside needs.
func reachable(e *cib.Element) bool {
	n := e.First("network")
	return n != nil && (n.Get("ip-range-start") != "" || n.Get("control-port") != "")
}

// bundleNodes adds the nodes that the containers of a bundle will be; they exist
// from the moment in which the bundle is read.
func (s *scheduler) bundleNodes(e *cib.Element) {
	engine := engineOf(e)
	if engine == nil || e.First("primitive") == nil || !reachable(e) {
		return
	}
	replicas, _, _ := bundleCounts(engine)
	for i := range replicas {
		id := e.ID() + "-" + strconv.Itoa(i)
		// One that the configuration names exists already, and is a node like
		// any other until its replica is read.
		if s.nodeByID[id] == nil {
			n := s.addNode(id, id, remoteNode, 0, nil)
			n.unborn, n.inBundle = true, true
		}
	}
}

// unpackBundle reads a bundle and makes what it implies.
func (s *scheduler) unpackBundle(r *resource) bool {
	engine := engineOf(r.xml)
	if engine == nil {
		s.errorf("bundle %s names no container engine and is ignored", r.id)
		return false
	}
	replicas, perHost, promoted := bundleCounts(engine)
	net := r.xml.First("network")
	p := r.xml.First("primitive")
	if p != nil && !reachable(r.xml) {
		s.errorf("bundle %s is ignored: %s inside needs an ip-range-start or a control-port", r.id, p.ID())
		return false
	}
	if p != nil && net.Get("ip-range-start") == "" && perHost > 1 {
		s.errorf("bundle %s: control-port needs replicas-per-host=1", r.id)
		perHost = 1
	}
	b := &bundleData{kind: engine.Name, image: engine.Get("image"), options: engine.Get("options"), command: engine.Get("run-command"),
		network: engine.Get("network"), addHosts: true}
	r.bundle = b
	r.cloneMax, r.cloneNodeMax, r.promotedMax = replicas, perHost, promoted
	r.interleave = isTrue(r.meta["interleave"])
	if perHost == 1 {
		r.clear(rUnique)
	}
	s.bundleNetwork(b, net)
	s.bundleStorage(b, r.xml.First("storage"))
	if p != nil && !s.bundleChild(r, p) {
		return false
	}
	for i := range replicas {
		rep := &replica{offset: i, ip: b.nextIP()}
		if b.child != nil {
			rep.child = b.child.children[i]
			rep.child.set(rExclusiveDiscovery)
		}
		if rep.ip != "" {
			if b.kind == "rkt" || !b.addHosts {
				b.hosts += " --hosts-entry=" + rep.ip + "=" + replicaName(r, i)
			} else {
				b.hosts += " --add-host=" + replicaName(r, i) + ":" + rep.ip
			}
		}
		b.replicas = append(b.replicas, rep)
	}
	for _, rep := range b.replicas {
		if !s.unpackReplica(r, rep) {
			return false
		}
	}
	if b.child != nil {
		r.children = append(r.children, b.child)
	}
	return true
}

func replicaName(bundle *resource, i int) string { return bundle.id + "-" + strconv.Itoa(i) }

func (s *scheduler) bundleNetwork(b *bundleData, net *cib.Element) {
	if net == nil {
		return
	}
	b.firstIP, b.netmask, b.nic, b.port = net.Get("ip-range-start"), net.Get("host-netmask"), net.Get("host-interface"), net.Get("control-port")
	if v, ok := parseBool(net.Get("add-host")); ok {
		b.addHosts = v
	}
	for _, m := range net.All("port-mapping") {
		outside, inside := m.Get("port"), m.Get("internal-port")
		if outside == "" {
			outside = m.Get("range")
			inside = outside
		} else if inside == "" {
			inside = outside
		}
		if outside != "" {
			b.ports = append(b.ports, portMapping{outside, inside})
		}
	}
}

func (s *scheduler) bundleStorage(b *bundleData, storage *cib.Element) {
	if storage == nil {
		return
	}
	for _, m := range storage.All("storage-mapping") {
		x := mount{m.Get("source-dir"), m.Get("target-dir"), m.Get("options"), false}
		if x.source == "" {
			x.source, x.perReplica = m.Get("source-dir-root"), true
		}
		if x.source != "" && x.target != "" {
			b.mounts = append(b.mounts, x)
		}
	}
}

// bundleChild makes the clone whose instances run inside the containers.
func (s *scheduler) bundleChild(r *resource, p *cib.Element) bool {
	b := r.bundle
	kind := "clone"
	if r.promotedMax > 0 {
		kind = "master"
	}
	id := r.id + "-" + kind
	meta := [][2]string{{"ordered", "true"}, {"clone-max", strconv.Itoa(r.cloneMax)}, {"clone-node-max", strconv.Itoa(r.cloneNodeMax)},
		{"globally-unique", strconv.FormatBool(r.cloneNodeMax > 1)}}
	if r.promotedMax > 0 {
		meta = append(meta, [2]string{"promotable", "true"}, [2]string{"promoted-max", strconv.Itoa(r.promotedMax)})
	}
	var pairs []*cib.Element
	for _, m := range meta {
		pairs = append(pairs, cib.New("nvpair", "id", id+"-meta-"+m[0], "name", m[0], "value", m[1]))
	}
	e := cib.New("clone", "id", id).WithChildren(cib.New("meta_attributes", "id", id+"-meta").WithChildren(pairs...), p)
	e.Line = p.Line
	if b.child = s.unpackResource(e, r, -1); b.child == nil {
		return false
	}
	if len(b.child.children) > 0 && b.child.children[0].is(rNotify) {
		b.child.set(rNotify)
		b.child.meta["notify"] = "true"
	}
	if len(b.child.children) > 0 {
		if v := b.child.children[0].meta[attributeTarget]; v != "" {
			b.child.meta[attributeTarget], r.meta[attributeTarget] = v, v
		}
	}
	port := orDefault(b.port, defaultRemotePort)
	b.ports = append(b.ports, portMapping{port, port})
	b.mounts = append(b.mounts, mount{"/etc/pacemaker/authkey", "/etc/pacemaker/authkey", "", false},
		mount{"/var/log/pacemaker/bundles", "/var/log", "", true})
	return true
}

// nextIP returns the address of the next replica, "" without addresses.
func (b *bundleData) nextIP() string {
	if b.firstIP == "" {
		return ""
	}
	if b.lastIP == "" {
		b.lastIP = b.firstIP
		return b.firstIP
	}
	a, err := netip.ParseAddr(b.lastIP)
	if err != nil || !a.Is4() {
		return ""
	}
	o := a.As4()
	switch {
	case o[2] > 253:
		return ""
	case o[3] > 253:
		o[2], o[3] = o[2]+1, 1
	default:
		o[3]++
	}
	b.lastIP = netip.AddrFrom4(o).String()
	return b.lastIP
}

// unpackReplica makes the resources of one replica: its container, its address
// and the connection into it.
func (s *scheduler) unpackReplica(r *resource, rep *replica) bool {
	b := r.bundle
	add := func(e *cib.Element) *resource {
		x := s.unpackResource(e, r, -1)
		if x != nil {
			r.children = append(r.children, x)
		}
		return x
	}
	if rep.container = add(b.containerXML(r, rep)); rep.container == nil {
		return false
	}
	b.containers = append(b.containers, rep.container)
	if rep.child != nil {
		// The host has to have the room; the node in the container has any.
		rep.container.needs, rep.child.needs = rep.child.needs, nil
	}
	if rep.ip != "" {
		if rep.addr = add(b.addressXML(r, rep)); rep.addr == nil {
			return false
		}
	}
	if rep.child == nil {
		return true
	}
	return s.replicaNode(r, rep, add)
}

// replicaNode makes the guest node that a container is and the connection to it.
func (s *scheduler) replicaNode(r *resource, rep *replica, add func(*cib.Element) *resource) bool {
	n := s.nodeByID[replicaName(r, rep.offset)]
	n.unborn, n.inBundle = false, true
	for _, x := range s.all {
		if x != rep.child && x != r.bundle.child && x.allowed != nil && x.allowed[n.idx].present {
			s.setScore(x, n, -Infinity, kindBundle, r.id)
		}
	}
	rep.node = n
	rep.child.allowed = make([]cand, len(s.nodes))
	rep.child.allowed[n.idx] = cand{present: true, w: 500, discover: discoverExclusive}
	s.note(rep.child, n, 500, kindBundle, r.id)
	r.bundle.child.allowed[n.idx] = cand{present: true, w: -Infinity, discover: discoverExclusive}
	s.note(r.bundle.child, n, -Infinity, kindBundle, r.id)
	addr := orDefault(rep.ip, "#uname")
	if rep.conn = add(connectionXML(r.xml.Line, n.id, rep.container.id, addr, orDefault(r.bundle.port, defaultRemotePort), noTimeout, "", "")); rep.conn == nil {
		return false
	}
	rep.conn.set(rAllowRemotes)
	for _, x := range s.nodes {
		if c := &rep.conn.allowed[x.idx]; c.present && x.overConnection() {
			s.setScore(rep.conn, x, -Infinity, kindRemote, x.id)
		}
	}
	n.connection = rep.conn
	rep.conn.container = rep.container
	n.attrs["#kind"] = "container"
	s.hasRemotes = true
	if rep.ip != "" {
		rep.child.meta["external-ip"] = rep.ip
	}
	return true
}

// bundled reports whether r belongs to a bundle.
func (r *resource) bundled() bool { return r != nil && r.top().parent != nil }

// outermost is top that counts the bundle that a resource belongs to.
func (r *resource) outermost() *resource {
	if t := r.top(); t.parent != nil {
		return t.parent
	}
	return r.top()
}

// isBundle reports whether r is a bundle.
func (r *resource) isBundle() bool { return r != nil && r.variant == bundleVariant }

// collective is a clone or a bundle.
func (r *resource) collective() bool { return r != nil && r.variant >= cloneVariant }

// instances are what a clone or bundle has several of: instances or containers.
func (r *resource) instances() []*resource {
	if r.bundle != nil {
		return r.bundle.containers
	}
	return r.children
}

// replicaOf returns the replica of which c is the container.
func (b *bundleData) replicaOf(c *resource) *replica {
	for _, rep := range b.replicas {
		if rep.container == c {
			return rep
		}
	}
	return nil
}

// replicaOn returns the replica whose node is n.
func (b *bundleData) replicaOn(n *node) *replica {
	for _, rep := range b.replicas {
		if rep.node == n && n != nil {
			return rep
		}
	}
	return nil
}

// actor is the resource of an instance that carries a task out: what changes its
// role is inside the container.
func (r *resource) actor(instance *resource, task string) *resource {
	if r.bundle == nil {
		return instance
	}
	switch task {
	case tPromote, tPromoted, tDemote, tDemoted:
		if rep := r.bundle.replicaOf(instance); rep != nil && rep.child != nil {
			return rep.child
		}
	}
	return instance
}

// connectionAddress returns the address of the connection into a container that
// has none of its own: that of its host.
func (r *resource) connectionAddress() string {
	if n := orNode(r.container.assigned, r.container.current()); n != nil {
		return n.uname
	}
	return ""
}

func orNode(a, b *node) *node {
	if a != nil {
		return a
	}
	return b
}

// hostAddressed reports whether r connects to the address of the host of its
// container, which is known only when that has a node.
func (s *scheduler) hostAddressed(r *resource) bool {
	return r.is(rConnection) && r.container != nil && s.parameters(r, nil)["addr"] == "#uname"
}

// withAddress returns the parameters of a connection with its address filled in.
func (r *resource) withAddress(params map[string]string) map[string]string {
	if !r.is(rConnection) || r.container == nil || params["addr"] != "#uname" {
		return params
	}
	a := r.connectionAddress()
	if a == "" {
		return params
	}
	out := make(map[string]string, len(params))
	for k, v := range params {
		out[k] = v
	}
	out["addr"] = a
	return out
}
