package mon

import (
	"strconv"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// XML returns the picture as the elements of Pacemaker's schema, with all
// sections that are not hidden.
func XML(root *cib.Element, o Options) []*cib.Element {
	o.Bans = true // what constraints say is told unless it is hidden
	c := newCluster(root, o)
	var out []*cib.Element
	add := func(e *cib.Element, hidden, empty bool) {
		if !hidden && !(empty && len(e.Children) == 0) {
			out = append(out, e)
		}
	}
	add(c.summaryXML(), o.HideHeaders, true)
	add(c.nodesXML(), o.Hide["nodes"], false)
	add(c.resourcesXML(), o.Hide["resources"] || o.GroupByNode && !o.Inactive, true)
	add(c.attributesXML(), o.Hide["attributes"], true)
	add(c.historyXML(), o.Hide["operations"], true)
	add(c.failuresXML(), o.Hide["failures"], true)
	add(c.ticketsXML(), o.Hide["tickets"], true)
	add(c.bansXML(), o.Hide["bans"], true)
	return out
}

func yes(b bool) string { return strconv.FormatBool(b) }

func (c *cluster) date(t time.Time) string { return t.In(c.now.Location()).Format(timeForm) }

func (c *cluster) summaryXML() *cib.Element {
	e := cib.New("summary")
	add := func(name string, nv ...string) { e = e.WithChild(cib.New(name, nv...)) }
	if !c.o.Hide["stack"] {
		add("stack", "type", or(c.Option("cluster-infrastructure"), "unknown"))
	}
	if dc := c.dc(); c.o.Hide["dc"] {
	} else if !dc.OK() {
		add("current_dc", "present", "false")
	} else {
		add("current_dc", "present", "true", "version", c.Option("dc-version"), "name", dc.Name(), "id", dc.ID(),
			"with_quorum", yes(boolOf(c.root.Get("have-quorum"), false)), "mixed_version", "false")
	}
	if !c.o.Hide["times"] {
		add("last_update", "time", c.now.Format(timeForm))
		add("last_change", "time", c.root.Get("cib-last-written"), "user", c.root.Get("update-user"), "client", c.root.Get("update-client"), "origin", c.root.Get("update-origin"))
	}
	if !c.o.Hide["counts"] {
		total, disabled, blocked := c.Counts()
		add("nodes_configured", "number", strconv.Itoa(c.nodeCount()))
		add("resources_configured", "number", strconv.Itoa(total), "disabled", strconv.Itoa(disabled), "blocked", strconv.Itoa(blocked))
	}
	if !c.o.Hide["options"] {
		ms := func(name, def string) string {
			d, err := cib.ParseInterval(or(c.Option(name), def))
			if err != nil {
				return "0"
			}
			return strconv.FormatInt(d.Milliseconds(), 10)
		}
		add("cluster_options", "stonith-enabled", yes(c.flag("stonith-enabled", true)), "symmetric-cluster", yes(c.flag("symmetric-cluster", true)),
			"no-quorum-policy", or(c.Option("no-quorum-policy"), "stop"), "maintenance-mode", yes(c.flag("maintenance-mode", false)),
			"stop-all-resources", yes(c.flag("stop-all-resources", false)), "stonith-timeout-ms", ms("stonith-timeout", "60s"),
			"priority-fencing-delay-ms", ms("priority-fencing-delay", "0"))
	}
	return e
}

func (c *cluster) nodesXML() *cib.Element {
	e := cib.New("nodes")
	for _, n := range c.nodes() {
		x := n.XML()
		if c.o.GroupByNode {
			for _, r := range n.Running() {
				if c.wanted(r, r.ID()) {
					x = x.WithChild(r.XML())
				}
			}
		}
		e.Children = append(e.Children, x)
	}
	return e
}

func (c *cluster) resourcesXML() *cib.Element {
	e := cib.New("resources")
	o := c.list()
	o.Inactive = true
	e.Children = c.ResourceXML(o)
	return e
}

func (c *cluster) attributesXML() *cib.Element {
	e := cib.New("node_attributes")
	for _, n := range c.nodes() {
		names := attributes(n)
		if !n.Online() || len(names) == 0 {
			continue
		}
		x := cib.New("node", "name", n.Name())
		for _, a := range names {
			at := cib.New("attribute", "name", a, "value", n.Attrs()[a])
			if v, ok := c.expected(a); ok {
				at = at.WithAttr("expected", strconv.Itoa(v))
			}
			x.Children = append(x.Children, at)
		}
		e.Children = append(e.Children, x)
	}
	return e
}

func (c *cluster) historyXML() *cib.Element {
	e := cib.New("node_history")
	for _, n := range c.StateOrder() {
		if !n.Online() || !c.onNode(n.Name()) {
			continue
		}
		if list := c.historyOf(n, true); len(list) > 0 {
			e.Children = append(e.Children, c.nodeHistoryXML(n, list))
		}
	}
	return e
}

func (c *cluster) nodeHistoryXML(n pengine.Node, list []nodeHistory) *cib.Element {
	e := cib.New("node", "name", n.Name())
	for _, h := range list {
		x := cib.New("resource_history", "id", h.id, "orphan", yes(h.orphan), "migration-threshold", h.threshold)
		if h.count != "" {
			x = x.WithAttr("fail-count", h.count)
			if !h.last.IsZero() {
				x = x.WithAttr("last-failure", c.date(h.last))
			}
		}
		for _, rec := range h.ops {
			name := rec.task
			if rec.probe() {
				name = "probe"
			}
			op := cib.New("operation_history", "call", strconv.Itoa(rec.call), "task", name, "rc", strconv.Itoa(max(rec.rc, 0)), "rc_text", rcWord(max(rec.rc, 0)))
			if rec.interval > 0 {
				op = op.WithAttr("interval", strconv.FormatInt(rec.interval.Milliseconds(), 10)+"ms")
			}
			if rec.change > 0 {
				op = op.WithAttr("last-rc-change", c.date(time.Unix(rec.change, 0)))
			}
			for _, a := range []string{"exec-time", "queue-time"} {
				if v := rec.e.Get(a); v != "" {
					op = op.WithAttr(a, v+"ms")
				}
			}
			x.Children = append(x.Children, op)
		}
		e.Children = append(e.Children, x)
	}
	return e
}

func (c *cluster) failuresXML() *cib.Element {
	e := cib.New("failures")
	for _, f := range c.failures() {
		r := newRecord(f.op)
		var x *cib.Element
		if key := f.op.Get("operation_key"); key != "" {
			x = cib.New("failure", "op_key", key)
		} else {
			x = cib.New("failure", "id", f.op.ID())
		}
		for _, a := range [][2]string{{"node", f.node.Name()}, {"exitstatus", rcWord(r.rc)}, {"exitreason", f.op.Get("exit-reason")}, {"exitcode", strconv.Itoa(max(r.rc, 0))},
			{"call", or(f.op.Get("call-id"), "-1")}, {"status", statusWord(r.status)}} {
			x = x.WithAttr(a[0], a[1])
		}
		if r.change > 0 {
			for _, a := range [][2]string{{"last-rc-change", isoTime(time.Unix(r.change, 0).In(c.now.Location()))}, {"queued", or(f.op.Get("queue-time"), "0")},
				{"exec", or(f.op.Get("exec-time"), "0")}, {"interval", strconv.FormatInt(r.interval.Milliseconds(), 10)}, {"task", r.task}} {
				x = x.WithAttr(a[0], a[1])
			}
		}
		e.Children = append(e.Children, x)
	}
	return e
}

// isoTime is a time as the tools write it: with Z or an offset.
func isoTime(t time.Time) string {
	if _, off := t.Zone(); off == 0 {
		return t.Format("2006-01-02 15:04:05Z")
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

func (c *cluster) ticketsXML() *cib.Element {
	e := cib.New("tickets")
	for _, t := range c.tickets() {
		state := "revoked"
		if boolOf(t.Get("granted"), false) {
			state = "granted"
		}
		x := cib.New("ticket", "id", t.ID(), "status", state, "standby", yes(boolOf(t.Get("standby"), false)))
		if sec, err := strconv.ParseInt(t.Get("last-granted"), 10, 64); err == nil {
			x = x.WithAttr("last-granted", c.date(time.Unix(sec, 0)))
		}
		e.Children = append(e.Children, x)
	}
	return e
}

func (c *cluster) bansXML() *cib.Element {
	e := cib.New("bans")
	for _, b := range c.bans() {
		e.Children = append(e.Children, cib.New("ban", "id", b.id, "resource", b.rsc, "node", b.node, "weight", strconv.Itoa(b.score),
			"promoted-only", yes(b.promoted), "master_only", yes(b.promoted)))
	}
	return e
}
