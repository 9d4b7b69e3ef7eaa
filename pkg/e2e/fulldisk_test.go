package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestFullDisk: where the file system of the state directory is full a node
// takes no changes and says so, but stays a member, answers and stores what the
// others decide; a DC gives way. When there is room again all is as before.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	const state = "/var/lib/heartbeat"
	c := newCluster(t)
	for _, name := range directors {
		if r := c.sh(name, "mkdir -p "+state+" && mount -t tmpfs -o size=12m tmpfs "+state); r.code != 0 {
			t.Skipf("SKIPPED: no small file system can be mounted in a node of the lab: %v", r)
		}
	}
	c.form()
	set := func(name, value string) result {
		return c.run(name, "cibadmin", "-M", "-c", "-o", "crm_config", "-X",
			fmt.Sprintf(`<cluster_property_set id="cib-bootstrap-options"><nvpair id="opt-x" name="x" value=%q/></cluster_property_set>`, value))
	}
	shows := func(value string, names ...string) {
		t.Helper()
		for _, n := range names {
			c.says(n, []string{"cibadmin", "-Q", "-A", "//nvpair[@id='opt-x']"}, `value="`+value+`"`)
		}
	}
	fill := func(name string) {
		t.Helper()
		if r := c.sh(name, "cat /dev/zero > "+state+"/filler 2>&1; df --output=avail "+state+" | tail -1"); strings.TrimSpace(r.out[strings.LastIndex(strings.TrimSpace(r.out), "\n")+1:]) != "0" {
			t.Fatalf("%s is not full: %v", name, r)
		}
		c.says(name, []string{"crm_mon", "-1"}, name+": the file system of "+state+" is full (", "free some space there")
		for _, other := range directors {
			if other != name {
				c.says(other, []string{"crm_mon", "-1"}, name+" says that the file system of its state directory is full")
			}
		}
	}
	empty := func(name string) {
		t.Helper()
		if r := c.sh(name, "rm "+state+"/filler"); r.code != 0 {
			t.Fatal(r)
		}
		c.until(name+" takes changes again", func() (bool, string) {
			r := set(name, "again-"+name)
			return r.code == 0, r.String()
		})
		shows("again-"+name, directors...)
	}
	refused := func(name string) {
		t.Helper()
		c.unchanged(t, func() result { return set(name, "refused") }, name, exitIOErr, "cannot be changed through this node", "the file system of "+state+" is full (", "free of 12 MB", "free some space there, or run the command on another node")
	}

	dc := c.dc(directors...)
	member := c.other(dc)
	fill(member)
	view := c.ok(member, "crm_node", "-e")
	refused(member)
	for i := range 60 {
		if r := set(dc, fmt.Sprint("m", i)); r.code != 0 {
			t.Fatal(r)
		}
	}
	shows("m59", directors...) // the one that is full, too
	if now := c.ok(member, "crm_node", "-e"); now != view {
		t.Errorf("view %s became %s while the disk of a member was full", view, now)
	}
	empty(member)

	fill(dc)
	refused(dc)
	rest := slices.DeleteFunc(slices.Clone(directors), func(n string) bool { return n == dc })
	c.until("another DC", func() (bool, string) {
		now := c.dc(directors...)
		return now != dc, now
	})
	c.formed(directors...)
	for _, name := range rest {
		if r := set(name, "by "+name); r.code != 0 {
			t.Fatal(r)
		}
		shows("by "+name, directors...)
	}
	// Its daemon can even start, and joins.
	c.kill(dc)
	c.start(dc)
	c.formed(directors...)
	refused(dc)
	empty(dc)
	c.same(directors...)
	c.until("cib.xml on "+dc, func() (bool, string) {
		r := c.sh(dc, "cat "+cibFile)
		return strings.Contains(r.out, "again-"+dc), r.String()
	})
}
