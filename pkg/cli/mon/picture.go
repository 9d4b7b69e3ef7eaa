package mon

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// cluster is the whole picture: the document and what the engine makes of it.
type cluster struct {
	*pengine.Result
	root *cib.Element
	o    Options
	now  time.Time
}

// newCluster has the engine understand a document; one without a configuration
// is an empty cluster.
func newCluster(root *cib.Element, o Options) *cluster {
	if root == nil {
		root = cib.New("cib")
	}
	if root.First("configuration") == nil {
		root = root.WithChild(cib.New("configuration"))
	}
	res, err := pengine.Schedule(root, o.Now, pengine.Options{StatusOnly: true, ShowPending: true, Constraints: o.Bans || o.Tickets})
	if err != nil { // only a document without a configuration is an error
		return newCluster(cib.New("cib"), o)
	}
	return &cluster{Result: res, root: root, o: o, now: o.Now}
}

// list are the options of the list of resources.
func (c *cluster) list() pengine.ListOptions {
	o := pengine.ListOptions{Inactive: c.o.Inactive, Brief: c.o.Brief, Detail: c.o.Detail}
	if c.o.Node != "" {
		o.Node = c.onNode
	}
	if c.o.Resource != "" {
		o.Resource = c.onResource
	}
	return o
}

// tagged tells whether a tag names an object.
func (c *cluster) tagged(tag, id string) bool {
	for _, t := range c.root.Path("configuration", "tags").All("tag") {
		if t.ID() == tag {
			return slices.ContainsFunc(t.All("obj_ref"), func(r *cib.Element) bool { return r.ID() == id })
		}
	}
	return false
}

func (c *cluster) onNode(name string) bool {
	if c.o.Node == "" || strings.EqualFold(name, c.o.Node) || c.tagged(c.o.Node, name) {
		return true
	}
	n := c.FindNode(name)
	return n.OK() && c.tagged(c.o.Node, n.ID())
}

func (c *cluster) onResource(id string) bool {
	return c.o.Resource == "" || id == c.o.Resource || c.tagged(c.o.Resource, id)
}

// wanted tells whether the filter lets a resource through that a history names.
func (c *cluster) wanted(r pengine.Resource, id string) bool {
	for x := r; x.OK(); x = x.Parent() {
		if c.onResource(x.ID()) || c.onResource(x.XMLID()) {
			return true
		}
	}
	return c.onResource(id)
}

// nodes are the nodes that are shown.
func (c *cluster) nodes() (out []pengine.Node) {
	for _, n := range c.Nodes() {
		if n.Kind() != "ping" && c.onNode(n.Name()) {
			out = append(out, n)
		}
	}
	return out
}

// dc is the node that the document names as the DC, or none.
func (c *cluster) dc() pengine.Node {
	for _, n := range c.Nodes() {
		if n.IsDC() {
			return n
		}
	}
	return pengine.Node{}
}

// nodeCount is how many nodes the configuration has.
func (c *cluster) nodeCount() (count int) {
	for _, n := range c.Nodes() {
		if n.Kind() != "ping" {
			count++
		}
	}
	return count
}

// flag returns a cluster option as a boolean.
func (c *cluster) flag(name string, def bool) bool { return boolOf(c.Option(name), def) }

func boolOf(s string, def bool) bool {
	if b, err := cib.ParseBool(s); err == nil {
		return b
	}
	return def
}

// failures are the failed actions that are shown. The same one may be in a
// history twice: as the last operation, and as the last failure.
func (c *cluster) failures() (out []failure) {
	list := c.Failures()
	place := map[pengine.Node]int{}
	for i, n := range c.StateOrder() {
		place[n] = i
	}
	slices.SortStableFunc(list, func(a, b pengine.Failure) int { return cmp.Compare(place[a.Node], place[b.Node]) })
	for _, f := range list {
		if !f.Node.Online() && f.Node.Kind() != "remote" || !c.onNode(f.Node.Name()) {
			continue
		}
		// A probe that found no program found out that nothing runs there.
		if rec := newRecord(f.Op); rec.probe() && rec.status == 0 && rec.rc == 5 {
			continue
		}
		x := failure{key: opName(newRecord(f.Op), f.Resource.ID()), node: f.Node, op: f.Op}
		same := func(o failure) bool {
			return o.node == x.node && o.key == x.key && o.op.Get("operation") == x.op.Get("operation") &&
				o.op.Get("interval") == x.op.Get("interval") && o.op.Get("call-id") == x.op.Get("call-id")
		}
		if c.wanted(f.Resource, x.key) && !slices.ContainsFunc(out, same) {
			out = append(out, x)
		}
	}
	return out
}

// failure is one entry of the list of failed actions.
type failure struct {
	key  string
	node pengine.Node
	op   *cib.Element
}

// ban is a constraint that keeps a resource off a node.
type ban struct {
	id, rsc, node string
	at            pengine.Node
	score         int
	promoted      bool
}

// bans are the constraints with negative scores, for each node that they are about.
func (c *cluster) bans() (out []ban) {
	for _, l := range c.AllLocations() {
		if l.Score < 0 && strings.HasPrefix(l.ID, c.o.BanPrefix) && c.onResource(l.Other.ID()) {
			out = append(out, ban{l.ID, l.Other.ID(), l.Node.Name(), l.Node, int(l.Score), l.Role == "Promoted"})
		}
	}
	return out
}

// ticket is a ticket_state, or what stands for one that is not there.
func (c *cluster) tickets() (out []*cib.Element) {
	for _, id := range c.Tickets() {
		e := cib.New("ticket_state", "id", id)
		for _, x := range c.root.Path("status", "tickets").All("ticket_state") {
			if x.ID() == id {
				e = x
			}
		}
		out = append(out, e)
	}
	return out
}

// hiddenAttribute tells the cluster's own attributes from those of users.
func hiddenAttribute(name string) bool {
	for _, p := range []string{"fail-count-", "last-failure-", "#"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	switch name {
	case "standby", "shutdown", "terminate", "maintenance", "probe_complete", "site-name":
		return name != "probe_complete" && name != "site-name"
	}
	return false
}

// attributes are the names of the attributes of a node that are shown.
func attributes(n pengine.Node) (names []string) {
	for a := range n.Attrs() {
		if !hiddenAttribute(a) {
			names = append(names, a)
		}
	}
	slices.Sort(names)
	return names
}

// Expected returns the value that an attribute has when a ping agent of the
// configuration reaches all its hosts; ok is false if no ping agent sets it.
func Expected(root *cib.Element, name string, now time.Time) (value int, ok bool) {
	return newCluster(root, Options{Now: now}).expected(name)
}

func (c *cluster) expected(name string) (want int, ok bool) {
	var find func(list []pengine.Resource)
	find = func(list []pengine.Resource) {
		for _, r := range list {
			if ok {
				return
			}
			if r.Kind() != pengine.Primitive {
				find(r.Children())
				continue
			}
			if r.Type() != "ping" && r.Type() != "pingd" || r.Orphan() {
				continue
			}
			params := r.Params(pengine.Node{})
			attr := params["name"]
			if attr == "" {
				attr = "pingd"
			}
			if attr != name {
				continue
			}
			multiplier, err := strconv.Atoi(params["multiplier"])
			if err != nil {
				multiplier = 1
			}
			want, ok = multiplier*len(strings.Fields(params["host_list"])), true
		}
	}
	find(c.Top())
	return want, ok
}

// Simple returns the state in one line (crm_mon -s) for monitoring systems,
// and whether all is well: there is a DC, and no node is offline.
func Simple(root *cib.Element, now time.Time) (line string, ok bool) {
	c := newCluster(root, Options{Now: now})
	var problems []string
	if !c.dc().OK() {
		problems = append(problems, "No DC")
	}
	online, standby := 0, 0
	for _, n := range c.nodes() {
		switch {
		case n.Online() && n.Standby():
			standby++
		case n.Online():
			online++
		case n.Kind() != "remote":
			problems = append(problems, "offline node: "+n.Name())
		}
	}
	if len(problems) > 0 {
		return "CLUSTER WARN: " + strings.Join(problems, " "), false
	}
	line = fmt.Sprintf("CLUSTER OK: %d node%s online", online, plural(online))
	if standby > 0 {
		line += fmt.Sprintf(", %d standby node%s", standby, plural(standby))
	}
	total, _, _ := c.Counts()
	return line + fmt.Sprintf(", %d resource instance%s configured", total, plural(total)), true
}
