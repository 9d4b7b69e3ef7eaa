package agree

import "slices"

// number gives every known node its bit: its place among the sorted names.
func (m *Machine) number() {
	rows := map[*peer][]string{}
	for _, p := range m.order {
		rows[p] = m.list(p.row)
	}
	slices.Sort(m.names)
	m.bits, m.order, m.targetOK = map[string]uint64{}, m.order[:0], false
	for i, n := range m.names {
		m.bits[n] = 1 << i
		if p := m.peers[n]; p != nil {
			p.bit = 1 << i
			m.order = append(m.order, p)
		} else {
			m.self = 1 << i
		}
	}
	for p, row := range rows {
		p.row = m.mask(row)
	}
	m.seedDigest = SeedDigest(m.names)
}

// everyone is the set of all known nodes that were not removed.
func (m *Machine) everyone() uint64 {
	all := uint64(1)<<len(m.names) - 1
	for _, n := range m.rep.meta.Removed {
		all &^= m.bits[n]
	}
	return all
}

// learn makes a node known; false if there is no room for it.
func (m *Machine) learn(name string) bool {
	if m.bits[name] != 0 {
		return true
	}
	if name == "" || len(name) > maxName || len(m.names) == maxNodes {
		m.say("full", "%s is not admitted: there are %d nodes, no more are possible", name, maxNodes)
		return false
	}
	// It was given no echo in this life: what a promise says of it starts there.
	m.peers[name] = &peer{name: name, conf: m.start}
	m.names = append(m.names, name)
	m.number()
	m.event(KnownEvent{Name: name})
	return true
}

// learnVoters makes the voters of the state known, and forgets what those that
// were removed have said.
func (m *Machine) learnVoters() {
	for _, n := range m.rep.meta.Voters.Names() {
		m.learn(n)
	}
	for _, p := range m.order {
		if p.alive && m.wasRemoved(p.name) {
			m.dead(p, "removed from the cluster")
		}
	}
	m.targetOK, m.viewOld = false, true
	if !m.listed(m.ownList, m.cfg.Autojoin) {
		m.say("list of "+m.cfg.Self, "ha.cf of this node %s", m.foreignList())
	}
}

// Shun leaves a node out of this node's view of who is heard, for the duration
// in nanoseconds or until it restarts: it beats, and does not do its part.
func (m *Machine) Shun(now int64, name string, d int64) {
	m.advance(now)
	p := m.peers[name]
	switch {
	case p == nil || !p.alive:
	case !m.quorate(m.row() &^ p.bit):
		m.say("shun "+name, "%s beats, but it does not answer; it is not left out of the view, for without it there is no quorum", name)
	default:
		p.shunned = m.now + d
		m.beatNow, m.targetOK = true, false
		m.wake(p.shunned)
		m.note(true, "%s is left out of the view for %d s, or until it restarts: it beats, but it does not answer", name, d/1e9)
	}
	m.settle()
}
