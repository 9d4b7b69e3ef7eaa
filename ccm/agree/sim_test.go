package agree

import (
	"container/heap"
	"fmt"
	"io"
	"math/rand"
	"os"
	"slices"
	"time"
)

// A random-schedule simulation of the machine in virtual time: one goroutine,
// one event queue, replayable from its seed. It carries a resource as the
// program above would: started, stopped, reported and guarded.
const msec = int64(time.Millisecond)

type simEvent struct {
	at  int64
	seq int
	f   func()
}

type simQueue []simEvent

func (q simQueue) Len() int { return len(q) }

func (q simQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}

func (q simQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *simQueue) Push(x any) { *q = append(*q, x.(simEvent)) }

func (q *simQueue) Pop() any { o := *q; x := o[len(o)-1]; *q = o[:len(o)-1]; return x }

type simNode struct {
	s    *sim
	id   int
	name string
	// On disk.
	disk      string
	st        Stored
	conflicts []Conflict
	held      string // what the machine held when it was last stored
	// Guard: outlives the daemon, not the machine.
	running, inflight bool
	base              int64
	hasBase           bool
	opgen, bootgen    int
	// The daemon.
	up       bool
	inc      uint64
	m        *Machine
	app      *logApp
	timerGen int
	timerAt  int64
	frozen   int64
	lastSer  int
	lastSerB Ballot
	token    uint64
	dc       *simDC
	opened   Ballot
	// Clock.
	off, ppm int64
}

type sim struct {
	r      *rand.Rand
	seed   int64
	now    int64
	q      simQueue
	es     int
	nodes  []*simNode
	cut    [][]bool
	t      Timing
	quorum Quorum
	plant  Plant
	faults bool
	disks  bool
	trace  bool
	out    io.Writer // where the story goes, nil: stdout
	manual bool      // no client and no manager of its own
	viol   string
	listen func(*simNode, Event)
	// unlisted nodes are not in ha.cf any more.
	unlisted map[string]bool
	ping     bool
	halves   bool // both halves of a pair may write
	autojoin bool
	// elections changes voters and weights at random; arbiters run nothing.
	elections bool
	lists     map[string][]string // what ha.cf of a node names, if not all nodes
	weights   map[string]int
	arbiters  []string
	// tear crashes machines while they write; tearParts breaks the promise that a
	// write is one transaction.
	tear, tearParts bool
	// A rule of the program above that is left out: what is in flight is reported
	// as active.
	noInFlight bool
	// hook may drop a message, or delay it more, in directed tests.
	hook    func(from, to *simNode, msg Message) (delay int64, drop bool)
	nextID  uint64
	nextInc uint64
	nextDsk int

	views     map[Ballot][]Member
	digests   map[string]string
	byName    map[string]int
	maxOpen   Ballot
	committed []uint64
	inFlight  map[Ballot]map[string]bool

	opens, commits, starts, steps, readmits, tears, elected int
}

func newSim(seed int64, n int, plant Plant, faults bool) *sim {
	t, err := NewTiming(TimingOptions{Keepalive: 75 * time.Millisecond, Deadtime: 300 * time.Millisecond, Initdead: 500 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	q, _ := NewQuorum("majority")
	s := &sim{r: rand.New(rand.NewSource(seed)), seed: seed, now: 1000 * msec, t: t, quorum: q, plant: plant, faults: faults,
		views: map[Ballot][]Member{}, digests: map[string]string{}, byName: map[string]int{}}
	for i := range n {
		s.cut = append(s.cut, make([]bool, n))
		x := &simNode{s: s, id: i, name: simName(i, n), ppm: s.r.Int63n(30000) - 15000, off: s.r.Int63n(1e15)}
		x.disk = s.newDisk()
		s.byName[x.name] = i
		s.nodes = append(s.nodes, x)
	}
	return s
}

// simName is a letter, or a number where there are too many.
func simName(i, n int) string {
	if n > 26 {
		return fmt.Sprintf("n%02d", i)
	}
	return string(rune('a' + i))
}

// heldState is everything replicated that a machine holds.
func heldState(m *Machine) string {
	snap := m.rep.snapshot()
	return m.stamped.String() + string(EncodeSnapshot(&snap))
}

func (s *sim) newDisk() string { s.nextDsk++; return fmt.Sprintf("disk-%d", s.nextDsk) }

func (s *sim) start() *sim {
	for _, x := range s.nodes {
		x.boot(true)
	}
	if s.faults {
		s.at(500*msec, s.fault)
	}
	return s
}

func (s *sim) at(d int64, f func()) {
	s.es++
	heap.Push(&s.q, simEvent{s.now + max(0, d), s.es, f})
}

func (s *sim) logf(f string, a ...any) {
	if s.trace {
		w := s.out
		if w == nil {
			w = os.Stdout
		}
		fmt.Fprintf(w, "%10.3f %s\n", float64(s.now)/1e6, fmt.Sprintf(f, a...))
	}
}

func (s *sim) fail(f string, a ...any) {
	if s.viol == "" {
		s.viol = fmt.Sprintf("seed %d, %.3f ms: ", s.seed, float64(s.now)/1e6) + fmt.Sprintf(f, a...)
		s.logf("VIOLATION %s", s.viol)
	}
}

func (s *sim) run(until int64) {
	for len(s.q) > 0 && s.viol == "" {
		if s.q[0].at > until {
			s.now = until
			return
		}
		e := heap.Pop(&s.q).(simEvent)
		s.now = e.at
		e.f()
	}
}

func (s *sim) node(name string) *simNode {
	if i := s.byName[name]; i < len(s.nodes) && s.nodes[i].name == name {
		return s.nodes[i]
	}
	return nil
}

// local is the node's own clock, real how long to wait until it shows l.
func (n *simNode) local() int64 { return n.off + n.s.now + n.s.now/1_000_000*n.ppm }

func (n *simNode) until(l int64) int64 {
	d := l - n.local()
	if d < 0 {
		return 0
	}
	return d/1000*1_000_000/(1_000_000+n.ppm)*1000 + 2000
}

func (n *simNode) boot(machine bool) {
	s := n.s
	s.nextInc++
	n.up, n.inc = true, s.nextInc
	if machine {
		n.running, n.inflight, n.hasBase = false, false, false
		n.bootgen++
	}
	n.inflight = false // leftovers of the last daemon are killed before it reports (rule 8 of the reasons)
	n.opgen++
	n.dc, n.lastSer, n.lastSerB = nil, 0, Ballot{}
	n.app = &logApp{}
	names := s.lists[n.name]
	for _, x := range s.nodes {
		if s.lists == nil && !s.unlisted[x.name] {
			names = append(names, x.name)
		}
	}
	m, err := New(Config{Self: n.name, Nodes: names, Autojoin: s.autojoin, Weights: s.weights, Arbiters: s.arbiters, Ping: s.ping, Incarnation: n.inc, Disk: n.disk, Quorum: s.quorum, Timing: s.t,
		Seed: uint64(s.seed), Plant: s.plant}, n.st, n.app, n.local())
	if err != nil {
		s.fail("boot of %s: %v", n.name, err)
		return
	}
	n.m = m
	if m.stamped == n.st.Stamped && !m.stamped.IsZero() && n.held != heldState(m) { // alone it may have gone on already
		s.fail("%s reads another state from its disk than it wrote", n.name)
	}
	s.logf("%s boot machine=%v inc=%d promised=%v stamped=%v len=%d", n.name, machine, n.inc, m.promised, m.stamped, len(n.app.ids))
	n.pump()
}

// store makes a write durable.
func (n *simNode) store(w Write) {
	if n.s.tearParts && !w.Empty() && n.s.r.Intn(20) == 0 { // not what a transaction does
		parts := []func(){func() { w.Promise = nil }, func() { w.Stamp = nil }, func() { w.Snapshot, w.Changes = nil, nil }, func() { w.Meta = nil }}
		parts[n.s.r.Intn(len(parts))]()
		defer n.powerCut()
	}
	if p := w.Promise; p != nil {
		if p.Ballot.Less(n.st.Promised) {
			n.s.fail("I3: promise of %s falls from %v to %v", n.name, n.st.Promised, p.Ballot)
		}
		n.st.Promised, n.st.PromisedMembers = p.Ballot, p.Members
	}
	if w.Stamp != nil {
		if w.Stamp.Less(n.st.Stamped) || n.st.Promised.Less(*w.Stamp) {
			n.s.fail("I3: stamp of %s goes from %v to %v, promised %v", n.name, n.st.Stamped, *w.Stamp, n.st.Promised)
		}
		n.st.Stamped = *w.Stamp
	}
	if w.Snapshot != nil {
		x, err := DecodeSnapshot(EncodeSnapshot(w.Snapshot))
		if err != nil {
			n.s.fail("stored snapshot: %v", err)
		}
		n.st.Snapshot, n.st.Changes, n.st.Meta = x, nil, nil
	}
	if w.Conflict != nil {
		n.conflicts = append(n.conflicts, *w.Conflict)
	}
	if w.Removed != nil {
		n.st.Removed = *w.Removed
	}
	if w.Meta != nil {
		x, err := DecodeMeta(EncodeMeta(w.Meta))
		if err != nil {
			n.s.fail("stored meta: %v", err)
		}
		n.st.Meta = &x
	}
	n.st.Changes = append(slices.Clip(n.st.Changes), w.Changes...)
}

func (n *simNode) pump() {
	s := n.s
	for n.up && s.viol == "" {
		if len(n.m.early.Messages)+len(n.m.early.Events) > 0 && s.r.Intn(4) != 0 { // else they go with the rest, after the write
			n.release(n.m.Early())
		}
		rd, ok := n.m.Ready()
		if !ok {
			break
		}
		if s.tear && s.faults && !rd.Write.Empty() && s.r.Intn(150) == 0 {
			if s.r.Intn(2) == 0 { // the transaction was just through, its messages are not
				n.store(rd.Write)
				n.held = heldState(n.m)
			}
			n.powerCut()
			break
		}
		n.store(rd.Write)
		if !rd.Write.Empty() {
			n.held = heldState(n.m)
		}
		if !n.up {
			break
		}
		n.checkState()
		n.release(rd.Messages, rd.Events)
		if l := n.m.Lease(); l.Stop != 0 && (!n.hasBase || l.Base > n.base) {
			n.base, n.hasBase = l.Base, true
		}
	}
	if !n.up {
		return
	}
	if next := n.m.Next(); next != n.timerAt || true {
		n.timerAt = next
		n.timerGen++
		g, inc := n.timerGen, n.inc
		n.s.at(n.until(next), func() { n.whenAwake(inc, func() { n.tick(g) }) })
	}
}

// release sends messages and tells of events.
func (n *simNode) release(messages []Envelope, events []Event) {
	s := n.s
	for _, e := range messages {
		switch e.To {
		case n.name:
			n.m.Step(n.local(), Input{From: n.name, Incarnation: n.inc, At: n.local(), Msg: e.Msg})
		case "":
			for _, x := range s.nodes {
				if x != n {
					s.send(n, x, e.Msg, nil)
				}
			}
		default:
			if to := s.node(e.To); to != nil {
				s.send(n, to, e.Msg, nil)
			}
		}
	}
	for _, e := range events {
		n.onEvent(e)
	}
}

// powerCut crashes the machine and boots it later.
func (n *simNode) powerCut() {
	n.s.logf("%s loses power while it writes", n.name)
	n.up, n.running, n.inflight = false, false, false
	n.bootgen++
	n.s.tears++
	n.s.at(n.s.r.Int63n(800*msec), func() {
		if !n.up {
			n.boot(true)
		}
	})
}

func (n *simNode) tick(gen int) {
	if gen != n.timerGen {
		return
	}
	n.s.steps++
	n.m.Tick(n.local())
	n.pump()
}

// whenAwake runs f in this life of the daemon, after a freeze if there is one.
func (n *simNode) whenAwake(inc uint64, f func()) {
	switch {
	case !n.up || n.inc != inc:
	case n.frozen > n.s.now:
		n.s.at(n.frozen-n.s.now, func() { n.whenAwake(inc, f) })
	default:
		f()
	}
}

// checkState compares equal (stamped, seq) between nodes (I2).
func (n *simNode) checkState() {
	if n.m.stamped.IsZero() || n.m.rep.diverged {
		return
	}
	k := fmt.Sprint(n.m.stamped, n.m.rep.seq)
	d := string(n.m.rep.digest())
	if old, ok := n.s.digests[k]; ok && old != d {
		n.s.fail("I2: two states with stamp and number %s", k)
	}
	n.s.digests[k] = d
}

func (s *sim) send(from, to *simNode, msg Message, cmd *simCmd) {
	copies := 1
	if s.faults && s.r.Intn(30) == 0 {
		copies = 2
	}
	inc := from.inc
	for i := range copies {
		if from != to && (s.cut[from.id][to.id] || s.faults && s.r.Intn(50) == 0) {
			continue
		}
		d := 100_000 + s.r.Int63n(2*msec)
		if s.faults && s.r.Intn(20) == 0 {
			d = s.r.Int63n(200 * msec)
		}
		if from == to {
			d = 1
		}
		if s.hook != nil && msg != nil {
			delay, drop := s.hook(from, to, msg)
			if drop {
				continue
			}
			d += delay
		}
		if i > 0 && s.r.Intn(3) == 0 {
			d += s.r.Int63n(3000 * msec)
		}
		if msg != nil {
			frame := Encode(7, msg)
			s.at(d, func() { s.deliver(from.name, inc, to, frame, nil) })
		} else {
			s.at(d, func() { s.deliver(from.name, inc, to, nil, cmd) })
		}
	}
}

func (s *sim) deliver(from string, inc uint64, to *simNode, frame []byte, cmd *simCmd) {
	if !to.up {
		return
	}
	if to.frozen > s.now {
		s.at(to.frozen-s.now, func() { s.deliver(from, inc, to, frame, cmd) })
		return
	}
	s.steps++
	if cmd != nil {
		to.onCmd(from, cmd)
		return
	}
	msg, err := Decode(7, frame)
	if err != nil {
		s.fail("decode: %v", err)
		return
	}
	to.m.Step(to.local(), Input{From: from, Incarnation: inc, At: to.local(), Msg: msg})
	to.pump()
}

// extend notes committed changes; histories must be prefixes of one another.
func (s *sim) extend(log []uint64) {
	if s.halves {
		return
	}
	for i, id := range log {
		if i < len(s.committed) {
			if s.committed[i] != id {
				s.fail("I4: two histories are committed at %d", i)
				return
			}
			continue
		}
		s.committed = append(s.committed, id)
		s.commits++
	}
}
