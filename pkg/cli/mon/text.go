package mon

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

const timeForm = "Mon Jan _2 15:04:05 2006"

// Render returns the picture of the cluster as text. root is a whole document
// in today's dialect; anything missing in it is shown as unknown.
func Render(root *cib.Element, o Options) string {
	c := newCluster(root, o.Now)
	p := &printer{o: o, c: c}
	if !o.HideHeaders {
		p.summary()
	} else if c.node(root.Get("dc-uuid")) == nil {
		// Nobody decides anything: that is always said.
		p.title("Cluster Summary")
		p.item(1, "Current DC: NONE")
	}
	p.nodeList()
	if !o.GroupByNode {
		p.resourceList()
	} else if o.Inactive {
		p.inactiveList()
	}
	if o.Attributes {
		p.attributes()
	}
	if o.Operations || o.Timing {
		p.operations(true)
	} else if o.Failcounts {
		p.operations(false)
	}
	p.failures()
	for _, s := range o.Extra {
		if len(s.Lines) > 0 {
			p.title(s.Title)
			for _, l := range s.Lines {
				p.item(1, l)
			}
		}
	}
	return p.b.String()
}

type printer struct {
	o Options
	c *cluster
	b strings.Builder
}

// title starts a section, with an empty line before all but the first.
func (p *printer) title(s string) {
	if p.b.Len() > 0 {
		p.b.WriteByte('\n')
	}
	p.b.WriteString(s + ":\n")
}

func (p *printer) item(depth int, text string) {
	p.b.WriteString(strings.Repeat("  ", depth) + "* " + text + "\n")
}

func (p *printer) itemf(depth int, format string, a ...any) {
	p.item(depth, fmt.Sprintf(format, a...))
}

func (p *printer) name(n *node) string {
	if p.o.Detail && n.id != n.name {
		return n.name + " (" + n.id + ")"
	}
	return n.name
}

func (p *printer) summary() {
	c := p.c
	p.title("Cluster Summary")
	stack := c.options["cluster-infrastructure"]
	if stack == "" {
		stack = "unknown"
	}
	p.item(1, "Stack: "+stack)
	if dc := c.node(c.root.Get("dc-uuid")); dc == nil {
		p.item(1, "Current DC: NONE")
	} else {
		version := c.options["dc-version"]
		if version == "" {
			version = "unknown"
		}
		quorum := "WITHOUT"
		if boolOf(c.root.Get("have-quorum"), false) {
			quorum = "with"
		}
		p.itemf(1, "Current DC: %s (version %s) - partition %s quorum", p.name(dc), version, quorum)
	}
	p.itemf(1, "Last updated: %s", p.o.Now.Format(timeForm))
	change := c.root.Get("cib-last-written")
	for _, x := range [][2]string{{"by", "update-user"}, {"via", "update-client"}, {"on", "update-origin"}} {
		if v := c.root.Get(x[1]); v != "" {
			change += " " + x[0] + " " + v
		}
	}
	p.itemf(1, "Last change:  %s", change)
	p.itemf(1, "%d node%s configured", len(c.nodes), plural(len(c.nodes)))
	var notes []string
	if c.disabledCount > 0 {
		notes = append(notes, fmt.Sprintf("%d DISABLED", c.disabledCount))
	}
	if c.blockedCount > 0 {
		notes = append(notes, fmt.Sprintf("%d BLOCKED from further action due to failure", c.blockedCount))
	}
	text := fmt.Sprintf("%d resource instance%s configured", c.instanceCount, plural(c.instanceCount))
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	p.item(1, text)
	switch {
	case c.flag("maintenance-mode", false):
		p.b.WriteString("\n              *** Resource management is DISABLED ***\n  The cluster will not attempt to start, stop or recover services\n")
	case c.flag("stop-all-resources", false):
		p.b.WriteString("\n    *** Resource management is DISABLED ***\n  The cluster will keep all resources stopped\n")
	}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// nodeList prints nodes of the plain states together and all others alone.
func (p *printer) nodeList() {
	if len(p.c.nodes) == 0 {
		return
	}
	p.title("Node List")
	if p.o.GroupByNode {
		for _, n := range p.c.nodes {
			p.nodeWithResources(n)
		}
		return
	}
	lists := make(map[string][]string)
	for _, n := range p.c.nodes {
		word := n.status()
		if p.o.Detail {
			if n.online {
				word += ", feature set <3.15.1"
			}
			p.itemf(1, "%sNode %s: %s", n.kind, p.name(n), word)
			continue
		}
		switch word {
		case "online":
			lists[n.kind.String()+"Online"] = append(lists[n.kind.String()+"Online"], n.name)
		case "OFFLINE":
			lists[n.kind.String()+"OFFLINE"] = append(lists[n.kind.String()+"OFFLINE"], n.name)
		default:
			p.itemf(1, "%sNode %s: %s", n.kind, n.name, word)
		}
	}
	for _, k := range []string{"Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline", "GuestOFFLINE"} {
		if len(lists[k]) > 0 && !(k == "GuestOFFLINE") {
			p.itemf(1, "%s: [ %s ]", k, strings.Join(lists[k], " "))
		}
	}
}

func (p *printer) nodeWithResources(n *node) {
	if p.o.Brief {
		counts := make(map[string]int)
		for _, in := range n.running {
			counts[in.rsc.agent()]++
		}
		if len(counts) == 0 {
			return
		}
		p.itemf(1, "%sNode %s: %s:", n.kind, p.name(n), n.status())
		p.item(2, "Resources:")
		for _, a := range sortedKeys(counts) {
			p.itemf(3, "%d\t(%s):\tActive ", counts[a], a)
		}
		return
	}
	p.itemf(1, "%sNode %s: %s:", n.kind, p.name(n), n.status())
	p.item(2, "Resources:")
	for _, in := range n.running {
		p.item(3, p.line(in, false))
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func (p *printer) failures() {
	if len(p.c.failures) == 0 {
		return
	}
	p.title("Failed Resource Actions")
	for _, f := range p.c.failures {
		p.item(1, p.failure(f))
	}
}

// failure is the sentence about one failed action.
func (p *printer) failure(f failure) string {
	r := newRecord(f.op)
	rc := rcWord(r.rc)
	reason := clean(f.op.Get("exit-reason"))
	ms := func(name string) string {
		n, err := strconv.Atoi(f.op.Get(name))
		if err != nil {
			return ""
		}
		return milliseconds(n)
	}
	if p.o.Detail {
		s := fmt.Sprintf("%s on %s '%s' (%d): call=%s, status='%s'", f.op.Get("operation_key"), f.node.name, rc, r.rc, f.op.Get("call-id"), statusWord(r.status, true))
		if f.op.Get("operation_key") == "" {
			s = fmt.Sprintf("%s on %s '%s' (%d): call=%s, status='%s'", f.op.ID(), f.node.name, rc, r.rc, f.op.Get("call-id"), statusWord(r.status, true))
		}
		if reason != "" {
			s += ", exitreason='" + reason + "'"
		}
		if r.change > 0 {
			s += fmt.Sprintf(", last-rc-change='%s', queued=%s, exec=%s", time.Unix(r.change, 0).In(p.o.Now.Location()).Format(timeForm), zeroMS(ms("queue-time")), zeroMS(ms("exec-time")))
		}
		return s
	}
	name := r.task
	switch {
	case r.probe():
		name = "probe"
	case r.interval > 0:
		name = milliseconds(int(r.interval/time.Millisecond)) + "-interval " + r.task
	}
	result := fmt.Sprintf("returned '%s'", rc)
	if r.status != 0 {
		result = fmt.Sprintf("could not be executed (%s)", statusWord(r.status, false))
	}
	s := fmt.Sprintf("%s %s on %s %s", f.key, name, f.node.name, result)
	if reason != "" {
		s += " (" + reason + ")"
	}
	if r.change > 0 {
		s += " at " + time.Unix(r.change, 0).In(p.o.Now.Location()).Format(timeForm)
		if t := ms("exec-time"); t != "" && t != "0ms" {
			s += " after " + t
		}
	}
	return s
}

// clean makes an agent's words fit for a terminal: one line, no control
// characters.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

func zeroMS(s string) string {
	if s == "" {
		return "0ms"
	}
	return s
}

// milliseconds prints a duration as 332ms, 10s, 60s, 2m59.014s. A unit is used
// when there is more than one of it.
func milliseconds(n int) string {
	if n <= 1000 {
		return fmt.Sprintf("%dms", n)
	}
	var b strings.Builder
	for _, u := range []struct {
		ms   int
		name string
	}{{24 * 3600 * 1000, "d"}, {3600 * 1000, "h"}, {60 * 1000, "m"}} {
		if n > u.ms {
			fmt.Fprintf(&b, "%d%s", n/u.ms, u.name)
			n %= u.ms
		}
	}
	switch {
	case n%1000 > 0:
		fmt.Fprintf(&b, "%d.%03ds", n/1000, n%1000)
	case n > 0:
		fmt.Fprintf(&b, "%ds", n/1000)
	}
	return b.String()
}

var rcWords = map[int]string{
	0: "ok", 1: "error", 2: "invalid parameter", 3: "unimplemented feature", 4: "insufficient privileges", 5: "not installed",
	6: "not configured", 7: "not running", 8: "promoted", 9: "promoted (failed)", 190: "OCF_DEGRADED", 191: "OCF_DEGRADED_PROMOTED",
	193: "pending",
}

func rcWord(rc int) string {
	if w, ok := rcWords[rc]; ok {
		return w
	}
	return "unknown"
}

func statusWord(s int, detail bool) string {
	words := map[int]string{-1: "pending", 0: "complete", 1: "Cancelled", 2: "Timed Out", 3: "NOT SUPPORTED", 4: "Error", 5: "Hard error",
		6: "Fatal error", 7: "Not installed", 8: "Internal communication failure", 9: "Device not connected", 10: "Fencing driver not found", 11: "Aborted by signal"}
	if w, ok := words[s]; ok {
		return w
	}
	return "UNKNOWN!"
}
