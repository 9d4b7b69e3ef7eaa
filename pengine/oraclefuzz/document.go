package oraclefuzz

import (
	"fmt"

	"github.com/quorate/quorate/cib"
)

// document writes the whole CIB.
func (g *gen) document() *cib.Element {
	dc := g.nodes[0]
	for _, n := range g.nodes {
		if n.online() {
			dc = n
			break
		}
	}
	root := cib.New("cib", "admin_epoch", "0", "epoch", "10", "num_updates", "1", "validate-with", "pacemaker-3.9",
		"crm_feature_set", "3.16.1", "have-quorum", g.quorum, "dc-uuid", dc.id, "cib-last-written", "Sat Jun 15 11:00:00 2024")
	conf := cib.New("configuration")

	crm := cib.New("crm_config")
	if s := nvset("cluster_property_set", "cib-bootstrap-options", g.props); s != nil {
		crm.Children = append(crm.Children, s)
	}
	nodes := cib.New("nodes")
	for _, n := range g.nodes {
		if n.remote && !n.listed || n.undeclared {
			continue
		}
		e := cib.New("node", "id", n.id, "uname", n.name)
		switch {
		case n.remote:
			e = e.WithAttr("type", "remote")
		case n.kind != "":
			e = e.WithAttr("type", n.kind)
		}
		if s := nvset("instance_attributes", "nodes-"+n.id, n.attrs); s != nil {
			e.Children = append(e.Children, s)
		}
		if s := nvset("utilization", "nodes-"+n.id+"-util", n.util); s != nil {
			e.Children = append(e.Children, s)
		}
		nodes.Children = append(nodes.Children, e)
	}
	rs := cib.New("resources")
	for _, t := range g.tmpls {
		rs.Children = append(rs.Children, t.element())
	}
	for _, r := range g.rscs {
		rs.Children = append(rs.Children, r.element())
	}
	cons := cib.New("constraints")
	cons.Children = g.cons
	conf.Children = append(conf.Children, crm, nodes, rs, cons)
	wrap := func(name string, kids []*cib.Element) {
		if len(kids) > 0 {
			e := cib.New(name)
			e.Children = kids
			conf.Children = append(conf.Children, e)
		}
	}
	wrap("fencing-topology", g.levels)
	wrap("tags", g.tags)
	wrap("rsc_defaults", g.rscDef)
	wrap("op_defaults", g.opDef)

	status := cib.New("status")
	if len(g.tickets) > 0 {
		e := cib.New("tickets")
		e.Children = g.tickets
		status.Children = append(status.Children, e)
	}
	for _, n := range append(g.nodes, g.inner...) {
		if !n.absent {
			status.Children = append(status.Children, g.nodeState(n))
		}
	}
	root.Children = append(root.Children, conf, status)
	return root
}

func (g *gen) nodeState(n *node) *cib.Element {
	e := cib.New("node_state", "id", n.id, "uname", n.name, "in_ccm", n.inCCM, "crmd", n.crmd, "join", n.join, "expected", n.expected)
	if n.remote {
		e = cib.New("node_state", "remote_node", "true", "id", n.id, "uname", n.name, "in_ccm", n.inCCM)
		if n.fenced != "" {
			e = e.WithAttr("node_fenced", n.fenced)
		}
	}
	if n.shutdownFlag != "" {
		e.Attrs = append(e.Attrs, cib.Attr{Name: "shutdown", Value: n.shutdownFlag})
	}
	if s := nvset("instance_attributes", "status-"+n.id, n.transient); s != nil {
		t := cib.New("transient_attributes", "id", n.id)
		t.Children = append(t.Children, s)
		e.Children = append(e.Children, t)
	}
	if n.noLRM {
		return e
	}
	list := cib.New("lrm_resources")
	for _, h := range n.hist {
		x := cib.New("lrm_resource", "id", h.lrmID, "type", h.typ, "class", h.class)
		if h.provider != "" {
			x.Attrs = append(x.Attrs, cib.Attr{Name: "provider", Value: h.provider})
		}
		if h.container != "" {
			x.Attrs = append(x.Attrs, cib.Attr{Name: "container", Value: h.container})
		}
		if n.locks {
			x.Attrs = append(x.Attrs, cib.Attr{Name: "shutdown-lock", Value: fmt.Sprint(Now - 300)})
		}
		x.Children = h.ops
		list.Children = append(list.Children, x)
	}
	lrm := cib.New("lrm", "id", n.id)
	lrm.Children = append(lrm.Children, list)
	e.Children = append(e.Children, lrm)
	return e
}

// rule makes a rule with the given attributes and expressions.
func (g *gen) rule(attrs []string, exprs ...*cib.Element) *cib.Element {
	e := cib.New("rule", append([]string{"id", g.name("rule")}, attrs...)...)
	e.Children = exprs
	return e
}

// guarded is an attribute set which applies under a rule.
func (g *gen) guarded(elem string, rule *cib.Element, ps ...pair) *cib.Element {
	id := g.name("set")
	s := nvset(elem, id, ps)
	if rule != nil {
		s.Children = append([]*cib.Element{rule}, s.Children...)
	}
	if g.chance(0.7) {
		s.Attrs = append(s.Attrs, cib.Attr{Name: "score", Value: fmt.Sprint(1 + g.r.IntN(9))})
	}
	return s
}

// expr is a node attribute expression.
func (g *gen) expr(attribute, operation string, more ...string) *cib.Element {
	return cib.New("expression", append([]string{"id", g.name("expr"), "attribute", attribute, "operation", operation}, more...)...)
}
