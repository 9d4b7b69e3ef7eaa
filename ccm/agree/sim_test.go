package agree

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// A random-schedule simulation of the machine in virtual time: one goroutine,
// one event queue, replayable from its seed. It carries a resource as the
// program above would: started, stopped, reported and guarded.

const msec = int64(time.Millisecond)

// logApp is a replicated list of numbers.
type logApp struct{ ids []uint64 }

func (a *logApp) Snapshot() []byte {
	var b []byte
	for _, x := range a.ids {
		b = binary.BigEndian.AppendUint64(b, x)
	}
	return b
}

func (a *logApp) Restore(b []byte) error {
	if len(b)%8 != 0 {
		return fmt.Errorf("odd length")
	}
	a.ids = nil
	for ; len(b) > 0; b = b[8:] {
		a.ids = append(a.ids, binary.BigEndian.Uint64(b))
	}
	return nil
}

func (a *logApp) Apply(seq uint64, c []byte) error {
	if len(c) != 8 {
		return fmt.Errorf("change of %d bytes", len(c))
	}
	a.ids = append(a.ids, binary.BigEndian.Uint64(c))
	return nil
}

func (a *logApp) Digest() string {
	h := sha256.Sum256(a.Snapshot())
	return string(h[:8])
}

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
func (q *simQueue) Push(x any)   { *q = append(*q, x.(simEvent)) }
func (q *simQueue) Pop() any     { o := *q; x := o[len(o)-1]; *q = o[:len(o)-1]; return x }

// simCmd is what the program above the machine says (rule 13).
type simCmd struct {
	op     string // query report start stop result
	b      Ballot
	serial int
	active bool
	rc     string
}

type simNode struct {
	s    *sim
	id   int
	name string
	// On disk.
	disk string
	st   Stored
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

// simDC is the decision maker on the DC of one view.
type simDC struct {
	b        Ballot
	members  []Member
	reported map[string]bool
	owner    map[string]bool
	serial   int
	busy     bool
	busyT    int
	cert     uint64 // token under way
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
	// hook may drop a message, or delay it more, in directed tests.
	hook    func(from, to *simNode, msg Message) (delay int64, drop bool)
	nextID  uint64
	nextInc uint64
	nextDsk int

	views     map[Ballot][]Member
	digests   map[string]string
	maxOpen   Ballot
	committed []uint64
	inFlight  map[Ballot]map[string]bool

	opens, commits, starts, steps, readmits int
}

func newSim(seed int64, n int, plant Plant, faults bool) *sim {
	t, err := NewTiming(TimingOptions{Keepalive: 75 * time.Millisecond, Deadtime: 300 * time.Millisecond, Initdead: 500 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	q, _ := NewQuorum("majority")
	s := &sim{r: rand.New(rand.NewSource(seed)), seed: seed, now: 1000 * msec, t: t, quorum: q, plant: plant, faults: faults,
		views: map[Ballot][]Member{}, digests: map[string]string{}}
	for i := range n {
		s.cut = append(s.cut, make([]bool, n))
		x := &simNode{s: s, id: i, name: string(rune('a' + i)), ppm: s.r.Int63n(30000) - 15000, off: s.r.Int63n(1e15)}
		x.disk = s.newDisk()
		s.nodes = append(s.nodes, x)
	}
	return s
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

func (s *sim) node(name string) *simNode { return s.nodes[name[0]-'a'] }

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
	var names []string
	for _, x := range s.nodes {
		names = append(names, x.name)
	}
	m, err := New(Config{Self: n.name, Nodes: names, Incarnation: n.inc, Disk: n.disk, Quorum: s.quorum, Timing: s.t,
		Seed: uint64(s.seed), Plant: s.plant}, n.st, n.app, n.local())
	if err != nil {
		s.fail("boot of %s: %v", n.name, err)
		return
	}
	n.m = m
	s.logf("%s boot machine=%v inc=%d promised=%v stamped=%v len=%d", n.name, machine, n.inc, m.promised, m.stamped, len(n.app.ids))
	n.pump()
}

// store makes a write durable.
func (n *simNode) store(w Write) {
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
		n.st.Snapshot, n.st.Changes = x, nil
	}
	n.st.Changes = append(slices.Clip(n.st.Changes), w.Changes...)
}

func (n *simNode) pump() {
	s := n.s
	for n.up && s.viol == "" {
		rd, ok := n.m.Ready()
		if !ok {
			break
		}
		n.store(rd.Write)
		n.checkState()
		for _, e := range rd.Messages {
			if e.To != "" {
				s.send(n, s.node(e.To), e.Msg, nil)
				continue
			}
			for _, x := range s.nodes {
				if x != n {
					s.send(n, x, e.Msg, nil)
				}
			}
		}
		for _, e := range rd.Events {
			n.onEvent(e)
		}
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

func (n *simNode) onEvent(e Event) {
	s := n.s
	if s.listen != nil {
		s.listen(n, e)
	}
	switch e := e.(type) {
	case NoteEvent:
		s.logf("%s: %s", n.name, e.Text)
	case ViewEvent:
		s.logf("%s view %v %s quorum=%v %v: %s", n.name, e.View.Ballot, e.View.Event, e.View.Quorum, e.View.Members, e.View.Reason)
	case PeerEvent:
		s.logf("%s peer %s alive=%v: %s", n.name, e.Name, e.Alive, e.Reason)
	case OpenedEvent:
		s.opens++
		s.logf("%s OPEN %v %v seq=%d", n.name, e.Ballot, e.Members, e.Seq)
		if old, ok := s.views[e.Ballot]; ok && !slices.Equal(old, e.Members) {
			s.fail("I1: ballot %v opened with %v and %v", e.Ballot, old, e.Members)
		}
		s.views[e.Ballot] = e.Members
		log := n.app.ids
		if s.maxOpen.Less(e.Ballot) {
			s.maxOpen = e.Ballot
			for i, id := range s.committed {
				if i >= len(log) || log[i] != id {
					s.fail("I4: view %v opens without the committed change %d (%d)", e.Ballot, i, id)
					return
				}
			}
		}
		s.extend(log)
		n.dc = &simDC{b: e.Ballot, members: e.Members, reported: map[string]bool{}, owner: map[string]bool{}}
		dc := n.dc
		if s.manual {
			return
		}
		s.at(1, func() { n.whenAwake(n.inc, func() { n.manage(dc) }) })
		s.at(1, func() { n.whenAwake(n.inc, func() { n.client(dc) }) })
	case CommittedEvent:
		s.extend(n.app.ids[:min(len(n.app.ids), n.appLen(e.Seq))])
	case CheckEvent:
		if n.dc != nil && n.dc.cert == e.Token {
			n.dc.cert = 0
			if e.Err == nil {
				n.decide(n.dc)
			}
		}
	}
}

// appLen is how many of the changes up to seq are the app's (others are of V).
func (n *simNode) appLen(seq uint64) int {
	k := len(n.app.ids)
	for i := len(n.m.round.tail) - 1; i >= 0; i-- {
		if c := n.m.round.tail[i]; c.Seq > seq && c.Voters == nil {
			k--
		}
	}
	return k
}

// extend notes committed changes; histories must be prefixes of one another.
func (s *sim) extend(log []uint64) {
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

func (n *simNode) client(dc *simDC) {
	s := n.s
	s.at(20*msec+s.r.Int63n(200*msec), func() {
		n.whenAwake(n.inc, func() {
			if n.dc != dc || !n.m.leads() || n.m.joined != dc.b {
				return
			}
			s.nextID++
			n.token++
			n.m.Propose(n.local(), n.token, fmt.Sprintf("req-%d", s.nextID), binary.BigEndian.AppendUint64(nil, s.nextID))
			n.pump()
			n.client(dc)
		})
	})
}

func (s *sim) command(from *simNode, to string, c simCmd) { s.send(from, s.node(to), nil, &c) }

// manage asks the members what they run, then keeps one resource running.
func (n *simNode) manage(dc *simDC) {
	s := n.s
	if n.dc != dc || !n.m.leads() || n.m.joined != dc.b {
		return
	}
	for _, x := range dc.members {
		if !dc.reported[x.Name] {
			s.command(n, x.Name, simCmd{op: "query", b: dc.b})
		}
	}
	if len(dc.reported) == len(dc.members) && !dc.busy && dc.cert == 0 {
		if len(dc.owner) == 0 {
			n.token++
			dc.cert = n.token
			n.m.Certify(n.local(), n.token, dc.b)
			n.pump()
		} else if s.r.Intn(40) == 0 || len(dc.owner) > 1 {
			x := sortedKeys(dc.owner)[0]
			dc.serial++
			dc.busy = true
			s.command(n, x, simCmd{op: "stop", b: dc.b, serial: dc.serial})
		}
	}
	if dc.busy {
		if dc.busyT++; dc.busyT > 100 { // the answer was lost: ask all again
			dc.busy, dc.busyT = false, 0
			n.m.propose(dc.members)
			n.m.settle()
			n.pump()
			return
		}
	} else {
		dc.busyT = 0
	}
	s.at(5*msec, func() { n.whenAwake(n.inc, func() { n.manage(dc) }) })
}

// decide starts the resource: one certificate, one decision.
func (n *simNode) decide(dc *simDC) {
	x := dc.members[n.s.r.Intn(len(dc.members))].Name
	dc.serial++
	dc.busy = true
	dc.owner[x] = true
	n.s.logf("%s: start on %s in %v", n.name, x, dc.b)
	n.s.command(n, x, simCmd{op: "start", b: dc.b, serial: dc.serial})
}

func (n *simNode) onCmd(from string, c *simCmd) {
	s := n.s
	bound := n.m.joined == c.b && n.m.promised == c.b && n.m.inst == c.b
	answer := func(rc string) {
		s.command(n, from, simCmd{op: "result", b: c.b, serial: c.serial, rc: rc})
	}
	switch c.op {
	case "query":
		if bound {
			s.command(n, from, simCmd{op: "report", b: c.b, active: n.running || n.inflight})
		}
	case "report":
		if dc := n.dc; dc != nil && dc.b == c.b && !dc.reported[from] {
			dc.reported[from] = true
			if c.active {
				dc.owner[from] = true
			}
		}
	case "result":
		if dc := n.dc; dc != nil && dc.b == c.b && n.m.joined == c.b && c.serial == dc.serial {
			dc.busy = false
			if c.rc != "started" {
				delete(dc.owner, from)
			}
		}
	case "start", "stop":
		if !bound || n.lastSerB == c.b && c.serial <= n.lastSer {
			return
		}
		if c.b.Less(n.st.Promised) {
			s.fail("I5: %s obeys %v after promising %v", n.name, c.b, n.st.Promised)
		}
		n.lastSer, n.lastSerB = c.serial, c.b
		if c.op == "start" {
			if err := n.m.MayStart(n.local(), c.b); err != nil {
				answer("refused")
				return
			}
			n.begin(answer)
			return
		}
		n.opgen++
		n.inflight = false
		g, bg, inc := n.opgen, n.bootgen, n.inc
		s.at(s.r.Int63n(80*msec), func() {
			if n.opgen == g && n.bootgen == bg {
				n.running = false
				n.whenAwake(inc, func() { answer("stopped") })
			}
		})
	}
}

func (n *simNode) begin(answer func(string)) {
	s := n.s
	n.inflight = true
	n.opgen++
	g, bg, inc := n.opgen, n.bootgen, n.inc
	for _, o := range s.nodes {
		if o != n && (o.running || o.inflight) {
			s.fail("I6: start on %s while %s runs it or has it in flight", n.name, o.name)
		}
	}
	n.guard()
	s.at(s.r.Int63n(80*msec), func() {
		if n.opgen != g || n.bootgen != bg {
			return
		}
		n.inflight = false
		n.running = true
		s.starts++
		for _, o := range s.nodes {
			if o != n && o.running {
				s.fail("I7: %s and %s both run the resource", n.name, o.name)
			}
		}
		n.guard()
		n.whenAwake(inc, func() { answer("started") })
	})
}

// guard releases the resource at base + L + S whatever the daemon does.
func (n *simNode) guard() {
	g := n.bootgen
	var f func()
	f = func() {
		if n.bootgen != g || !n.running && !n.inflight {
			return
		}
		end := n.base + int64(n.s.t.Lease+n.s.t.StopBound)
		if n.local() >= end {
			n.s.logf("%s lease over, released", n.name)
			n.running, n.inflight = false, false
			n.opgen++
			return
		}
		n.s.at(n.until(end), f)
	}
	f()
}

func (s *sim) fault() {
	if !s.faults {
		return
	}
	x := s.nodes[s.r.Intn(len(s.nodes))]
	switch s.r.Intn(10) {
	case 0, 1, 2:
		i, j := s.r.Intn(len(s.nodes)), s.r.Intn(len(s.nodes))
		s.cut[i][j] = !s.cut[i][j]
		s.logf("cut %d->%d %v", i, j, s.cut[i][j])
	case 3:
		i, v := s.r.Intn(len(s.nodes)), s.r.Intn(2) == 0
		for j := range s.cut {
			if s.r.Intn(4) > 0 {
				s.cut[i][j] = v
			}
			if s.r.Intn(4) > 0 {
				s.cut[j][i] = v
			}
		}
		s.logf("isolate %d %v", i, v)
	case 4, 5:
		s.heal()
	case 6:
		if x.up && s.r.Intn(2) == 0 {
			s.logf("%s machine crash", x.name)
			x.up, x.running, x.inflight = false, false, false
			x.bootgen++
			lost := s.disks && s.r.Intn(4) == 0 && s.mayLoseDisk(x)
			s.at(s.r.Int63n(800*msec), func() {
				if x.up {
					return
				}
				if lost {
					s.logf("%s lost its disk", x.name)
					s.readmits++
					x.disk, x.st = s.newDisk(), Stored{}
				}
				x.boot(true)
			})
		}
	case 7:
		if x.up {
			s.logf("%s daemon crash", x.name)
			x.up = false
			s.at(s.r.Int63n(150*msec), func() {
				if !x.up {
					x.boot(false)
				}
			})
		}
	case 9: // a planned stop: everything is released, then announced
		if x.up && x.frozen <= s.now && x.m.leaving == nil {
			released := s.r.Intn(4) > 0
			s.logf("%s leaves, released=%v", x.name, released)
			if released {
				x.running, x.inflight = false, false
				x.opgen++
			}
			x.m.Leave(x.local(), released)
			x.pump()
			inc := x.inc
			s.at(s.r.Int63n(100*msec), func() {
				if x.up && x.inc == inc {
					s.logf("%s stops", x.name)
					x.up = false
				}
			})
			s.at(100*msec+s.r.Int63n(500*msec), func() {
				if !x.up {
					x.boot(false)
				}
			})
		}
	case 8:
		x.frozen = s.now + s.r.Int63n(900*msec)
		s.logf("%s frozen until %.3f", x.name, float64(x.frozen)/1e6)
	}
	s.at(20*msec+s.r.Int63n(300*msec), s.fault)
}

// mayLoseDisk: a quorum of recorded disks must survive, or nothing can be
// promised. All nodes hold a state and record every disk as it is now.
func (s *sim) mayLoseDisk(x *simNode) bool {
	for _, o := range s.nodes {
		if o != x && !o.up || o.m.stamped.IsZero() || o.m.rep.diverged {
			return false
		}
		for _, p := range s.nodes {
			if o.m.rep.meta.Voters[p.name].Disk != p.disk {
				return false
			}
		}
	}
	return true
}

func (s *sim) heal() {
	for i := range s.cut {
		clear(s.cut[i])
	}
	s.logf("heal")
}

// whole reports whether all nodes have one view of all, and one runs the
// resource.
func (s *sim) whole() bool {
	run := 0
	for _, x := range s.nodes {
		if !x.up || !x.m.view.Quorum || len(x.m.view.Members) != len(s.nodes) || x.m.view.Ballot != s.nodes[0].m.view.Ballot {
			return false
		}
		if x.running {
			run++
		}
	}
	return run == 1
}

// quiet ends all faults.
func (s *sim) quiet() {
	s.faults = false
	s.heal()
	for _, x := range s.nodes {
		x.frozen = 0
	}
}

func (s *sim) story(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for _, x := range s.nodes {
		fmt.Fprintf(&b, "%s up=%v joined=%v promised=%v stamped=%v inst=%v row=%v view=%+v\n", x.name, x.up, x.m.joined, x.m.promised, x.m.stamped, x.m.inst, x.m.list(x.m.row()), x.m.view)
	}
	return b.String()
}
