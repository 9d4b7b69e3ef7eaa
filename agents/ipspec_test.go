package agents

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestIPSpec(t *testing.T) {
	base := func(ip string) ipSpec {
		return ipSpec{ip: netip.MustParseAddr(ip), bits: -1, preferred: -1, arpInterval: 200 * time.Millisecond, arpCount: 5, background: true}
	}
	for _, c := range []struct {
		params string
		want   func(*ipSpec)
	}{
		{"ip=10.0.0.1", func(*ipSpec) {}},
		{"ip=10.0.0.1 cidr_netmask=24 nic=eth0", func(s *ipSpec) { s.bits, s.nic = 24, "eth0" }},
		{"ip=10.0.0.1 netmask=255.255.240.0 nic=eth0:3", func(s *ipSpec) { s.bits, s.nic, s.iflabel = 20, "eth0", "3" }},
		{"ip=10.0.0.1 broadcast=10.0.0.63 iflabel=web", func(s *ipSpec) { s.broadcast, s.iflabel = netip.MustParseAddr("10.0.0.63"), "web" }},
		{"ip=10.0.0.1 ARP_REPEAT=0 ARP_INTERVAL_MS=50 ARP_BACKGROUND=no", func(s *ipSpec) { s.arpCount, s.arpInterval, s.background = 0, 50*time.Millisecond, false }},
		{"1=10.0.0.1", func(*ipSpec) {}},
		{"1=10.0.0.1/24", func(s *ipSpec) { s.bits = 24 }},
		{"1=10.0.0.1/24/eth0", func(s *ipSpec) { s.bits, s.nic = 24, "eth0" }},
		{"1=10.0.0.1/24/eth0/10.0.0.255", func(s *ipSpec) { s.bits, s.nic, s.broadcast = 24, "eth0", netip.MustParseAddr("10.0.0.255") }},
		{"1=10.0.0.1/24/10.0.0.255", func(s *ipSpec) { s.bits, s.broadcast = 24, netip.MustParseAddr("10.0.0.255") }},
	} {
		want := base("10.0.0.1")
		c.want(&want)
		if got, err := parseIPSpec(paramsOf(c.params)); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", c.params, got, err, want)
		}
	}
	for _, bad := range []string{
		"", "ip=10.0.0", "ip=fe80::1%eth0", "ip=10.0.0.1 cidr_netmask=33", "ip=10.0.0.1 netmask=255.0.255.0", "ip=10.0.0.1 netmask=0.0.0.0",
		"ip=10.0.0.1 cidr_netmask=0", "ip=fd00::1 netmask=255.255.255.0", "ip=10.0.0.1 nic=../eth0", "ip=10.0.0.1 broadcast=fd00::1",
		"ip=10.0.0.1 nic=averylongnameofaninterface", "ip=10.0.0.1 ARP_REPEAT=-1", "ip=10.0.0.1 arp_interval=0",
	} {
		if got, err := parseIPSpec(paramsOf(bad)); err == nil {
			t.Errorf("%q is taken as %+v", bad, got)
		}
	}
}

func paramsOf(s string) map[string]string {
	p := map[string]string{}
	for _, f := range strings.Fields(s) {
		k, v, _ := strings.Cut(f, "=")
		p[k] = v
	}
	return p
}

func TestPrefixes(t *testing.T) {
	for _, c := range []struct{ prefix, last, mask string }{
		{"192.168.10.51/24", "192.168.10.255", "255.255.255.0"},
		{"10.1.2.3/8", "10.255.255.255", "255.0.0.0"},
		{"10.1.2.3/28", "10.1.2.15", "255.255.255.240"},
		{"10.1.2.3/32", "10.1.2.3", "255.255.255.255"},
	} {
		p := netip.MustParsePrefix(c.prefix)
		if l, m := lastAddress(p).String(), dottedMask(p.Bits()); l != c.last || m != c.mask {
			t.Errorf("%s: %s %s", c.prefix, l, m)
		}
		if b, err := parseMask(c.mask, p.Addr()); err != nil || b != p.Bits() {
			t.Errorf("%s: %d, %v", c.mask, b, err)
		}
	}
}

func FuzzIPSpec(f *testing.F) {
	f.Add("ip=10.0.0.1 cidr_netmask=24 nic=eth0:1")
	f.Add("1=10.0.0.1/255.255.255.0/eth0/10.0.0.255")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseIPSpec(paramsOf(s))
		if err == nil && (!got.ip.IsValid() || got.bits > got.ip.BitLen() || strings.Contains(got.nic, "/")) {
			t.Errorf("%q is taken as %+v", s, got)
		}
	})
}
