package agree

// tie reports whether these voters have quorum only because a plug-in breaks
// their tie.
func (m *Machine) tie(in func(string) bool) bool {
	for _, v := range []Voters{m.voters(), m.prior()} {
		if have, total := v.Votes(in); total > 0 && 2*have <= total {
			return true
		}
	}
	return false
}

// vetoed reports whether a tie must not be broken: ping nodes are configured,
// and none has answered for half a deadtime. Ping only ever takes quorum away.
func (m *Machine) vetoed(in func(string) bool) bool {
	if !m.cfg.Ping || !m.tie(in) {
		return false
	}
	end := m.lastPong + m.t.d/2
	m.wake(end)
	return m.now >= end
}

// Pinged tells that a ping node answered at that time.
func (m *Machine) Pinged(now, at int64) {
	m.advance(now)
	m.lastPong = max(m.lastPong, min(at, m.now))
	m.settle()
}
