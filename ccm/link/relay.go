package link

import (
	"encoding/binary"
	"sync"
)

// relay hands on what comes in by one serial line to the others, so that nodes in
// a row or a ring of cables reach one another. A frame on its way has a header of
// its own, with the number of hops that are left; the frame itself stays as its
// sender has signed it. Only good frames are handed on, each once.
type relay struct {
	self string
	// hops is how often a frame may travel: the number of nodes and hopfudge.
	hops  byte
	lines []*serial

	mu   sync.Mutex // of seen; each line has a reader
	seen *reader
}

// Header of a frame on its way: "QF" and the hops that are left.
const relayHeader = 3

func newRelay(self string, hops int, lines []*serial) *relay {
	return &relay{self: self, hops: byte(min(hops, 255)), lines: lines, seen: newReader(nil)}
}

// unwrap returns the frame in a packet and how many hops it has left.
func (r *relay) unwrap(b []byte) (frame []byte, hops byte) {
	if len(b) > relayHeader && b[0] == 'Q' && b[1] == 'F' {
		return b[relayHeader:], b[2]
	}
	if r == nil {
		return b, 0
	}
	return b, r.hops
}

// pass hands on a frame that a reader found good.
func (r *relay) pass(from *serial, b []byte, hops byte) {
	if hops <= 1 {
		return
	}
	var f received
	nFrom := int(b[49])
	f.from = string(b[50 : 50+nFrom])
	if to := b[51+nFrom : 51+nFrom+int(b[50+nFrom])]; f.from == r.self || string(to) == r.self {
		return
	}
	f.life, f.incarnation = binary.BigEndian.Uint64(b[10:]), binary.BigEndian.Uint64(b[18:])
	f.flow, f.seq = binary.BigEndian.Uint16(b[38:]), binary.BigEndian.Uint64(b[40:])
	r.mu.Lock()
	err := r.seen.fresh(&f)
	r.mu.Unlock()
	if err != nil {
		return
	}
	packet := append([]byte{'Q', 'F', hops - 1}, b...)
	for _, s := range r.lines {
		if s != from {
			// A line that is busy or broken loses it, as it does frames of this node.
			_ = s.queue(kind(b[3]), packet)
		}
	}
}
