package link

import (
	"time"

	"github.com/quorate/quorate/ccm"
)

// Classes of messages on the wire, in order of urgency: the two of
// [ccm.Class], and the streams of gossip after them.
const (
	classGossip = ccm.Bulk + 1
	numClasses  = int(classGossip) + 1
)

// Limits of a stream.
const (
	// maxMessage is the largest message.
	maxMessage = 256 << 20
	// maxQueued is how many bytes wait for one peer before its session is ended.
	maxQueued = 2 * maxMessage
	// recvWindow is how many packets beyond the first missing one are taken.
	recvWindow = 2048
	// The window of the sender, in packets.
	minWindow, firstWindow, maxWindow = 16, 32, 1024
	// reorder is how many packets sent later must have arrived before one counts
	// as lost.
	reorder = 4
)

// Bounds of the retransmission timer.
const (
	firstRTO = 100 * time.Millisecond
	minRTO   = 10 * time.Millisecond
	maxRTO   = 500 * time.Millisecond
)

// packet is a fragment of a message on its way.
type packet struct {
	class       ccm.Class
	seq         uint64
	first, last bool
	total       int // size of the message
	data        []byte

	xmit  uint32 // number of the last transmission
	tries int
	state packetState
}

type packetState byte

const (
	inFlight packetState = iota
	isLost
	isAcked
)

// outClass is what one class has to send.
type outClass struct {
	messages [][]byte
	offset   int // in the first message
	next     uint64
	flight   []*packet // from the first that is not acknowledged
	lost     []*packet
}

// sender is the sending half of a stream: a machine without clock and socket.
// Times are nanoseconds.
type sender struct {
	stream  uint32
	classes [numClasses]outClass

	window, threshold float64
	inFlight          int
	queued            int // bytes in messages and flight
	xmit              uint32
	maxAcked          uint32
	recovery          uint32 // losses of earlier transmissions are one event

	srtt, rttvar time.Duration
	least        time.Duration // of the timer, by the medium
	sentAt       [1024]int64   // of the last transmissions, by number
	backoff      uint
	since        int64 // when the timer began to run
}

func newSender(stream uint32) *sender {
	return &sender{stream: stream, window: firstWindow, threshold: maxWindow}
}

// push queues a message, which the sender keeps.
func (s *sender) push(class ccm.Class, message []byte) {
	c := &s.classes[class]
	c.messages = append(c.messages, message)
	s.queued += len(message)
}

// next returns a packet to transmit now, nil if there is none or the window is
// full. A lower class goes first; in a class what was lost goes first. size is
// the largest fragment, limit a bound of the window.
func (s *sender) next(now int64, size int, limit int) *packet {
	if s.inFlight >= min(int(s.window), limit) {
		return nil
	}
	for class := range s.classes {
		c := &s.classes[class]
		p := c.takeLost()
		if p == nil {
			p = s.cut(ccm.Class(class), size)
		}
		if p == nil {
			continue
		}
		if s.inFlight == 0 {
			s.since = now
		}
		s.xmit++
		s.inFlight++
		s.sentAt[s.xmit%uint32(len(s.sentAt))] = now
		p.xmit, p.state = s.xmit, inFlight
		p.tries++
		return p
	}
	return nil
}

func (c *outClass) takeLost() *packet {
	for len(c.lost) > 0 {
		p := c.lost[0]
		c.lost = c.lost[1:]
		if p.state == isLost {
			return p
		}
	}
	c.lost = nil
	return nil
}

// cut makes the next fragment of a class.
func (s *sender) cut(class ccm.Class, size int) *packet {
	c := &s.classes[class]
	if len(c.messages) == 0 || len(c.flight) > 0 && c.next-c.flight[0].seq >= recvWindow {
		return nil
	}
	m := c.messages[0]
	end := min(c.offset+size, len(m))
	p := &packet{class: class, seq: c.next, first: c.offset == 0, last: end == len(m), total: len(m), data: m[c.offset:end]}
	c.next++
	c.offset = end
	c.flight = append(c.flight, p)
	if p.last {
		c.messages[0] = nil
		c.messages = c.messages[1:]
		c.offset = 0
	}
	return p
}

// span is a run of packets that arrived.
type span struct{ from, to uint64 } // to is not in it

// acked takes an acknowledgement of a class: all before cum and what is in spans
// has arrived, the last of them by transmission xmit.
func (s *sender) acked(now int64, class ccm.Class, cum uint64, spans []span, xmit uint32) {
	c := &s.classes[class]
	n := 0
	mark := func(p *packet) {
		if p.state == isAcked {
			return
		}
		if p.state == inFlight {
			s.inFlight--
		}
		p.state = isAcked
		s.queued -= len(p.data)
		p.data = nil
		n++
	}
	base := uint64(0)
	if len(c.flight) > 0 {
		base = c.flight[0].seq
	}
	cum = min(cum, base+uint64(len(c.flight)))
	for seq := base; seq < cum; seq++ {
		mark(c.flight[seq-base])
	}
	for _, sp := range spans {
		for seq := max(sp.from, base); seq < min(sp.to, base+uint64(len(c.flight))); seq++ {
			mark(c.flight[seq-base])
		}
	}
	done := 0
	for done < len(c.flight) && c.flight[done].state == isAcked {
		c.flight[done] = nil
		done++
	}
	if c.flight = c.flight[done:]; len(c.flight) == 0 {
		c.flight = nil
	}
	if age := s.xmit - xmit; int32(xmit-s.maxAcked) > 0 && int32(age) >= 0 {
		s.maxAcked = xmit
		if age < uint32(len(s.sentAt)) {
			s.sample(time.Duration(now - s.sentAt[xmit%uint32(len(s.sentAt))]))
		}
	}
	if n > 0 {
		s.backoff, s.since = 0, now
		if s.window < s.threshold {
			s.window += float64(n)
		} else {
			s.window += float64(n) / s.window
		}
		s.window = min(s.window, maxWindow)
	}
	s.findLost()
}

// findLost marks packets that were overtaken.
func (s *sender) findLost() {
	for i := range s.classes {
		c := &s.classes[i]
		for _, p := range c.flight {
			if p.state == inFlight && int32(s.maxAcked-p.xmit) >= reorder {
				s.lose(c, p)
			}
		}
	}
}

func (s *sender) lose(c *outClass, p *packet) {
	p.state = isLost
	s.inFlight--
	c.lost = append(c.lost, p)
	if int32(p.xmit-s.recovery) > 0 {
		s.recovery = s.xmit
		s.window = max(s.window*0.7, minWindow)
		s.threshold = s.window
	}
}

// sample takes a measured round trip into the timer (RFC 6298).
func (s *sender) sample(rtt time.Duration) {
	if s.srtt == 0 {
		s.srtt, s.rttvar = rtt, rtt/2
		return
	}
	s.rttvar += (max(s.srtt-rtt, rtt-s.srtt) - s.rttvar) / 4
	s.srtt += (rtt - s.srtt) / 8
}

// rto is the present retransmission timeout.
func (s *sender) rto() time.Duration {
	d := firstRTO
	if s.srtt != 0 {
		d = max(s.srtt+4*s.rttvar, minRTO)
	}
	return min(max(d, s.least)<<s.backoff, max(maxRTO, 2*s.srtt, 2*s.least))
}

// deadline is when timeout must be called, 0 if nothing is in flight.
func (s *sender) deadline() int64 {
	if s.inFlight == 0 {
		return 0
	}
	return s.since + int64(s.rto())
}

// timeout gives up what is in flight; it will be sent again, a small window at a
// time, until an acknowledgement comes.
func (s *sender) timeout(now int64) {
	for i := range s.classes {
		c := &s.classes[i]
		c.lost = nil
		for _, p := range c.flight {
			if p.state == inFlight {
				p.state = isLost
			}
			if p.state == isLost {
				c.lost = append(c.lost, p)
			}
		}
	}
	s.inFlight = 0
	s.recovery = s.xmit
	s.threshold = max(s.window/2, minWindow)
	s.window = minWindow
	s.backoff = min(s.backoff+1, 6)
	s.since = now
}

// waiting returns how many bytes of the caller wait or are on their way; gossip
// does not count.
func (s *sender) waiting() (n int) {
	for class := range s.classes {
		c := &s.classes[class]
		if class == int(classGossip) {
			continue
		}
		for _, m := range c.messages {
			n += len(m)
		}
		n -= c.offset
		for _, p := range c.flight {
			n += len(p.data)
		}
	}
	return n
}

// idle reports whether nothing waits for anything.
func (s *sender) idle() bool {
	for i := range s.classes {
		if c := &s.classes[i]; len(c.messages) > 0 || len(c.flight) > 0 {
			return false
		}
	}
	return true
}
