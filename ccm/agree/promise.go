package agree

import "slices"

// heldPropose is a proposal that waits for this node to want the same.
type heldPropose struct {
	p     *Propose
	until int64
}

// promise is the answer to the promised ballot.
func (m *Machine) promise() *Promise {
	p := &Promise{Ballot: m.promised, Stamped: m.stampedHere(), Seq: m.rep.seq, Disk: m.cfg.Disk, Seed: m.ownList, Free: m.cfg.Autojoin, Alone: m.rep.meta.Alone, Edits: m.rep.meta.Edits, Ages: map[string]int64{}, Since: m.now - m.start}
	if r, ok := m.rep.app.(Ranker); ok && !p.Alone.IsZero() {
		p.Rank = r.Rank()
	}
	if m.rep.diverged {
		p.Seq, p.Disk, p.Seed = 0, "", 0
		// a state that differs is neither offered nor counted
	}
	for _, x := range m.order {
		switch {
		case x.released:
			p.Ages[x.name] = Never
		case m.planted(PlantRestartAge) && x.conf == m.start:
			p.Ages[x.name] = Never
		default:
			p.Ages[x.name] = max(0, m.now-x.conf)
		}
	}
	return p
}

func (m *Machine) onPropose(p *peer, msg *Propose) {
	b := msg.Ballot
	if b.Proposer != p.name {
		return
	}
	m.maxSeen = max(m.maxSeen, b.Number)
	if m.same(b, m.promised) && m.same(b, m.joined) {
		again := m.promise() // our answer was lost
		again.Ballot = b
		m.send(p.name, again)
		return
	}
	if !m.promised.Less(b) {
		m.send(p.name, &Nack{Ballot: b, Promised: m.promised})
		return
	}
	if x, ok := findMember(msg.Members, m.cfg.Self); !ok || x != m.me() {
		return
	}
	if p.alive {
		p.row = m.mask(msg.Row)
	}
	for i := range m.held {
		if h := &m.held[i]; h.p.Ballot.Proposer == p.name {
			if h.p.Ballot.Less(b) {
				*h = heldPropose{p: msg, until: m.now + m.t.k}
			}
			return
		}
	}
	m.held = append(m.held, heldPropose{p: msg, until: m.now + m.t.k})
}

// settleHeld promises what this node wants as well, and holds the rest for one
// keepalive; dropping it is for liveness only (rule 17).
func (m *Machine) settleHeld() {
	m.held = slices.DeleteFunc(m.held, func(h heldPropose) bool { return !m.promised.Less(h.p.Ballot) || m.now >= h.until })
	if len(m.held) == 0 {
		return
	}
	want := m.members(m.target())
	for _, h := range m.held {
		if sameMembers(want, h.p.Members) || m.planted(PlantAnyTarget|PlantDirected) {
			m.stepDown()
			m.bind(h.p.Ballot, h.p.Members)
			m.send(h.p.Ballot.Proposer, m.promise())
			return
		}
		m.wake(h.until)
	}
}

func (m *Machine) onNack(msg *Nack) {
	m.maxSeen = max(m.maxSeen, msg.Promised.Number)
	if r := m.round; r != nil && r.ballot == msg.Ballot && !r.open {
		m.abandon("a member has promised %v already", msg.Promised)
	}
}

func (m *Machine) onPromise(from string, msg *Promise) {
	r := m.round
	if r == nil || r.ballot != msg.Ballot || m.joined != msg.Ballot || r.sync != nil || r.promises[from] != nil || !hasMember(r.members, from) {
		return
	}
	r.promises[from], r.gotAt[from] = msg, m.now
	if len(r.promises) == len(r.members) {
		m.chooseState()
	}
}

// newest is the promiser with the highest (stamped, seq); this node if it has
// as much.
func (m *Machine) newest() string {
	r := m.round
	best := m.cfg.Self
	for _, x := range r.members {
		a, b := r.promises[best], r.promises[x.Name]
		if m.planted(PlantNoStamp) {
			if a.Seq < b.Seq {
				best = x.Name
			}
			continue
		}
		if c := a.Stamped.Compare(b.Stamped); c < 0 || c == 0 && a.Seq < b.Seq {
			best = x.Name
		}
	}
	return m.bestOfAlone(best)
}

// chooseState goes on when all members have promised: the newest state is
// fetched, or there is none and the first one is seeded (rule 18).
func (m *Machine) chooseState() {
	r := m.round
	r.since = m.now
	best := m.newest()
	switch {
	case r.promises[best].Stamped.IsZero():
		m.seed()
	case best != m.cfg.Self:
		r.fetching = best
		m.send(best, &Fetch{Ballot: r.ballot})
	default:
		m.adopt(nil)
	}
}

// seed makes the first state, from equal lists of nodes.
func (m *Machine) seed() {
	r := m.round
	v := m.seedVoters()
	if _, listed := v[m.cfg.Self]; !listed {
		m.abandon("this node is not in the node lines of its own ha.cf, and so cannot make the first state of a cluster")
		return
	}
	for _, x := range r.members {
		y, listed := v[x.Name]
		if !listed {
			continue // it comes in later
		}
		if p := r.promises[x.Name]; p.Seed != m.ownList || m.rep.diverged {
			m.abandon("%s and this node list different nodes, weights or arbiters in ha.cf; make the files equal and restart the one that was wrong", x.Name)
			return
		}
		y.Disk = r.promises[x.Name].Disk
		v[x.Name] = y
	}
	m.adopt(&Snapshot{Seq: m.rep.seq, Meta: newMeta(v), App: m.rep.app.Snapshot()})
}

func (m *Machine) onFetch(p *peer, msg *Fetch) {
	// Nothing below the promise and nothing of the promised ballot itself was
	// taken over since the promise, so this is the state it spoke of.
	if m.joined == msg.Ballot && m.promised == msg.Ballot && m.stamped.Less(msg.Ballot) && !m.rep.diverged {
		m.send(p.name, &State{Ballot: msg.Ballot, Stamped: m.stamped, Snapshot: m.rep.snapshot()})
	}
}

func (m *Machine) onState(p *peer, msg *State) {
	r := m.round
	if r != nil && r.ballot == msg.Ballot && m.joined == msg.Ballot && r.fetching == p.name && r.sync == nil {
		if best := r.promises[p.name]; best.Stamped == msg.Stamped && best.Seq == msg.Snapshot.Seq {
			m.adopt(&msg.Snapshot)
		}
		return
	}
	m.takeWhole(p, msg)
}
