package oraclefuzz

import (
	"fmt"
	"strconv"

	"github.com/quorate/quorate/cib"
)

// pair is one name and value.
type pair struct{ name, value string }

// get returns the value of the last pair with the name, or "".
func get(ps []pair, name string) string {
	for i := len(ps) - 1; i >= 0; i-- {
		if ps[i].name == name {
			return ps[i].value
		}
	}
	return ""
}

// set replaces the value of a pair or appends it.
func set(ps []pair, name, value string) []pair {
	for i := range ps {
		if ps[i].name == name {
			ps[i].value = value
			return ps
		}
	}
	return append(ps, pair{name, value})
}

// op is one configured operation.
type op struct {
	name  string
	ms    int // interval in milliseconds
	attrs []pair
	extra []*cib.Element
}

// timeout is the timeout in milliseconds as it enters digests.
func (o *op) timeout() int {
	if t := get(o.attrs, "timeout"); t != "" {
		if n, err := strconv.Atoi(t[:len(t)-1]); err == nil {
			return n * 1000
		}
	}
	return 20000
}

// rsc is a resource under construction: a primitive, a group or a clone.
type rsc struct {
	kind                 string // primitive, group, clone
	id                   string
	class, provider, typ string
	template             string
	params, meta, util   []pair
	ops                  []*op
	extra                []*cib.Element // attribute sets under a rule
	kids                 []*rsc
	parent               *rsc
	rank                 int // constraints go from lower to higher rank
	neverRunning         bool
	master               bool   // a clone written as <master>
	opsRef               string // operations taken from another primitive by reference
	metaRef              string // meta-attributes taken from another set by reference
	host                 bool   // it runs on cluster nodes only
	container            string // what a history says it is inside of
	bundle               *bundle
}

// leaves are the primitives of r, itself included.
func (r *rsc) leaves() []*rsc {
	if r.kind == "primitive" {
		return []*rsc{r}
	}
	var out []*rsc
	for _, k := range r.kids {
		out = append(out, k.leaves()...)
	}
	return out
}

// top is the outermost resource that holds r.
func (r *rsc) top() *rsc {
	for r.parent != nil {
		r = r.parent
	}
	return r
}

func (r *rsc) isClone() bool { return r.kind == "clone" }
func (r *rsc) promotable() bool {
	return r.isClone() && (r.master || get(r.meta, "promotable") == "true")
}
func (r *rsc) unique() bool  { return r.isClone() && get(r.meta, "globally-unique") == "true" }
func (r *rsc) stonith() bool { return r.class == "stonith" }

// nvset writes one attribute set; nil when it is empty.
func nvset(elem, id string, ps []pair) *cib.Element {
	if len(ps) == 0 {
		return nil
	}
	e := cib.New(elem, "id", id)
	for _, p := range ps {
		e.Children = append(e.Children, cib.New("nvpair", "id", id+"-"+xmlID(p.name), "name", p.name, "value", p.value))
	}
	return e
}

// xmlID makes a name fit for an attribute of type ID.
func xmlID(s string) string {
	b := []byte(s)
	for i, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			b[i] = '.'
		}
	}
	return string(b)
}

func (r *rsc) element() *cib.Element {
	if r.bundle != nil {
		return r.bundle.element(r)
	}
	e := cib.New(r.kind, "id", r.id)
	if r.master {
		e.Name = "master"
	}
	if r.kind == "primitive" || r.kind == "template" {
		if r.template != "" {
			e.Attrs = append(e.Attrs, cib.Attr{Name: "template", Value: r.template})
		} else {
			e.Attrs = append(e.Attrs, cib.Attr{Name: "class", Value: r.class})
			if r.provider != "" {
				e.Attrs = append(e.Attrs, cib.Attr{Name: "provider", Value: r.provider})
			}
			e.Attrs = append(e.Attrs, cib.Attr{Name: "type", Value: r.typ})
		}
	}
	add := func(c *cib.Element) {
		if c != nil {
			e.Children = append(e.Children, c)
		}
	}
	add(nvset("meta_attributes", r.id+"-meta", r.meta))
	add(nvset("instance_attributes", r.id+"-params", r.params))
	add(nvset("utilization", r.id+"-util", r.util))
	for _, x := range r.extra {
		add(x)
	}
	if r.metaRef != "" {
		add(cib.New("meta_attributes", "id-ref", r.metaRef))
	}
	if r.opsRef != "" {
		add(cib.New("operations", "id-ref", r.opsRef))
	}
	if len(r.ops) > 0 && r.opsRef == "" {
		ops := cib.New("operations", "id", r.id+"-ops")
		for i, o := range r.ops {
			iv := "0s"
			if o.ms > 0 {
				iv = strconv.Itoa(o.ms/1000) + "s"
			}
			x := cib.New("op", "id", fmt.Sprintf("%s-%s-%d-%d", r.id, o.name, o.ms, i), "name", o.name, "interval", iv)
			for _, a := range o.attrs {
				x.Attrs = append(x.Attrs, cib.Attr{Name: a.name, Value: a.value})
			}
			x.Children = o.extra
			ops.Children = append(ops.Children, x)
		}
		add(ops)
	}
	for _, k := range r.kids {
		add(k.element())
	}
	return e
}

// node is a cluster node under construction.
type node struct {
	id, name  string
	attrs     []pair // permanent
	util      []pair
	locks     bool   // what it ran is locked to it
	remote    bool   // it is reached by a connection
	fenced    string // whether and when a remote node was fenced
	listed    bool   // a remote node that is configured as a node too
	transient []pair
	// state of the node_state element
	absent                      bool
	inCCM, crmd, join, expected string
	shutdownFlag                string
	noLRM                       bool
	undeclared                  bool   // not among the configured nodes
	kind                        string // type of the configured node
	call                        int
	hist                        []*history
}

func newNode(id, name string) *node {
	return &node{id: id, name: name, inCCM: "true", crmd: "online", join: "member", expected: "member"}
}

// online reports whether the node is a full member.
func (n *node) online() bool {
	return !n.absent && n.inCCM == "true" && n.crmd == "online" && n.join == "member"
}

// history is the record of one resource instance on one node.
type history struct {
	lrmID                string
	class, provider, typ string
	container            string
	ops                  []*cib.Element
}

// place is one resource instance on one node.
type place struct {
	leaf   *rsc
	lrmID  string
	node   *node
	state  string // unprobed, stopped, started, promoted
	fate   string // what has gone wrong or is under way; see status.go
	other  *node  // partner of a migration
	digest string // good, changed, reload, none
	failed *cib.Element
	rc     int    // of the failure instead of a usual one, 0 for none
	status int    // with rc
	reason string // exit reason of the failure
	drop   string // attribute that the history lacks
	older  string // what the history holds from before
}
