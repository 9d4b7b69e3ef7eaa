package mon

import (
	"fmt"
	"strconv"
	"time"

	"github.com/quorate/quorate/pengine"
)

func (p *printer) attributes() {
	titled := false
	for _, n := range p.c.nodes() {
		names := attributes(n)
		if !n.Online() || len(names) == 0 {
			continue
		}
		if !titled {
			titled = true
			p.title("Node Attributes")
		}
		p.itemf(1, "Node: %s:", p.name(n))
		for _, a := range names {
			text := fmt.Sprintf("%-32s\t: %-10s", a, n.Attrs()[a])
			if note := p.c.connectivity(a, n.Attrs()[a]); note != "" {
				text += "\t: " + note
			}
			p.item(2, text)
		}
	}
}

// connectivity judges the attribute of a ping agent by what all its hosts
// would add up to.
func (c *cluster) connectivity(name, value string) string {
	have, err := strconv.Atoi(value)
	if err != nil {
		return ""
	}
	want, ok := c.expected(name)
	switch {
	case !ok:
	case have <= 0:
		return "Connectivity is lost"
	case want > have:
		return fmt.Sprintf("Connectivity is degraded (Expected=%d)", want)
	}
	return ""
}

// nodeHistory is the history of one resource on a node.
type nodeHistory struct {
	id        string
	orphan    bool
	threshold string
	count     string
	last      time.Time
	ops       []record
}

// historyOf returns the history of a node; with ops what was done, without only
// resources that failed.
func (c *cluster) historyOf(n pengine.Node, ops bool) (out []nodeHistory) {
	for _, e := range n.State().Path("lrm", "lrm_resources").All("lrm_resource") {
		r := c.Find(e.ID())
		if len(e.All("lrm_rsc_op")) == 0 || !c.wanted(r, e.ID()) {
			continue
		}
		h := nodeHistory{id: e.ID(), orphan: !r.OK() || r.Orphan(), threshold: "1000000"}
		if r.OK() {
			if ops && r.Instance() >= 0 && !r.Unique() {
				h.id = r.XMLID()
			}
			if v := r.MigrationThreshold(); v > 0 {
				h.threshold = strconv.Itoa(int(v))
			} else if r.Meta()["migration-threshold"] == "0" {
				h.threshold = "0"
			}
			if n, last := r.FailCount(n, false); n > 0 {
				h.count, h.last = strconv.Itoa(int(n)), last
			}
		}
		if !ops && h.count == "" {
			continue
		}
		for _, op := range e.All("lrm_rsc_op") {
			h.ops = append(h.ops, newRecord(op))
		}
		sortRecords(h.ops)
		kept := h.ops[:0]
		for _, rec := range h.ops {
			if !(rec.probe() && rec.rc == 7) && rec.task != "notify" {
				kept = append(kept, rec)
			}
		}
		if h.ops = kept; ops && len(kept) == 0 {
			continue
		}
		out = append(out, h)
	}
	return out
}

// operations prints the history, or only the fail counts.
func (p *printer) operations(ops bool) {
	titled, heading := false, "Operations"
	if !ops {
		heading = "Migration Summary"
	}
	for _, n := range p.c.StateOrder() {
		if !n.Online() || !p.c.onNode(n.Name()) {
			continue
		}
		if !titled {
			titled = true
			p.title(heading)
		}
		list := p.c.historyOf(n, ops)
		if len(list) == 0 {
			continue
		}
		p.itemf(1, "Node: %s:", p.name(n))
		for _, h := range list {
			p.resourceHistory(h, ops)
		}
	}
}

func (p *printer) resourceHistory(h nodeHistory, ops bool) {
	text := fmt.Sprintf("%s: migration-threshold=%s", h.id, h.threshold)
	if h.count != "" {
		text += " fail-count=" + h.count
		if !h.last.IsZero() {
			text += " last-failure='" + h.last.In(p.o.Now.Location()).Format(timeForm) + "'"
		}
	}
	if !ops {
		p.item(2, text)
		return
	}
	p.item(2, text+":")
	for _, rec := range h.ops {
		p.item(3, p.opText(rec))
	}
}

func (p *printer) opText(rec record) string {
	name := rec.task
	if rec.probe() {
		name = "probe"
	}
	text := fmt.Sprintf("(%d) %s", rec.call, name)
	if rec.interval > 0 {
		text += fmt.Sprintf(": interval=\"%dms\"", rec.interval/time.Millisecond)
	}
	if !p.o.Timing {
		return text
	}
	if rec.interval == 0 {
		text += ":"
	}
	if rec.change > 0 {
		text += fmt.Sprintf(" last-rc-change=%q", time.Unix(rec.change, 0).In(p.o.Now.Location()).Format(timeForm))
	}
	for _, x := range []string{"exec-time", "queue-time"} {
		if v := rec.e.Get(x); v != "" {
			text += fmt.Sprintf(" %s=\"%sms\"", x, v)
		}
	}
	return text + fmt.Sprintf(" rc=%d (%s)", max(rec.rc, 0), rcWord(max(rec.rc, 0)))
}
