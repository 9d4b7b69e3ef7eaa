package link

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/quorate/quorate/ccm"
)

// received is a good frame on its way from a reader to run.
type received struct {
	frame
	medium  medium
	src     netip.AddrPort
	at      int64
	skipped uint64
	late    bool
}

// policy is what readers must know; a new one replaces it whole.
type policy struct {
	self     string
	life     uint64
	cluster  uint32
	keys     *Keys
	known    names
	autojoin bool
}

// sink is where readers put good frames.
type sink struct {
	policy atomic.Pointer[policy]
	drops  *drops
	late   *ccm.Lateness
	// urgent has beats, datagrams and gossip; data the fragments of messages and
	// their acknowledgements. A full channel drops: waiting would make beats
	// wait behind data.
	urgent, data chan received
}

// reader checks the frames of one socket. It belongs to one goroutine.
type reader struct {
	sink    *sink
	policy  *policy
	auth    *authenticator
	senders map[string]*heard
}

// heard is what a reader remembers of one node.
type heard struct {
	life, incarnation uint64
	flows             map[uint16]*window
}

// maxFlows bounds the memory for one sender: more targets than 64 media of 100
// nodes can have.
const maxFlows = 6400

func newReader(s *sink) *reader { return &reader{sink: s, senders: map[string]*heard{}} }

// take handles one packet and reports whether it was a good one; b may be reused
// afterwards.
func (r *reader) take(b []byte, m medium, src netip.AddrPort, at int64) bool {
	if p := r.sink.policy.Load(); p != r.policy {
		r.policy = p
		r.auth = newAuthenticator(p.keys, p.cluster)
	}
	var f received
	if err := f.decode(b, r.auth, r.policy.known); err != nil {
		r.sink.drops.add(err, m.link(), func() string { return describe(err, b, src) })
		return false
	}
	if f.from == r.policy.self {
		if f.life != r.policy.life && f.life>>16 >= r.policy.life>>16 {
			r.sink.drops.add(errOwnName, m.link(), func() string {
				return fmt.Sprintf("came from %v; two machines must not have the name %s", src, f.from)
			})
		}
		return true
	}
	if f.to != "" && f.to != r.policy.self {
		return true
	}
	if _, ok := r.policy.known[f.from]; !ok && !r.policy.autojoin {
		r.sink.drops.add(errUnknown, m.link(), func() string {
			return fmt.Sprintf("came from %s at %v; add it to ha.cf, or set autojoin", printable(f.from), src)
		})
		return false
	}
	if err := r.fresh(&f); err != nil {
		r.sink.drops.add(err, m.link(), func() string {
			return fmt.Sprintf("claims to be number %d of incarnation %d of %s, and came from %v", f.seq, f.incarnation, f.from, src)
		})
		return false
	}
	f.medium, f.src, f.at = m, src, at
	f.payload = append(make([]byte, 0, len(f.payload)), f.payload...)
	ch := r.sink.urgent
	if f.kind == kindData || f.kind == kindAck {
		ch = r.sink.data
	}
	select {
	case ch <- f:
	default:
		r.sink.drops.add(errOverrun, m.link(), func() string { return "came from " + f.from })
	}
	return true
}

// fresh tells new frames from replayed ones.
func (r *reader) fresh(f *received) error {
	s := r.senders[f.from]
	switch {
	case s == nil || s.life != f.life && newer(f.incarnation, f.life, s.incarnation, s.life):
		s = &heard{life: f.life, incarnation: f.incarnation, flows: map[uint16]*window{}}
		r.senders[f.from] = s
	case s.life != f.life:
		return errStale
	}
	w := s.flows[f.flow]
	if w == nil {
		if len(s.flows) >= maxFlows {
			return errReplay
		}
		w = new(window)
		s.flows[f.flow] = w
	}
	ok, skipped, late := w.see(f.seq)
	if !ok {
		return errReplay
	}
	f.skipped, f.late = skipped, late
	return nil
}

// describe says where a bad frame came from and what the administrator can do.
func describe(err error, b []byte, from netip.AddrPort) string {
	src := "the cable"
	if from.IsValid() {
		src = from.String()
	}
	switch err {
	case errVersion:
		return fmt.Sprintf("came from %v, which speaks protocol version %d; this node speaks %d: run the same version of quorate on all nodes", src, b[2], ProtocolVersion)
	case errCluster:
		return fmt.Sprintf("came from %v; give each cluster on one wire its own name (cluster) and port (udpport)", src)
	case errKey:
		return fmt.Sprintf("came from %v and is signed with key %d; authkeys must be the same on all nodes", src, b[4])
	case errMAC:
		return fmt.Sprintf("came from %v; authkeys must be the same on all nodes", src)
	}
	return fmt.Sprintf("came from %v and has %d bytes", src, len(b))
}

// printable makes a name from the wire safe for a log.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return '?'
		}
		return r
	}, s)
}
