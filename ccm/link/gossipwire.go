package link

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/quorate/quorate/ccm"
)

// gossipWire is the transport of memberlist: packets are frames, connections are
// made of messages. Nodes have one made-up address each, from their name, as
// they may have many real ones, or none.
type gossipWire struct {
	t       *Transport
	packets chan *memberlist.Packet
	streams chan net.Conn

	mu     sync.Mutex
	names  map[netip.Addr]string
	conns  map[connID]*conn
	lastID uint32
	closed bool
}

var _ memberlist.NodeAwareTransport = (*gossipWire)(nil)

// gossipPort is part of the made-up addresses.
const gossipPort = 7946

func newGossipWire(t *Transport) *gossipWire {
	w := &gossipWire{t: t, packets: make(chan *memberlist.Packet, 64), streams: make(chan net.Conn, 16),
		names: map[netip.Addr]string{}, conns: map[connID]*conn{}}
	w.learn(t.cfg.Self)
	for _, n := range t.cfg.Nodes {
		w.learn(n)
	}
	return w
}

// address makes up the address of a node, of a range for private use.
func (w *gossipWire) address(name string) netip.AddrPort {
	h := fnv.New64a()
	h.Write([]byte(name))
	b := [16]byte{0xfd, 'q', 'u', 'o', 'r', 'a', 't', 'e'}
	binary.BigEndian.PutUint64(b[8:], h.Sum64())
	return netip.AddrPortFrom(netip.AddrFrom16(b), gossipPort)
}

// learn notes that a node exists.
func (w *gossipWire) learn(name string) {
	w.mu.Lock()
	w.names[w.address(name).Addr()] = name
	w.mu.Unlock()
}

func (w *gossipWire) knows(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.names[w.address(name).Addr()]
	return ok
}

// nameOf returns the node of an address of memberlist.
func (w *gossipWire) nameOf(a memberlist.Address) (string, error) {
	if a.Name != "" {
		return a.Name, nil
	}
	if ap, err := netip.ParseAddrPort(a.Addr); err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if n, ok := w.names[ap.Addr()]; ok {
			return n, nil
		}
	}
	return "", fmt.Errorf("no node has the address %s", a.Addr)
}

// FinalAdvertiseAddr implements memberlist.Transport.
func (w *gossipWire) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return w.address(w.t.cfg.Self).Addr().AsSlice(), gossipPort, nil
}

// WriteTo implements memberlist.Transport.
func (w *gossipWire) WriteTo(b []byte, addr string) (time.Time, error) {
	return w.WriteToAddress(b, memberlist.Address{Addr: addr})
}

// WriteToAddress implements memberlist.NodeAwareTransport.
func (w *gossipWire) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	name, err := w.nameOf(a)
	if err != nil {
		return time.Time{}, err
	}
	b = append([]byte(nil), b...)
	w.t.do(func() { w.t.gossipPacket(name, b) })
	return time.Now(), nil
}

// gossipPacket sends a packet by the path of data.
func (t *Transport) gossipPacket(to string, b []byte) {
	p := t.peers[to]
	if p == nil || len(b) > maxDatagram {
		return
	}
	if x := t.dataPath(p); x != nil {
		t.each(p, x.link, func(g *target, a netip.AddrPort) { t.put(kindGossip, p, g, a, b) })
	}
}

// packetIn takes a packet; memberlist bears losses.
func (w *gossipWire) packetIn(from string, b []byte) {
	w.learn(from)
	select {
	case w.packets <- &memberlist.Packet{Buf: b, From: net.UDPAddrFromAddrPort(w.address(from)), Timestamp: time.Now()}:
	default:
	}
}

// PacketCh implements memberlist.Transport.
func (w *gossipWire) PacketCh() <-chan *memberlist.Packet { return w.packets }

// StreamCh implements memberlist.Transport.
func (w *gossipWire) StreamCh() <-chan net.Conn { return w.streams }

// DialTimeout implements memberlist.Transport.
func (w *gossipWire) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return w.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

// DialAddressTimeout implements memberlist.NodeAwareTransport. A connection is
// there at once; a peer that does not answer shows when reading.
func (w *gossipWire) DialAddressTimeout(a memberlist.Address, _ time.Duration) (net.Conn, error) {
	name, err := w.nameOf(a)
	if err != nil {
		return nil, err
	}
	alive := false
	for _, p := range w.t.Peers() {
		alive = alive || p.Name == name && p.Status != "dead" && p.Status != "init"
	}
	if !alive {
		return nil, fmt.Errorf("node %s is not reachable", name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, ErrClosed
	}
	w.lastID++
	return w.newConn(connID{name, w.lastID, true}), nil
}

// Shutdown implements memberlist.Transport.
func (w *gossipWire) Shutdown() error {
	w.mu.Lock()
	w.closed = true
	all := w.conns
	w.conns = map[connID]*conn{}
	w.mu.Unlock()
	for _, c := range all {
		c.end(ErrClosed)
	}
	return nil
}

// A message of a connection: who opened it and what it is (1), its number (4),
// then bytes.
const (
	connOpener = 1 // the sender opened the connection
	connData   = 2
	connFin    = 4
	connReset  = 8
	connOpen   = 16 // the first message of a connection
	connHeader = 5
)

// write sends a message of a connection.
func (w *gossipWire) write(id connID, what byte, b []byte) {
	if id.ours {
		what |= connOpener
	}
	m := make([]byte, connHeader, connHeader+len(b))
	m[0] = what
	binary.BigEndian.PutUint32(m[1:], id.number)
	m = append(m, b...)
	w.t.do(func() { w.t.queueMessage(id.peer, ccm.Class(classGossip), envelope(m)) })
}

// streamIn takes a message of a connection.
func (w *gossipWire) streamIn(from string, b []byte) {
	if len(b) < connHeader {
		return
	}
	w.learn(from)
	id := connID{from, binary.BigEndian.Uint32(b[1:]), b[0]&connOpener == 0}
	w.mu.Lock()
	c := w.conns[id]
	if c == nil && !id.ours && b[0]&connOpen != 0 && !w.closed {
		c = w.newConn(id)
		select {
		case w.streams <- c:
		default:
			delete(w.conns, id)
			c = nil
		}
	}
	w.mu.Unlock()
	switch {
	case c == nil:
		if b[0]&connData != 0 {
			w.write(id, connReset, nil)
		}
	case b[0]&connReset != 0:
		c.end(errConnReset)
	case b[0]&connFin != 0:
		c.fin()
	case !c.feed(b[connHeader:]):
		c.end(errConnReset)
		w.write(id, connReset, nil)
	}
}

// sessionEnded breaks the connections with a peer.
func (w *gossipWire) sessionEnded(peer string) {
	w.mu.Lock()
	var broken []*conn
	for id, c := range w.conns {
		if id.peer == peer {
			broken = append(broken, c)
		}
	}
	w.mu.Unlock()
	for _, c := range broken {
		c.end(errConnReset)
	}
}
