package agents

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// connection is one established TCP connection of a blocked port.
type connection struct{ local, remote netip.AddrPort }

// wants tells whether an address is one whose ports are meant.
func (b *portBlock) wants(a netip.AddrPort) bool {
	if !b.net.Contains(a.Addr()) {
		return false
	}
	for _, p := range b.ports {
		if p.from <= a.Port() && a.Port() <= p.to {
			return true
		}
	}
	return false
}

// connections lists the established connections of the ports.
func (b *portBlock) connections() (out []connection, socks []*netlink.Socket, err error) {
	if b.protocol != "tcp" {
		return nil, nil, nil
	}
	fam := uint8(unix.AF_INET)
	if b.net.Addr().Is6() {
		fam = unix.AF_INET6
	}
	list, err := netlink.SocketDiagTCP(fam)
	if err != nil {
		return nil, nil, fmt.Errorf("listing connections: %w", err)
	}
	const established = 1
	for _, s := range list {
		l, ok1 := netip.AddrFromSlice(s.ID.Source)
		r, ok2 := netip.AddrFromSlice(s.ID.Destination)
		if !ok1 || !ok2 || s.State != established {
			continue
		}
		c := connection{netip.AddrPortFrom(l.Unmap(), s.ID.SourcePort), netip.AddrPortFrom(r.Unmap(), s.ID.DestinationPort)}
		if b.wants(c.local) {
			out, socks = append(out, c), append(socks, s)
		}
	}
	return out, socks, nil
}

// tickleFile holds one connection a line: the service's address and the client's.
func (b *portBlock) tickleFile() string {
	return filepath.Join(b.tickleDir, strings.NewReplacer("/", "_", ":", ".").Replace(b.net.String()))
}

// remember keeps the connections for who takes the address over.
func (b *portBlock) remember(ctx context.Context, c *request) error {
	if b.tickleDir == "" {
		return nil
	}
	list, _, err := b.connections()
	if err != nil {
		return err
	}
	var s strings.Builder
	for _, x := range list {
		fmt.Fprintf(&s, "%s\t%s\n", x.local, x.remote)
	}
	if err := writeState(b.tickleFile(), s.String()); err != nil {
		return err
	}
	if script := c.str("sync_script"); script != "" {
		_, err = c.command(ctx, "sh", "-c", script+" "+shellQuote(b.tickleFile()))
	}
	return err
}

// reset ends the connections of the ports on this node.
func (b *portBlock) reset() error {
	_, socks, err := b.connections()
	for _, s := range socks {
		if e := netlink.SocketDestroy(&net.TCPAddr{IP: s.ID.Source, Port: int(s.ID.SourcePort)}, &net.TCPAddr{IP: s.ID.Destination, Port: int(s.ID.DestinationPort)}); e != nil {
			err = errors.Join(err, fmt.Errorf("ending a connection: %w", e))
		}
	}
	return err
}

// tickle sends the clients of remembered connections an acknowledgement that
// makes no sense. They answer with one that does, which a node that does not
// know the connection refuses: so they learn that they have to connect anew,
// without waiting for their timeouts.
func (b *portBlock) tickle() (n int, err error) {
	if b.tickleDir == "" {
		return 0, nil
	}
	f, err := os.Open(b.tickleFile())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		w := strings.Fields(sc.Text())
		if len(w) != 2 {
			continue
		}
		l, err1 := netip.ParseAddrPort(w[0])
		r, err2 := netip.ParseAddrPort(w[1])
		if err1 != nil || err2 != nil || !b.wants(l) || l.Addr().Is4() != r.Addr().Is4() {
			continue
		}
		if e := sendACK(connection{l, r}); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", r, e))
			continue
		}
		n++
	}
	return n, errors.Join(err, sc.Err())
}

// sendACK sends a bare TCP segment with the flag ACK from the local to the remote
// end (RFC 9293, section 3.1).
func sendACK(c connection) error {
	fam := unix.AF_INET
	if c.local.Addr().Is6() {
		fam = unix.AF_INET6
	}
	fd, err := unix.Socket(fam, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, sockaddr(c.local.Addr())); err != nil {
		return err
	}
	return unix.Sendto(fd, ackSegment(c), 0, sockaddr(c.remote.Addr()))
}

func sockaddr(a netip.Addr) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4()}
	}
	return &unix.SockaddrInet6{Addr: a.As16()}
}

// ackSegment is the segment, with its checksum over the pseudo header.
func ackSegment(c connection) []byte {
	seg := make([]byte, 20)
	binary.BigEndian.PutUint16(seg[0:], c.local.Port())
	binary.BigEndian.PutUint16(seg[2:], c.remote.Port())
	seg[12], seg[13] = 5<<4, 1<<4 // five words of header, ACK
	binary.BigEndian.PutUint16(seg[14:], 1)
	sum := uint32(len(seg)) + unix.IPPROTO_TCP
	add := func(b []byte) {
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	}
	add(c.local.Addr().AsSlice())
	add(c.remote.Addr().AsSlice())
	add(seg)
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(seg[16:], ^uint16(sum))
	return seg
}
