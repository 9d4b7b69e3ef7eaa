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

func family(ip netip.Addr) int {
	if ip.Is4() {
		return netlink.FAMILY_V4
	}
	return netlink.FAMILY_V6
}

// find returns where the address is configured: on each interface that has it.
func (k *host) find(ip netip.Addr) ([]kernelAddr, error) {
	var out []kernelAddr
	err := scanAddrs(family(ip), func(a kernelAddr) {
		if a.ip == ip {
			out = append(out, a)
		}
	})
	return out, err
}

// serves tells, without reading the whole table, whether the kernel takes
// packets to the address as its own.
func (k *host) serves(ip netip.Addr) bool {
	routes, err := k.h.RouteGet(ip.AsSlice())
	return err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL
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
	used := map[string]bool{}
	err := scanAddrs(netlink.FAMILY_V4, func(a kernelAddr) {
		if a.index == l.Attrs().Index {
			used[a.label] = true
		}
	})
	if err != nil {
		return "", err
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

// add configures the address, for ever or for a number of seconds; that it
// exists already is no error.
func (k *host) add(l netlink.Link, s ipSpec, bits int, broadcast netip.Addr, label string, seconds int) error {
	ip := s.ip
	a := &netlink.Addr{IPNet: ipNet(ip, bits), Label: label, ValidLft: seconds, PreferedLft: seconds}
	if s.noPrefixRoute {
		a.Flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if s.preferred >= 0 && ip.Is6() && (seconds == 0 || s.preferred < seconds) {
		if a.PreferedLft = s.preferred; seconds == 0 {
			a.ValidLft = forever
		}
	}
	if ip.Is4() {
		a.Broadcast = net.IPv4zero
		if broadcast.IsValid() {
			a.Broadcast = broadcast.AsSlice()
		}
	} else {
		// Duplicate address detection would keep the address silent for a second;
		// that nobody else has it is what membership guarantees.
		a.Flags |= unix.IFA_F_NODAD
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
func (k *host) remove(a *kernelAddr) error {
	l, err := k.h.LinkByIndex(a.index)
	if err != nil {
		return fmt.Errorf("interface %d: %w", a.index, err)
	}
	del := &netlink.Addr{IPNet: ipNet(a.ip, a.bits), Broadcast: net.IPv4zero}
	if a.peer.IsValid() {
		del.Peer = ipNet(a.peer, a.bits)
	}
	drop := func() error {
		if err := k.h.AddrDel(l, del); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("removing %s/%d from %s: %w", a.ip, a.bits, l.Attrs().Name, err)
		}
		return nil
	}
	if !a.ip.Is4() || a.flags&unix.IFA_F_SECONDARY != 0 {
		return drop()
	}
	restore, ok := promoteSecondaries(l.Attrs().Name)
	if ok {
		defer restore()
		return drop()
	}
	before, err := k.h.AddrList(l, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("reading addresses: %w", err)
	}
	if err := drop(); err != nil {
		return err
	}
	return k.addAgain(l, before, a)
}

// addAgain adds the addresses that were there before and went with another.
func (k *host) addAgain(l netlink.Link, before []netlink.Addr, gone *kernelAddr) error {
	have := map[netip.Prefix]bool{netip.PrefixFrom(gone.ip, gone.bits): true}
	err := scanAddrs(netlink.FAMILY_V4, func(a kernelAddr) {
		if a.index == l.Attrs().Index {
			have[netip.PrefixFrom(a.ip, a.bits)] = true
		}
	})
	if err != nil {
		return err
	}
	for _, x := range before {
		ip, _ := netip.AddrFromSlice(x.IP.To4())
		bits, _ := x.Mask.Size()
		if have[netip.PrefixFrom(ip, bits)] {
			continue
		}
		x.Flags &^= unix.IFA_F_SECONDARY
		if err := k.h.AddrAdd(l, &x); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("%s was removed by the kernel together with %s and could not be added again: %w", x.IPNet, gone.ip, err)
		}
	}
	return nil
}

func ipNet(ip netip.Addr, bits int) *net.IPNet {
	return &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(bits, ip.BitLen())}
}

// sysctlDir is where the settings of IPv4 interfaces are.
var sysctlDir = "/proc/sys/net/ipv4/conf"

// promoteSecondaries asks the kernel to keep the other addresses of a subnet
// when its primary one goes; the function returned puts the setting back.
func promoteSecondaries(nic string) (restore func(), ok bool) {
	file := filepath.Join(sysctlDir, nic, "promote_secondaries")
	old, err := os.ReadFile(file)
	switch {
	case err != nil:
		return nil, false
	case strings.TrimSpace(string(old)) == "1":
		return func() {}, true
	case os.WriteFile(file, []byte("1\n"), 0) != nil:
		return nil, false
	}
	return func() { _ = os.WriteFile(file, old, 0) }, true // as it was; nothing depends on it
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
