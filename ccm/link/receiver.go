package link

// slot is a packet that came before its turn.
type slot struct {
	used        bool
	first, last bool
	total       int
	data        []byte
}

// inClass is what one class has received.
type inClass struct {
	next    uint64 // the first that is missing
	top     uint64 // one above the highest that came
	slots   []slot // by number modulo recvWindow; nil until something is missing
	message []byte
	open    bool // a message has begun
	ackDue  bool
	xmit    uint32 // of the packet that came last
}

// receiver is the receiving half of a stream: a machine without clock and
// socket.
type receiver struct {
	stream  uint32
	broken  bool // it has sent what makes no sense
	classes [numClasses]inClass
}

// missing returns the numbers around the first gap: the last in order and the
// first beyond; ok is false if there is no gap.
func (c *inClass) missing() (before, after uint64, ok bool) {
	if c.top <= c.next {
		return 0, 0, false
	}
	for after = c.next + 1; after < c.top && !c.slots[after%recvWindow].used; after++ {
	}
	return c.next - 1, after, true
}

// take takes a packet, whose data it keeps, and returns the messages that it
// completes. ok is false if the packet breaks the rules.
func (r *receiver) take(p *packet) (done [][]byte, ok bool) {
	c := &r.classes[p.class]
	c.xmit, c.ackDue = p.xmit, true
	if p.seq < c.next || p.seq >= c.next+recvWindow {
		return nil, true
	}
	c.top = max(c.top, p.seq+1)
	if p.seq > c.next {
		if c.slots == nil {
			c.slots = make([]slot, recvWindow)
		}
		if s := &c.slots[p.seq%recvWindow]; !s.used {
			*s = slot{used: true, first: p.first, last: p.last, total: p.total, data: p.data}
		}
		return nil, true
	}
	s := slot{first: p.first, last: p.last, total: p.total, data: p.data}
	for {
		m, whole, ok := c.append(s)
		if !ok {
			return done, false
		}
		if whole {
			done = append(done, m)
		}
		c.next++
		if c.next >= c.top {
			c.slots = nil
			return done, true
		}
		at := &c.slots[c.next%recvWindow]
		if !at.used {
			return done, true
		}
		s = *at
		*at = slot{}
	}
}

// append adds a fragment in order.
func (c *inClass) append(s slot) (message []byte, whole, ok bool) {
	if s.first == c.open || s.first && s.total > maxMessage {
		return nil, false, false
	}
	switch {
	case s.first && s.last:
		return s.data, true, len(s.data) == s.total
	case s.first:
		// What a length claims is believed up to a megabyte.
		c.message, c.open = make([]byte, 0, min(s.total, 1<<20)), true
	}
	c.message = append(c.message, s.data...)
	if len(c.message) > maxMessage {
		return nil, false, false
	}
	if !s.last {
		return nil, false, true
	}
	message, c.message, c.open = c.message, nil, false
	return message, true, true
}

// spans returns what arrived beyond the first gap, at most n runs.
func (c *inClass) spans(n int) (all []span) {
	for seq := c.next; seq < c.top && len(all) < n; seq++ {
		if !c.slots[seq%recvWindow].used {
			continue
		}
		from := seq
		for seq < c.top && c.slots[seq%recvWindow].used {
			seq++
		}
		all = append(all, span{from, seq})
	}
	return all
}
