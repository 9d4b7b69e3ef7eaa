package agents

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/vishvananda/netlink"
)

// asScript calls a built-in agent as a program of its own, as a script is.
func asScript(t *testing.T, provider, typ, action string, env ...string) (int, string) {
	t.Helper()
	c := exec.Command("/proc/self/exe", "ocf", provider, typ, action)
	c.Env = append(env, "HA_RSCTMP="+rundir(t), "OCF_RESOURCE_INSTANCE=res")
	out, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

func TestAgentsAsScripts(t *testing.T) {
	near, _ := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	vip := []string{"OCF_RESKEY_ip=192.168.10.51", "OCF_RESKEY_nic=qagent-a", "OCF_RESKEY_ARP_REPEAT=1"}
	for _, s := range []struct {
		typ, action string
		env         []string
		rc          int
	}{
		{"IPaddr", "monitor", vip, 7}, {"IPaddr", "start", vip, 0}, {"IPaddr", "monitor", vip, 0}, {"IPaddr", "stop", vip, 0},
		{"IPaddr", "start", nil, 6}, {"IPaddr", "nonsense", vip, 3}, {"Nothing", "start", nil, 5},
		{"Dummy", "monitor", nil, 7}, {"Dummy", "start", nil, 0}, {"Dummy", "monitor", nil, 0}, {"Dummy", "start", nil, 0},
		{"Dummy", "stop", nil, 0}, {"Dummy", "stop", nil, 0}, {"Dummy", "monitor", nil, 7},
		{"Stateful", "promote", nil, 7}, {"Stateful", "start", nil, 0}, {"Stateful", "monitor", nil, 0},
		{"Stateful", "promote", nil, 0}, {"Stateful", "monitor", nil, 8}, {"Stateful", "demote", nil, 0},
		{"Stateful", "monitor", nil, 0}, {"Stateful", "stop", nil, 0}, {"Stateful", "monitor", nil, 7},
		{"Dummy", "monitor", []string{"OCF_CHECK_LEVEL=x"}, 6},
	} {
		if rc, said := asScript(t, "heartbeat", s.typ, s.action, s.env...); rc != s.rc {
			t.Errorf("%s %s returned %d, want %d: %s", s.typ, s.action, rc, s.rc, said)
		}
	}
	want(t, near, "192.168.10.1/24 qagent-a")
	if rc, said := asScript(t, "heartbeat", "IPaddr", "start"); rc != 6 || !strings.Contains(said, "ocf-exit-reason:parameter ip is missing") {
		t.Errorf("%d %s", rc, said)
	}
	if rc := Main([]string{"one"}, nil, io.Discard, io.Discard); rc != 2 {
		t.Errorf("bad usage returns %d", rc)
	}
}

// A script ends at once, and the announcements go on without it.
func TestAnnouncementsOutliveTheScript(t *testing.T) {
	_, far := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	seen := listen(t, far)
	env := []string{"OCF_RESKEY_ip=192.168.10.51", "OCF_RESKEY_nic=qagent-a", "OCF_RESKEY_ARP_INTERVAL_MS=50", "OCF_RESKEY_ARP_REPEAT=4"}
	if rc, said := asScript(t, "quorate", "IPaddr", "start", env...); rc != 0 {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	late := time.After(10 * time.Second)
	for n := 0; n < 8; {
		select {
		case a := <-seen:
			if a.SenderIP.String() == "192.168.10.51" && (a.Operation == arp.OperationRequest || a.Operation == arp.OperationReply) {
				n++
			}
		case <-late:
			t.Fatalf("%d announcements, want 8", n)
		}
	}
	if rc, said := asScript(t, "quorate", "IPaddr", "stop", env...); rc != 0 {
		t.Errorf("stop returned %d: %s", rc, said)
	}
}

func TestSendArp(t *testing.T) {
	near, far := pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	seen := listen(t, far)
	p := map[string]string{"ip": "192.168.10.51", "nic": "qagent-a", "ARP_INTERVAL_MS": "10", "ARP_REPEAT": "2"}
	for _, s := range []struct {
		action string
		rc     int
	}{{"monitor", 7}, {"start", 0}, {"monitor", 0}, {"stop", 0}, {"stop", 0}, {"monitor", 7}} {
		if rc, said := call(t, "SendArp", s.action, p); rc != s.rc {
			t.Fatalf("%s returned %d: %s", s.action, rc, said)
		}
	}
	select {
	case a := <-seen:
		if a.SenderIP.String() != "192.168.10.51" {
			t.Errorf("announced %s", a.SenderIP)
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing was announced")
	}
	want(t, near, "192.168.10.1/24 qagent-a")
	if rc, _ := call(t, "SendArp", "start", map[string]string{"ip": "192.168.10.51"}); rc != 6 {
		t.Errorf("without nic it returned %d", rc)
	}
	if rc, said := call(t, "SendArp", "start", map[string]string{"1": "192.168.10.51/qagent-a", "ARP_REPEAT": "1"}); rc != 0 {
		t.Errorf("v1 argument: %d %s", rc, said)
	}
	if rc, _ := call(t, "SendArp", "stop", map[string]string{"1": "192.168.10.51/qagent-a"}); rc != 0 {
		t.Errorf("v1 argument: %d", rc)
	}
}

// IPv6 addresses are announced by neighbour advertisements, which update an
// entry the neighbour has.
func TestNeighbourAdvertisement(t *testing.T) {
	near, far := pair(t, "qagent-a", "qagent-b", "fd00:a::1/64")
	vip, err := netlink.ParseIPNet("fd00:a::51/128")
	must(t, err)
	must(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: far.Attrs().Index, IP: vip.IP, State: netlink.NUD_STALE, Family: netlink.FAMILY_V6,
		HardwareAddr: []byte{2, 0, 0, 0, 0, 99}}))
	// The far interface takes no advertisement before its own address is usable.
	usable := func() bool {
		for _, l := range []netlink.Link{near, far} {
			list, err := netlink.AddrList(l, netlink.FAMILY_V6)
			must(t, err)
			for _, a := range list {
				if a.Flags&0x40 != 0 { // IFA_F_TENTATIVE
					return false
				}
			}
		}
		return true
	}
	wait(t, "addresses are usable", usable)
	p := map[string]string{"ip": "fd00:a::51", "arp_interval": "20"}
	if rc, said := call(t, "IPaddr2", "start", p); rc != 0 {
		t.Fatalf("start returned %d: %s", rc, said)
	}
	wait(t, "the neighbour's entry has the new hardware address", func() bool {
		list, err := netlink.NeighList(far.Attrs().Index, netlink.FAMILY_V6)
		must(t, err)
		for _, n := range list {
			if n.IP.Equal(vip.IP) && bytes.Equal(n.HardwareAddr, near.Attrs().HardwareAddr) {
				return true
			}
		}
		return false
	})
	if rc, said := call(t, "IPaddr2", "stop", p); rc != 0 {
		t.Fatalf("stop returned %d: %s", rc, said)
	}
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func TestMetaDataIsWellFormed(t *testing.T) {
	all := All()
	if len(all) < 15 {
		t.Fatalf("only %d agents", len(all))
	}
	for _, s := range all {
		text := s.Agent.MetaData()
		d := xml.NewDecoder(strings.NewReader(text))
		d.Strict = true
		actions := map[string]bool{}
		for {
			tok, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", s.Type, err, text)
			}
			e, ok := tok.(xml.StartElement)
			if !ok {
				continue
			}
			for _, a := range e.Attr {
				switch {
				case e.Name.Local == "resource-agent" && a.Name.Local == "name" && a.Value != s.Type:
					t.Errorf("%s calls itself %s", s.Type, a.Value)
				case e.Name.Local == "action" && a.Name.Local == "name":
					actions[a.Value] = true
				}
			}
		}
		for _, a := range []string{"start", "stop", "monitor", "meta-data", "validate-all"} {
			if !actions[a] {
				t.Errorf("%s does not offer %s", s.Type, a)
			}
		}
		if b, ok := Lookup(s.Class, s.Provider, s.Type); !ok || b.MetaData() != text {
			t.Errorf("Lookup of %s:%s:%s", s.Class, s.Provider, s.Type)
		}
	}
	if _, ok := Lookup("ocf", "heartbeat", "nginx"); ok {
		t.Error("there is a built-in nginx")
	}
}

func TestStatefulSetsItsPromotionScore(t *testing.T) {
	var set []string
	env := Env{Instance: "ms:0", RunDir: t.TempDir(), Stdout: io.Discard, Stderr: io.Discard,
		SetAttribute: func(n, v string) { set = append(set, n+"="+v) }}
	for _, a := range []string{"start", "promote", "demote", "stop"} {
		if rc := (stateful{}).Run(t.Context(), a, env); rc != 0 {
			t.Errorf("%s returned %d", a, rc)
		}
	}
	if got := strings.Join(set, " "); got != "master-ms:0=5 master-ms:0=10 master-ms:0=5 master-ms:0=" {
		t.Errorf("scores: %s", got)
	}
	if _, err := os.Stat(filepath.Join(env.RunDir, "Stateful-ms:0.state")); err == nil {
		t.Error("the state file is left")
	}
}
