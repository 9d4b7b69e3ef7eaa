package agents

import (
	"context"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// valid returns the lifetime of an address in seconds, 0 for ever, -1 if it is
// not there.
func valid(t *testing.T, ip string) int {
	t.Helper()
	out := -1
	want := netip.MustParseAddr(ip)
	must(t, scanAddrs(family(want), func(a kernelAddr) {
		if a.ip == want {
			if out = int(a.valid); a.valid == forever {
				out = 0
			}
		}
	}))
	return out
}

func startFor(t *testing.T, typ string, params map[string]string, seconds int, may func() bool) int {
	t.Helper()
	a, _ := Lookup("ocf", "heartbeat", typ)
	return a.Run(context.Background(), "start", Env{Instance: "test", Params: params, RunDir: rundir(t), Stdout: io.Discard, Stderr: io.Discard,
		Lifetime: func() (int, bool) { return seconds, may() }})
}

// An address is born with a lifetime, keeps label, peer and neighbours when that
// is renewed, and goes by itself when it is not.
func TestLifetimes(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24", "2001:db8::1/64")
	yes := func() bool { return true }
	for _, c := range []struct{ typ, ip string }{{"IPaddr", "192.168.10.51"}, {"IPaddr2", "192.168.10.52"}, {"IPaddr2", "2001:db8::51"}} {
		p := map[string]string{"ip": c.ip, "nic": "qagent-a", "ARP_REPEAT": "1", "arp_count": "1"}
		if rc := startFor(t, c.typ, p, 30, yes); rc != 0 {
			t.Fatalf("start of %s: %d", c.ip, rc)
		}
		if got := valid(t, c.ip); got < 29 || got > 30 {
			t.Errorf("%s lives for %d s, want 30", c.ip, got)
		}
	}
	before := has(t, near)
	three := map[netip.Addr]bool{netip.MustParseAddr("192.168.10.51"): true, netip.MustParseAddr("192.168.10.52"): true, netip.MustParseAddr("2001:db8::51"): true,
		netip.MustParseAddr("192.168.10.99"): true}
	for _, seconds := range []int{90, 0, 1} {
		n, err := SetLifetimes(three, seconds)
		must(t, err)
		if n != 3 {
			t.Errorf("%d addresses found, want 3", n)
		}
		if got := valid(t, "192.168.10.51"); got > seconds || got < seconds-1 {
			t.Errorf("lifetime %d, want %d", got, seconds)
		}
		if after := has(t, near); len(after) != len(before) || after[1] != before[1] {
			t.Errorf("the addresses were %v and are %v", before, after)
		}
	}
	begun := time.Now()
	for deadline := begun.Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if valid(t, "192.168.10.51") < 0 && valid(t, "192.168.10.52") < 0 && valid(t, "2001:db8::51") < 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a lifetime of 1 s has not ended after 5 s: %v", has(t, near))
		}
	}
	t.Logf("a lifetime of 1 s ended after %v", time.Since(begun).Round(time.Millisecond))
	want(t, near, "192.168.10.1/24 qagent-a", "2001:db8::1/64")
	// What is gone does not come back by a renewal.
	if n, err := SetLifetimes(three, 30); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// A start whose node has lost the right leaves nothing behind, whether that is
// found before or, after a freeze, behind the address.
func TestNoStartWithoutTheRight(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	p := map[string]string{"ip": "192.168.10.51", "nic": "qagent-a"}
	for asked := range 2 {
		n := 0
		if rc := startFor(t, "IPaddr", p, 30, func() bool { n++; return n <= asked }); rc == 0 {
			t.Error("it was started")
		}
		want(t, near, "192.168.10.1/24 qagent-a")
	}
}

// A lifetime leaves the metric and the peer of an address alone.
func TestLifetimeKeepsTheRest(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b")
	must(t, netlink.AddrAdd(near, &netlink.Addr{IPNet: ipNet(netip.MustParseAddr("192.168.10.51"), 32), Peer: ipNet(netip.MustParseAddr("192.168.10.77"), 32)}))
	if _, err := SetLifetimes(map[netip.Addr]bool{netip.MustParseAddr("192.168.10.51"): true}, 60); err != nil {
		t.Fatal(err)
	}
	list, err := netlink.AddrList(near, netlink.FAMILY_V4)
	must(t, err)
	if len(list) != 1 || list[0].Peer.IP.String() != "192.168.10.77" || list[0].ValidLft < 59 {
		t.Errorf("%+v", list)
	}
}
