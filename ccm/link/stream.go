package link

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/quorate/quorate/ccm"
)

// Payload of a data frame:
//
//	 0  4  stream: grows with each session of the sender with this peer
//	 4  8  life of the receiver the message was queued for
//	12  1  class
//	13  1  1: first fragment, 2: last fragment
//	14  8  number of the fragment in stream and class, from 0
//	22  4  number of the transmission
//	26  4  size of the message
//	30     the fragment
//
// Payload of an acknowledgement: stream, life of the sender and class as above
// (255: the stream cannot go on, begin another), the transmission that came last (4), the first missing number (8), the number
// of runs beyond it (1), and for each its begin after that number and its
// length (4 + 4).
const (
	dataHeader = 30
	ackHeader  = 26
	maxSpans   = 120
	ackReset   = 255
)

// chunkSize is the largest fragment that always fits a frame to the peer.
func (t *Transport) chunkSize(p *peer) int {
	return maxFrame - fixedHeader - 2 - len(t.cfg.Self) - len(p.name) - 32 - dataHeader
}

// beginSession makes the session with the present life of a peer.
func (t *Transport) beginSession(p *peer) {
	p.streams++
	p.out, p.gapSaid = newSender(p.streams), false
}

// endSession drops what is queued for a peer. What it has begun to send is kept:
// as long as it lives it may not know that this node gave it up, and goes on.
func (t *Transport) endSession(p *peer, why string) {
	if p.out != nil {
		if n := p.out.waiting(); n > 0 {
			t.log.Info(fmt.Sprintf("Messages of %d bytes to %s are dropped: %s", n, p.name, why))
		}
	}
	p.out = nil
	delete(t.dirty, p)
	if t.gossip != nil {
		t.gossip.wire.sessionEnded(p.name)
	}
}

// restartSession ends the session with a living peer, which will see a new
// stream begin.
func (t *Transport) restartSession(p *peer, why string) {
	t.log.Error(fmt.Sprintf("The session with %s begins anew: %s", p.name, why))
	t.endSession(p, why)
	t.beginSession(p)
	t.emit(ccm.TransportEvent{Kind: ccm.PeerDown, From: p.name, Incarnation: p.incarnation, At: ccm.Boottime()})
	t.emit(ccm.TransportEvent{Kind: ccm.PeerUp, From: p.name, Incarnation: p.incarnation, At: ccm.Boottime()})
}

// queueMessage queues a message in its envelope, which is kept.
func (t *Transport) queueMessage(to string, class ccm.Class, payload []byte) {
	if to == t.cfg.Self {
		t.emit(ccm.TransportEvent{Kind: ccm.MessageReceived, From: to, Incarnation: t.cfg.Incarnation, Class: class, Payload: payload[1:], At: ccm.Boottime()})
		return
	}
	p := t.peers[to]
	switch {
	case p == nil || !p.alive || p.out == nil || class >= ccm.Class(numClasses):
		t.log.Debug(fmt.Sprintf("A message of %d bytes to %s is dropped: it is not reachable", len(payload), to))
	case len(payload) > maxMessage:
		t.log.Error(fmt.Sprintf("A message of %d bytes to %s is dropped: the limit is %d", len(payload), to, maxMessage))
		t.restartSession(p, "a message was too large")
	case p.out.queued+len(payload) > maxQueued:
		t.restartSession(p, fmt.Sprintf("%d bytes wait for it", p.out.queued))
	default:
		if x := t.dataPath(p); x != nil && x.medium.traits().slow {
			payload = deflate(payload)
		}
		p.out.push(class, payload)
		t.dirty[p] = true
	}
}

// dataIn takes a fragment.
func (t *Transport) dataIn(p *peer, f *received) {
	b := f.payload
	if len(b) < dataHeader || b[12] >= byte(numClasses) {
		t.sink.drops.add(errGarbage, f.medium.link(), func() string { return "is a fragment that makes no sense, from " + p.name })
		return
	}
	stream, life := binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:])
	if life != t.life || p.in != nil && stream < p.in.stream {
		return // for another life of this node, or of a session that ended
	}
	if t.queueBytes > maxQueued {
		return // the caller is slow: let it come again
	}
	if p.in == nil || stream > p.in.stream {
		if p.in != nil {
			t.emit(ccm.TransportEvent{Kind: ccm.PeerDown, From: p.name, Incarnation: p.incarnation, At: f.at})
			t.emit(ccm.TransportEvent{Kind: ccm.PeerUp, From: p.name, Incarnation: p.incarnation, At: f.at})
			if t.gossip != nil {
				t.gossip.wire.sessionEnded(p.name)
			}
		}
		p.in = &receiver{stream: stream}
	}
	p.dataIn = p.path(f.medium.link())
	if p.in.broken {
		t.sendReset(p)
		return
	}
	k := &packet{class: ccm.Class(b[12]), seq: binary.BigEndian.Uint64(b[14:]), first: b[13]&1 != 0, last: b[13]&2 != 0,
		xmit: binary.BigEndian.Uint32(b[22:]), total: int(binary.BigEndian.Uint32(b[26:])), data: b[dataHeader:]}
	done, ok := p.in.take(k)
	t.dirty[p] = true
	for _, m := range done {
		m, err := open(m)
		if err != nil {
			t.sink.drops.add(errGarbage, f.medium.link(), func() string { return fmt.Sprintf("is the end of %v, from %s", err, p.name) })
			continue
		}
		if k.class == classGossip {
			if t.gossip != nil {
				t.gossip.wire.streamIn(p.name, m)
			}
			continue
		}
		t.emit(ccm.TransportEvent{Kind: ccm.MessageReceived, From: p.name, Incarnation: p.incarnation, Class: k.class, Payload: m, At: f.at})
	}
	if !ok {
		t.sink.drops.add(errGarbage, f.medium.link(), func() string { return "is a fragment out of place, from " + p.name })
		p.in = &receiver{stream: stream, broken: true}
		t.sendReset(p)
		return
	}
	t.gaps(p, k.class, f.at)
}

// gapLogInterval keeps a lossy link from filling the log.
const gapLogInterval = time.Second

// gaps tells the user of missing packets, and that they came.
func (t *Transport) gaps(p *peer, class ccm.Class, now int64) {
	before, after, gap := p.in.classes[class].missing()
	switch {
	case gap && !p.gapSaid && now-p.gapAt > int64(gapLogInterval):
		p.gapSaid, p.gapAt, p.gapClass = true, now, class
		t.log.Warn(fmt.Sprintf("%d lost packet(s) for [%s] [%d:%d]", after-before-1, p.name, before, after))
	case !gap && p.gapSaid && p.gapClass == class:
		p.gapSaid = false
		t.log.Info(fmt.Sprintf("No pkts missing from %s!", p.name))
	}
}

// ackIn takes an acknowledgement.
func (t *Transport) ackIn(p *peer, f *received) {
	b := f.payload
	if len(b) < ackHeader || b[12] >= byte(numClasses) && b[12] != ackReset || len(b) != ackHeader+8*int(b[25]) {
		t.sink.drops.add(errGarbage, f.medium.link(), func() string { return "is an acknowledgement that makes no sense, from " + p.name })
		return
	}
	if p.out == nil || binary.BigEndian.Uint32(b) != p.out.stream || binary.BigEndian.Uint64(b[4:]) != t.life {
		return
	}
	if b[12] == ackReset {
		t.restartSession(p, "it has lost the thread")
		return
	}
	cum := binary.BigEndian.Uint64(b[17:])
	spans := make([]span, b[25])
	for i := range spans {
		from := cum + uint64(binary.BigEndian.Uint32(b[ackHeader+8*i:]))
		spans[i] = span{from, from + uint64(binary.BigEndian.Uint32(b[ackHeader+8*i+4:]))}
	}
	p.out.acked(f.at, ccm.Class(b[12]), cum, spans, binary.BigEndian.Uint32(b[13:]))
	t.dirty[p] = true
}

// sendReset asks a peer to begin another stream.
func (t *Transport) sendReset(p *peer) {
	b := binary.BigEndian.AppendUint32(nil, p.in.stream)
	b = binary.BigEndian.AppendUint64(b, p.life)
	b = append(b, ackReset)
	b = append(b, make([]byte, ackHeader-len(b))...)
	t.each(p, p.dataIn.link, func(g *target, a netip.AddrPort) { t.put(kindAck, p, g, a, b) })
}

// ack sends the acknowledgements that are due to a peer.
func (t *Transport) ack(p *peer) {
	if p.in == nil || p.in.broken {
		return
	}
	for class := range p.in.classes {
		c := &p.in.classes[class]
		if !c.ackDue {
			continue
		}
		c.ackDue = false
		spans := c.spans(maxSpans)
		b := t.scratch[:0]
		b = binary.BigEndian.AppendUint32(b, p.in.stream)
		b = binary.BigEndian.AppendUint64(b, p.life)
		b = append(b, byte(class))
		b = binary.BigEndian.AppendUint32(b, c.xmit)
		b = binary.BigEndian.AppendUint64(b, c.next)
		b = append(b, byte(len(spans)))
		for _, s := range spans {
			b = binary.BigEndian.AppendUint32(b, uint32(s.from-c.next))
			b = binary.BigEndian.AppendUint32(b, uint32(s.to-s.from))
		}
		t.scratch = b
		// Back where the data came from: that way the sender learns which path
		// works in both directions.
		if x := p.dataIn; x != nil {
			t.each(p, x.link, func(g *target, a netip.AddrPort) { t.put(kindAck, p, g, a, b) })
		}
	}
}

// dataPath chooses the path for data: of those that are up the one in use, else
// the first of the lowest rank; nil if the peer was never heard.
func (t *Transport) dataPath(p *peer) *path {
	if p.current != nil && p.current.up {
		return p.current
	}
	p.current = nil
	for _, x := range p.paths {
		if x.up && (p.current == nil || x.medium.traits().rank < p.current.medium.traits().rank) {
			p.current = x
		}
	}
	return p.current
}

// nextPath turns to another path after a timeout.
func (t *Transport) nextPath(p *peer) {
	i := slices.Index(p.paths, p.current)
	for n := 1; n < len(p.paths); n++ {
		if x := p.paths[(i+n)%len(p.paths)]; x.up && x != p.current {
			p.current = x
			return
		}
	}
}

// pumpBudget is how many packets leave before run looks at what came in.
const pumpBudget = 64

// pump sends acknowledgements and data of all peers that have some, and sets the
// timer.
func (t *Transport) pump() {
	t.more = false
	if len(t.dirty) == 0 {
		return
	}
	now := ccm.Boottime()
	budget := pumpBudget
	for p := range t.dirty {
		t.ack(p)
		if p.out == nil || !p.alive {
			delete(t.dirty, p)
			continue
		}
		if d := p.out.deadline(); d != 0 && now >= d {
			p.out.timeout(now)
			t.nextPath(p)
		}
		x := t.dataPath(p)
		var how traits
		if x != nil {
			how = x.medium.traits()
			p.out.least = how.rto
		}
		for x != nil {
			if budget == 0 {
				t.more = true
				break
			}
			k := p.out.next(now, min(t.chunkSize(p), how.chunk), how.window)
			if k == nil {
				break
			}
			budget--
			t.putData(p, x, k)
		}
		if !t.more {
			delete(t.dirty, p)
		}
	}
	t.setTimer(now)
}

// putData transmits a packet: what got lost twice goes by every path.
func (t *Transport) putData(p *peer, x *path, k *packet) {
	var flags byte
	if k.first {
		flags |= 1
	}
	if k.last {
		flags |= 2
	}
	b := binary.BigEndian.AppendUint32(t.scratch[:0], p.out.stream)
	b = binary.BigEndian.AppendUint64(b, p.life)
	b = append(b, byte(k.class), flags)
	b = binary.BigEndian.AppendUint64(b, k.seq)
	b = binary.BigEndian.AppendUint32(b, k.xmit)
	b = binary.BigEndian.AppendUint32(b, uint32(k.total))
	b = append(b, k.data...)
	t.scratch = b
	for _, y := range p.paths {
		if y == x || k.tries > 2 && y.up {
			t.each(p, y.link, func(g *target, a netip.AddrPort) { t.put(kindData, p, g, a, b) })
		}
	}
}

// setTimer arms the retransmission timer for the peer that is due first.
func (t *Transport) setTimer(now int64) {
	var first int64
	for _, p := range t.peers {
		if p.out == nil {
			continue
		}
		if d := p.out.deadline(); d != 0 && (first == 0 || d < first) {
			first = d
		}
	}
	if first != 0 {
		t.rto.Reset(time.Duration(max(first-now, int64(time.Millisecond))))
	}
}
