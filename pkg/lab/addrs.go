package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// addrReader reads the addresses of one network namespace by a netlink dump. It
// allocates nothing per reading, so that it can be asked every millisecond.
type addrReader struct {
	mu  sync.Mutex
	fd  int // -1 when closed
	seq uint32
	req [unix.SizeofNlMsghdr + unix.SizeofIfAddrmsg]byte
	buf []byte
}

func newAddrReader(ns netns.NsHandle) (*addrReader, error) {
	r := &addrReader{fd: -1, buf: make([]byte, 32<<10)}
	err := inNetns(ns, func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			unix.Close(fd)
			return err
		}
		r.fd = fd
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	return r, nil
}

func (r *addrReader) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd >= 0 {
		unix.Close(r.fd)
		r.fd = -1
	}
}

// holds reports whether an interface has the address. What cannot be read is
// reported as not held.
func (r *addrReader) holds(addr netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd < 0 {
		return false
	}
	family, want := byte(unix.AF_INET), addr.AsSlice()
	if addr.Is6() {
		family = unix.AF_INET6
	}
	r.seq++
	ne := binary.NativeEndian
	ne.PutUint32(r.req[0:], uint32(len(r.req)))
	ne.PutUint16(r.req[4:], unix.RTM_GETADDR)
	ne.PutUint16(r.req[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	ne.PutUint32(r.req[8:], r.seq)
	r.req[16] = family
	if _, err := unix.Write(r.fd, r.req[:]); err != nil {
		return false
	}
	found := false
	for {
		n, err := unix.Read(r.fd, r.buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false
		}
		hit, done := scanAddrs(r.buf[:n], r.seq, want)
		found = found || hit
		if done {
			return found
		}
	}
}

// scanAddrs looks for an address in one datagram of a dump, and tells whether
// the dump ends with it.
func scanAddrs(b []byte, seq uint32, want []byte) (found, done bool) {
	ne := binary.NativeEndian
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(ne.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return found, true
		}
		kind, body := ne.Uint16(b[4:]), b[unix.SizeofNlMsghdr:size]
		if ne.Uint32(b[8:]) == seq {
			switch kind {
			case unix.NLMSG_DONE, unix.NLMSG_ERROR:
				return found, true
			case unix.RTM_NEWADDR:
				found = found || addrIs(body, want)
			}
		}
		b = b[min(align4(size), len(b)):]
	}
	return found, false
}

// addrIs reports whether an RTM_NEWADDR message is about the address: that of
// this end, IFA_LOCAL, or IFA_ADDRESS where there is no local one.
func addrIs(body, want []byte) bool {
	if len(body) < unix.SizeofIfAddrmsg {
		return false
	}
	ne := binary.NativeEndian
	attrs := body[unix.SizeofIfAddrmsg:]
	var local, address []byte
	for len(attrs) >= 4 {
		size := int(ne.Uint16(attrs))
		if size < 4 || size > len(attrs) {
			break
		}
		switch ne.Uint16(attrs[2:]) {
		case unix.IFA_LOCAL:
			local = attrs[4:size]
		case unix.IFA_ADDRESS:
			address = attrs[4:size]
		}
		attrs = attrs[min(align4(size), len(attrs)):]
	}
	if local == nil {
		local = address
	}
	return string(local) == string(want)
}

func align4(n int) int { return (n + 3) &^ 3 }
