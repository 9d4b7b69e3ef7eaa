package ccm

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// MemNetwork is a network in memory for tests, also under testing/synctest: its
// transports keep the contract of [Transport] and fail as they are told.
type MemNetwork struct {
	// Clock must be the one of the nodes; nil means [Boottime].
	Clock func() int64
	// Latency of every frame; 0 means 200 microseconds.
	Latency time.Duration

	mu    sync.Mutex
	nodes map[string]*memTransport
	cut   map[[2]string]bool
	loss  float64
	rng   *rand.Rand
	pipes map[[2]string]*memPipe
}

// memPipe keeps what is on its way between two nodes in order.
type memPipe struct{ flying []memFrame }

type memFrame struct {
	ev  TransportEvent
	to  *memTransport
	msg bool
}

// NewMemNetwork makes a network that loses nothing.
func NewMemNetwork(seed uint64) *MemNetwork {
	return &MemNetwork{nodes: map[string]*memTransport{}, cut: map[[2]string]bool{}, rng: rand.New(rand.NewPCG(seed, 1)), pipes: map[[2]string]*memPipe{}}
}

// Cut drops everything from one node to another, or ends that. Messages on
// their way are dropped: the session is over.
func (w *MemNetwork) Cut(from, to string, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[[2]string{from, to}] = cut
}

// Isolate cuts a node off in both directions, or ends that.
func (w *MemNetwork) Isolate(node string, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for other := range w.nodes {
		if other != node {
			w.cut[[2]string{node, other}] = cut
			w.cut[[2]string{other, node}] = cut
		}
	}
}

// Loss drops this share of the datagrams.
func (w *MemNetwork) Loss(share float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loss = share
}

// Transport returns the function for [Config.Transport]. A node that is started
// again takes the place of its former life.
func (w *MemNetwork) Transport(peers ...string) func(Life) (Transport, error) {
	return func(l Life) (Transport, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		t := &memTransport{w: w, life: l, peers: slices.DeleteFunc(slices.Clone(peers), func(p string) bool { return p == l.Node }),
			events: make(chan TransportEvent), wake: make(chan struct{}, 1), closed: make(chan struct{})}
		w.nodes[l.Node] = t
		go t.feed()
		return t, nil
	}
}

func (w *MemNetwork) now() int64 {
	if w.Clock != nil {
		return w.Clock()
	}
	return Boottime()
}

// post puts a frame on its way. Called with mu held.
func (w *MemNetwork) post(from *memTransport, to string, kind EventKind, class Class, payload []byte) {
	dst := w.nodes[to]
	if dst == nil || w.nodes[from.life.Node] != from || w.cut[[2]string{from.life.Node, to}] {
		return
	}
	// A reliable message needs its acknowledgements too.
	if kind == MessageReceived && w.cut[[2]string{to, from.life.Node}] {
		return
	}
	if kind == DatagramReceived && w.loss > 0 && w.rng.Float64() < w.loss {
		return
	}
	key := [2]string{from.life.Node, to}
	p := w.pipes[key]
	if p == nil {
		p = &memPipe{}
		w.pipes[key] = p
	}
	p.flying = append(p.flying, memFrame{to: dst, msg: kind == MessageReceived, ev: TransportEvent{Kind: kind, From: from.life.Node, Incarnation: from.life.Incarnation,
		Class: class, Payload: slices.Clone(payload), Link: "mem0"}})
	d := w.Latency
	if d == 0 {
		d = 200 * time.Microsecond
	}
	time.AfterFunc(d, func() { w.land(key) })
}

// land delivers the oldest frame of a pipe.
func (w *MemNetwork) land(key [2]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pipes[key]
	f := p.flying[0]
	p.flying = p.flying[1:]
	// What was sent to a former life, or into a cut, is gone.
	if w.nodes[key[1]] != f.to || w.cut[key] {
		return
	}
	f.ev.At = w.now()
	f.to.push(f.ev)
}

// memTransport is one life of one node on a MemNetwork.
type memTransport struct {
	w      *MemNetwork
	life   Life
	peers  []string
	events chan TransportEvent
	wake   chan struct{}
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	queue []TransportEvent
}

func (t *memTransport) push(ev TransportEvent) {
	t.mu.Lock()
	t.queue = append(t.queue, ev)
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// feed moves the queue to the channel until the transport is closed.
func (t *memTransport) feed() {
	defer close(t.events)
	for {
		t.mu.Lock()
		q := t.queue
		t.queue = nil
		t.mu.Unlock()
		for _, ev := range q {
			select {
			case t.events <- ev:
			case <-t.closed:
				return
			}
		}
		if len(q) > 0 {
			continue
		}
		select {
		case <-t.wake:
		case <-t.closed:
			return
		}
	}
}

func (t *memTransport) Broadcast(payload []byte) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	for _, p := range t.peers {
		t.w.post(t, p, DatagramReceived, Control, payload)
	}
}

func (t *memTransport) Datagram(to string, payload []byte) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.w.post(t, to, DatagramReceived, Control, payload)
}

func (t *memTransport) Message(to string, class Class, payload []byte) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.w.post(t, to, MessageReceived, class, payload)
}

// Accept implements [Accepter].
func (t *memTransport) Accept(node string) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	if node != t.life.Node && !slices.Contains(t.peers, node) {
		t.peers = append(t.peers, node)
	}
}

func (t *memTransport) Events() <-chan TransportEvent { return t.events }

func (t *memTransport) Peers() []PeerStatus {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	var out []PeerStatus
	for _, p := range t.peers {
		up := t.w.nodes[p] != nil && !t.w.cut[[2]string{p, t.life.Node}]
		out = append(out, PeerStatus{Name: p, Type: "normal", Links: []LinkStatus{{Name: "mem0", Up: up}}})
	}
	return out
}

// Close takes the node off the network.
func (t *memTransport) Close() error {
	t.once.Do(func() {
		t.w.mu.Lock()
		if t.w.nodes[t.life.Node] == t {
			delete(t.w.nodes, t.life.Node)
		}
		t.w.mu.Unlock()
		close(t.closed)
	})
	return nil
}
