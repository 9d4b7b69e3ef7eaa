package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/lab"
	"github.com/quorate/quorate/pkg/seedrow"
)

// pairHacf is the ha.cf of two directors, without ping nodes.
var pairHacf = strings.NewReplacer("node litsha23\n", "", "ping litrout71_vip\n", "",
	"respawn hacluster /usr/lib/heartbeat/pingd -m 100 -d 300ms\n", "").Replace(hacf)

const oneAddress = `<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr">
  <instance_attributes id="ip-a"><nvpair id="ip-a-ip" name="ip" value="192.168.71.205"/><nvpair id="ip-a-nic" name="nic" value="eth0"/></instance_attributes>
  <operations><op id="ip-mon" name="monitor" interval="5s"/></operations>
</primitive>`

// address has the cluster run the floating address, and returns its node and a
// sampler that looks every millisecond.
func (c *cluster) address(names ...string) (owner string, s *lab.Sampler) {
	c.t.Helper()
	c.ok(names[0], "cibadmin", "-M", "-c", "-o", "crm_config", "-X", options)
	c.ok(names[0], "cibadmin", "-C", "-o", "resources", "-X", oneAddress)
	owner = c.ownedByOther(floating, "")
	s = c.lab.NewSampler(floating, time.Millisecond)
	c.t.Cleanup(s.Stop)
	return owner, s
}

// whole waits for one view of these nodes and tells how long it took.
func (c *cluster) whole(since time.Time, names ...string) time.Duration {
	c.t.Helper()
	c.until("one view with quorum", func() (bool, string) {
		seen := ""
		for _, name := range names {
			p, q := c.run(name, "crm_node", "-p"), c.run(name, "crm_node", "-q")
			seen += p.String() + q.String()
			if len(strings.Fields(p.out)) != len(names) || q.out != "1\n" {
				return false, seen
			}
		}
		return true, ""
	})
	return time.Since(since)
}

// TestArbiter: a pair with a third voter survives the loss of a node and a full
// cut, and never runs the address twice.
func TestArbiter(t *testing.T) {
	seedrow.Shows(t, "002-040")
	t.Parallel()
	pair := []string{"litsha21", "litsha22"}
	c := newCluster(t, pair...)
	conf := pairHacf + "arbiter litarb\nucast eth1 192.168.68.210\n"
	for _, name := range pair {
		c.write(name, "/etc/ha.d/ha.cf", conf, 0o600)
	}
	c.add("litarb", lab.Link{Name: "eth1", Segment: "heartbeat", Addr: prefix("192.168.68.%d/24", 210)})
	c.write("litarb", "/etc/ha.d/ha.cf", conf, 0o600)
	c.write("litarb", "/etc/ha.d/authkeys", authkeys, 0o600)
	arbiter := func() {
		t.Helper()
		p, err := c.nodes["litarb"].Start("/lab/bin/quorate", "arbiter")
		if err != nil {
			t.Fatal(err)
		}
		c.daemons["litarb"] = p
	}
	if r := c.run("litsha21", "/lab/bin/quorate", "run", "--node", "litarb"); r.code == 0 || !strings.Contains(r.err, "litarb is an arbiter: it runs no resources; start it with: quorate arbiter") {
		t.Errorf("an arbiter started as a node: %v", r)
	}
	arbiter()
	c.form()
	c.want("litsha21", 0, "arbiter\n", "cl_status", "nodetype", "litarb")
	c.becomes("litsha21", 0, "active\n", "cl_status", "nodestatus", "litarb")
	if r := c.run("litsha21", "crm_mon", "-1"); strings.Contains(r.out, "litarb") || strings.Contains(r.out, "exclusion not guaranteed: the quorum plug-in") {
		t.Errorf("the arbiter is no node, and the pair's exclusion is sound: %v", r)
	}
	owner, sampler := c.address(pair...)
	defer neverTwice(t, sampler)

	c.sub("the owner dies", func(t *testing.T, c *cluster) {
		if err := c.nodes[owner].Crash(); err != nil {
			t.Fatal(err)
		}
		delete(c.daemons, owner)
		next := c.ownedByOther(floating, owner)
		c.want(next, 0, "1\n", "crm_node", "-q")
		if err := c.nodes[owner].Boot(); err != nil {
			t.Fatal(err)
		}
		c.start(owner)
		c.formed(pair...)
		owner = next
	})
	c.sub("the cable of the owner is cut", func(t *testing.T, c *cluster) {
		if err := c.nodes[owner].Cut("eth1"); err != nil {
			t.Fatal(err)
		}
		next := c.ownedByOther(floating, owner)
		c.becomes(owner, 0, "0\n", "crm_node", "-q")
		c.owned(floating, next)
		mended := time.Now()
		if err := c.nodes[owner].Mend("eth1"); err != nil {
			t.Fatal(err)
		}
		if d := c.whole(mended, pair...); d > 2*time.Second+patience/8 {
			t.Errorf("quorum is whole %v after the cut mends, want 2s", d)
		} else {
			t.Logf("quorum is whole %v after the cut mends", d)
		}
		owner = next
	})
	c.sub("the arbiter stops and returns", func(t *testing.T, c *cluster) {
		c.stop("litarb")
		c.becomes("litsha21", 1, "dead\n", "cl_status", "nodestatus", "litarb")
		c.formed(pair...)
		c.owned(floating, owner)
		arbiter()
		c.becomes("litsha21", 0, "active\n", "cl_status", "nodestatus", "litarb")
		c.formed(pair...)
		c.owned(floating, owner)
	})
	c.logged("litarb", "Starting arbiter litarb")
	u, err := c.nodes["litarb"].Usage()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the arbiter's machine uses %.1f MB for %v", float64(u.RSS)/1e6, u.Commands)
}

// TestVoters: nodes are added to and removed from a running cluster; one that was
// removed, or lists others, does not count and is shown.
func TestVoters(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, name := range []string{"litsha21", "litsha22"} {
		c.write(name, "/etc/ha.d/ha.cf", pairHacf, 0o600)
	}
	c.write("litsha23", "/etc/ha.d/ha.cf", pairHacf+"node litsha23\n", 0o600)
	c.start("litsha21", "litsha22")
	c.formed("litsha21", "litsha22")
	mon := func(text string) {
		t.Helper()
		c.says("litsha21", []string{"crm_mon", "-1"}, text)
	}

	c.sub("hb_addnode", func(t *testing.T, c *cluster) {
		c.start("litsha23")
		c.until("the unknown node is without quorum", func() (bool, string) {
			r := c.run("litsha23", "crm_node", "-q")
			return r.out == "0\n", r.String()
		})
		c.want("litsha22", 0, "", "hb_addnode", "litsha23")
		c.formed(directors...)
		c.want("litsha22", 0, "", "hb_addnode", "litsha23") // it is there already
	})
	c.sub("hb_delnode", func(t *testing.T, c *cluster) {
		r := c.run("litsha21", "hb_delnode", "litsha23")
		if r.code == 0 || !strings.Contains(r.err, "litsha23 is a member of the view; stop it before it is removed") {
			t.Errorf("a live node was removed: %v", r)
		}
		c.stop("litsha23")
		c.formed("litsha21", "litsha22")
		c.want("litsha22", 0, "", "hb_delnode", "litsha23")
		c.start("litsha23")
		mon("litsha23 beats, but it was removed from the cluster; hb_addnode litsha23 takes it back")
		c.becomes("litsha23", 0, "0\n", "crm_node", "-q")
		c.logged("litsha23", "this node was removed from the cluster")
		c.formed("litsha21", "litsha22")
		// It remembers when it starts again.
		c.kill("litsha23")
		c.start("litsha23")
		c.until("the removed node knows it", func() (bool, string) {
			r := c.run("litsha23", "crm_node", "-q")
			return r.out == "0\n", r.String()
		})
		c.want("litsha21", 0, "", "hb_addnode", "LITSHA23")
		c.formed(directors...)
	})
	c.sub("another list", func(t *testing.T, c *cluster) {
		c.stop("litsha23")
		c.write("litsha23", "/etc/ha.d/ha.cf", pairHacf+"node litsha23\nnode litsha24\n", 0o600)
		c.start("litsha23")
		mon("ha.cf of litsha23 names other nodes, weights or arbiters than the cluster has agreed on (litsha21, litsha22, litsha23): it does not count")
		c.stop("litsha23")
		c.write("litsha23", "/etc/ha.d/ha.cf", pairHacf+"node litsha23\n", 0o600)
		c.start("litsha23")
		c.formed(directors...)
	})
	c.sub("a lost disk", func(t *testing.T, c *cluster) {
		c.kill("litsha23")
		if err := os.RemoveAll(c.nodes["litsha23"].Disk("/var/lib/heartbeat/cluster.db")); err != nil {
			t.Fatal(err)
		}
		c.start("litsha23")
		c.formed(directors...)
		c.anyLogged("admitting the store", "of litsha23", "litsha21", "litsha22")
		// Its vote counts again: two of three are enough with it.
		c.kill("litsha22")
		c.formed("litsha21", "litsha23")
		// Who starts knows the node that is not in its ha.cf from its own store.
		c.start("litsha22")
		c.formed(directors...)
	})
}

// TestAutojoin: a node that is in nobody's ha.cf, its own included, becomes a
// member, gets a vote, and keeps both.
func TestAutojoin(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, name := range directors {
		c.write(name, "/etc/ha.d/ha.cf", pairHacf+"autojoin any\n", 0o600)
	}
	c.start("litsha21", "litsha22")
	c.formed("litsha21", "litsha22")
	c.start("litsha23")
	c.formed(directors...)
	c.anyLogged("admitting litsha23, which autojoin lets in", "", "litsha21", "litsha22")
	c.kill("litsha22")
	c.formed("litsha21", "litsha23")
	c.start("litsha22")
	c.formed(directors...)
}

// anyLogged waits until one of the nodes has logged a line with both texts.
func (c *cluster) anyLogged(a, b string, names ...string) {
	c.t.Helper()
	c.until(fmt.Sprintf("%q %q in a log", a, b), func() (bool, string) {
		for _, name := range names {
			if len(matching(c.log(name), a, b)) > 0 {
				return true, ""
			}
		}
		return false, ""
	})
}

// TestPingVeto: in a pair the side without the ping node lets go, and the other
// one takes over, without any fencing.
func TestPingVeto(t *testing.T) {
	seedrow.Shows(t, "002-039")
	t.Parallel()
	pair := []string{"litsha21", "litsha22"}
	c := newCluster(t, pair...)
	for _, name := range pair {
		c.write(name, "/etc/ha.d/ha.cf", pairHacf+"ping litrout71_vip\n", 0o600)
	}
	c.form()
	owner, sampler := c.address(pair...)
	defer neverTwice(t, sampler)
	if err := c.nodes[owner].Cut(); err != nil {
		t.Fatal(err)
	}
	next := c.ownedByOther(floating, owner)
	c.want(next, 0, "1\n", "crm_node", "-q")
	c.becomes(owner, 0, "0\n", "crm_node", "-q")
	c.says(owner, []string{"crm_mon", "-1"}, "no ping node answers, so that the tie is not broken")
	if err := c.nodes[owner].Mend(); err != nil {
		t.Fatal(err)
	}
	c.formed(pair...)
	c.owned(floating, next)
	c.signal(next, syscall.SIGTERM)
	c.ended(next)
	c.owned(floating, owner)
}

// TestPairCut: a pair without a third witness that is fully cut runs the address
// twice, says so beforehand, and cures that when the cut mends: one owner within
// one view, which tells the network again; no change is lost silently.
func TestPairCut(t *testing.T) {
	seedrow.Shows(t, "002-028", "002-033", "004-032")
	t.Parallel()
	pair := []string{"litsha21", "litsha22"}
	c := newCluster(t, pair...)
	for _, name := range pair {
		c.write(name, "/etc/ha.d/ha.cf", pairHacf, 0o600)
	}
	c.form()
	c.says("litsha21", []string{"crm_mon", "-1"}, "not guaranteed: the quorum plug-in twonodes gives quorum to each half of a partition")
	owner, _ := c.address(pair...)
	other := c.other(owner)
	if err := c.nodes[owner].Cut("eth1"); err != nil {
		t.Fatal(err)
	}
	c.until("two owners", func() (bool, string) {
		got := c.lab.Sample(floating)
		return len(got) == 2, fmt.Sprint(got)
	})
	// Both halves change the configuration; the second one more.
	c.ok(owner, "cibadmin", "-M", "-c", "-o", "crm_config", "-X", `<cluster_property_set id="cut-o"><nvpair id="cut-o-x" name="stop-all-resources" value="false"/></cluster_property_set>`)
	for _, v := range []string{"11", "12", "13"} {
		c.ok(other, "cibadmin", "-M", "-c", "-o", "crm_config", "-X", `<cluster_property_set id="cut-n"><nvpair id="cut-n-x" name="batch-limit" value="`+v+`"/></cluster_property_set>`)
	}
	view := func() (n int) {
		fmt.Sscanf(c.ok(owner, "crm_mon", "-1")[strings.Index(c.ok(owner, "crm_mon", "-1"), "sees view "):], "sees view %d", &n)
		return n
	}
	// The router knows the address from the one that will be wrong.
	mac := func(name string) string {
		return strings.TrimSpace(c.ok(name, "cat", "/sys/class/net/eth0/address"))
	}
	c.ok("litrout71", "ip", "neigh", "replace", floating.String(), "dev", "eth0", "lladdr", "02:00:00:00:00:99", "nud", "reachable")
	before := view()
	mended := time.Now()
	if err := c.nodes[owner].Mend("eth1"); err != nil {
		t.Fatal(err)
	}
	c.formed(pair...)
	c.until("one owner", func() (bool, string) {
		got := c.lab.Sample(floating)
		return len(got) == 1, fmt.Sprint(got)
	})
	t.Logf("one owner %v after the cut mends, view %d before, %d now", time.Since(mended), before, view())
	left := c.lab.Sample(floating)[0]
	c.same(pair...)
	c.owned(floating, left)
	c.until("the router hears of the owner unasked", func() (bool, string) {
		out := c.ok("litrout71", "ip", "neigh", "show", floating.String())
		return strings.Contains(out, mac(left)), out
	})
	// The half that changed less gave way; its configuration is kept and shown.
	if out := c.configuration(owner); !strings.Contains(out, `value="13"`) || strings.Contains(out, "cut-o") {
		t.Errorf("the configuration of the half that changed more is used:\n%s", out)
	}
	c.says(owner, []string{"crm_mon", "-1"}, "both halves of the cluster changed the configuration while they were apart: the one of this node was not used and is kept in /var/lib/heartbeat/conflicts/")
	if out := c.ok(owner, "sh", "-c", "cat /var/lib/heartbeat/conflicts/*.xml"); !strings.Contains(out, "cut-o") {
		t.Errorf("the configuration that was kept lacks the change:\n%s", out)
	}
}
