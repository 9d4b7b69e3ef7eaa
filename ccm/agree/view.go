package agree

import (
	"fmt"
	"slices"
	"strings"
)

// Names of membership events, as users know them.
const (
	EventNew        = "OC_EV_MS_NEW_MEMBERSHIP"
	EventInvalid    = "OC_EV_MS_INVALID"
	EventNotPrimary = "OC_EV_MS_NOT_PRIMARY"
	EventRestored   = "OC_EV_MS_PRIMARY_RESTORED"
)

// View is the membership as this node has installed it.
type View struct {
	Ballot Ballot
	// Members are sorted by name. Without quorum they are the nodes heard.
	Members []ViewMember
	// Lost are the nodes and voters outside, sorted.
	Lost   []string
	Quorum bool
	DC     string
	// Event is one of the constants above.
	Event string
	// Reason is one sentence on the votes.
	Reason string
	// Arbiters are those of Members and Lost that vote and run nothing, sorted.
	Arbiters []string
}

// ViewMember is a member and the number of the view in which it joined.
type ViewMember struct {
	Member
	BornOn uint64
}

func (v *View) equal(w *View) bool {
	return v.Ballot == w.Ballot && v.Quorum == w.Quorum && v.Event == w.Event && v.Reason == w.Reason &&
		slices.Equal(v.Members, w.Members) && slices.Equal(v.Lost, w.Lost) && slices.Equal(v.Arbiters, w.Arbiters)
}

// View returns the present view.
func (m *Machine) View() View { return m.view }

// settleView works out what to tell about the membership:
//
//   - the installed view is good: NEW_MEMBERSHIP, or PRIMARY_RESTORED if it has
//     the members of the one before;
//   - it is not any more, but a quorum is heard and the lease lasts:
//     NOT_PRIMARY, until the next;
//   - no quorum is heard, or it has agreed without this node for so long that
//     the lease is over: INVALID.
func (m *Machine) settleView() {
	next := m.view
	switch {
	case m.viewGood():
		if m.view.Quorum && m.view.Ballot == m.inst && !m.viewOld {
			return
		}
		m.viewOld, m.spoiled = false, Ballot{}
		next = View{Ballot: m.inst, Members: m.viewMembers(m.instM), Quorum: true, DC: m.inst.Proposer, Event: EventNew}
		if m.view.Quorum && m.view.Ballot == m.inst {
			next.Event = m.view.Event
		} else if m.view.Event == EventNotPrimary && slices.Equal(next.Members, m.view.Members) {
			next.Event = EventRestored
		}
		next.Reason = m.sentence(func(n string) bool { return hasMember(m.instM, n) })
	case m.leaving == nil && m.hearsQuorum() && (m.leaseOK || m.leaseValid()):
		if m.view.Event == EventInvalid || m.view.Event == "" {
			return // stays so until a view is agreed
		}
		next.Quorum, next.DC, next.Event = false, "", EventNotPrimary
		next.Reason = "the membership is changing"
	default:
		if !m.inst.IsZero() && m.spoiled != m.inst {
			m.spoiled = m.inst
			for _, p := range m.order {
				p.shunned, m.targetOK = 0, false // without quorum nobody can be spared
			}
			if m.leads() {
				m.failPending(ErrUnknown)
			}
		}
		row := m.row()
		ms := m.members(row)
		next = View{Ballot: m.inst, Members: m.viewMembers(ms), Event: EventInvalid}
		next.Reason = m.sentence(func(n string) bool { return hasMember(ms, n) })
		if why := m.whyNotCounted(); m.leaving != nil {
			next.Reason = "this node is leaving"
		} else if why != "" {
			next.Reason = why
		} else if !strings.HasPrefix(next.Reason, "no quorum") {
			next.Reason = m.notAgreed()
		}
	}
	if next.Quorum || next.Event == EventInvalid {
		next.Lost = slices.DeleteFunc(slices.Concat(m.voters().Names(), m.names), func(n string) bool {
			return m.wasRemoved(n) || slices.ContainsFunc(next.Members, func(x ViewMember) bool { return x.Name == n })
		})
		slices.Sort(next.Lost)
		next.Lost = slices.Compact(next.Lost)
	}
	next.Arbiters = nil
	for _, n := range m.names {
		if m.isArbiter(n) && (slices.Contains(next.Lost, n) || slices.ContainsFunc(next.Members, func(x ViewMember) bool { return x.Name == n })) {
			next.Arbiters = append(next.Arbiters, n)
		}
	}
	if next.equal(&m.view) {
		return
	}
	m.view = next
	m.event(ViewEvent{View: next})
}

// notAgreed is the reason why there is no view although enough nodes are heard.
func (m *Machine) notAgreed() string {
	var agreed []string
	for _, p := range m.order {
		switch {
		case !p.alive || p.open.IsZero():
		case p.open == m.spoiled && p.open == m.inst && p.open == m.joined && p.open == m.promised:
			return fmt.Sprintf("this node is a member of view %v, whose DC is %s, but it was without quorum in between: a new view is needed", p.open, p.name)
		case p.open == m.inst || p.open == m.joined: // this node is in it, or was until it promised the next
		default:
			agreed = append(agreed, p.name)
		}
	}
	switch {
	case len(agreed) > 0:
		return "the other nodes have a view without this node; its DC is " + strings.Join(agreed, " or ")
	case m.waitsForSecond():
		return "no view yet: this node has no state, and a first one is not made by one node alone; start another node of ha.cf"
	case !m.hearsQuorum():
		if why := m.storesMissing(); why != "" {
			return why
		}
		return "no view yet: waiting for the other nodes until initdead, or for stores to be admitted"
	}
	if m.hasBase && !m.inst.IsZero() && !m.leaseValid() {
		var silent []string
		for _, p := range m.order {
			if p.alive && !m.echoed(p.name, m.now-m.t.l) {
				silent = append(silent, p.name)
			}
		}
		if len(silent) > 0 { // they are heard still: the lease ends before deadtime
			return fmt.Sprintf("no quorum has confirmed this node for %d ms: not %s", m.t.l/1e6, strings.Join(silent, ", "))
		}
	}
	return "no view yet: the nodes heard have not agreed"
}

// storesMissing tells that the nodes heard would make a quorum, but not those whose
// stores are the recorded ones, once nothing is waited for any more, or "".
func (m *Machine) storesMissing() string {
	row := m.row()
	if m.stamped.IsZero() || m.rep.diverged || m.now < m.start+m.t.initdead {
		return ""
	}
	for _, v := range []Voters{m.voters(), m.prior()} {
		in := func(n string) bool { return m.bits[n]&row != 0 && m.diskKnown(v, n) }
		if v == nil || m.cfg.Quorum.Has(v, in) {
			continue
		}
		var other []string
		for _, n := range v.Names() {
			if p := m.peers[n]; p != nil && p.bit&row != 0 && p.disk != v[n].Disk && v[n].Disk != "" {
				other = append(other, n)
			}
		}
		if len(other) > 0 {
			return fmt.Sprintf("%s; the store of %s is not the recorded one, and only a quorum without it admits it: start the other nodes, or put the old disk back",
				m.cfg.Quorum.Sentence(v, in), strings.Join(other, " and "))
		}
	}
	return ""
}

// waitsForSecond reports whether this node alone has quorum by its ha.cf, hears
// nobody, and does not make a first state for want of a second node.
func (m *Machine) waitsForSecond() bool {
	if !m.stampedHere().IsZero() || m.now < m.start+m.t.initdead || len(m.cfg.Nodes) < 2 {
		return false
	}
	self := func(name string) bool { return name == m.cfg.Self }
	return m.row() == m.self && !m.tie(self)
}

func (m *Machine) viewMembers(ms []Member) []ViewMember {
	out := make([]ViewMember, len(ms))
	for i, x := range ms {
		out[i] = ViewMember{Member: x}
		if b, ok := m.rep.meta.Born[x.Name]; ok && b.Incarnation == x.Incarnation {
			out[i].BornOn = b.Number
		}
	}
	return out
}

// viewGood reports whether the installed view is bound here and a quorum of its
// members is heard that has promised nothing above it. A node that was without
// quorum in between needs a new one, for what it ran is stopped, and proposes it. An
// arbiter runs nothing and cannot propose, and the others may not know that it was
// alone: it takes up the same view.
func (m *Machine) viewGood() bool {
	b := m.inst
	if b.IsZero() || m.joined != b || m.promised != b || m.leaving != nil || m.isRemoved() {
		return false
	}
	if m.spoiled == b && !m.isArbiter(m.cfg.Self) {
		return false
	}
	in := func(n string) bool {
		x, ok := findMember(m.instM, n)
		if !ok || n == m.cfg.Self {
			return ok
		}
		p := m.peers[n]
		return p != nil && p.alive && p.inc == x.Incarnation && !b.Less(p.promised)
	}
	return m.has(in) && !m.vetoed(in)
}

// hearsQuorum reports whether the nodes heard, connected or not, could agree.
func (m *Machine) hearsQuorum() bool {
	return m.quorate(m.row())
}
