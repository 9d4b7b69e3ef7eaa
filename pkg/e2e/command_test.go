package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

// want fails unless a command on a node prints exactly this and ends with this
// code.
func (c *cluster) want(name string, code int, out string, argv ...string) {
	c.t.Helper()
	if r := c.run(name, argv...); r.code != code || r.out != out {
		c.t.Errorf("want %q and exit code %d: %v", out, code, r)
	}
}

// becomes polls until a command prints exactly this and ends with this code.
func (c *cluster) becomes(name string, code int, out string, argv ...string) {
	c.t.Helper()
	c.until(strings.Join(argv, " ")+" says "+strings.TrimSpace(out), func() (bool, string) {
		r := c.run(name, argv...)
		return r.code == code && r.out == out, r.String()
	})
}

// commands goes through what the commands say about a cluster in order, and
// about each fault. The address is on litsha21 when it begins.
func (c *cluster) commands() {
	c.sub("cl_status", func(t *testing.T, c *cluster) {
		c.want("litsha22", 0, "Heartbeat is running on this machine.\n", "cl_status", "hbstatus")
		list := strings.Fields(c.ok("litsha22", "cl_status", "listnodes"))
		slices.Sort(list)
		if !slices.Equal(list, []string{"litrout71_vip", "litsha21", "litsha22", "litsha23"}) {
			t.Errorf("listnodes: %v", list)
		}
		c.want("litsha22", 0, "litrout71_vip\n", "cl_status", "listnodes", "-p")
		normal := strings.Fields(c.ok("litsha22", "cl_status", "listnodes", "-n"))
		slices.Sort(normal)
		if !slices.Equal(normal, directors) {
			t.Errorf("listnodes -n: %v", normal)
		}
		c.becomes("litsha22", 0, "active\n", "cl_status", "nodestatus", "litsha21")
		c.becomes("litsha22", 0, "active\n", "cl_status", "nodestatus", "litsha22")
		c.becomes("litsha22", 0, "ping\n", "cl_status", "nodestatus", "litrout71_vip")
		c.want("litsha22", 0, "The cluster node litsha21 is active\n", "cl_status", "nodestatus", "-m", "litsha21")
		c.want("litsha22", 13, "", "cl_status", "nodestatus", "nobody")
		c.want("litsha22", 0, "normal\n", "cl_status", "nodetype", "litsha21")
		c.want("litsha22", 0, "ping\n", "cl_status", "nodetype", "litrout71_vip")
		c.want("litsha22", 0, "\teth1\n", "cl_status", "listhblinks", "litsha21")
		c.want("litsha22", 0, "up\n", "cl_status", "hblinkstatus", "litsha21", "eth1")
		c.want("litsha22", 13, "", "cl_status", "hblinkstatus", "litsha21", "eth7")
		c.want("litsha22", 0, "200ms\n", "cl_status", "hbparameter", "-p", "keepalive")
		c.want("litsha22", 0, "1\n", "cl_status", "hbparameter", "-p", "deadtime")
		c.want("litsha22", 1, "", "cl_status", "hbparameter", "-p", "watchdog")
		c.want("litsha22", 11, "", "cl_status", "nonsense")
		c.want("litsha22", 11, "", "cl_status", "nodestatus")
		c.want("litsha22", 0, "1\n", "cl_status", "parameter", "deadtime")
		c.want("litsha22", 0, "100\n", "cl_status", "nodeweight", "litsha21")
		c.want("litsha22", 0, "0\n", "cl_status", "nodeweight", "litrout71_vip")
		c.want("litsha22", 0, "online\n", "cl_status", "clientstatus", "litsha22", "crmd")
		c.want("litsha22", 0, "online\n", "cl_status", "clientstatus", "litsha21", "pingd", "5000")
		c.want("litsha22", 1, "offline\n", "cl_status", "clientstatus", "litsha21", "ipfail", "5000")
		c.want("litsha22", 13, "", "cl_status", "clientstatus", "nobody", "crmd")
		c.want("litsha22", 11, "", "cl_status", "clientstatus", "litsha21", "crmd", "soon")
		c.becomes("litsha21", 0, "all\n", "cl_status", "rscstatus")
		c.becomes("litsha22", 0, "This node is holding none resources.\n", "cl_status", "rscstatus", "-m")
	})
	c.sub("crmadmin", func(t *testing.T, c *cluster) {
		dc := c.dc(directors...)
		other := c.other(dc)
		for _, name := range directors {
			c.want(name, 0, "Designated Controller is: "+dc+"\n", "crmadmin", "-D")
		}
		c.want(other, 0, dc+"\n", "crmadmin", "-qD")
		c.becomes(other, 0, "Controller on "+dc+" in state S_IDLE: ok\n", "crmadmin", "-S", dc)
		c.want(dc, 0, "S_NOT_DC\n", "crmadmin", "-q", "-S", other)
		c.want(dc, 68, "", "crmadmin", "-S", "nobody")
		c.want(dc, 64, "", "crmadmin", "-D", "-N")
		c.want(dc, 64, "", "crmadmin", "-S")
		c.want(dc, 64, "", "crmadmin", "-D", "-t", "soon")
		c.want(dc, 0, "No nodes configured\n", "crmadmin", "-N", "remote")
		list := strings.Split(strings.TrimSpace(c.ok(dc, "crmadmin", "-N", "-B")), "\n")
		slices.Sort(list)
		if !slices.Equal(list, []string{"export litsha21=01ca9c3e-8876-4db5-ba33-a25cd46b72b3",
			"export litsha22=114f3ad1-f18a-4bec-9f01-7ecc4d820f6c", "export litsha23=dc9a784f-3325-4268-93af-96d2ab651eac"}) {
			t.Errorf("crmadmin -N -B: %q", list)
		}
		if text := c.ok(dc, "crmadmin", "-Nall"); !strings.Contains(text, "cluster node: litsha21 (01ca9c3e-8876-4db5-ba33-a25cd46b72b3)\n") {
			t.Error(text)
		}
		if text := c.ok(other, "crmadmin", "-D", "--output-as=xml"); !strings.Contains(text, `<dc node_name="`+dc+`"/>`) ||
			!strings.Contains(text, `<status code="0" message="OK"/>`) {
			t.Error(text)
		}
		if r := c.run(other, "crmadmin", "-S", "nobody", "--output-as=xml"); r.code != 68 || !strings.Contains(r.out, `<status code="68" message="Host does not exist">`) {
			t.Error(r)
		}
		if text := c.ok(dc, "crmadmin", "-P"); !strings.HasPrefix(text, "Status of pacemakerd: 'Pacemaker is running' (last updated 20") {
			t.Error(text)
		}
	})
	c.sub("crm_node", func(t *testing.T, c *cluster) {
		c.want("litsha23", 0, "litsha23\n", "crm_node", "-n")
		c.want("litsha23", 0, "1\n", "crm_node", "-q")
		c.want("litsha23", 0, "dc9a784f-3325-4268-93af-96d2ab651eac\n", "crm_node", "-i")
		members := strings.Fields(c.ok("litsha23", "crm_node", "-p"))
		slices.Sort(members)
		if !slices.Equal(members, directors) {
			t.Errorf("crm_node -p: %v", members)
		}
		list := strings.Split(strings.TrimSpace(c.ok("litsha23", "crm_node", "-l")), "\n")
		slices.Sort(list)
		if !slices.Equal(list, []string{"01ca9c3e-8876-4db5-ba33-a25cd46b72b3 litsha21 member",
			"114f3ad1-f18a-4bec-9f01-7ecc4d820f6c litsha22 member", "dc9a784f-3325-4268-93af-96d2ab651eac litsha23 member"}) {
			t.Errorf("crm_node -l: %q", list)
		}
		c.want("litsha23", 0, "litsha22\n", "crm_node", "-N", "114f3ad1-f18a-4bec-9f01-7ecc4d820f6c")
		c.want("litsha23", 68, "", "crm_node", "-N", "17")
		c.want("litsha23", 0, "1\n", "crm_node", "-n", "-Qq")
		c.want("litsha23", 64, "", "crm_node")
		c.want("litsha23", 64, "", "crm_node", "-R", "litsha21")
		c.want("litsha23", 69, "", "crm_node", "-R", "litsha21", "--force")
		c.want("litsha23", 68, "", "crm_node", "--force", "-R", "nobody")
	})
	c.sub("crm_standby", func(t *testing.T, c *cluster) {
		c.want("litsha22", 0, "scope=nodes  name=standby value=off\n", "crm_standby", "-G", "-N", "litsha21")
		c.ok("litsha22", "crm_standby", "-v", "on", "-N", "litsha21")
		c.ownedByOther(floating, "litsha21")
		c.want("litsha22", 0, "scope=nodes  name=standby value=on\n", "crm_standby", "-G", "-N", "litsha21")
		c.want("litsha21", 0, "on\n", "crm_standby", "-G", "-Q")
		c.says("litsha23", []string{"crm_mon", "-1"}, "Node litsha21: standby", "Online: [ litsha22 litsha23 ]")
		c.ok("litsha21", "crm_standby", "-v", "off")
		c.owned(floating, "litsha21")
		c.want("litsha21", 0, "off\n", "crm_standby", "-G", "-Q")
		// Until the node leaves the cluster only.
		c.ok("litsha21", "crm_standby", "-v", "on", "-l", "reboot")
		c.ownedByOther(floating, "litsha21")
		c.ok("litsha21", "crm_standby", "-D", "-l", "reboot")
		c.owned(floating, "litsha21")
		if r := c.run("litsha21", "crm_standby", "-v", "on", "-N", "nobody"); r.code == 0 || !strings.Contains(r.err, "nobody") {
			t.Error(r)
		}
		if r := c.run("litsha21", "crm_standby", "-v", "perhaps"); r.code != exitUsage || !strings.Contains(r.err, "perhaps") {
			t.Error(r)
		}
	})
	c.sub("pingd", func(t *testing.T, c *cluster) {
		value := func(v string) []string {
			return []string{"cibadmin", "-Q", "--xpath", "//node_state[@uname='litsha21']//nvpair[@name='pingd' and @value='" + v + "']"}
		}
		// The other nodes must be better than litsha21 with 200 and no router.
		c.ok("litsha22", "cibadmin", "-M", "-X", `<rule id="prefered_location_IPaddr_1" score="50"/>`)
		c.says("litsha22", value("100"), "pingd")
		if err := c.nodes["litsha21"].Cut("eth0"); err != nil {
			t.Fatal(err)
		}
		c.says("litsha22", value("0"), "pingd")
		c.ownedByOther(floating, "litsha21")
		c.becomes("litsha21", 1, "dead\n", "cl_status", "nodestatus", "litrout71_vip")
		if err := c.nodes["litsha21"].Mend("eth0"); err != nil {
			t.Fatal(err)
		}
		c.says("litsha22", value("100"), "pingd")
		c.owned(floating, "litsha21")
	})
	c.sub("the owner is cut off", func(t *testing.T, c *cluster) {
		for _, cut := range []struct {
			what string
			do   func() error
		}{
			{"both ways", func() error { return c.nodes["litsha21"].Cut("eth1") }},
			{"it hears and is not heard", func() error { return c.nodes["litsha21"].CutOneWay(lab.Outbound, "eth1") }},
			{"it is heard and does not hear", func() error { return c.nodes["litsha21"].CutOneWay(lab.Inbound, "eth1") }},
		} {
			s := c.lab.NewSampler(floating, time.Millisecond)
			if err := cut.do(); err != nil {
				t.Fatal(err)
			}
			c.ownedByOther(floating, "litsha21")
			s.Stop()
			// It lets go by itself, before the others take over.
			t.Logf("%s: %v", cut.what, s.History())
			neverTwice(t, s)
			c.becomes("litsha21", 0, "0\n", "crm_node", "-q")
			if err := c.nodes["litsha21"].Mend("eth1"); err != nil {
				t.Fatal(err)
			}
			c.formed(directors...)
			c.owned(floating, "litsha21")
		}
	})
	c.sub("a node's link is cut", func(t *testing.T, c *cluster) {
		if err := c.nodes["litsha23"].Cut("eth1"); err != nil {
			t.Fatal(err)
		}
		c.becomes("litsha21", 1, "dead\n", "cl_status", "hblinkstatus", "litsha23", "eth1")
		c.becomes("litsha21", 1, "dead\n", "cl_status", "nodestatus", "litsha23")
		c.becomes("litsha23", 0, "0\n", "crm_node", "-q")
		c.want("litsha21", 68, "", "crmadmin", "-S", "litsha23")
		c.want("litsha23", 69, "", "crmadmin", "-D")
		c.says("litsha21", []string{"crm_mon", "-1"}, "Online: [ litsha21 litsha22 ]", "OFFLINE: [ litsha23 ]", "partition with quorum", "eth1 to litsha23 is dead")
		c.says("litsha23", []string{"crm_mon", "-1"}, "Current DC: NONE", "no quorum: 100 of 300 votes", "Lease: not valid")
		c.says("litsha21", []string{"crm_node", "-l"}, "litsha23 lost")
		c.owned(floating, "litsha21")
		if err := c.nodes["litsha23"].Mend("eth1"); err != nil {
			t.Fatal(err)
		}
		c.formed(directors...)
		c.becomes("litsha21", 0, "up\n", "cl_status", "hblinkstatus", "litsha23", "eth1")
	})
	c.sub("a node dies", func(t *testing.T, c *cluster) {
		if err := c.nodes["litsha21"].Crash(); err != nil {
			t.Fatal(err)
		}
		delete(c.daemons, "litsha21")
		owner := c.ownedByOther(floating, "litsha21")
		for _, name := range []string{"litsha22", "litsha23"} {
			c.says(name, []string{"crm_mon", "-1"}, "Online: [ litsha22 litsha23 ]", "OFFLINE: [ litsha21 ]", "Started "+owner,
				"Membership", "Lease: valid", "Exclusion: not guaranteed: not enforced: no watchdog is configured and sysrq is not allowed")
			for _, texts := range [][]string{
				{"heartbeat[", "WARN: node litsha21: is dead"},
				{"heartbeat[", "info: Link litsha21:eth1 dead."},
				{"crmd[", "info: mem_handle_event: Got an event OC_EV_MS_NOT_PRIMARY from ccm"},
				{"crmd[", "info: mem_handle_event: instance=", "nodes=2, new=0, lost=1, n_idx=0, new_idx=2, old_idx=5"},
				{"crmd[", "info: crmd_ccm_msg_callback: Quorum lost after event=NOT PRIMARY (id="},
				{"crmd[", "info: crmd_ccm_msg_callback: Quorum (re)attained after event=NEW MEMBERSHIP (id="},
				{"crmd[", "info: ccm_event_detail: NEW MEMBERSHIP: trans=", "nodes=2, new=0, lost=1 n_idx=0, new_idx=2, old_idx=5"},
				{"crmd[", "info: ccm_event_detail:     CURRENT: litsha22 [nodeid=1, born="},
				{"crmd[", "info: ccm_event_detail:     LOST:    litsha21 [nodeid=0, born="},
				{"cib[", "info: cib_ccm_msg_callback: LOST: litsha21"},
				{"cib[", "info: cib_ccm_msg_callback: PEER: litsha23"},
				{"crmd[", "info: crmd_client_status_callback: Status update: Client litsha21/crmd now has status [offline]"},
				{"crmd[", "info: update_dc: Set DC to litsha2", " (3.16.1)"},
				{"attrd[", "info: attrd_local_callback: Sending full refresh"},
			} {
				c.logged(name, texts...)
			}
		}
		if err := c.nodes["litsha21"].Boot(); err != nil {
			t.Fatal(err)
		}
		c.start("litsha21")
		c.formed(directors...)
		c.owned(floating, "litsha21")
	})
}

// stops goes through planned stops and a daemon that is killed alone.
func (c *cluster) stops() {
	c.sub("the daemon alone is killed where the address is", func(t *testing.T, c *cluster) {
		s := c.lab.NewSampler(floating, time.Millisecond)
		defer s.Stop()
		c.kill("litsha21")
		c.start("litsha21")
		c.formed(directors...)
		c.owned(floating, "litsha21")
		c.says("litsha22", []string{"crm_mon", "-1"}, "Started litsha21")
		neverTwice(t, s)
		// And it is one address, not two.
		if out := c.ok("litsha21", "ip", "-o", "addr", "show", "to", floating.String()); strings.Count(out, "\n") != 1 {
			t.Errorf("addresses on litsha21:\n%s", out)
		}
	})
	c.sub("the daemon alone is killed and comes back late", func(t *testing.T, c *cluster) {
		s := c.lab.NewSampler(floating, time.Millisecond)
		defer s.Stop()
		c.kill("litsha21")
		c.until("another node has taken over", func() (bool, string) {
			got := c.lab.Sample(floating)
			return slices.ContainsFunc(got, func(n string) bool { return n != "litsha21" }), strings.Join(got, " ")
		})
		c.start("litsha21")
		c.formed(directors...)
		c.owned(floating, "litsha21")
		c.says("litsha22", []string{"crm_mon", "-1"}, "Started litsha21\n")
		neverTwice(t, s)
	})
	c.sub("planned stop of the DC", func(t *testing.T, c *cluster) {
		dc := c.dc(directors...)
		c.stop(dc)
		var rest []string
		for _, name := range directors {
			if name != dc {
				rest = append(rest, name)
			}
		}
		c.formed(rest...)
		c.owned(floating, c.ownedByOther(floating, dc))
		c.start(dc)
		c.formed(directors...)
		c.owned(floating, "litsha21")
	})
	c.sub("planned stop of all nodes at once", func(t *testing.T, c *cluster) {
		for _, name := range directors {
			c.signal(name, syscall.SIGTERM)
		}
		for _, name := range directors {
			if code := c.ended(name); code != 0 {
				t.Errorf("the daemon on %s ends with %d", name, code)
			}
		}
		if got := c.lab.Sample(floating); len(got) != 0 {
			t.Errorf("the address stays on %v", got)
		}
		c.form()
		c.owned(floating, "litsha21")
	})
}
