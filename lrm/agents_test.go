package lrm

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// debianRoot is where Debian's resource-agents are.
const debianRoot = "/usr/lib/ocf"

func needDebian(t *testing.T, name string) {
	t.Helper()
	if executable(filepath.Join(debianRoot, "resource.d/heartbeat", name)) != nil {
		t.Skipf("SKIPPED: Debian's resource agent %s is not installed (apt-get install resource-agents)", name)
	}
}

// cable makes an interface with an address and its other end.
func cable(t *testing.T) netlink.Link {
	t.Helper()
	needNetwork(t)
	v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "qlrm-a"}, PeerName: "qlrm-b"}
	if err := netlink.LinkAdd(v); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := netlink.LinkDel(v); err != nil {
			t.Error(err)
		}
	})
	for _, n := range []string{"lo", "qlrm-a", "qlrm-b"} {
		l, err := netlink.LinkByName(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkSetUp(l); err != nil {
			t.Fatal(err)
		}
	}
	a, err := netlink.ParseAddr("192.168.71.1/24")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.AddrAdd(v, a); err != nil {
		t.Fatal(err)
	}
	return v
}

// addresses returns the v4 addresses of an interface.
func addresses(t *testing.T, l netlink.Link) string {
	t.Helper()
	list, err := netlink.AddrList(l, netlink.FAMILY_V4)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range list {
		out = append(out, a.IPNet.String())
	}
	return strings.Join(out, " ")
}

func heartbeatOp(resource, typ, name string, params map[string]string) Op {
	return Op{Resource: resource, Class: "ocf", Provider: "heartbeat", Type: typ, Name: name, Timeout: 20 * time.Second, Params: params}
}

func TestDebiansAgentsUnmodified(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	for typ, p := range map[string]map[string]string{
		"Dummy":    {},
		"Delay":    {"startdelay": "0", "stopdelay": "0", "mondelay": "0"},
		"IPaddr2":  {"ip": "192.168.71.205", "cidr_netmask": "24", "nic": "qlrm-a"},
		"Route":    {"destination": "10.99.0.0/16", "gateway": "192.168.71.9"},
		"symlink":  {"link": link, "target": "/etc/hostname"},
		"anything": {"binfile": "/bin/sleep", "cmdline_options": "1000", "pidfile": filepath.Join(t.TempDir(), "pid")},
	} {
		t.Run(typ, func(t *testing.T) {
			needDebian(t, typ)
			nic := cable(t)
			r := newRig(t, func(c *Config) { c.OCFRoot = debianRoot })
			for _, s := range []struct {
				action string
				rc     int
			}{{"validate-all", 0}, {"monitor", 7}, {"start", 0}, {"monitor", 0}, {"start", 0}, {"stop", 0}, {"stop", 0}, {"monitor", 7}} {
				res := r.do(heartbeatOp("x", typ, s.action, p))
				if res.RC != s.rc || res.Status != Done {
					t.Fatalf("%s: rc %d status %d, want %d: %s %s", s.action, res.RC, res.Status, s.rc, res.ExitReason, res.Output)
				}
				if s.action == "start" && typ == "IPaddr2" && addresses(t, nic) != "192.168.71.1/24 192.168.71.205/24" {
					t.Errorf("addresses %s", addresses(t, nic))
				}
			}
			if a := addresses(t, nic); a != "192.168.71.1/24" {
				t.Errorf("addresses at the end: %s", a)
			}
		})
	}
}

func TestForcedReleaseOfAnAddressThatAScriptHolds(t *testing.T) {
	needDebian(t, "IPaddr2")
	nic := cable(t)
	r := newRig(t, nil)
	// Debian's agent, with a stop that hangs.
	r.write(filepath.Join(r.root, "resource.d/heartbeat/IPaddr2"), `[ "$1" = stop ] && sleep 300
export OCF_ROOT=/usr/lib/ocf
exec /usr/lib/ocf/resource.d/heartbeat/IPaddr2 "$@"`)
	p := map[string]string{"ip": "192.168.71.205", "cidr_netmask": "24", "nic": "qlrm-a"}
	if res := r.do(heartbeatOp("vip", "IPaddr2", "start", p)); res.RC != 0 {
		t.Fatalf("%+v", res)
	}
	if a := addresses(t, nic); a != "192.168.71.1/24 192.168.71.205/24" {
		t.Fatalf("addresses %s", a)
	}
	began := time.Now()
	rel := r.StopAll(context.Background(), began.Add(300*time.Millisecond))
	if len(rel) != 1 || rel[0].How != ReleasedByForce {
		t.Errorf("%+v", rel)
	}
	if a := addresses(t, nic); a != "192.168.71.1/24" {
		t.Errorf("addresses %s", a)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	t.Logf("released after %s", rel[0].Took)
}

func TestWhichAgentAnswers(t *testing.T) {
	nic := cable(t)
	var log bytes.Buffer
	r := newRig(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, n := range []string{"IPaddr", "Dummy"} {
		r.write(filepath.Join(r.root, "resource.d/heartbeat", n), `echo script; exit 0`)
	}
	if res := r.do(heartbeatOp("d", "Dummy", "start", nil)); res.Output != "script" {
		t.Errorf("Dummy: the script did not answer: %+v", res)
	}
	d := heartbeatOp("d", "Dummy", "start", nil)
	d.Provider = "quorate"
	if res := r.do(d); res.Output == "script" || res.RC != 0 {
		t.Errorf("ocf:quorate:Dummy: %+v", res)
	}
	if res := r.do(heartbeatOp("s", "Stateful", "start", nil)); res.RC != 0 {
		t.Errorf("Stateful without a script: %+v", res)
	}
	if res := r.do(heartbeatOp("s", "Stateful", "promote", nil)); res.RC != 0 {
		t.Errorf("%+v", res)
	}
	if res := r.do(heartbeatOp("s", "Stateful", "monitor", nil)); res.RC != RunningPromoted {
		t.Errorf("%+v", res)
	}
	p := map[string]string{"ip": "192.168.71.205", "netmask": "24", "nic": "qlrm-a"}
	if res := r.do(heartbeatOp("vip", "IPaddr", "start", p)); res.RC != 0 || strings.Contains(res.Output, "script") {
		t.Errorf("IPaddr: %+v", res)
	}
	if a := addresses(t, nic); a != "192.168.71.1/24 192.168.71.205/24" {
		t.Errorf("addresses %s", a)
	}
	v1 := Op{Resource: "v1", Class: "heartbeat", Type: "IPaddr", Name: "monitor", Timeout: 5 * time.Second, Params: map[string]string{"1": "192.168.71.205/24/qlrm-a"}}
	if res := r.do(v1); res.RC != 0 {
		t.Errorf("heartbeat:IPaddr: %+v", res)
	}
	v1.Name = "stop"
	if res := r.do(v1); res.RC != 0 || addresses(t, nic) != "192.168.71.1/24" {
		t.Errorf("heartbeat:IPaddr: %+v, %s", res, addresses(t, nic))
	}
	r.Close()
	if want := "INFO: ifconfig qlrm-a:0 192.168.71.205 netmask 255.255.255.0 broadcast 192.168.71.255"; !strings.Contains(log.String(), want) {
		t.Errorf("the log does not say %q:\n%s", want, log.String())
	}
	if _, err := os.Stat(filepath.Join(r.run, "Dummy-d.state")); err != nil {
		t.Error(err)
	}
}

func TestABadBuiltinParameterIsARefusal(t *testing.T) {
	r := newRig(t, nil)
	res := r.do(heartbeatOp("vip", "IPaddr", "start", map[string]string{"ip": "192.168.71.999"}))
	if res.RC != ErrConfigured || res.ExitReason != `ip="192.168.71.999" is not an address` {
		t.Errorf("%+v", res)
	}
}

func TestMetaData(t *testing.T) {
	needDebian(t, "IPaddr2")
	r := newRig(t, func(c *Config) { c.OCFRoot = debianRoot })
	r.write(filepath.Join(r.root, "init.d/web"), "exit 0")
	for _, c := range []struct{ class, provider, typ, want string }{
		{"ocf", "heartbeat", "IPaddr2", `<parameter name="clusterip_hash"`}, // Debian's, longer than what is kept of other output
		{"ocf", "heartbeat", "IPaddr", "floating IPv4 address"},             // the built-in
		{"ocf", "quorate", "IPaddr2", "floating IPv4 or IPv6 address"},
		{"lsb", "", "web", `<resource-agent name="web"`},
	} {
		text, err := r.MetaData(t.Context(), c.class, c.provider, c.typ)
		if err != nil || !strings.HasPrefix(text, "<?xml") || !strings.Contains(text, c.want) || !strings.HasSuffix(strings.TrimSpace(text), "</resource-agent>") {
			t.Errorf("%s:%s:%s: %v, %d bytes", c.class, c.provider, c.typ, err, len(text))
		}
	}
	for _, bad := range []string{"../evil", "NoSuchAgent"} {
		if text, err := r.MetaData(t.Context(), "ocf", "heartbeat", bad); err == nil {
			t.Errorf("%s has %q", bad, text)
		}
	}
}
