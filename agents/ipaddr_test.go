package agents

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/vishvananda/netlink"

	"github.com/quorate/quorate/pkg/seedrow"
)

// pair makes two interfaces joined by a cable; near has the addresses given.
func pair(t *testing.T, near, far string, addrs ...string) (netlink.Link, netlink.Link) {
	t.Helper()
	needNetwork(t)
	v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: near}, PeerName: far}
	must(t, netlink.LinkAdd(v))
	t.Cleanup(func() { must(t, netlink.LinkDel(v)) })
	var out []netlink.Link
	for _, n := range []string{near, far} {
		l, err := netlink.LinkByName(n)
		must(t, err)
		must(t, netlink.LinkSetUp(l))
		out = append(out, l)
	}
	for _, a := range addrs {
		x, err := netlink.ParseAddr(a)
		must(t, err)
		must(t, netlink.AddrAdd(out[0], x))
	}
	l, err := netlink.LinkByName(near)
	must(t, err)
	return l, out[1]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call runs a built-in agent and returns its code and messages.
func call(t *testing.T, typ, action string, params map[string]string) (int, string) {
	t.Helper()
	a, ok := Lookup("ocf", "quorate", typ)
	if !ok {
		t.Fatalf("no built-in %s", typ)
	}
	var b bytes.Buffer
	rc := a.Run(context.Background(), action, Env{Instance: "test", Params: params, RunDir: rundir(t), Stdout: &b, Stderr: &b})
	return rc, b.String()
}

var rundirs = map[string]string{}

func rundir(t *testing.T) string {
	if rundirs[t.Name()] == "" {
		rundirs[t.Name()] = t.TempDir()
	}
	return rundirs[t.Name()]
}

// has returns the addresses of an interface as "IP/BITS LABEL".
func has(t *testing.T, l netlink.Link) []string {
	t.Helper()
	list, err := netlink.AddrList(l, netlink.FAMILY_ALL)
	must(t, err)
	var out []string
	for _, a := range list {
		if !a.IP.IsLinkLocalUnicast() {
			out = append(out, a.String())
		}
	}
	return out
}

func want(t *testing.T, l netlink.Link, addrs ...string) {
	t.Helper()
	if got := strings.Join(has(t, l), ", "); got != strings.Join(addrs, ", ") {
		t.Fatalf("%s has %q, want %q", l.Attrs().Name, got, strings.Join(addrs, ", "))
	}
}

func TestIPaddrLifeOfAnAddress(t *testing.T) {
	seedrow.Shows(t, "002-005")
	seedrow.Shows(t, "002-005")
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	p := map[string]string{"ip": "192.168.10.51", "nic": "qagent-a", "cidr_netmask": "255.255.255.0", "ARP_REPEAT": "1"}
	steps := []struct {
		action string
		rc     int
		addrs  []string
	}{
		{"validate-all", 0, []string{"192.168.10.1/24 qagent-a"}},
		{"monitor", 7, []string{"192.168.10.1/24 qagent-a"}},
		{"stop", 0, []string{"192.168.10.1/24 qagent-a"}},
		{"start", 0, []string{"192.168.10.1/24 qagent-a", "192.168.10.51/24 qagent-a:0"}},
		{"monitor", 0, []string{"192.168.10.1/24 qagent-a", "192.168.10.51/24 qagent-a:0"}},
		{"start", 0, []string{"192.168.10.1/24 qagent-a", "192.168.10.51/24 qagent-a:0"}},
		{"stop", 0, []string{"192.168.10.1/24 qagent-a"}},
		{"stop", 0, []string{"192.168.10.1/24 qagent-a"}},
		{"monitor", 7, []string{"192.168.10.1/24 qagent-a"}},
		{"promote", 3, []string{"192.168.10.1/24 qagent-a"}},
	}
	for _, s := range steps {
		rc, said := call(t, "IPaddr", s.action, p)
		if rc != s.rc {
			t.Fatalf("%s returned %d, want %d: %s", s.action, rc, s.rc, said)
		}
		want(t, near, s.addrs...)
	}
}

// The attributes of a primitive of Heartbeat 2, netmask among them, and the same as
// one argument of a line of haresources.
func TestIPaddrWithEverythingConfigured(t *testing.T) {
	seedrow.Shows(t, "003-037", "002-067")
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.71.1/24")
	for _, p := range []map[string]string{
		{"ip": "192.168.71.205", "netmask": "255.255.255.0", "nic": "qagent-a", "broadcast": "192.168.71.254", "ARP_REPEAT": "0"},
		{"1": "192.168.71.205/24/qagent-a/192.168.71.254"},
	} {
		life(t, "IPaddr", p, step{"start", 0}, step{"monitor", 0})
		want(t, near, "192.168.71.1/24 qagent-a", "192.168.71.205/24 qagent-a:0")
		list, err := netlink.AddrList(near, netlink.FAMILY_V4)
		must(t, err)
		if b := list[1].Broadcast.String(); b != "192.168.71.254" {
			t.Errorf("broadcast %s", b)
		}
		life(t, "IPaddr", p, step{"stop", 0}, step{"monitor", 7})
	}
}

func TestIPaddrSaysWhatTheAncestorsSaid(t *testing.T) {
	seedrow.Shows(t, "000-031")
	pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	p := map[string]string{"ip": "192.168.10.51", "nic": "qagent-a"}
	_, said := call(t, "IPaddr", "start", p)
	for _, line := range []string{
		"INFO: ifconfig qagent-a:0 192.168.10.51 netmask 255.255.255.0 broadcast 192.168.10.255\n",
		"INFO: Sending Gratuitous Arp for 192.168.10.51 on qagent-a:0 [qagent-a]\n",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("start did not say %q but:\n%s", line, said)
		}
	}
	_, said = call(t, "IPaddr", "stop", p)
	if !strings.Contains(said, "INFO: IP Address 192.168.10.51 released\n") {
		t.Errorf("stop said:\n%s", said)
	}
}

func TestIPaddrFindsTheInterfaceByRoute(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	other, _ := pair(t, "qagent-c", "qagent-d", "192.168.0.1/16")
	p := map[string]string{"ip": "192.168.10.51"}
	if rc, said := call(t, "IPaddr", "start", p); rc != 0 {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	want(t, near, "192.168.10.1/24 qagent-a", "192.168.10.51/24 qagent-a:0")
	want(t, other, "192.168.0.1/16 qagent-c")
	if rc, _ := call(t, "IPaddr", "stop", p); rc != 0 {
		t.Fatalf("stop returned %d", rc)
	}
	want(t, near, "192.168.10.1/24 qagent-a")
	if rc, said := call(t, "IPaddr", "start", map[string]string{"ip": "10.9.9.9"}); rc != 1 || !strings.Contains(said, "no route leads to the address") {
		t.Errorf("start without a route returned %d: %s", rc, said)
	}
	if rc, said := call(t, "IPaddr", "start", map[string]string{"ip": "10.9.9.9", "nic": "qagent-zz"}); rc != 5 || !strings.Contains(said, "qagent-zz") {
		t.Errorf("start on a missing interface returned %d: %s", rc, said)
	}
}

// The kernel deletes all secondary addresses of a subnet with the primary one.
func TestStopRemovesNoOtherAddress(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b")
	ip := func(n string) map[string]string {
		return map[string]string{"ip": n, "nic": "qagent-a", "cidr_netmask": "24", "ARP_REPEAT": "0"}
	}
	for _, n := range []string{"192.168.10.51", "192.168.10.52", "192.168.10.53"} {
		if rc, said := call(t, "IPaddr", "start", ip(n)); rc != 0 {
			t.Fatalf("start returned %d: %s", rc, said)
		}
	}
	want(t, near, "192.168.10.51/24 qagent-a:0", "192.168.10.52/24 qagent-a:1", "192.168.10.53/24 qagent-a:2")
	if rc, said := call(t, "IPaddr", "stop", ip("192.168.10.51")); rc != 0 {
		t.Fatalf("stop returned %d: %s", rc, said)
	}
	want(t, near, "192.168.10.52/24 qagent-a:1", "192.168.10.53/24 qagent-a:2")
	if rc, said := call(t, "IPaddr", "start", ip("192.168.10.51")); rc != 0 {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	want(t, near, "192.168.10.52/24 qagent-a:1", "192.168.10.53/24 qagent-a:2", "192.168.10.51/24 qagent-a:0")
}

func TestWrongInterfaceIsAFailureThatStopCures(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	other, _ := pair(t, "qagent-c", "qagent-d", "192.168.10.51/24")
	p := map[string]string{"ip": "192.168.10.51", "nic": "qagent-a", "cidr_netmask": "24"}
	if rc, said := call(t, "IPaddr", "monitor", p); rc != 1 || !strings.Contains(said, "wrong interface (qagent-c instead of qagent-a)") {
		t.Errorf("monitor returned %d: %s", rc, said)
	}
	if rc, said := call(t, "IPaddr", "start", p); rc != 1 || !strings.Contains(said, "configured on qagent-c already") {
		t.Errorf("start returned %d: %s", rc, said)
	}
	if rc, _ := call(t, "IPaddr", "stop", p); rc != 0 {
		t.Errorf("stop returned %d", rc)
	}
	want(t, near, "192.168.10.1/24 qagent-a")
	want(t, other)
}

func TestIPaddr2BothFamilies(t *testing.T) {
	seedrow.Shows(t, "002-005")
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24", "fd00:a::1/64")
	v4 := map[string]string{"ip": "192.168.10.51", "iflabel": "web"}
	v6 := map[string]string{"ip": "fd00:a::51"}
	for _, p := range []map[string]string{v4, v6} {
		for _, s := range []struct {
			action string
			rc     int
		}{{"monitor", 7}, {"start", 0}, {"start", 0}, {"monitor", 0}} {
			if rc, said := call(t, "IPaddr2", s.action, p); rc != s.rc {
				t.Fatalf("%s of %v returned %d: %s", s.action, p, rc, said)
			}
		}
	}
	want(t, near, "192.168.10.1/24 qagent-a", "192.168.10.51/24 qagent-a:web", "fd00:a::51/64", "fd00:a::1/64")
	for _, p := range []map[string]string{v4, v6} {
		if rc, said := call(t, "IPaddr2", "stop", p); rc != 0 {
			t.Fatalf("stop of %v returned %d: %s", p, rc, said)
		}
	}
	want(t, near, "192.168.10.1/24 qagent-a", "fd00:a::1/64")
}

// listen captures ARP packets that arrive at the far end.
func listen(t *testing.T, far netlink.Link) <-chan *arp.Packet {
	t.Helper()
	x, err := netlink.ParseAddr("192.168.99.9/24") // the ARP client wants an interface with an address
	must(t, err)
	must(t, netlink.AddrAdd(far, x))
	ifi, err := net.InterfaceByName(far.Attrs().Name)
	must(t, err)
	c, err := arp.Dial(ifi)
	must(t, err)
	out := make(chan *arp.Packet, 100)
	done := make(chan struct{})
	t.Cleanup(func() { must(t, c.Close()); <-done })
	go func() {
		defer close(done)
		for {
			p, _, err := c.Read()
			if err != nil {
				return
			}
			out <- p
		}
	}()
	return out
}

func TestGratuitousARPIsSeenByTheNeighbour(t *testing.T) {
	seedrow.Shows(t, "000-032")
	near, far := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	seen := listen(t, far)
	vip := netip.MustParseAddr("192.168.10.51")
	p := map[string]string{"ip": vip.String(), "nic": "qagent-a", "ARP_INTERVAL_MS": "20", "ARP_REPEAT": "3"}
	began := time.Now()
	if rc, said := call(t, "IPaddr", "start", p); rc != 0 {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	t.Logf("start took %s", time.Since(began))
	var ops []arp.Operation
	for len(ops) < 6 {
		select {
		case a := <-seen:
			if a.SenderIP != vip {
				continue
			}
			if a.TargetIP != vip || !bytes.Equal(a.SenderHardwareAddr, near.Attrs().HardwareAddr) {
				t.Errorf("announcement of %s at %s for %s", a.SenderIP, a.SenderHardwareAddr, a.TargetIP)
			}
			if len(ops) == 0 {
				t.Logf("first ARP seen after %s", time.Since(began))
			}
			ops = append(ops, a.Operation)
		case <-time.After(5 * time.Second):
			t.Fatalf("after 5 s only %v were seen", ops)
		}
	}
	for i, o := range ops {
		if w := []arp.Operation{arp.OperationRequest, arp.OperationReply}[i%2]; o != w {
			t.Errorf("packet %d is %v, want %v", i, o, w)
		}
	}
}

// TestARPSpacing: IPaddr sends what send_arp did with -i 500 -r 10: twenty frames,
// requests and replies in turn, half an interval apart.
func TestARPSpacing(t *testing.T) {
	seedrow.Shows(t, "003-097")
	_, far := pair(t, "qagent-a", "qagent-b", "192.168.71.1/24")
	seen := listen(t, far)
	vip := netip.MustParseAddr("192.168.71.205")
	rc, said := call(t, "IPaddr", "start", map[string]string{"ip": vip.String(), "nic": "qagent-a"})
	if rc != 0 || !strings.Contains(said, "Sending Gratuitous Arp for 192.168.71.205 on qagent-a:0 [qagent-a]") {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	var begin, last time.Time
	for i := range 20 {
		for mine := false; !mine; {
			select {
			case a := <-seen:
				if mine = a.SenderIP == vip; mine && a.Operation != []arp.Operation{arp.OperationRequest, arp.OperationReply}[i%2] {
					t.Errorf("frame %d is a %v", i, a.Operation)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("only %d frames were seen", i)
			}
		}
		if last = time.Now(); i == 0 {
			begin = last
		}
	}
	// A busy machine is late with some of them, and never early with the last.
	if d := last.Sub(begin); d < 19*250*time.Millisecond-200*time.Millisecond || d > 10*time.Second {
		t.Errorf("20 frames took %v, want 19 times 250 ms", d)
	}
	if n := underWay(vip); n != nil {
		<-n.ended
	}
	for len(seen) > 0 {
		if a := <-seen; a.SenderIP == vip {
			t.Error("there is a 21st frame")
		}
	}
}

func TestNoAnnouncementAfterStop(t *testing.T) {
	_, far := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	seen := listen(t, far)
	vip := netip.MustParseAddr("192.168.10.51")
	p := map[string]string{"ip": vip.String(), "nic": "qagent-a", "ARP_INTERVAL_MS": "10", "ARP_REPEAT": "500"}
	if rc, said := call(t, "IPaddr", "start", p); rc != 0 {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	if rc, said := call(t, "IPaddr", "stop", p); rc != 0 {
		t.Fatalf("stop returned %d: %s", rc, said)
	}
	if underWay(vip) != nil {
		t.Fatal("announcements are under way after the stop")
	}
	// The other way an address goes: somebody deletes it.
	if rc, said := call(t, "IPaddr", "start", p); rc != 0 {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	n := underWay(vip)
	l, err := netlink.LinkByName("qagent-a")
	must(t, err)
	x, err := netlink.ParseAddr("192.168.10.51/24")
	must(t, err)
	must(t, netlink.AddrDel(l, x))
	select {
	case <-n.ended:
	case <-time.After(5 * time.Second):
		t.Fatal("an address that is gone is announced still")
	}
	if len(seen) > 60 {
		t.Errorf("%d announcements were seen", len(seen))
	}
}

func TestReleaseByForce(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	p := map[string]string{"ip": "192.168.10.51", "nic": "qagent-a", "cidr_netmask": "24", "lvs_support": "true"}
	if rc, said := call(t, "IPaddr2", "start", p); rc != 0 {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	a, _ := Lookup("ocf", "heartbeat", "IPaddr2")
	// Whatever else is configured, if only for a script, the address goes.
	p["unique_clone_address"], p["arp_count"], p["cidr_netmask"] = "true", "many", "wide"
	if ip, ok := AddressOf("ocf", "heartbeat", "IPaddr2", p); !ok || ip.String() != "192.168.10.51" {
		t.Errorf("the address of the resource is %v, %v", ip, ok)
	}
	must(t, a.(Releaser).Release(Env{Instance: "x", Params: p, RunDir: rundir(t)}))
	want(t, near, "192.168.10.1/24 qagent-a")
	must(t, a.(Releaser).Release(Env{Instance: "x", Params: p, RunDir: rundir(t)}))
}

func TestLVSSupportParksTheAddress(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	p := map[string]string{"ip": "192.168.10.51", "nic": "qagent-a", "cidr_netmask": "24", "lvs_support": "yes", "ARP_REPEAT": "0"}
	for _, s := range []struct {
		action string
		rc     int
	}{{"start", 0}, {"monitor", 0}, {"stop", 0}, {"monitor", 7}} {
		if rc, said := call(t, "IPaddr", s.action, p); rc != s.rc {
			t.Fatalf("%s returned %d: %s", s.action, rc, said)
		}
	}
	want(t, near, "192.168.10.1/24 qagent-a")
	if got := strings.Join(has(t, lo), " "); !strings.Contains(got, "192.168.10.51/32") {
		t.Errorf("the loopback device has %q", got)
	}
	if rc, said := call(t, "IPaddr", "start", p); rc != 0 {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	if got := strings.Join(has(t, lo), " "); strings.Contains(got, "192.168.10.51") {
		t.Errorf("the loopback device has %q", got)
	}
	delete(p, "lvs_support")
	if rc, _ := call(t, "IPaddr", "stop", p); rc != 0 {
		t.Error("stop failed")
	}
}

// Where the kernel cannot be told to keep the other addresses of a subnet, they
// come back with labels and all.
func TestStopRemovesNoOtherAddressWithoutSysctl(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.51/24", "192.168.10.52/24", "192.168.10.53/24")
	old := sysctlDir
	sysctlDir = t.TempDir()
	defer func() { sysctlDir = old }()
	if rc, said := call(t, "IPaddr", "stop", map[string]string{"ip": "192.168.10.51", "nic": "qagent-a"}); rc != 0 {
		t.Fatalf("stop returned %d: %s", rc, said)
	}
	want(t, near, "192.168.10.52/24 qagent-a", "192.168.10.53/24 qagent-a")
}

func FuzzParseAddr(f *testing.F) {
	f.Add([]byte("\x02\x18\x80\x00\x05\x00\x00\x00\x08\x00\x02\x00\xc0\xa8\x0a\x33\x0a\x00\x03\x00eth0:\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, ok := parseAddr(b); ok && !a.ip.IsValid() {
			t.Errorf("%+v", a)
		}
	})
}
