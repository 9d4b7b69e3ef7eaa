package link

import (
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/quorate/quorate/ccm"
)

// peer is another node, as run knows it.
type peer struct {
	name       string
	configured bool
	// life is 0 until the node was heard.
	life, incarnation uint64
	status            nodeStatus
	// alive says that some path is up; said that its death was told.
	alive, saidDead bool
	// sent is the newest time the peer's frames carry; lastBeat is when its last
	// beat came in.
	sent     uint64
	lastBeat int64
	paths    []*path // in the order of the media

	// The session: streams counts those begun by this node.
	streams uint32
	out     *sender
	in      *receiver
	current *path // of data sent
	dataIn  *path // of the data that came last
	// gapSaid, gapAt and gapClass belong to what the log says of lost packets.
	gapSaid  bool
	gapAt    int64
	gapClass ccm.Class
}

// path is a peer on a link.
type path struct {
	link   string
	medium medium // the one that last carried a frame
	up     bool
	src    netip.AddrPort
	// sent belongs to the last frame; held is what the next one echoes, see hold.
	sent uint64
	held atomic.Uint64

	lastBeat int64

	// run and Broadcast count; anybody may read.
	heard                           atomic.Int64 // when; nanoseconds of CLOCK_BOOTTIME
	rtt                             atomic.Int64
	received, lost, late, sentCount atomic.Uint64
	errors                          atomic.Uint64
}

// path returns the peer's path on a link, making it when needed.
func (p *peer) path(link string) *path {
	for _, x := range p.paths {
		if x.link == link {
			return x
		}
	}
	x := &path{link: link}
	p.paths = append(p.paths, x)
	return x
}

// forget starts the peer afresh for a new life.
func (p *peer) forget() {
	p.status, p.sent, p.lastBeat = statusInit, 0, 0
	for _, x := range p.paths {
		x.sent, x.lastBeat = 0, 0
		x.held.Store(0)
	}
}

// statusWord is the word users know.
func (p *peer) statusWord() string {
	switch {
	case p.alive:
		return p.status.String()
	case p.life == 0 && !p.saidDead:
		return "init"
	}
	return "dead"
}

// fill copies the numbers of the path.
func (x *path) fill(s *ccm.LinkStatus, now int64) {
	s.Received, s.Lost, s.Late = x.received.Load(), x.lost.Load(), x.late.Load()
	s.Sent, s.SendErrors = x.sentCount.Load(), x.errors.Load()
	s.RTT, s.Silence = time.Duration(x.rtt.Load()), -1
	if h := x.heard.Load(); h != 0 {
		s.Silence = time.Duration(max(0, now-h))
	}
}

// published is what others may see of a node.
type published struct {
	status ccm.PeerStatus
	paths  []*path // of the links
}

// Peers implements [ccm.Transport]; the numbers of the links are those of now.
func (t *Transport) Peers() []ccm.PeerStatus {
	now := ccm.Boottime()
	var out []ccm.PeerStatus
	for _, p := range *t.published.Load() {
		s := p.status
		s.Links = slices.Clone(s.Links)
		for i, x := range p.paths {
			x.fill(&s.Links[i], now)
		}
		out = append(out, s)
	}
	return out
}

// publish renews what Peers returns and where beats go.
func (t *Transport) publish() {
	var all []published
	for _, p := range t.peers {
		s := ccm.PeerStatus{Name: p.name, Type: "normal", Status: p.statusWord()}
		if p.life != 0 {
			s.Version = ProtocolVersion
		}
		for _, x := range p.paths {
			s.Links = append(s.Links, ccm.LinkStatus{Name: x.link, Up: x.up})
		}
		all = append(all, published{s, slices.Clone(p.paths)})
	}
	slices.SortFunc(all, func(a, b published) int { return strings.Compare(a.status.Name, b.status.Name) })
	for _, n := range t.pings {
		status := "dead"
		if n.up {
			status = "ping"
		}
		all = append(all, published{status: ccm.PeerStatus{Name: n.spec.Name, Type: "ping", Status: status,
			Links: []ccm.LinkStatus{{Name: n.spec.Name, Up: n.up}}}})
	}
	t.published.Store(&all)
	t.planBeats()
}
