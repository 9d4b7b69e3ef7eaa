package mon

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// nvset merges the sets of one kind below e: the set named first wins, then
// those of higher score. Values already in out are kept.
func nvset(c *cluster, e *cib.Element, tag, first string, out map[string]string) {
	type scored struct {
		e     *cib.Element
		score int
	}
	var sets []scored
	for _, s := range e.All(tag) {
		if ref, ok := s.Lookup("id-ref"); ok {
			if s = c.find(ref); s == nil {
				continue
			}
		}
		if rule := s.First("rule"); rule != nil && !c.agentRule(rule) {
			continue
		}
		n, _ := cib.ParseScore(s.Get("score"))
		if s.ID() == first {
			n = cib.Infinity + 1
		}
		sets = append(sets, scored{s, n})
	}
	sort.SliceStable(sets, func(i, j int) bool { return sets[i].score > sets[j].score })
	for _, s := range sets {
		for _, nv := range s.e.All("nvpair") {
			name, value := nv.Get("name"), nv.Get("value")
			if ref, ok := nv.Lookup("id-ref"); ok {
				o := c.find(ref)
				if o == nil {
					continue
				}
				if value = o.Get("value"); name == "" {
					name = o.Get("name")
				}
			}
			if _, ok := out[name]; !ok {
				out[name] = value
			}
		}
	}
}

// agentRule evaluates a rule that is about the kind of resource. Other rules
// count as false.
func (c *cluster) agentRule(rule *cib.Element) bool {
	and := rule.Get("boolean-op") != "or"
	all := rule.Children
	if c.current == nil || len(all) == 0 {
		return false
	}
	for _, x := range all {
		ok := false
		switch x.Name {
		case "rsc_expression":
			match := func(attr, have string) bool { v, set := x.Lookup(attr); return !set || v == have }
			ok = match("class", c.current.class) && match("provider", c.current.provider) && match("type", c.current.typ)
		case "rule":
			ok = c.agentRule(x)
		}
		if ok != and {
			return ok
		}
	}
	return and
}

// find returns the element with an id, or nil.
func (c *cluster) find(id string) (found *cib.Element) {
	c.root.Walk(func(e *cib.Element) bool {
		if e.ID() == id {
			found = e
		}
		return found == nil
	})
	return found
}

func newCluster(root *cib.Element, now time.Time) *cluster {
	c := &cluster{root: root, now: now, options: make(map[string]string), byID: make(map[string]*resource)}
	conf := root.First("configuration")
	nvset(c, conf.First("crm_config"), "cluster_property_set", "cib-bootstrap-options", c.options)
	c.unpackNodes(conf)
	for _, e := range elements(conf.First("resources")) {
		if r := c.unpackResource(e, nil); r != nil {
			c.resources = append(c.resources, r)
		}
	}
	sort.SliceStable(c.resources, func(i, j int) bool { return c.resources[i].priority() > c.resources[j].priority() })
	c.implicitNodes()
	c.nodeStates()
	for _, r := range c.resources {
		c.makeInstances(r, 1, -1)
	}
	c.histories()
	c.finish()
	return c
}

// implicitNodes adds the nodes that resources make: Pacemaker Remote and guest
// nodes.
func (c *cluster) implicitNodes() {
	var add func(list []*resource)
	add = func(list []*resource) {
		for _, r := range list {
			name, k := r.meta["remote-node"], guest
			if r.class == "ocf" && r.provider == "pacemaker" && r.typ == "remote" {
				name, k = r.id, remote
			}
			if name != "" && r.kind == primitive {
				if n := c.node(name); n != nil {
					n.kind = k
				} else {
					c.nodes = append(c.nodes, &node{name: name, id: name, kind: k, attrs: make(map[string]string), health: true})
				}
			}
			add(r.children)
		}
	}
	add(c.resources)
	sort.SliceStable(c.nodes, func(i, j int) bool { return lessName(c.nodes[i].name, c.nodes[j].name) })
}

func (c *cluster) unpackNodes(conf *cib.Element) {
	for _, e := range conf.First("nodes").All("node") {
		n := &node{name: e.Get("uname"), id: e.ID(), attrs: make(map[string]string), health: true}
		if e.Get("type") == "remote" {
			n.kind = remote
		}
		nvset(c, e, "instance_attributes", "", n.attrs)
		c.nodes = append(c.nodes, n)
	}
}

// metaNames are the meta-attributes that children take from their parent.
func (c *cluster) unpackResource(e *cib.Element, parent *resource) *resource {
	r := &resource{id: e.ID(), elem: e, parent: parent, meta: make(map[string]string)}
	switch e.Name {
	case "primitive":
		r.class, r.provider, r.typ = e.Get("class"), e.Get("provider"), e.Get("type")
		nvset(c, e, "meta_attributes", "", r.meta)
		r.ops = e.First("operations").All("op")
		if t := e.Get("template"); t != "" {
			if te := c.find(t); te != nil {
				r.class, r.provider, r.typ = te.Get("class"), te.Get("provider"), te.Get("type")
				nvset(c, te, "meta_attributes", "", r.meta)
				r.ops = append(r.ops[:len(r.ops):len(r.ops)], te.First("operations").All("op")...)
			}
		}
	case "group":
		r.kind = group
	case "clone", "master":
		r.kind = clone
	case "bundle":
		r.kind = bundle
	default:
		return nil
	}
	if r.kind != primitive {
		nvset(c, e, "meta_attributes", "", r.meta)
	}
	if r.kind == clone {
		r.unique = boolOf(r.meta["globally-unique"], false)
		r.promotable = e.Name == "master" || boolOf(r.meta["promotable"], false)
	}
	if parent != nil {
		for k, v := range parent.meta {
			if _, ok := r.meta[k]; !ok {
				r.meta[k] = v
			}
		}
	}
	if r.kind == primitive && r.class != "ocf" && r.class != "stonith" {
		for up := parent; up != nil; up = up.parent {
			up.plain = true
		}
	}
	c.byID[r.id] = r
	for _, ch := range e.Children {
		switch ch.Name {
		case "primitive", "group", "clone", "master":
			if child := c.unpackResource(ch, r); child != nil {
				if r.kind == clone && !r.unique {
					r.unique = boolOf(child.meta["globally-unique"], false)
				}
				if r.kind != bundle {
					r.children = append(r.children, child)
				}
			}
		}
	}
	if r.kind == clone && r.unique && r.plain {
		// Scripts without parameters cannot tell their copies apart.
		r.unique, r.forcedAnonymous = false, true
	}
	c.current = r
	nvset(c, c.root.Path("configuration", "rsc_defaults"), "meta_attributes", "", r.meta)
	r.managed = c.flag("is-managed-default", true)
	r.managed = boolOf(r.meta["is-managed"], r.managed)
	if boolOf(r.meta["maintenance"], false) || c.flag("maintenance-mode", false) {
		r.managed = false
	}
	if t, ok := cib.CanonicalRole(r.meta["target-role"]); ok {
		r.disabled = t == "Stopped"
	}
	return r
}

// maxInstances bounds clone-max: a typing error must not fill the memory.
const maxInstances = 10000

// makeInstances gives every primitive its instances; n is the number of copies
// that the clone above asks for.
func (c *cluster) makeInstances(r *resource, n, first int) {
	switch r.kind {
	case clone:
		n = len(c.nodes)
		if v, err := strconv.Atoi(r.meta["clone-max"]); err == nil && v >= 0 {
			n = min(v, maxInstances)
			if r.forcedAnonymous {
				n = min(v, len(c.nodes))
			}
		}
		first = 0
		r.max = n
	case primitive:
		for i := 0; i < n; i++ {
			num := first
			if first >= 0 {
				num = i
			}
			r.instances = append(r.instances, &instance{rsc: r, num: num})
		}
	}
	for _, ch := range r.children {
		c.makeInstances(ch, n, first)
	}
}

func (r *resource) priority() int {
	v, _, _ := strings.Cut(r.meta["priority"], ".")
	n, _ := cib.ParseScore(v)
	return n
}

// cloneOf returns the clone above a primitive, or nil.
func cloneOf(r *resource) *resource {
	for ; r != nil; r = r.parent {
		if r.kind == clone {
			return r
		}
	}
	return nil
}

// lessName orders names without regard to case, and numbers in them by value.
func lessName(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for a != "" && b != "" {
		if digit(a[0]) && digit(b[0]) {
			na, ra := number(a)
			nb, rb := number(b)
			if na != nb {
				if len(na) != len(nb) {
					return len(na) < len(nb)
				}
				return na < nb
			}
			a, b = ra, rb
			continue
		}
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		a, b = a[1:], b[1:]
	}
	return len(a) < len(b)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// number cuts the leading digits off, without leading zeros.
func number(s string) (num, rest string) {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	return strings.TrimLeft(s[:i], "0"), s[i:]
}
