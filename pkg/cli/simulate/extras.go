package simulate

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli/mon"
)

// extras are the sections about node attributes and failures that --show-attrs
// and --show-failcounts ask for.
func (o *options) extras(root *cib.Element, now time.Time) string {
	if !o.attrs && !o.fails {
		return ""
	}
	var b strings.Builder
	all := monSections(root, now)
	show := func(title string) {
		b.WriteString("\n  * " + title + ":\n")
		for _, l := range all[title] {
			b.WriteString("  " + l + "\n")
		}
	}
	if o.attrs && len(all["Node Attributes"]) > 0 {
		show("Node Attributes")
	}
	if o.fails {
		if _, ok := all["Migration Summary"]; ok {
			show("Migration Summary")
		}
		if len(all["Failed Resource Actions"]) > 0 {
			show("Failed Resource Actions")
		}
	}
	return b.String()
}

// monSections cuts crm_mon's text into its sections.
func monSections(root *cib.Element, now time.Time) map[string][]string {
	out := make(map[string][]string)
	for _, detail := range []bool{false, true} { // ids of nodes are not shown, details of failures are
		title := ""
		text := mon.Render(root, mon.Options{Attributes: true, Failcounts: true, HideHeaders: true, Detail: detail, Now: now})
		for _, l := range strings.Split(text, "\n") {
			switch {
			case l == "":
			case l[0] != ' ':
				title = strings.TrimSuffix(l, ":")
				if detail != (title == "Failed Resource Actions") {
					title = ""
				} else {
					out[title] = nil
				}
			case title == "Failed Resource Actions":
				out[title] = append(out[title], failureText(root, l))
			case title != "":
				out[title] = append(out[title], l)
			}
		}
	}
	return out
}

// extrasXML is the XML form of the same sections. The schema has no place for
// fail counts after the transition.
func (o *options) extrasXML(root *cib.Element, now time.Time, revised bool) []*cib.Element {
	var out []*cib.Element
	if !o.attrs && !o.fails {
		return nil
	}
	all := monSections(root, now)
	if l := all["Node Attributes"]; o.attrs && len(l) > 0 {
		out = append(out, byNode("node_attributes", l, func(l string) *cib.Element { return attributeXML(root, l, now) }))
	}
	if !o.fails {
		return out
	}
	if l, ok := all["Migration Summary"]; ok && !revised {
		out = append(out, byNode("node_history", l, historyXML))
	}
	if l := all["Failed Resource Actions"]; len(l) > 0 {
		f := cib.New("failures")
		for _, line := range l {
			f.Children = append(f.Children, failureXML(root, item(line), now.Location()))
		}
		out = append(out, f)
	}
	return out
}

// item is a line without its blanks and bullet.
func item(line string) string { return strings.TrimPrefix(strings.TrimSpace(line), "* ") }

// byNode makes an element of a section that lists something for each node.
func byNode(name string, lines []string, entry func(string) *cib.Element) *cib.Element {
	e := cib.New(name)
	for _, l := range lines {
		if n, ok := strings.CutPrefix(item(l), "Node: "); ok {
			e.Children = append(e.Children, cib.New("node", "name", strings.TrimSuffix(n, ":")))
		} else if k := len(e.Children); k > 0 {
			e.Children[k-1].Children = append(e.Children[k-1].Children, entry(item(l)))
		}
	}
	return e
}

func attributeXML(root *cib.Element, line string, now time.Time) *cib.Element {
	name, rest, _ := strings.Cut(line, "\t: ")
	value, _, _ := strings.Cut(rest, "\t: ")
	name = strings.TrimSpace(name)
	e := cib.New("attribute", "name", name, "value", strings.TrimSpace(value))
	if v, ok := mon.Expected(root, name, now); ok {
		e = e.WithAttr("expected", strconv.Itoa(v))
	}
	return e
}

func historyXML(line string) *cib.Element {
	id, rest, _ := strings.Cut(line, ": migration-threshold=")
	e := cib.New("resource_history", "id", id, "orphan", "false")
	threshold, rest, _ := strings.Cut(rest, " fail-count=")
	count, last, _ := strings.Cut(rest, " last-failure=")
	for _, a := range [][2]string{{"migration-threshold", threshold}, {"fail-count", count}, {"last-failure", strings.Trim(last, "'")}} {
		if a[1] != "" {
			e = e.WithAttr(a[0], a[1])
		}
	}
	return e
}

// failed reads the begin of a line about a failure in full.
var failed = regexp.MustCompile(`^(\S+) on (\S+) '(.*?)' \((\d+)\): call=(-?\d+), status='(.*?)'`)

// durations are written in milliseconds here.
var durations = regexp.MustCompile(`queued=\S+, exec=\S+$`)

// failedOp returns the entry of the history that a line about a failure is
// about, nil if there is none.
func failedOp(root *cib.Element, m []string) *cib.Element {
	for _, n := range root.First("status").All("node_state") {
		if n.Get("uname") != m[2] {
			continue
		}
		for _, r := range n.Path("lrm", "lrm_resources").All("lrm_resource") {
			for _, op := range r.All("lrm_rsc_op") {
				key, ok := op.Lookup("operation_key")
				if (key == m[1] || !ok && op.ID() == m[1]) && op.Get("call-id") == m[5] && op.Get("rc-code") == m[4] {
					return op
				}
			}
		}
	}
	return nil
}

func milliseconds(op *cib.Element, name string) string {
	if v := op.Get(name); v != "" {
		return v
	}
	return "0"
}

// failureText is a line about a failure with plain durations.
func failureText(root *cib.Element, line string) string {
	m := failed.FindStringSubmatch(item(line))
	if m == nil {
		return line
	}
	if op := failedOp(root, m); op != nil {
		return durations.ReplaceAllLiteralString(line, "queued="+milliseconds(op, "queue-time")+"ms, exec="+milliseconds(op, "exec-time")+"ms")
	}
	return line
}

func failureXML(root *cib.Element, line string, zone *time.Location) *cib.Element {
	m := failed.FindStringSubmatch(line)
	var op *cib.Element
	if m != nil {
		op = failedOp(root, m)
	}
	if op == nil {
		return cib.New("failure", "id", line, "node", "unknown", "exitstatus", "unknown", "exitreason", "none", "exitcode", "1", "call", "-1", "status", "unknown")
	}
	key, reason := "op_key", "none"
	if _, ok := op.Lookup("operation_key"); !ok {
		key = "id"
	}
	if v, ok := op.Lookup("exit-reason"); ok {
		reason = v
	}
	e := cib.New("failure", key, m[1], "node", m[2], "exitstatus", m[3], "exitreason", reason, "exitcode", m[4], "call", m[5], "status", m[6])
	if at, err := strconv.ParseInt(op.Get("last-rc-change"), 10, 64); err == nil && at > 0 {
		for _, a := range [][2]string{{"last-rc-change", formatDate(time.Unix(at, 0).In(zone))}, {"queued", milliseconds(op, "queue-time")},
			{"exec", milliseconds(op, "exec-time")}, {"interval", op.Get("interval")}, {"task", op.Get("operation")}} {
			e = e.WithAttr(a[0], a[1])
		}
	}
	return e
}
