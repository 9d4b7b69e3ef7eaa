package pengine

import (
	"fmt"
	"strings"
	"time"
)

// explainActions gives every action of the graph its cause.
func (s *scheduler) explainActions() {
	if !s.opts.Explain {
		return
	}
	placed := map[*resource]string{}
	for _, a := range s.dumped {
		if a.graph.Cause == "" {
			a.graph.Cause = s.cause(a, placed)
		}
	}
}

// placement returns the sentence about where a resource is placed.
func (s *scheduler) placement(r *resource, known map[*resource]string) string {
	if t, ok := known[r]; ok {
		return t
	}
	t := s.why(r).Sentence
	known[r] = t
	return t
}

func (s *scheduler) cause(a *action, known map[*resource]string) string {
	switch {
	case a.rsc == nil:
		return s.nodeCause(a)
	case a.task == tNotify && a.notifyKey != nil:
		return fmt.Sprintf("notify is set: instances are told %s each %s of %s", a.notifyKey.kind, a.notifyKey.op, a.rsc.top().id)
	case a.rsc.variant != primitiveVariant || a.is(aPseudo) && a.task != tStart && a.task != tStop && a.task != tPromote && a.task != tDemote:
		return s.pseudoCause(a)
	}
	r, where := a.rsc, ""
	if a.node != nil {
		where = " on " + a.node.uname
	}
	switch a.task {
	case tStart, tStop, tMigrateTo, tMigrateFrom, tPromote, tDemote, tReload, tReloadAgent:
		return s.changeCause(a, known)
	case tMonitor:
		return s.monitorCause(a, where)
	case tCancel:
		return fmt.Sprintf("the recurring %s of %s%s is not wanted any more", a.cancel, r.id, where)
	case tDelete:
		if s.cfg.removeAfterStop {
			return fmt.Sprintf("remove-after-stop is set: the history of %s%s is removed", r.id, where)
		}
		if a.reason != "" {
			return fmt.Sprintf("the history of %s%s is removed: %s", r.id, where, a.reason)
		}
		return fmt.Sprintf("the history of %s%s is removed, since it is not to run there", r.id, where)
	case tClearFail:
		return fmt.Sprintf("the fail count of %s%s does not count any more", r.id, where)
	case tRefresh:
		return fmt.Sprintf("the history of %s%s is to be written anew", r.id, where)
	}
	return fmt.Sprintf("%s of %s%s", a.task, r.id, where)
}

// changeCause explains an action that changes where or how a resource runs.
func (s *scheduler) changeCause(a *action, known map[*resource]string) string {
	r := a.rsc
	if a.is(aPseudo) && a.node != nil && a.node.unclean {
		return fmt.Sprintf("fencing %s does it", a.node.uname)
	}
	current := r.current()
	switch {
	case a.reason != "" && a.reason != "node availability":
		return fmt.Sprintf("%s: %s", r.id, a.reason)
	case a.task == tPromote && r.next == rolePromoted, a.task == tDemote && r.next > roleStopped && r.next < rolePromoted:
		return s.promotionCause(a)
	case r.is(rFailed):
		return fmt.Sprintf("%s failed on %s and is recovered", r.id, nodeName(current))
	case current != nil && current == r.assigned && r.role == r.next:
		// The half of a restart that has no reason of its own has the other's.
		for _, x := range r.actions {
			if x.graph != nil && x.reason != "" && (x.task == tStart || x.task == tStop) {
				return fmt.Sprintf("%s is restarted on %s: %s", r.id, current.uname, x.reason)
			}
		}
		return fmt.Sprintf("%s is restarted on %s", r.id, current.uname)
	}
	return s.placement(r, known)
}

func nodeName(n *node) string {
	if n == nil {
		return "its node"
	}
	return n.uname
}

func (s *scheduler) promotionCause(a *action) string {
	r := a.rsc
	in := r
	for in.parent != nil && in.parent != r.top() {
		in = in.parent
	}
	list := s.sum(in, nil, in.promotion, in.sortIndex)
	var best *Contribution
	for i := range list {
		if c := &list[i]; best == nil || max(c.Value, -c.Value) > max(best.Value, -best.Value) {
			best = c
		}
	}
	verb := "is promoted"
	if a.task == tDemote {
		verb = "is demoted"
	}
	if best == nil {
		return fmt.Sprintf("%s %s: promotion score %s", r.id, verb, in.sortIndex)
	}
	return fmt.Sprintf("%s %s: promotion score %s, mostly by %s", r.id, verb, in.sortIndex, best.phrase())
}

func (s *scheduler) monitorCause(a *action, where string) string {
	r := a.rsc
	if a.interval == 0 {
		if a.reason != "" {
			return fmt.Sprintf("%s is probed%s: %s", r.id, where, a.reason)
		}
		return fmt.Sprintf("it is not known whether %s runs%s", r.id, where)
	}
	every := (time.Duration(a.interval) * time.Millisecond).String()
	if op := s.findOp(r, tMonitor, a.interval, true); op != nil && op.ID() != "" {
		return fmt.Sprintf("operation %s monitors %s%s every %s", op.ID(), r.id, where, every)
	}
	return fmt.Sprintf("%s is monitored%s every %s", r.id, where, every)
}

// pseudoCause explains a point in time.
func (s *scheduler) pseudoCause(a *action) string {
	id := a.rsc.id
	switch a.task {
	case tStart, tStop, tPromote, tDemote:
		return fmt.Sprintf("the %s of %s begins: something in it is to %s", a.task, id, a.task)
	case tRunning, tStopped, tPromoted, tDemoted:
		return fmt.Sprintf("%s is %s when all in it is", id, a.task)
	}
	return fmt.Sprintf("a point in time in the course of %s", id)
}

func (s *scheduler) nodeCause(a *action) string {
	switch a.task {
	case tStonith:
		if a.reason != "" {
			return fmt.Sprintf("%s is fenced: %s", nodeName(a.node), a.reason)
		}
		if a.node != nil && a.node.unclean {
			return fmt.Sprintf("%s is fenced: its state is not known", a.node.uname)
		}
		return fmt.Sprintf("%s is fenced", nodeName(a.node))
	case tShutdown:
		return fmt.Sprintf("%s asked to shut down", nodeName(a.node))
	}
	return fmt.Sprintf("%s: a point in time that others wait for", strings.ReplaceAll(a.task, "_", " "))
}
