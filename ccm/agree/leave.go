package agree

// leave is a planned stop under way.
type leave struct {
	released bool
	left     map[string]bool
	nextAt   int64
}

// Leave announces a planned stop, so that the others form the next view at
// once. With released, the caller promises that this node runs nothing any
// more and starts nothing in this life: its lease counts as over. The machine
// takes part in nothing afterwards; [Machine.LeaveDone] tells when all others
// know.
func (m *Machine) Leave(now int64, released bool) {
	m.advance(now)
	if m.leaving == nil {
		m.leaving = &leave{released: released, left: map[string]bool{}, nextAt: m.now}
		m.stepDown()
		m.round, m.held = nil, nil
		m.joined = Ballot{}
	}
	m.settle()
}

// LeaveDone reports whether every node heard has answered.
func (m *Machine) LeaveDone() bool {
	if m.leaving == nil {
		return false
	}
	for _, p := range m.order {
		if p.alive && !m.leaving.left[p.name] {
			return false
		}
	}
	return true
}

func (m *Machine) settleLeave() {
	if m.LeaveDone() {
		return
	}
	if m.now >= m.leaving.nextAt {
		m.leaving.nextAt = m.now + m.t.k/2
		m.datagram("", &Leaving{Released: m.leaving.released})
	}
	m.wake(m.leaving.nextAt)
}

func (m *Machine) onLeaving(p *peer, msg *Leaving) {
	m.datagram(p.name, &Left{Incarnation: p.inc})
	p.left = p.inc
	if p.alive {
		m.dead(p, "left")
	}
	if msg.Released {
		// Everything this node ever confirmed was to lives up to this one.
		p.released = true
	}
}

func (m *Machine) onLeft(p *peer, msg *Left) {
	if m.leaving != nil && msg.Incarnation == m.cfg.Incarnation {
		m.leaving.left[p.name] = true
	}
}
