package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

const guarded = `<primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr"><instance_attributes id="vip-p">
<nvpair id="vip-ip" name="ip" value="192.168.71.205"/><nvpair id="vip-nm" name="cidr_netmask" value="24"/><nvpair id="vip-nic" name="nic" value="eth0"/>
</instance_attributes><operations><op id="vip-mon" name="monitor" interval="5s" timeout="5s"/></operations></primitive>`

const noFencing = `<cluster_property_set id="cib-bootstrap-options"><nvpair id="no-fencing" name="stonith-enabled" value="false"/></cluster_property_set>`

// The daemon alone is killed, or stopped, while its address is active: the
// guard lets go in time, another node takes over, and at no moment do two nodes
// hold the address.
func TestGuard(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	c.ok("litsha22", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", noFencing)
	c.ok("litsha22", "cibadmin", "-C", "-o", "resources", "-X", guarded)
	owner := c.ownedByOther(floating, "")
	s := c.lab.NewSampler(floating, time.Millisecond)
	defer s.Stop()
	begun := time.Now()
	for _, how := range []struct {
		name   string
		signal syscall.Signal
	}{{"killed", syscall.SIGKILL}, {"stopped", syscall.SIGSTOP}} {
		c.signal(owner, how.signal)
		next := c.ownedByOther(floating, owner)
		if code := c.ended(owner); code == 0 {
			t.Errorf("the daemon that was %s ends with 0", how.name)
		}
		c.start(owner)
		c.formed(directors...)
		owner = next
	}
	c.owned(floating, owner)
	if d := s.Double(begun, time.Now()); d > 0 {
		t.Errorf("two nodes held the address for %v; owners in turn: %v", d, s.History())
	}
}

// pids returns daemon and guard of a node as kill takes them.
func (c *cluster) pids(name string) string {
	c.t.Helper()
	guard := strings.TrimSpace(c.sh(name, "cat /var/run/heartbeat/guard.lock").out)
	if guard == "" {
		c.t.Fatalf("no guard on %s", name)
	}
	return fmt.Sprintf("%d %s", c.daemons[name].PID, guard)
}

// timed is hacf with other timers.
func timed(keepalive, deadtime, initdead string) string {
	return strings.NewReplacer("keepalive 200ms", "keepalive "+keepalive, "deadtime 1\n", "deadtime "+deadtime+"\n",
		"warntime 500ms\n", "", "initdead 2", "initdead "+initdead).Replace(hacf)
}

// scripted is another address, whose agent is the script of the distribution.
const scripted = `<primitive id="vip2" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="vip2-p">
<nvpair id="vip2-ip" name="ip" value="192.168.71.206"/><nvpair id="vip2-nm" name="cidr_netmask" value="24"/><nvpair id="vip2-nic" name="nic" value="eth0"/>
</instance_attributes><operations><op id="vip2-mon" name="monitor" interval="5s" timeout="20s"/></operations></primitive>`

var second = netip.MustParseAddr("192.168.71.206")

// Daemon and guard are both killed, or both stopped, at one moment, and nothing
// is left that could let go but the kernel: it takes the addresses away when
// their lifetimes end. With deadtime 10 s that is before another node takes
// over; with 1 s it may be later, which the test measures and bounds.
func TestDaemonAndGuardGone(t *testing.T) {
	for _, c := range []struct {
		name, keepalive, deadtime, initdead, signal string
		limit                                       time.Duration
	}{
		{"1 s, both killed", "200ms", "1", "2", "KILL", 400 * time.Millisecond},
		{"1 s, both stopped", "200ms", "1", "2", "STOP", 400 * time.Millisecond},
		{"10 s, both killed", "3", "10", "10", "KILL", 0},
		{"10 s, both stopped", "3", "10", "10", "STOP", 0},
	} {
		if c.limit == 0 && os.Getenv("QUORATE_SCALE") == "" && c.signal == "KILL" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newCluster(t)
			for _, n := range directors {
				l.write(n, "/etc/ha.d/ha.cf", timed(c.keepalive, c.deadtime, c.initdead), 0o600)
			}
			l.form()
			l.ok("litsha22", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", noFencing)
			l.ok("litsha22", "cibadmin", "-C", "-o", "resources", "-X", `<group id="vips">`+guarded+scripted+`</group>`)
			owner := l.ownedByOther(second, "")
			l.owned(floating, owner)
			for _, ip := range []netip.Addr{floating, second} {
				l.until(ip.String()+" has a lifetime", func() (bool, string) {
					r := l.sh(owner, "ip -o addr show dev eth0 to "+ip.String())
					return strings.Contains(r.out, "sec") && !strings.Contains(r.out, "forever"), r.out
				})
			}
			first, other := l.lab.NewSampler(floating, time.Millisecond), l.lab.NewSampler(second, time.Millisecond)
			defer first.Stop()
			defer other.Stop()
			begun := time.Now()
			l.sh(owner, "kill -"+c.signal+" "+l.pids(owner))
			delete(l.daemons, owner) // it answers nobody
			l.owned(second, l.ownedByOther(floating, owner))
			for ip, s := range map[netip.Addr]*lab.Sampler{floating: first, second: other} {
				double := s.Double(begun, time.Now())
				t.Logf("deadtime %s s: %s on two nodes for %v", c.deadtime, ip, double)
				if double > c.limit {
					t.Errorf("two nodes held %s for %v, at most %v is the limit: %v", ip, double, c.limit, s.History())
				}
			}
		})
	}
}

// A reload restarts the daemon in place: the address does not leave its node, on
// the DC or elsewhere. Bad files are refused and change nothing. A restart that
// cannot be confirmed within the lease costs the resources.
func TestReloadKeepsResources(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	c.ok("litsha22", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", noFencing)
	c.ok("litsha22", "cibadmin", "-C", "-o", "resources", "-X", guarded)
	owner := c.ownedByOther(floating, "")
	s := c.lab.NewSampler(floating, time.Millisecond)
	defer s.Stop()
	dc := c.dc(directors...)
	for _, name := range []string{owner, dc, c.other(owner, dc)} {
		if out := c.ok(name, "quorate", "restart"); !strings.Contains(out, "restarted in place") {
			t.Errorf("restart on %s says %q", name, out)
		}
		c.formed(directors...)
		c.until("monitor by the new daemon", func() (bool, string) {
			r := c.run(owner, "crm_mon", "-1")
			return strings.Contains(r.out, "Started "+owner), r.String()
		})
	}
	c.write(owner, "/etc/ha.d/ha.cf", hacf+"deadtime never\n", 0o600)
	if r := c.run(owner, "quorate", "restart"); r.code == 0 || !strings.Contains(r.err, "NOT restarted") {
		t.Errorf("a bad file: %v", r)
	}
	if h := s.History(); len(h) > 1 {
		t.Errorf("the address moved in a restart: %v\n%s", h, c.log(owner))
	}
	// So does a reload with another file, and it says so.
	c.write(owner, "/etc/ha.d/ha.cf", hacf+"deadping 2\n", 0o600)
	if out := c.ok(owner, "quorate", "reload"); !strings.Contains(out, "restarts in place") {
		t.Errorf("reload says %q", out)
	}
	c.logged(owner, "Heartbeat restarted: what runs here stays")
	c.until("the new value", func() (bool, string) {
		r := c.run(owner, "cl_status", "hbparameter", "-p", "deadping")
		return strings.HasPrefix(r.out, "2"), r.String()
	})
	c.formed(directors...)
	if h := s.History(); len(h) > 1 {
		t.Errorf("the address moved in a reload: %v\n%s", h, c.log(owner))
	}
	if err := c.nodes[owner].Cut("eth1"); err != nil {
		t.Fatal(err)
	}
	// The links are cut as the daemon restarts: nobody confirms the new one.
	c.write(owner, "/etc/ha.d/ha.cf", hacf, 0o600)
	c.signal(owner, syscall.SIGHUP)
	c.owned(floating, c.ownedByOther(floating, owner))
	neverTwice(t, s)
}

// A node that wakes from a freeze looks at its lease before it touches anything:
// from the first moment on nothing is there twice.
func TestWakesFromAFreeze(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	c.ok("litsha22", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", noFencing)
	c.ok("litsha22", "cibadmin", "-C", "-o", "resources", "-X", guarded)
	owner := c.ownedByOther(floating, "")
	pids, daemon := c.pids(owner), c.daemons[owner]
	c.sh(owner, "kill -STOP "+pids)
	delete(c.daemons, owner)
	next := c.ownedByOther(floating, owner)
	c.owned(floating, next)
	s := c.lab.NewSampler(floating, time.Millisecond)
	defer s.Stop()
	c.sh(owner, "kill -CONT "+pids)
	c.daemons[owner] = daemon
	c.formed(directors...)
	c.owned(floating, next)
	neverTwice(t, s)
	// Freezes about as long as a lifetime, a lease and a takeover: whoever takes
	// the address away, in the end it is where the cluster says it is.
	for _, pause := range []string{"0.7", "0.9", "1.1", "1.3"} {
		owner := c.ownedByOther(floating, "")
		pids := c.pids(owner)
		c.sh(owner, "kill -STOP "+pids+"; sleep "+pause+"; kill -CONT "+pids)
		c.formed(directors...)
		c.until("the address where crm_mon has it", func() (bool, string) {
			r := c.run(owner, "crm_mon", "-1")
			on := c.lab.Sample(floating)
			return len(on) == 1 && strings.Contains(r.out, "Started "+on[0]), fmt.Sprint(on, r)
		})
	}
}

// The guard alone is stopped, then killed: the daemon replaces it, tells so, and
// the address stays where it is.
func TestGuardStoppedAlone(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	c.ok("litsha22", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", noFencing)
	c.ok("litsha22", "cibadmin", "-C", "-o", "resources", "-X", guarded)
	owner := c.ownedByOther(floating, "")
	s := c.lab.NewSampler(floating, time.Millisecond)
	defer s.Stop()
	for _, signal := range []string{"STOP", "KILL"} {
		first := strings.Fields(c.pids(owner))[1]
		c.sh(owner, "kill -"+signal+" "+first)
		c.until("another guard after "+signal, func() (bool, string) {
			r := c.sh(owner, "cat /var/run/heartbeat/guard.lock")
			return strings.TrimSpace(r.out) != "" && strings.TrimSpace(r.out) != first, r.String()
		})
	}
	c.logged(owner, "has not looked for")
	if h := s.History(); len(h) > 1 {
		t.Errorf("the address moved: %v", h)
	}
	// The new guard is as good as the first.
	c.sh(owner, "kill -KILL "+strings.Fields(c.pids(owner))[0])
	c.ended(owner)
	c.owned(floating, c.ownedByOther(floating, owner))
	neverTwice(t, s)
}

// stuck is an agent whose stop never ends.
const stuck = `#!/bin/sh
case "$1" in
start) touch /run/stuck;;
stop) test -e /run/stuck || exit 0; while :; do sleep 1; done;;
status) test -e /run/stuck && echo running || echo stopped;;
esac
`

// filesystem is an agent that gives up where the filesystem is in use.
const filesystem = `#!/bin/sh
case "$4" in
start) mount -t $3 $1 $2;;
stop) mountpoint -q $2 || exit 0; umount $2;;
status) mountpoint -q $2 && echo running || echo stopped;;
esac
`

// A node that is cut off and cannot stop a resource unmounts what is mounted,
// kills who uses it, and is reset because of the rest; a file that the test
// watches is reset in place of the machine. Its stand-in of a watchdog is not
// petted any more.
func TestCutOffAndStuck(t *testing.T) {
	t.Parallel()
	t.Log("this kernel has no watchdog: a regular file stands in for the device")
	c := newCluster(t)
	for _, n := range directors {
		c.write(n, "/etc/ha.d/ha.cf", timed("200ms", "3", "3")+"watchdog /var/lib/watchdog\n", 0o600)
		c.write(n, "/var/lib/watchdog", "", 0o600)
		c.write(n, "/etc/ha.d/resource.d/stuck", stuck, 0o755)
		c.write(n, "/etc/ha.d/resource.d/Filesystem", filesystem, 0o755)
		c.write(n, "/var/lib/quorate", `#!/bin/sh
mkdir -p /srv/data
export QUORATE_TEST_WATCHDOG=1 QUORATE_TEST_RESET=/var/lib/reset
exec /lab/bin/quorate run
`, 0o755)
		p, err := c.nodes[n].Start("/var/lib/quorate")
		if err != nil {
			t.Fatal(err)
		}
		c.daemons[n] = p
	}
	c.formed(directors...)
	c.ok("litsha22", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", noFencing)
	c.ok("litsha22", "cibadmin", "-C", "-o", "resources", "-X", `<group id="g">`+guarded+`
<primitive id="data" class="heartbeat" type="Filesystem"><instance_attributes id="data-p">
<nvpair id="data-dev" name="1" value="tmpfs"/><nvpair id="data-dir" name="2" value="/srv/data"/><nvpair id="data-type" name="3" value="tmpfs"/>
</instance_attributes></primitive>
<primitive id="stuck" class="heartbeat" type="stuck"/></group>`)
	c.says("litsha22", []string{"crm_mon", "-1"}, "stuck\t(heartbeat:stuck):\t Started")
	owner := c.ownedByOther(floating, "")
	if r := c.sh(owner, "mountpoint /srv/data"); r.code != 0 {
		t.Fatal(r)
	}
	if r := c.run(owner, "crm_mon", "-1"); !strings.Contains(r.out, "Exclusion: guaranteed") {
		t.Errorf("with a way to reset: %v", r)
	}
	user, err := c.nodes[owner].Start("/bin/sh", "-c", "cd /srv/data; while :; do sleep 0.2; done")
	if err != nil {
		t.Fatal(err)
	}
	s := c.lab.NewSampler(floating, time.Millisecond)
	defer s.Stop()
	if err := c.nodes[owner].Cut(); err != nil {
		t.Fatal(err)
	}
	c.until("the reset", func() (bool, string) {
		r := c.sh(owner, "cat /var/lib/reset")
		return strings.HasPrefix(r.out, "reset: "), r.String() + c.log(owner)
	})
	if r := c.sh(owner, "cat /var/lib/reset"); r.out != "reset: stuck cannot be stopped and this node has no right to run it any more\n" {
		t.Error(r)
	}
	if r := c.sh(owner, "mountpoint /srv/data"); r.code == 0 {
		t.Error(r, c.log(owner))
	}
	select {
	case <-user.Done():
	case <-time.After(time.Second):
		t.Error("who used the filesystem lives")
	}
	if r := c.sh(owner, "cat /var/lib/watchdog"); r.out == "" || strings.Contains(r.out, "V") {
		t.Errorf("the watchdog got %q", r.out)
	}
	c.owned(floating, c.ownedByOther(floating, owner))
	neverTwice(t, s)
	// An orderly stop closes the device in order.
	other := c.other(owner, c.lab.Sample(floating)[0])
	c.stop(other)
	if r := c.sh(other, "cat /var/lib/watchdog"); !strings.HasSuffix(r.out, "V") {
		t.Errorf("after an orderly stop the watchdog has got %q", r.out)
	}
}

// A watchdog that is asked for and not there refuses the start with the remedy,
// unless --no-watchdog does without, which the status tells. modprobe is a
// command of the lab: no module is loaded.
func TestNoWatchdog(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "litsha21", "litsha22")
	for _, n := range []string{"litsha21", "litsha22"} {
		c.write(n, "/etc/ha.d/ha.cf", hacf+"watchdog /dev/watchdog\n", 0o600)
		c.write(n, "/var/lib/bin/modprobe", "#!/bin/sh\necho modprobe: $* is not in this kernel >&2\nexit 1\n", 0o755)
	}
	r := c.sh("litsha21", "PATH=/var/lib/bin:$PATH quorate run")
	if r.code != 6 {
		t.Errorf("the start ends with %d, want 6", r.code)
	}
	for _, text := range []string{"watchdog /dev/watchdog: no such file or directory, also after modprobe softdog: exit status 1: modprobe: softdog is not in this kernel", "--no-watchdog", "ha.cf"} {
		if !strings.Contains(r.err, text) {
			t.Errorf("%v\nlacks %q", r, text)
		}
	}
	p, err := c.nodes["litsha21"].Start("/lab/bin/quorate", "run", "--no-watchdog")
	if err != nil {
		t.Fatal(err)
	}
	c.daemons["litsha21"] = p
	c.says("litsha21", []string{"crm_mon", "-1"}, "not enforced: the watchdog /dev/watchdog is not used (--no-watchdog) and sysrq is not allowed")
}
