package agents

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// newRoute makes the agent that manages one route of the kernel.
func newRoute() *standard {
	on := func(f func(k *host, r *netlink.Route, c *request) error) action {
		return func(_ context.Context, c *request) error {
			k, err := openHost()
			if err != nil {
				return err
			}
			defer k.close()
			r, err := wantedRoute(k, c)
			if err != nil {
				return err
			}
			return f(k, r, c)
		}
	}
	start := on(func(k *host, r *netlink.Route, c *request) error {
		if err := k.h.RouteReplace(r); err != nil {
			return fmt.Errorf("adding the route to %s: %w", c.str("destination"), err)
		}
		return nil
	})
	return &standard{
		meta: metaData{
			name: "Route", shortdesc: "Manages a network route",
			longdesc: "Adds a route to the kernel's table and removes it again.",
			params: []metaParam{
				{name: "destination", typ: "string", required: true, unique: true, shortdesc: "Destination network", longdesc: "Destination network in CIDR notation, a single address, or default."},
				{name: "device", typ: "string", shortdesc: "Outgoing network device"},
				{name: "gateway", typ: "string", shortdesc: "Gateway address"},
				{name: "source", typ: "string", shortdesc: "Source address"},
				{name: "table", typ: "string", shortdesc: "Routing table", longdesc: "Number of the routing table, or its name in iproute2's rt_tables."},
				{name: "family", typ: "string", def: "detect", shortdesc: "Address family", longdesc: "Only needed with the destination default: ip4, ip6, or detect, which looks at gateway and source."},
			},
			actions: usualActions("20s", "20s", "20s", "10s", metaAction{name: "reload", timeout: "20s"}),
		},
		args: []string{"destination", "device", "gateway", "source"},
		actions: map[string]action{
			"start": start, "reload": start,
			"stop": func(_ context.Context, c *request) error {
				k, err := openHost()
				if err != nil {
					return err
				}
				defer k.close()
				r, err := wantedRoute(k, c)
				if errors.As(err, &netlink.LinkNotFoundError{}) {
					return nil // its routes went with it
				}
				if err != nil {
					return err
				}
				if err := k.h.RouteDel(r); err != nil && !errors.Is(err, unix.ESRCH) {
					return fmt.Errorf("removing the route to %s: %w", c.str("destination"), err)
				}
				return nil
			},
			"monitor": func(ctx context.Context, c *request) error {
				err := on(func(k *host, r *netlink.Route, c *request) error { return hasRoute(k, r) })(ctx, c)
				if se := (*specError)(nil); errors.As(err, &se) && se.rc == ocfErrInstalled {
					return errNotRunning
				}
				return err
			},
			"validate-all": on(func(*host, *netlink.Route, *request) error { return nil }),
		},
	}
}

// wantedRoute is the route that the parameters describe.
func wantedRoute(k *host, c *request) (*netlink.Route, error) {
	r := &netlink.Route{Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_BOOT}
	if c.str("device") == "" && c.str("gateway") == "" {
		return nil, badSpec("the route to %s needs a device or a gateway", c.str("destination"))
	}
	v6 := c.str("family") == "ip6"
	for _, n := range []string{"gateway", "source"} {
		v := c.str(n)
		if v == "" {
			continue
		}
		ip, err := netip.ParseAddr(v)
		if err != nil {
			return nil, badSpec("%s=%q is not an address", n, v)
		}
		v6 = v6 || ip.Is6()
		if n == "gateway" {
			r.Gw = ip.AsSlice()
		} else {
			r.Src = ip.AsSlice()
		}
	}
	switch f := c.str("family"); f {
	case "detect", "ip4", "ip6":
	default:
		return nil, badSpec("family=%q is not ip4, ip6 or detect", f)
	}
	dst, err := parseDestination(c.str("destination"), v6)
	if err != nil {
		return nil, err
	}
	for _, ip := range []net.IP{r.Gw, r.Src} {
		if ip != nil && (ip.To4() == nil) != dst.Addr().Is6() {
			return nil, badSpec("%s is not of the family of the destination %s", ip, dst)
		}
	}
	r.Dst = ipNet(dst.Addr(), dst.Bits())
	r.Family = family(dst.Addr())
	if t := c.str("table"); t != "" {
		if r.Table, err = routingTable(t); err != nil {
			return nil, err
		}
	}
	if d := c.str("device"); d != "" {
		l, err := k.h.LinkByName(d)
		if err != nil {
			return nil, &specError{rc: ocfErrInstalled, msg: fmt.Sprintf("interface %s: %v", d, err), cause: err}
		}
		r.LinkIndex = l.Attrs().Index
	}
	if r.Gw == nil {
		r.Scope = netlink.SCOPE_LINK
	}
	return r, nil
}

// parseDestination reads a network, an address or "default".
func parseDestination(s string, v6 bool) (netip.Prefix, error) {
	if s == "default" {
		if v6 {
			return netip.PrefixFrom(netip.IPv6Unspecified(), 0), nil
		}
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return p, badSpec("destination %q is neither a network such as 10.1.0.0/16 nor default", s)
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	if p.Masked() != p {
		return p, badSpec("destination %s has bits outside its netmask: the network is %s", p, p.Masked())
	}
	return p, nil
}

// hasRoute looks for the route in the kernel's table.
func hasRoute(k *host, r *netlink.Route) error {
	list, err := k.h.RouteListFiltered(r.Family, &netlink.Route{Table: r.Table}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return fmt.Errorf("reading routes: %w", err)
	}
	for _, x := range list {
		switch {
		case dstString(x.Dst, r.Family) != r.Dst.String(),
			r.LinkIndex != 0 && x.LinkIndex != r.LinkIndex,
			r.Gw != nil && !x.Gw.Equal(r.Gw),
			r.Src != nil && !x.Src.Equal(r.Src):
		default:
			return nil
		}
	}
	return errNotRunning
}

// dstString is a destination as the kernel lists it, with the default route's.
func dstString(n *net.IPNet, family int) string {
	switch {
	case n != nil:
		return n.String()
	case family == netlink.FAMILY_V4:
		return "0.0.0.0/0"
	}
	return "::/0"
}

// tableDirs hold names of routing tables.
var tableDirs = []string{"/etc/iproute2/rt_tables", "/etc/iproute2/rt_tables.d/*.conf", "/usr/share/iproute2/rt_tables"}

// routingTable reads the number or name of a routing table.
func routingTable(s string) (int, error) {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil && n > 0 {
		return int(n), nil
	}
	switch s {
	case "main":
		return unix.RT_TABLE_MAIN, nil
	case "default":
		return unix.RT_TABLE_DEFAULT, nil
	case "local":
		return unix.RT_TABLE_LOCAL, nil
	}
	for _, pattern := range tableDirs {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			f, err := os.Open(file)
			if err != nil {
				continue
			}
			sc := bufio.NewScanner(f)
			for sc.Scan() {
				w := strings.Fields(sc.Text())
				if len(w) < 2 || w[1] != s {
					continue
				}
				if n, err := strconv.ParseUint(w[0], 0, 31); err == nil {
					_ = f.Close()
					return int(n), nil
				}
			}
			_ = f.Close()
		}
	}
	return 0, badSpec("table=%q is neither a number nor a name in /etc/iproute2/rt_tables", s)
}
