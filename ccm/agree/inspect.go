package agree

// Inspection is what a simulator compares between machines.
type Inspection struct {
	Promised, Joined, Stamped, Installed Ballot
	Seq                                  uint64
	// Diverged: the state does not count until a whole one is taken over.
	Diverged bool
	Voters   Voters
	// Prior, if not nil, are the former voters, until the change is settled.
	Prior Voters
}

// Inspect shows the machine's innermost state.
func (m *Machine) Inspect() Inspection {
	return Inspection{Promised: m.promised, Joined: m.joined, Stamped: m.stamped, Installed: m.inst,
		Seq: m.rep.seq, Diverged: m.rep.diverged, Voters: m.rep.meta.Voters.clone(), Prior: m.rep.meta.Prior.clone()}
}

// StateDigest identifies the replicated state.
func (m *Machine) StateDigest() string { return string(m.rep.digest()) }
