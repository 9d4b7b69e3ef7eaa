package e2e

import (
	"os"
	"strings"
	"testing"
)

// TestMemory changes the configuration, looks back, rolls back, and plans a
// change before it is made.
func TestMemory(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	c.until("all nodes in the configuration", func() (bool, string) {
		out := c.ok("litsha22", "cibadmin", "-Q", "-o", "nodes")
		return strings.Count(out, "<node ") == 3, out
	})
	version := func() string {
		out := c.ok("litsha22", "quorate", "cib", "log", "-n", "1")
		v, _, _ := strings.Cut(out, " ")
		return v
	}
	c.ok("litsha21", "crm_attribute", "-n", "stonith-enabled", "-v", "false")
	c.ok("litsha21", "cibadmin", "-C", "-o", "resources", "--why", "first service", "-X", `<primitive id="one" class="ocf" provider="heartbeat" type="Dummy"/>`)
	c.says("litsha22", []string{"quorate", "cib", "log"}, "root with cibadmin on litsha21: first service")
	v1 := version()
	c.ok("litsha23", "crm_attribute", "-n", "no-quorum-policy", "-v", "ignore")
	c.ok("litsha23", "cibadmin", "-D", "-o", "resources", "-X", `<primitive id="one"/>`)
	c.says("litsha22", []string{"quorate", "cib", "diff", v1}, `/primitive[@id='one']: is gone`, `no-quorum-policy`)
	c.says("litsha22", []string{"quorate", "cib", "show", v1}, `<primitive id="one"`)

	// What another node missed is there when it has caught up.
	c.kill("litsha23")
	c.ok("litsha22", "quorate", "cib", "rollback", v1, "--why", "back to the first")
	out := c.ok("litsha22", "cibadmin", "-Q", "-o", "configuration")
	if !strings.Contains(out, `<primitive id="one"`) || strings.Contains(out, "no-quorum-policy") {
		t.Errorf("after the rollback:\n%s", out)
	}
	c.says("litsha21", []string{"quorate", "cib", "log", "-n", "1"}, "back to the first")
	if got := c.ok("litsha22", "quorate", "cib", "rollback", v1); !strings.Contains(got, "is that of "+v1+" already") {
		t.Error(got)
	}
	c.start("litsha23")
	c.formed(directors...)
	c.says("litsha23", []string{"quorate", "cib", "diff", v1}, "")
	v2 := version()
	c.says("litsha23", []string{"quorate", "cib", "log", "-n", "1"}, v2)

	// A plan shows what it does and changes nothing; it is good once.
	want := strings.Replace(c.ok("litsha22", "cibadmin", "-Q"), `<primitive id="one"`, `<primitive id="two" class="ocf" provider="heartbeat" type="Dummy"/><primitive id="one"`, 1)
	want = strings.Replace(want, `<constraints/>`, `<constraints><rsc_location id="l" rsc="two" node="litsha22" score="10"/></constraints>`, 1)
	c.write("litsha22", "/var/lib/new.xml", want, os.FileMode(0o600))
	got := c.ok("litsha22", "quorate", "cib", "plan", "/var/lib/new.xml", "--out", "/var/lib/plan.xml")
	for _, text := range []string{"Changes of configuration " + v2 + ":\n", `primitive[@id='two']: is new`, "* Start      two     ( litsha22 )"} {
		if !strings.Contains(got, text) {
			t.Errorf("the plan does not say %q:\n%s", text, got)
		}
	}
	if v := version(); v != v2 {
		t.Errorf("the plan changed the configuration from %s to %s", v2, v)
	}
	c.ok("litsha22", "quorate", "cib", "apply", "/var/lib/plan.xml", "--why", "as planned")
	c.says("litsha23", []string{"crm_mon", "-1"}, "two\t(ocf:heartbeat:Dummy):\t Started litsha22")
	c.says("litsha23", []string{"quorate", "cib", "log", "-n", "1"}, "as planned")
	if r := c.run("litsha22", "quorate", "cib", "apply", "/var/lib/plan.xml"); r.code != 103 || !strings.Contains(r.String(), "the change was made for version "+v2) {
		t.Error(r)
	}
	if r := c.run("litsha22", "quorate", "cib", "show", "7.7"); r.code != 105 || !strings.Contains(r.String(), "not in the memory of this node: 7.7") {
		t.Error(r)
	}
	c.write("litsha22", "/var/lib/bad.xml", `<configuration><crm_config/><nodes/><resources/><constraints><rsc_location id="l" rsc="ghost" node="n" score="1"/></constraints></configuration>`, os.FileMode(0o600))
	if r := c.run("litsha22", "quorate", "cib", "plan", "/var/lib/bad.xml"); r.code != 78 || !strings.Contains(r.String(), "ghost") {
		t.Error(r)
	}
}
