package simulate

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// model is the status section while a graph is carried out.
type model struct {
	root   *cib.Element
	now    time.Time
	states []*nodeState
	byName map[string]*nodeState
	other  []*cib.Element
}

type nodeState struct {
	attrs    []cib.Attr
	other    []*cib.Element // neither lrm nor transient_attributes
	attrsXML []*cib.Element
	lrm      []cib.Attr
	lrmSet   bool
	rscs     []*history
	byID     map[string]*history
}

type history struct {
	attrs []cib.Attr
	other []*cib.Element
	ops   []*cib.Element
	call  int
}

func setAttr(l []cib.Attr, name, value string) []cib.Attr {
	for i := range l {
		if l[i].Name == name {
			l = slices.Clone(l)
			l[i].Value = value
			return l
		}
	}
	return append(l[:len(l):len(l)], cib.Attr{Name: name, Value: value})
}

func newModel(root *cib.Element, now time.Time) *model {
	m := &model{root: root, now: now, byName: map[string]*nodeState{}}
	status := root.First("status")
	if status == nil {
		return m
	}
	for _, e := range status.Children {
		if e.Name != "node_state" {
			m.other = append(m.other, e)
			continue
		}
		n := &nodeState{attrs: e.Attrs, byID: map[string]*history{}}
		for _, c := range e.Children {
			switch c.Name {
			case "lrm":
				n.lrm, n.lrmSet = c.Attrs, true
				for _, r := range c.First("lrm_resources").All("lrm_resource") {
					h := &history{attrs: r.Attrs}
					for _, op := range r.Children {
						if op.Name != "lrm_rsc_op" {
							h.other = append(h.other, op)
							continue
						}
						h.ops = append(h.ops, op)
						if id, err := strconv.Atoi(op.Get("call-id")); err == nil {
							h.call = max(h.call, id)
						}
					}
					n.rscs = append(n.rscs, h)
					n.byID[r.ID()] = h
				}
			case "transient_attributes":
				n.attrsXML = append(n.attrsXML, c)
			default:
				n.other = append(n.other, c)
			}
		}
		m.states = append(m.states, n)
		m.byName[nameOf(root, e)] = n
	}
	return m
}

func nameOf(root, state *cib.Element) string {
	for _, n := range root.Path("configuration", "nodes").All("node") {
		if n.ID() == state.ID() {
			if u := n.Get("uname"); u != "" {
				return u
			}
		}
	}
	if u := state.Get("uname"); u != "" {
		return u
	}
	return state.ID()
}

func (m *model) node(name, id string) *nodeState {
	n := m.byName[name]
	if n == nil {
		if id == "" {
			id = name
		}
		n = &nodeState{byID: map[string]*history{}, attrs: []cib.Attr{{Name: "id", Value: id}, {Name: "uname", Value: name}}}
		m.byName[name] = n
		m.states = append(m.states, n)
	}
	return n
}

// up changes the node state to that of a member or of a node that is gone.
func (n *nodeState) up(is bool) {
	v := []string{"false", "offline", "down", "down"}
	if is {
		v = []string{"true", "online", "member", "member"}
	}
	for i, k := range []string{"in_ccm", "crmd", "join", "expected"} {
		n.attrs = setAttr(n.attrs, k, v[i])
	}
}

func (m *model) cib() *cib.Element {
	children := slices.Clone(m.other)
	for _, n := range m.states {
		e := &cib.Element{Name: "node_state", Attrs: n.attrs}
		e.Children = append(e.Children, n.other...)
		if n.lrmSet {
			rs := &cib.Element{Name: "lrm_resources"}
			for _, h := range n.rscs {
				x := &cib.Element{Name: "lrm_resource", Attrs: h.attrs}
				x.Children = append(append(x.Children, h.ops...), h.other...)
				rs.Children = append(rs.Children, x)
			}
			e.Children = append(e.Children, &cib.Element{Name: "lrm", Attrs: n.lrm, Children: []*cib.Element{rs}})
		}
		e.Children = append(e.Children, n.attrsXML...)
		children = append(children, e)
	}
	status := m.root.First("status")
	if status == nil {
		return m.root.WithChild((&cib.Element{Name: "status"}).WithChildren(children...))
	}
	return m.root.WithReplaced(status, status.WithChildren(children...))
}

// do carries out one action; it reports false when the action fails.
func (m *model) do(a *pengine.GraphAction, w io.Writer, opts Options) bool {
	say := func(format string, args ...any) {
		if !opts.Quiet {
			fmt.Fprintf(w, format, args...)
		}
	}
	switch a.Kind {
	case pengine.PseudoEvent:
		say("  * Pseudo action:   %s\n", pseudoName(a))
		return true
	case pengine.CRMEvent:
		if a.Operation == "stonith" {
			op := a.Param("CRM_meta_stonith_action")
			say("  * Fencing %s (%s)\n", a.Node, op)
			if op != "on" {
				n := m.node(a.Node, a.NodeID)
				n.up(false)
				n.lrm, n.lrmSet, n.rscs, n.attrsXML = nil, false, nil, nil
				n.byID = map[string]*history{}
			}
			return true
		}
		if a.Primitive != nil {
			say("  * Cluster action:  %s for %s on %s\n", a.Operation, a.Primitive.ID, a.Node)
		} else {
			say("  * Cluster action:  %s on %s\n", a.Operation, a.Node)
		}
		return true
	}
	return m.rscOp(a, say, opts)
}

// knownName is the name under which the history of a node knows a resource.
func knownName(a *pengine.GraphAction) string {
	for _, sep := range []string{"_pre_notify_", "_post_notify_"} {
		if i := strings.LastIndex(a.Key, sep); i >= 0 && a.Operation == "notify" {
			return a.Key[:i]
		}
	}
	op := a.Operation
	if op == "cancel" {
		op = a.Param("CRM_meta_operation")
	}
	if i := strings.LastIndex(a.Key, "_"+op+"_"); i >= 0 {
		return a.Key[:i]
	}
	return a.Key
}

func pseudoName(a *pengine.GraphAction) string {
	if a.InternalKey != "" && false {
		return a.InternalKey
	}
	return a.Key
}

func (m *model) rscOp(a *pengine.GraphAction, say func(string, ...any), opts Options) bool {
	p := a.Primitive
	name := p.ID
	if p.LongID != "" {
		name = p.LongID
	}
	if a.InternalKey != "" {
		name = knownName(a)
	}
	ms, _ := strconv.ParseInt(a.Param("CRM_meta_interval"), 10, 64)
	if a.Operation == "probe_complete" {
		return true
	}
	n := m.node(a.Node, a.NodeID)
	if n.byID[name] == nil && n.byID[p.ID] != nil {
		name = p.ID
	}
	if ms > 0 {
		say("  * Resource action: %-15s %s=%d on %s\n", name, a.Operation, ms, a.Node)
	} else {
		say("  * Resource action: %-15s %s on %s\n", name, a.Operation, a.Node)
	}
	switch a.Operation {
	case "notify", "cancel":
		return true
	case "delete":
		if h := n.byID[p.ID]; h != nil {
			delete(n.byID, p.ID)
			n.rscs = slices.DeleteFunc(n.rscs, func(x *history) bool { return x == h })
		}
		return true
	}
	rc, ok := a.TargetRC, true
	for _, f := range opts.Failures {
		if f.Node == a.Node && f.Task == a.Operation && f.IntervalMS == ms &&
			(f.Resource == name || f.Resource == p.ID) {
			rc, ok = f.RC, false
			say("  Pretending action %d failed with rc=%d\n", a.ID, rc)
		}
	}
	id := name
	h := n.byID[id]
	if h == nil {
		h = &history{attrs: []cib.Attr{{Name: "id", Value: id}, {Name: "class", Value: p.Class}, {Name: "type", Value: p.Type}}}
		if p.Provider != "" {
			h.attrs = append(h.attrs, cib.Attr{Name: "provider", Value: p.Provider})
		}
		n.byID[id] = h
		n.rscs = append(n.rscs, h)
		n.lrmSet = true
	}
	h.call++
	opID := id + "_last_0"
	if ms > 0 {
		opID = id + "_" + a.Operation + "_" + strconv.FormatInt(ms, 10)
	}
	status := "0"
	if !ok {
		status = "4"
	}
	key := fmt.Sprintf("%d:0:%d:simulated", a.ID, a.TargetRC)
	op := cib.New("lrm_rsc_op", "id", opID, "operation_key", a.Key, "operation", a.Operation,
		"crm_feature_set", pengine.FeatureSet, "transition-key", key,
		"transition-magic", status+":"+strconv.Itoa(rc)+";"+key,
		"call-id", strconv.Itoa(h.call), "rc-code", strconv.Itoa(rc), "op-status", status,
		"interval", strconv.FormatInt(ms, 10), "last-rc-change", strconv.FormatInt(m.now.Unix(), 10))
	for _, k := range []string{"migrate_source", "migrate_target"} {
		if v := a.Param("CRM_meta_" + k); v != "" {
			op = op.WithAttr(k, v)
		}
	}
	if i := slices.IndexFunc(h.ops, func(x *cib.Element) bool { return x.ID() == opID }); i >= 0 {
		h.ops[i] = op
	} else {
		h.ops = append(h.ops, op)
	}
	return ok
}
