package e2e

import (
	"syscall"
	"testing"
	"time"
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

// A guard that is killed is replaced, and what the daemon runs is not touched.
func TestGuardIsReplaced(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "litsha21", "litsha22")
	c.form()
	c.ok("litsha22", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", noFencing)
	c.ok("litsha22", "cibadmin", "-C", "-o", "resources", "-X", guarded)
	owner := c.ownedByOther(floating, "")
	first := c.sh(owner, "cat /var/run/heartbeat/guard.lock").out
	c.sh(owner, "kill -9 "+first)
	c.until("another guard", func() (bool, string) {
		r := c.sh(owner, "cat /var/run/heartbeat/guard.lock")
		return r.out != "" && r.out != first, r.String()
	})
	c.owned(floating, owner)
}
