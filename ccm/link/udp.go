package link

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/ccm"
)

// How often an interface is looked at, and opened again when it is missing.
const (
	ifaceCheck = 2 * time.Second
	ifaceRetry = 500 * time.Millisecond
)

// Socket buffers: room for a window of data from several peers at once.
const socketBuffer = 4 << 20

// groupOf is one multicast group on a medium.
type groupOf struct {
	addr netip.Addr
	ttl  int
	loop bool
}

// udp is a socket on one interface, port and address family. All ucast, bcast and
// mcast lines for them share it.
type udp struct {
	iface  string
	port   uint16
	v6     bool
	bcast  bool
	groups []groupOf
	log    *slog.Logger
	// thread, in tests, moves the calling goroutine into a network namespace.
	thread func()

	sock atomic.Pointer[udpSocket]
	// broadcast is where bcast frames go, local the machine's own addresses.
	broadcast atomic.Pointer[netip.AddrPort]
	local     atomic.Pointer[map[netip.Addr]bool]
}

type udpSocket struct {
	conn  *net.UDPConn
	index int // of the interface
	bound bool

	// out is a second descriptor of the socket, for sending: one sender does not
	// wait for another. mu guards its end.
	mu  sync.RWMutex
	out int
}

// dup makes the descriptor for sending.
func (s *udpSocket) dup() error {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	var dupErr error
	err = raw.Control(func(fd uintptr) { s.out, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	return errors.Join(err, dupErr)
}

// dropped is how many packets the kernel has dropped because its queue for this
// socket was full, see SO_MEMINFO of socket(7).
func (s *udpSocket) dropped() uint32 {
	var info [9]uint32 // the last one is SK_MEMINFO_DROPS
	size := uint32(unsafe.Sizeof(info))
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.out < 0 {
		return 0
	}
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.out), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || size < uint32(unsafe.Sizeof(info)) {
		return 0
	}
	return info[8]
}

func (s *udpSocket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out >= 0 {
		unix.Close(s.out)
	}
	s.out = -1
	s.conn.Close()
}

func (u *udp) link() string { return u.iface }

func (u *udp) traits() traits { return traits{chunk: maxFrame, window: maxWindow} }

// run implements medium.
func (u *udp) run(ctx context.Context, s *sink) {
	if u.thread != nil {
		u.thread()
	}
	r := newReader(s)
	said := ""
	for ctx.Err() == nil {
		sock, err := u.open(ctx)
		if err != nil {
			if err.Error() != said {
				said = err.Error()
				u.log.Error(fmt.Sprintf("Link %s does not work: %v; trying on", u.iface, err))
			}
			select {
			case <-ctx.Done():
			case <-time.After(ifaceRetry):
			}
			continue
		}
		if said != "" {
			u.log.Info(fmt.Sprintf("Link %s works now", u.iface))
			said = ""
		}
		u.sock.Store(sock)
		stop := context.AfterFunc(ctx, func() { sock.conn.SetReadDeadline(time.Unix(1, 0)) })
		err = u.read(ctx, sock, r)
		stop()
		u.sock.Store(nil)
		sock.close()
		if err != nil && ctx.Err() == nil {
			said = err.Error()
			u.log.Error(fmt.Sprintf("Link %s does not work: %v; trying on", u.iface, err))
		}
	}
}

// open binds the socket to the interface.
func (u *udp) open(ctx context.Context) (*udpSocket, error) {
	ifi, err := net.InterfaceByName(u.iface)
	if err != nil {
		return nil, fmt.Errorf("interface %s: no such interface", u.iface)
	}
	sock := &udpSocket{index: ifi.Index, out: -1}
	network, host := "udp4", ""
	if u.v6 {
		network = "udp6"
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var bindErr error
		if err := c.Control(func(fd uintptr) {
			bindErr = unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, u.iface)
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
			// A frame that is too large for a tunnel is better cut up than lost.
			unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
			if u.v6 {
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DONT)
			}
			for opt, force := range map[int]int{unix.SO_RCVBUF: unix.SO_RCVBUFFORCE, unix.SO_SNDBUF: unix.SO_SNDBUFFORCE} {
				if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, force, socketBuffer) != nil {
					unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, opt, socketBuffer)
				}
			}
		}); err != nil {
			return err
		}
		if errors.Is(bindErr, unix.EPERM) {
			return nil // bound by address below
		}
		sock.bound = bindErr == nil
		return bindErr
	}}
	u.refresh(ifi)
	if os.Geteuid() != 0 && !u.bcast && len(u.groups) == 0 {
		// The device may be out of reach: the address is the next best. Should
		// it be in reach, the address does no harm to unicast.
		if a, err := u.address(ifi); err == nil {
			host = a.String()
		}
	}
	c, err := lc.ListenPacket(ctx, network, net.JoinHostPort(host, fmt.Sprint(u.port)))
	if err != nil {
		return nil, fmt.Errorf("port %d on %s: %w", u.port, u.iface, err)
	}
	sock.conn = c.(*net.UDPConn)
	if err = sock.dup(); err == nil {
		err = u.join(sock.conn, ifi)
	}
	if err != nil {
		sock.close()
		return nil, err
	}
	return sock, nil
}

// join enters the multicast groups.
func (u *udp) join(c *net.UDPConn, ifi *net.Interface) error {
	for _, g := range u.groups {
		to := &net.UDPAddr{IP: g.addr.AsSlice()}
		var err error
		if u.v6 {
			p := ipv6.NewPacketConn(c)
			err = errors.Join(p.JoinGroup(ifi, to), p.SetMulticastInterface(ifi), p.SetMulticastHopLimit(g.ttl), p.SetMulticastLoopback(g.loop))
		} else {
			p := ipv4.NewPacketConn(c)
			err = errors.Join(p.JoinGroup(ifi, to), p.SetMulticastInterface(ifi), p.SetMulticastTTL(g.ttl), p.SetMulticastLoopback(g.loop))
		}
		if err != nil {
			return fmt.Errorf("group %v on %s: %w", g.addr, u.iface, err)
		}
	}
	return nil
}

// address returns the first address of the interface.
func (u *udp) address(ifi *net.Interface) (netip.Addr, error) {
	addrs, err := ifi.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is6() == u.v6 && !p.Addr().IsLinkLocalUnicast() {
			return p.Addr(), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("interface %s has no address", ifi.Name)
}

// refresh reads the addresses, which may change at any time.
func (u *udp) refresh(ifi *net.Interface) {
	local := map[netip.Addr]bool{}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				local[p.Addr()] = true
			}
		}
	}
	u.local.Store(&local)
	if !u.bcast {
		return
	}
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), u.port)
	if addrs, err := ifi.Addrs(); err == nil {
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil || !p.Addr().Is4() || p.Bits() > 30 {
				continue
			}
			b := p.Addr().As4()
			for bit := p.Bits(); bit < 32; bit++ {
				b[bit/8] |= 0x80 >> (bit % 8)
			}
			to = netip.AddrPortFrom(netip.AddrFrom4(b), u.port)
			break
		}
	}
	u.broadcast.Store(&to)
}

// isLocal reports whether the address is this machine's own.
func (u *udp) isLocal(a netip.Addr) bool {
	l := u.local.Load()
	return l != nil && (*l)[a.WithZone("")]
}

// read hands packets to r until the socket or its interface is gone.
func (u *udp) read(ctx context.Context, s *udpSocket, r *reader) error {
	const batch = 32
	bufs := make([]byte, batch*(maxFrame+1))
	msgs := make([]ipv4.Message, batch) // the same type as ipv6.Message
	for i := range msgs {
		msgs[i].Buffers = [][]byte{bufs[i*(maxFrame+1) : (i+1)*(maxFrame+1)]}
	}
	msgs[0].OOB = make([]byte, unix.CmsgSpace(stampSize)) // the first has waited longest
	var pc interface {
		ReadBatch([]ipv4.Message, int) (int, error)
	} = ipv4.NewPacketConn(s.conn)
	if u.v6 {
		pc = ipv6.NewPacketConn(s.conn)
	}
	var next time.Time
	var lost uint32
	pace := newPace(ccm.Boottime())
	for ctx.Err() == nil {
		if now := time.Now(); now.After(next) {
			ifi, err := net.InterfaceByName(u.iface)
			switch {
			case err != nil:
				return fmt.Errorf("interface %s has vanished", u.iface)
			case ifi.Index != s.index:
				return fmt.Errorf("interface %s was replaced", u.iface)
			}
			u.refresh(ifi)
			if n := s.dropped(); n != lost {
				r.sink.drops.addMany(errKernel, u.iface, uint64(n-lost), func() string { return "was not even looked at" })
				lost = n
			}
			next = now.Add(ifaceCheck)
			s.conn.SetReadDeadline(next)
			if ctx.Err() != nil {
				return nil
			}
		}
		n, err := pc.ReadBatch(msgs, 0)
		at := ccm.Boottime()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				continue
			}
			if transient(err) {
				time.Sleep(time.Millisecond) // should it come again at once
				continue
			}
			return fmt.Errorf("reading from %s: %w", u.iface, err)
		}
		if waited, ok := waited(msgs[0].OOB[:msgs[0].NN]); ok {
			r.sink.late.Note(ccm.StageRead, at, waited)
		}
		bad := 0
		for i := range msgs[:n] {
			a, ok := msgs[i].Addr.(*net.UDPAddr)
			if !ok {
				continue
			}
			src := a.AddrPort()
			src = netip.AddrPortFrom(src.Addr().Unmap(), src.Port())
			if !r.take(msgs[i].Buffers[0][:msgs[i].N], u, src, at) {
				bad++
			}
		}
		if rest := pace.rest(at, n < batch, bad); rest > 0 {
			time.Sleep(rest)
		}
	}
	return nil
}

// stampSize is the size of a struct timespec.
const stampSize = 16

// waited is how long a packet lay in the kernel, by the time at which it came
// (SO_TIMESTAMPNS). The clock may be set meanwhile: what is absurd is not told.
func waited(oob []byte) (ns int64, ok bool) {
	h, data, _, err := unix.ParseOneSocketControlMessage(oob)
	if err != nil || h.Level != unix.SOL_SOCKET || h.Type != unix.SO_TIMESTAMPNS || len(data) < stampSize {
		return 0, false
	}
	came := int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
	ns = time.Now().UnixNano() - came
	return ns, ns >= 0 && ns < int64(time.Minute)
}

// transient reports errors that say something about the wire, not the socket.
func transient(err error) bool {
	for _, e := range []error{unix.ENETDOWN, unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EHOSTDOWN, unix.ECONNREFUSED,
		unix.ENOBUFS, unix.EAGAIN, unix.EINTR, unix.EPERM, unix.EADDRNOTAVAIL, unix.ENODEV, unix.ENXIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// send implements medium.
func (u *udp) send(t *target, to netip.AddrPort, b []byte) error {
	s := u.sock.Load()
	if s == nil {
		return errNoSocket
	}
	if !to.IsValid() {
		if t == nil || !t.shared || u.broadcast.Load() == nil {
			return nil
		}
		to = *u.broadcast.Load()
	}
	if u.isLocal(to.Addr()) {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.out < 0 {
		return errNoSocket
	}
	if to.Addr().Is4() {
		return unix.Sendto(s.out, b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	}
	sa := &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	if to.Addr().IsLinkLocalUnicast() || to.Addr().IsMulticast() {
		sa.ZoneId = uint32(s.index)
	}
	return unix.Sendto(s.out, b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, sa)
}
