package link

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// medium is one way onto a wire.
type medium interface {
	// link is the name users know: the interface or the device.
	link() string
	// run opens the medium, reads it until ctx ends, and opens it again whenever
	// it breaks.
	run(ctx context.Context, s *sink)
	// send puts one frame on the wire and never waits; a frame that does not fit
	// is lost.
	send(t *target, to netip.AddrPort, b []byte) error
	traits() traits
}

// traits tell how to send data by a medium.
type traits struct {
	// rank orders media: the lowest that works is used.
	rank int
	// chunk is the largest fragment, window how many may be on their way.
	chunk, window int
	// slow says that messages are worth compressing.
	slow bool
	// rto is the least retransmission timeout.
	rto time.Duration
}

// Errors of sending. They are counted; what matters is sent again.
var (
	errNoSocket = errors.New("the link is not open")
	errBusy     = errors.New("the line is busy")
)

// target is one place a medium sends to. It belongs to run, but for what is said
// to be constant.
type target struct {
	medium medium // constant
	// shared targets (bcast, mcast) reach every node. constant
	shared bool
	// host is the name to look up, "" if addr was given as a number. constant
	host string
	port uint16 // constant
	addr netip.AddrPort
	// own numbers the frames of run, beat those of Broadcast.
	own, beat flow
	// peer is the node that last spoke from addr, "" until then.
	peer string
}
