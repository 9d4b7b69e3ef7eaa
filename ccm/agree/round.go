package agree

import "slices"

// round is a ballot of this node's own: first a proposal, then an open view.
type round struct {
	ballot  Ballot
	members []Member
	since   int64 // when it was proposed or last got on
	// Promises, with the time they came.
	promises map[string]*Promise
	gotAt    map[string]int64
	fetching string // the promiser whose state is on its way, or ""
	// Handing out the state.
	sync   *Sync
	whole  bool // sync holds the whole state, not only what is new for who has it
	synced map[string]bool
	open   bool
	// Changes of the open view.
	acked     map[string]uint64
	tail      []Change // not yet acknowledged by all
	commit    uint64
	gotOn     int64  // when all had acknowledged more, or nothing was left
	oldVoters Voters // V before the change of V that is under way, or nil
	pending   []pendingProposal
	// joint: all members have the change of V that is not settled, since jointAt.
	joint   bool
	jointAt int64

	resendAt, resendEvery int64
	strayed               map[string]int64 // members that promised above, since when
	certifiedAt           int64            // when all outside were last certified, for readmit
}

// leads reports whether this node is the DC of an open view (rules 17, 28).
func (m *Machine) leads() bool {
	return m.round != nil && m.round.open && m.round.ballot == m.joined && m.promised == m.joined && m.stamped == m.joined
}

// think proposes a view if another one is wanted (rule 15). The first in rank
// does so at once, the next ones after a deadtime each, should it be stuck.
func (m *Machine) think() {
	if m.isArbiter(m.cfg.Self) {
		return // it votes, it never decides
	}
	set := m.target()
	if m.planted(PlantAnyTarget) {
		m.thinkAtRandom(set)
		return
	}
	if m.planted(PlantDirected) && !m.inst.IsZero() {
		return
	}
	ms := m.members(set)
	if !m.quorate(set) || m.content(ms) {
		m.wantSet = false
		return
	}
	if m.arriving(set) {
		return
	}
	if !m.wantSet {
		m.wantSet, m.want = true, m.now
	}
	at := max(m.want+int64(m.rank(ms))*m.t.d, m.backoff)
	if m.now < at {
		m.wake(at)
		return
	}
	m.propose(ms)
}

// arriving reports whether nodes that are heard, but not yet both ways, may
// just be coming: then a view without them would only be the first of two. For
// a quarter of a beat's period after one arrived, and for a period after the
// start. Failures do not wait for it: the dead are not heard.
func (m *Machine) arriving(set uint64) bool {
	end := int64(-Never)
	if set != m.everyone() {
		end = m.start + m.t.k + m.t.k/4
	}
	if set != m.row() {
		for _, p := range m.order {
			if p.alive {
				end = max(end, p.since+m.t.k/4)
			}
		}
	}
	m.wake(end)
	return m.now < end
}

// thinkAtRandom proposes some set once in 25 beats.
func (m *Machine) thinkAtRandom(set uint64) {
	if m.now < m.nextBeat || m.rng.IntN(25) != 0 {
		return
	}
	if m.rng.IntN(2) == 0 {
		set = m.rng.Uint64()&m.everyone() | m.self
	}
	ms := m.members(set)
	if !slices.ContainsFunc(ms, func(x Member) bool { return x.Incarnation == 0 }) {
		m.propose(ms)
	}
}

// ProposeView makes this node propose a view of itself and these nodes, whether or
// not it is what it wants: for tests with [PlantDirected]. It reports whether all
// of them have been heard of, for only then it can.
func (m *Machine) ProposeView(now int64, names []string) bool {
	m.advance(now)
	ms := m.members(m.mask(names) | m.self)
	if m.leaving != nil || slices.ContainsFunc(ms, func(x Member) bool { return x.Incarnation == 0 }) {
		return false
	}
	m.propose(ms)
	m.settle()
	return true
}

// content reports whether what is agreed, or about to be, is what is wanted.
func (m *Machine) content(ms []Member) bool {
	if m.joined.IsZero() || m.joined != m.promised || !sameMembers(m.promisedM, ms) || m.spoiled == m.joined {
		return false
	}
	if m.inst == m.joined && m.isUnfit(m.joined.Proposer) && slices.ContainsFunc(ms, func(x Member) bool { return !m.isUnfit(x.Name) }) {
		return false
	}
	if r := m.round; r != nil && r.ballot == m.joined {
		if !r.open {
			m.wake(r.since + m.roundTime())
			return m.now < r.since+m.roundTime()
		}
		return !m.strayed() && !m.lagging()
	}
	if m.joined.Proposer == m.cfg.Self {
		return false // given up
	}
	if m.inst == m.joined {
		// The DC lives, or it would not be wanted; has it moved on?
		p := m.peers[m.joined.Proposer]
		return p != nil && (p.promised.IsZero() || !m.joined.Less(p.promised))
	}
	m.wake(m.joinedAt + 2*m.roundTime())
	return m.now < m.joinedAt+2*m.roundTime()
}

// strayed reports whether a member has promised a higher ballot whose round
// does not get on.
func (m *Machine) strayed() bool {
	r := m.round
	for _, x := range r.members {
		p := m.peers[x.Name]
		if p == nil || !p.alive || !r.ballot.Less(p.promised) {
			delete(r.strayed, x.Name)
			continue
		}
		since, ok := r.strayed[x.Name]
		if !ok {
			since = m.now
			r.strayed[x.Name] = since
		}
		if m.now >= since+m.t.k {
			return true
		}
		m.wake(since + m.t.k)
	}
	return false
}

// lagging reports whether a member that beats has not acknowledged a change for
// so long that only a new ballot, with the whole state, can help.
func (m *Machine) lagging() bool {
	r := m.round
	return len(r.tail) > 0 && m.now > r.gotOn+4*m.roundTime()
}

// roundTime is how long a round may make no progress: deadtime, and more for a
// state that takes long on the wire (1 MB/s).
func (m *Machine) roundTime() int64 {
	t := m.t.d
	if r := m.round; r != nil && r.sync != nil {
		t += int64(len(r.sync.Snapshot.App)) * 1000
	}
	return t
}

// propose starts a round (rule 16).
func (m *Machine) propose(ms []Member) {
	if r := m.round; r != nil && !r.open && r.ballot == m.joined && sameMembers(r.members, ms) {
		m.abandon("no answer from all within %d ms", m.roundTime()/1e6)
		if m.wake(m.backoff); m.now < m.backoff {
			return
		}
	}
	m.stepDown()
	b := Ballot{Number: max(m.maxSeen, m.promised.Number) + 1, Proposer: m.cfg.Self}
	m.backoff = m.now + m.t.k/4
	m.bind(b, ms)
	m.round = &round{ballot: b, members: ms, since: m.now, promises: map[string]*Promise{}, gotAt: map[string]int64{},
		synced: map[string]bool{}, acked: map[string]uint64{}, strayed: map[string]int64{}, certifiedAt: -Never}
	m.resendIn(m.t.k / 2)
	m.note(false, "proposing view %v with %s", b, memberNames(ms))
	for _, x := range ms {
		if x.Name != m.cfg.Self {
			m.send(x.Name, m.proposal())
		}
	}
	m.onPromise(m.cfg.Self, m.promise())
}

func (m *Machine) proposal() *Propose {
	return &Propose{Ballot: m.round.ballot, Members: m.round.members, Row: m.list(m.row())}
}

// bind persists a promise and joins it. From here on nothing below is
// acknowledged or obeyed, and leases are confirmed to its members only.
func (m *Machine) bind(b Ballot, ms []Member) {
	m.promised, m.promisedM = b, slices.Clone(ms)
	m.joined, m.joinedAt = b, m.now
	m.maxSeen = max(m.maxSeen, b.Number)
	m.out.Write.Promise = &PromiseWrite{Ballot: b, Members: m.promisedM}
	m.beatNow, m.held, m.targetOK = true, nil, false
}

// stepDown ends this node's own round; who waits for a change is told so.
func (m *Machine) stepDown() {
	if m.round == nil {
		return
	}
	m.failPending(ErrUnknown)
	if !m.planted(PlantNoBind) || !m.round.open {
		m.round = nil
	}
}

// abandon gives up a round that did not open.
func (m *Machine) abandon(format string, args ...any) {
	m.note(true, "view %v not formed: "+format, append([]any{m.round.ballot}, args...)...)
	m.delay()
	m.stepDown()
}

// delay backs off after a round that failed: a keepalive and a random part,
// doubled up to 16 times while the same set keeps failing.
func (m *Machine) delay() {
	if !slices.Equal(m.failedM, m.round.members) {
		m.failedM, m.failures = m.round.members, 0
	}
	m.backoff = m.now + (m.t.k+m.rng.Int64N(m.t.k))<<min(m.failures, 4)
	m.failures++
}
