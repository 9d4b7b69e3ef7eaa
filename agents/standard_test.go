package agents

import (
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

// step is one action with the code it is to return.
type step struct {
	action string
	rc     int
}

// life calls an agent's actions one after another.
func life(t *testing.T, typ string, p map[string]string, steps ...step) {
	t.Helper()
	for i, s := range steps {
		if rc, said := call(t, typ, s.action, p); rc != s.rc {
			t.Fatalf("%s: step %d, %s returned %d, want %d: %s", typ, i+1, s.action, rc, s.rc, said)
		}
	}
}

// wholeLife is what every agent without roles must do, as ocf-tester asks.
var wholeLife = []step{{"validate-all", 0}, {"monitor", 7}, {"stop", 0}, {"start", 0}, {"monitor", 0}, {"start", 0}, {"status", 0},
	{"stop", 0}, {"stop", 0}, {"monitor", 7}, {"nonsense", 3}}

func TestParametersAreCheckedAgainstTheMetaData(t *testing.T) {
	for _, c := range []struct {
		typ  string
		p    map[string]string
		rc   int
		said string
	}{
		{"Delay", map[string]string{"startdelay": "soon"}, 6, `startdelay="soon" is not a whole number`},
		{"Route", map[string]string{}, 6, "parameter destination is missing: destination network"},
		{"Route", map[string]string{"destination": "10.1.0.0/16"}, 6, "needs a device or a gateway"},
		{"Route", map[string]string{"destination": "10.1.2.0/16", "device": "lo"}, 6, "the network is 10.1.0.0/16"},
		{"Route", map[string]string{"destination": "10.1.0.0/16", "gateway": "fd00::1"}, 6, "not of the family"},
		{"Route", map[string]string{"destination": "10.1.0.0/16", "device": "lo", "table": "nowhere"}, 6, "neither a number nor a name"},
		{"IPsrcaddr", map[string]string{"ipaddress": "x"}, 6, "is not an address"},
	} {
		if rc, said := call(t, c.typ, "start", c.p); rc != c.rc || !strings.Contains(said, c.said) {
			t.Errorf("%s %v returned %d, want %d with %q: %s", c.typ, c.p, rc, c.rc, c.said, said)
		}
	}
}

func TestDelay(t *testing.T) {
	life(t, "Delay", map[string]string{"startdelay": "0"}, wholeLife...)
	life(t, "Delay", map[string]string{"1": "0"}, wholeLife...)
}

// routes returns the routes of an interface as "DESTINATION GATEWAY SOURCE".
func routes(t *testing.T, l netlink.Link) string {
	t.Helper()
	list, err := netlink.RouteList(l, netlink.FAMILY_V4)
	must(t, err)
	var out []string
	for _, r := range list {
		s := dstString(r.Dst, r.Family)
		if r.Gw != nil {
			s += " via " + r.Gw.String()
		}
		if r.Src != nil {
			s += " src " + r.Src.String()
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestRoute(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24", "fd00:a::1/64")
	own := "192.168.10.0/24 src 192.168.10.1"
	p := map[string]string{"destination": "10.7.0.0/16", "gateway": "192.168.10.9", "source": "192.168.10.1"}
	life(t, "Route", p, step{"start", 0}, step{"monitor", 0}, step{"start", 0}, step{"reload", 0})
	if got := routes(t, near); got != "10.7.0.0/16 via 192.168.10.9 src 192.168.10.1, "+own {
		t.Errorf("routes: %s", got)
	}
	// Another gateway is another route.
	life(t, "Route", map[string]string{"destination": "10.7.0.0/16", "gateway": "192.168.10.8"}, step{"monitor", 7})
	life(t, "Route", p, step{"stop", 0}, step{"monitor", 7})
	if got := routes(t, near); got != own {
		t.Errorf("routes: %s", got)
	}
	for _, p := range []map[string]string{
		{"destination": "10.8.0.0/16", "device": "qagent-a"}, {"destination": "default", "gateway": "192.168.10.9"},
		{"destination": "fd01::/48", "gateway": "fd00:a::9"}, {"destination": "default", "family": "ip6", "device": "qagent-a"},
		{"destination": "10.9.0.1", "device": "qagent-a", "table": "77"},
	} {
		life(t, "Route", p, wholeLife...)
	}
	gone := map[string]string{"destination": "10.8.0.0/16", "device": "qagent-zz"}
	life(t, "Route", gone, step{"monitor", 7}, step{"stop", 0}, step{"start", 5})
}

func TestIPsrcaddr(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24", "192.168.10.51/24")
	p := map[string]string{"ipaddress": "192.168.10.51"}
	if rc, said := call(t, "IPsrcaddr", "start", p); rc != 1 || !strings.Contains(said, "there is no route to 0.0.0.0/0") {
		t.Errorf("%d %s", rc, said)
	}
	gw := map[string]string{"destination": "default", "gateway": "192.168.10.9"}
	life(t, "Route", gw, step{"start", 0})
	life(t, "IPsrcaddr", p, wholeLife[:8]...)
	own := "0.0.0.0/0 via 192.168.10.9 src 192.168.10.1, 192.168.10.0/24 src 192.168.10.1"
	if got := routes(t, near); got != own {
		t.Errorf("after the stop: %s", got)
	}
	life(t, "IPsrcaddr", p, step{"start", 0})
	if got := routes(t, near); got != strings.ReplaceAll(own, "src 192.168.10.1", "src 192.168.10.51") {
		t.Errorf("after the start: %s", got)
	}
	life(t, "IPsrcaddr", p, step{"stop", 0}, step{"stop", 0}, step{"monitor", 7})
	// The gateway of another destination stays.
	life(t, "Route", map[string]string{"destination": "10.7.0.0/16", "gateway": "192.168.10.9"}, step{"start", 0})
	p["destination"] = "10.7.0.0/16"
	life(t, "IPsrcaddr", p, step{"start", 0}, step{"monitor", 0})
	if got := routes(t, near); !strings.Contains(got, "10.7.0.0/16 via 192.168.10.9 src 192.168.10.51") {
		t.Errorf("after the start: %s", got)
	}
	if rc, said := call(t, "IPsrcaddr", "start", map[string]string{"ipaddress": "192.168.10.77"}); rc != 1 || !strings.Contains(said, "does not have 192.168.10.77") {
		t.Errorf("%d %s", rc, said)
	}
}
