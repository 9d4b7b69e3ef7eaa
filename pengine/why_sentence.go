package pengine

import (
	"fmt"
	"strings"

	"github.com/quorate/quorate/cib"
)

// unscored says why a resource is where it is when no score decided.
func (s *scheduler) unscored(r *resource) string {
	switch {
	case s.cfg.fencing && !s.haveFenceDevice:
		return "fencing is enabled (stonith-enabled) but there is no fencing device, so nothing is managed"
	case r.is(rBlocked) && s.frozen(r) != nil:
		d := s.frozen(r)
		return fmt.Sprintf("ticket %s is %s, and loss-policy freeze of %s leaves it as it is", d.ticket.id, d.ticket.state(), d.id)
	case r.is(rBlocked):
		return "a failure blocks it until it is cleaned up"
	case r.is(rMaintenance):
		return "it is left alone because of maintenance"
	case !r.is(rManaged) && s.cfg.maintenance:
		return "the cluster option maintenance-mode leaves it alone"
	case !r.is(rManaged):
		if id := s.metaSource(r, "is-managed"); id != "" {
			return "it is not managed (is-managed, " + id + ")"
		}
		return "it is not managed"
	case s.cfg.stopAll:
		return "the cluster option stop-all-resources stops everything"
	case r.is(rOrphan):
		return "it is not in the configuration any more"
	case r.nextReason == kindTargetRole:
		return "its target-role is " + r.next.String()
	}
	return "it is to run nowhere"
}

// decision puts the placement of a primitive into words.
func (s *scheduler) decision(r *resource, w *Why) (string, *Deciding) {
	on := strings.Join(w.Running, ", ")
	if !r.is(rManaged) {
		if on == "" {
			return fmt.Sprintf("%s stays stopped: %s", r.id, s.unscored(r)), nil
		}
		return fmt.Sprintf("%s is left on %s: %s", r.id, on, s.unscored(r)), nil
	}
	if r.assigned == nil {
		verb := "runs nowhere"
		if on != "" {
			verb = "stops on " + on
		}
		if s.cfg.stopAll || r.is(rOrphan) {
			return fmt.Sprintf("%s %s: %s", r.id, verb, s.unscored(r)), nil
		}
		common := w.everywhere()
		switch {
		case len(w.Scores) == 0:
			return fmt.Sprintf("%s %s: no location allows any node, and the cluster is asymmetric (symmetric-cluster)", r.id, verb), nil
		case common != nil:
			return fmt.Sprintf("%s %s: %s on every node", r.id, verb, common.phrase()), &Deciding{w.Scores[0].Node, *common}
		}
		var d *Deciding
		for i := range w.Scores {
			if n := &w.Scores[i]; n.Deciding != nil {
				d = n.Deciding
				break
			}
		}
		why := w.exclusions("")
		if why == "" {
			why = s.unscored(r)
		}
		return fmt.Sprintf("%s %s: no node may have it (%s)", r.id, verb, why), d
	}
	n := w.at(r.assigned.uname)
	if n == nil {
		return fmt.Sprintf("%s is to run on %s", r.id, r.assigned.uname), nil
	}
	verb := "starts on " + n.Node
	switch {
	case on == n.Node:
		verb = "stays on " + on
	case on != "":
		verb = "moves from " + on + " to " + n.Node
	}
	return fmt.Sprintf("%s %s: %s", r.id, verb, s.prefer(w, n, w.rival(n))), n.Deciding
}

// everywhere returns a ban that holds on all nodes, or nil.
func (w *Why) everywhere() *Contribution {
	var common *Contribution
	for i := range w.Scores {
		c := w.Scores[i].ban()
		if c == nil || common != nil && (c.Kind != common.Kind || c.ID != common.ID) {
			return nil
		}
		common = c
	}
	return common
}

func (s *scheduler) groupSentence(r *resource, w *Why) string {
	lead := w.Members[0]
	if !r.collocated || len(w.Nodes) > 1 {
		return fmt.Sprintf("%s: %s", r.id, lead.Sentence)
	}
	return r.id + strings.TrimPrefix(lead.Sentence, lead.Resource) + fmt.Sprintf(" (by its first member %s)", lead.Resource)
}

func (s *scheduler) cloneSentence(name string, w *Why) string {
	on := 0
	for _, m := range w.Members {
		if len(m.Nodes) > 0 {
			on++
		}
	}
	if on == 0 {
		return fmt.Sprintf("%s runs nowhere: %s", name, firstReason(w))
	}
	where := strings.Join(w.Nodes, ", ")
	var promoted []string
	for _, m := range w.Members {
		if m.NextRole == rolePromoted.String() {
			promoted = union(promoted, m.Nodes)
		}
	}
	if len(promoted) > 0 {
		where += ", promoted on " + strings.Join(promoted, ", ")
	}
	return fmt.Sprintf("%s: %d of %d instances run, on %s", name, on, len(w.Members), where)
}

func firstReason(w *Why) string {
	for _, m := range w.Members {
		if _, why, ok := strings.Cut(m.Sentence, ": "); ok {
			return why
		}
	}
	return "it has no instances"
}

// attribute fills in what is behind a contribution: id, option, other resource.
func (s *scheduler) attribute(r *resource, n *node, c *Contribution) {
	meta := func(option string) {
		c.Option = option
		c.ID = s.metaSource(r, option)
	}
	switch c.Kind {
	case kindStickiness:
		meta("resource-stickiness")
	case kindThreshold:
		meta("migration-threshold")
	case kindTargetRole:
		if c.Option = r.nextReason; c.Option == "" || c.Option == "unable to assign" || c.Option == "node availability" {
			c.Option = kindTargetRole
		}
		if c.Option == kindTargetRole {
			c.ID = s.metaSource(r, kindTargetRole)
		}
	case kindCapacity:
		c.Option = "placement-strategy"
	case kindTicket:
		if d := s.ticketOf(r, c.ID); d != nil {
			c.Option = d.ticket.id + " is " + d.ticket.state()
		}
	case "clone-max":
		meta("clone-max")
	case kindPromotion:
		c.Option = "master-" + baseID(r.historyID())
	case kindClone:
		for p := r; p != nil; p = p.parent {
			if p.isClone() {
				c.ID = p.id
			}
		}
		c.Option = "clone-node-max"
	case "not_managed_default":
		c.Kind = "unmanaged"
		meta("is-managed")
	case "orphan":
		c.Option = "stop-orphan-resources"
	case "hard-error", "fatal-error":
		c.Kind = "failure (" + c.Kind + ")"
	case "__stop_fail__":
		c.Kind = "failed stop"
	case "__action_migration_auto__":
		c.Kind, c.Option = "failure", "on-fail"
	case "node score":
		if n != nil && n.excluded() != "" {
			c.Kind = "node state"
			c.Option = n.excluded()
		}
	case kindColocation, kindColocated:
		c.With = s.peer(r, c.ID, c.Kind == kindColocated)
		if c.ID == internalColocation {
			c.Kind, c.ID = kindGroup, ""
			if r.parent != nil {
				c.ID = r.parent.id
			}
		}
	}
}

// peer returns the other resource of a colocation of r or of what holds r.
func (s *scheduler) peer(r *resource, id string, follows bool) string {
	for p := r; p != nil; p = p.parent {
		list := p.thisWith
		if follows {
			list = p.withThis
		}
		for _, c := range list {
			if c.id != id {
				continue
			}
			if follows {
				return c.dependent.id
			}
			return c.primary.id
		}
	}
	return ""
}

// metaSource returns the id of the nvpair that sets a meta attribute of r: its
// own, that of what holds it, or a default; "" if none does.
func (s *scheduler) metaSource(r *resource, name string) string {
	old := strings.ReplaceAll(name, "-", "_")
	in := func(e *cib.Element) string {
		if e == nil {
			return ""
		}
		for _, set := range e.All("meta_attributes") {
			for _, nv := range s.deref(set).All("nvpair") {
				if nv = s.deref(nv); nv.Get("name") == name || nv.Get("name") == old {
					return nv.ID()
				}
			}
		}
		return ""
	}
	for p := r; p != nil; p = p.parent {
		if id := in(p.xml); id != "" {
			return id
		}
		if t := s.templates[p.xml.Get("template")]; t != nil {
			if id := in(t); id != "" {
				return id
			}
		}
	}
	return in(s.rscDefaults)
}
