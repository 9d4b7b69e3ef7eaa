package simulate

import (
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pengine/simulate"
)

// apiVersion is the version of the schema api-result.rng that the XML follows.
const apiVersion = "2.25"

// report collects the XML form of what happens.
type report struct{ parts []*cib.Element }

func (r *report) add(e *cib.Element) { r.parts = append(r.parts, e) }

func (r *report) write(w io.Writer, request string) error {
	root := cib.New("pacemaker-result", "api-version", apiVersion, "request", request)
	root.Children = append(r.parts, cib.New("status", "code", "0", "message", "OK"))
	_, err := root.WriteTo(w)
	return err
}

// status adds the state of the cluster.
func (r *report) status(res *pengine.Result, revised bool, extras []*cib.Element) {
	name := "cluster_status"
	if revised {
		name = "revised_cluster_status"
	}
	r.add(cib.New(name).WithChildren(append(res.StatusXML(), extras...)...))
}

// modified adds the synthetic events.
func (r *report) modified(events []simulate.Event) {
	e := cib.New("modifications")
	var attrs []*cib.Element // the schema wants them last
	add := func(c *cib.Element) { e.Children = append(e.Children, c) }
	for _, v := range events {
		switch {
		case v.Kind == simulate.Injected:
			add(cib.New("inject_spec", "spec", v.Task))
		case v.Kind == simulate.Attribute:
			attrs = append(attrs, cib.New("inject_attr", "name", v.Name, "value", v.Value, "node_path", "/node_state", "cib_node", v.Node))
		case v.Task == "quorum" || v.Task == "watchdog":
			e = e.WithAttr(v.Task, v.Value)
		case v.Node != "":
			add(cib.New("modify_node", "action", v.Task, "node", v.Node))
		default:
			add(cib.New("modify_ticket", "action", v.Task, "ticket", v.Name))
		}
	}
	e.Children = append(e.Children, attrs...)
	r.add(e)
}

// allocations begins the section of scores and utilization; the name of its
// element says which of them are in it.
func (r *report) allocations(scores, utilization bool) *cib.Element {
	name := "allocations"
	switch {
	case scores && utilization:
		name = "allocations_utilizations"
	case utilization:
		name = "utilizations"
	}
	return cib.New(name)
}

// scoreElement is one allocation or promotion score.
func scoreElement(l pengine.ScoreLine) *cib.Element {
	if l.Step != "" {
		return cib.New("node_weight", "function", l.Step, "node", l.Node, "score", l.Score.String(), "id", l.Resource)
	}
	p := cib.New("promotion_score", "id", l.Resource, "score", l.Score.String())
	if l.Node != "none" {
		p = p.WithAttr("node", l.Node)
	}
	return p
}

var xmlName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// capacityElement is the capacity of a node or what a resource takes of it.
func capacityElement(l pengine.CapacityLine) *cib.Element {
	e := cib.New("utilization", "resource", l.Resource, "node", l.Node, "function", "pcmk__finalize_assignment")
	if l.Comment != "" {
		e = cib.New("capacity", "node", l.Node, "comment", l.Comment)
	}
	for _, k := range slices.Sorted(maps.Keys(l.Amounts)) {
		if !xmlName.MatchString(k) {
			continue // no element can have such a name
		}
		a := cib.New(k)
		a.Children = []*cib.Element{{Name: cib.TextName, Text: strconv.Itoa(l.Amounts[k])}}
		e.Children = append(e.Children, a)
	}
	return e
}

// actions adds the summary of the transition.
func (r *report) actions(changes []pengine.Change) {
	e := cib.New("actions")
	for _, c := range changes {
		e.Children = append(e.Children, action(c))
	}
	r.add(e)
}

// action is the XML form of one line of the summary.
func action(c pengine.Change) *cib.Element {
	if c.Details == "" {
		return cib.New("node_action", "task", c.Kind, "node", c.Resource, "reason", strings.Trim(c.Reason, "'"))
	}
	kind := strings.ToLower(c.Kind)
	e := cib.New("rsc_action", "action", kind, "resource", c.Resource)
	set := func(name, value string) {
		if value != "" {
			e = e.WithAttr(name, value)
		}
	}
	// ROLE NODE -> ROLE NODE, each part of which may be missing.
	from, to, both := strings.Cut(c.Details, " -> ")
	role, source := split(from)
	next, dest := split(to)
	if both && role != "" && source == "" { // ROLE -> ROLE NODE
		if set("role", role); next != "" {
			set("next-role", next)
		}
		if role == "Stopped" {
			set("dest", dest)
		} else {
			set("source", dest)
		}
	} else {
		if role == "" && both {
			if n, last, ok := strings.Cut(to, " "); ok { // NODE -> NODE ROLE
				role, next, dest = last, "", n
			}
		}
		set("role", role)
		set("next-role", next)
		switch {
		case both:
			set("source", source)
			set("dest", dest)
		case kind == "restart" || kind == "reload" || kind == "re-promote":
			set("source", source)
		default:
			set("node", source)
		}
	}
	reason, blocked := strings.CutSuffix(c.Reason, "(blocked)")
	if reason == "blocked" {
		reason, blocked = "", true
	}
	set("reason", strings.TrimSpace(strings.TrimPrefix(reason, "due to ")))
	if blocked {
		set("blocked", "true")
	}
	return e
}

// split takes "ROLE NODE", "ROLE" or "NODE" apart.
func split(s string) (role, node string) {
	first, rest, ok := strings.Cut(s, " ")
	switch first {
	case "Stopped", "Started", "Unpromoted", "Promoted", "Unknown":
		return first, rest
	}
	if ok {
		return "", s
	}
	return "", first
}

// transition adds what was executed.
func (r *report) transition(events []simulate.Event) {
	e := cib.New("transition")
	for _, v := range events {
		var c *cib.Element
		switch v.Kind {
		case simulate.ResourceAction:
			c = cib.New("rsc_action", "resource", v.Resource, "op", v.Task, "node", v.Node)
			if v.Interval > 0 {
				c = c.WithAttr("interval", strconv.Itoa(v.Interval))
			}
		case simulate.PseudoAction:
			c = cib.New("pseudo_action", "task", v.Task)
			if v.Node != "" {
				c = c.WithAttr("node", v.Node)
			}
		case simulate.ClusterAction:
			c = cib.New("cluster_action", "task", v.Task, "node", v.Node)
			if v.Resource != "" {
				c = c.WithAttr("id", v.Resource)
			}
		case simulate.Fencing:
			c = cib.New("fencing_action", "target", v.Node, "op", v.Task)
		default: // The schema has no place for fail counts here.
			continue
		}
		e.Children = append(e.Children, c)
	}
	r.add(e)
}
