package hacf

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/seedrow"
)

// base is enough for a start; tests add to it.
const base = "node a b\nucast eth0 10.0.0.1\nlogfacility daemon\ncrm yes\n"

// remarks are the diagnostics without the notices of directives that have no
// effect yet.
func remarks(ds []Diagnostic) (out []Diagnostic) {
	for _, d := range ds {
		if !strings.Contains(d.Text, "is not implemented yet") {
			out = append(out, d)
		}
	}
	return out
}

func mustParse(t *testing.T, text string) (*Config, []Diagnostic) {
	t.Helper()
	c, ds, err := Parse(strings.NewReader(text), "ha.cf")
	if err != nil {
		t.Fatalf("refused:\n%v", err)
	}
	return c, remarks(ds)
}

func TestDefaults(t *testing.T) {
	c, ds := mustParse(t, base)
	want := map[string]time.Duration{"keepalive": c.Keepalive, "deadtime": c.Deadtime, "warntime": c.Warntime, "initdead": c.Initdead, "deadping": c.Deadping}
	for name, d := range map[string]time.Duration{"keepalive": time.Second, "deadtime": 30 * time.Second, "warntime": 15 * time.Second, "initdead": 30 * time.Second, "deadping": 30 * time.Second} {
		if want[name] != d {
			t.Errorf("%s = %v, want %v", name, want[name], d)
		}
	}
	if c.Cluster != "linux-ha" || c.CRM != CRMOn || c.AutoFailback != FailbackLegacy || c.Autojoin != "none" {
		t.Errorf("defaults: %+v", c)
	}
	if len(ds) != 0 {
		t.Errorf("remarks about a clean file: %v", ds)
	}
}

func TestInitdeadDefault(t *testing.T) {
	for dead, want := range map[string]time.Duration{"5": 12 * time.Second, "6": 12 * time.Second, "9": 18 * time.Second, "10": 20 * time.Second, "11": 11 * time.Second} {
		c, _ := mustParse(t, base+"deadtime "+dead+"\n")
		if c.Initdead != want {
			t.Errorf("deadtime %s: initdead %v, want %v", dead, c.Initdead, want)
		}
	}
}

func TestParseTime(t *testing.T) {
	seedrow.Shows(t, "002-049")
	for in, want := range map[string]time.Duration{
		"2": 2 * time.Second, "1.5": 1500 * time.Millisecond, "1500ms": 1500 * time.Millisecond, "1500 msec": 1500 * time.Millisecond,
		"1600us": 2 * time.Millisecond, "250usec": 0, ".5": 500 * time.Millisecond, "0": 0, "2MS": 2 * time.Millisecond,
	} {
		if d, ext, err := parseTime(in); err != nil || ext || d != want {
			t.Errorf("parseTime(%q) = %v, %v, %v; want %v", in, d, ext, err, want)
		}
	}
	for in, want := range map[string]time.Duration{"5s": 5 * time.Second, "2min": 2 * time.Minute, "1h": time.Hour} {
		if d, ext, err := parseTime(in); err != nil || !ext || d != want {
			t.Errorf("parseTime(%q) = %v, %v, %v; want the extension %v", in, d, ext, err, want)
		}
	}
	for _, in := range []string{"", "x", "-1", "+1", "1x", "1e3", "1.2.3", ".", "ms", "inf", "99999999999", "1 0"} {
		if d, _, err := parseTime(in); err == nil {
			t.Errorf("parseTime(%q) = %v, want an error", in, d)
		}
	}
}

// TestRefused has one line each of what must be refused, with the text that a
// user searches for and the line it is found on.
func TestRefused(t *testing.T) {
	seedrow.Shows(t, "000-007", "002-054", "004-017")
	for _, c := range []struct{ line, want string }{
		{"keepalives 2", "Illegal directive [keepalives] in ha.cf (did you mean keepalive?)"},
		{"Keepalive 2", "Illegal directive [Keepalive] in ha.cf (directives are written in lower case: keepalive)"},
		{"keepalive", "Directive [keepalive] needs a value"},
		{"keepalive ,", "Directive [keepalive] needs a value"},
		{"keepalive 0", "Invalid keepalive [0]: it must be more than zero"},
		{"keepalive 2 每两秒", "Invalid keepalive [每两秒]: it is not a time (a remark behind the value begins with #)"},
		{"keepalive 15", "Dead time [30000] is too small compared to keeplive [15000]"},
		{"deadtime 2", "Dead time [2000] is too small compared to keeplive [1000]"},
		{"deadping 2", "Ping dead time [2000] is too small compared to keeplive [1000]"},
		{"initdead 20", "Initial dead time [20000] is smaller than deadtime [30000]"},
		{"node c 设置集群中的节点", "Invalid node name [设置集群中的节点]"},
		{"udpport 0", "invalid port [0] specified."},
		{"udpport 66000", "invalid port [66000] specified."},
		{"baud 12345", "invalid baudrate [12345] specified."},
		{"baud 9600\nbaud 9600", "baud is set twice (first on line 5)"},
		{"serial ttyS0", "Illegal serial port [ttyS0]"},
		{"bcast eth/0", "Invalid interface [eth/0]"},
		{"ucast eth0", "ucast [eth0] is not an interface and a peer"},
		{"ucast eth0 10.0.0.300", "Invalid peer [10.0.0.300]"},
		{"mcast eth0 192.168.1.1 694 1 0", "Invalid mcast group [192.168.1.1]: it is not in 224.0.0.0 to 239.255.255.255"},
		{"mcast eth0 225.0.0.1 694 256 0", "Invalid ttl [256]"},
		{"mcast eth0 225.0.0.1 694 1 2", "Invalid loop [2]"},
		{"mcast eth0 225.0.0.1 694 1", "is not interface, group, port, ttl and loop"},
		{"mcast6 eth0 225.0.0.1 694 1 0", "Invalid mcast6 group [225.0.0.1]: it is not in ff00::/8"},
		{"ping B", "Ping node [B] is a node of the cluster"},
		{"ping_group g", "ping_group [g] is not a name and its hosts"},
		{"crm maybe", "Invalid crm [maybe]"},
		{"auto_failback perhaps", "Invalid auto_failback [perhaps]"},
		{"autojoin all", "Invalid autojoin directive [all]"},
		{"crm no\nautojoin any", "R1 style resource management conflicts with  autojoin set"},
		{"rtprio 100", "Illegal realtime priority [100]"},
		{"debug 256", "Invalid debug [256]: it is not a number from 0 to 255"},
		{"logfacility local", "Log facility(local) not valid"},
		{"watchdog /dev/w\nwatchdog /dev/w", "Watchdog [/dev/w] is a second one"},
		{"respawn hacluster", "respawn [hacluster] is not a user and a program"},
		{"respawn hacluster pingd", "Client child [pingd] is not full pathname"},
		{"apiauth pingd", "Invalid apiauth directive [pingd]"},
		{"apiauth pingd uid=a uid=b", "there are two lists of uid"},
		{"apiauth pingd uid=a\napiauth pingd gid=b", "the client has a line already"},
		{"stonith baytech", "Invalid Stonith config [baytech]"},
		{"env 1", "Invalid env [1]"},
		{"msgfmt xml", "Invalid msgfmt [xml]"},
	} {
		_, _, err := Parse(strings.NewReader(base+c.line+"\n"), "ha.cf")
		if err == nil {
			t.Errorf("%q was accepted", c.line)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") != 0 {
			t.Errorf("%q:\n got %v\nwant %s", c.line, err, c.want)
		}
		at := "ha.cf:5: "
		if strings.Contains(c.line, "\n") {
			at = "ha.cf:6: "
		}
		// Cross checks point at the directive that is wrong, or at no line.
		if !strings.Contains(c.want, "15000") && !strings.HasPrefix(err.Error(), at) {
			t.Errorf("%q: not found at %s: %v", c.line, at, err)
		}
	}
}

// TestOnePass sees that all errors are reported, in the order of the lines.
func TestOnePass(t *testing.T) {
	_, _, err := Parse(strings.NewReader("foo\nkeepalive x\n\n# remark\nudpport y\nuse_logd off\n"), "f")
	if err == nil {
		t.Fatal("accepted")
	}
	var got []string
	for _, l := range strings.Split(err.Error(), "\n") {
		got = append(got, strings.SplitN(l, " ", 2)[0])
	}
	want := []string{"f:1:", "f:2:", "f:5:", "f:6:", "f:", "f:"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v in\n%v", got, want, err)
	}
}

func TestLists(t *testing.T) {
	seedrow.Shows(t, "004-039")
	c, ds := mustParse(t, "\ufeffnode A b,c\r\n\tbcast eth0 eth1 # two\r\nkeepalive 2 3\r\nlogfacility DAEMON\ncrm 1\nenv X=1,Y=2\nping r1 r2\nping_group g r3 r4\n")
	if !reflect.DeepEqual(c.Nodes, []string{"a", "b", "c"}) {
		t.Errorf("nodes %v", c.Nodes)
	}
	if len(c.Media) != 2 || c.Media[1] != (Medium{Kind: Bcast, Iface: "eth1", Port: 694, Line: 2}) {
		t.Errorf("media %+v", c.Media)
	}
	if c.Keepalive != 3*time.Second || c.CRM != CRMOn || c.Log.Facility != "daemon" {
		t.Errorf("%+v", c)
	}
	if !reflect.DeepEqual(c.Env, []EnvVar{{"X", "1"}, {"Y", "2"}}) || len(c.PingNodes) != 2 || !reflect.DeepEqual(c.PingGroups[0].Hosts, []string{"r3", "r4"}) {
		t.Errorf("%+v", c)
	}
	if len(ds) != 0 {
		t.Errorf("remarks: %v", ds)
	}
}

// TestOrder sees that udpport and baud hold for what follows them.
func TestOrder(t *testing.T) {
	seedrow.Shows(t, "000-008", "002-051", "004-012")
	c, ds := mustParse(t, "node a\nlogfile /l\ncrm on\nucast eth0 10.0.0.1\nudpport 700\nbcast eth0\nserial /dev/ttyS0\nbaud 9600\nserial /dev/ttyS1\n")
	var got []int
	for _, m := range c.Media {
		got = append(got, m.Port+m.Baud)
	}
	if !reflect.DeepEqual(got, []int{694, 700, 19200, 9600}) {
		t.Errorf("ports and speeds %v", got)
	}
	if len(ds) != 2 || ds[0].Line != 5 || !strings.Contains(ds[0].Text, "udpport must precede media: the ucast of line 4 keeps port 694") || ds[1].Line != 8 {
		t.Errorf("remarks: %v", ds)
	}
}

func TestIPv6(t *testing.T) {
	c, ds := mustParse(t, "node a\nlogfile /l\ncrm on\nucast6 eth0 fe80::1%eth0\nucast6 eth0 host6\nmcast6 eth0 ff02::694 694 1 0\nping6 2001:db8::1\n")
	if len(ds) != 0 || len(c.Media) != 3 || c.Media[0].Kind != Ucast || c.Media[0].Address != "fe80::1%eth0" || c.Media[2].Group != "ff02::694" || len(c.PingNodes) != 1 {
		t.Errorf("%v %+v", ds, c)
	}
}

// TestRelations holds the times against one another where a slip is no error.
func TestRelations(t *testing.T) {
	const base = "node a b\nlogfile /l\ncrm on\ninitdead 60\n"
	for _, c := range []struct{ lines, want string }{
		{"bcast eth0\nwarntime 10", ""},
		{"bcast eth0\nwarntime 30", "Warn time [30000] is not below deadtime [30000]"},
		{"bcast eth0\nwarntime 1000ms", "Warn time [1000] is not above keepalive [1000]"},
		{"bcast eth0\nwarntime 1000001us", "Warn time [1000] is not above keepalive [1000]"},
		{"bcast eth0\nwarntime 1.002s", ""},
		{"serial /dev/ttyS0", ""},
		{"serial /dev/ttyS0\nkeepalive 300ms", "Heartbeats each 300 ms take more than half of a serial line of 19200 baud"},
		{"baud 115200\nserial /dev/ttyS0\nkeepalive 300ms", ""},
	} {
		_, ds := mustParse(t, base+c.lines+"\n")
		var got []string
		for _, d := range ds {
			if !strings.Contains(d.String(), "Heartbeat itself knows") {
				got = append(got, d.String())
			}
		}
		if text := strings.Join(got, "\n"); c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("%q: %q, want %q", c.lines, text, c.want)
		}
	}
}

func TestSerialRing(t *testing.T) {
	const two = "node a b\nlogfile /l\ncrm on\nserial /dev/ttyS0\n"
	if _, ds := mustParse(t, two); len(ds) != 0 {
		t.Errorf("two nodes: %v", ds)
	}
	if _, ds := mustParse(t, two+"node c\n"); len(ds) != 1 || ds[0].Line != 4 {
		t.Errorf("three nodes: %v", ds)
	}
}

// TestNoEffectIsSaidOnce takes every directive that does nothing and wants one
// warning for two lines of it.
func TestNoEffectIsSaidOnce(t *testing.T) {
	for _, d := range Directives() {
		if d.Summary == "" || d.Syntax == "" {
			t.Errorf("%s has no help", d.Name)
		}
		if d.Support == Supported {
			continue
		}
		_, ds, _ := Parse(strings.NewReader(d.Name+" 1\n"+d.Name+" 1\n"), "f")
		n := 0
		for _, x := range ds {
			if x.Severity == Warning && strings.HasPrefix(x.Text, "Directive "+d.Name+" ") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d warnings, want 1: %v", d.Name, n, ds)
		}
	}
}

func TestAuth(t *testing.T) {
	c, _ := mustParse(t, base+"respawn hacluster /usr/lib/heartbeat/pingd\n")
	a, ok := c.Auth("pingd")
	if !ok || !reflect.DeepEqual(a.UIDs, []string{"root", "hacluster"}) {
		t.Errorf("pingd: %+v", a)
	}
	if _, ok := c.Auth("mine"); ok {
		t.Error("an unknown client has a rule")
	}
	c, _ = mustParse(t, base+"apiauth pingd gid=haclient uid=hacluster,joe\napiauth default gid=users\n")
	if a, _ = c.Auth("pingd"); !reflect.DeepEqual(a.UIDs, []string{"hacluster", "joe"}) || a.GIDs[0] != "haclient" {
		t.Errorf("pingd: %+v", a)
	}
	if a, ok = c.Auth("mine"); !ok || a.GIDs[0] != "users" {
		t.Errorf("default: %+v", a)
	}
	if a, _ = c.Auth("ccm"); a.UIDs[0] != "hacluster" {
		t.Errorf("default covers a built-in: %+v", a)
	}
}

func TestBuiltin(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/lib/heartbeat/pingd": "pingd", "/usr/lib64/heartbeat/ipfail": "ipfail", "/usr/local/lib64/heartbeat/ccm": "ccm",
		"/opt/mine/pingd": "", "/usr/lib/heartbeat/mine": "", "/usr/lib/heartbeat/../x/pingd": "",
	} {
		if got := Builtin(path); got != want {
			t.Errorf("Builtin(%s) = %q, want %q", path, got, want)
		}
	}
}

func TestDigest(t *testing.T) {
	a, _ := mustParse(t, base+"deadtime 10\nping r1\n")
	same, _ := mustParse(t, "# other order\ncrm on\nlogfile /x\nping r1\ndeadtime 10000ms\nnode B\nnode A\nucast eth7 10.0.0.9\n")
	if a.Digest() != same.Digest() {
		t.Errorf("digests of the same meaning differ in %v", DigestDiff(a.Digest(), same.Digest()))
	}
	other, _ := mustParse(t, base+"deadtime 11\nping r2\n")
	if got := DigestDiff(a.Digest(), other.Digest()); !reflect.DeepEqual(got, []string{"deadtime", "initdead", "deadping", "ping"}) {
		t.Errorf("differences: %v", got)
	}
	if got := DigestDiff(a.Digest(), "2:ab"); !reflect.DeepEqual(got, []string{"ha.cf"}) {
		t.Errorf("other form: %v", got)
	}
	if len(a.Digest()) > 100 {
		t.Errorf("digest of %d bytes", len(a.Digest()))
	}
}

func TestParam(t *testing.T) {
	c, _ := mustParse(t, base+"keepalive 200ms\n")
	if v, ok := c.Param("keepalive"); v != "200ms" || !ok {
		t.Errorf("keepalive = %q, %v", v, ok)
	}
	if v, ok := c.Param("deadtime"); ok {
		t.Errorf("deadtime = %q though it is not set", v)
	}
}

// FuzzParse looks for panics, and for configurations that break what the
// comments of Config promise.
func FuzzParse(f *testing.F) {
	f.Add([]byte(base))
	f.Add([]byte("mcast eth0 225.0.0.1 694 1 0\nrespawn x /usr/lib/heartbeat/pingd -m 100\napiauth a uid=b\nudp eth0\nstonith_host * ssh a"))
	f.Add([]byte("keepalive .5ms\nbaud 9600\nserial /dev/a,/dev/b\nnode \xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, ds, err := Parse(strings.NewReader(string(text)), "f")
		for _, d := range ds {
			if strings.Contains(d.Text, "\n") || d.Text == "" {
				t.Errorf("remark of many lines: %q", d.Text)
			}
		}
		if err != nil {
			return
		}
		if c.Deadtime <= 2*c.Keepalive || c.Initdead < c.Deadtime || len(c.Media) == 0 || c.Keepalive <= 0 || c.Warntime < 0 {
			t.Errorf("accepted: %+v", c)
		}
		if d := c.Digest(); DigestDiff(d, c.Digest()) != nil {
			t.Error("the digest is not a function of the meaning")
		}
	})
}

// Who votes: arbiters and weights.
func TestVoters(t *testing.T) {
	base := "node a b\nucast eth0 10.0.0.2\nlogfacility local0\nuse_logd no\ncrm yes\n"
	c, _, err := Parse(strings.NewReader(base+"arbiter Arb\nweight a 200\nweight ARB 50\nautojoin other\n"), "ha.cf")
	if err != nil {
		t.Fatal(err)
	}
	if !c.HasArbiter("ARB") || c.HasArbiter("a") || c.HasNode("arb") || c.Weights["a"] != 200 || c.Weights["arb"] != 50 || c.Autojoin != "other" {
		t.Errorf("%+v", c)
	}
	if c.CheckSelf("arb") != nil || c.CheckSelf("nobody") == nil {
		t.Error("an arbiter belongs to the configuration, others do not")
	}
	plain, _, err := Parse(strings.NewReader(base), "ha.cf")
	if err != nil {
		t.Fatal(err)
	}
	if d := DigestDiff(c.Digest(), plain.Digest()); !slices.Equal(d, []string{"arbiter", "weight", "autojoin"}) {
		t.Errorf("the files differ in %v", d)
	}
	for line, want := range map[string]string{
		"arbiter B":              "arbiter b is a node of the cluster",
		"arbiter a/b":            "Invalid arbiter name [a/b]",
		"weight a":               "weight [a] is not a node and its number of votes",
		"weight a -1":            "Invalid weight [-1] of a: it is not a number from 0 to 10000",
		"weight a 10001":         "Invalid weight [10001] of a",
		"weight x 5":             "weight of x, which is no node and no arbiter",
		"weight a 5\nweight a 6": "a has two weights, 5 and 6",
		"weight a 0\nweight b 0": "no node has a vote",
		"node c\narbiter d":      "an arbiter beside 3 nodes makes the number of voters even",
		"arbiter d\narbiter d":   "arbiter d is listed twice",
	} {
		_, ds, _ := Parse(strings.NewReader(base+line+"\n"), "ha.cf")
		if !slices.ContainsFunc(ds, func(d Diagnostic) bool { return strings.Contains(d.String(), want) }) {
			t.Errorf("%q: %q is not among %v", line, want, ds)
		}
	}
}
