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
	heard  int64 // when; nanoseconds of CLOCK_BOOTTIME
	src    netip.AddrPort
	// sent belongs to the last frame; held is what the next one echoes, see hold.
	sent uint64
	held atomic.Uint64

	rtt                time.Duration
	received, lost     uint64
	late               uint64
	lastBeat           int64
	sentFrames, errors atomic.Uint64
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

// LinkStats is one path to one peer with its numbers.
type LinkStats struct {
	Peer, Link string
	Up         bool
	// Received counts good frames, Lost the gaps in their numbers, Late the beats
	// that came after more than warntime, Sent the frames sent, SendErrors those
	// that the kernel refused.
	Received, Lost, Late, Sent, SendErrors uint64
	// RTT is a moving average, 0 if never measured.
	RTT time.Duration
	// Silence is how long ago the last frame came in, negative if never.
	Silence time.Duration
}

// stats copies the numbers of every path, sorted by peer.
func (t *Transport) stats() []LinkStats {
	now := ccm.Boottime()
	var all []LinkStats
	for _, p := range t.peers {
		for _, x := range p.paths {
			s := LinkStats{Peer: p.name, Link: x.link, Up: x.up, Received: x.received, Lost: x.lost, Late: x.late,
				Sent: x.sentFrames.Load(), SendErrors: x.errors.Load(), RTT: x.rtt, Silence: -1}
			if x.heard != 0 {
				s.Silence = time.Duration(now - x.heard)
			}
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b LinkStats) int { return strings.Compare(a.Peer, b.Peer) })
	return all
}

// publish renews what Peers returns.
func (t *Transport) publish() {
	var all []ccm.PeerStatus
	for _, p := range t.peers {
		s := ccm.PeerStatus{Name: p.name, Type: "normal", Status: p.statusWord()}
		if p.life != 0 {
			s.Version = ProtocolVersion
		}
		for _, x := range p.paths {
			s.Links = append(s.Links, ccm.LinkStatus{Name: x.link, Up: x.up})
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b ccm.PeerStatus) int { return strings.Compare(a.Name, b.Name) })
	for _, n := range t.pings {
		status := "dead"
		if n.up {
			status = "ping"
		}
		all = append(all, ccm.PeerStatus{Name: n.spec.Name, Type: "ping", Status: status,
			Links: []ccm.LinkStatus{{Name: n.spec.Name, Up: n.up}}})
	}
	t.published.Store(&all)
	t.planBeats()
}
