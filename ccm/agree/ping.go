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
// and none has answered for half a deadtime, or they answer again only since less
// than a takeover time: a node that gets its cables back must hear its peer
// before it takes anything. Ping only ever takes quorum away.
func (m *Machine) vetoed(in func(string) bool) bool {
	if !m.cfg.Ping || !m.tie(in) {
		return false
	}
	end, begin := m.lastPong+m.t.d/2, m.pongSince+m.t.t
	m.wake(end)
	m.wake(begin)
	return m.now >= end || m.now < begin
}

// Pinged tells that a ping node answered at that time.
func (m *Machine) Pinged(now, at int64) {
	m.advance(now)
	at = min(at, m.now)
	if at > m.lastPong+m.t.d/2 {
		m.pongSince = at
	}
	m.lastPong = max(m.lastPong, at)
	m.settle()
}
