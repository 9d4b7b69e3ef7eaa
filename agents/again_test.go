package agents

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// announced waits for n packets that announce an address.
func announced(t *testing.T, seen <-chan *arp.Packet, ip netip.Addr, n int) {
	t.Helper()
	late := time.After(10 * time.Second)
	for got := 0; got < n; {
		select {
		case a := <-seen:
			if a.SenderIP == ip && a.TargetIP == ip {
				got++
			}
		case <-late:
			t.Fatalf("%d announcements, want %d", got, n)
		}
	}
}

// After a merge an address is announced once more, and so by each monitor that is
// to.
func TestAnnounceAgain(t *testing.T) {
	_, far := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	seen := listen(t, far)
	vip := netip.MustParseAddr("192.168.10.51")
	p := map[string]string{"ip": vip.String(), "arp_count": "1", "arp_interval": "10"}
	life(t, "IPaddr2", p, step{"start", 0})
	announced(t, seen, vip, 2)
	must(t, Announce(vip))
	announced(t, seen, vip, 2*againCount)
	must(t, Announce(netip.MustParseAddr("192.168.10.99"))) // not here: nothing happens
	wait(t, "the announcements end", func() bool { return underWay(vip) == nil })
	life(t, "IPaddr2", p, step{"monitor", 0})
	if underWay(vip) != nil {
		t.Error("a monitor announces though it is not told to")
	}
	p["arp_count_refresh"] = "3"
	life(t, "IPaddr2", p, step{"monitor", 0})
	announced(t, seen, vip, 6)
	life(t, "IPaddr2", p, step{"stop", 0})
}

// IPaddr announces ten times, half a second apart, by default.
func TestIPaddrDefaults(t *testing.T) {
	for _, c := range []struct{ typ, interval, count string }{{"IPaddr", `name="ARP_INTERVAL_MS"`, `name="ARP_REPEAT"`}, {"IPaddr2", `name="arp_interval"`, `name="arp_count"`}} {
		a, _ := Lookup("ocf", "heartbeat", c.typ)
		for param, def := range map[string]string{c.interval: map[string]string{"IPaddr": "500", "IPaddr2": "200"}[c.typ], c.count: map[string]string{"IPaddr": "10", "IPaddr2": "5"}[c.typ]} {
			_, rest, ok := strings.Cut(a.MetaData(), param)
			if one, _, _ := strings.Cut(rest, "</parameter>"); !ok || !strings.Contains(one, `default="`+def+`"`) {
				t.Errorf("%s: default of %s is not %s", c.typ, param, def)
			}
		}
	}
}

// A start with run_arping fails where somebody answers for the address.
func TestAnotherOwnerIsFound(t *testing.T) {
	near, far := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	x, err := netlink.ParseAddr("192.168.99.9/24")
	must(t, err)
	must(t, netlink.AddrAdd(far, x))
	ifi, err := net.InterfaceByName("qagent-b")
	must(t, err)
	c, err := arp.Dial(ifi)
	must(t, err)
	defer c.Close()
	taken := netip.MustParseAddr("192.168.10.51")
	go func() {
		for {
			p, _, err := c.Read()
			if err != nil {
				return
			}
			if p.Operation == arp.OperationRequest && p.TargetIP == taken && !p.SenderIP.IsValid() || p.SenderIP.IsUnspecified() && p.TargetIP == taken {
				_ = c.Reply(p, ifi.HardwareAddr, taken)
			}
		}
	}()
	p := map[string]string{"ip": taken.String(), "run_arping": "true", "arp_count": "0"}
	rc, said := call(t, "IPaddr2", "start", p)
	if rc != 1 || !strings.Contains(said, "192.168.10.51 is in use already: "+ifi.HardwareAddr.String()) {
		t.Errorf("start returned %d: %s", rc, said)
	}
	want(t, near, "192.168.10.1/24 qagent-a")
	p["ip"] = "192.168.10.52"
	life(t, "IPaddr2", p, step{"start", 0}, step{"start", 0}, step{"stop", 0})
}

func TestFlagsOfAddresses(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24", "fd00:a::1/64")
	p := map[string]string{"ip": "fd00:a::51", "preferred_lft": "0", "arp_count": "0"}
	q := map[string]string{"ip": "10.4.0.1", "nic": "qagent-a", "cidr_netmask": "24", "noprefixroute": "true", "arp_count": "0"}
	life(t, "IPaddr2", p, step{"start", 0})
	deprecated := func() bool {
		list, err := netlink.AddrList(near, netlink.FAMILY_V6)
		must(t, err)
		for _, a := range list {
			if a.IP.String() == "fd00:a::51" {
				return a.Flags&unix.IFA_F_DEPRECATED != 0
			}
		}
		t.Fatal("the address is not there")
		return false
	}
	if !deprecated() {
		t.Error("an address with preferred_lft=0 is preferred")
	}
	// The lease's lifetime does not make it preferred.
	_, err := SetLifetimes(map[netip.Addr]bool{netip.MustParseAddr("fd00:a::51"): true}, 60)
	must(t, err)
	if !deprecated() {
		t.Error("it is preferred after its lifetime was renewed")
	}
	life(t, "IPaddr2", q, step{"start", 0})
	if got := routes(t, near); strings.Contains(got, "10.4.0.0/24") {
		t.Errorf("routes: %s", got)
	}
	life(t, "IPaddr2", p, step{"stop", 0})
	life(t, "IPaddr2", q, step{"stop", 0})
	for n := range refused {
		if rc, said := call(t, "IPaddr2", "start", map[string]string{"ip": "10.4.0.1", n: "yes"}); rc != 6 || !strings.Contains(said, n) {
			t.Errorf("%s: %d %s", n, rc, said)
		}
	}
}
