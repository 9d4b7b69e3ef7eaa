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
	synced map[string]bool
	open   bool
	// Changes of the open view.
	acked     map[string]uint64
	tail      []Change // not yet acknowledged by all
	commit    uint64
	oldVoters Voters // V before the change of V that is under way, or nil
	pending   []pendingProposal

	resendAt, resendEvery int64
	strayed               map[string]int64 // members that promised above, since when
	certifiedAt           int64            // when all outside were last certified, for readmit
}

type heldPropose struct {
	p     *Propose
	until int64
}

// leads reports whether this node is the DC of an open view (rules 17, 28).
func (m *Machine) leads() bool {
	return m.round != nil && m.round.open && m.round.ballot == m.joined && m.promised == m.joined && m.stamped == m.joined
}

// think proposes a view if another one is wanted (rule 15). The first in rank
// does so at once, the next ones after a deadtime each, should it be stuck.
func (m *Machine) think() {
	set := m.target()
	if m.planted(PlantAnyTarget) {
		m.thinkAtRandom(set)
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
	if set != 1<<len(m.names)-1 {
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
		set = m.rng.Uint64()&(1<<len(m.names)-1) | m.self
	}
	ms := m.members(set)
	if !slices.ContainsFunc(ms, func(x Member) bool { return x.Incarnation == 0 }) {
		m.propose(ms)
	}
}

// content reports whether what is agreed, or about to be, is what is wanted.
func (m *Machine) content(ms []Member) bool {
	if m.joined.IsZero() || m.joined != m.promised || !sameMembers(m.promisedM, ms) || m.spoiled == m.joined {
		return false
	}
	if r := m.round; r != nil && r.ballot == m.joined {
		if !r.open {
			m.wake(r.since + m.roundTime())
			return m.now < r.since+m.roundTime()
		}
		return !m.strayed()
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

// promise is the answer to the promised ballot.
func (m *Machine) promise() *Promise {
	p := &Promise{Ballot: m.promised, Stamped: m.stampedHere(), Seq: m.rep.seq, Disk: m.cfg.Disk, Seed: SeedDigest(m.names), Ages: map[string]int64{}}
	if m.rep.diverged {
		p.Seq, p.Disk, p.Seed = 0, "", 0
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

func (m *Machine) onPropose(p *peer, msg *Propose) {
	b := msg.Ballot
	if b.Proposer != p.name {
		return
	}
	m.maxSeen = max(m.maxSeen, b.Number)
	if b == m.promised && b == m.joined {
		m.send(p.name, m.promise()) // our answer was lost
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
		if sameMembers(want, h.p.Members) || m.planted(PlantAnyTarget) {
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
	return best
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
	for _, x := range r.members {
		if r.promises[x.Name].Seed != r.promises[m.cfg.Self].Seed || m.rep.diverged {
			m.abandon("%s and this node list different nodes in ha.cf; make the files equal", x.Name)
			return
		}
	}
	v := m.seedVoters()
	for _, x := range r.members {
		y := v[x.Name]
		y.Disk = r.promises[x.Name].Disk
		v[x.Name] = y
	}
	m.adopt(&Snapshot{Seq: m.rep.seq, Meta: Meta{Voters: v, Born: map[string]Birth{}}, App: m.rep.app.Snapshot()})
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

// adopt takes the newest state over, stamps it with the ballot and hands it out
// (rule 18). A nil snapshot is this node's own state.
func (m *Machine) adopt(s *Snapshot) {
	r := m.round
	v := m.rep.meta.Voters
	if s != nil {
		v = s.Meta.Voters
	}
	counts := func(n string) bool {
		p := r.promises[n]
		return p != nil && p.Disk != "" && p.Disk == v[n].Disk
	}
	if !m.cfg.Quorum.Has(v, counts) {
		m.abandon("%s (only stores that were admitted count)", m.cfg.Quorum.Sentence(v, counts))
		m.backoff = max(m.backoff, m.now+m.t.d)
		return
	}
	if s != nil {
		if err := m.rep.restore(s); err != nil {
			m.abandon("the newest state cannot be taken over: %v", err)
			return
		}
	}
	m.stamped, m.targetOK = r.ballot, false
	born := map[string]Birth{}
	for _, x := range r.members {
		if b, ok := m.rep.meta.Born[x.Name]; ok && b.Incarnation == x.Incarnation {
			born[x.Name] = b
		} else {
			born[x.Name] = Birth{Incarnation: x.Incarnation, Number: r.ballot.Number}
		}
	}
	m.rep.meta.Born = born
	snap := m.persistWhole()
	r.sync = &Sync{Ballot: r.ballot, Snapshot: snap, Digest: m.rep.digest()}
	r.synced[m.cfg.Self] = true
	r.since, r.fetching = m.now, ""
	for _, x := range r.members {
		if x.Name == m.cfg.Self {
			continue
		}
		m.sendSync(x.Name, m.hasSame(x.Name))
	}
	m.resendIn(max(m.t.k, m.t.d/2) + int64(len(snap.App))*100)
	m.tryOpen()
}

// persistWhole writes the present state and stamp.
func (m *Machine) persistWhole() Snapshot {
	snap := m.rep.snapshot()
	b := m.stamped
	m.out.Write.Stamp, m.out.Write.Snapshot, m.out.Write.Changes = &b, &snap, nil
	return snap
}

// hasSame reports whether a member had the newest state already when it
// promised (equal stamp and number: equal state).
func (m *Machine) hasSame(name string) bool {
	p, best := m.round.promises[name], m.round.promises[m.newest()]
	return !p.Stamped.IsZero() && p.Stamped == best.Stamped && p.Seq == best.Seq && !m.planted(PlantNoStamp|PlantDupSync)
}

func (m *Machine) sendSync(to string, same bool) {
	s := *m.round.sync
	if same {
		s.Same, s.Snapshot.App = true, nil
	}
	m.send(to, &s)
}

func (m *Machine) onSync(p *peer, msg *Sync) {
	b := msg.Ballot
	if m.joined != b || m.promised != b || b.Proposer != p.name {
		return
	}
	if m.stamped.Less(b) || m.planted(PlantDupSync) { // rule 19
		if !m.takeSync(msg) {
			if msg.Same {
				m.send(p.name, &Synced{Ballot: b, Need: true})
			}
			return
		}
		m.stamped = b
		m.persistWhole()
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
	if m.joined == b && m.promised == b && m.stamped == b && b.Proposer == p.name && m.inst != b {
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
