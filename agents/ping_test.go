package agents

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// attrd is a stand-in for the cluster's attributes: the last value of each.
const attrd = `while [ $# -gt 0 ]; do case "$1" in -n) n=$2; shift;; -U) v=$2; shift;; -D) v=;; -d) d=$2; shift;; esac; shift; done
echo "$v $d" >$STATE/$n`

// The attribute follows the hosts.
func TestPingAgent(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	dir := standIn(t, "no cluster runs in this test", map[string]string{"attrd_updater": attrd})
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	p := map[string]string{"host_list": "192.168.10.1 ::1 192.168.10.99", "multiplier": "100", "name": "net", "attempts": "1", "timeout": "100ms", "dampen": "1s"}
	life(t, "ping", p, step{"validate-all", 0}, step{"start", 0}, step{"monitor", 0})
	if got := read(dir + "/state/net"); got != "200 1s\n" {
		t.Errorf("net is %q with two of three hosts", got)
	}
	p["failure_score"] = "300"
	if rc, said := call(t, "ping", "monitor", p); rc != 1 || !strings.Contains(said, "2 of 3 hosts are reached: net is 200") {
		t.Errorf("%d %s", rc, said)
	}
	delete(p, "failure_score")
	must(t, netlink.AddrDel(near, &netlink.Addr{IPNet: mustNet(t, "192.168.10.1/24")}))
	life(t, "ping", p, step{"reload-agent", 0})
	if got := read(dir + "/state/net"); got != "100 1s\n" {
		t.Errorf("net is %q with one of three hosts", got)
	}
	life(t, "ping", p, step{"stop", 0}, step{"monitor", 7})
	if got := read(dir + "/state/net"); got != " \n" {
		t.Errorf("net is %q after the stop", got)
	}
	life(t, "ping", p, step{"start", 0})
	standIn(t, "the cluster does not answer", map[string]string{"attrd_updater": "exit 102"})
	life(t, "ping", p, step{"monitor", 1}, step{"stop", 0}, step{"monitor", 7})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := echo(ctx, "127.0.0.77%x", 3, time.Hour); err == nil {
		t.Error("nonsense answers")
	}
	if err := echo(ctx, "192.168.10.99", 3, time.Hour); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("it does not give up: %v", err)
	}
}

func mustNet(t *testing.T, s string) *net.IPNet {
	t.Helper()
	n, err := netlink.ParseIPNet(s)
	must(t, err)
	return n
}
