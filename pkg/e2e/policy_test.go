package e2e

import (
	"strings"
	"testing"
	"time"
)

const promotable = `<master id="ms"><meta_attributes id="ms-m"><nvpair id="ms-n" name="notify" value="false"/></meta_attributes>
<primitive id="st" class="ocf" provider="pacemaker" type="Stateful"><operations>
<op id="st-m1" name="monitor" interval="10s" role="Promoted"/><op id="st-m2" name="monitor" interval="11s" role="Unpromoted"/></operations></primitive></master>`

// Without quorum the policy demote demotes what is promoted and leaves it there,
// and stops all else: the address that stands on it goes, and is never on two
// nodes. When the node is back, one is promoted.
func TestPolicyDemote(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	c.replace("litsha22", `<configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/>
<nvpair id="o2" name="no-quorum-policy" value="demote"/></cluster_property_set></crm_config>
NODES
<resources>`+promotable+guarded+`</resources><constraints>
<rsc_order id="c1" first="ms" first-action="promote" then="vip"/><rsc_colocation id="c2" rsc="vip" with-rsc="ms" with-rsc-role="Promoted" score="INFINITY"/>
</constraints></configuration>`)
	owner := c.ownedByOther(floating, "")
	c.says("litsha22", []string{"crm_mon", "-1"}, "Promoted: [ "+owner+" ]", "Unpromoted: [ ")
	s := c.lab.NewSampler(floating, time.Millisecond)
	defer s.Stop()
	if err := c.nodes[owner].Cut(); err != nil {
		t.Fatal(err)
	}
	next := c.ownedByOther(floating, owner)
	if log := c.log(owner); !strings.Contains(log, "LRM operation st_demote_0") || strings.Contains(log, "LRM operation st_stop_0") {
		t.Errorf("st was not demoted, or stopped:\n%s", log)
	}
	c.says(owner, []string{"crm_mon", "-1"}, "Unpromoted: [ "+owner+" ]", "no quorum")
	c.says(next, []string{"crm_mon", "-1"}, "Promoted: [ "+next+" ]")
	if err := c.nodes[owner].Mend(); err != nil {
		t.Fatal(err)
	}
	c.formed(directors...)
	c.says(next, []string{"crm_mon", "-1"}, "Promoted: [ "+next+" ]", "Unpromoted: [ ", owner)
	c.owned(floating, next)
	neverTwice(t, s)
	if strings.Contains(c.log(owner), "LRM operation st_stop_0") {
		t.Error("st was stopped after all")
	}
	// With the daemon dead its guard keeps to the same rules.
	c.kill(next)
	c.owned(floating, c.ownedByOther(floating, next))
	c.logged(next, "st", "demoted after")
	neverTwice(t, s)
}

// Without quorum the policy suicide ends a node, also one that runs nothing:
// everything is stopped, the daemon ends and says why, and the watchdog, in whose
// place a file is written here, resets the machine.
func TestPolicySuicide(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, n := range directors {
		c.write(n, "/var/lib/quorate", "#!/bin/sh\nexport QUORATE_TEST_RESET=/var/lib/reset\nexec /lab/bin/quorate run\n", 0o755)
		p, err := c.nodes[n].Start("/var/lib/quorate")
		if err != nil {
			t.Fatal(err)
		}
		c.daemons[n] = p
	}
	c.formed(directors...)
	// Fencing is on: without a device it is the lease that fences.
	dev := `<primitive id="dev" class="stonith" type="external/ssh"/>`
	constraints := ""
	for _, n := range directors {
		constraints += `<rsc_location id="never-` + n + `" rsc="dev" node="` + n + `" score="-INFINITY" resource-discovery="never"/>`
	}
	c.replace("litsha22", `<configuration><crm_config><cluster_property_set id="o"><nvpair id="o2" name="no-quorum-policy" value="suicide"/></cluster_property_set></crm_config>
NODES
<resources>`+dev+guarded+`</resources><constraints>`+constraints+`</constraints></configuration>`)
	owner := c.ownedByOther(floating, "")
	s := c.lab.NewSampler(floating, time.Millisecond)
	defer s.Stop()
	if err := c.nodes[owner].Cut(); err != nil {
		t.Fatal(err)
	}
	next := c.ownedByOther(floating, owner)
	last := c.other(owner, next)
	c.sh(next, "kill -KILL "+c.pids(next)) // two of three are gone, and the last runs nothing yet
	delete(c.daemons, next)
	for _, n := range []string{owner, last} {
		if code := c.ended(n); code == 0 {
			t.Errorf("the daemon of %s ends with 0", n)
		}
		c.logged(n, "no-quorum-policy=suicide: no quorum confirmed this node in time")
		c.until("the reset of "+n, func() (bool, string) {
			r := c.sh(n, "cat /var/lib/reset")
			return r.out == "reset: this node has lost its quorum and the policy without quorum is suicide\n", r.String()
		})
	}
	neverTwice(t, s)
}
