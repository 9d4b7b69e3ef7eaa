package ccm

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// ErrClosed indicates that the node was closed, or has failed ([Node.Err]).
var ErrClosed = errors.New("the membership layer is closed")

// Node runs the membership layer of one node: it owns the machine of
// ccm/agree, the store and the transport. It implements [Cluster].
//
// One goroutine (run) owns the machine and everything below "owned by run".
// What others read is published under mu; what others ask goes through the
// inbox, which never blocks them.
type Node struct {
	toldStop int64 // what OnLease was told last
	cfg      Config
	log      *slog.Logger
	clock    func() int64
	cluster  uint64
	life     Life

	// Owned by run.
	m       *agree.Machine
	store   *store
	held    *agree.Ready // waits for the disk, and everything after it
	batch   *batch       // of held
	writing bool
	written chan error
	blocked int64 // since when the disk has no room for held, 0: it has
	tr      Transport
	beater  *beater
	waiting map[uint64]chan answer // by token
	token   uint64
	mail    []Message // for Receive
	shop    workshop
	foreign map[string]int
	leftCh  chan struct{}
	due     int64 // when the timer is to fire

	late Lateness

	recv  chan Message
	inbox inbox
	done  chan struct{}
	stop  context.CancelFunc

	mu       sync.Mutex
	err      error
	view     View
	viewCh   chan struct{}
	lease    LeaseState
	leaseCh  chan struct{}
	disk     DiskState
	peers    map[string]agree.PeerInfo
	versions map[string]int
	started  int64
}

var _ Cluster = (*Node)(nil)

// answer is what run tells a caller that waits.
type answer struct {
	seq     uint64
	expired []string
	err     error
}

// inbox is an unbounded queue of things to do in run.
type inbox struct {
	mu   sync.Mutex
	todo []func()
	wake chan struct{}
}

func (q *inbox) put(f func()) {
	q.mu.Lock()
	q.todo = append(q.todo, f)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *inbox) take() []func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.todo
	q.todo = nil
	return t
}

// Start opens the store, makes the transport and runs the membership layer
// until ctx ends or [Node.Close] is called. The replica is restored from the
// store before Start returns. Neither is a planned stop: see [Node.Leave].
func Start(ctx context.Context, cfg Config) (*Node, error) {
	n := &Node{cfg: cfg, log: cfg.Logger, clock: cfg.Clock, waiting: map[uint64]chan answer{}, foreign: map[string]int{},
		recv: make(chan Message), written: make(chan error, 1), inbox: inbox{wake: make(chan struct{}, 1)}, done: make(chan struct{}),
		viewCh: make(chan struct{}), leaseCh: make(chan struct{}), versions: map[string]int{}}
	if n.log == nil {
		n.log = slog.Default()
	}
	if n.clock == nil {
		n.clock = Boottime
	}
	h := fnv.New64a()
	h.Write([]byte(cfg.ClusterID))
	n.cluster = h.Sum64()
	quorum, err := agree.NewQuorum(cfg.Quorum...)
	if err != nil {
		return nil, err
	}
	if n.store, err = openStore(cfg.StateDir); err != nil {
		return nil, err
	}
	fail := func(err error) (*Node, error) { return nil, errors.Join(err, n.store.close()) }
	st, err := n.store.load()
	if err != nil {
		return fail(err)
	}
	incarnation, err := n.store.nextLife(time.Now())
	if err != nil {
		return fail(err)
	}
	n.life = Life{Node: cfg.Node, Incarnation: incarnation, ClusterID: cfg.ClusterID, Lateness: &n.late}
	if n.tr, err = cfg.Transport(n.life); err != nil {
		return fail(fmt.Errorf("links of %s: %w", cfg.Node, err))
	}
	n.started = n.clock()
	n.m, err = agree.New(agree.Config{Self: cfg.Node, Nodes: cfg.Nodes, Weights: cfg.Weights, Arbiters: cfg.Arbiters, Autojoin: cfg.Autojoin, Ping: cfg.Ping, Incarnation: incarnation, Disk: n.store.disk,
		Quorum: quorum, Timing: cfg.Timing, ConfigDigest: cfg.ConfigDigest, Seed: uint64(n.started)}, st, cfg.Replica, n.started)
	if err != nil {
		return fail(errors.Join(err, n.tr.Close()))
	}
	n.lease.Exclusion = n.exclusion()
	n.view = ViewOf(n.m.View())
	wake, err := n.newAlarm()
	if err != nil {
		return fail(errors.Join(err, n.tr.Close()))
	}
	n.beater = newBeater(n.cluster, cfg.Timing, wake, n.clock, n.tr.Broadcast, &n.late, n.log)
	n.beater.start()
	n.pump()
	ctx, n.stop = context.WithCancel(ctx)
	go n.watchSpace(ctx)
	go n.run(ctx)
	return n, nil
}

// Incarnation returns the number of this life.
func (n *Node) Incarnation() uint64 { return n.life.Incarnation }

// Done is closed when the node has stopped, by Close or because it failed.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err tells why the node stopped by itself, after Done; nil after Close. A node
// whose disk fails stops: it must not promise what it cannot keep.
func (n *Node) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// Close stops at once, without a word to the others, and releases the links
// and the store.
func (n *Node) Close() error {
	n.stop()
	<-n.done
	return n.Err()
}

// Leave announces a planned stop and returns when all nodes heard know it, or
// when ctx ends; the others form the next view at once. With released the
// caller promises that this node runs no resource any more and starts none:
// others need not wait for its lease. Close is to follow.
func (n *Node) Leave(ctx context.Context, released bool) error {
	left := make(chan struct{})
	n.inbox.put(func() {
		n.leftCh = left
		n.beater.stop() // who leaves makes no claims any more
		n.m.Leave(n.clock(), released)
	})
	select {
	case <-left:
		return nil
	case <-n.done:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("leaving: not every node has heard of it: %w", ctx.Err())
	}
}

// run owns the machine.
func (n *Node) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	err := n.loop(ctx, timer)
	n.beater.stop()
	if n.writing {
		if werr := <-n.written; !errors.Is(werr, ErrDiskFull) {
			err = errors.Join(err, werr)
		}
	}
	if a, ok := n.beater.alarm.(*threadAlarm); ok {
		a.close()
	}
	err = errors.Join(err, n.tr.Close(), n.store.close())
	if err != nil {
		n.log.Error("the membership layer has stopped: " + err.Error())
	}
	for _, ch := range n.waiting {
		ch <- answer{err: fmt.Errorf("%w: %w", ErrUnknown, ErrClosed)}
	}
	n.mu.Lock()
	n.err = err
	n.view.Quorum, n.view.DC = false, ""
	n.view.Event, n.view.Reason = agree.EventInvalid, "the membership layer has stopped"
	n.lease.Valid = false
	close(n.viewCh)
	close(n.leaseCh)
	n.viewCh, n.leaseCh = make(chan struct{}), make(chan struct{})
	n.mu.Unlock()
	close(n.done)
}

func (n *Node) loop(ctx context.Context, timer *time.Timer) error {
	events := n.tr.Events()
	for {
		n.round(events)
		n.due = n.m.Next()
		timer.Reset(time.Duration(max(0, n.due-n.clock())))
		var out chan Message
		var head Message
		if len(n.mail) > 0 {
			out, head = n.recv, n.mail[0]
		}
		select {
		case <-ctx.Done():
			return nil
		case ev, ok := <-events:
			if !ok {
				return fmt.Errorf("the links of %s are closed", n.cfg.Node)
			}
			n.onEvent(ev)
		case <-n.inbox.wake:
		case err := <-n.written:
			n.writing = false
			if errors.Is(err, ErrDiskFull) {
				n.refused(err)
				continue
			}
			if err != nil {
				return err
			}
			rd := n.held
			n.held, n.batch = nil, nil
			n.release(rd)
			if n.blocked != 0 {
				n.unblocked()
			}
		case out <- head:
			n.mail = n.mail[1:]
		case <-timer.C:
		}
	}
}

// round takes in everything that waits, then the time, then does what the
// machine wants. What has arrived goes first: after a pause, unread beats must
// not count as silence. The disk is written once for all of it.
func (n *Node) round(events <-chan TransportEvent) {
	for range 4096 {
		select {
		case ev, ok := <-events:
			if ok {
				n.onEvent(ev)
				continue
			}
		default:
		}
		break
	}
	for _, f := range n.inbox.take() {
		f()
	}
	if n.beater.late.CompareAndSwap(true, false) {
		n.m.Late(n.clock())
	}
	now := n.clock()
	if n.due != 0 && now > n.due {
		n.late.Note(StageThink, now, now-n.due)
	}
	n.m.Tick(now)
	n.pump()
}

// pump does what the machine wants, in its order: disk, messages, events. The
// runner does not wait for the disk: the machine goes on hearing, and what it
// says meanwhile waits its turn. To the others and to the program above this
// looks as if the machine had heard everything a little later. At once go only
// what relies on no write of this node: the renewal of the lease, which depends on
// what the others confirm alone, and what [agree.Machine.Early] hands out.
func (n *Node) pump() {
	for {
		n.early()
		if n.held != nil {
			break
		}
		if n.store.gathered() {
			n.m.Compact()
		}
		rd, ok := n.m.Ready()
		if !ok {
			break
		}
		if rd.Write.Empty() {
			n.release(&rd)
			continue
		}
		n.held, n.batch = &rd, n.store.prepare(&rd.Write)
		n.write()
	}
	if n.leftCh != nil && n.m.LeaveDone() {
		close(n.leftCh)
		n.leftCh = nil
	}
	n.publish()
}

// write sends what is held on its way to the disk.
func (n *Node) write() {
	batch := n.batch
	n.writing = true
	go func() { n.written <- n.store.write(batch) }()
}

// early sends and tells what waits for no disk.
func (n *Node) early() {
	rd := agree.Ready{}
	rd.Messages, rd.Events = n.m.Early()
	n.release(&rd)
}

// release sends and tells what may be known now.
func (n *Node) release(rd *agree.Ready) {
	for _, e := range rd.Messages {
		if beat, ok := e.Msg.(*agree.Beat); ok {
			n.beater.vouch(beat)
			continue
		}
		if e.To == n.cfg.Node {
			now := n.clock()
			n.m.Step(now, agree.Input{From: e.To, Incarnation: n.life.Incarnation, At: now, Msg: e.Msg})
			continue
		}
		frame := agree.Encode(n.cluster, e.Msg)
		switch {
		case e.To == "":
			n.tr.Broadcast(frame)
		case e.Datagram:
			n.tr.Datagram(e.To, frame)
		default:
			n.tr.Message(e.To, Control, frame)
		}
	}
	for _, e := range rd.Events {
		n.onMachine(e)
	}
}

// newAlarm is how the beater waits: in the kernel, but in virtual time when the
// clock is not the kernel's.
func (n *Node) newAlarm() (alarm, error) {
	if n.cfg.Clock != nil {
		return newTimerAlarm(), nil
	}
	return newThreadAlarm()
}

// onEvent takes in what the transport noticed. Links, sessions and ping nodes
// are told to users by the transport itself.
func (n *Node) onEvent(ev TransportEvent) {
	switch ev.Kind {
	case PingAnswered:
		now := n.clock()
		n.m.Pinged(now, min(ev.At, now))
	case DatagramReceived, MessageReceived:
		if ev.Kind == DatagramReceived {
			now := n.clock()
			n.late.Note(StageHear, now, now-ev.At)
		}
		msg, err := agree.Decode(n.cluster, ev.Payload)
		if err != nil {
			n.refuse(ev.From, err)
			return
		}
		if p, ok := msg.(*agree.Payload); ok {
			n.mail = append(n.mail, Message{From: ev.From, Payload: p.Data})
			return
		}
		if _, ok := msg.(*agree.Beat); ok {
			n.setVersion(ev.From, agree.ProtocolVersion)
		}
		step := func() {
			now := n.clock()
			n.m.Step(now, agree.Input{From: ev.From, Incarnation: ev.Incarnation, At: min(ev.At, now), Msg: msg})
		}
		if work, inOrder := n.prepares(msg); inOrder {
			n.takeIn(job{work: work, then: step})
			return
		}
		step()
	}
}

// refuse drops a frame, with one sentence per peer and reason.
func (n *Node) refuse(from string, err error) {
	version := -1
	if v, ok := errors.AsType[*agree.VersionError](err); ok {
		version = v.Version
		n.setVersion(from, version)
	}
	if last, ok := n.foreign[from]; ok && last == version {
		return
	}
	n.foreign[from] = version
	n.log.Error(fmt.Sprintf("Frames of %s are refused: %v", from, err))
}

func (n *Node) setVersion(from string, v int) {
	n.mu.Lock()
	n.versions[from] = v
	n.mu.Unlock()
}

// onMachine delivers what the machine has to tell.
func (n *Node) onMachine(e agree.Event) {
	switch e := e.(type) {
	case agree.ViewEvent:
		v := ViewOf(e.View)
		n.mu.Lock()
		old := n.view
		n.view = v
		close(n.viewCh)
		n.viewCh = make(chan struct{})
		n.mu.Unlock()
		logView(n.log, n.cfg.Node, old, v)
	case agree.PeerEvent:
		if e.Alive {
			n.log.Debug("hearing "+e.Name, "incarnation", e.Incarnation)
		} else {
			n.log.Info(fmt.Sprintf("%s counts as dead: %s", e.Name, e.Reason))
			if phrase, worst := n.late.Recent(n.clock()); worst > n.cfg.Timing.Beat/2 {
				n.log.Warn("This node itself was late by up to: " + phrase)
			}
		}
	case agree.LeaseEvent:
		switch {
		case e.Lease.Valid:
			n.log.Info("The lease is valid: a quorum has confirmed this node")
		case n.clock() < e.Lease.Stop:
			n.log.Info("The lease is given up: this node leaves")
		default:
			n.log.Warn(fmt.Sprintf("The lease is over: no quorum has confirmed this node for %v; everything must be released within %v", n.cfg.Timing.Lease, n.cfg.Timing.StopBound))
			n.log.Warn(n.whyUnconfirmed())
		}
	case agree.ProposalEvent:
		if e.Token == 0 && e.Err != nil {
			n.log.Warn("A store was not admitted: " + e.Err.Error())
		}
		n.answer(e.Token, answer{seq: e.Seq, err: e.Err})
	case agree.CheckEvent:
		n.answer(e.Token, answer{expired: e.Expired, err: e.Err})
	case agree.KnownEvent:
		n.accept(e.Name)
	case agree.NoteEvent:
		if e.Warn {
			n.log.Warn(e.Text)
		} else {
			n.log.Info(e.Text)
		}
	}
}

func (n *Node) answer(token uint64, a answer) {
	if ch := n.waiting[token]; ch != nil {
		delete(n.waiting, token)
		ch <- a
	}
}
