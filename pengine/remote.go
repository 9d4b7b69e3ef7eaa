package pengine

import (
	"strings"

	"github.com/quorate/quorate/cib"
)

// remoteNode is the kind of a node that no cluster layer runs on. A connection,
// a resource of the same name, reaches it (Pacemaker Remote). A guest node is
// one whose connection leads into a container, another resource.
const remoteNode = "remote"

// isRemoteAgent reports whether an agent is the connection to a remote node.
func isRemoteAgent(class, provider, typ string) bool {
	return strings.EqualFold(class, "ocf") && strings.EqualFold(provider, "pacemaker") && strings.EqualFold(typ, "remote")
}

func isConnection(e *cib.Element) bool {
	return isRemoteAgent(e.Get("class"), e.Get("provider"), e.Get("type"))
}

// overConnection reports whether a node is reached by a connection only.
func (n *node) overConnection() bool { return n.kind == remoteNode }

// isGuest reports whether a node is inside a container.
func (n *node) isGuest() bool {
	return n.kind == remoteNode && n.connection != nil && n.connection.container != nil
}

// isRemote reports whether a node is reached by a connection but is no guest.
func (n *node) isRemote() bool { return n.kind == remoteNode && !n.isGuest() }

// remoteConnection reports whether r connects to a remote node that is no guest.
func (r *resource) remoteConnection() bool { return r.is(rConnection) && r.container == nil }

// unpackRemoteNodes adds the nodes that resources connect to; s.nodes is not
// sorted yet.
func (s *scheduler) unpackRemoteNodes() {
	section := s.root.Path("configuration", "resources")
	if section == nil || s.opts.LocalOnly {
		return
	}
	for _, e := range section.Children {
		switch e.Name {
		case "primitive":
			s.remoteNodeOf(e)
		case "group":
			for _, m := range e.All("primitive") {
				s.remoteNodeOf(m)
			}
		case "bundle":
			s.bundleNodes(e)
		}
	}
	s.lateRemoteNodes()
}

// remoteNodeOf adds the node that a primitive connects to or contains.
func (s *scheduler) remoteNodeOf(e *cib.Element) {
	if isConnection(e) {
		if id := e.ID(); id != "" && s.nodeByID[id] == nil {
			s.addNode(id, id, remoteNode, 0, nil)
		}
		return
	}
	g := s.guestConnection(e)
	if g == nil {
		return
	}
	s.guestXML = append(s.guestXML, g)
	if s.nodeByID[g.ID()] == nil {
		s.addNode(g.ID(), g.ID(), remoteNode, 0, nil)
	}
}

// lateRemoteNodes adds the nodes that only the history of a connection knows:
// they exist from the moment in which that history is read.
func (s *scheduler) lateRemoteNodes() {
	for _, e := range s.root.First("status").All("node_state") {
		for _, h := range e.Path("lrm", "lrm_resources").All("lrm_resource") {
			if id := h.ID(); id != "" && isConnection(h) && s.nodeByID[id] == nil && len(h.All("lrm_rsc_op")) > 0 {
				s.addNode(id, id, remoteNode, 0, nil).unborn = true
			}
		}
	}
}

// bornNodes counts the nodes that exist so far.
func (s *scheduler) bornNodes() int {
	c := 0
	for _, n := range s.nodes {
		if !n.unborn {
			c++
		}
	}
	return c
}

// linkContainers lets every resource with a container know it, and the
// container what it holds.
func (s *scheduler) linkContainers(r *resource) {
	for _, c := range r.children {
		s.linkContainers(c)
	}
	id := r.meta["container"]
	if id == "" || id == r.id {
		return
	}
	c := s.rscByID[id]
	if c == nil {
		s.errorf("resource %s: its container %s does not exist", r.id, id)
		return
	}
	r.container = c
	c.fillers = append(c.fillers, r)
}

// linkConnection joins a connection and its node.
func (s *scheduler) linkConnection(r *resource) {
	if !r.is(rConnection) {
		return
	}
	n := s.byName[r.id]
	if n == nil {
		return
	}
	n.connection = r
	n.unborn = false
	s.hasRemotes = true
	if r.container == nil {
		// Nothing is known of it yet, as of a cluster node without state.
		n.unclean = s.cfg.startupFencing && s.cfg.fencing
	} else {
		n.attrs["#kind"] = "container"
	}
}

// readReconnect reads the time after which a lost connection is tried again;
// failures of the connection expire with it.
func (s *scheduler) readReconnect(r *resource) {
	v, ok := s.parameters(r, nil)["reconnect_interval"]
	if !ok {
		return
	}
	if ms := parseSpan(v); ms >= 0 {
		r.reconnect = ms
		r.failureTimeout = secondsOf(ms)
	}
}

// unpackRemoteState reads the node_state of a node that is reached by a
// connection.
func (s *scheduler) unpackRemoteState(n *node, e *cib.Element) {
	n.state = e
	n.wasFenced = parseInt(e.Get("node_fenced")) != 0
	n.stateMaintenance = parseInt(e.Get("node_in_maintenance")) != 0
	n.unclean, n.unseen = false, false
}

// readRemoteAttrs reads what the attributes of a node behind a connection ask
// for, when it is clear whether it is connected.
func (s *scheduler) readRemoteAttrs(n *node, e *cib.Element) {
	if t := e.First("transient_attributes"); t != nil {
		s.nodeAttrs(t, n, true)
	}
	if shutdownAsked(n) {
		n.shutdown = true
	}
	n.standby = n.standby || isTrue(n.attrs["standby"])
	if r := n.connection; isTrue(n.attrs["maintenance"]) || r != nil && !r.is(rManaged) {
		n.maintenance = true
	}
	if v, ok := n.attrs["resource-discovery-enabled"]; ok && !isTrue(v) {
		if n.isRemote() && !s.cfg.fencing {
			s.warnf("node %s: resource-discovery-enabled is ignored on a remote node because fencing is disabled", n.uname)
		} else {
			n.noDiscovery = true
		}
	}
}

// shutdownAsked reports whether the node itself asked to leave.
func shutdownAsked(n *node) bool {
	v := n.attrs["shutdown"]
	return v != "" && v != "0"
}

// remoteOnline concludes from the state of its connection whether a node that
// is reached by one is there.
func (s *scheduler) remoteOnline(n *node) {
	r := n.connection
	if r == nil {
		n.online = false
		return
	}
	var host *node
	if c := r.container; c != nil && len(c.running) == 1 {
		host = c.running[0]
	}
	if r.role == roleStarted {
		n.online = true
		if r.next == roleStopped {
			n.shutdown = true
		}
	}
	switch c := r.container; {
	case c != nil && c.is(rFailed):
		n.online, n.reset = false, true
	case r.is(rFailed):
		n.online = false
	case r.role == roleStopped || c != nil && c.role == roleStopped:
		n.online, n.reset = false, false
	case host != nil && !host.online && host.unclean:
		n.online, n.reset = false, true
	}
}

// remoteHistories reads the histories of the nodes behind connections that are
// known by now, all that is left if rest is set; it reports whether it read any.
func (s *scheduler) remoteHistories(status *cib.Element, rest bool) bool {
	any := false
	for _, e := range status.All("node_state") {
		n := s.findNode(e.ID(), e.Get("uname"))
		if n == nil || !n.overConnection() || n.historyRead || n.unborn || n.state != nil && n.state != e {
			continue
		}
		if n.state == nil {
			s.unpackRemoteState(n, e)
		}
		if !rest && !s.historyReady(n) {
			continue
		}
		s.remoteOnline(n)
		if !s.historyReady(n) && !s.historyCounts(n) {
			n.historyRead = rest
			continue
		}
		s.readRemoteAttrs(n, e)
		s.readHistory(n, e)
		any = true
	}
	return any && !rest
}

// fenceRemote marks a node behind a connection as one that must be fenced, a
// guest by recovering its container.
func (s *scheduler) fenceRemote(n *node, reason string) {
	switch r := n.connection; {
	case n.isGuest():
		c := r.container
		if c.is(rFailed) {
			return
		}
		if !c.is(rManaged) {
			s.warnf("guest node %s is not fenced because its container %s is not managed (otherwise it would be: %s)", n.uname, c.id, reason)
			return
		}
		s.warnf("guest node %s will be fenced by recovering its container %s: %s", n.uname, c.id, reason)
		n.reset = true
		c.set(rFailed | rStop)
	case r != nil && r.is(rOrphan) && n.attrs["#kind"] == "container":
		// What is left of a guest node whose container is gone.
		s.warnf("what is left of guest node %s is cleaned up: %s", n.uname, reason)
		r.set(rFailed | rStop)
	case r != nil && !r.is(rManaged):
		s.warnf("remote node %s is not fenced because its connection is not managed (otherwise it would be: %s)", n.uname, reason)
	default:
		if !n.reset {
			n.reset = true
			s.warnf("remote node %s is unclean: %s", n.uname, reason)
		}
		n.unclean = true
		s.fenceOp(n, "", true, reason, false)
	}
}

// historyReady reports whether the history of a node can be read in the first
// passes: that of a node over a connection only once the connection is known to
// be up.
func (s *scheduler) historyReady(n *node) bool {
	r := n.connection
	if r == nil || r.role != roleStarted {
		return false
	}
	return r.container == nil || r.container.role == roleStarted
}

// remoteShutdowns stops the connections of the nodes that asked to leave, and
// looks at those without history.
func (s *scheduler) remoteShutdowns() {
	for _, n := range s.nodes {
		if !n.overConnection() || n.unborn {
			continue
		}
		if n.shutdown && n.connection != nil {
			s.setNext(n.connection, roleStopped, "remote shutdown")
		}
		if !n.historyRead {
			s.remoteOnline(n)
		}
	}
}

// connectionAssigned lets the node know what becomes of its connection.
func (s *scheduler) connectionAssigned(r *resource) {
	n := s.byName[r.id]
	if n == nil {
		return
	}
	if r.assigned == nil || r.next == roleStopped {
		n.shutdown = true
		return
	}
	n.online = true
	if n.unseen {
		// It is about to be connected to: no reason to fence it.
		n.unclean = false
	}
}

// avoidRemoteNodes keeps r, and everything below, on cluster nodes.
func (s *scheduler) avoidRemoteNodes(r *resource) {
	for _, n := range s.nodes {
		if n.connection != nil && n.overConnection() && r.allowed[n.idx].present {
			s.setScore(r, n, -Infinity, kindRemote, n.connection.id)
		}
	}
}

// containerConstraints keep a resource with its container, or on the node that
// the container is.
func (s *scheduler) containerConstraints(r *resource) {
	c := r.container
	if c != nil {
		var at *resource
		switch {
		case r.is(rConnection):
			if !r.is(rAllowRemotes) {
				s.avoidRemoteNodes(c) // no guests in guests
			}
			s.orderTasks(c, tMonitor, r, tStop, oOptional)
		case c.is(rConnection):
			at = c
		default:
			at = c.guestInside()
		}
		if at != nil {
			for _, n := range s.nodes {
				if n.connection != at && r.allowed[n.idx].present {
					s.setScore(r, n, -Infinity, kindRemote, at.id)
				}
			}
		} else {
			s.orderTasks(c, tStart, r, tStart, oImpliesThen|oRunnableLeft)
			s.orderTasks(r, tStop, c, tStop, oImpliesFirst)
			score := Infinity
			if r.is(rAllowRemotes) {
				score = 10000
			}
			s.newColocation(containerColocation, "", score, r, c, "", "", true)
		}
	}
	if r.is(rConnection) || r.is(rFenceDevice) {
		s.avoidRemoteNodes(r)
	}
}

// containerColocation is the id of the colocation of a resource with its
// container.
const containerColocation = "resource-with-container"

// guestInside returns the connection to the guest node in a container, or nil.
func (r *resource) guestInside() *resource {
	for _, f := range r.fillers {
		if f.is(rConnection) {
			return f
		}
	}
	return nil
}

// probesBehind reports whether what r is may run on a node behind a connection.
func probesBehind(r *resource, n *node) bool {
	switch {
	case r.class == "stonith", r.is(rConnection):
		return false
	case n.isGuest() && r.guestInside() != nil:
		return false
	}
	return true
}

// guestGoes tells that nothing need be asked on a guest node, because its
// container is stopped, stops or moves; the start of what could have been asked
// for, part of top, waits for what happens to the container.
func (s *scheduler) guestGoes(n *node, top *resource) bool {
	c := n.connection.container
	switch {
	case c.role == roleStopped:
		s.probesThenStart(c, top)
	case n.reset, c.is(rFailed), c.next == roleStopped, c.current() != c.assigned:
		s.orderTasks(c, tStop, top, tStart, oOptional)
	default:
		return false
	}
	return true
}

// probesThenStart lets a start wait for what is being found out of another
// resource.
func (s *scheduler) probesThenStart(r, then *resource) {
	if r.assigned != nil && !s.knownOn(r, r.assigned) {
		s.orderTasks(r, tMonitor, then, tStart, oOptional)
	}
}

// restartContainer recovers what a failed resource is inside of.
func (s *scheduler) restartContainer(r *resource, n *node) {
	r.set(rFailed | rStop)
	switch {
	case r.container != nil && r.bundled():
		// Container and connection may be on different nodes.
		s.stopNeeded = append(s.stopNeeded, r.container)
	case r.container != nil:
		s.stopAction(r.container, n, false)
	case r.role != roleStopped && r.role != roleUnknown:
		s.stopAction(r, n, false)
	}
}

// stopContainers stops the containers of failed bundle connections.
func (s *scheduler) stopContainers() {
	for _, c := range s.stopNeeded {
		if n := c.current(); n != nil {
			s.stopAction(c, n, false)
		}
	}
}

// resetRemote gives up a failed connection; its node must be fenced.
func (s *scheduler) resetRemote(r *resource, n *node) {
	r.set(rFailed | rStop)
	if s.cfg.fencing && r.is(rConnection) {
		if x := s.byName[r.id]; x != nil && x.isRemote() && !x.wasFenced {
			// That it may be connected to again does not help.
			x.unseen = false
			s.fenceNode(x, "remote connection is unrecoverable", false)
		}
	}
	if r.role > roleStopped {
		s.stopAction(r, n, false)
	}
	if r.reconnect > 0 {
		s.setNext(r, roleStopped, "remote reset")
	}
}

// attributeTarget says whether the node attributes of what runs in a container
// belong to the host.
const attributeTarget = "container-attribute-target"

// attributesOn returns the attributes that r has on a node: those of the host if
// it wants so and runs inside of a container, none while that is stopped.
func (r *resource) attributesOn(n *node) map[string]string {
	if !n.isGuest() || r.meta[attributeTarget] != "host" {
		return n.attrs
	}
	if host := n.connection.container.current(); host != nil {
		return host.attrs
	}
	return nil
}

// remoteParams adds what the graph says of containers and guests.
func (s *scheduler) remoteParams(a *action, out []Param) []Param {
	r := a.rsc
	if r == nil {
		return out
	}
	if v := r.meta["external-ip"]; v != "" && r.variant == primitiveVariant {
		out = append(out, Param{"pcmk_external_ip", v})
	}
	if v := r.meta["remote-node"]; v != "" && r.variant == primitiveVariant {
		out = append(out, Param{"CRM_meta_remote_node", v})
	}
	for p := r; p != nil; p = p.parent {
		if p.meta["container"] == r.id {
			break // a group lets its members have it, the container too
		}
		if p.container != nil && r.variant == primitiveVariant {
			out = append(out, Param{"CRM_meta_container", p.container.id})
			break
		}
	}
	n := a.node
	if n == nil || !n.isGuest() || r.variant != primitiveVariant {
		return out
	}
	task := a.task
	if task == tNotify && a.notifyKey != nil {
		task = a.notifyKey.op
	}
	var host *node
	switch task {
	case tStop, tStopped, tDemote, tDemoted:
		host = n.connection.container.current()
	case tStart, tRunning, tMonitor, tPromote, tPromoted:
		host = n.connection.container.assigned
	}
	if host != nil {
		if v := r.meta[attributeTarget]; v != "" {
			out = append(out, Param{metaName(attributeTarget), v})
		}
		out = append(out, Param{"CRM_meta_physical_host", host.uname})
	}
	return out
}

// tMaintenanceNodes is the event that records the maintenance state of nodes
// behind connections.
const tMaintenanceNodes = "maintenance_nodes"

// maintenanceChanges lists the nodes behind connections whose maintenance state
// is another than the recorded one.
func (s *scheduler) maintenanceChanges() []NodeMaintenance {
	if !s.hasRemotes {
		return nil
	}
	var out []NodeMaintenance
	for _, n := range s.nodes {
		if n.overConnection() && !n.unborn && n.maintenance != n.stateMaintenance {
			out = append(out, NodeMaintenance{n.id, n.maintenance})
		}
	}
	return out
}
