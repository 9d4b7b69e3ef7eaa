package agents

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// newIPsrcaddr makes the agent by which connections that begin here come from a
// floating address: it sets the preferred source of routes.
func newIPsrcaddr() *standard {
	with := func(f func(k *host, s srcSpec) error) action {
		return func(_ context.Context, c *request) error {
			s, err := parseSrc(c)
			if err != nil {
				return err
			}
			k, err := openHost()
			if err != nil {
				return err
			}
			defer k.close()
			return f(k, s)
		}
	}
	return &standard{
		meta: metaData{
			name: "IPsrcaddr", shortdesc: "Manages the preferred source address for outgoing packets",
			longdesc: "Sets a floating address as preferred source of the route to a destination and of the address's own network. The address itself is for IPaddr2 to bring up, and the route for the system.",
			params: []metaParam{
				{name: "ipaddress", typ: "string", required: true, shortdesc: "The address to become the source"},
				{name: "cidr_netmask", typ: "string", shortdesc: "Netmask", longdesc: "Prefix length or dotted netmask of the address's network. If left empty, that with which the address is configured."},
				{name: "destination", typ: "string", def: "0.0.0.0/0", shortdesc: "Destination network", longdesc: "The network whose route is changed; for an IPv6 address the default is ::/0."},
				{name: "proto", typ: "string", shortdesc: "Protocol of the route to be changed"},
				{name: "metric", typ: "string", shortdesc: "Metric of the route to be changed"},
				{name: "table", typ: "string", shortdesc: "Routing table"},
			},
			actions: usualActions("20s", "20s", "20s", "10s"),
		},
		args: []string{"ipaddress", "cidr_netmask"},
		actions: map[string]action{
			"start": with(func(k *host, s srcSpec) error {
				a, err := s.address(k)
				if err != nil {
					return err
				}
				if a == nil {
					return fmt.Errorf("this node does not have %s: it cannot be the source of packets; bring it up before", s.ip)
				}
				return s.setSource(k, a, s.ip)
			}),
			"stop": with(func(k *host, s srcSpec) error {
				a, err := s.address(k)
				if err != nil {
					return err
				}
				if a == nil {
					return nil // the kernel took the source away with the address
				}
				if ok, err := s.isSource(k); err != nil || !ok {
					return err
				}
				other, err := s.primary(k, a)
				if err != nil {
					return err
				}
				return s.setSource(k, a, other)
			}),
			"monitor": with(func(k *host, s srcSpec) error {
				ok, err := s.isSource(k)
				if err == nil && !ok {
					return errNotRunning
				}
				return err
			}),
			"validate-all": with(func(*host, srcSpec) error { return nil }),
		},
	}
}

// srcSpec is what an IPsrcaddr resource wants.
type srcSpec struct {
	ip     netip.Addr
	bits   int // -1: as configured
	dst    netip.Prefix
	table  int
	metric int // -1: any
	proto  int // -1: any
}

// protocols of routes by which ip-route(8) names them.
var protocols = map[string]int{"kernel": unix.RTPROT_KERNEL, "boot": unix.RTPROT_BOOT, "static": unix.RTPROT_STATIC, "ra": unix.RTPROT_RA, "dhcp": unix.RTPROT_DHCP}

func parseSrc(c *request) (srcSpec, error) {
	s := srcSpec{bits: -1, table: unix.RT_TABLE_MAIN, metric: -1, proto: -1}
	var err error
	if s.ip, err = netip.ParseAddr(c.str("ipaddress")); err != nil {
		return s, badSpec("ipaddress=%q is not an address", c.str("ipaddress"))
	}
	if m := c.str("cidr_netmask"); m != "" {
		if s.bits, err = parseMask(m, s.ip); err != nil {
			return s, err
		}
	}
	dst := c.str("destination")
	if dst == "0.0.0.0/0" {
		dst = "default"
	}
	if s.dst, err = parseDestination(dst, s.ip.Is6()); err != nil {
		return s, err
	}
	if s.dst.Addr().Is4() != s.ip.Is4() {
		return s, badSpec("destination %s is not of the family of %s", s.dst, s.ip)
	}
	if v := c.str("metric"); v != "" {
		if s.metric, err = strconv.Atoi(v); err != nil || s.metric < 0 {
			return s, badSpec("metric=%q is not a whole number", v)
		}
	}
	if v := c.str("proto"); v != "" {
		n, known := protocols[v]
		if !known {
			if n, err = strconv.Atoi(v); err != nil || n < 0 || n > 255 {
				return s, badSpec("proto=%q is not a protocol of routes", v)
			}
		}
		s.proto = n
	}
	if v := c.str("table"); v != "" {
		if s.table, err = routingTable(v); err != nil {
			return s, err
		}
	}
	return s, nil
}

// address returns how this node has the address, nil when it does not.
func (s srcSpec) address(k *host) (*kernelAddr, error) {
	list, err := k.find(s.ip)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// routes returns the routes to the destination, of those with the lowest metric
// only, or of the metric asked for.
func (s srcSpec) routes(k *host, dst netip.Prefix, own bool) (out []netlink.Route, err error) {
	list, err := k.h.RouteListFiltered(family(s.ip), &netlink.Route{Table: s.table}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("reading routes: %w", err)
	}
	for _, r := range list {
		if dstString(r.Dst, r.Family) != ipNet(dst.Addr(), dst.Bits()).String() || r.Type != unix.RTN_UNICAST {
			continue
		}
		if !own && (s.metric >= 0 && r.Priority != s.metric || s.proto >= 0 && int(r.Protocol) != s.proto) {
			continue
		}
		switch {
		case len(out) == 0 || r.Priority < out[0].Priority:
			out = []netlink.Route{r}
		case r.Priority == out[0].Priority:
			out = append(out, r)
		}
	}
	return out, nil
}

// isSource tells whether packets to the destination come from the address.
func (s srcSpec) isSource(k *host) (bool, error) {
	list, err := s.routes(k, s.dst, false)
	for _, r := range list {
		if ip, ok := netip.AddrFromSlice(r.Src); ok && ip.Unmap() == s.ip {
			return true, nil
		}
	}
	return false, err
}

// setSource gives the route to the destination, and that of the address's own
// network on its interface, a source.
func (s srcSpec) setSource(k *host, a *kernelAddr, src netip.Addr) error {
	list, err := s.routes(k, s.dst, false)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("there is no route to %s whose source could be set", s.dst)
	}
	bits := a.bits
	if s.bits >= 0 {
		bits = s.bits
	}
	if net := netip.PrefixFrom(s.ip, bits).Masked(); net != s.dst && s.ip.Is4() {
		more, err := s.routes(k, net, true)
		if err != nil {
			return err
		}
		for _, r := range more {
			if r.LinkIndex == a.index {
				list = append(list, r)
			}
		}
	}
	for _, r := range list {
		if ip, ok := netip.AddrFromSlice(r.Src); ok && src.IsValid() && ip.Unmap() == src {
			continue
		}
		old := r
		r.Src = nil
		if src.IsValid() {
			r.Src = net.IP(src.AsSlice())
		}
		r.Flags &^= unix.RTNH_F_LINKDOWN | unix.RTNH_F_DEAD
		// An IPv6 route is not replaced by one of another source but joined.
		if r.Family == netlink.FAMILY_V6 {
			if err := k.h.RouteDel(&old); err != nil {
				return fmt.Errorf("changing the route to %s: %w", s.dst, err)
			}
		}
		if err := k.h.RouteReplace(&r); err != nil {
			return fmt.Errorf("source %s for the route to %s: %w", src, dstString(r.Dst, r.Family), err)
		}
	}
	return nil
}

// primary is the address that the kernel would choose without: the first of the
// interface in the network of the gateway.
func (s srcSpec) primary(k *host, a *kernelAddr) (best netip.Addr, err error) {
	err = scanAddrs(family(s.ip), func(x kernelAddr) {
		same := x.index == a.index && x.ip != s.ip && !x.ip.IsLinkLocalUnicast() && x.flags&unix.IFA_F_SECONDARY == 0
		if same && !best.IsValid() && netip.PrefixFrom(x.ip, x.bits).Contains(s.ip) {
			best = x.ip
		}
	})
	return best, err
}
