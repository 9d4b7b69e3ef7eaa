package link

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/quorate/quorate/ccm"
)

// put sends one frame by a target to an address. p is nil if it is for all.
func (t *Transport) put(k kind, p *peer, g *target, to netip.AddrPort, payload []byte) {
	name := ""
	if p != nil {
		name = p.name
	}
	f := t.frame(k, name, &g.own, t.status, payload)
	var x *path
	if p != nil {
		x = p.path(g.medium.link())
		f.echo = x.echo(ccm.Boottime())
	}
	t.buf = f.encode(t.buf, t.auth)
	if len(t.buf) > maxFrame {
		t.log.Error(fmt.Sprintf("A frame of %d bytes to %s is too large and was not sent", len(t.buf), name))
		return
	}
	err := g.medium.send(g, to, t.buf)
	if x != nil {
		x.count(err)
	}
}

// reached reports whether some target of a link is known to reach the peer.
func (t *Transport) reached(p *peer, link string) bool {
	for _, g := range t.targets {
		if g.medium.link() == link && (g.shared || g.peer == p.name) {
			return true
		}
	}
	return false
}

// reply returns the flow to the address a peer speaks from, where no target of
// the configuration stands for it.
func (t *Transport) reply(x *path) *target {
	g := t.replies[x.src]
	if g == nil || g.medium != x.medium {
		g = &target{medium: x.medium, addr: x.src, own: flow{id: t.nextFlow}, beat: flow{id: t.nextFlow + 1}}
		t.nextFlow += 2
		t.replies[x.src] = g
	}
	return g
}

// each calls send for the ways to reach a peer by one link: the target where it
// was heard, else the address it speaks from, else every target where nobody
// was heard yet.
func (t *Transport) each(p *peer, link string, send func(g *target, to netip.AddrPort)) {
	sent := false
	for _, g := range t.targets {
		if g.medium.link() == link && !g.shared && g.peer == p.name && g.addr.IsValid() {
			send(g, g.addr)
			sent = true
		}
	}
	if sent {
		return
	}
	if x := p.path(link); x.heard.Load() != 0 && x.src.IsValid() {
		send(t.reply(x), x.src)
		return
	}
	for _, g := range t.targets {
		if g.medium.link() == link && (g.shared || g.peer == "" && g.addr.IsValid()) {
			send(g, g.addr)
		}
	}
}

// datagram sends to one peer on every link.
func (t *Transport) datagram(to string, k kind, payload []byte) {
	p := t.peers[to]
	if p == nil {
		return
	}
	if len(payload) > maxDatagram {
		t.log.Error(fmt.Sprintf("A datagram of %d bytes to %s is too large and was not sent", len(payload), to))
		return
	}
	for _, x := range p.paths {
		t.each(p, x.link, func(g *target, a netip.AddrPort) { t.put(k, p, g, a, payload) })
	}
}

// resolved is the address of a host name.
type resolved struct {
	target *target
	addr   netip.Addr
}

// How often a host name is looked up: again after a failure, and for ever.
const (
	resolveRetry = 5 * time.Second
	resolveAgain = time.Minute
)

// resolve looks up the host name of a target for ever.
func (t *Transport) resolve(ctx context.Context, g *target) {
	v6 := g.medium.(*udp).v6
	t.lookup(ctx, g.host, v6, "of the ucast line of link "+g.medium.link(), func(a netip.Addr) {
		select {
		case t.resolved <- resolved{g, a}:
		case <-ctx.Done():
		}
	})
}

// lookup calls found with the address of host, again and again, and says once
// that there is none.
func (t *Transport) lookup(ctx context.Context, host string, v6 bool, what string, found func(netip.Addr)) {
	network := "ip4"
	if v6 {
		network = "ip6"
	}
	said := false
	for ctx.Err() == nil {
		wait := resolveAgain
		addrs, err := t.cfg.resolver.LookupNetIP(ctx, network, host)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil || len(addrs) == 0:
			wait = resolveRetry
			if !said {
				said = true
				t.log.Warn(fmt.Sprintf("The host name %s %s has no address (%v); trying on", host, what, err))
			}
		default:
			if said {
				said = false
				t.log.Info(fmt.Sprintf("The host name %s has the address %v", host, addrs[0]))
			}
			found(addrs[0].Unmap())
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (t *Transport) setAddress(r resolved) {
	a := netip.AddrPortFrom(r.addr, r.target.port)
	if a != r.target.addr {
		r.target.addr, r.target.peer = a, ""
		t.planBeats()
	}
}
