package pengine

import (
	"slices"
	"time"

	"github.com/quorate/quorate/cib"
)

func (s *scheduler) unpackNodes() {
	s.nodeByID = map[string]*node{}
	s.byName = map[string]*node{}
	section := s.root.Path("configuration", "nodes")
	if section != nil {
		for _, e := range section.All("node") {
			id := e.ID()
			if id == "" {
				s.errorf("line %d: a node entry without id is ignored", e.Line)
				continue
			}
			if s.opts.LocalOnly && e.Get("type") == remoteNode && s.hasConnection(id, e.Get("uname")) {
				s.warnf("node %s is a remote node: this program does not execute Pacemaker Remote yet; nothing runs there", id)
				continue
			}
			if s.nodeByID[id] != nil {
				s.errorf("node %s is defined twice: the second entry is ignored", id)
				continue
			}
			s.addNode(id, e.Get("uname"), e.Get("type"), parseScore(e.Get("score")), e)
		}
	}
	s.unpackRemoteNodes()
	slices.SortStableFunc(s.nodes, func(a, b *node) int { return compareNatural(a.uname, b.uname) })
	for i, n := range s.nodes {
		n.idx = i
	}
}

func (s *scheduler) addNode(id, uname, kind string, score Score, e *cib.Element) *node {
	if uname == "" {
		uname = id
	}
	n := &node{idx: len(s.nodes), id: id, uname: uname, kind: kind, score: score, xml: e, unseen: true}
	n.unclean = s.cfg.startupFencing && s.cfg.fencing
	n.attrs = map[string]string{"#uname": uname, "#id": id, "#kind": "cluster"}
	if dc := s.root.Get("dc-uuid"); dc != "" && dc == id {
		n.isDC = true
		s.dc = n
		n.attrs["#is_dc"] = "true"
	} else {
		n.attrs["#is_dc"] = "false"
	}
	if kind == remoteNode {
		// Nothing was asked of it yet: only what its history says makes it unclean.
		n.unclean = false
		n.attrs["#kind"] = remoteNode
	}
	if s.clusterName != "" {
		n.attrs["#cluster-name"] = s.clusterName
	}
	s.nodes = append(s.nodes, n)
	s.nodeByID[id] = n
	if s.byName[uname] == nil {
		s.byName[uname] = n
	}
	if e != nil {
		s.nodeAttrs(e, n, false)
	}
	return n
}

// nodeAttrs adds the attributes below e to the node.
func (s *scheduler) nodeAttrs(e *cib.Element, n *node, overwrite bool) {
	if e == nil {
		return
	}
	d := &ruleData{now: s.now, changes: &s.nextChange}
	got := map[string]string{}
	s.unpackSetsOrder(e, "instance_attributes", "", d, !overwrite, putInto(got))
	for k, v := range got {
		if _, ok := n.attrs[k]; overwrite || !ok {
			n.attrs[k] = v
		}
	}
	if site, ok := n.attrs["site-name"]; ok {
		n.attrs["#site-name"] = site
	} else if s.clusterName != "" {
		n.attrs["#site-name"] = s.clusterName
	}
	n.capacity = s.unpackAmounts(e, d, n.capacity)
}

// findNode looks a node up by id, then by name.
func (s *scheduler) findNode(id, uname string) *node {
	if n := s.nodeByID[id]; n != nil {
		return n
	}
	return s.byName[uname]
}

// unpackStatus reads the node states: first who is there, then what runs where.
func (s *scheduler) unpackStatus() {
	status := s.root.First("status")
	if status != nil {
		s.unpackTickets(status)
		for _, e := range status.Children {
			if e.Name == "node_state" {
				s.unpackNodeState(e)
			}
		}
		for _, fence := range []bool{false, true} {
			for _, e := range status.All("node_state") {
				n := s.findNode(e.ID(), e.Get("uname"))
				if n == nil || n.state != e || n.historyRead || n.overConnection() {
					continue
				}
				if fence != s.historyLater(n) || !s.historyCounts(n) {
					continue
				}
				s.readHistory(n, e)
			}
			for s.remoteHistories(status, fence) {
			}
		}
		s.stopContainers()
		s.remoteShutdowns()
	}
	for _, n := range s.nodes {
		if n.unseen && n.kind != "ping" && !n.unclean && !n.overConnection() {
			n.online = false
		}
	}
}

// readHistory reads what ran on a node, once.
func (s *scheduler) readHistory(n *node, e *cib.Element) {
	n.historyRead = true
	if n.lrm = e.First("lrm"); n.lrm != nil {
		s.unpackHistory(n, n.lrm.First("lrm_resources"))
	}
}

// historyLater tells that a node's history is read after that of the others.
func (s *scheduler) historyLater(n *node) bool { return !s.historyCounts(n) }

// historyCounts tells that a node's history says something: without fencing,
// what a lost node ran is of no interest but for the locks that it holds.
func (s *scheduler) historyCounts(n *node) bool {
	return n.online || s.cfg.fencing || s.cfg.shutdownLock
}

func (s *scheduler) unpackNodeState(e *cib.Element) {
	id, uname := e.ID(), e.Get("uname")
	if id == "" {
		s.warnf("line %d: a node_state without id is ignored", e.Line)
		return
	}
	n := s.findNode(id, uname)
	if isTrue(e.Get("remote_node")) || n != nil && n.overConnection() {
		if n != nil && n.overConnection() && !n.unborn {
			s.unpackRemoteState(n, e)
		}
		return
	}
	if n == nil {
		s.warnf("the status of node %s is ignored: the configuration does not know it", id)
		return
	}
	n.state = e
	n.unclean, n.unseen = false, false
	if t := e.First("transient_attributes"); t != nil {
		s.nodeAttrs(t, n, true)
	}
	n.featureSet = n.attrs["#feature-set"]
	n.standby = n.standby || isTrue(n.attrs["standby"])
	n.maintenance = n.maintenance || isTrue(n.attrs["maintenance"])
	if v, ok := n.attrs["resource-discovery-enabled"]; ok && !isTrue(v) {
		s.warnf("node %s: resource-discovery-enabled is ignored on a cluster node", n.uname)
	}
	s.nodeOnline(n, e)
	if !n.online || n.shutdown {
		// Instances that only a history brings to light see it from the start.
		n.score = -Infinity
	}
	if !s.haveQuorum && n.online && s.cfg.quorum == quorumSuicide {
		s.fenceNode(n, "cluster does not have quorum", false)
	}
}

func (s *scheduler) nodeOnline(n *node, e *cib.Element) {
	inCCM, hasCCM := e.Lookup("in_ccm")
	member := isTrue(inCCM)
	peer := e.Get("crmd") == "online"
	join := e.Get("join")
	exp := e.Get("expected")
	if v, ok := n.attrs["shutdown"]; ok && v != "0" && v != "" {
		n.shutdown = true
	} else if exp == "member" {
		n.expectedUp = true
	}
	if n.kind == "ping" {
		n.online = false
		return
	}
	online := false
	if !s.cfg.fencing {
		switch {
		case !member:
		case peer:
			online = join == "member"
		case !n.expectedUp:
		default:
			s.fenceNode(n, "peer is unexpectedly down", false)
		}
		n.online = online
		return
	}
	terminate := false
	if t := n.attrs["terminate"]; isTrue(t) {
		terminate = true
	} else if t != "" && t[0] >= '1' && t[0] <= '9' {
		terminate = true
	}
	online = member
	if exp == "" {
		exp = "down"
	}
	switch {
	case n.shutdown:
		online = peer
	case !hasCCM:
		s.fenceNode(n, "peer has not been seen by the cluster", false)
	case join == "nack":
		s.fenceNode(n, "peer failed Pacemaker membership criteria", false)
	case !terminate && exp == "down":
		if member || peer {
			n.standby, n.pending = true, true
		}
	case terminate && join == "down" && !member && !peer:
		online = false
	case !member:
		s.fenceNode(n, "peer is no longer part of the cluster", true)
	case !peer:
		s.fenceNode(n, "peer process is no longer available", false)
	case terminate:
		s.fenceNode(n, "termination was requested", false)
	case join == "member":
	case join == "pending" || join == "down":
		n.standby, n.pending = true, true
	default:
		s.fenceNode(n, "peer was in an unknown state", false)
	}
	n.online = online
}

// fenceNode marks a node as one that must be fenced before it can be trusted.
func (s *scheduler) fenceNode(n *node, reason string, delay bool) {
	if n.overConnection() {
		s.fenceRemote(n, reason)
		return
	}
	if n.unclean {
		return
	}
	if s.canFence(n) {
		s.warnf("node %s will be fenced: %s", n.uname, reason)
	} else {
		s.warnf("node %s is unclean: %s", n.uname, reason)
	}
	n.unclean, n.fenceWarned = true, true
	s.fenceOp(n, "", true, reason, delay)
}

// canFence reports whether fencing is possible.
func (s *scheduler) canFence(n *node) bool {
	if n.isGuest() {
		// Stopping its container is enough: its hosts must be there or fenceable.
		for _, x := range n.connection.container.running {
			if !x.online && !s.canFence(x) {
				return false
			}
		}
		return true
	}
	switch {
	case !s.cfg.fencing || !s.haveFenceDevice:
		return false
	case s.haveQuorum || s.cfg.quorum == quorumIgnore:
		return true
	case n == nil:
		return false
	}
	return n.online
}

// effectiveNow is the time rules and failures are judged by.
func (s *scheduler) effectiveNow() time.Time { return s.now }
