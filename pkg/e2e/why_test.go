package e2e

import (
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// TestDecisions: the running cluster explains a decision, keeps the input it
// was made from, and checks its own configuration.
func TestDecisions(t *testing.T) {
	seedrow.Shows(t, "003-113")
	t.Parallel()
	c := newCluster(t)
	c.form()
	dc := c.dc(directors...)
	at := c.other(dc)
	c.ok(at, "cibadmin", "-M", "-c", "-o", "crm_config", "-X", options)
	c.ok(at, "cibadmin", "-C", "-o", "resources", "-X", `<primitive id="addr" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="addr-a"><nvpair id="addr-ip" name="ip" value="192.168.71.205"/><nvpair id="addr-mask" name="cidr_netmask" value="24"/><nvpair id="addr-nic" name="nic" value="eth0"/></instance_attributes></primitive>`)
	c.ok(at, "cibadmin", "-C", "-o", "constraints", "-X", `<rsc_location id="addr-home" rsc="addr" node="`+at+`" score="100"/>`)
	c.owned(floating, at)

	c.sub("why", func(t *testing.T, c *cluster) {
		c.says(dc, []string{"quorate", "why", "addr"}, "addr stays on "+at+": location addr-home (100)", "+100  location addr-home  = 100")
		c.says(at, []string{"quorate", "why-not", "addr", dc}, "addr does not run on "+dc+", but on "+at)
	})
	c.sub("stored input", func(t *testing.T, c *cluster) {
		line := c.logged(dc, "process_pe_message: Transition ", "PEngine Input stored in: /var/lib/heartbeat/pengine/pe-")
		list := strings.Fields(c.ok(dc, "sh", "-c", "ls -t /var/lib/heartbeat/pengine/*.bz2"))
		if len(list) == 0 {
			t.Fatalf("no input is stored, yet the log says %s", line)
		}
		// The first one that starts the address somewhere replays as it was.
		c.until("an input that starts the address", func() (bool, string) {
			seen := ""
			for _, path := range strings.Fields(c.ok(dc, "sh", "-c", "ls /var/lib/heartbeat/pengine/*.bz2")) {
				r := c.run(dc, "quorate", "crm_simulate", "-S", "-x", path)
				if r.code == 0 && strings.Contains(r.out, "Using the original execution date of: ") && strings.Contains(r.out, "Start") && strings.Contains(r.out, "addr") {
					return true, ""
				}
				seen += r.String()
			}
			return false, seen
		})
		if out := c.ok(dc, "sh", "-c", "cat /var/lib/heartbeat/pengine/*.last"); strings.TrimSpace(out) == "" {
			t.Errorf("counters: %q", out)
		}
	})
	c.sub("crm_verify", func(t *testing.T, c *cluster) {
		if r := c.run(at, "crm_verify", "-L", "-V"); r.code != 0 || r.err != "" {
			t.Errorf("the configuration is good: %v", r)
		}
	})
}
