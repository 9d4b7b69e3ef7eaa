package link

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quorate/quorate/ccm"
)

// beats is what Broadcast needs to send without asking run: run may be busy, and
// a beat must not wait. It has flows and an authenticator of its own.
type beats struct {
	cluster uint32 // constant
	plan    atomic.Pointer[beatPlan]

	// The rest belongs to the caller of Broadcast, which holds mu. The beats have
	// one sender, so nobody waits for mu but who says farewell.
	mu   sync.Mutex
	keys *Keys
	auth *authenticator
	buf  []byte
}

// beatPlan is where beats go. run replaces it whole when something changes.
type beatPlan struct {
	keys   *Keys
	status nodeStatus
	ways   []beatWay
}

// beatWay is one frame of each beat.
type beatWay struct {
	target *target
	addr   netip.AddrPort
	// to and path are the node that is known to listen there, "" and nil for all.
	to   string
	path *path
}

// flow numbers frames.
type flow struct {
	id  uint16
	seq uint64
}

// planBeats tells Broadcast what has changed.
func (t *Transport) planBeats() {
	plan := &beatPlan{keys: t.policy.keys, status: t.status}
	for _, g := range t.targets {
		if !g.shared && !g.addr.IsValid() {
			continue
		}
		w := beatWay{target: g, addr: g.addr}
		if p := t.peers[g.peer]; p != nil {
			w.to, w.path = p.name, p.path(g.medium.link())
		}
		plan.ways = append(plan.ways, w)
	}
	// Nodes that came by themselves, or speak from an address that is not in the
	// configuration, have no target of their own.
	for _, p := range t.peers {
		if !p.alive {
			continue
		}
		for _, x := range p.paths {
			if !t.reached(p, x.link) && x.up {
				plan.ways = append(plan.ways, beatWay{target: t.reply(x), addr: x.src, to: p.name, path: x})
			}
		}
	}
	t.beats.plan.Store(plan)
}

// Broadcast implements [ccm.Transport]: it sends a beat by every target, in the
// calling goroutine, and waits for nothing.
func (t *Transport) Broadcast(payload []byte) {
	if len(payload) > maxDatagram {
		go t.log.Error(fmt.Sprintf("A beat of %d bytes is too large and was not sent", len(payload)))
		return
	}
	b := &t.beats
	b.mu.Lock()
	defer b.mu.Unlock()
	plan := b.plan.Load()
	if plan.keys != b.keys {
		b.keys, b.auth = plan.keys, newAuthenticator(plan.keys, b.cluster)
	}
	now := ccm.Boottime()
	for i := range plan.ways {
		w := &plan.ways[i]
		f := t.frame(kindBeat, w.to, &w.target.beat, plan.status, payload)
		if w.path != nil {
			f.echo = w.path.echo(now)
		}
		b.buf = f.encode(b.buf, b.auth)
		err := w.target.medium.send(w.target, w.addr, b.buf)
		if w.path != nil {
			w.path.count(err)
		}
	}
}

// frame fills in what every frame carries.
func (t *Transport) frame(k kind, to string, fl *flow, status nodeStatus, payload []byte) frame {
	fl.seq++
	return frame{kind: k, life: t.life, incarnation: t.cfg.Incarnation, sent: uint64((ccm.Boottime() - t.born) / 1000),
		flow: fl.id, seq: fl.seq, status: status, from: t.cfg.Self, to: to, payload: payload}
}

// count notes one frame sent.
func (x *path) count(err error) {
	x.sentCount.Add(1)
	if err != nil {
		x.errors.Add(1)
	}
}

// hold notes what the next frame on the path echoes: the time a frame carried,
// in microseconds, and when it came, of which the low halves are enough.
func (x *path) hold(sent uint64, at int64) { x.held.Store(sent<<32 | uint64(uint32(at/1000))) }

// echo is the time that the last frame carried, plus the time since it came; 0
// if there is none that is young enough.
func (x *path) echo(now int64) uint32 {
	v := x.held.Load()
	held := uint32(now/1000) - uint32(v)
	if v == 0 || held > uint32(time.Minute.Microseconds()) {
		return 0
	}
	return max(uint32(v>>32)+held, 1)
}
