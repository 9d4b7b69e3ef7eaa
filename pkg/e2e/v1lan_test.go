package e2e

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// Names and addresses of seed 000, with a second line for the other node.
const (
	slave5, slave6 = "slave5", "slave6"
	lanHaCf        = `# Timeout intervals
keepalive 200ms
deadtime 1
initdead 3
warntime 500ms
udpport 694
udp eth1
serial /dev/ttyS0
auto_failback off
ping 192.168.10.9
respawn hacluster /usr/lib/heartbeat/ipfail
node slave5
node slave6
`
	lanHaresources = "slave6 192.168.10.51 slapd mark::left::right\nslave5 IPaddr::192.168.10.52/24/eth0 \\\n  mark::five\n"
)

// markScript knows start and stop only, as the smallest script of an
// administrator does.
const markScript = `#!/bin/sh
echo "$HA_CURHOST $*" >> /var/log/mark.calls
exit 0
`

var (
	first51  = netip.MustParseAddr("192.168.10.51")
	second52 = netip.MustParseAddr("192.168.10.52")
)

// roleOf is how the article's script finds out whether it is to replicate: it asks
// for the state of the other node.
const roleOf = `	[ "$HA_CURHOST" = slave6 ] && other=slave5 || other=slave6
	case $(cl_status nodestatus $other) in
	active) echo "$HA_CURHOST: master, replica on $other" ;;
	*) echo "$HA_CURHOST: master alone" ;;
	esac >> /var/log/role
`

func newLANPair(t *testing.T, hacf string) *v1Pair {
	wrong := strings.ReplaceAll(scriptNamed("slapd"), "/var/log/slapd", "/var/log/wrong")
	p := newV1Pair(t, [2]string{slave5, slave6}, "192.168.10", hacf, lanHaresources, map[string]string{"/etc/init.d/slapd": wrong})
	for _, name := range p.members() {
		p.write(name, "/etc/ha.d/resource.d/slapd", strings.Replace(scriptNamed("slapd"), "\techo \"Starting slapd\"\n", roleOf, 1), 0o755)
		p.write(name, "/etc/ha.d/resource.d/mark", markScript, 0o755)
		for _, h := range []string{"status", "ifstat", "shutdone"} {
			p.write(name, "/etc/ha.d/rc.d/"+h, "#!/bin/sh\nexit 0\n", 0o755)
		}
	}
	return p
}

// holds waits until a node holds what cl_status calls so.
func (p *v1Pair) holds(name, word string) {
	p.t.Helper()
	p.becomes(name, 0, word+"\n", "cl_status", "rscstatus")
}

// calls returns what a script was called with, in order.
func (p *v1Pair) calls(name, script string) []string {
	p.t.Helper()
	return strings.Split(strings.TrimSpace(p.ok(name, "cat", "/var/log/"+script+".calls")), "\n")
}

// TestSeed000 is the article on a pair with a serial cable and a crossed Ethernet
// cable: who runs what, orders, environment, hand-over by command, stop and kill.
func TestSeed000(t *testing.T) {
	seedrow.Shows(t, "000-001", "000-005", "000-009", "000-011", "000-012", "000-016", "000-017", "000-018", "000-022", "000-024", "000-026", "000-027", "000-028", "000-030", "000-031", "002-003", "002-009", "002-017", "002-025", "002-027", "002-056", "002-066", "002-070", "004-013", "004-025", "004-026", "004-029", "004-031", "004-033", "004-036", "004-038", "004-042", "000-019", "000-020", "002-016", "002-068", "004-027", "002-034")
	t.Parallel()
	p := newLANPair(t, lanHaCf)
	p.start(slave6)
	p.sub("alone", func(t *testing.T, p *v1Pair) {
		p.logged(slave6, "Nothing is heard of slave5 yet", "initdead (3s in ha.cf)")
		p.logged(slave6, "WARN", "udp")
		p.owned(first51, slave6)
		p.owned(second52, slave6)
		p.inOrder(slave6, "Taking over resource group", "mach_down takeover complete for node slave5.", "Initial resource acquisition complete (initdead)")
		p.holds(slave6, "all")
		if got := p.ok(slave6, "cat", "/var/log/role"); got != "slave6: master alone\n" {
			t.Errorf("roles: %q", got)
		}
	})
	p.sub("the other joins and stays idle", func(t *testing.T, p *v1Pair) {
		p.start(slave5)
		p.formed(slave5, slave6)
		p.logged(slave6, "remote resource transition completed.")
		p.holds(slave5, "none")
		p.says(slave5, []string{"cl_status", "nodestatus", slave6}, "active")
	})
	p.sub("order and environment", func(t *testing.T, p *v1Pair) {
		p.inOrder(slave6, "Running /etc/ha.d/resource.d/IPaddr 192.168.10.51 start", "ifconfig eth0:0 192.168.10.51 netmask 255.255.255.0 broadcast 192.168.10.255",
			"Sending Gratuitous Arp for 192.168.10.51 on eth0:0 [eth0]", "Running /etc/ha.d/resource.d/slapd start", "Running /etc/ha.d/resource.d/mark left right start")
		if got := p.calls(slave6, "mark"); !slices.Contains(got, "slave6 left right start") || !slices.Contains(got, "slave6 five start") {
			t.Errorf("calls of mark: %q", got)
		}
		env := p.ok(slave6, "cat", "/var/log/slapd.env")
		for _, want := range []string{"HA_CURHOST=slave6\n", "HA_DIR=/etc/ha.d\n", "HA_FUNCS=/etc/ha.d/shellfuncs\n", "HA_RSCTMP=", "HA_RESOURCEDIR=/etc/ha.d/resource.d\n", "HA_LOGFILE=", "HA_CF=/etc/ha.d/ha.cf\n"} {
			if !strings.Contains(env, want) {
				t.Errorf("the environment of slapd lacks %q:\n%s", want, env)
			}
		}
		if r := p.run(slave6, "cat", "/var/log/wrong.calls"); r.code == 0 {
			t.Errorf("the script of init.d was called although resource.d has one: %v", r)
		}
		p.page("http://192.168.10.51/", slave6)
	})
	p.sub("hb_takeover of the local line", func(t *testing.T, p *v1Pair) {
		p.ok(slave5, "hb_takeover", "local")
		p.owned(second52, slave5)
		p.owned(first51, slave6)
		p.holds(slave5, "local")
		p.holds(slave6, "local")
		p.inOrder(slave6, "slave6 wants to go standby [foreign]", "standby: slave5 can take our foreign resources", "Running /etc/ha.d/resource.d/mark five stop",
			"Running /etc/ha.d/resource.d/IPaddr 192.168.10.52/24/eth0 stop", "foreign HA resource release completed (standby).", "Local standby process completed [foreign].",
			"Other node completed standby takeover of foreign resources.")
		p.logged(slave5, "acquire local HA resources (standby).")
	})
	p.sub("hb_standby", func(t *testing.T, p *v1Pair) {
		r := p.run(slave6, "hb_standby")
		if r.code != 0 || !strings.HasSuffix(r.err, " Going standby [all].\n") || len(r.err) != len("2008/07/19_20:01:21 Going standby [all].\n") {
			t.Errorf("%v", r)
		}
		p.owned(first51, slave5)
		p.holds(slave5, "all")
		p.inOrder(slave6, "Running /etc/ha.d/resource.d/mark left right stop", "Running /etc/ha.d/resource.d/slapd stop", "Running /etc/ha.d/resource.d/IPaddr 192.168.10.51 stop")
		if got := p.ok(slave5, "cat", "/var/log/role"); got != "slave5: master, replica on slave6\n" {
			t.Errorf("roles: %q", got)
		}
		if env := p.ok(slave5, "cat", "/var/log/slapd.env"); !strings.Contains(env, "HA_CURHOST=slave5\n") {
			t.Errorf("slapd on slave5:\n%s", env)
		}
		if r := p.run(slave6, "hb_standby", "nothing"); r.code != 1 {
			t.Errorf("%v", r)
		}
	})
	p.sub("auto_failback off: one that stops and returns stays idle", func(t *testing.T, p *v1Pair) {
		p.ok(slave6, "hb_takeover", "local")
		p.owned(first51, slave6)
		p.stop(slave6)
		p.owned(first51, slave5)
		p.inOrder(slave6, "Heartbeat shutdown in progress.", "Giving up all HA resources.", "Releasing resource group: slave6 192.168.10.51 slapd mark::left::right", "All HA resources relinquished.", "Heartbeat shutdown complete.")
		p.inOrder(slave5, "Received shutdown notice from 'slave6'.", "Running /etc/ha.d/rc.d/shutdone shutdone")
		p.holds(slave5, "all")
		p.start(slave6)
		p.formed(slave5, slave6)
		p.holds(slave6, "none")
		p.owned(first51, slave5)
	})
	p.sub("a service that dies is not missed", func(t *testing.T, p *v1Pair) {
		before := p.calls(slave5, "slapd")
		p.sh(slave5, "kill $(cat /run/slapd.pid)")
		p.beats(slave5, 12)
		p.owned(first51, slave5)
		if after := p.calls(slave5, "slapd"); len(after) != len(before) {
			t.Errorf("slapd was called: %q", after[len(before):])
		}
		p.ok(slave5, "/etc/ha.d/resource.d/slapd", "start")
	})
	p.sub("haresources cannot be edited as a CIB", func(t *testing.T, p *v1Pair) {
		r := p.run(slave5, "crm_attribute", "-n", "no-quorum-policy", "-v", "ignore")
		if r.code == 0 || !strings.Contains(r.err, "haresources") {
			t.Errorf("%v", r)
		}
	})
	p.sub("ipfail", func(t *testing.T, p *v1Pair) {
		p.sh(slave5, "nft add table ip cut && nft 'add chain ip cut in { type filter hook input priority 0; }' && nft add rule ip cut in icmp type echo-reply drop")
		p.owned(first51, slave6)
		p.holds(slave5, "none")
		p.inOrder(slave5, "Status update: Node 192.168.10.9 now has status dead", "NS: We are dead. :<", "Giving up because we have less visible ping nodes.", "Delayed giveup in", "giveup() called (timeout worked)", "slave5 wants to go standby [all]")
		p.sh(slave5, "nft delete table ip cut")
		p.logged(slave5, "Ping node count is balanced.")
	})
	p.sub("the daemon alone is killed", func(t *testing.T, p *v1Pair) {
		s := p.lab.NewSampler(first51, pollEvery/20)
		p.kill(slave6)
		p.owned(first51, slave5)
		s.Stop()
		neverTwice(t, s)
		// The guard called the scripts, with their environment.
		// Lines are independent: which of them is stopped last does not matter.
		if calls := p.calls(slave6, "mark"); !slices.Contains(calls[max(0, len(calls)-2):], "slave6 left right stop") {
			t.Errorf("calls of mark: %q", calls)
		}
		p.start(slave6)
		p.formed(slave5, slave6)
		p.ok(slave6, "hb_takeover", "local")
		p.owned(first51, slave6)
	})
	p.sub("the owner dies", func(t *testing.T, p *v1Pair) {
		if err := p.nodes[slave6].Crash(); err != nil {
			t.Fatal(err)
		}
		delete(p.daemons, slave6)
		p.owned(first51, slave5)
		p.logged(slave5, "Link slave6:/dev/ttyS0 dead.")
		p.logged(slave5, "Link slave6:eth1 dead.")
		p.logged(slave5, "Running /etc/ha.d/rc.d/ifstat ifstat")
		p.logged(slave5, "Taking over resource group 192.168.10.51")
		p.page("http://192.168.10.51/", slave5)
	})
}

// TestManualTakeover: what a lost node ran waits for the operator.
func TestManualTakeover(t *testing.T) {
	seedrow.Shows(t, "000-015", "002-038")
	t.Parallel()
	p := newLANPair(t, strings.Replace(lanHaCf, "serial /dev/ttyS0\n", "takeover manual\n", 1))
	p.write(slave5, "/etc/ha.d/haresources", lanHaresources+"# the same but for this\n", 0o644)
	p.ok(slave6, "/etc/ha.d/resource.d/slapd", "start")
	p.start()
	p.owned(first51, slave6)
	p.logged(slave6, "CRIT: Resource slapd is active, and should not be!")
	p.owned(second52, slave5)
	if err := p.nodes[slave6].Crash(); err != nil {
		t.Fatal(err)
	}
	delete(p.daemons, slave6)
	p.logged(slave5, "CRIT: ALARM: node slave6 is gone and takeover is manual: resource group 192.168.10.51 runs nowhere.", "hb_takeover")
	p.beats(slave5, 10)
	if got := p.lab.Sample(first51); len(got) > 0 {
		t.Errorf("%v holds the address before hb_takeover", got)
	}
	p.says(slave5, []string{"crm_mon", "-1"}, "takeover is manual")
	p.ok(slave5, "hb_takeover")
	p.owned(first51, slave5)
	if bad := matching(p.log(slave5), "differs from the one here"); len(bad) > 0 {
		t.Errorf("a remark is no difference: %q", bad)
	}
}

// TestHaresourcesDiffer: the nodes say that the file is not the same, and that
// something ran before it was started.
func TestHaresourcesDiffer(t *testing.T) {
	seedrow.Shows(t, "000-008", "002-032", "002-065", "004-006")
	t.Parallel()
	p := newLANPair(t, strings.Replace(lanHaCf, "serial /dev/ttyS0\n", "", 1))
	p.write(slave5, "/etc/ha.d/haresources", "slave5 192.168.10.53\n", 0o644)
	p.start()
	for _, name := range p.members() {
		p.logged(name, "WARN: haresources of ", "differs from the one here: it must be the same on all nodes")
	}
	p.says(slave6, []string{"crm_mon", "-1"}, "haresources of slave5 differs")
	// A firewall that drops the beats makes the other one dead.
	p.ok(slave6, "sh", "-c", "nft add table ip cut && nft 'add chain ip cut in { type filter hook input priority 0; }' && nft add rule ip cut in udp dport 694 drop")
	p.logged(slave6, "WARN: node slave5: is dead")
}
