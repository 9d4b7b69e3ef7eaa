package mon

import (
	"strconv"

	"github.com/quorate/quorate/cib"
)

func elements(e *cib.Element) []*cib.Element {
	if e == nil {
		return nil
	}
	var out []*cib.Element
	for _, c := range e.Children {
		if c.IsElement() {
			out = append(out, c)
		}
	}
	return out
}

// nodeStates reads what the status section says about each node.
func (c *cluster) nodeStates() {
	for _, s := range c.root.First("status").All("node_state") {
		n := c.node(s.ID())
		if n == nil {
			n = c.node(s.Get("uname"))
		}
		if n == nil {
			continue
		}
		n.state, n.seen = s, true
		for _, set := range s.First("transient_attributes").All("instance_attributes") {
			for _, nv := range set.All("nvpair") {
				n.attrs[nv.Get("name")] = nv.Get("value")
			}
		}
	}
	fencing := c.flag("stonith-enabled", true)
	for _, n := range c.nodes {
		switch {
		case n.kind != member:
			// Online when the resource that makes it is: see finish.
		case n.state != nil:
			c.memberState(n, fencing)
		case fencing && c.flag("startup-fencing", true):
			n.unclean = true
		}
		n.standby = n.state != nil && boolOf(n.attrs["standby"], false)
		n.maintenance = boolOf(n.attrs["maintenance"], false)
	}
}

// memberState decides whether a cluster node is online.
func (c *cluster) memberState(n *node, fencing bool) {
	s := n.state
	inCluster := trueOrTime(s, "in_ccm") && s.Get("ha") != "dead"
	crmd := s.Get("crmd")
	peer := crmd == "online" || crmd != "" && crmd != "offline" && crmd != "0" && number0(crmd)
	join, expected := s.Get("join"), s.Get("expected")
	shutdown := n.attrs["shutdown"] != "" && n.attrs["shutdown"] != "0"
	_, known := s.Lookup("in_ccm")
	switch {
	case !known:
		n.unclean = fencing && c.flag("startup-fencing", true)
	case !inCluster && !peer:
		n.unclean = fencing && !shutdown && expected == "member"
	case inCluster && peer && join == "member":
		n.online = true
	case inCluster && peer:
		n.pending = true
	case inCluster && expected == "down":
	case inCluster && (join == "member" || expected == "member"):
		// The controller is gone without having said so.
		n.unclean, n.online = true, fencing
	case inCluster:
		n.pending = s.Get("ha") == ""
	default:
		n.unclean = fencing && !shutdown && expected == "member"
	}
	if fencing && boolOf(n.attrs["terminate"], false) {
		n.unclean = true
	}
}

func number0(s string) bool { _, err := strconv.ParseInt(s, 10, 64); return err == nil }

// trueOrTime reads an attribute that is a boolean in older feature sets and the
// time since when it holds in newer ones.
func trueOrTime(e *cib.Element, name string) bool {
	v := e.Get(name)
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		return n != 0
	}
	return boolOf(v, false)
}

// status is the word behind the name of a node.
func (n *node) status() string {
	switch {
	case n.unclean && n.online:
		return "UNCLEAN (online)"
	case n.unclean && n.pending:
		return "UNCLEAN (pending)"
	case n.unclean:
		return "UNCLEAN (offline)"
	case n.pending:
		return "pending"
	case n.standbyOnFail && n.online:
		return "standby (on-fail)"
	case n.standby && n.online && len(n.running) > 0:
		return "standby (with active resources)"
	case n.standby && n.online:
		return "standby"
	case n.standby:
		return "OFFLINE (standby)"
	case n.maintenance && n.online:
		return "maintenance"
	case n.maintenance:
		return "OFFLINE (maintenance)"
	case n.online:
		return "online"
	}
	return "OFFLINE"
}
