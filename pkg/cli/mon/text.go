package mon

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

const timeForm = "Mon Jan _2 15:04:05 2006"

// Render returns the picture of the cluster as text. root is a whole document
// in today's dialect; anything missing in it is shown as unknown.
func Render(root *cib.Element, o Options) string {
	p := &printer{o: o, c: newCluster(root, o)}
	if !o.HideHeaders {
		p.summary()
	} else if !p.c.dc().OK() && !o.Hide["dc"] {
		// Nobody decides anything: that is always said.
		p.title("Cluster Summary")
		p.item(1, "Current DC: NONE")
	}
	if !o.Hide["nodes"] {
		p.nodeList()
	}
	switch {
	case o.Hide["resources"]:
	case !o.GroupByNode:
		p.resourceList()
	case o.Inactive:
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
	if !o.Hide["failures"] {
		p.failures()
	}
	if o.Tickets {
		p.tickets()
	}
	if o.Bans {
		p.bans()
	}
	if len(o.Extra) > 0 && !o.Hide["failures"] { // of a running cluster: a file has no time left
		p.retries()
	}
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

func (p *printer) name(n pengine.Node) string {
	if p.o.Detail && n.Guest() {
		return n.Name() + "@" + n.Host()
	}
	if p.o.Detail && n.ID() != n.Name() {
		return n.Name() + " (" + n.ID() + ")"
	}
	return n.Name()
}

func (p *printer) summary() {
	c := p.c
	p.title("Cluster Summary")
	if !p.o.Hide["stack"] {
		p.item(1, "Stack: "+or(c.Option("cluster-infrastructure"), "unknown"))
	}
	if dc := c.dc(); p.o.Hide["dc"] {
	} else if !dc.OK() {
		p.item(1, "Current DC: NONE")
	} else {
		quorum := "WITHOUT"
		if boolOf(c.root.Get("have-quorum"), false) {
			quorum = "with"
		}
		p.itemf(1, "Current DC: %s (version %s) - partition %s quorum", p.name(dc), or(c.Option("dc-version"), "unknown"), quorum)
	}
	if !p.o.Quiet && !p.o.Hide["times"] {
		p.itemf(1, "Last updated: %s", p.o.Now.Format(timeForm))
		change := c.root.Get("cib-last-written")
		for _, x := range [][2]string{{"by", "update-user"}, {"via", "update-client"}, {"on", "update-origin"}} {
			if v := c.root.Get(x[1]); v != "" {
				change += " " + x[0] + " " + v
			}
		}
		p.itemf(1, "Last change:  %s", change)
	}
	if !p.o.Hide["counts"] {
		p.itemf(1, "%d node%s configured", c.nodeCount(), plural(c.nodeCount()))
		p.item(1, c.instances())
	}
	if p.o.Settings {
		p.settings()
	}
	switch {
	case c.flag("maintenance-mode", false):
		p.b.WriteString("\n              *** Resource management is DISABLED ***\n  The cluster will not attempt to start, stop or recover services\n")
	case c.flag("stop-all-resources", false):
		p.b.WriteString("\n    *** Resource management is DISABLED ***\n  The cluster will keep all resources stopped\n")
	}
}

// instances is the sentence about how many resources there are.
func (c *cluster) instances() string {
	total, disabled, blocked := c.Counts()
	var notes []string
	if disabled > 0 {
		notes = append(notes, fmt.Sprintf("%d DISABLED", disabled))
	}
	if blocked > 0 {
		notes = append(notes, fmt.Sprintf("%d BLOCKED from further action due to failure", blocked))
	}
	text := fmt.Sprintf("%d resource instance%s configured", total, plural(total))
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}

// settings shows the options that decide most.
func (p *printer) settings() {
	word := func(name string, def bool, yes, no string) string {
		if p.c.flag(name, def) {
			return yes
		}
		return no
	}
	p.title("Config Options")
	p.item(1, word("stonith-enabled", true, "STONITH of failed nodes enabled", "STONITH of failed nodes disabled"))
	p.item(1, word("symmetric-cluster", true, "Cluster is symmetric", "Cluster is asymmetric"))
	policy := map[string]string{"freeze": "Freeze resources", "ignore": "Ignore", "demote": "Demote promotable resources and stop all other resources", "suicide": "Suicide"}
	p.item(1, "No quorum policy: "+or(policy[p.c.Option("no-quorum-policy")], "Stop ALL resources"))
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// kindWord is what stands before the word Node.
func kindWord(n pengine.Node) string {
	switch {
	case n.Guest():
		return "Guest"
	case n.Kind() == "remote":
		return "Remote"
	}
	return ""
}

// status is the state of a node in words.
func (p *printer) status(n pengine.Node) string {
	word := n.Status()
	if p.o.Detail && n.Online() && n.Kind() != "remote" {
		word += ", feature set " + or(n.FeatureSet(), "<3.15.1")
	}
	return word
}

// nodeList prints nodes of the plain states together and all others alone.
func (p *printer) nodeList() {
	nodes := p.c.nodes()
	if len(nodes) == 0 {
		return
	}
	p.title("Node List")
	if p.o.GroupByNode {
		for _, n := range nodes {
			p.nodeWithResources(n)
		}
		return
	}
	lists := make(map[string][]string)
	for _, n := range nodes {
		word := p.status(n)
		switch {
		case p.o.Detail, word != "online" && word != "OFFLINE":
			p.itemf(1, "%sNode %s: %s", kindWord(n), p.name(n), word)
		default:
			key := kindWord(n) + map[string]string{"online": "Online", "OFFLINE": "OFFLINE"}[word]
			lists[key] = append(lists[key], n.Name())
		}
	}
	for _, k := range []string{"Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline"} {
		if len(lists[k]) > 0 {
			p.itemf(1, "%s: [ %s ]", k, strings.Join(lists[k], " "))
		}
	}
}

func (p *printer) nodeWithResources(n pengine.Node) {
	var lines []string
	counts := make(map[string]int)
	for _, r := range n.Running() {
		if p.c.wanted(r, r.ID()) {
			lines = append(lines, p.c.LineOf(r, false))
			counts[r.Agent()]++
		}
	}
	if p.o.Brief {
		if len(counts) == 0 {
			return
		}
		lines = nil
		for _, a := range slices.Sorted(maps.Keys(counts)) {
			lines = append(lines, fmt.Sprintf("%d\t(%s):\tActive ", counts[a], a))
		}
	}
	p.itemf(1, "%sNode %s: %s:", kindWord(n), p.name(n), p.status(n))
	p.item(2, "Resources:")
	for _, l := range lines {
		p.item(3, l)
	}
}

func (p *printer) resourceList() {
	heading, none := "Active Resources", "No active resources"
	if p.o.Inactive {
		heading, none = "Full List of Resources", "No resources"
	}
	p.title(heading)
	if !p.c.ResourceList(&p.b, p.c.list()) {
		p.item(1, none)
	}
}

func (p *printer) inactiveList() {
	p.title("Inactive Resources")
	o := p.c.list()
	o.OnlyInactive = true
	brief := o.Brief
	o.BriefGroups, o.Brief = brief, false
	if !p.c.ResourceList(&p.b, o) {
		p.item(1, "No inactive resources")
	}
}

func (p *printer) failures() {
	list := p.c.failures()
	if len(list) == 0 {
		return
	}
	p.title("Failed Resource Actions")
	for _, f := range list {
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
	when := time.Unix(r.change, 0).In(p.o.Now.Location()).Format(timeForm)
	if p.o.Detail {
		s := fmt.Sprintf("%s on %s '%s' (%d): call=%s, status='%s'", or(f.op.Get("operation_key"), f.op.ID()), f.node.Name(), rc, r.rc, f.op.Get("call-id"), statusWord(r.status))
		if reason != "" {
			s += ", exitreason='" + reason + "'"
		}
		if r.change > 0 {
			s += fmt.Sprintf(", last-rc-change='%s', queued=%s, exec=%s", when, zeroMS(ms("queue-time")), zeroMS(ms("exec-time")))
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
		result = fmt.Sprintf("could not be executed (%s)", statusWord(r.status))
	}
	s := fmt.Sprintf("%s %s on %s %s", f.key, name, f.node.Name(), result)
	if reason != "" {
		s += " (" + reason + ")"
	}
	if r.change > 0 {
		s += " at " + when
		if t := ms("exec-time"); t != "" && t != "0ms" {
			s += " after " + t
		}
	}
	return s
}

// tickets lists the tickets that this cluster knows.
func (p *printer) tickets() {
	titled := false
	for _, e := range p.c.tickets() {
		if !titled {
			titled = true
			p.title("Tickets")
		}
		state := "revoked"
		if boolOf(e.Get("granted"), false) {
			state = "granted"
		}
		if boolOf(e.Get("standby"), false) {
			state += " [standby]"
		}
		if sec, err := strconv.ParseInt(e.Get("last-granted"), 10, 64); err == nil {
			state += fmt.Sprintf(" last-granted=%q", time.Unix(sec, 0).In(p.o.Now.Location()).Format(timeForm))
		}
		p.itemf(1, "%s: %s", e.ID(), state)
	}
}

// bans lists what keeps resources off nodes.
func (p *printer) bans() {
	for i, b := range p.c.bans() {
		if i == 0 {
			p.title("Negative Location Constraints")
		}
		role := ""
		if b.promoted {
			role = "in Promoted role "
		}
		p.itemf(1, "%s\tprevents %s from running %son %s", b.id, b.rsc, role, p.name(b.at))
	}
}
