package agree

import "slices"

// adopt takes the newest state over, stamps it with the ballot and hands it out
// (rule 18). A nil snapshot is this node's own state.
func (m *Machine) adopt(s *Snapshot) {
	r := m.round
	meta := &m.rep.meta
	if s != nil {
		meta = &s.Meta
	}
	for _, v := range []Voters{meta.Voters, meta.Prior} {
		counts := func(n string) bool { return m.promiseCounts(r.promises[n], v[n], meta.Lists) }
		if v != nil && !m.cfg.Quorum.Has(v, counts) {
			m.abandon("%s (only stores that were admitted count)", m.cfg.Quorum.Sentence(v, counts))
			m.backoff = max(m.backoff, m.now+m.t.d)
			return
		}
	}
	lone := false
	if have, total := meta.Voters.Votes(func(n string) bool { return m.promiseCounts(r.promises[n], meta.Voters[n], meta.Lists) }); 2*have <= total {
		lone = true
	}
	from := meta.Alone
	own := s == nil && !m.stamped.IsZero()
	if s != nil {
		m.keepConflict(from)
		if err := m.rep.restore(s); err != nil {
			m.abandon("the newest state cannot be taken over: %v", err)
			return
		}
	}
	m.stamped, m.targetOK = r.ballot, false
	m.learnVoters()
	born := map[string]Birth{}
	for _, x := range r.members {
		if b, ok := m.rep.meta.Born[x.Name]; ok && b.Incarnation == x.Incarnation {
			born[x.Name] = b
		} else {
			born[x.Name] = Birth{Incarnation: x.Incarnation, Number: r.ballot.Number}
		}
	}
	m.rep.meta.Born = born
	if !lone {
		m.rep.meta.Alone, m.rep.meta.Edits = Ballot{}, 0
	} else if from.IsZero() {
		m.rep.meta.Alone, m.rep.meta.Edits = r.ballot, 0
	}
	r.sync = &Sync{Ballot: r.ballot, Digest: m.rep.digest(), Alone: from}
	if own {
		m.persistStamp()
		r.sync.Snapshot = Snapshot{Seq: m.rep.seq, Meta: m.rep.meta.clone()}
	} else {
		r.sync.Snapshot = m.persistWhole()
		r.whole = true
	}
	r.synced[m.cfg.Self] = true
	r.since, r.fetching = m.now, ""
	for _, x := range r.members {
		if x.Name == m.cfg.Self {
			continue
		}
		m.sendSync(x.Name, m.hasSame(x.Name))
	}
	m.resendIn(max(m.t.k, m.t.d/2) + int64(len(r.sync.Snapshot.App))*100)
	m.tryOpen()
}

// persistWhole writes the present state and stamp.
func (m *Machine) persistWhole() Snapshot {
	snap := m.rep.snapshot()
	b := m.stamped
	m.out.Write.Stamp, m.out.Write.Snapshot, m.out.Write.Changes, m.out.Write.Meta = &b, &snap, nil, nil
	return snap
}

// persistStamp writes a new stamp for the state that is on the disk already,
// which may be large, and the protocol's part of it.
func (m *Machine) persistStamp() {
	b := m.stamped
	m.out.Write.Stamp, m.out.Write.Meta = &b, &MetaAt{Seq: m.rep.seq, Meta: m.rep.meta.clone()}
}

// hasSame reports whether a member had the newest state already when it
// promised (equal stamp and number: equal state).
func (m *Machine) hasSame(name string) bool {
	p, best := m.round.promises[name], m.round.promises[m.newest()]
	return !p.Stamped.IsZero() && p.Stamped == best.Stamped && p.Seq == best.Seq && !m.planted(PlantNoStamp|PlantDupSync)
}

// sendSync hands the state out. Before the view opens nothing changes it, so the
// whole of it is put together when the first member needs it.
func (m *Machine) sendSync(to string, same bool) {
	r := m.round
	if !same && !r.whole {
		r.sync.Snapshot.App, r.whole = m.rep.app.Snapshot(), true
	}
	s := *r.sync
	if same {
		s.Same, s.Snapshot.App = true, nil
	}
	m.send(to, &s)
}

func (m *Machine) onSync(p *peer, msg *Sync) {
	b := msg.Ballot
	if !m.same(m.joined, b) || !m.same(m.promised, b) || b.Proposer != p.name {
		return
	}
	if m.stamped.Less(b) && !m.same(m.stamped, b) || m.planted(PlantDupSync) { // rule 19
		if !m.takeSync(msg) {
			if msg.Same {
				m.send(p.name, &Synced{Ballot: b, Need: true})
			}
			return
		}
		m.stamped = b
		m.learnVoters()
		if msg.Same {
			m.persistStamp()
		} else {
			m.persistWhole()
		}
	}
	m.send(p.name, &Synced{Ballot: b})
}

// takeSync takes the state over; false if the whole of it is needed.
func (m *Machine) takeSync(msg *Sync) bool {
	if msg.Same {
		if m.rep.diverged || m.rep.seq != msg.Snapshot.Seq {
			return false
		}
		m.rep.meta = msg.Snapshot.Meta.clone()
		if !slices.Equal(m.rep.digest(), msg.Digest) {
			m.rep.diverged = true
			m.note(true, "the state of this node differs from that of the DC after the same changes; taking the DC's over")
			return false
		}
		return true
	}
	m.keepConflict(msg.Alone)
	if err := m.rep.restore(&msg.Snapshot); err != nil {
		m.note(true, "the DC's state cannot be taken over: %v", err)
		m.rep.diverged = true
		return false
	}
	if !slices.Equal(m.rep.digest(), msg.Digest) && !m.planted(PlantDupSync) {
		m.note(true, "the DC's state has another digest once it is taken over here; is the same release running on both?")
		m.rep.diverged = true
		return false
	}
	return true
}

func (m *Machine) onSynced(p *peer, msg *Synced) {
	r := m.round
	if r == nil || r.ballot != msg.Ballot || m.joined != msg.Ballot || r.sync == nil || !hasMember(r.members, p.name) {
		return
	}
	if msg.Need {
		if !r.open {
			r.promises[p.name].Stamped = Ballot{} // no "same" for it any more
			m.sendSync(p.name, false)
		}
		return
	}
	r.synced[p.name] = true
	r.since = m.now
	m.tryOpen()
}

// tryOpen opens the view when all members have the state (rule 20).
func (m *Machine) tryOpen() {
	r := m.round
	if r.open || len(r.synced) < len(r.members) {
		return
	}
	r.open, r.commit = true, m.rep.seq
	m.failedM, m.failures, m.backoff = nil, 0, 0
	r.sync.Snapshot.App = nil
	for _, x := range r.members {
		r.acked[x.Name] = m.rep.seq
		if x.Name != m.cfg.Self {
			m.send(x.Name, &Open{Ballot: r.ballot})
		}
	}
	m.install(r.ballot)
	m.resendIn(m.t.k)
	m.event(OpenedEvent{Ballot: r.ballot, Members: r.members, Seq: r.commit})
}

func (m *Machine) onOpen(p *peer, b Ballot) {
	if m.same(m.joined, b) && m.same(m.promised, b) && m.same(m.stamped, b) && b.Proposer == p.name && m.inst != b {
		m.install(b)
	}
}

// install takes the opened view for one's own. All members have promised it, so
// the echoes of a beat sent now confirm this node in it (rule 28) at once.
func (m *Machine) install(b Ballot) {
	m.inst, m.instM = b, m.promisedM
	m.beatNow = true
	m.renewLease() // where this node is a quorum by itself
}

func (m *Machine) resendIn(d int64) {
	m.round.resendEvery = d
	m.round.resendAt = m.now + d
}

// resend repeats what is not answered.
func (m *Machine) resend() {
	r := m.round
	if r == nil || r.ballot != m.joined {
		return
	}
	if r.open && len(r.tail) == 0 {
		return
	}
	if m.now < r.resendAt {
		m.wake(r.resendAt)
		return
	}
	m.resendIn(r.resendEvery)
	if !r.open && r.sync != nil {
		r.resendEvery *= 2 // a state may be large and on its way
	}
	m.wake(r.resendAt)
	for _, x := range r.members {
		switch {
		case x.Name == m.cfg.Self:
		case r.open:
			m.sendTail(x.Name, r.acked[x.Name]+1)
		case r.sync != nil:
			if !r.synced[x.Name] {
				m.sendSync(x.Name, m.hasSame(x.Name))
			}
		case r.fetching == x.Name:
			m.send(x.Name, &Fetch{Ballot: r.ballot})
		case r.promises[x.Name] == nil:
			m.send(x.Name, m.proposal())
		}
	}
}
