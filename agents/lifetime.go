package agents

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// AddressOf returns the floating address of a resource with these parameters,
// whether its agent is built in or a script.
func AddressOf(class, provider, typ string, params map[string]string) (netip.Addr, bool) {
	if !IsAddress(class, provider, typ) {
		return netip.Addr{}, false
	}
	s, err := parseIPSpec(essential(params))
	return s.ip, err == nil
}

// SetLifetimes gives those of the addresses that this machine has, but for its
// loopback device, a number of seconds after which the kernel takes each away by
// itself; 0 stands for ever. It returns how many it found. Addresses that are not
// there are not added.
//
// The kernel would add one that goes away at this very moment: the caller must
// see to it that none is being stopped.
func SetLifetimes(addrs map[netip.Addr]bool, seconds int) (found int, err error) {
	lo := 0
	if l, err := net.InterfaceByName("lo"); err == nil {
		lo = l.Index
	}
	for _, fam := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		any := false
		for a := range addrs {
			any = any || family(a) == fam
		}
		if !any {
			continue
		}
		var list []kernelAddr
		if err := scanAddrs(fam, func(a kernelAddr) {
			if addrs[a.ip] && a.index != lo {
				list = append(list, a)
			}
		}); err != nil {
			return found, err
		}
		for i := range list {
			if e := setLifetime(&list[i], seconds); e != nil {
				err = errors.Join(err, fmt.Errorf("lifetime of %s: %w", list[i].ip, e))
				continue
			}
			found++
		}
	}
	return found, err
}

// keptFlags are the flags of an IPv6 address that a change must repeat.
const keptFlags = unix.IFA_F_NODAD | unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_HOMEADDRESS | unix.IFA_F_MANAGETEMPADDR

// setLifetime changes one address of the kernel (rtnetlink(7), RTM_NEWADDR).
func setLifetime(a *kernelAddr, seconds int) error {
	life := uint32(seconds)
	if seconds == 0 {
		life = forever
	}
	if life == forever && a.valid == forever {
		return nil
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWADDR, unix.NLM_F_REPLACE|unix.NLM_F_ACK)
	msg := nl.NewIfAddrmsg(family(a.ip))
	msg.Index, msg.Prefixlen = uint32(a.index), uint8(a.bits)
	req.AddData(msg)
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, a.ip.AsSlice()))
	far := a.ip
	if a.peer.IsValid() {
		far = a.peer
	}
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, far.AsSlice()))
	var cache [16]byte // struct ifa_cacheinfo: preferred, valid, created, updated
	// One that was added as deprecated stays so.
	preferred := life
	if a.preferred < a.valid {
		preferred = min(a.preferred, life)
	}
	binary.NativeEndian.PutUint32(cache[0:], preferred)
	binary.NativeEndian.PutUint32(cache[4:], life)
	req.AddData(nl.NewRtAttr(unix.IFA_CACHEINFO, cache[:]))
	if a.metric != 0 {
		req.AddData(nl.NewRtAttr(unix.IFA_RT_PRIORITY, nl.Uint32Attr(a.metric)))
	}
	if a.ip.Is6() {
		req.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(a.flags&keptFlags)))
	}
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// RemoveAddress removes an address wherever it is but from the loopback device.
func RemoveAddress(ip netip.Addr) error {
	return (&ipaddr{name: "IPaddr2"}).Release(Env{Params: map[string]string{"ip": ip.String()}})
}
