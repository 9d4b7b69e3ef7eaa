package link

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quorate/quorate/ccm"
)

// maxDatagram is the largest payload of Broadcast and Datagram.
const maxDatagram = 1200

// Transport implements [ccm.Transport]. All methods may be called from any
// goroutine, and none waits for the network.
type Transport struct {
	cfg    Config
	log    *slog.Logger
	life   uint64
	born   int64 // CLOCK_BOOTTIME at Open
	cancel context.CancelFunc
	wg     sync.WaitGroup

	sink      *sink
	commands  commands
	events    chan ccm.TransportEvent
	resolved  chan resolved
	pinged    chan pinged
	published atomic.Pointer[[]published]
	beats     beats
	done      chan struct{} // closed when run has ended
	gossip    *gossip

	// The rest belongs to run.
	policy  policy
	auth    *authenticator
	peers   map[string]*peer
	media   []medium
	targets []*target
	pings   []*pingNode
	// replies numbers the frames sent to an address no target stands for.
	replies map[netip.AddrPort]*target
	status  nodeStatus
	queue   []ccm.TransportEvent // waiting for room in events
	// queueBytes is the size of the messages in queue.
	queueBytes   int
	buf, scratch []byte
	nextFlow     uint16
	more         bool           // pump left something
	dirty        map[*peer]bool // have data to send or to acknowledge
	rto          *time.Timer
}

var _ ccm.Transport = (*Transport)(nil)

// Open starts the links. Interfaces that are missing and names that cannot be
// looked up are told once and tried again; only a Config that makes no sense is
// an error. Close, or the end of ctx, ends it.
func Open(ctx context.Context, cfg Config) (*Transport, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	t := &Transport{
		cfg: cfg, log: cfg.Logger, born: ccm.Boottime(), cancel: cancel,
		events:   make(chan ccm.TransportEvent, 1024),
		resolved: make(chan resolved, 16),
		pinged:   make(chan pinged, 16),
		done:     make(chan struct{}),
		peers:    map[string]*peer{},
		replies:  map[netip.AddrPort]*target{},
		dirty:    map[*peer]bool{},
		status:   statusUp,
		rto:      time.NewTimer(time.Hour),
	}
	var salt [2]byte
	rand.Read(salt[:])
	t.life = uint64(time.Now().UnixMilli())<<16 | uint64(binary.BigEndian.Uint16(salt[:]))
	t.sink = &sink{drops: &drops{log: t.log}, late: cfg.Lateness, urgent: make(chan received, 1024), data: make(chan received, 4096)}
	t.commands.wake = make(chan struct{}, 1)
	t.policy = policy{self: cfg.Self, life: t.life, cluster: clusterHash(cfg.ClusterName, cfg.ClusterID), autojoin: cfg.Autojoin}
	t.beats.cluster = t.policy.cluster
	// A serial line alone is too slow for chatter.
	if !cfg.NoGossip && slices.ContainsFunc(cfg.Media, func(m Medium) bool { return m.Kind != "serial" }) {
		var err error
		if t.gossip, err = newGossip(t); err != nil {
			cancel()
			return nil, err
		}
	}
	t.plan()
	for _, n := range cfg.Nodes {
		if n != cfg.Self {
			t.addPeer(n, true)
		}
	}
	t.setKeys(cfg.Keys)
	for _, spec := range cfg.PingNodes {
		t.pings = append(t.pings, &pingNode{spec: spec})
	}
	t.checkActive()
	t.publish()

	wires, closeWires := context.WithCancel(context.WithoutCancel(ctx))
	for _, m := range t.media {
		t.wg.Go(func() { m.run(wires, t.sink) })
	}
	for _, g := range t.targets {
		if g.host != "" {
			t.wg.Go(func() { t.resolve(ctx, g) })
		}
	}
	for _, n := range t.pings {
		t.wg.Go(func() { t.ping(ctx, n.spec) })
	}
	t.wg.Go(func() {
		t.run(ctx)
		closeWires()
	})
	if t.gossip != nil {
		if err := t.gossip.start(); err != nil {
			t.Close()
			return nil, err
		}
		t.wg.Go(func() { t.gossip.run(ctx) })
	}
	return t, nil
}

// plan makes the media and targets of the configured lines.
func (t *Transport) plan() {
	type place struct {
		iface string
		port  int
		v6    bool
	}
	sockets := map[place]*udp{}
	socket := func(m Medium, v6 bool) *udp {
		k := place{m.Iface, m.Port, v6}
		u := sockets[k]
		if u == nil {
			u = &udp{iface: m.Iface, port: uint16(m.Port), v6: v6, log: t.log, thread: t.cfg.thread}
			sockets[k] = u
			t.media = append(t.media, u)
		}
		return u
	}
	for _, m := range t.cfg.Media {
		g := &target{own: flow{id: uint16(2*len(t.targets) + 1)}, beat: flow{id: uint16(2*len(t.targets) + 2)}, port: uint16(m.Port)}
		switch m.Kind {
		case "ucast", "ucast6":
			a, err := netip.ParseAddr(m.Address)
			if err != nil {
				g.host = m.Address
			} else {
				g.addr = netip.AddrPortFrom(a.Unmap(), g.port)
			}
			g.medium = socket(m, m.Kind == "ucast6" || a.Is6() && !a.Is4In6())
		case "bcast", "udp":
			u := socket(m, false)
			u.bcast = true
			g.medium, g.shared = u, true
		case "mcast", "mcast6":
			a := netip.MustParseAddr(m.Group).Unmap()
			u := socket(m, a.Is6())
			u.groups = append(u.groups, groupOf{addr: a, ttl: m.TTL, loop: m.Loop})
			g.medium, g.shared, g.addr = u, true, netip.AddrPortFrom(a, g.port)
		case "serial":
			m := newSerial(m.Device, m.Baud, t.cfg.Keepalive, t.log)
			t.media = append(t.media, m)
			g.medium, g.shared = m, true
		}
		t.targets = append(t.targets, g)
	}
	t.nextFlow = uint16(2*len(t.targets) + 1)
	var lines []*serial
	for _, m := range t.media {
		if s, ok := m.(*serial); ok {
			lines = append(lines, s)
		}
	}
	if len(lines) > 1 && (len(t.cfg.Nodes) > 2 || t.cfg.Autojoin) && t.cfg.Hops > 0 {
		r := newRelay(t.cfg.Self, t.cfg.Hops, lines)
		for _, s := range lines {
			s.relay = r
		}
	}
}

// addPeer makes a peer with a path on every link.
func (t *Transport) addPeer(name string, configured bool) *peer {
	p := &peer{name: name, configured: configured}
	t.peers[name] = p
	for _, m := range t.media {
		p.path(m.link()).medium = m
	}
	t.setPolicy()
	return p
}

// setPolicy tells the readers what has changed.
func (t *Transport) setPolicy() {
	p := t.policy
	p.known = names{t.cfg.Self: t.cfg.Self}
	for n := range t.peers {
		p.known[n] = n
	}
	t.policy = p
	if p.keys != nil {
		t.sink.policy.Store(&p)
	}
}

func (t *Transport) setKeys(k Keys) {
	t.policy.keys = k.clone()
	t.auth = newAuthenticator(t.policy.keys, t.policy.cluster)
	t.setPolicy()
	t.planBeats()
}

// Accept implements [ccm.Accepter]: frames of the node are taken from now on.
func (t *Transport) Accept(node string) {
	t.do(func() {
		if node != t.cfg.Self && t.peers[node] == nil {
			t.addPeer(node, false)
			t.publish()
		}
	})
}

// Datagram implements [ccm.Transport].
func (t *Transport) Datagram(to string, payload []byte) {
	payload = slices.Clone(payload)
	asked := ccm.Boottime()
	t.do(func() {
		now := ccm.Boottime()
		t.cfg.Lateness.Note(ccm.StageConfirm, now, now-asked)
		t.datagram(to, kindDatagram, payload)
	})
}

// Message implements [ccm.Transport]. A message to a node that is not alive, or
// was never heard, is dropped at once.
func (t *Transport) Message(to string, class ccm.Class, payload []byte) {
	m := envelope(payload)
	t.do(func() { t.queueMessage(to, class, m) })
}

// Events implements [ccm.Transport].
func (t *Transport) Events() <-chan ccm.TransportEvent { return t.events }

// Close implements [ccm.Transport].
func (t *Transport) Close() error {
	t.cancel()
	t.wg.Wait()
	return nil
}

// Drops returns how many frames were dropped, by cause: garbage, version,
// cluster, key, mac, replay, stale, unknown-node, own-name, kernel (its queue was full), overrun.
func (t *Transport) Drops() map[string]uint64 { return t.sink.drops.counts() }

// SetKeys replaces the keys while running. Add the new key on all nodes first,
// then change which one signs, then remove the old one.
func (t *Transport) SetKeys(k Keys) error {
	if err := k.Validate(); err != nil {
		return err
	}
	k = *k.clone()
	return t.ask(func() {
		t.setKeys(k)
		t.log.Info(fmt.Sprintf("Keys replaced: key %d (%s) signs", k.Sign, k.ByID[k.Sign].Method))
	})
}

// linkNames lists the links, for the log.
func (t *Transport) linkNames() string {
	var l []string
	for _, m := range t.media {
		if !slices.Contains(l, m.link()) {
			l = append(l, m.link())
		}
	}
	return strings.Join(l, " ")
}
