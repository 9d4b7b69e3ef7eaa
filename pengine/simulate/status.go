package simulate

import (
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
)

// origin is what the entries made here name as their author.
const origin = "crm_simulate"

// status edits the status section of a copy of a document. The elements it has
// copied are its own and written in place, so that a large transition costs no
// more than its results.
type status struct {
	root    *cib.Element
	section *cib.Element
	nodes   map[string]*nodeState
	changes int
}

// nodeState is the state of one node with an index of its history.
type nodeState struct {
	el        *cib.Element
	resources *cib.Element // lrm_resources, nil before the first use
	history   map[string]*history
}

// history is what a node knows of one resource.
type history struct {
	el   *cib.Element
	ops  map[string]*cib.Element
	call int
}

// own returns a copy of e that may be written to.
func own(e *cib.Element) *cib.Element {
	c := *e
	c.Attrs = append([]cib.Attr(nil), e.Attrs...)
	c.Children = append([]*cib.Element(nil), e.Children...)
	return &c
}

// set writes an attribute of an element that is owned.
func set(e *cib.Element, nameValue ...string) {
	for i := 0; i+1 < len(nameValue); i += 2 {
		setOne(e, nameValue[i], nameValue[i+1])
	}
}

func setOne(e *cib.Element, name, value string) {
	for i := range e.Attrs {
		if e.Attrs[i].Name == name {
			e.Attrs[i].Value = value
			return
		}
	}
	e.Attrs = append(e.Attrs, cib.Attr{Name: name, Value: value})
}

func newStatus(root *cib.Element) *status {
	s := &status{root: own(root), nodes: make(map[string]*nodeState)}
	s.section = s.child(s.root, "status")
	for i, c := range s.section.Children {
		if c.Name != "node_state" {
			continue
		}
		n := &nodeState{el: own(c)}
		s.section.Children[i] = n.el
		s.register(n)
	}
	return s
}

func (s *status) register(n *nodeState) {
	for _, name := range []string{n.el.Get("uname"), n.el.ID()} {
		if name != "" && s.nodes[name] == nil {
			s.nodes[name] = n
		}
	}
}

// child returns the owned first child with a name; it is made when missing.
func (s *status) child(e *cib.Element, name string) *cib.Element {
	for i, c := range e.Children {
		if c.Name == name {
			e.Children[i] = own(c)
			return e.Children[i]
		}
	}
	c := cib.New(name)
	e.Children = append(e.Children, c)
	return c
}

// node returns the state of a node, making one when there is none.
func (s *status) node(name, id string) *nodeState {
	if n := s.nodes[name]; n != nil {
		return n
	}
	if n := s.nodes[id]; n != nil && id != "" {
		return n
	}
	if id == "" {
		id = name
	}
	n := &nodeState{el: cib.New("node_state", "id", id, "uname", name)}
	s.section.Children = append(s.section.Children, n.el)
	s.register(n)
	return n
}

// load indexes the history of a node.
func (s *status) load(n *nodeState) {
	if n.history != nil {
		return
	}
	n.history = make(map[string]*history)
	id := n.el.ID()
	if n.el.First("lrm") == nil {
		n.el.Children = append(n.el.Children, cib.New("lrm", "id", id))
	}
	n.resources = s.child(s.child(n.el, "lrm"), "lrm_resources")
	for _, e := range n.resources.Children {
		if e.Name == "lrm_resource" && n.history[e.ID()] == nil {
			n.history[e.ID()] = &history{el: e}
		}
	}
}

// entry returns the owned history of a resource on a node, making one of the
// agent's name when there is none.
func (s *status) entry(n *nodeState, id, class, provider, typ string) *history {
	s.load(n)
	h := n.history[id]
	if h == nil {
		h = &history{el: cib.New("lrm_resource", "id", id, "class", class), ops: make(map[string]*cib.Element)}
		if provider != "" {
			set(h.el, "provider", provider)
		}
		set(h.el, "type", typ)
		n.resources.Children = append(n.resources.Children, h.el)
		n.history[id] = h
		return h
	}
	if h.ops == nil {
		c := own(h.el)
		for i, e := range n.resources.Children {
			if e == h.el {
				n.resources.Children[i] = c
			}
		}
		h.el, h.ops = c, make(map[string]*cib.Element)
		for i, e := range c.Children {
			if e.Name != "lrm_rsc_op" {
				continue
			}
			if v, err := strconv.Atoi(e.Get("call-id")); err == nil && v > h.call {
				h.call = v
			}
			o := own(e)
			c.Children[i] = o
			if h.ops[o.ID()] == nil {
				h.ops[o.ID()] = o
			}
		}
	}
	return h
}

// has reports whether a node has a history of the resource.
func (s *status) has(n *nodeState, id string) bool {
	s.load(n)
	return n.history[id] != nil
}

// forget removes parts of a node's state.
func (n *nodeState) forget(names ...string) {
	kept := n.el.Children[:0]
	for _, c := range n.el.Children {
		keep := true
		for _, name := range names {
			keep = keep && c.Name != name
		}
		if keep {
			kept = append(kept, c)
		}
	}
	n.el.Children = kept
	n.history, n.resources = nil, nil
}

// opAttrs is how many attributes an operation gets here.
const opAttrs = 16

// op returns the operation of a history with an id, making one when missing.
func (h *history) op(id string) *cib.Element {
	o := h.ops[id]
	if o == nil {
		o = &cib.Element{Name: "lrm_rsc_op", Attrs: append(make([]cib.Attr, 0, opAttrs), cib.Attr{Name: "id", Value: id})}
		h.ops[id] = o
		h.el.Children = append(h.el.Children, o)
	}
	return o
}

// attribute sets a transient attribute of a node; "value++" counts up.
func (s *status) attribute(n *nodeState, name, value string) {
	id := n.el.ID()
	t := n.el.First("transient_attributes")
	if t == nil {
		n.el.Children = append(n.el.Children, cib.New("transient_attributes", "id", id))
	}
	t = s.child(n.el, "transient_attributes")
	if t.First("instance_attributes") == nil {
		t.Children = append(t.Children, cib.New("instance_attributes", "id", id))
	}
	ia := s.child(t, "instance_attributes")
	nvID := ia.ID() + "-" + strings.NewReplacer("#", ".", ":", ".").Replace(name)
	for i, nv := range ia.Children {
		if nv.Name != "nvpair" || nv.Get("name") != name {
			continue
		}
		if value == "value++" {
			old, _ := cib.ParseScore(nv.Get("value"))
			value = cib.FormatScore(min(old+1, cib.Infinity))
		}
		ia.Children[i] = nv.WithAttr("value", value)
		return
	}
	if value == "value++" {
		value = "1"
	}
	ia.Children = append(ia.Children, cib.New("nvpair", "id", nvID, "name", name, "value", value))
}

// finish returns the document with the changes counted.
func (s *status) finish() *cib.Element {
	if s.changes > 0 {
		n, _ := strconv.Atoi(s.root.Get("num_updates"))
		set(s.root, "num_updates", strconv.Itoa(n+s.changes))
	}
	return s.root
}
