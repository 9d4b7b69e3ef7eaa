package agents

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// errNoRoute indicates that no interface was named and no route leads to the address.
var errNoRoute = errors.New("no route leads to the address: configure nic")

// maxLabel is the longest label of an address the kernel takes (IFNAMSIZ less the end).
const maxLabel = 15

// host is the kernel's table of addresses, seen through one netlink socket, so
// that what follows in the background stays in the same network namespace.
type host struct{ h *netlink.Handle }

func openHost() (*host, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	return &host{h: h}, nil
}

func (k *host) close() { k.h.Close() }

// addrs lists addresses; a dump that was interrupted by a change is repeated.
func (k *host) addrs(link netlink.Link, family int) ([]netlink.Addr, error) {
	for range 10 {
		list, err := k.h.AddrList(link, family)
		if errors.Is(err, netlink.ErrDumpInterrupted) {
			continue
		}
		return list, err
	}
	return nil, errors.New("the kernel's address table changes too fast to be read")
}

func family(ip netip.Addr) int {
	if ip.Is4() {
		return netlink.FAMILY_V4
	}
	return netlink.FAMILY_V6
}

func addrIP(a *netlink.Addr) netip.Addr {
	ip, _ := netip.AddrFromSlice(a.IP)
	return ip.Unmap()
}

// find returns where the address is configured: on each interface that has it.
func (k *host) find(ip netip.Addr) ([]netlink.Addr, error) {
	list, err := k.addrs(nil, family(ip))
	if err != nil {
		return nil, err
	}
	var out []netlink.Addr
	for _, a := range list {
		if addrIP(&a) == ip {
			out = append(out, a)
		}
	}
	return out, nil
}

// place decides interface and prefix length: as configured, else those of the
// most specific route to the address, among equals the one of lowest metric.
func (k *host) place(s ipSpec) (netlink.Link, int, error) {
	best, bestBits, bestMetric := 0, -1, 0
	if s.nic == "" || s.bits < 0 {
		routes, err := k.h.RouteList(nil, family(s.ip))
		if err != nil {
			return nil, 0, fmt.Errorf("reading routes: %w", err)
		}
		for _, r := range routes {
			bits := 0
			if r.Dst != nil {
				bits, _ = r.Dst.Mask.Size()
				if !r.Dst.Contains(s.ip.AsSlice()) {
					continue
				}
			}
			idx := r.LinkIndex
			if idx == 0 && len(r.MultiPath) > 0 {
				idx = r.MultiPath[0].LinkIndex
			}
			// The host route of the address itself says nothing of its net.
			if idx == 0 || bits == s.ip.BitLen() {
				continue
			}
			if s.nic != "" {
				if l, err := k.h.LinkByIndex(idx); err != nil || l.Attrs().Name != s.nic {
					continue
				}
			}
			if bits > bestBits || bits == bestBits && r.Priority < bestMetric {
				best, bestBits, bestMetric = idx, bits, r.Priority
			}
		}
	}
	bits := s.bits
	if bits < 0 {
		if bits = bestBits; bits < 1 {
			bits = s.ip.BitLen()
		}
	}
	if s.nic != "" {
		l, err := k.h.LinkByName(s.nic)
		if err != nil {
			return nil, 0, fmt.Errorf("interface %s: %w", s.nic, err)
		}
		return l, bits, nil
	}
	if best == 0 {
		return nil, 0, errNoRoute
	}
	l, err := k.h.LinkByIndex(best)
	if err != nil {
		return nil, 0, fmt.Errorf("interface %d: %w", best, err)
	}
	return l, bits, nil
}

// freeLabel returns "nic:N" with the lowest N that no address of the interface
// carries, or "" when the name leaves no room for a label.
func (k *host) freeLabel(l netlink.Link) (string, error) {
	list, err := k.addrs(l, netlink.FAMILY_V4)
	if err != nil {
		return "", err
	}
	used := map[string]bool{}
	for _, a := range list {
		used[a.Label] = true
	}
	for n := range 512 {
		label := l.Attrs().Name + ":" + strconv.Itoa(n)
		if len(label) > maxLabel {
			break
		}
		if !used[label] {
			return label, nil
		}
	}
	return "", nil
}

// add configures the address; that it exists already is no error.
func (k *host) add(l netlink.Link, ip netip.Addr, bits int, broadcast netip.Addr, label string) error {
	a := &netlink.Addr{IPNet: &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(bits, ip.BitLen())}, Label: label}
	if ip.Is4() {
		a.Broadcast = net.IPv4zero
		if broadcast.IsValid() {
			a.Broadcast = broadcast.AsSlice()
		}
	} else {
		// Duplicate address detection would keep the address silent for a second;
		// that nobody else has it is what membership guarantees.
		a.Flags = unix.IFA_F_NODAD
		a.Label = ""
	}
	if l.Attrs().Flags&net.FlagUp == 0 {
		if err := k.h.LinkSetUp(l); err != nil {
			return fmt.Errorf("bringing up %s: %w", l.Attrs().Name, err)
		}
	}
	if err := k.h.AddrAdd(l, a); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("adding %s/%d to %s: %w", ip, bits, l.Attrs().Name, err)
	}
	return nil
}

// remove deletes exactly this address. The kernel deletes the secondary
// addresses of a subnet together with its primary one, unless told to promote
// them; where telling is not possible, they are added again.
func (k *host) remove(a *netlink.Addr) error {
	l, err := k.h.LinkByIndex(a.LinkIndex)
	if err != nil {
		return fmt.Errorf("interface %d: %w", a.LinkIndex, err)
	}
	var before []netlink.Addr
	if a.IP.To4() != nil && a.Flags&unix.IFA_F_SECONDARY == 0 {
		if before, err = k.addrs(l, netlink.FAMILY_V4); err != nil {
			return err
		}
	}
	if len(before) > 1 {
		restore := promoteSecondaries(l.Attrs().Name)
		defer restore()
	}
	// The label need not be named: interface, address and prefix are the key.
	del := &netlink.Addr{IPNet: a.IPNet, Peer: a.Peer, Broadcast: net.IPv4zero}
	if err := k.h.AddrDel(l, del); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("removing %s from %s: %w", a.IPNet, l.Attrs().Name, err)
	}
	if len(before) <= 1 {
		return nil
	}
	after, err := k.addrs(l, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	have := map[string]bool{a.IPNet.String(): true}
	for _, x := range after {
		have[x.IPNet.String()] = true
	}
	for _, x := range before {
		if !have[x.IPNet.String()] {
			x.Flags &^= unix.IFA_F_SECONDARY
			if err := k.h.AddrAdd(l, &x); err != nil && !errors.Is(err, unix.EEXIST) {
				return fmt.Errorf("%s was removed by the kernel together with %s and could not be added again: %w", x.IPNet, a.IPNet, err)
			}
		}
	}
	return nil
}

// promoteSecondaries asks the kernel to keep the other addresses of a subnet
// when its primary one goes; the function returned puts the setting back.
func promoteSecondaries(nic string) func() {
	file := filepath.Join("/proc/sys/net/ipv4/conf", nic, "promote_secondaries")
	old, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(old)) == "1" || os.WriteFile(file, []byte("1\n"), 0) != nil {
		return func() {}
	}
	return func() { _ = os.WriteFile(file, old, 0) } // as it was; nothing depends on it
}

// addressMutex serialises changes inside the process, the lock file those of
// several: two removals at once could otherwise bring an address back.
var addressMutex sync.Mutex

// lockAddresses returns the function that unlocks. Where no lock file can be
// had, the process alone is serialised.
func lockAddresses(runDir string) func() {
	addressMutex.Lock()
	_ = os.MkdirAll(runDir, 0o755)
	f, err := os.OpenFile(filepath.Join(runDir, "quorate-address.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return addressMutex.Unlock
	}
	// A lock somebody sits on must not keep an address from being released.
	for range 50 {
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			break
		}
		time.Sleep(4 * time.Millisecond)
	}
	return func() {
		_ = f.Close() // unlocks
		addressMutex.Unlock()
	}
}
