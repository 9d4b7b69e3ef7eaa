package mon

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// hiddenAttributes are the cluster's own.
func hiddenAttribute(name string) bool {
	for _, p := range []string{"fail-count-", "last-failure-", "#"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return name == "standby" || name == "shutdown" || name == "terminate" || name == "maintenance"
}

func (p *printer) attributes() {
	titled := false
	for _, n := range p.c.nodes {
		if !n.online {
			continue
		}
		var names []string
		for a := range n.attrs {
			if !hiddenAttribute(a) {
				names = append(names, a)
			}
		}
		if len(names) == 0 {
			continue
		}
		if !titled {
			titled = true
			p.title("Node Attributes")
		}
		sort.Strings(names)
		p.itemf(1, "Node: %s:", p.name(n))
		for _, a := range names {
			text := fmt.Sprintf("%-32s\t: %-10s", a, n.attrs[a])
			if note := p.c.connectivity(a, n.attrs[a]); note != "" {
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

// Expected returns the value that an attribute has when a ping agent of the
// configuration reaches all its hosts; ok is false if no ping agent sets it.
func Expected(root *cib.Element, name string, now time.Time) (value int, ok bool) {
	return newCluster(root, now).expected(name)
}

func (c *cluster) expected(name string) (want int, ok bool) {
	for _, id := range sortedKeys(c.byID) {
		r := c.byID[id]
		if r.typ != "ping" && r.typ != "pingd" || r.elem == nil {
			continue
		}
		params := make(map[string]string)
		nvset(c, r.elem, "instance_attributes", "", params)
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
		return multiplier * len(strings.Fields(params["host_list"])), true
	}
	return 0, false
}

// operations prints the history, or only the fail counts.
func (p *printer) operations(ops bool) {
	titled, heading := false, "Operations"
	if !ops {
		heading = "Migration Summary"
	}
	for _, s := range p.c.root.First("status").All("node_state") {
		n := p.c.node(s.ID())
		if n == nil || !n.online {
			continue
		}
		if !titled {
			titled = true
			p.title(heading)
		}
		var b []string
		for _, e := range s.Path("lrm", "lrm_resources").All("lrm_resource") {
			r, num := p.c.lookup(e.ID())
			name := e.ID()
			if r == nil {
				r = &resource{id: name}
			} else if cl := cloneOf(r); cl != nil && !cl.unique && num >= 0 && ops {
				name = r.id
			}
			if len(e.All("lrm_rsc_op")) > 0 {
				b = append(b, p.rscHistory(n, r, e, name, ops)...)
			}
		}
		if len(b) == 0 {
			continue
		}
		p.itemf(1, "Node: %s:", p.name(n))
		for _, l := range b {
			p.b.WriteString(l)
		}
	}
}

func (p *printer) rscHistory(n *node, r *resource, e *cib.Element, id string, ops bool) []string {
	count, last := p.c.failCount(n, r, id)
	if !ops && count == "" {
		return nil
	}
	threshold := "1000000"
	if v := r.meta["migration-threshold"]; v != "" {
		threshold = v
		if strings.EqualFold(v, "INFINITY") {
			threshold = "1000000"
		}
	}
	text := fmt.Sprintf("    * %s: migration-threshold=%s", id, threshold)
	if count != "" {
		text += " fail-count=" + count
		if sec, err := strconv.ParseInt(last, 10, 64); err == nil && sec > 0 {
			text += " last-failure='" + time.Unix(sec, 0).In(p.o.Now.Location()).Format(timeForm) + "'"
		}
	}
	if !ops {
		return []string{text + "\n"}
	}
	var recs []record
	for _, op := range e.All("lrm_rsc_op") {
		recs = append(recs, newRecord(op))
	}
	sortRecords(recs)
	out := []string{text + ":\n"}
	for _, rec := range recs {
		if rec.probe() && rec.rc == 7 || rec.task == "notify" {
			continue
		}
		out = append(out, "      * "+p.opText(rec)+"\n")
	}
	if len(out) == 1 {
		return nil
	}
	return out
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

// failCount sums the fail counts of a resource on a node; "" when there is
// none. In an anonymous clone the number of the instance does not matter.
func (c *cluster) failCount(n *node, r *resource, id string) (count, last string) {
	sum := 0
	for a, v := range n.attrs {
		rest, ok := strings.CutPrefix(a, "fail-count-")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(rest, "#")
		if cl := cloneOf(r); cl != nil && !cl.unique {
			name, _, _ = strings.Cut(name, ":")
			id, _, _ = strings.Cut(id, ":")
		}
		if name != id {
			continue
		}
		if score, err := cib.ParseScore(v); err == nil {
			sum = min(sum+score, cib.Infinity)
		}
		if l := n.attrs["last-failure-"+rest]; l > last {
			last = l
		}
	}
	if sum == 0 {
		return "", ""
	}
	return strconv.Itoa(sum), last
}
