package agree

import (
	"fmt"
	"slices"
)

// listed reports whether a node's own list of voters is one that was agreed on.
// Before there is a state none was.
func (m *Machine) listed(list uint64, free bool) bool {
	return free || m.stamped.IsZero() || slices.Contains(m.rep.meta.Lists, list)
}

// wasRemoved reports whether a node was taken out of the cluster.
func (m *Machine) wasRemoved(name string) bool {
	_, found := slices.BinarySearch(m.rep.meta.Removed, name)
	return found
}

// isRemoved reports whether this node was taken out of the cluster, by its own
// state or because somebody with a newer one has told it.
func (m *Machine) isRemoved() bool {
	return m.stamped.Less(m.removed) || m.wasRemoved(m.cfg.Self)
}

// refuse tells a removed node so, once a beat.
func (m *Machine) refuse(p *peer, in Input) {
	if _, ok := in.Msg.(*Beat); !ok || m.now < p.refused {
		return
	}
	p.refused = m.now + m.t.k/2
	p.inc = max(p.inc, in.Incarnation)
	m.datagram(p.name, &Refuse{Stamped: m.stamped})
	m.say("removed "+p.name, "%s beats, but it was removed from the cluster: it does not count and nothing is run there; hb_addnode %s takes it back", p.name, p.name)
}

// onRefuse believes who has a newer state.
func (m *Machine) onRefuse(p *peer, msg *Refuse) {
	if !m.stamped.Less(msg.Stamped) || !m.removed.Less(msg.Stamped) {
		return
	}
	if m.removed.IsZero() || !m.isRemoved() {
		m.note(true, "this node was removed from the cluster, as %s says by its state of view %v: it does not count; on a member, hb_addnode %s takes it back", p.name, msg.Stamped, m.cfg.Self)
	}
	if m.leads() {
		m.stepDown()
	}
	m.removed, m.targetOK = msg.Stamped, false
	m.spoiled = m.inst
	b := msg.Stamped
	m.out.Write.Removed = &b
}

// say is note, once for each subject until the sentence is another one.
func (m *Machine) say(subject, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if m.said[subject] != s {
		m.said[subject] = s
		m.note(true, "%s", s)
	}
}

// whyNotCounted says why this node's own vote, or a side with half the votes,
// does not count, or "".
func (m *Machine) whyNotCounted() string {
	row := m.row()
	in := func(n string) bool { return m.bits[n]&row != 0 }
	switch {
	case m.isRemoved():
		return fmt.Sprintf("no quorum: this node was removed from the cluster and does not count; hb_addnode %s on a member takes it back", m.cfg.Self)
	case !m.listed(m.ownList, m.cfg.Autojoin):
		return "no quorum: ha.cf of this node " + m.foreignList()
	case m.has(in) && m.vetoed(in):
		have, total := m.voters().Votes(in)
		return fmt.Sprintf("no quorum: %d of %d votes, and no ping node answers, so that the tie is not broken", have, total)
	}
	return ""
}

// foreignList completes a sentence on a node with another list.
func (m *Machine) foreignList() string {
	return fmt.Sprintf("names other nodes, weights or arbiters than the cluster has agreed on (%s): it does not count; make its node lines name these, or change the cluster first with hb_addnode or hb_delnode, and restart it",
		m.rep.meta.Voters.Sentence())
}
