package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Answer is a frame in which somebody claimed an address on the wire: an
// answer to a question for it, an announcement, or a packet sent from it.
type Answer struct {
	At  time.Time
	MAC string
	// ARP tells an answer or announcement from a packet sent from the address.
	ARP bool
}

// Wire listens to one interface of a node for frames that claim an address,
// and asks the whole segment who has it, again and again. Unlike a [Sampler]
// it sees what a neighbour sees: two owners are two answers.
type Wire struct {
	fd    int
	index int
	addr  [4]byte
	own   [4]byte
	mac   net.HardwareAddr
	every time.Duration
	stop  chan struct{}
	wg    sync.WaitGroup

	mu      sync.Mutex
	answers []Answer
}

// Sizes and numbers of frames, from RFC 826 and RFC 791.
const (
	etherHeader = 14
	arpLength   = 28
	arpRequest  = 1
)

// NewWire begins to listen on an interface of this node for claims of the IPv4
// address, and to ask for it after every time given. Stop ends it.
func (n *Node) NewWire(link string, addr netip.Addr, every time.Duration) (*Wire, error) {
	m := n.machine()
	if m == nil {
		return nil, fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	i := slices.IndexFunc(n.spec.Links, func(l Link) bool { return l.Name == link })
	if i < 0 {
		return nil, fmt.Errorf("node %s: link %s: %w", n.spec.Name, link, ErrUnknownLink)
	}
	if !addr.Is4() || !n.spec.Links[i].Addr.Addr().Is4() {
		return nil, fmt.Errorf("a wire is asked for IPv4 addresses from one; %s or the address of %s is none", addr, link)
	}
	dev, err := m.h.LinkByName(link)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.spec.Name, err)
	}
	w := &Wire{index: dev.Attrs().Index, addr: addr.As4(), own: n.spec.Links[i].Addr.Addr().As4(),
		mac: n.mac(link), every: every, stop: make(chan struct{})}
	err = inNetns(m.ns, func() (err error) {
		w.fd, err = packetSocket(w.index, w.addr)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("node %s: listen on %s: %w", n.spec.Name, link, err)
	}
	w.wg.Go(w.ask)
	w.wg.Go(w.hear)
	return w, nil
}

// packetSocket returns a socket that gets the frames which claim the address.
func packetSocket(index int, addr [4]byte) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	want := binary.BigEndian.Uint32(addr[:])
	prog, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_ARP, SkipFalse: 2},
		bpf.LoadAbsolute{Off: etherHeader + 14, Size: 4}, // the sender's protocol address
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: want, SkipTrue: 3, SkipFalse: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IP, SkipFalse: 3},
		bpf.LoadAbsolute{Off: etherHeader + 12, Size: 4}, // the source address
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: want, SkipFalse: 1},
		bpf.RetConstant{Val: etherHeader + arpLength},
		bpf.RetConstant{Val: 0},
	})
	if err == nil {
		filter := make([]unix.SockFilter, len(prog))
		for i, p := range prog {
			filter[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
		}
		err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err == nil {
		// A second without a frame is no error; the reader looks whether to stop.
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000})
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: hostOrder(unix.ETH_P_ALL), Ifindex: index})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func hostOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)})
}

// ask sends "who has the address" to everybody.
func (w *Wire) ask() {
	f := make([]byte, 0, etherHeader+arpLength)
	f = append(f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	f = append(f, w.mac...)
	f = binary.BigEndian.AppendUint16(f, unix.ETH_P_ARP)
	f = append(f, 0, 1, 8, 0, 6, 4, 0, arpRequest)
	f = append(append(f, w.mac...), w.own[:]...)
	f = append(append(f, make([]byte, 6)...), w.addr[:]...)
	to := &unix.SockaddrLinklayer{Ifindex: w.index, Halen: 6}
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		// A question that cannot be sent is one without an answer.
		_ = unix.Sendto(w.fd, f, 0, to)
		select {
		case <-tick.C:
		case <-w.stop:
			return
		}
	}
}

func (w *Wire) hear() {
	buf, oob := make([]byte, 128), make([]byte, 64)
	for {
		n, on, _, _, err := unix.Recvmsg(w.fd, buf, oob, 0)
		select {
		case <-w.stop:
			return
		default:
		}
		if err != nil {
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN) {
				continue
			}
			return
		}
		if n < etherHeader {
			continue
		}
		a := Answer{At: stamp(oob[:on]), MAC: net.HardwareAddr(buf[6:12]).String(),
			ARP: binary.BigEndian.Uint16(buf[12:]) == unix.ETH_P_ARP}
		w.mu.Lock()
		w.answers = append(w.answers, a)
		w.mu.Unlock()
	}
}

// stamp is when the kernel took the frame: a reader that is late does not
// change the order or the moments.
func stamp(oob []byte) time.Time {
	now := time.Now()
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return now
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			sec, nsec := int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:]))
			// With the monotonic reading of now, so that it compares with others.
			return now.Add(-now.Sub(time.Unix(sec, nsec)))
		}
	}
	return now
}

// Stop ends the listening; what was heard stays.
func (w *Wire) Stop() {
	select {
	case <-w.stop:
		return
	default:
		close(w.stop)
	}
	w.wg.Wait()
	unix.Close(w.fd)
}

// Answers returns everything heard between the two times.
func (w *Wire) Answers(from, to time.Time) (out []Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.answers {
		if !a.At.Before(from) && !a.At.After(to) {
			out = append(out, a)
		}
	}
	return out
}

// Overlap returns for how long, between the two times, more than one machine
// claimed the address: from the first claim of a new owner to the last claim
// of an older one. One move of the address must lie between the times, not more.
func (w *Wire) Overlap(from, to time.Time) time.Duration { return overlap(w.Answers(from, to)) }

func overlap(answers []Answer) time.Duration {
	type span struct{ first, last time.Time }
	spans := map[string]*span{}
	var order []string
	for _, a := range answers {
		s := spans[a.MAC]
		if s == nil {
			s = &span{first: a.At}
			spans[a.MAC], order = s, append(order, a.MAC)
		}
		s.last = a.At
	}
	longest := time.Duration(0)
	for i, old := range order {
		for _, next := range order[i+1:] {
			longest = max(longest, spans[old].last.Sub(spans[next].first))
		}
	}
	return longest
}

// MAC is the hardware address of one of the node's links, as a [Wire] shows it.
func (n *Node) MAC(link string) string { return n.mac(link).String() }
