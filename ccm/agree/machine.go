package agree

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Sentinel errors of the inputs; package ccm gives them out under its own names.
var (
	// ErrNotDC indicates that the request belongs to the DC of an open view and
	// this node is not it.
	ErrNotDC = errors.New("this node is not the DC")
	// ErrNoQuorum indicates that the members of the view do not make a quorum.
	ErrNoQuorum = errors.New("no quorum")
	// ErrUnknown indicates that the view was lost before the outcome of a change
	// was known; a retry with the same request id is answered once.
	ErrUnknown = errors.New("outcome unknown")
	// ErrLease indicates that this node's right to run resources has run out or
	// is not confirmed in this view.
	ErrLease = errors.New("lease not valid")
	// ErrStale indicates that a command carries the token of an older view.
	ErrStale = errors.New("view is no longer the installed one")
	// ErrVoters indicates a change of the electorate that is refused.
	ErrVoters = errors.New("the voters stay as they are")
	// ErrConfig indicates a [Config] or [Stored] that cannot be started from.
	ErrConfig = errors.New("cannot start")
)

// Config is what a machine needs to know for its whole life.
type Config struct {
	// Self is this node's name, one of Nodes.
	Self string
	// Nodes are all configured nodes and arbiters (ha.cf), at most 64. They seed
	// V; later V is a part of the state.
	Nodes []string
	// Weights are votes per node for the first V; DefaultWeight where missing.
	Weights map[string]int
	// Arbiters are those of Nodes that vote and run nothing. One of them is never
	// the proposer of a view.
	Arbiters []string
	// Autojoin admits nodes that are heard and not in Nodes, and lets this node
	// be one. It never readmits a node that was removed.
	Autojoin bool
	// Ping tells that ping nodes are configured: [Machine.Pinged] reports their
	// answers, and without one a tie is not broken.
	Ping bool
	// Incarnation differs between two lives of the daemon, higher in the later.
	Incarnation uint64
	// Disk identifies the store below this machine, not empty.
	Disk   string
	Quorum Quorum
	Timing Timing
	// ConfigDigest identifies ha.cf, for users only.
	ConfigDigest uint64
	// Seed feeds the random part of back-offs.
	Seed uint64
	// Plant leaves rules out. For tests of tests.
	Plant Plant
}

// Plant is a set of rules to leave out, so that a simulator can show that it
// notices. Nothing else may set it.
type Plant uint32

// Values of Plant.
const (
	// PlantNoBind: a promise does not bind changes of older ballots (rule 17).
	PlantNoBind Plant = 1 << iota
	// PlantNoStamp: the newest state is the one with the highest number of
	// changes, not the one last stamped (rule 18).
	PlantNoStamp
	// PlantDupSync: a repeated SYNC overwrites what came after it (rule 19).
	PlantDupSync
	// PlantNoCert: no round of echoes after a node looks expired (rule 29).
	PlantNoCert
	// PlantRestartAge: a node not seen since the start counts as lost long ago
	// (rule 29).
	PlantRestartAge
	// PlantNoCheck: starts execute without a confirmed lease (rule 28).
	PlantNoCheck
	// PlantHearLease: hearing a beat prolongs the lease (rule 27).
	PlantHearLease
	// PlantRecvBase: the lease counts from the arrival of the echo (rule 27).
	PlantRecvBase
	// PlantDCOnly: only the DC's own last echo counts (rule 29).
	PlantDCOnly
	// PlantNoJoint: other voters count at once, and alone (rule 23).
	PlantNoJoint
	// PlantAnyTarget breaks no rule that safety needs: sets are proposed and
	// promised at random, which reaches more interleavings than failures do.
	PlantAnyTarget
	// PlantAnyBallot: echoes of any ballot confirm a start (rule 28).
	PlantAnyBallot
	// PlantTokenInstalled: the installed view is obeyed whatever was promised
	// since (rule 28).
	PlantTokenInstalled
	// PlantDiskVote: a store counts whether or not it is the recorded one (rule 3).
	PlantDiskVote
	// PlantVoteTwice: the DC's own vote for a change counts twice (rule 22).
	PlantVoteTwice
	// PlantDirected breaks no rule that safety needs, either: a node that has
	// installed a view proposes only what [Machine.ProposeView] asks for, and any
	// proposal is promised.
	PlantDirected
	// PlantNoUniq: the number alone identifies a ballot, whoever proposed it (rule 1).
	PlantNoUniq
)

func (m *Machine) planted(p Plant) bool { return m.cfg.Plant&p != 0 }

// same reports whether two ballots are one.
func (m *Machine) same(a, b Ballot) bool {
	return a == b || m.planted(PlantNoUniq) && a.Number == b.Number
}

// Input is a message that arrived.
type Input struct {
	From string
	// Incarnation is the sender's life.
	Incarnation uint64
	// At is when it arrived, not later than now; beats count from there.
	At  int64
	Msg Message
}

// Envelope is a message to be sent.
type Envelope struct {
	// To is a node, or "" for all others.
	To string
	// Datagram may be lost and goes over every link; otherwise the message goes
	// over the reliable channel.
	Datagram bool
	Msg      Message
}

// Ready is what the caller must do now, in this order: make Write durable in
// one transaction, send Messages, deliver Events. A message to this node itself
// is not sent: it is given back to [Machine.Step] in its turn. The DC confirms
// its own write like that.
type Ready struct {
	Write    Write
	Messages []Envelope
	Events   []Event
}

// peer is another node as this machine knows it.
type peer struct {
	name string
	bit  uint64
	// inc is the newest life heard of, left the newest one that said good-bye.
	inc, left uint64
	ignored   uint64 // an older life that still speaks, to say so once
	// alive: beats came within deadtime; heard is the last one. ever: in this
	// life of ours, at any time.
	alive, ever bool
	since       int64 // alive since
	heard       int64
	extended    bool
	// The last beat.
	sent                    int64
	row                     uint64
	promised, stamped, open Ballot
	disk                    string
	config                  uint64
	unfit                   bool
	// list is the digest of its list of voters, free: it follows the cluster's.
	list uint64
	free bool
	// shunned until: it beats and does not do its part.
	shunned int64
	refused int64 // when a removed node was last told so
	// conf is when we last gave it an echo (rule 7); released tells that it has
	// let go of everything since.
	conf     int64
	released bool
	// echo is our newest send time that it echoed, with its promise (rule 8).
	hasEcho bool
	echo    int64
	echoB   Ballot
}

// Machine is the protocol on one node. See the package comment.
type Machine struct {
	cfg        Config
	t          periods
	now        int64
	start      int64
	due        int64    // what Next said last, to notice a late caller
	names      []string // every node known, sorted; the index is its bit
	self       uint64   // bit of this node
	bits       map[string]uint64
	seedDigest uint64 // of names
	ownList    uint64 // of the voters that ha.cf names
	peers      map[string]*peer
	order      []*peer // sorted by name
	rng        *rand.Rand

	// On disk (rule 4).
	promised  Ballot
	promisedM []Member
	stamped   Ballot
	rep       replica
	removed   Ballot // the state that told this node it was removed

	// In memory.
	joined   Ballot // rule 6
	joinedAt int64
	maxSeen  uint64
	round    *round        // what this node proposes or leads
	held     []heldPropose // by proposer
	want     int64         // since when another view is wanted, 0: it is not
	wantSet  bool
	backoff  int64
	failedM  []Member // what the last failed round proposed, and how often it failed
	failures int

	inst    Ballot // the installed view
	instM   []Member
	spoiled Ballot // a view that was without quorum in between: needs a new ballot
	view    View

	viewOld   bool // voters have changed since the view was told
	targetOK  bool // target below is what target() would find
	targetSet uint64
	// targetUntil is when the next node is not left out any more.
	targetUntil int64

	hasBase   bool
	base      int64
	leaseOK   bool
	leaving   *leave
	unfit     bool
	nextBeat  int64
	beatNow   bool
	lastBeat  int64
	checks    []*check
	electing  []electing
	lastPong  int64             // when a ping node answered last
	pongSince int64             // and since when they have without a pause
	said      map[string]string // notes on other nodes, said once
	nextTimer int64

	out Ready
	// early relies on no write of this node: see Early.
	early Ready
}

// periods are the Timing in nanoseconds.
type periods struct{ k, d, l, s, t, initdead int64 }

// New starts a machine from what is on disk. The app is restored.
func New(cfg Config, st Stored, app App, now int64) (*Machine, error) {
	m := &Machine{cfg: cfg, now: now, start: now, peers: map[string]*peer{}, said: map[string]string{}, lastPong: -Never}
	m.cfg.Nodes = slices.Sorted(slices.Values(cfg.Nodes))
	m.names = slices.Clone(m.cfg.Nodes)
	if cfg.Autojoin && !slices.Contains(m.names, cfg.Self) {
		m.names = append(m.names, cfg.Self)
	}
	switch {
	case len(m.names) > maxNodes:
		return nil, fmt.Errorf("%d nodes, at most %d are possible: %w", len(m.names), maxNodes, ErrConfig)
	case len(slices.Compact(slices.Sorted(slices.Values(m.names)))) != len(m.names):
		return nil, fmt.Errorf("a node is named twice in %v: %w", m.names, ErrConfig)
	case !slices.Contains(m.names, cfg.Self):
		return nil, fmt.Errorf("this node %q is not one of the configured nodes %v: %w", cfg.Self, m.names, ErrConfig)
	case cfg.Disk == "":
		return nil, fmt.Errorf("the store of %q has no identity: %w", cfg.Self, ErrConfig)
	case cfg.Timing.Beat <= 0:
		return nil, fmt.Errorf("timing is not set: %w", ErrConfig)
	}
	for _, n := range m.names {
		if n == "" || len(n) > maxName {
			return nil, fmt.Errorf("node name %q must have 1 to %d bytes: %w", n, maxName, ErrConfig)
		}
	}
	t := cfg.Timing
	m.t = periods{k: int64(t.Beat), d: int64(t.Deadtime), l: int64(t.Lease), s: int64(t.StopBound), t: int64(t.Takeover), initdead: int64(t.Initdead)}
	m.rng = rand.New(rand.NewPCG(cfg.Seed, cfg.Incarnation))
	for _, n := range m.names {
		if n != cfg.Self {
			m.peers[n] = &peer{name: n, conf: now}
		}
	}
	m.number()
	for _, n := range m.cfg.Arbiters {
		if !slices.Contains(m.cfg.Nodes, n) {
			return nil, fmt.Errorf("arbiter %q is not one of the configured nodes %v: %w", n, m.cfg.Nodes, ErrConfig)
		}
	}
	if err := m.seedVoters().check(); err != nil {
		return nil, err
	}
	m.ownList = m.seedVoters().list()
	m.promised, m.promisedM, m.stamped, m.removed = st.Promised, st.PromisedMembers, st.Stamped, st.Removed
	m.maxSeen = m.promised.Number
	m.rep.app, m.rep.noJoint = app, m.planted(PlantNoJoint)
	if err := m.load(st); err != nil {
		return nil, err
	}
	m.learnVoters()
	m.nextBeat, m.beatNow = now, true
	m.settle()
	return m, nil
}

// load restores the state and replays the changes after it.
func (m *Machine) load(st Stored) error {
	if st.Stamped.IsZero() {
		m.rep.meta = newMeta(Voters{})
		return nil
	}
	if m.promised.Less(st.Stamped) {
		return fmt.Errorf("the stored stamp %v is above the stored promise %v: %w", st.Stamped, st.Promised, ErrConfig)
	}
	if l, ok := m.rep.app.(Loader); ok {
		l.Loading(true)
		defer l.Loading(false)
	}
	if err := m.rep.restore(&st.Snapshot); err != nil {
		return fmt.Errorf("stored %w", err)
	}
	m.loadMeta(st.Meta)
	for i := range st.Changes {
		c := &st.Changes[i]
		if err := m.rep.apply(c); err != nil {
			return fmt.Errorf("stored change %d: %w", c.Seq, err)
		}
		m.loadMeta(st.Meta)
	}
	// The digest of a large state takes long; the last one tells of all before it.
	if n := len(st.Changes); n > 0 && !slices.Equal(st.Changes[n-1].Digest, m.rep.digest()) {
		m.rep.diverged = true
		m.note(true, "the stored changes up to %d give another state than they gave when they were made; this node does not count until it has taken over the state of the others", st.Changes[n-1].Seq)
	}
	return nil
}

// loadMeta takes the stored meta part when the replay has come to it.
func (m *Machine) loadMeta(at *MetaAt) {
	if at != nil && at.Seq == m.rep.seq {
		m.rep.meta = at.Meta.clone()
	}
}

// Tick tells the machine the time. It must be called when [Machine.Next] comes;
// calling it more often does no harm.
func (m *Machine) Tick(now int64) {
	m.advance(now)
	m.settle()
}

// Step handles a message.
func (m *Machine) Step(now int64, in Input) {
	m.advance(now)
	m.handle(in)
	m.settle()
}

// SetFit tells whether the program above can do a DC's work. A DC that beats but
// is stuck must be replaced: while it is unfit another member proposes.
func (m *Machine) SetFit(now int64, fit bool) {
	m.advance(now)
	if m.unfit == fit {
		m.unfit, m.beatNow = !fit, true
	}
	m.settle()
}

// Next is when [Machine.Tick] is wanted next.
func (m *Machine) Next() int64 {
	m.due = m.nextTimer
	return m.due
}

// Early hands out what relies on no write of this node and may leave at once,
// while earlier writes are on their way: the changes that a DC sends, each of
// which counts where a disk has it and nowhere else (rule 21), and the news that
// a quorum of disks has one (22). Who does not call it gets all of it by Ready.
func (m *Machine) Early() (messages []Envelope, events []Event) {
	if slices.ContainsFunc(m.out.Events, func(e Event) bool { _, ok := e.(OpenedEvent); return ok }) {
		return nil, nil // the view is told first
	}
	messages, events = m.early.Messages, m.early.Events
	m.early = Ready{}
	return messages, events
}

// Shed forgets messages and notes that wait to be handed out, for a caller that
// cannot write for long: to the others they are lost messages, which are repeated
// where they matter.
func (m *Machine) Shed() {
	m.out.Messages = slices.DeleteFunc(m.out.Messages, func(e Envelope) bool { return e.To != m.cfg.Self })
	m.out.Events = slices.DeleteFunc(m.out.Events, func(e Event) bool { _, ok := e.(NoteEvent); return ok })
}

// Ready hands out what is to be done since the last call, if anything.
func (m *Machine) Ready() (Ready, bool) {
	r := m.out
	r.Messages, r.Events = append(r.Messages, m.early.Messages...), append(r.Events, m.early.Events...)
	m.out, m.early = Ready{}, Ready{}
	return r, !r.Write.Empty() || len(r.Messages) > 0 || len(r.Events) > 0
}

// advance moves the time on. If the caller comes much too late, the machine was
// not running: beats may lie unread, see [Machine.Late].
func (m *Machine) advance(now int64) {
	if now < m.now {
		return
	}
	m.now = now
	if m.due != 0 && now > m.due+m.t.k/2 {
		m.spare()
	}
}

// Late tells that this node itself was late in another way than by a late call,
// by its beats for instance. It must hear for a while before it accuses others:
// nodes whose silence would end now get two and a half periods of beats, once,
// so that one of two may be lost. Detection is never sooner than deadtime; leases
// and certificates do not depend on it.
func (m *Machine) Late(now int64) {
	m.advance(now)
	m.spare()
	m.settle()
}

func (m *Machine) spare() {
	for _, p := range m.order {
		if grace := m.now - m.t.d + 5*m.t.k/2; p.alive && !p.extended && p.heard < grace {
			p.heard, p.extended = grace, true
		}
	}
	m.due = 0
}

// settle draws the conclusions from what has changed, in a fixed order.
func (m *Machine) settle() {
	m.nextTimer = m.now + m.t.k
	m.detect()
	m.renewLease()
	if m.leaving != nil {
		m.settleLeave()
	} else {
		m.settleHeld()
		m.think()
		m.resend()
	}
	m.settleView()
	m.settleChecks()
	m.settleLease()
	if m.leaving == nil {
		m.settleBeat()
	}
}

// wake asks for a Tick at that time; what is past has been looked at.
func (m *Machine) wake(at int64) {
	if at > m.now && at < m.nextTimer {
		m.nextTimer = at
	}
}

func (m *Machine) send(to string, msg Message) {
	m.out.Messages = append(m.out.Messages, Envelope{To: to, Msg: msg})
}

func (m *Machine) datagram(to string, msg Message) {
	m.out.Messages = append(m.out.Messages, Envelope{To: to, Datagram: true, Msg: msg})
}

func (m *Machine) event(e Event) { m.out.Events = append(m.out.Events, e) }

func (m *Machine) note(warn bool, format string, args ...any) {
	m.event(NoteEvent{Warn: warn, Text: fmt.Sprintf(format, args...)})
}

// me is this life as a member.
func (m *Machine) me() Member { return Member{m.cfg.Self, m.cfg.Incarnation} }

// handle dispatches a message.
func (m *Machine) handle(in Input) {
	if ack, ok := in.Msg.(*Ack); ok && in.From == m.cfg.Self {
		m.onAck(in.From, ack)
		return
	}
	p := m.peers[in.From]
	if p == nil && m.cfg.Autojoin && in.From != m.cfg.Self && m.learn(in.From) {
		p = m.peers[in.From]
	}
	if _, ok := in.Msg.(*Refuse); p != nil && !ok && m.wasRemoved(in.From) {
		m.refuse(p, in)
		return
	}
	if p == nil || in.Incarnation < p.inc || in.Incarnation <= p.left {
		if _, ok := in.Msg.(*Leaving); ok && p != nil && in.Incarnation == p.left {
			m.datagram(p.name, &Left{Incarnation: p.left}) // our answer was lost
		}
		if p != nil && in.Incarnation < p.inc && m.now-p.heard > 2*m.t.t && in.Incarnation != p.ignored && !p.alive {
			p.ignored = in.Incarnation
			m.note(true, "%s speaks with life %d, below its life %d heard before, and is not believed: its disk was lost and its calendar clock has gone back; set the clock and restart it", p.name, in.Incarnation, p.inc)
		}
		return
	}
	if in.Incarnation > p.inc {
		m.newLife(p, in.Incarnation)
	}
	if m.leaving != nil {
		if _, ok := in.Msg.(*Left); !ok {
			return // neither promises nor confirms anything any more
		}
	}
	switch msg := in.Msg.(type) {
	case *Beat:
		m.onBeat(p, msg, in.At)
		return
	case *Echo:
		m.onEcho(p, msg)
		return
	}
	m.targetOK = false
	switch msg := in.Msg.(type) {
	case *Refuse:
		m.onRefuse(p, msg)
	case *Leaving:
		m.onLeaving(p, msg)
	case *Left:
		m.onLeft(p, msg)
	case *Propose:
		m.onPropose(p, msg)
	case *Promise:
		m.onPromise(p.name, msg)
	case *Nack:
		m.onNack(msg)
	case *Fetch:
		m.onFetch(p, msg)
	case *State:
		m.onState(p, msg)
	case *Sync:
		m.onSync(p, msg)
	case *Synced:
		m.onSynced(p, msg)
	case *Open:
		m.onOpen(p, msg.Ballot)
	case *Changes:
		m.onChanges(p, msg)
	case *Ack:
		m.onAck(p.name, msg)
	case *Tail:
		m.onTail(p, msg)
	}
}

// Compact writes the whole state in place of the changes on disk, which must
// not have grown without bound; it changes nothing else.
func (m *Machine) Compact() {
	if !m.stamped.IsZero() && !m.rep.diverged {
		m.persistWhole()
	}
}

// Exclusion is "guaranteed" as far as the quorum rule goes, or says why not.
func (m *Machine) Exclusion() string {
	if !m.meets() {
		return "the quorum plug-in twonodes gives quorum to each half of a partition"
	}
	return "guaranteed"
}
