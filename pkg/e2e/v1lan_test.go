package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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
	seedrow.Shows(t, "000-001", "000-005", "000-009", "000-011", "000-012", "000-016", "000-017", "000-018", "000-022", "000-024", "000-026", "000-027", "000-028", "000-030", "000-031", "002-003", "002-009", "002-017", "002-025", "002-027", "002-056", "002-066", "002-070", "004-013", "004-025", "004-026", "004-029", "004-031", "004-033", "004-036", "004-038", "004-042", "000-019", "000-020", "002-016", "002-068", "004-027", "002-034", "000-003", "000-023", "002-012")
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
		// What the executor did is kept as history.
		p.says(slave6, []string{"crm_mon", "-1", "-o"}, "slapd_192_168_10_51: migration-threshold=", "start")
		if out := p.ok(slave5, "cibadmin", "-Q", "--xpath", "//node_state[@uname='slave6']//lrm_resource[@id='slapd_192_168_10_51']"); !strings.Contains(out, `operation="start"`) || !strings.Contains(out, `rc-code="0"`) {
			t.Errorf("no start in the history:\n%s", out)
		}
	})
	p.sub("a beat leaves on each link every keepalive", func(t *testing.T, p *v1Pair) {
		p.ok(slave5, "sh", "-c", "nft add table ip tap && nft 'add chain ip tap in { type filter hook input priority 0; }' && nft add rule ip tap in iif eth1 udp dport 694 counter")
		counts := func() (beats, frames, serial int) {
			rule := p.ok(slave5, "nft", "list", "table", "ip", "tap")
			_, rest, _ := strings.Cut(rule, "counter packets ")
			fmt.Sscanf(rest, "%d", &frames)
			for line := range strings.Lines(p.ok(slave5, "quorate", "links")) {
				if f := strings.Fields(line); len(f) > 4 && f[0] == slave6 && f[1] == "/dev/ttyS0" {
					serial, _ = strconv.Atoi(f[4])
				}
			}
			_, rest, _ = strings.Cut(p.ok(slave6, "quorate", "links"), "Own heartbeats: ")
			fmt.Sscanf(rest[strings.Index(rest, ",")+1:], "%d sent", &beats)
			return beats, frames, serial
		}
		begin := time.Now()
		b0, f0, s0 := counts()
		p.beats(slave6, 20)
		b1, f1, s1 := counts()
		took := time.Since(begin)
		t.Logf("%d beats, %d frames on eth1 and %d on the serial cable in %v", b1-b0, f1-f0, s1-s0, took)
		// The node goes on between two looks.
		if f1-f0 < b1-b0-2 || s1-s0 < b1-b0-5 {
			t.Errorf("%d beats, but %d frames on eth1 and %d on the serial cable", b1-b0, f1-f0, s1-s0)
		}
		if n := int(took / (200 * time.Millisecond)); b1-b0 > n+2 || b1-b0 < n/2 {
			t.Errorf("%d beats in %v, with keepalive 200ms", b1-b0, took)
		}
		p.ok(slave5, "nft", "delete", "table", "ip", "tap")
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
		// A restart in place does not forget it.
		stood := []string{"cibadmin", "-Q", "--xpath", "//node_state[@uname='slave6']//nvpair[@name='standby-group_192_168_10_51']"}
		p.says(slave5, stood, `value="1"`)
		p.ok(slave6, "quorate", "restart")
		p.formed(slave5, slave6)
		p.says(slave5, stood, `value="1"`)
		p.holds(slave6, "none")
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
		load := p.load("192.168.10.51", "192.168.10.101", "192.168.10.102")
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
		load.showsTakeover("192.168.10.51", "192.168.10.101", "192.168.10.102")
	})
}

// load is the article's continuous load, 10,000 queries an hour, on addresses that
// are watched.
type load struct {
	p     *v1Pair
	began time.Time
}

const loadFile = "/var/log/load"

// load asks each of the addresses for its page, or for an echo where it is not
// the first, and notes what came.
func (p *v1Pair) load(vip string, fixed ...string) *load {
	p.t.Helper()
	p.write("client", "/var/lib/load", `#!/bin/sh
# usage: load VIP ADDRESS...: one query every 0.36 s, which are 10,000 an hour.
vip=$1; shift
until [ -e /var/lib/load.end ]; do
	line="$(date +%s.%N) $vip=$(pages http://$vip/ 2>/dev/null | tr -d '\n' | tr ' ' _)"
	for a in "$@"; do
		if ping -c 1 -W 1 $a >/dev/null 2>&1; then line="$line $a=up"; else line="$line $a=down"; fi
	done
	echo "$line" >> `+loadFile+`
	sleep 0.36
done
`, 0o755)
	if _, err := p.nodes["client"].Start(append([]string{"/var/lib/load", vip}, fixed...)...); err != nil {
		p.t.Fatal(err)
	}
	l := &load{p: p, began: time.Now()}
	l.wait(vip+"=page_of_"+slave6, fixed[0]+"=up", fixed[1]+"=up")
	return l
}

// wait waits for a line of the load that holds all texts.
func (l *load) wait(texts ...string) {
	l.p.t.Helper()
	l.p.until(fmt.Sprintf("%q in the load", texts), func() (bool, string) {
		out := l.p.sh("client", "cat "+loadFile).out
		return len(matching(out, texts...)) > 0, out
	})
}

// showsTakeover ends the load: the address answered from the one and then from the
// other, whose own address never failed, while that of the first went.
func (l *load) showsTakeover(vip, survivor, lost string) {
	l.p.t.Helper()
	l.wait(vip+"=page_of_"+slave5, lost+"=down", survivor+"=up")
	l.p.ok("client", "touch", "/var/lib/load.end")
	out := l.p.ok("client", "cat", loadFile)
	if bad := matching(out, survivor+"=down"); len(bad) > 0 {
		l.p.t.Errorf("%s did not answer:\n%s", survivor, out)
	}
	last := ""
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch _, page, _ := strings.Cut(f[1], "="); {
		case page == "", page == last, last == "" && page == "page_of_"+slave6, last == "page_of_"+slave6 && page == "page_of_"+slave5:
			if page != "" {
				last = page
			}
		default:
			l.p.t.Errorf("%s after %s:\n%s", page, last, out)
		}
	}
	l.p.t.Logf("what a client saw:\n%s", out)
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
