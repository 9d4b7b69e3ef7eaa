package e2e

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/seedrow"
)

// agentsCIB runs Debian's agents: a group of Dummy and IPaddr2, a cloned Dummy
// and a promotable Stateful.
const agentsCIB = `<configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
 <nvpair id="opt-stonith" name="stonith-enabled" value="false"/>
</cluster_property_set></crm_config>
NODES
<resources>
 <group id="service">
  <primitive id="app" class="ocf" provider="heartbeat" type="Dummy">
   <instance_attributes id="app-params"><nvpair id="app-state" name="state" value="/run/app.state"/></instance_attributes>
   <operations><op id="app-mon" name="monitor" interval="300ms" timeout="10s"/></operations>
  </primitive>
  <primitive id="app-ip" class="ocf" provider="heartbeat" type="IPaddr2">
   <instance_attributes id="app-ip-params">
    <nvpair id="app-ip-ip" name="ip" value="192.168.71.206"/><nvpair id="app-ip-nic" name="nic" value="eth0"/>
    <nvpair id="app-ip-mask" name="cidr_netmask" value="24"/>
   </instance_attributes>
   <operations><op id="app-ip-mon" name="monitor" interval="1s" timeout="10s"/></operations>
  </primitive>
 </group>
 <clone id="everywhere"><primitive id="copy" class="ocf" provider="heartbeat" type="Dummy"/></clone>
 <clone id="state">
  <meta_attributes id="state-meta"><nvpair id="state-promotable" name="promotable" value="true"/></meta_attributes>
  <primitive id="st" class="ocf" provider="pacemaker" type="Stateful">
   <operations><op id="st-mon-p" name="monitor" interval="2s" role="Promoted"/><op id="st-mon-u" name="monitor" interval="3s" role="Unpromoted"/></operations>
  </primitive>
 </clone>
</resources>
<constraints>
 <rsc_location id="home" rsc="service" node="litsha21" score="100"/>
 <rsc_location id="lead22" rsc="state"><rule id="lead22-rule" role="Promoted" score="100"><expression id="lead22-expr" attribute="#uname" operation="eq" value="litsha22"/></rule></rsc_location>
 <rsc_location id="lead23" rsc="state"><rule id="lead23-rule" role="Promoted" score="50"><expression id="lead23-expr" attribute="#uname" operation="eq" value="litsha23"/></rule></rsc_location>
</constraints>
</configuration>
`

// TestDebianAgents runs the agents of resource-agents and pacemaker unmodified.
func TestDebianAgents(t *testing.T) {
	seedrow.Shows(t, "002-008")
	for _, file := range []string{"heartbeat/IPaddr2", "heartbeat/Dummy", "pacemaker/Stateful"} {
		if _, err := os.Stat("/usr/lib/ocf/resource.d/" + file); err != nil {
			t.Skipf("SKIPPED: resource-agents or pacemaker-resource-agents is not installed: %v", err)
		}
	}
	t.Parallel()
	address := netip.MustParseAddr("192.168.71.206")
	c := newCluster(t)
	c.form()
	c.until("all nodes in the configuration", func() (bool, string) {
		out := c.ok("litsha22", "cibadmin", "-Q", "-o", "nodes")
		return strings.Count(out, "<node ") == 3, out
	})
	c.write("litsha22", "/var/lib/agents.xml", strings.Replace(agentsCIB, "NODES", c.ok("litsha22", "cibadmin", "-Q", "-o", "nodes"), 1), 0o600)
	c.ok("litsha22", "cibadmin", "-R", "-o", "configuration", "-x", "/var/lib/agents.xml")

	service := func(node string) []string {
		return []string{"app\t(ocf:heartbeat:Dummy):\t Started " + node, "app-ip\t(ocf:heartbeat:IPaddr2):\t Started " + node}
	}
	failed := func(c *cluster, rsc, count string) {
		c.t.Helper()
		c.says("litsha23", []string{"crm_mon", "-1", "-f"}, rsc+": migration-threshold=1000000 fail-count="+count+" last-failure=", "* "+rsc+" ", "-interval monitor on litsha21 returned 'not running'")
	}

	c.sub("started", func(t *testing.T, c *cluster) {
		c.says("litsha23", []string{"crm_mon", "-1"}, append(service("litsha21"), "Resource Group: service",
			"Clone Set: everywhere [copy]", "Started: [ litsha21 litsha22 litsha23 ]",
			"Clone Set: state [st] (promotable)", "Promoted: [ litsha22 ]", "Unpromoted: [ litsha21 litsha23 ]")...)
		c.owned(address, "litsha21")
		if r := c.run("litsha21", "test", "-e", "/run/app.state"); r.code != 0 {
			t.Error(r)
		}
	})
	c.sub("the application dies", func(t *testing.T, c *cluster) {
		c.ok("litsha21", "rm", "/run/app.state")
		failed(c, "app", "1")
		c.until("the application runs again where it was", func() (bool, string) {
			r := c.run("litsha21", "test", "-e", "/run/app.state")
			return r.code == 0, r.String()
		})
		c.says("litsha23", []string{"crm_mon", "-1"}, service("litsha21")...)
		c.owned(address, "litsha21")
	})
	c.sub("the address is removed", func(t *testing.T, c *cluster) {
		c.ok("litsha21", "ip", "addr", "del", "192.168.71.206/24", "dev", "eth0")
		failed(c, "app-ip", "1")
		c.owned(address, "litsha21")
		failed(c, "app", "1")
	})
	c.sub("standby", func(t *testing.T, c *cluster) {
		c.ok("litsha22", "crm_standby", "-v", "on", "-N", "litsha21")
		owner := c.ownedByOther(address, "litsha21")
		c.says("litsha23", []string{"crm_mon", "-1"}, append(service(owner), "Started: [ litsha22 litsha23 ]")...)
		if r := c.run("litsha21", "ls", "/run/app.state"); r.code == 0 {
			t.Errorf("the application still runs: %v", r)
		}
		c.ok("litsha22", "crm_standby", "-v", "off", "-N", "litsha21")
		c.owned(address, "litsha21")
		c.says("litsha23", []string{"crm_mon", "-1"}, append(service("litsha21"), "Started: [ litsha21 litsha22 litsha23 ]")...)
	})
	c.sub("the node is stopped in order", func(t *testing.T, c *cluster) {
		s := c.lab.NewSampler(address, time.Millisecond)
		defer s.Stop()
		c.stop("litsha21")
		// The daemon ends only when nothing runs there any more.
		if got := c.lab.Sample(address); slices.Contains(got, "litsha21") {
			t.Errorf("after the end of the daemon the address is on %v", got)
		}
		c.ownedByOther(address, "litsha21")
		neverTwice(t, s)
		if out := c.sh("litsha21", "ls /run/app.state /run/resource-agents/*.state /run/heartbeat/rsctmp/*.state 2>/dev/null").out; out != "" {
			t.Errorf("still running on the stopped node: %s", out)
		}
		c.says("litsha23", []string{"crm_mon", "-1"}, "OFFLINE: [ litsha21 ]")
	})
	c.sub("the promoted node is stopped in order", func(t *testing.T, c *cluster) {
		c.start("litsha21")
		c.formed(directors...)
		c.says("litsha23", []string{"crm_mon", "-1"}, append(service("litsha21"), "Promoted: [ litsha22 ]", "Unpromoted: [ litsha21 litsha23 ]")...)
		c.stop("litsha22")
		c.says("litsha23", []string{"crm_mon", "-1"}, append(service("litsha21"), "Promoted: [ litsha23 ]", "Unpromoted: [ litsha21 ]")...)
	})
}
