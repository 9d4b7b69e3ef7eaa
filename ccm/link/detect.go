package link

import (
	"fmt"
	"time"

	"github.com/quorate/quorate/ccm"
)

// hear notes a good frame of a peer: the path is up, and with it the peer. It
// returns nil for a frame that is out of date.
func (t *Transport) hear(f *received) *peer {
	p := t.peers[f.from]
	link := f.medium.link()
	if p == nil {
		p = t.addPeer(f.from, false)
	}
	if p.life != f.life {
		if p.life != 0 && !newer(f.incarnation, f.life, p.incarnation, p.life) {
			t.sink.drops.add(errStale, link, func() string {
				return fmt.Sprintf("is of incarnation %d of %s, which is at %d", f.incarnation, p.name, p.incarnation)
			})
			return nil
		}
		t.newLife(p, f)
	}
	if slack := uint64(max(t.cfg.Deadtime, 2*time.Second).Microseconds()); f.sent+slack < p.sent {
		t.sink.drops.add(errStale, link, func() string {
			return fmt.Sprintf("was sent %v before another one of %s", time.Duration(p.sent-f.sent)*time.Microsecond, p.name)
		})
		return nil
	}
	p.sent = max(p.sent, f.sent)

	x := p.path(link)
	changed := x.src != f.src
	x.medium, x.src = f.medium, f.src
	x.heard.Store(f.at)
	x.received.Add(1)
	switch lost := x.lost.Load(); {
	case f.skipped > 0:
		x.lost.Store(lost + f.skipped)
	case f.late && lost > 0:
		x.lost.Store(lost - 1)
	}
	if f.sent > x.sent {
		x.sent = f.sent
		x.hold(f.sent, f.at)
	}
	if f.echo != 0 {
		now := uint32((f.at - t.born) / 1000)
		if rtt := time.Duration(now-f.echo) * time.Microsecond; rtt < time.Minute {
			old := time.Duration(x.rtt.Load())
			if old == 0 {
				old = rtt
			}
			x.rtt.Store(int64(old + (rtt-old)/8))
		}
	}
	for i := range t.targets {
		if g := t.targets[i]; g.medium == f.medium && !g.shared && g.addr == f.src && g.peer != p.name {
			g.peer, changed = p.name, true
		}
	}
	if !x.up {
		x.up, changed = true, true
		t.log.Info(fmt.Sprintf("Link %s:%s up.", p.name, x.link))
		t.emit(ccm.TransportEvent{Kind: ccm.LinkUp, From: p.name, Incarnation: p.incarnation, Link: x.link, At: f.at})
	}
	if !p.alive {
		p.alive, p.saidDead, changed = true, false, true
		t.log.Info(fmt.Sprintf("Status update for node %s: status init", p.name))
		t.emit(ccm.TransportEvent{Kind: ccm.PeerUp, From: p.name, Incarnation: p.incarnation, At: f.at})
		t.checkActive()
		if t.gossip != nil {
			t.gossip.wire.learn(p.name)
			t.gossip.peerUp()
		}
	}
	if f.status != p.status && f.status > p.status {
		for p.status < f.status {
			p.status++
			t.log.Info(fmt.Sprintf("Status update for node %s: status %v", p.name, p.status))
		}
		changed = true
	}
	if f.kind == kindBeat {
		t.beatIn(p, x, f.at)
	}
	if changed {
		t.publish()
	}
	return p
}

// beatIn measures the time between beats.
func (t *Transport) beatIn(p *peer, x *path, at int64) {
	if x.lastBeat != 0 && time.Duration(at-x.lastBeat) > t.cfg.Warntime {
		x.late.Add(1)
	}
	if gap := time.Duration(at - p.lastBeat); p.lastBeat != 0 && gap > t.cfg.Warntime {
		t.log.Warn(fmt.Sprintf("Late heartbeat: Node %s: interval %d ms", p.name, gap.Milliseconds()))
	}
	x.lastBeat, p.lastBeat = at, max(p.lastBeat, at)
}

// newLife begins the life of a peer, which ends the one before.
func (t *Transport) newLife(p *peer, f *received) {
	if p.life != 0 {
		t.log.Info(fmt.Sprintf("Heartbeat restart on node %s", p.name))
		t.endSession(p, "it has restarted")
		if p.alive {
			p.alive = false
			t.emit(ccm.TransportEvent{Kind: ccm.PeerDown, From: p.name, Incarnation: p.incarnation, At: f.at})
		}
		p.in = nil
		p.forget()
	}
	p.life, p.incarnation = f.life, f.incarnation
	t.beginSession(p)
}

// detect finds the paths that have been silent for deadtime. now is when the
// present tick was due, so that frames that wait in the channels of a node that
// was itself late are heard first.
func (t *Transport) detect(now int64) {
	changed := false
	for _, p := range t.peers {
		var dead []*path
		up := 0
		for _, x := range p.paths {
			switch {
			case !x.up:
			case now-x.heard.Load() > int64(t.cfg.Deadtime):
				dead = append(dead, x)
			default:
				up++
			}
		}
		if up == 0 && (p.alive || p.life == 0 && !p.saidDead && p.configured && now-t.born > int64(t.cfg.Initdead)) {
			t.log.Warn(fmt.Sprintf("node %s: is dead", p.name))
			p.saidDead, changed = true, true
			if p.alive {
				p.alive, p.lastBeat = false, 0
				p.status = statusInit
				t.endSession(p, "it is dead")
				t.beginSession(p)
				t.emit(ccm.TransportEvent{Kind: ccm.PeerDown, From: p.name, Incarnation: p.incarnation, At: now})
			}
		}
		for _, x := range dead {
			x.up, x.lastBeat, changed = false, 0, true
			for _, g := range t.targets { // whoever has the address next is welcome
				if g.peer == p.name && g.medium.link() == x.link {
					g.peer = ""
				}
			}
			t.log.Info(fmt.Sprintf("Link %s:%s dead.", p.name, x.link))
			t.emit(ccm.TransportEvent{Kind: ccm.LinkDown, From: p.name, Incarnation: p.incarnation, Link: x.link, At: now})
		}
	}
	t.checkActive()
	if changed {
		t.publish()
	}
}

// nextDeath is when the first of the paths that are up will have been silent for
// too long, 0 if none is up.
func (t *Transport) nextDeath() (first int64) {
	for _, p := range t.peers {
		for _, x := range p.paths {
			if at := x.heard.Load() + int64(t.cfg.Deadtime) + 1; x.up && (first == 0 || at < first) {
				first = at
			}
		}
	}
	return first
}

// checkActive makes this node active when it has heard all, or waited initdead.
func (t *Transport) checkActive() {
	if t.status == statusActive {
		return
	}
	if ccm.Boottime()-t.born < int64(t.cfg.Initdead) {
		for _, p := range t.peers {
			if p.configured && !p.alive {
				return
			}
		}
	}
	t.status = statusActive
	t.planBeats()
	t.log.Info(fmt.Sprintf("Local status now set to: '%v'", t.status))
}
