package pengine

import (
	"fmt"
	"io"
	"strings"
)

// Change is one line of the transition summary.
type Change struct {
	// Kind is Start, Stop, Move, Fence (reboot), …
	Kind string
	// Resource is the instance, or the node of a node action.
	Resource string
	// Details tells nodes and roles; Reason is empty or starts with "due to"
	// or is "blocked"; for node actions it is quoted.
	Details, Reason string
}

// Summary returns what the transition changes, as the tools list it.
func (r *Result) Summary() []Change { return r.s.summary() }

// SummaryText writes the lines of the transition summary.
func (r *Result) SummaryText(w io.Writer) {
	changes := r.Summary()
	wr, wd := 5, 5
	for _, c := range changes {
		if c.Details == "" {
			continue
		}
		if len(c.Resource) > wr {
			wr = len(c.Resource) + 2 // room for the number of an instance
		}
		wd = max(wd, len(c.Details))
	}
	for _, c := range changes {
		if c.Details == "" {
			if c.Reason != "" { // as the tools, which log the others only
				fmt.Fprintf(w, "  * %s %s %s\n", c.Kind, c.Resource, c.Reason)
			}
			continue
		}
		line := fmt.Sprintf("  * %-8s   %-*s   ( %*s )  %s", c.Kind, wr, c.Resource, wd, c.Details, c.Reason)
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

func (s *scheduler) summary() []Change {
	var out []Change
	for i := len(s.actions) - 1; i >= 0; i-- {
		a := s.actions[i]
		if a.rsc != nil || a.is(aOptional) || a.node == nil {
			continue
		}
		reason := ""
		if a.reason != "" {
			reason = "'" + a.reason + "'"
		}
		switch a.task {
		case tStonith:
			op := ""
			for _, p := range a.extra {
				if p.Name == "CRM_meta_stonith_action" {
					op = p.Value
				}
			}
			c := Change{Kind: "Fence (" + op + ")", Resource: a.node.uname, Reason: reason}
			if a.node.isGuest() {
				c.Resource += " (resource: " + a.node.connection.container.id + ")"
			}
			out = append(out, c)
		}
	}
	for _, r := range s.resources {
		s.summaryOf(r, &out)
	}
	return out
}

func (s *scheduler) summaryOf(r *resource, out *[]Change) {
	if r.isBundle() {
		for _, rep := range r.bundle.replicas {
			for _, x := range []*resource{rep.addr, rep.container, rep.conn, rep.child} {
				if x != nil {
					s.summaryOf(x, out)
				}
			}
		}
		return
	}
	if r.variant != primitiveVariant {
		for _, c := range r.children {
			s.summaryOf(c, out)
		}
		return
	}
	item := func(kind string, from, to *node, a, source *action) {
		*out = append(*out, s.change(r, kind, from, to, a, source))
	}
	next := r.assigned
	var current *node
	if len(r.running) > 0 {
		current = r.current()
		if r.role == roleStopped {
			r.role = roleStarted
		}
	}
	if current == nil && r.is(rOrphan) || !r.is(rManaged) || current == nil && next == nil {
		return
	}
	moving := current != nil && next != nil && current != next
	first := func(n *node, task string) *action {
		if l := s.resourceActions(r, n, task, false); len(l) > 0 {
			return l[len(l)-1]
		}
		return nil
	}
	start := first(next, tStart)
	var startNode *node
	if start != nil && start.is(aRunnable) {
		startNode = current
	}
	stop := first(startNode, tStop)
	if stop == nil && r.is(rStopUnexpected) {
		stop = first(nil, tStop)
	}
	promote, demote := first(next, tPromote), first(next, tDemote)
	if r.role == r.next {
		mig := first(next, tMigrateFrom)
		switch {
		case mig != nil && mig.is(aRunnable):
			item("Migrate", current, next, start, nil)
		case r.is(rReload):
			item("Reload", current, next, start, nil)
		case start == nil || start.is(aOptional):
			if demote != nil && promote != nil && !demote.is(aOptional) && !promote.is(aOptional) {
				item("Re-promote", current, next, promote, demote)
			}
		case !start.is(aRunnable):
			source := stop
			if stop == nil || stop.reason == "" {
				source = start
			}
			item("Stop", current, nil, stop, source)
		case moving:
			kind := "Move"
			if r.is(rFailed) {
				kind = "Recover"
			}
			item(kind, current, next, stop, nil)
		case r.is(rFailed):
			item("Recover", current, nil, stop, nil)
		default:
			item("Restart", current, next, start, nil)
		}
		return
	}
	if stop != nil && (r.next == roleStopped || start != nil && !start.is(aRunnable)) {
		for _, n := range r.running {
			var op *action
			if l := r.findKeyed(tStop, 0, n); len(l) > 0 {
				op = l[0]
			}
			source := start
			if op != nil && op.reason != "" {
				source = op
			}
			item("Stop", n, nil, op, source)
		}
		return
	}
	switch {
	case stop != nil && r.is(rStop):
		item("Recover", current, next, stop, start)
	case moving:
		item("Move", current, next, stop, nil)
	case r.is(rReload):
		item("Reload", current, next, start, nil)
	case stop != nil && !stop.is(aOptional):
		item("Restart", current, next, start, nil)
	case r.role == rolePromoted:
		item("Demote", current, next, demote, nil)
	case r.next == rolePromoted:
		item("Promote", current, next, promote, nil)
	case r.role == roleStopped && r.next > roleStopped:
		item("Start", current, next, start, nil)
	}
}

func (s *scheduler) change(r *resource, kind string, from, to *node, a, source *action) Change {
	if source == nil {
		source = a
	}
	needRole := r.role > roleStarted || r.next > roleUnpromoted
	sameHost := from != nil && from == to
	sameRole := r.role == r.next
	name := func(n *node) string {
		if n == nil {
			return ""
		}
		return n.uname
	}
	d := ""
	switch {
	case needRole && from == nil:
		d = fmt.Sprintf("%s -> %s %s", r.role, r.next, name(to))
	case from == nil:
		d = name(to)
	case needRole && to == nil:
		d = fmt.Sprintf("%s %s", r.role, name(from))
	case to == nil:
		d = name(from)
	case needRole && sameRole && sameHost:
		d = fmt.Sprintf("%s %s", r.role, name(from))
	case sameRole && sameHost:
		d = name(from)
	case needRole && sameRole:
		d = fmt.Sprintf("%s -> %s %s", name(from), name(to), r.role)
	case sameRole:
		d = fmt.Sprintf("%s -> %s", name(from), name(to))
	case sameHost:
		d = fmt.Sprintf("%s -> %s %s", r.role, r.next, name(from))
	default:
		d = fmt.Sprintf("%s %s -> %s %s", r.role, name(from), r.next, name(to))
	}
	reason := ""
	blocked := a != nil && !a.is(aRunnable)
	switch {
	case source != nil && source.reason != "" && blocked:
		reason = "due to " + source.reason + " (blocked)"
	case source != nil && source.reason != "":
		reason = "due to " + source.reason
	case blocked:
		reason = "blocked"
	}
	return Change{kind, r.id, d, reason}
}
