package agree

import (
	"fmt"
	"slices"
)

// Lease is this node's right to run resources, in the machine's time.
type Lease struct {
	Valid bool
	// Base is the latest own send time whose beat a quorum has echoed (rule 27).
	Base int64
	// Stop is when stopping starts, Release when everything is released.
	Stop, Release int64
}

// Lease returns the state of the lease.
func (m *Machine) Lease() Lease {
	l := Lease{Valid: m.leaseValid(), Base: m.base}
	if m.hasBase {
		l.Stop, l.Release = m.base+m.t.l, m.base+m.t.l+m.t.s
	}
	return l
}

func (m *Machine) leaseValid() bool {
	return m.hasBase && m.now < m.base+m.t.l && m.leaving == nil
}

// renewLease computes the base (rule 27): echoes of any ballot count, by name.
func (m *Machine) renewLease() {
	if m.inst.IsZero() && !m.hasBase && m.stamped.IsZero() {
		return
	}
	if alone := func(n string) bool { return n == m.cfg.Self }; m.has(alone) && !m.isRemoved() {
		at := m.now
		if m.cfg.Ping && m.tie(alone) {
			at = m.lastPong // the tie is broken by who answers a ping, and for no longer
			if m.vetoed(alone) {
				at = -Never
			}
		}
		if !m.inst.IsZero() && (!m.hasBase || at > m.base) && at > -Never {
			m.hasBase, m.base = true, at
		}
		if at == m.now {
			return
		}
	}
	var times []int64
	for _, p := range m.order {
		if p.hasEcho {
			times = append(times, p.echo)
		}
	}
	slices.Sort(times)
	for _, t := range slices.Backward(times) {
		if m.hasBase && t <= m.base {
			return
		}
		if m.has(func(n string) bool { return n == m.cfg.Self || m.echoed(n, t) }) {
			m.hasBase, m.base = true, t
			return
		}
	}
}

// echoed reports whether the node echoed a beat sent at t or later.
func (m *Machine) echoed(name string, t int64) bool {
	p := m.peers[name]
	return p != nil && p.hasEcho && p.echo >= t
}

// echoedIn is echoed, and the echo carried the ballot.
func (m *Machine) echoedIn(name string, t int64, b Ballot) bool {
	return m.echoed(name, t) && m.same(m.peers[name].echoB, b)
}

// settleLease notes when the lease begins or ends.
func (m *Machine) settleLease() {
	ok := m.leaseValid()
	if ok {
		m.wake(m.base + m.t.l)
	}
	if ok != m.leaseOK {
		m.leaseOK = ok
		m.event(LeaseEvent{Lease: m.Lease()})
	}
}

// MayStart says whether a start or promote commanded in the view b may execute
// now (rule 28): nil, [ErrStale] or [ErrLease]. The caller checks besides that
// the command's serial is new.
func (m *Machine) MayStart(now int64, b Ballot) error {
	m.advance(now)
	if m.planted(PlantNoCheck) {
		return nil
	}
	bound := m.same(b, m.promised) && m.same(b, m.joined) || m.planted(PlantTokenInstalled)
	if b.IsZero() || !bound || b != m.inst || m.leaving != nil {
		return fmt.Errorf("commanded in view %v, this node has promised %v and installed %v: %w", b, m.promised, m.inst, ErrStale)
	}
	if !m.leaseValid() {
		return fmt.Errorf("no quorum has confirmed this node for %d ms: %w", m.t.l/1e6, ErrLease)
	}
	// Sent is at least now - L + 1: "younger than L".
	in := func(n string) bool {
		return n == m.cfg.Self || m.echoedIn(n, m.now-m.t.l+1, b) || m.planted(PlantAnyBallot) && m.echoed(n, m.now-m.t.l+1)
	}
	if !m.has(in) {
		return fmt.Errorf("not confirmed in view %v: %s: %w", b, m.sentence(in), ErrLease)
	}
	return nil
}

// check is a question that needs a round of echoes: a certificate (rule 29) or
// a linearizable read (rule 25).
type check struct {
	token   uint64
	ballot  Ballot
	certify bool
	own     bool // asked by this machine itself, for readmit
	tau     int64
	sent    bool
}

// Certify asks which nodes outside the view b have provably let go. The
// [CheckEvent] comes when all of them have, which is at most one takeover time
// after the view opened, and answers for one decision; or with [ErrStale] when
// the view is lost.
func (m *Machine) Certify(now int64, token uint64, b Ballot) {
	m.advance(now)
	m.checks = append(m.checks, &check{token: token, ballot: b, certify: true})
	m.settle()
}

// Confirm asks whether this node is still the DC of the view b now: the
// [CheckEvent] tells that a state read before it is the latest (rule 25).
func (m *Machine) Confirm(now int64, token uint64, b Ballot) {
	m.advance(now)
	m.checks = append(m.checks, &check{token: token, ballot: b})
	m.settle()
}

// Forget drops a question that nobody waits for any more.
func (m *Machine) Forget(token uint64) {
	m.checks = slices.DeleteFunc(m.checks, func(c *check) bool { return c.token == token && !c.own })
}

func (m *Machine) settleChecks() {
	m.settleVoters()
	m.readmit()
	m.elect()
	m.checks = slices.DeleteFunc(m.checks, m.answer)
}

// answer works on one question and reports whether it is done with.
func (m *Machine) answer(c *check) bool {
	if !m.leads() || m.joined != c.ballot || m.spoiled == m.joined {
		if !c.own {
			m.event(CheckEvent{Token: c.token, Err: fmt.Errorf("view %v: %w", c.ballot, ErrStale)})
		}
		return true
	}
	var lost []string
	if c.certify {
		lost = m.outside()
	}
	if !c.sent {
		for _, x := range lost {
			if at, ok := m.looksExpired(x); !ok {
				m.wake(at)
				return false
			}
		}
		c.tau, c.sent, m.beatNow = m.now, true, true
	}
	if c.certify {
		if len(lost) > 0 && m.planted(PlantNoCert) {
			lost = nil
		}
		for _, x := range lost {
			if !m.expired(x, c.tau) {
				return false
			}
		}
	} else if !m.has(func(n string) bool { return n == m.cfg.Self || m.echoedIn(n, c.tau, m.joined) }) {
		return false
	}
	if c.own {
		m.round.certifiedAt = m.now
		m.settleVoters()
		m.readmit()
		m.elect()
		return true
	}
	e := CheckEvent{Token: c.token}
	if c.certify {
		e.Expired = m.outside()
	}
	m.event(e)
	return true
}

// certified reports whether all nodes outside the view were certified in this
// very moment, and asks for it otherwise.
func (m *Machine) certified(r *round) bool {
	if r.certifiedAt == m.now {
		return true
	}
	if !slices.ContainsFunc(m.checks, func(c *check) bool { return c.own }) {
		m.checks = append(m.checks, &check{ballot: r.ballot, certify: true, own: true})
	}
	return false
}

// outside lists the nodes and voters that are not members of the own round and
// could hold a lease: not arbiters, which run nothing, and not those that were
// removed, which happens only once they have none.
func (m *Machine) outside() []string {
	prior := m.prior()
	names := slices.Concat(m.voters().Names(), prior.Names(), m.names)
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(n string) bool {
		_, former := prior[n]
		return hasMember(m.round.members, n) || m.isArbiter(n) || m.wasRemoved(n) && !former
	})
}

// age is how long before its promise the member last gave x an echo.
func (m *Machine) age(member, x string) int64 {
	p := m.round.promises[member]
	if age, ok := p.Ages[x]; ok {
		return age
	}
	return p.Since
}

// young reports whether the member's last echo to x may still hold a lease of
// x at the time at.
func (m *Machine) young(member, x string, at int64) bool {
	age := m.age(member, x)
	return age < Never && age+(at-m.round.gotAt[member]) < m.t.t
}

// holds reports whether the voters for which young is true, with all outside
// the view, could still confirm a lease of a node outside (rule 29).
func (m *Machine) holds(young func(member string) bool) bool {
	if m.planted(PlantDCOnly) {
		return young(m.cfg.Self)
	}
	if !m.meets() {
		// The other half confirms itself. All that is known is that nobody here
		// confirmed it for a takeover time: exclusion is not guaranteed.
		return slices.ContainsFunc(m.round.members, func(x Member) bool { return young(x.Name) })
	}
	return m.hasAny(func(n string) bool { return !hasMember(m.round.members, n) || young(n) })
}

// looksExpired reports whether x looks expired by the ages that came with the
// promises; otherwise when to look again.
func (m *Machine) looksExpired(x string) (int64, bool) {
	if !m.holds(func(n string) bool { return m.young(n, x, m.now) }) {
		return 0, true
	}
	at := m.now + m.t.k
	for _, y := range m.round.members {
		age := m.age(y.Name, x)
		if end := m.round.gotAt[y.Name] + m.t.t - age; age < Never && end > m.now {
			at = min(at, end)
		}
	}
	return at, false
}

// expired reports whether x is expired: as above at tau, and everybody counted
// on has echoed a beat sent since with the own ballot, so that it has promised
// nothing later that could have revived x.
func (m *Machine) expired(x string, tau int64) bool {
	return !m.holds(func(n string) bool {
		return m.young(n, x, tau) || n != m.cfg.Self && !m.echoedIn(n, tau, m.joined)
	})
}
