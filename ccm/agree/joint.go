package agree

// settleVoters ends the joint rule of the former and the present voters, once
// nobody goes by the former ones alone: all members have the change, no node
// outside can hold a lease, and no member can still hold one that the former
// voters alone have confirmed before it had the change. Without this wait a member
// that is lost soon afterwards would count as expired by the votes of the present
// voters while its lease by those of the former ones goes on.
func (m *Machine) settleVoters() {
	r := m.round
	if m.rep.meta.Prior == nil || !m.leads() || r.oldVoters != nil || r.commit != m.rep.seq || m.spoiled == m.joined {
		return
	}
	for _, x := range r.members {
		if r.acked[x.Name] < m.rep.seq {
			return
		}
	}
	if !r.joint {
		r.joint, r.jointAt = true, m.now
	}
	if end := r.jointAt + m.t.t; m.now < end {
		m.wake(end)
		return
	}
	if len(m.outside()) > 0 && !m.certified(r) {
		return
	}
	m.proposeChange(0, Change{Voters: m.rep.meta.Voters})
}

// has reports whether the nodes for which in is true make a quorum, of the
// present and of the former voters where a change is not settled.
func (m *Machine) has(in func(name string) bool) bool {
	return m.hasEach(func(Voters) func(string) bool { return in })
}

// hasEach is has, where in depends on the voters that are asked for.
func (m *Machine) hasEach(in func(v Voters) func(name string) bool) bool {
	v := m.voters()
	if !m.cfg.Quorum.Has(v, in(v)) {
		return false
	}
	prior := m.prior()
	return prior == nil || m.cfg.Quorum.Has(prior, in(prior))
}

// hasAny reports whether they make a quorum of the present or of the former
// voters: what others might take for one.
func (m *Machine) hasAny(in func(name string) bool) bool {
	prior := m.prior()
	return m.cfg.Quorum.Has(m.voters(), in) || prior != nil && m.cfg.Quorum.Has(prior, in)
}

// prior is V before the change that is not settled, or nil.
func (m *Machine) prior() Voters {
	if m.stamped.IsZero() {
		return nil
	}
	return m.rep.meta.Prior
}

// meets reports whether any two quorums have a voter in common.
func (m *Machine) meets() bool {
	prior := m.prior()
	return m.cfg.Quorum.Meets(m.voters()) && (prior == nil || m.cfg.Quorum.Meets(prior))
}

// sentence tells the votes and what they are worth.
func (m *Machine) sentence(in func(name string) bool) string {
	v, prior := m.voters(), m.prior()
	if prior != nil && m.cfg.Quorum.Has(v, in) && !m.cfg.Quorum.Has(prior, in) {
		return m.cfg.Quorum.Sentence(prior, in) + " of the former voters, which count until the change of voters is settled"
	}
	return m.cfg.Quorum.Sentence(v, in)
}

// bothAgree: a pair whose tie twonodes breaks gets another voter, or other
// weights, only with both: either one alone would go on with the old list.
func (m *Machine) bothAgree(seq uint64) bool {
	r := m.round
	if r.oldVoters == nil || m.cfg.Quorum.Meets(r.oldVoters) || len(m.rep.meta.Voters) < len(r.oldVoters) {
		return true
	}
	for n, old := range r.oldVoters {
		if old.Disk != "" && old.Disk == m.rep.meta.Voters[n].Disk && r.acked[n] < seq {
			return false
		}
	}
	return true
}
