package link

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	bugst "go.bug.st/serial"

	"github.com/quorate/quorate/ccm"
)

// serial is a null-modem cable to one other node. Frames are packed as in SLIP
// (RFC 1055). The line is slow: a writer of its own puts beats before data and
// paces itself, so that nothing waits where it cannot be overtaken.
type serial struct {
	device string
	baud   int
	log    *slog.Logger
	turn   time.Duration
	// urgent goes first, then acks, then data.
	urgent, acks, data chan queued
	open               atomic.Bool
	// waited is the longest time that a beat waited for the line.
	waited atomic.Int64
	// relay hands on what comes in; nil: nobody does.
	relay *relay
	// written counts the frames that the line has taken.
	written atomic.Uint64
}

// queued is a packet, its kind, and when it was queued.
type queued struct {
	b    []byte
	kind kind
	at   int64
}

// Queues of a serial line, in frames. Of what is urgent the newest counts.
const (
	serialUrgent = 16
	serialAcks   = 8
	serialData   = serialWindow
	serialWindow = 4
	serialRetry  = time.Second
)

// newSerial makes the medium. One frame of data may hold up a beat for half a
// keepalive at most, and for serialTurn at most.
func newSerial(device string, baud int, keepalive time.Duration, log *slog.Logger) *serial {
	return &serial{device: device, baud: baud, log: log, turn: min(keepalive/2, serialTurn),
		urgent: make(chan queued, serialUrgent), acks: make(chan queued, serialAcks), data: make(chan queued, serialData)}
}

const serialTurn = 200 * time.Millisecond

func (s *serial) link() string { return s.device }

func (s *serial) traits() traits {
	const overhead = 150 // of a frame and its packing
	perTurn := int(float64(s.baud) / 10 * s.turn.Seconds())
	return traits{rank: 1, slow: true, chunk: max(perTurn-overhead, 64), window: serialWindow, rto: 6 * serialTurn}
}

// run implements medium.
func (s *serial) run(ctx context.Context, sink *sink) {
	r := newReader(sink)
	said := ""
	for ctx.Err() == nil {
		// Modem lines are left alone: a pty has none.
		port, err := bugst.Open(s.device, &bugst.Mode{BaudRate: s.baud, DataBits: 8, Parity: bugst.NoParity, StopBits: bugst.OneStopBit})
		if err == nil {
			if said != "" {
				s.log.Info(fmt.Sprintf("Link %s works now", s.device))
				said = ""
			}
			err = s.use(ctx, port, r)
		}
		if ctx.Err() != nil {
			return
		}
		if said == "" {
			said = err.Error()
			s.log.Error(fmt.Sprintf("Link %s does not work: %v; trying on", s.device, err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(serialRetry):
		}
	}
}

// use reads and writes an open line until it breaks or ctx ends.
func (s *serial) use(ctx context.Context, port bugst.Port, r *reader) error {
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(wctx, func() {
		port.ResetOutputBuffer() // lets a blocked writer go
		port.Close()
	})
	defer stop()
	// Nobody waits for the writer: the line may block it for as long as it likes.
	go s.write(wctx, port)
	s.open.Store(true)
	defer s.open.Store(false)
	var u unpacker
	buf := make([]byte, 512)
	for {
		n, err := port.Read(buf)
		at := ccm.Boottime()
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		for _, c := range buf[:n] {
			if f := u.feed(c); f != nil {
				s.take(r, f, at)
			}
		}
	}
}

// take takes one packet.
func (s *serial) take(r *reader, b []byte, at int64) {
	b, hops := s.relay.unwrap(b)
	if s.relay == nil {
		r.take(b, s, netip.AddrPort{}, at)
		return
	}
	signed := bytes.Clone(b) // what the reader decrypts it does in place
	if r.take(b, s, netip.AddrPort{}, at) {
		s.relay.pass(s, signed, hops)
	}
}

// write sends what is queued at the pace of the line.
func (s *serial) write(ctx context.Context, port bugst.Port) {
	pace := time.NewTimer(0)
	defer pace.Stop()
	var out []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		f, ok := s.first(ctx)
		if !ok {
			return
		}
		if f.kind == kindBeat {
			s.waited.Store(max(s.waited.Load(), ccm.Boottime()-f.at))
		}
		out = pack(out[:0], f.b)
		if _, err := port.Write(out); err != nil {
			return // the reader sees it too
		}
		s.written.Add(1)
		pace.Reset(time.Duration(len(out)) * 10 * time.Second / time.Duration(s.baud))
	}
}

// first takes the most urgent frame, waiting for one; false when ctx ends.
func (s *serial) first(ctx context.Context) (f queued, ok bool) {
	select {
	case f = <-s.urgent:
		return f, true
	default:
	}
	select {
	case f = <-s.urgent:
		return f, true
	case f = <-s.acks:
		return f, true
	default:
	}
	select {
	case <-ctx.Done():
		return f, false
	case f = <-s.urgent:
	case f = <-s.acks:
	case f = <-s.data:
	}
	return f, true
}

// send implements medium.
func (s *serial) send(_ *target, _ netip.AddrPort, b []byte) error {
	return s.queue(kind(b[3]), bytes.Clone(b))
}

// queue queues a packet, which is kept.
func (s *serial) queue(k kind, b []byte) error {
	if !s.open.Load() {
		return errNoSocket
	}
	f := queued{b, k, ccm.Boottime()}
	queue := s.data
	switch k {
	case kindAck:
		queue = s.acks
		fallthrough
	case kindData, kindGossip:
		select {
		case queue <- f:
			return nil
		default:
			return errBusy
		}
	}
	for {
		select {
		case s.urgent <- f:
			return nil
		default:
		}
		select {
		case <-s.urgent:
		default:
		}
	}
}

// The special bytes of SLIP.
const (
	slipEnd    = 0xc0
	slipEsc    = 0xdb
	slipEscEnd = 0xdc
	slipEscEsc = 0xdd
)

// pack appends a frame as it goes on the line. It begins with an end, too, which
// flushes noise.
func pack(dst, b []byte) []byte {
	dst = append(dst, slipEnd)
	for _, c := range b {
		switch c {
		case slipEnd:
			dst = append(dst, slipEsc, slipEscEnd)
		case slipEsc:
			dst = append(dst, slipEsc, slipEscEsc)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, slipEnd)
}

// unpacker finds frames in a stream of bytes. The zero value is ready.
type unpacker struct {
	buf  []byte
	esc  bool
	skip bool // until the next end: the frame is too long or broken
}

// feed takes one byte and returns the frame it ends, valid until the next call.
func (u *unpacker) feed(c byte) []byte {
	if c == slipEnd {
		f := u.buf
		if u.skip || u.esc {
			f = nil
		}
		u.buf, u.esc, u.skip = u.buf[:0], false, false
		if len(f) == 0 {
			return nil
		}
		return f
	}
	switch {
	case u.skip:
		return nil
	case u.esc:
		u.esc = false
		switch c {
		case slipEscEnd:
			c = slipEnd
		case slipEscEsc:
			c = slipEsc
		default:
			u.skip = true
			return nil
		}
	case c == slipEsc:
		u.esc = true
		return nil
	}
	if len(u.buf) > maxFrame+relayHeader {
		u.skip = true
		return nil
	}
	u.buf = append(u.buf, c)
	return nil
}
