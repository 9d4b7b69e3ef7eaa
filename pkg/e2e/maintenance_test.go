package e2e

import (
	"strings"
	"testing"
	"time"
)

const watched = `<primitive id="app" class="ocf" provider="heartbeat" type="Dummy"><instance_attributes id="app-p"><nvpair id="app-s" name="state" value="/run/app.state"/></instance_attributes>
<operations><op id="app-m" name="monitor" interval="500ms" timeout="10s"/></operations></primitive>`

// In maintenance the daemon of a node is stopped in order, killed, and started
// again: resources stay where they are, are found there, and are monitored again
// when maintenance ends, without a stop or a start.
func TestMaintenanceOverARestart(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	c.ok("litsha22", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", noFencing)
	c.ok("litsha22", "cibadmin", "-C", "-o", "resources", "-X", `<group id="g">`+guarded+watched+`</group>`)
	c.says("litsha22", []string{"crm_mon", "-1"}, "app\t(ocf:heartbeat:Dummy):\t Started litsha2")
	owner := c.ownedByOther(floating, "")
	c.ok("litsha22", "crm_attribute", "-n", "maintenance-mode", "-v", "true")
	c.until("the guard and the kernel know", func() (bool, string) {
		r := c.sh(owner, "cat /var/run/heartbeat/guard.keep; ip -o addr show dev eth0 to 192.168.71.205")
		return strings.Contains(r.out, `"app"`) && strings.Contains(r.out, "valid_lft forever"), r.String()
	})
	s := c.lab.NewSampler(floating, time.Millisecond)
	defer s.Stop()
	before := len(c.log(owner))
	for _, end := range []func(string){c.stop, func(n string) { c.kill(n) }} {
		end(owner)
		other := c.other(owner)
		c.says(other, []string{"crm_mon", "-1"}, "OFFLINE: [ "+owner+" ]")
		// Longer than a lease, a lifetime and a takeover.
		begun := time.Now()
		c.until("time to pass", func() (bool, string) { return time.Since(begun) > 2*time.Second, "" })
		c.owned(floating, owner)
		c.start(owner)
		c.formed(directors...)
		c.says(other, []string{"crm_mon", "-1"}, "app\t(ocf:heartbeat:Dummy):\t Started "+owner, "vip\t(ocf:heartbeat:IPaddr):\t Started "+owner)
	}
	log := c.log(owner)[before:]
	if strings.Contains(log, "op=app_monitor_500 ") {
		t.Errorf("monitored in maintenance:\n%s", log)
	}
	if !strings.Contains(log, "LRM operation app_monitor_0 (call=") {
		t.Errorf("not probed:\n%s", log)
	}
	c.ok("litsha22", "crm_attribute", "-n", "maintenance-mode", "-v", "false")
	c.logged(owner, "Performing op=app_monitor_500 ")
	c.logged(owner, "Performing op=vip_monitor_5000 ")
	if h := s.History(); len(h) > 1 {
		t.Errorf("the address was not there all the time: %v", h)
	}
	if log := c.log(owner)[before:]; strings.Contains(log, "_stop_0 (call") || strings.Contains(log, "_start_0 (call") {
		t.Errorf("stopped or started:\n%s", log)
	}
	// They are monitored in earnest.
	c.ok(owner, "rm", "/run/app.state")
	c.says(owner, []string{"crm_mon", "-1", "-f"}, "app: migration-threshold=1000000 fail-count=1 ")
	c.until("the application runs again", func() (bool, string) {
		r := c.sh(owner, "test -e /run/app.state")
		return r.code == 0, r.String()
	})
	c.ok(owner, "crm_resource", "--meta", "-r", "app", "-p", "failure-timeout", "-v", "300s")
	c.says(owner, []string{"crm_mon", "-1"}, "Retries:", "app on "+owner+": 1 failure, forgotten in 4m", "(failure-timeout 5m0s)")
}
