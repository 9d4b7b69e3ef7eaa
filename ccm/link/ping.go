package link

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/quorate/quorate/ccm"
)

// pingNode is a ping node as run knows it.
type pingNode struct {
	spec PingNode
	up   bool
	said bool // its first state was told
}

// pinged is an answer of a ping node, or that there was none for too long.
type pinged struct {
	name string
	up   bool
	at   int64
}

// setPing takes a change.
func (t *Transport) setPing(p pinged) {
	for _, n := range t.pings {
		if n.spec.Name != p.name {
			continue
		}
		if p.up && len(t.queue) < maxQueuedEvents {
			t.emit(ccm.TransportEvent{Kind: ccm.PingAnswered, From: p.name, At: p.at})
		}
		if n.said && n.up == p.up {
			continue
		}
		n.up, n.said = p.up, true
		e := ccm.TransportEvent{Kind: ccm.PingUp, From: p.name, At: p.at}
		if p.up {
			t.log.Info(fmt.Sprintf("Link %s:%s up.", p.name, p.name))
			t.log.Info(fmt.Sprintf("Status update for node %s: status ping", p.name))
		} else {
			e.Kind = ccm.PingDown
			t.log.Warn(fmt.Sprintf("node %s: is dead", p.name))
			t.log.Info(fmt.Sprintf("Link %s:%s dead.", p.name, p.name))
		}
		t.emit(e)
	}
	t.publish()
}

// pinger sends echo requests to the hosts of one ping node. The token makes
// answers to others, and forged ones, worthless.
type pinger struct {
	t     *Transport
	spec  PingNode
	id    uint16
	token [8]byte

	mu    sync.Mutex
	addrs map[string]netip.Addr // of each host that could be looked up
	heard int64                 // when the last answer came in
}

// ping watches one ping node until ctx ends.
func (t *Transport) ping(ctx context.Context, spec PingNode) {
	if t.cfg.thread != nil {
		t.cfg.thread()
	}
	g := &pinger{t: t, spec: spec, addrs: map[string]netip.Addr{}}
	rand.Read(g.token[:])
	g.id = binary.BigEndian.Uint16(g.token[:])
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, h := range spec.Hosts {
		if a, err := netip.ParseAddr(h); err == nil {
			g.addrs[h] = a.Unmap()
			continue
		}
		wg.Go(func() {
			t.lookup(ctx, h, false, "of ping node "+spec.Name, func(a netip.Addr) {
				g.mu.Lock()
				g.addrs[h] = a
				g.mu.Unlock()
			})
		})
	}

	socks := map[bool]*icmp.PacketConn{} // by IPv6
	defer func() {
		for _, c := range socks {
			c.Close()
		}
	}()
	tick := time.NewTicker(t.cfg.Keepalive)
	defer tick.Stop()
	begin, up, said, failed := ccm.Boottime(), false, false, false
	tell := func(now bool) {
		if said && up == now && !now {
			return
		}
		up, said = now, true
		select {
		case t.pinged <- pinged{spec.Name, up, ccm.Boottime()}:
		case <-ctx.Done():
		}
	}
	woken := make(chan struct{}, 1)
	for seq := uint16(1); ; seq++ {
		for _, a := range g.addresses() {
			c := socks[a.Is6()]
			if c == nil {
				var err error
				if c, err = listenICMP(a.Is6()); err != nil {
					if !failed {
						failed = true
						t.log.Error(fmt.Sprintf("Ping node %s cannot be asked: %v; give the daemon CAP_NET_RAW, or widen net.ipv4.ping_group_range; trying on", spec.Name, err))
					}
					continue
				}
				failed = false
				socks[a.Is6()] = c
				wg.Go(func() { g.listen(ctx, c, a.Is6(), woken) })
			}
			g.ask(c, a, seq)
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				for _, c := range socks {
					c.SetReadDeadline(time.Unix(1, 0))
				}
				return
			case <-woken:
				tell(true)
			case <-tick.C:
				waiting = false
			}
		}
		g.mu.Lock()
		heard := g.heard
		g.mu.Unlock()
		if now := ccm.Boottime(); now-max(heard, begin) > int64(t.cfg.Deadping) {
			tell(false)
		}
	}
}

func (g *pinger) addresses() []netip.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []netip.Addr
	for _, h := range g.spec.Hosts {
		if a, ok := g.addrs[h]; ok {
			all = append(all, a)
		}
	}
	return all
}

// listenICMP opens a raw socket, or else the kind that needs no privilege.
func listenICMP(v6 bool) (*icmp.PacketConn, error) {
	raw, dgram, any := "ip4:icmp", "udp4", "0.0.0.0"
	if v6 {
		raw, dgram, any = "ip6:ipv6-icmp", "udp6", "::"
	}
	c, err := icmp.ListenPacket(raw, any)
	if err == nil && !v6 {
		var f ipv4.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv4.ICMPTypeEchoReply)
		_ = c.IPv4PacketConn().SetICMPFilter(&f)
	}
	if err == nil {
		return c, nil
	}
	if c, err2 := icmp.ListenPacket(dgram, any); err2 == nil {
		return c, nil
	}
	return nil, err
}

// ask sends one echo request; an error is like no answer.
func (g *pinger) ask(c *icmp.PacketConn, a netip.Addr, seq uint16) {
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(g.id), Seq: int(seq), Data: g.token[:]}}
	if a.Is6() {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	b, err := m.Marshal(nil)
	if err != nil {
		return
	}
	var to net.Addr = &net.IPAddr{IP: a.AsSlice(), Zone: a.Zone()}
	if _, unprivileged := c.LocalAddr().(*net.UDPAddr); unprivileged {
		to = &net.UDPAddr{IP: a.AsSlice(), Zone: a.Zone()}
	}
	c.SetWriteDeadline(time.Now().Add(g.t.cfg.Keepalive))
	c.WriteTo(b, to)
}

// listen notes answers that carry the token.
func (g *pinger) listen(ctx context.Context, c *icmp.PacketConn, v6 bool, woken chan<- struct{}) {
	proto := 1
	if v6 {
		proto = 58
	}
	b := make([]byte, 1500)
	for ctx.Err() == nil {
		n, _, err := c.ReadFrom(b)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(time.Millisecond) // should it come again at once
			continue
		}
		at := ccm.Boottime()
		m, err := icmp.ParseMessage(proto, b[:n])
		if err != nil || m.Type != ipv4.ICMPTypeEchoReply && m.Type != ipv6.ICMPTypeEchoReply {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); !ok || string(e.Data) != string(g.token[:]) {
			continue
		}
		g.mu.Lock()
		g.heard = at
		g.mu.Unlock()
		select {
		case woken <- struct{}{}:
		default:
		}
	}
}
