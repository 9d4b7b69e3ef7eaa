package sim

import (
	"slices"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// network carries frames between nodes: datagrams that may be lost, doubled,
// late and out of order, and messages of sessions, which arrive once and in
// order or not at all, as package link makes them do.
type network struct {
	s     *sim
	n     int
	paths []path // from*n + to
	// Everywhere: per mille lost and doubled, and the longest delay.
	loss, dup int64
	delay     int64
}

// path is one direction between two nodes.
type path struct {
	r      *rng
	steady bool
	cuts   int // how many cuts are upon it
	loss   int64
	// last is when the newest message of each class arrives; held are those that
	// wait for the cut to end, and those behind them. catching: they are being
	// delivered.
	last     [2]int64
	held     []heldMail
	catching bool
}

// heldMail is a message that found the path cut, and has to be sent again, or that
// came while one before it was missing.
type heldMail struct {
	since   int64
	again   bool
	deliver delivery
}

// delivery ends the way of a message; again tells that it had to be sent again,
// which only a living sender does.
type delivery func(again bool)

const (
	classControl = iota
	classBulk
)

func (w *network) init(s *sim, n int) {
	w.s, w.n = s, n
	w.paths = make([]path, n*n)
	for i := range w.paths {
		w.paths[i].steady = s.sc.Steady
		w.paths[i].r = newRNG(s.opts.Seed, 3, uint64(i))
	}
}

func (w *network) path(from, to *node) *path { return &w.paths[from.id*w.n+to.id] }

// open reports whether frames pass from one node to the other.
func (w *network) open(from, to *node) bool { return w.path(from, to).cuts == 0 }

// latency of a frame on a healthy network.
func (p *path) latency() int64 {
	if p.steady {
		return 300_000
	}
	return p.r.between(50_000, 600_000)
}

// datagram sends a small frame that may be lost.
func (w *network) datagram(from, to *node, msg agree.Message) {
	p := w.path(from, to)
	copies := 1
	if p.r.permille(w.dup) {
		copies = 2
	}
	d := from.d
	for i := range copies {
		if p.cuts > 0 || p.r.permille(w.loss) || p.r.permille(p.loss) {
			continue
		}
		wait := p.latency() + p.r.below(w.delay)
		if i > 0 {
			wait += p.r.below(int64(w.s.timing.Deadtime))
		}
		w.s.at(wait, func() { to.receive(from, d.inc, msg) })
	}
}

// loose sends a message as if there were no sessions.
func (w *network) loose(from, to *node, msg agree.Message) {
	p := w.path(from, to)
	inc, longest := from.d.inc, int64(w.s.timing.Deadtime)
	copies := 1
	if p.r.chance(8) || p.r.permille(w.dup) {
		copies = 2
	}
	for i := range copies {
		if p.cuts > 0 || p.r.permille(w.loss) || p.r.permille(p.loss) {
			continue
		}
		wait := p.latency() + p.r.below(w.delay)
		if i > 0 || p.r.chance(8) {
			wait += p.r.below(longest)
		}
		w.s.at(wait, func() { to.receive(from, inc, msg) })
	}
}

// retransmission is how long the session takes to notice a lost frame.
const retransmission = int64(100 * time.Millisecond)

// message sends a message of a session: in order within its class, and to this
// life of the receiver only. What is on its way arrives even if the sender dies.
func (w *network) message(from, to *node, class int, deliver func(to *daemon)) {
	p := w.path(from, to)
	d, life := from.d, to.life
	wait := p.latency() + p.r.below(w.delay)
	again := false
	for range 50 { // each lost frame is sent again
		if !p.r.permille(w.loss) && !p.r.permille(p.loss) {
			break
		}
		wait += retransmission
		again = true
	}
	w.inOrder(p, class, wait, func() {
		w.arrive(p, from, to, again, func(again bool) {
			if (from.d == d || !again) && to.d != nil && to.life == life {
				deliver(to.d)
			}
		})
	})
}

// inOrder runs f after a wait, and after what came before it.
func (w *network) inOrder(p *path, class int, wait int64, f func()) {
	at := max(w.s.now+wait, p.last[class]+1)
	p.last[class] = at
	w.s.at(at-w.s.now, f)
}

// arrive delivers a message, or holds it while the path, or that of the
// acknowledgement, is cut, or while one before it is held.
func (w *network) arrive(p *path, from, to *node, again bool, deliver delivery) {
	cut := w.shut(from, to)
	if cut || len(p.held) > 0 || p.catching {
		p.held = append(p.held, heldMail{w.s.now, again || cut, deliver})
		return
	}
	deliver(again)
}

// shut reports whether no message can be acknowledged from one node to the other.
func (w *network) shut(from, to *node) bool {
	return w.path(from, to).cuts > 0 || w.path(to, from).cuts > 0
}

// cut adds a cut of one direction.
func (w *network) cut(from, to *node) {
	if from != to {
		w.path(from, to).cuts++
	}
}

// mend takes one cut away; what was held goes on, unless the session ended
// because the peer was unreachable for too long.
func (w *network) mend(from, to *node) {
	p := w.path(from, to)
	if from == to || p.cuts == 0 {
		return
	}
	if p.cuts--; p.cuts > 0 {
		return
	}
	w.release(from, to)
	w.release(to, from)
}

// release sends again what was held, if the cut is over in both directions.
func (w *network) release(from, to *node) {
	p := w.path(from, to)
	if w.shut(from, to) {
		return
	}
	p.held = slices.DeleteFunc(p.held, func(h heldMail) bool { return w.s.now-h.since >= int64(w.s.timing.Deadtime) })
	if len(p.held) == 0 || p.catching {
		return
	}
	p.catching = true
	w.s.at(p.latency()+p.r.below(retransmission), func() { w.catchUp(p, from, to) })
}

// catchUp delivers what was held, one message after another; what arrives
// meanwhile waits for its turn.
func (w *network) catchUp(p *path, from, to *node) {
	p.catching = false
	if len(p.held) == 0 || w.shut(from, to) {
		return
	}
	h := p.held[0]
	p.held = p.held[1:]
	p.catching = true
	h.deliver(h.again)
	if p.catching = len(p.held) > 0; p.catching {
		w.s.at(1, func() { w.catchUp(p, from, to) })
	}
}

// mendAll ends everything that was done to the network.
func (w *network) mendAll() {
	w.loss, w.dup, w.delay = 0, 0, 0
	for i := range w.paths {
		w.paths[i].loss, w.paths[i].cuts = 0, 0
	}
	for _, a := range w.s.nodes {
		for _, b := range w.s.nodes {
			w.release(a, b)
		}
	}
}
