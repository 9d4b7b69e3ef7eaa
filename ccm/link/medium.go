package link

import (
	"context"
	"net/netip"
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
	// rank orders media for data: the lowest that works is used.
	rank() int
}

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
	flow uint16 // constant
	seq  uint64
	// peer is the node that last spoke from addr, "" until then.
	peer string
}
