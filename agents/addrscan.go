package agents

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// kernelAddr is one address as the kernel lists it.
type kernelAddr struct {
	index, bits int
	flags       uint32
	ip          netip.Addr
	// peer is the other end of a point-to-point address, else invalid.
	peer  netip.Addr
	label string
	// metric is the priority of the route that came with the address, 0: none.
	metric uint32
	// valid and preferred are for how many seconds the kernel keeps the address,
	// and chooses it as source by itself; forever.
	valid, preferred uint32
}

// forever is the lifetime of an address without end.
const forever = 1<<32 - 1

// scanAddrs hands every address of a family to each. It is frugal, as a node may
// hold hundreds of addresses and look at all of them for each. A listing that
// changes interrupted is repeated: an address may then be handed over twice.
func scanAddrs(family int, each func(kernelAddr)) error {
	for range 10 {
		req := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
		req.AddData(nl.NewIfAddrmsg(family))
		err := req.ExecuteIter(unix.NETLINK_ROUTE, unix.RTM_NEWADDR, func(msg []byte) bool {
			if a, ok := parseAddr(msg); ok {
				each(a)
			}
			return true
		})
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			if err != nil {
				return fmt.Errorf("listing addresses: %w", err)
			}
			return nil
		}
	}
	return errors.New("listing addresses: they change too fast")
}

// parseAddr reads a message of type RTM_NEWADDR (rtnetlink(7)).
func parseAddr(msg []byte) (kernelAddr, bool) {
	var a kernelAddr
	if len(msg) < unix.SizeofIfAddrmsg {
		return a, false
	}
	a.bits, a.flags, a.valid, a.preferred = int(msg[1]), uint32(msg[2]), forever, forever
	a.index = int(binary.NativeEndian.Uint32(msg[4:]))
	var local, address netip.Addr
	for b := msg[unix.SizeofIfAddrmsg:]; len(b) >= unix.SizeofRtAttr; {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofRtAttr || n > len(b) {
			return a, false
		}
		v := b[unix.SizeofRtAttr:n]
		switch binary.NativeEndian.Uint16(b[2:]) {
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(v)
		case unix.IFA_ADDRESS:
			address, _ = netip.AddrFromSlice(v)
		case unix.IFA_LABEL:
			a.label = string(bytes.TrimRight(v, "\x00"))
		case unix.IFA_CACHEINFO:
			if len(v) >= 8 { // struct ifa_cacheinfo: preferred, valid
				a.preferred = binary.NativeEndian.Uint32(v)
				a.valid = binary.NativeEndian.Uint32(v[4:])
			}
		case unix.IFA_RT_PRIORITY:
			if len(v) == 4 {
				a.metric = binary.NativeEndian.Uint32(v)
			}
		case unix.IFA_FLAGS:
			if len(v) == 4 {
				a.flags = binary.NativeEndian.Uint32(v)
			}
		}
		b = b[min(len(b), (n+3)&^3):]
	}
	switch {
	case !local.IsValid():
		a.ip = address
	case address.IsValid() && address != local:
		a.ip, a.peer = local, address
	default:
		a.ip = local
	}
	return a, a.ip.IsValid()
}
