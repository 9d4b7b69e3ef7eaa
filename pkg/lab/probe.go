package lab

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// Echo is one question of a probe. Both times have monotonic readings.
type Echo struct {
	Sent time.Time
	// Answered is zero for a question that got no answer.
	Answered time.Time
}

// Probe asks an IPv4 address for ICMP echoes, as ping does, and remembers which
// were answered.
type Probe struct {
	conn  net.PacketConn
	to    *net.IPAddr
	every time.Duration
	id    uint16
	stop  chan struct{}
	wg    sync.WaitGroup

	mu      sync.Mutex
	echoes  []Echo
	replies []time.Time // in order
}

// NewProbe begins to ask the address from this node, again and again after the
// given time. It goes on until Stop; a crash of the node silences it.
func (n *Node) NewProbe(addr netip.Addr, every time.Duration) (*Probe, error) {
	m := n.machine()
	if m == nil {
		return nil, fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	if !addr.Is4() {
		return nil, fmt.Errorf("a probe asks IPv4 addresses; %s is none", addr)
	}
	var fd int
	err := inNetns(m.ns, func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMP)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("node %s: socket of the probe: %w", n.spec.Name, err)
	}
	f := os.NewFile(uintptr(fd), "probe")
	defer f.Close()
	conn, err := net.FilePacketConn(f)
	if err != nil {
		return nil, fmt.Errorf("node %s: socket of the probe: %w", n.spec.Name, err)
	}
	p := &Probe{conn: conn, to: &net.IPAddr{IP: addr.AsSlice()}, every: every, id: uint16(rand.Uint32()), stop: make(chan struct{})}
	p.wg.Go(p.ask)
	p.wg.Go(p.hear)
	return p, nil
}

func (p *Probe) ask() {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	data := make([]byte, 16)
	for {
		p.mu.Lock()
		seq := uint64(len(p.echoes))
		p.echoes = append(p.echoes, Echo{Sent: time.Now()})
		p.mu.Unlock()
		binary.BigEndian.PutUint64(data, seq)
		msg := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(p.id), Seq: int(uint16(seq)), Data: data}}
		if b, err := msg.Marshal(nil); err == nil {
			// A question that cannot be sent is a question without an answer.
			_, _ = p.conn.WriteTo(b, p.to)
		}
		select {
		case <-tick.C:
		case <-p.stop:
			p.conn.Close()
			return
		}
	}
}

func (p *Probe) hear() {
	buf := make([]byte, 512)
	for {
		n, from, err := p.conn.ReadFrom(buf)
		now := time.Now()
		if err != nil {
			select {
			case <-p.stop:
				return
			default:
				// An error of an earlier question, such as host unreachable.
				continue
			}
		}
		if ip, ok := from.(*net.IPAddr); !ok || !ip.IP.Equal(p.to.IP) {
			continue
		}
		if n < 16 || buf[0] != byte(ipv4.ICMPTypeEchoReply) || binary.BigEndian.Uint16(buf[4:]) != p.id {
			continue
		}
		seq := binary.BigEndian.Uint64(buf[8:])
		p.mu.Lock()
		if seq < uint64(len(p.echoes)) && p.echoes[seq].Answered.IsZero() {
			p.echoes[seq].Answered = now
			p.replies = append(p.replies, now)
		}
		p.mu.Unlock()
	}
}

// Stop ends the probe; what it remembers stays.
func (p *Probe) Stop() {
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.wg.Wait()
}

// Echoes returns every question so far.
func (p *Probe) Echoes() []Echo {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.echoes)
}

// LastReply is when the newest answer came; zero if none did.
func (p *Probe) LastReply() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.replies) == 0 {
		return time.Time{}
	}
	return p.replies[len(p.replies)-1]
}

// Outage returns the longest silence between two answers that touches the time
// from..to: the last answer before it and the first after it. Where no answer
// came before, begin is from; where none came after, ok is false.
func (p *Probe) Outage(from, to time.Time) (begin, end time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begin, end, ok = from, from, true
	last := from
	var longest time.Duration
	for _, r := range p.replies {
		if r.Before(from) {
			last = r
			continue
		}
		if last.After(to) {
			return begin, end, ok
		}
		if d := r.Sub(last); d > longest {
			longest, begin, end = d, last, r
		}
		last = r
	}
	if to.Sub(last) > longest {
		return last, to, false
	}
	return begin, end, ok
}
