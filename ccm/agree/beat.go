package agree

import "fmt"

// newLife notes that a node has restarted: a death and a join, never a hiccup.
// What it confirmed stays: its promise is on its disk, and its new life counts
// our echoes from its start.
func (m *Machine) newLife(p *peer, inc uint64) {
	if p.alive {
		m.dead(p, "restarted")
	}
	m.targetOK = false
	p.inc = inc
	p.sent, p.shunned = -1<<62, 0
	p.row, p.open = 0, Ballot{}
}

// detect declares nodes dead that were silent for deadtime, never sooner.
func (m *Machine) detect() {
	for _, p := range m.order {
		if !p.alive {
			continue
		}
		if m.now-p.heard >= m.t.d {
			m.dead(p, fmt.Sprintf("no beat for %d ms", (m.now-p.heard)/1e6))
			continue
		}
		m.wake(p.heard + m.t.d)
	}
}

func (m *Machine) dead(p *peer, why string) {
	p.alive, p.row, p.open = false, 0, Ballot{}
	m.beatNow, m.targetOK = true, false
	m.event(PeerEvent{Name: p.name, Incarnation: p.inc, Alive: false, Reason: why})
}

func (m *Machine) onBeat(p *peer, b *Beat, at int64) {
	if b.Sent <= p.sent && p.ever {
		return // over another link, or late
	}
	at = min(at, m.now)
	if !p.alive {
		if m.now-at >= m.t.d {
			return
		}
		p.alive, p.since, m.targetOK = true, m.now, false
		m.arrived()
		m.event(PeerEvent{Name: p.name, Incarnation: p.inc, Alive: true, Reason: "beats"})
	}
	p.ever, p.extended = true, false
	p.heard = max(p.heard, at)
	p.sent = b.Sent
	if m.stamped.Less(b.Stamped) {
		// It has a newer state: whom it hears may be voters that came since.
		for _, n := range b.Row {
			m.learn(n)
		}
	}
	row := m.mask(b.Row)
	if len(b.Row) == 0 && b.Seed == m.seedDigest {
		row = b.Mask & m.everyone()
	}
	if row != p.row || b.Stamped != p.stamped || b.Disk != p.disk || b.List != p.list || b.Free != p.free {
		p.row, m.targetOK = row, false
	}
	p.list, p.free = b.List, b.Free
	if !m.listed(b.List, b.Free) {
		m.say("list of "+p.name, "ha.cf of %s %s", p.name, m.foreignList())
	} else if m.said["list of "+p.name] != "" {
		delete(m.said, "list of "+p.name)
		m.note(false, "ha.cf of %s names what the cluster has agreed on: it counts again", p.name)
	}
	p.promised, p.stamped, p.open, p.disk, p.config, p.unfit = b.Promised, b.Stamped, b.Open, b.Disk, b.Config, b.Unfit
	m.maxSeen = max(m.maxSeen, b.Promised.Number)
	if hasMember(m.promisedM, p.name) { // rule 26
		p.conf, p.released = m.now, false
		m.datagram(p.name, &Echo{Incarnation: p.inc, Sent: b.Sent, Promised: m.promised})
	}
	if m.planted(PlantHearLease) {
		p.hasEcho, p.echo, p.echoB = true, m.now, b.Promised
	}
	if !b.Open.IsZero() && b.Open.Proposer == p.name {
		m.onOpen(p, b.Open)
	}
}

// fewNodes is up to how many nodes every change is told at once.
const fewNodes = 8

// arrived lets a node that is new here know that it is heard: at once, but in a
// large cluster that starts all together a little later, for many in one beat.
func (m *Machine) arrived() {
	if len(m.names) <= fewNodes {
		m.beatNow = true
		return
	}
	m.nextBeat = min(m.nextBeat, m.now+m.t.k/40)
}

func (m *Machine) onEcho(p *peer, e *Echo) {
	if e.Incarnation != m.cfg.Incarnation || e.Sent > m.now || p.hasEcho && e.Sent <= p.echo {
		return
	}
	p.hasEcho, p.echo, p.echoB = true, e.Sent, e.Promised
	if m.planted(PlantRecvBase) {
		p.echo = m.now
	}
	m.maxSeen = max(m.maxSeen, e.Promised.Number)
}

// settleBeat sends a beat when it is due, or at once when something changed
// that the others need.
func (m *Machine) settleBeat() {
	// In a large cluster much changes at once, and beats about it that leave at
	// once would keep all nodes busy with nothing else: they wait for one another.
	if m.beatNow && m.now < m.nextBeat && len(m.names) > fewNodes {
		if soon := m.lastBeat + m.t.k/4; m.now < soon {
			m.wake(soon)
			m.wake(m.nextBeat)
			return
		}
	}
	if m.beatNow || m.now >= m.nextBeat {
		m.lastBeat = m.now
		routine := !m.beatNow
		m.beatNow = false
		if m.now >= m.nextBeat {
			m.nextBeat = max(m.nextBeat+m.t.k, m.now+m.t.k/2)
		}
		b := &Beat{Sent: m.now, Row: m.rowNames(), Mask: m.row(), Seed: m.seedDigest, Promised: m.promised, Stamped: m.stampedHere(), Disk: m.cfg.Disk, Config: m.cfg.ConfigDigest, Unfit: m.unfit, List: m.ownList, Free: m.cfg.Autojoin, Routine: routine}
		if m.leads() {
			b.Open = m.round.ballot
		}
		m.datagram("", b)
	}
	m.wake(m.nextBeat)
}

// stampedHere is the stamp of the state this node can offer.
func (m *Machine) stampedHere() Ballot {
	if m.rep.diverged {
		return Ballot{}
	}
	return m.stamped
}

// row is the set of nodes this node hears, itself included. Those it shuns are
// left out.
func (m *Machine) row() uint64 {
	r := m.self
	for _, p := range m.order {
		if p.alive && p.shunned <= m.now {
			r |= p.bit
		}
	}
	return r
}

// maxRowBytes is how long the names of a row may be in a datagram.
const maxRowBytes = 700

// rowNames is the row for a beat, or nothing if it does not fit: then only
// nodes with an equal list of nodes understand the row.
func (m *Machine) rowNames() []string {
	names := m.list(m.row())
	size := 0
	for _, n := range names {
		size += len(n) + 1
	}
	if size > maxRowBytes {
		return nil
	}
	return names
}

// mask turns names into a set; names not configured here are left out.
func (m *Machine) mask(names []string) uint64 {
	var r uint64
	for _, n := range names {
		r |= m.bits[n]
	}
	return r
}

// list turns a set into names, sorted.
func (m *Machine) list(set uint64) []string {
	var names []string
	for i, n := range m.names {
		if set>>i&1 == 1 {
			names = append(names, n)
		}
	}
	return names
}
