package e2e

import (
	"os"
	"strings"
	"testing"
)

// promotableCIB holds a promotable clone without constraints: only the agent's
// own scores decide who is promoted.
const promotableCIB = `<configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
 <nvpair id="opt-stonith" name="stonith-enabled" value="false"/>
</cluster_property_set></crm_config>
NODES
<resources>
 <clone id="state">
  <meta_attributes id="state-meta"><nvpair id="state-promotable" name="promotable" value="true"/></meta_attributes>
  <primitive id="st" class="ocf" provider="pacemaker" type="Stateful"/>
 </clone>
</resources>
<constraints/>
</configuration>
`

// TestAttributes lets an agent set its promotion scores with crm_attribute, and
// changes attributes of this and of other nodes with the commands.
func TestAttributes(t *testing.T) {
	if _, err := os.Stat("/usr/lib/ocf/resource.d/pacemaker/Stateful"); err != nil {
		t.Skipf("SKIPPED: pacemaker-resource-agents is not installed: %v", err)
	}
	t.Parallel()
	c := newCluster(t)
	c.form()
	c.until("all nodes in the configuration", func() (bool, string) {
		out := c.ok("litsha22", "cibadmin", "-Q", "-o", "nodes")
		return strings.Count(out, "<node ") == 3, out
	})
	c.write("litsha22", "/var/lib/state.xml", strings.Replace(promotableCIB, "NODES", c.ok("litsha22", "cibadmin", "-Q", "-o", "nodes"), 1), 0o600)
	c.ok("litsha22", "cibadmin", "-R", "-o", "configuration", "-x", "/var/lib/state.xml")

	promoted := ""
	c.until("one instance is promoted and the others are not, by the agent's scores", func() (bool, string) {
		out := c.ok("litsha23", "crm_mon", "-1")
		_, rest, ok := strings.Cut(out, "Promoted: [ ")
		promoted, _, _ = strings.Cut(rest, " ]")
		return ok && strings.Contains(out, "Unpromoted: [ ") && len(strings.Fields(promoted)) == 1, out
	})
	other := "litsha21"
	if promoted == other {
		other = "litsha22"
	}
	score := func(node, want string) {
		t.Helper()
		c.until("promotion score "+want+" of "+node, func() (bool, string) {
			r := c.run("litsha23", "crm_attribute", "-p", "st", "-G", "-q", "-N", node)
			return r.out == want+"\n", r.String()
		})
	}
	score(promoted, "10")
	score(other, "5")

	c.sub("a higher score moves the role", func(t *testing.T, c *cluster) {
		c.ok("litsha23", "crm_attribute", "-p", "st", "-v", "1000", "-N", other)
		c.says("litsha23", []string{"crm_mon", "-1"}, "Promoted: [ "+other+" ]")
		c.ok(promoted, "env", "OCF_RESOURCE_INSTANCE=st", "crm_master", "-l", "reboot", "-v", "2000") // as agents have it
		c.says("litsha23", []string{"crm_mon", "-1"}, "Promoted: [ "+promoted+" ]")
		score(promoted, "10") // the agent has set its own in promote
		if got := c.ok(promoted, "env", "OCF_RESOURCE_INSTANCE=st", "crm_master", "-l", "reboot", "-G", "-q"); got != "10\n" {
			t.Errorf("crm_master -G: %q", got)
		}
	})
	c.sub("attributes of any node from any node", func(t *testing.T, c *cluster) {
		c.ok("litsha23", "attrd_updater", "-n", "probe", "-U", "7", "-N", "litsha21")
		c.ok("litsha22", "attrd_updater", "-n", "probe", "-B", "8", "-d", "100ms")
		c.ok("litsha22", "attrd_updater", "-n", "secret", "-U", "x", "-p")
		if got := c.ok("litsha23", "attrd_updater", "-n", "probe", "-Q", "-A"); got != "name=\"probe\" host=\"litsha21\" value=\"7\"\nname=\"probe\" host=\"litsha22\" value=\"8\"\n" {
			t.Errorf("all nodes' values: %q", got)
		}
		c.until("both values in the CIB", func() (bool, string) {
			out := c.run("litsha23", "cibadmin", "-Q", "-A", `//nvpair[@name="probe"]`).out
			return strings.Contains(out, `value="7"`) && strings.Contains(out, `value="8"`), out
		})
		if r := c.run("litsha23", "cibadmin", "-Q", "-A", `//nvpair[@name="secret"]`); r.code != 105 {
			t.Errorf("the private attribute is in the CIB: %v", r)
		}
		if got := c.ok("litsha23", "attrd_updater", "-n", "secret", "-Q", "-N", "litsha22"); got != "name=\"secret\" host=\"litsha22\" value=\"x\"\n" {
			t.Errorf("private attribute: %q", got)
		}
		c.ok("litsha23", "attrd_updater", "-n", "probe", "-U", "probe++", "-N", "litsha21")
		if got := c.ok("litsha21", "attrd_updater", "-n", "probe", "-Q"); got != "name=\"probe\" host=\"litsha21\" value=\"8\"\n" {
			t.Errorf("counted up: %q", got)
		}
		c.ok("litsha23", "attrd_updater", "-n", "probe", "-D", "-N", "litsha21")
		if r := c.run("litsha21", "attrd_updater", "-n", "probe", "-Q"); r.code != 105 {
			t.Errorf("deleted: %v", r)
		}
	})
	c.sub("permanent attributes and options", func(t *testing.T, c *cluster) {
		c.ok("litsha23", "crm_attribute", "-N", "litsha21", "-n", "rack", "-v", "a b")
		if got := c.ok("litsha22", "crm_attribute", "-N", "litsha21", "-n", "rack", "-G"); got != "scope=nodes  name=rack value=a b\n" {
			t.Errorf("permanent attribute: %q", got)
		}
		c.ok("litsha23", "crm_attribute", "-n", "cluster-delay", "-v", "50s")
		if got := c.ok("litsha22", "crm_attribute", "-n", "cluster-delay", "-G", "-q"); got != "50s\n" {
			t.Errorf("option: %q", got)
		}
		if got := c.ok("litsha22", "crm_failcount", "-G", "-r", "st"); got != "scope=status  name=fail-count-st value=0\n" {
			t.Errorf("fail count: %q", got)
		}
		if r := c.run("litsha22", "crm_attribute", "-N", "litsha99", "-n", "rack", "-G"); r.code != 105 || !strings.Contains(r.String(), "Could not map name=litsha99 to a UUID") {
			t.Error(r)
		}
	})
}
