package link

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
)

// inTransit is a packet or an acknowledgement on a simulated wire.
type inTransit struct {
	at     int64
	packet *packet
	class  ccm.Class
	cum    uint64
	spans  []span
	xmit   uint32
}

// TestStreamRandom runs a sender and a receiver over a wire that loses,
// duplicates and reorders, in virtual time: every message arrives once, in order
// within its class.
func TestStreamRandom(t *testing.T) {
	for seed := range uint64(200) {
		if err := streamRun(seed); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func streamRun(seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 7))
	loss := r.Float64() * 0.4
	s, in := newSender(1), &receiver{stream: 1}
	var want, got [numClasses][][]byte
	const size = 50
	for range 30 {
		m := pattern(r.IntN(8)*r.IntN(400), r.Uint64())
		c := ccm.Class(r.IntN(numClasses))
		want[c] = append(want[c], m)
		s.push(c, m)
	}
	var wire []inTransit
	carry := func(now int64, x inTransit) {
		for n := 1 + r.IntN(20)/19; n > 0; n-- { // now and then twice
			if r.Float64() >= loss {
				x.at = now + int64(time.Millisecond) + r.Int64N(int64(3*time.Millisecond))
				wire = append(wire, x)
			}
		}
	}
	now := int64(0)
	for end := int64(10 * time.Minute); ; now += int64(100 * time.Microsecond) {
		if now > end {
			return fmt.Errorf("not done after 10 virtual minutes: %+v", s)
		}
		if s.idle() {
			break
		}
		if d := s.deadline(); d != 0 && now >= d {
			s.timeout(now)
		}
		for {
			p := s.next(now, size, maxWindow)
			if p == nil {
				break
			}
			c := *p
			carry(now, inTransit{packet: &c})
		}
		if s.inFlight < 0 || s.queued < 0 {
			return fmt.Errorf("%d packets in flight, %d bytes queued", s.inFlight, s.queued)
		}
		var rest []inTransit
		for _, x := range wire {
			switch {
			case x.at > now:
				rest = append(rest, x)
			case x.packet == nil:
				s.acked(now, x.class, x.cum, x.spans, x.xmit)
			default:
				done, ok := in.take(x.packet)
				if !ok {
					return fmt.Errorf("packet %+v refused", x.packet)
				}
				got[x.packet.class] = append(got[x.packet.class], done...)
				c := &in.classes[x.packet.class]
				a := inTransit{class: x.packet.class, cum: c.next, spans: c.spans(4), xmit: c.xmit}
				if r.Float64() >= loss {
					a.at = now + int64(time.Millisecond)
					rest = append(rest, a)
				}
			}
		}
		wire = rest
	}
	if s.queued != 0 || s.waiting() != 0 || s.inFlight != 0 {
		return fmt.Errorf("at the end %d bytes are queued, %d wait, %d packets are in flight", s.queued, s.waiting(), s.inFlight)
	}
	for class := range want {
		if len(got[class]) != len(want[class]) {
			return fmt.Errorf("class %d: %d messages arrived of %d", class, len(got[class]), len(want[class]))
		}
		for i := range want[class] {
			if !bytes.Equal(got[class][i], want[class][i]) {
				return fmt.Errorf("class %d: message %d differs", class, i)
			}
		}
	}
	return nil
}

// What is urgent overtakes what was queued before it.
func TestStreamClasses(t *testing.T) {
	s := newSender(1)
	s.push(ccm.Bulk, make([]byte, 1000))
	if p := s.next(0, 100, maxWindow); p.class != ccm.Bulk {
		t.Fatal(p)
	}
	s.push(ccm.Control, []byte("urgent"))
	if p := s.next(0, 100, maxWindow); p.class != ccm.Control || string(p.data) != "urgent" {
		t.Fatal(p)
	}
	if p := s.next(0, 100, maxWindow); p.class != ccm.Bulk || p.seq != 1 {
		t.Fatal(p)
	}
	if p := s.next(0, 100, 3); p != nil {
		t.Fatal("the window is full")
	}
}

// Whatever a peer sends as data or acknowledgement, run survives.
func FuzzStreamPayload(f *testing.F) {
	data := append(make([]byte, 3), 1)          // stream 1
	data = append(data, 0, 0, 0, 0, 0, 0, 0, 1) // life 1
	data = append(data, 0, 3)                   // class, first and last
	data = append(data, make([]byte, 12)...)    // number, transmission
	data = append(data, 0, 0, 0, 2, 'h', 'i')   // size, fragment
	f.Add(data, true)
	f.Add(append(append([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0}, make([]byte, 12)...), 0), false)
	f.Fuzz(func(t *testing.T, b []byte, isData bool) {
		tr := &Transport{log: slog.New(slog.DiscardHandler), life: 1, auth: testAuth(2), dirty: map[*peer]bool{}, events: make(chan ccm.TransportEvent, 4)}
		tr.sink = &sink{drops: &drops{log: tr.log}}
		p := &peer{name: "peer", life: 2, alive: true}
		tr.beginSession(p)
		p.out.push(ccm.Control, make([]byte, 500))
		for p.out.next(1, 100, maxWindow) != nil {
		}
		in := &received{frame: frame{payload: b}, medium: &udp{iface: "eth0"}, at: 2}
		for range 2 {
			if isData {
				tr.dataIn(p, in)
			} else {
				tr.ackIn(p, in)
			}
		}
	})
}
