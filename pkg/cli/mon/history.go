package mon

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// record is one operation of the history.
type record struct {
	e        *cib.Element
	task     string
	interval time.Duration
	rc       int
	target   int // -1 unknown
	status   int
	call     int
	change   int64
}

func (r record) probe() bool { return r.task == "monitor" && r.interval == 0 }

func newRecord(e *cib.Element) record {
	num := func(name string, def int) int {
		if n, err := strconv.Atoi(e.Get(name)); err == nil {
			return n
		}
		return def
	}
	r := record{e: e, task: e.Get("operation"), rc: num("rc-code", -1), status: num("op-status", 0), call: num("call-id", -1), target: -1}
	r.interval = time.Duration(num("interval", 0)) * time.Millisecond
	// action:transition:target:uuid
	if parts := strings.SplitN(e.Get("transition-key"), ":", 4); len(parts) == 4 {
		if n, err := strconv.Atoi(parts[2]); err == nil {
			r.target = n
		}
	}
	r.change, _ = strconv.ParseInt(e.Get("last-rc-change"), 10, 64)
	return r
}

// histories replays what every node reports about every resource.
func (c *cluster) histories() {
	fencing := c.flag("stonith-enabled", true)
	for _, s := range c.root.First("status").All("node_state") {
		n := c.node(s.ID())
		if n == nil {
			n = c.node(s.Get("uname"))
		}
		// Without fencing nothing is believed of a node that is away.
		if n == nil || n.kind == member && !n.online && !fencing {
			continue
		}
		for _, e := range s.Path("lrm", "lrm_resources").All("lrm_resource") {
			c.history(n, e)
		}
	}
}

// sortRecords brings operations into the order in which they were executed. One
// in progress has no number yet: it is the newest.
func sortRecords(recs []record) {
	slices.SortStableFunc(recs, func(a, b record) int {
		if p, q := a.call < 0, b.call < 0; p != q {
			if p {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.change, b.change))
	})
}

func (c *cluster) history(n *node, e *cib.Element) {
	var recs []record
	for _, op := range e.All("lrm_rsc_op") {
		recs = append(recs, newRecord(op))
	}
	if len(recs) == 0 {
		return
	}
	sortRecords(recs)
	r, num := c.lookup(e.ID())
	if r == nil {
		r = &resource{id: e.ID(), class: e.Get("class"), provider: e.Get("provider"), typ: e.Get("type"), orphan: true,
			managed: c.flag("is-managed-default", true) && !c.flag("maintenance-mode", false), meta: map[string]string{}}
		if !c.flag("stop-orphan-resources", true) {
			r.managed = false
		}
	}
	st := c.replay(r, n, e.ID(), recs)
	if st.notInstalled {
		if r.notInstalled == nil {
			r.notInstalled = make(map[string]bool)
		}
		r.notInstalled[n.name] = true
	}
	if st.role == stopped && !st.failed && st.pending == "" {
		if st.ignored && !r.orphan {
			if in := c.instanceFor(r, num, n, false); in != nil {
				in.ignored = true
			}
		}
		return
	}
	if r.orphan && c.byID[r.id] == nil {
		c.byID[r.id] = r
		r.instances = []*instance{{rsc: r, num: -1, orphan: true}}
		c.resources = append(c.resources, r)
	}
	in := c.instanceFor(r, num, n, true)
	if st.role > in.role {
		in.role = st.role
	}
	in.failed = in.failed || st.failed
	in.blocked = in.blocked || st.blocked
	in.ignored = in.ignored || st.ignored
	if st.pending != "" {
		in.pending = st.pending
	}
	in.monitoring = in.monitoring || st.monitoring
	if !n.online && n.kind == member && c.flag("stonith-enabled", true) && r.managed && !n.maintenance {
		n.unclean = true // what is active there has to be fenced off
	}
	in.nodes = append(in.nodes, n)
	n.running = append(n.running, in)
}

// lookup finds the resource of a history: by its name, or by the name of a
// clone's instance.
func (c *cluster) lookup(id string) (r *resource, num int) {
	num = -1
	base := id
	if i := strings.LastIndexByte(id, ':'); i > 0 {
		if v, err := strconv.Atoi(id[i+1:]); err == nil {
			base, num = id[:i], v
		}
	}
	if r := c.byID[id]; r != nil && r.kind == primitive && !r.orphan {
		return r, -1
	}
	if r := c.byID[base]; r != nil && r.kind == primitive && cloneOf(r) != nil {
		return r, num
	}
	if r := c.byID[id]; r != nil && r.orphan {
		return r, -1
	}
	return nil, -1
}

// instanceFor chooses the instance that is meant: the only one, the numbered
// one of a unique clone, or a free one of an anonymous clone.
func (c *cluster) instanceFor(r *resource, num int, n *node, create bool) *instance {
	cl := cloneOf(r)
	if cl == nil {
		return r.instances[0]
	}
	if cl.unique {
		if num < 0 {
			num = 0
		}
		for _, in := range r.instances {
			if in.num == num {
				return in
			}
		}
		if !create {
			return nil
		}
		in := &instance{rsc: r, num: num, orphan: true}
		r.instances = append(r.instances, in)
		return in
	}
	// Members of a cloned group share a number on a node.
	if r.parent.kind == group {
		for _, sib := range r.parent.children {
			for i, in := range sib.instances {
				if sib != r && slices.Contains(in.nodes, n) && i < len(r.instances) && len(r.instances[i].nodes) == 0 {
					return r.instances[i]
				}
			}
		}
	}
	here := slices.ContainsFunc(r.instances, func(in *instance) bool { return slices.Contains(in.nodes, n) })
	for i, in := range r.instances {
		if !here && len(in.nodes) == 0 && c.free(r, i) {
			return in
		}
	}
	if !create {
		return nil
	}
	in := &instance{rsc: r, num: len(r.instances), orphan: true}
	r.instances = append(r.instances, in)
	if r.parent.kind == group {
		for _, sib := range r.parent.children {
			for len(sib.instances) < len(r.instances) {
				sib.instances = append(sib.instances, &instance{rsc: sib, num: len(sib.instances), orphan: true})
			}
		}
	}
	return in
}

// free reports whether no member of the group instance runs anywhere yet.
func (c *cluster) free(r *resource, i int) bool {
	if r.parent.kind != group {
		return true
	}
	for _, sib := range r.parent.children {
		if i < len(sib.instances) && len(sib.instances[i].nodes) > 0 {
			return false
		}
	}
	return true
}
