package agents

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// ipSpec is the address an IPaddr or IPaddr2 resource wants, as configured.
type ipSpec struct {
	ip netip.Addr
	// nic is the base interface, or "" to find it by route.
	nic string
	// bits is the prefix length, or -1 to take the route's.
	bits int
	// broadcast is invalid when not configured.
	broadcast netip.Addr
	// iflabel is what follows "nic:"; "" means the lowest free number for IPaddr
	// and no label for IPaddr2.
	iflabel string
	// lvs moves the address to the loopback device instead of removing it.
	lvs         bool
	arpInterval time.Duration
	arpCount    int
	background  bool
	startScript string
	stopScript  string
	// refresh is how often a monitor announces the address again.
	refresh int
	// probe asks the network for another owner before the start.
	probe         bool
	noPrefixRoute bool
	// preferred is for how many seconds an IPv6 address is preferred, -1 for ever.
	preferred int
}

// specError is a bad parameter; its code tells whether it is wrong on every
// node (6) or on this one (2).
type specError struct {
	rc    int
	msg   string
	cause error
}

func (e *specError) Error() string { return e.msg }

func (e *specError) Unwrap() error { return e.cause }

func badSpec(format string, args ...any) error {
	return &specError{rc: ocfErrConfigured, msg: fmt.Sprintf(format, args...)}
}

// parseIPSpec reads the parameters. Without "ip" the first argument of a v1
// resource is taken: ADDRESS[/BITS[/NIC[/BROADCAST]]], in which a word after the
// bits is a broadcast address if it is one.
func parseIPSpec(params map[string]string) (ipSpec, error) {
	s := ipSpec{bits: -1, preferred: -1, arpInterval: 200 * time.Millisecond, arpCount: 5, background: true}
	p := params
	if params["ip"] == "" && params["1"] != "" {
		p = splitV1(params["1"])
	}
	text := strings.TrimSpace(p["ip"])
	if text == "" {
		return s, badSpec("parameter ip is missing: give the address to manage")
	}
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return s, badSpec("ip=%q is not an address", text)
	}
	s.ip = ip.Unmap()
	mask := p["cidr_netmask"]
	if mask == "" {
		mask = p["netmask"]
	}
	if mask != "" {
		if s.bits, err = parseMask(mask, s.ip); err != nil {
			return s, err
		}
	}
	s.nic = p["nic"]
	if base, label, ok := strings.Cut(s.nic, ":"); ok {
		s.nic, s.iflabel = base, label
	}
	if strings.ContainsAny(s.nic, "/ \t\n") || len(s.nic) > 15 {
		return s, badSpec("nic=%q is not the name of a network interface", p["nic"])
	}
	if l := p["iflabel"]; l != "" {
		s.iflabel = l
	}
	if b := p["broadcast"]; b != "" {
		if s.broadcast, err = netip.ParseAddr(b); err != nil || s.broadcast.Is4() != s.ip.Is4() {
			return s, badSpec("broadcast=%q is not an address of the family of %s", b, s.ip)
		}
	}
	s.lvs = isTrue(p["lvs_support"])
	for _, n := range []string{"arp_interval", "ARP_INTERVAL_MS"} {
		if v := p[n]; v != "" {
			ms, err := strconv.Atoi(v)
			if err != nil || ms < 1 || ms > 60000 {
				return s, badSpec("%s=%q is not a number of milliseconds from 1 to 60000", n, v)
			}
			s.arpInterval = time.Duration(ms) * time.Millisecond
		}
	}
	for _, n := range []string{"arp_count", "ARP_REPEAT"} {
		if v := p[n]; v != "" {
			c, err := strconv.Atoi(v)
			if err != nil || c < 0 || c > 1000 {
				return s, badSpec("%s=%q is not a count from 0 to 1000", n, v)
			}
			s.arpCount = c
		}
	}
	for _, n := range []string{"arp_bg", "ARP_BACKGROUND", "background"} {
		if v := p[n]; v != "" {
			s.background = isTrue(v)
		}
	}
	if v := p["arp_count_refresh"]; v != "" {
		if s.refresh, err = strconv.Atoi(v); err != nil || s.refresh < 0 || s.refresh > 1000 {
			return s, badSpec("arp_count_refresh=%q is not a count from 0 to 1000", v)
		}
	}
	if v := p["preferred_lft"]; v != "" && v != "forever" {
		if s.preferred, err = strconv.Atoi(v); err != nil || s.preferred < 0 || s.preferred >= 1<<31 {
			return s, badSpec("preferred_lft=%q is neither a number of seconds nor forever", v)
		}
	}
	s.probe, s.noPrefixRoute = isTrue(p["run_arping"]), isTrue(p["noprefixroute"])
	s.startScript, s.stopScript = p["local_start_script"], p["local_stop_script"]
	return s, nil
}

// essential are the parameters that say which address is meant, without those
// that say how to bring it up. What takes an address away needs no more, and must
// not fail for what only a script understands.
func essential(params map[string]string) map[string]string {
	p := map[string]string{}
	for _, n := range []string{"ip", "nic", "1"} {
		if v, ok := params[n]; ok {
			p[n] = v
		}
	}
	return p
}

// splitV1 takes a v1 argument apart.
func splitV1(arg string) map[string]string {
	parts := strings.Split(arg, "/")
	p := map[string]string{"ip": parts[0]}
	if len(parts) > 1 {
		p["cidr_netmask"] = parts[1]
	}
	for _, w := range parts[min(2, len(parts)):] {
		if _, err := netip.ParseAddr(w); err == nil {
			p["broadcast"] = w
		} else {
			p["nic"] = w
		}
	}
	return p
}

// parseMask reads a prefix length or a dotted netmask.
func parseMask(mask string, ip netip.Addr) (int, error) {
	if n, err := strconv.Atoi(mask); err == nil {
		if n < 1 || n > ip.BitLen() {
			return 0, badSpec("netmask %q is not a prefix length from 1 to %d", mask, ip.BitLen())
		}
		return n, nil
	}
	m, err := netip.ParseAddr(mask)
	if err != nil || !m.Is4() || !ip.Is4() {
		return 0, badSpec("netmask %q is neither a prefix length nor a dotted netmask", mask)
	}
	bits, ended := 0, false
	for _, b := range m.As4() {
		for i := 7; i >= 0; i-- {
			switch set := b>>i&1 == 1; {
			case set && ended:
				return 0, badSpec("netmask %q has a hole", mask)
			case set:
				bits++
			default:
				ended = true
			}
		}
	}
	if bits == 0 {
		return 0, badSpec("netmask %q covers every address", mask)
	}
	return bits, nil
}

// isTrue reads a boolean as OCF agents do.
func isTrue(v string) bool {
	switch strings.ToLower(v) {
	case "yes", "true", "1", "y", "on", "ja", "t":
		return true
	}
	return false
}

// lastAddress is the broadcast address of the prefix.
func lastAddress(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		a[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(a)
}

// dottedMask is the netmask of a v4 prefix length.
func dottedMask(bits int) string {
	var m [4]byte
	for i := range bits {
		m[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(m).String()
}
