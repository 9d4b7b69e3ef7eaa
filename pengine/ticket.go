package pengine

import (
	"slices"

	"github.com/quorate/quorate/cib"
)

// ticket is the right of a site to run something, as the status section has it.
// One that is not there was never granted.
type ticket struct {
	id      string
	granted bool
	standby bool
}

// usable reports whether what depends on the ticket may run.
func (t *ticket) usable() bool { return t.granted && !t.standby }

// state says in a word or two why a ticket is not usable.
func (t *ticket) state() string {
	switch {
	case t.granted && t.standby:
		return "in standby"
	case !t.granted:
		return "not granted"
	}
	return "granted"
}

// lossPolicy is what happens to a resource when its ticket is lost.
type lossPolicy uint8

const (
	lossStop lossPolicy = iota
	lossDemote
	lossFence
	lossFreeze
)

// ticketDep makes a resource depend on a ticket.
type ticketDep struct {
	id     string // of the constraint or of the set in it
	rsc    *resource
	ticket *ticket
	role   role // roleUnknown: any
	loss   lossPolicy
}

// unpackTickets reads the tickets of the status section.
func (s *scheduler) unpackTickets(status *cib.Element) {
	for _, section := range status.All("tickets") {
		for _, e := range section.All("ticket_state") {
			if e.ID() == "" {
				s.errorf("line %d: a ticket_state without id is ignored", e.Line)
				continue
			}
			t := s.ticket(e.ID())
			t.granted = isTrue(e.Get("granted"))
			t.standby = isTrue(e.Get("standby"))
		}
	}
}

// ticket returns the ticket with the id, which is not granted unless the status
// says so.
func (s *scheduler) ticket(id string) *ticket {
	if t := s.tickets[id]; t != nil {
		return t
	}
	if s.tickets == nil {
		s.tickets = map[string]*ticket{}
	}
	t := &ticket{id: id}
	s.tickets[id] = t
	return t
}

// unpackTicket reads a rsc_ticket (Pacemaker Explained, "Configuring Ticket
// Dependencies").
func (s *scheduler) unpackTicket(e *cib.Element) {
	name := e.Get("ticket")
	if name == "" {
		s.errorf("ticket constraint %s names no ticket and is ignored", e.ID())
		return
	}
	t := s.ticket(name)
	sets, found := s.constraintSets(e)
	if !found {
		set, plain := s.simpleSet(e, e.Get("rsc"), e.Get("rsc-role"), "")
		if set == nil {
			return
		}
		if plain {
			set.id = e.ID()
		}
		sets = []*rscSet{set}
	}
	for _, set := range sets {
		for _, r := range set.rscs {
			s.dependOnTicket(e, set, r, t)
		}
	}
}

// dependOnTicket makes one resource depend on a ticket.
func (s *scheduler) dependOnTicket(e *cib.Element, set *rscSet, r *resource, t *ticket) {
	d := &ticketDep{id: e.ID(), rsc: r, ticket: t, role: parseRole(set.role)}
	d.loss = s.ticketLoss(e, d.role)
	if s.ticketDeps == nil {
		s.ticketDeps = map[*resource][]*ticketDep{}
	}
	s.ticketDeps[r] = append(s.ticketDeps[r], d)
	if !t.usable() {
		s.withoutTicket(r, d)
	}
}

// ticketLoss reads loss-policy; without one what is promoted is demoted and
// everything else stops.
func (s *scheduler) ticketLoss(e *cib.Element, r role) lossPolicy {
	switch v := e.Get("loss-policy"); v {
	case "stop":
		return lossStop
	case "demote":
		return lossDemote
	case "freeze":
		return lossFreeze
	case "fence":
		if s.cfg.fencing {
			return lossFence
		}
		s.errorf("ticket constraint %s: loss-policy fence is not possible because fencing is disabled: stop is used", e.ID())
		return lossStop
	case "":
	default:
		s.errorf("ticket constraint %s: loss-policy has the unknown value %q: the default is used", e.ID(), v)
	}
	if r == rolePromoted {
		return lossDemote
	}
	return lossStop
}

// withoutTicket applies a dependency on a ticket that is not usable.
func (s *scheduler) withoutTicket(r *resource, d *ticketDep) {
	if len(r.children) > 0 {
		for _, c := range r.children {
			s.withoutTicket(c, d)
		}
		return
	}
	lost := !d.ticket.granted && len(r.running) > 0
	if !lost {
		// What runs keeps on while the ticket is granted, but in standby.
		if d.role != rolePromoted || d.loss == lossStop {
			s.banForTicket(r, d)
		}
		return
	}
	switch d.loss {
	case lossStop:
		s.banForTicket(r, d)
	case lossDemote:
		// Promotion is refused where roles are chosen.
		if d.role != rolePromoted {
			s.banForTicket(r, d)
		}
	case lossFence:
		if !d.concerns(r) {
			return
		}
		s.banForTicket(r, d)
		for _, n := range r.running {
			s.fenceNode(n, "deadman ticket was lost", false)
		}
	case lossFreeze:
		if d.concerns(r) {
			r.clear(rManaged)
			r.set(rBlocked)
		}
	}
}

// concerns reports whether the resource has the role that needs the ticket.
func (d *ticketDep) concerns(r *resource) bool {
	return d.role == roleUnknown || d.role == roleStarted || d.role == r.role
}

// banForTicket keeps a resource off all nodes.
func (s *scheduler) banForTicket(r *resource, d *ticketDep) {
	for _, n := range s.nodes {
		c := &r.allowed[n.idx]
		if !c.present {
			c.present, c.w = true, n.score
			s.note(r, n, n.score, "node score", n.id)
		}
		c.w = -Infinity
		s.note(r, n, -Infinity, kindTicket, d.id)
	}
}

// promotionTicket returns the dependency that keeps the instances of a clone
// from being promoted, because its ticket is not usable; nil if there is none.
func (s *scheduler) promotionTicket(clone *resource) *ticketDep {
	for _, d := range s.ticketDeps[clone] {
		if d.role == rolePromoted && !d.ticket.usable() {
			return d
		}
	}
	return nil
}

// frozen returns the dependency that keeps a resource as it is because its
// ticket was lost; nil if there is none.
func (s *scheduler) frozen(r *resource) *ticketDep {
	for p := r; p != nil; p = p.parent {
		for _, d := range s.ticketDeps[p] {
			if d.loss == lossFreeze && !d.ticket.granted && d.concerns(r) && len(r.running) > 0 {
				return d
			}
		}
	}
	return nil
}

// ticketOf returns the dependency behind a contribution.
func (s *scheduler) ticketOf(r *resource, id string) *ticketDep {
	for p := r; p != nil; p = p.parent {
		i := slices.IndexFunc(s.ticketDeps[p], func(d *ticketDep) bool { return d.id == id })
		if i >= 0 {
			return s.ticketDeps[p][i]
		}
	}
	return nil
}
