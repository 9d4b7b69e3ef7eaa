package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/quorate/quorate/cib"
)

// Exit codes of the commands.
const (
	exitUsage    = 64
	exitSoftware = 70
	exitConfig   = 78
	exitNoObject = 105
	exitQuorum   = 107
	exitIOErr    = 74
	exitExists   = 108
)

// options is a configuration that needs no fencing.
const options = `<cluster_property_set id="cib-bootstrap-options"><nvpair id="opt-stonith" name="stonith-enabled" value="false"/></cluster_property_set>`

// dummy is a resource that is never started.
func dummy(id string) string {
	return fmt.Sprintf(`<primitive id=%q class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="%s-meta"><nvpair id="%s-role" name="target-role" value="Stopped"/></meta_attributes></primitive>`, id, id, id)
}

// unchanged fails if a command changes the configuration, or does not fail with
// this code and a text.
func (c *cluster) unchanged(t *testing.T, r func() result, name string, code int, texts ...string) {
	t.Helper()
	before := c.configuration(name)
	got := r()
	if got.code != code || got.out != "" && !strings.HasPrefix(got.out, "<failed>") {
		t.Errorf("want exit code %d: %v", code, got)
	}
	for _, text := range texts {
		if !strings.Contains(got.err, text) {
			t.Errorf("the sentence lacks %q: %v", text, got)
		}
	}
	if after := c.configuration(name); after != before {
		t.Errorf("a refused change has changed something: %v\nbefore:\n%s\nafter:\n%s", got, before, after)
	}
}

// TestEdits: cibadmin on a member that is not the DC.
func TestEdits(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	dc := c.dc(directors...)
	at := c.other(dc)
	third := c.other(dc, at)

	c.sub("create, modify, replace, delete", func(t *testing.T, c *cluster) {
		c.ok(at, "cibadmin", "-M", "-c", "-o", "crm_config", "-X", options)
		c.ok(at, "cibadmin", "-C", "-o", "resources", "-X", dummy("text"))
		c.write(at, "/var/lib/file.xml", dummy("file"), 0o600)
		c.ok(at, "cibadmin", "-C", "-o", "resources", "-x", "/var/lib/file.xml")
		c.write(at, "/var/lib/stdin.xml", dummy("stdin"), 0o600)
		c.ok(at, "sh", "-c", "cibadmin -C -o resources -p </var/lib/stdin.xml")
		// The change is acknowledged: every node of the view shows it.
		c.same(directors...)
		for _, id := range []string{"text", "file", "stdin"} {
			if out := c.ok(third, "cibadmin", "-Q", "--xpath", "//primitive[@id='"+id+"']"); !strings.HasPrefix(out, `<primitive id="`+id+`"`) {
				t.Errorf("query of %s:\n%s", id, out)
			}
		}
		c.ok(at, "cibadmin", "-M", "-o", "resources", "-X", `<primitive id="text"><meta_attributes id="text-meta"><nvpair id="text-prio" name="priority" value="7"/></meta_attributes></primitive>`)
		out := c.ok(at, "cibadmin", "-Q", "--xpath", "//primitive[@id='text']")
		if !strings.Contains(out, `name="priority" value="7"`) || !strings.Contains(out, `name="target-role"`) {
			t.Errorf("-M must merge:\n%s", out)
		}
		c.ok(at, "cibadmin", "-R", "-o", "resources", "-X", dummy("text"))
		if out := c.ok(at, "cibadmin", "-Q", "--xpath", "//primitive[@id='text']"); strings.Contains(out, "priority") {
			t.Errorf("-R must replace:\n%s", out)
		}
		c.ok(at, "cibadmin", "-D", "-X", `<primitive id="file"/>`)
		c.ok(at, "cibadmin", "-D", "--xpath", "//primitive[@id='stdin']")
		out = c.ok(at, "cibadmin", "-Q", "-o", "resources")
		if !strings.HasPrefix(out, "<resources>") || strings.Count(out, "<primitive ") != 1 || !strings.Contains(out, `id="text"`) {
			t.Errorf("-Q -o resources:\n%s", out)
		}
		// A whole document: what is queried can be given back.
		c.ok(at, "sh", "-c", "cibadmin -Q >/var/lib/all.xml && sed -i 's/id=\"text/id=\"whole/' /var/lib/all.xml && cibadmin -R -x /var/lib/all.xml")
		// The third node is told, but nobody waits for its disk.
		c.says(third, []string{"cibadmin", "-Q", "-o", "resources"}, `id="whole"`)
		if out := c.ok(third, "cibadmin", "-Q", "-o", "resources"); strings.Contains(out, `"text"`) {
			t.Errorf("the replaced document:\n%s", out)
		}
		if r := c.run(at, "cibadmin", "-Q", "--xpath", "//primitive[@id='text']"); r.code != exitNoObject || r.out != "" {
			t.Errorf("a query that finds nothing: %v", r)
		}
	})

	c.sub("bad changes", func(t *testing.T, c *cluster) {
		bad := func(code int, argv []string, texts ...string) {
			t.Helper()
			c.unchanged(t, func() result { return c.run(at, append([]string{"cibadmin"}, argv...)...) }, third, code, texts...)
		}
		bad(exitConfig, []string{"-C", "-o", "constraints", "-X", `<rsc_location id="l" rsc="nothing" node="litsha21" score="1"/>`}, "nothing", "l")
		bad(exitExists, []string{"-C", "-o", "resources", "-X", dummy("whole")}, "whole")
		bad(exitConfig, []string{"-C", "-o", "resources", "-X", strings.Replace(dummy("twice"), "twice-meta", "whole-meta", 1)}, "whole-meta")
		bad(exitConfig, []string{"-C", "-o", "resources", "-X", `<primitive id="open">`}, "command line:1")
		bad(0, []string{"-D", "-X", `<primitive id="nothing"/>`}) // as Pacemaker: it is not there
		bad(exitNoObject, []string{"-M", "-o", "resources", "-X", dummy("nothing")}, "nothing")
		bad(exitSoftware, []string{"-C", "-o", "resources"}, "-X")
		bad(exitUsage, []string{"-C", "-o", "nowhere", "-X", dummy("x")}, "nowhere")
		bad(exitConfig, []string{"-R", "-x", "/var/lib/missing.xml"}, "missing.xml")
		c.write(at, "/var/lib/listing4.xml", listing4(t), 0o600)
		bad(exitConfig, []string{"-R", "-x", "/var/lib/listing4.xml"}, "/var/lib/listing4.xml:", "slash")
	})

	c.sub("two clients on two nodes", func(t *testing.T, c *cluster) {
		const each = 8
		results := make(chan result, 2*each)
		var wg sync.WaitGroup
		for _, name := range []string{at, third} {
			wg.Go(func() {
				for i := range each {
					results <- c.run(name, "cibadmin", "-C", "-o", "resources", "-X", dummy(fmt.Sprintf("%s-%d", name, i)))
				}
			})
		}
		wg.Wait()
		close(results)
		for r := range results {
			if r.code != 0 {
				t.Error(r)
			}
		}
		c.same(directors...)
		root, err := cib.Parse([]byte(c.ok(dc, "cibadmin", "-Q", "-o", "resources")), "cibadmin -Q")
		if err != nil {
			t.Fatal(err)
		}
		if n := len(root.All("primitive")); n != 2*each+1 {
			t.Errorf("%d resources after %d changes of two clients:\n%s", n, 2*each, cib.Print(root))
		}
	})

	c.sub("SIGKILL of all daemons", func(t *testing.T, c *cluster) {
		c.ok(at, "cibadmin", "-C", "-o", "resources", "-X", dummy("last"))
		c.kill(directors...)
		c.form()
		c.same(directors...)
		if out := c.ok(third, "cibadmin", "-Q", "-o", "resources"); !strings.Contains(out, `id="last"`) || strings.Count(out, "<primitive ") != 2*8+2 {
			t.Errorf("an acknowledged change is lost:\n%s", out)
		}
	})

	c.sub("power loss of all nodes", func(t *testing.T, c *cluster) {
		c.ok(at, "cibadmin", "-C", "-o", "resources", "-X", dummy("power"))
		for _, name := range directors {
			if err := c.nodes[name].Crash(); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range directors {
			if err := c.nodes[name].Boot(); err != nil {
				t.Fatal(err)
			}
		}
		c.form()
		c.same(directors...)
		if out := c.ok(third, "cibadmin", "-Q", "-o", "resources"); !strings.Contains(out, `id="power"`) {
			t.Errorf("an acknowledged change is lost:\n%s", out)
		}
	})

	c.sub("without quorum", func(t *testing.T, c *cluster) {
		c.kill(dc, third)
		c.says(at, []string{"crm_node", "-q"}, "0\n")
		c.unchanged(t, func() result { return c.run(at, "cibadmin", "-C", "-o", "resources", "-X", dummy("alone")) }, at, exitQuorum, "quorum")
		c.unchanged(t, func() result { return c.run(at, "crm_standby", "-v", "on") }, at, exitQuorum, "quorum")
		c.says(at, []string{"crm_mon", "-1"}, "Current DC: NONE", "OFFLINE: [ ", "no quorum: 100 of 300 votes", "Lease: not valid")
	})
}
