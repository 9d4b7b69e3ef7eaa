package controller

import (
	"sort"
	"time"

	"github.com/quorate/quorate/cib"
)

// nodeStatus is what the DC knows of one node; it becomes a node_state element.
type nodeStatus struct {
	uname, id string
	member    bool      // in the view
	online    bool      // its controller answered the join
	leaving   bool      // left or is leaving on request
	added     time.Time // when the DC asked to write it into the configuration
	attrs     map[string]string
	hist      *history
	ownStops  uint64 // of the member's own stops, so many are in hist
	cached    *cib.Element
}

func newNodeStatus(uname, id string) *nodeStatus {
	return &nodeStatus{uname: uname, id: id, attrs: map[string]string{}, hist: newHistory()}
}

func word(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// element returns the node_state element; it is made anew only after dirty.
func (n *nodeStatus) element() *cib.Element {
	if n.cached != nil {
		return n.cached
	}
	e := cib.New("node_state", "id", n.id, "uname", n.uname,
		"in_ccm", word(n.member, "true", "false"),
		"crmd", word(n.online, "online", "offline"),
		"crm-debug-origin", "quorate",
		"join", word(n.online, "member", "down"),
		"expected", word(n.leaving, "down", "member"))
	if n.online {
		set := cib.New("instance_attributes", "id", "status-"+n.id)
		names := make([]string, 0, len(n.attrs))
		for k := range n.attrs {
			names = append(names, k)
		}
		sort.Strings(names)
		for _, k := range names {
			set.Children = append(set.Children,
				cib.New("nvpair", "id", "status-"+n.id+"-"+idPart(k), "name", k, "value", n.attrs[k]))
		}
		e.Children = append(e.Children,
			cib.New("transient_attributes", "id", n.id).WithChild(set),
			n.hist.element(n.id))
	}
	n.cached = e
	return e
}

func (n *nodeStatus) dirty() { n.cached = nil }

// setResource takes over what a message says of one resource, in place of all
// that was known of it.
func (n *nodeStatus) setResource(m *Machine, msg *message) {
	n.hist.forget(msg.Resource)
	for _, text := range msg.Resources {
		e, err := cib.Parse([]byte(text), "result from "+n.uname)
		if err != nil {
			m.warn("crmd", "%v", err)
			continue
		}
		n.hist.merge(e)
	}
	m.touched(n)
}

// idPart makes a string fit for a part of an XML id.
func idPart(s string) string {
	b := []byte(s)
	for i, c := range b {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
		if !ok {
			b[i] = '.'
		}
	}
	return string(b)
}

// Compose puts a configuration and node_state elements together to a document,
// with the attributes that say where it comes from.
func Compose(config *cib.Element, nodes []*cib.Element, quorum bool, dcID string) *cib.Element {
	st := cib.New("status").WithChildren(nodes...)
	var children []*cib.Element
	for _, c := range config.Children {
		if c.Name != "status" {
			children = append(children, c)
		}
	}
	root := config.WithChildren(append(children, st)...).
		WithAttr("crm_feature_set", featureSet).
		WithAttr("have-quorum", word(quorum, "1", "0"))
	if dcID == "" {
		return root.WithoutAttr("dc-uuid")
	}
	return root.WithAttr("dc-uuid", dcID)
}

// nodeIDs returns the ids of the cluster nodes of a configuration by name.
func nodeIDs(config *cib.Element) map[string]string {
	out := map[string]string{}
	for _, n := range config.Path("configuration", "nodes").All("node") {
		switch n.Get("type") {
		case "", "member", "normal":
			out[n.Get("uname")] = n.ID()
		}
	}
	return out
}
