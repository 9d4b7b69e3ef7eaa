package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/ccm"
)

// TestForcedEdits: the administrator of the last survivor is not locked out, and
// nothing of what was written vanishes.
func TestForcedEdits(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	at := c.dc(directors...)
	others := []string{c.other(at), c.other(at, c.other(at))}
	set := func(name, value string, more ...string) result {
		return c.run(name, append([]string{"cibadmin", "-M", "-c", "-o", "crm_config", "-X",
			fmt.Sprintf(`<cluster_property_set id="cib-bootstrap-options"><nvpair id="opt-x" name="x" value=%q/></cluster_property_set>`, value)}, more...)...)
	}
	shows := func(value string, names ...string) {
		t.Helper()
		for _, n := range names {
			c.until("option x is "+value+" on "+n, func() (bool, string) {
				r := c.run(n, "cibadmin", "-Q", "-A", "//nvpair[@id='opt-x']")
				return strings.Contains(r.out, `value="`+value+`"`), r.String()
			})
		}
	}
	lonely := func() {
		t.Helper()
		c.kill(others...)
		c.until(at+" is without quorum", func() (bool, string) {
			r := c.run(at, "crm_node", "-q")
			return r.out == "0\n", r.String()
		})
		// One of the two may be counted as dead a moment before the other.
		c.until(at+" counts both as dead", func() (bool, string) {
			r := set(at, "refused")
			return strings.Contains(r.err, others[0]) && strings.Contains(r.err, others[1]), r.String()
		})
	}

	lonely()
	c.unchanged(t, func() result { return set(at, "refused") }, at, exitQuorum, "no quorum", others[0], others[1])
	for _, v := range []string{"one", "two"} {
		if r := set(at, v, "--force"); r.code != 0 || !strings.Contains(r.err, "written on "+at+" alone, because there is no quorum") {
			t.Fatalf("a forced change: %v", r)
		}
	}
	shows("two", at)
	c.says(at, []string{"crm_mon", "-1"}, "was written by force without quorum")
	c.kill(at) // it is on the disk
	c.start(at)
	shows("two", at)
	c.start(others...)
	c.formed(directors...)
	shows("two", directors...)
	c.same(directors...)
	c.logged(at, "is the cluster's now")

	// Both sides change something: nothing vanishes.
	lonely()
	if r := set(at, "mine", "--force"); r.code != 0 {
		t.Fatal(r)
	}
	c.kill(at)
	c.start(others...)
	c.formed(others...)
	for _, v := range []string{"a", "b", "theirs"} {
		if r := set(others[0], v); r.code != 0 {
			t.Fatal(r)
		}
	}
	c.start(at)
	c.formed(directors...)
	shows("theirs", directors...)
	c.says(at, []string{"crm_mon", "-1"}, "was changed by force without quorum and elsewhere too")
	files, err := filepath.Glob(filepath.Join(c.nodes[at].Disk("/var/lib/heartbeat"), ccm.ConflictDir, "forced-*.xml"))
	if err != nil || len(files) != 1 {
		t.Errorf("what lost is kept in %v (%v)", files, err)
	}
}
