package cib

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const sample = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" admin_epoch="1" epoch="5" num_updates="7">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="o1" name="stonith-enabled" value="false"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="1" uname="n1"/>
    </nodes>
    <resources>
      <!-- first -->
      <primitive id="a" class="ocf" provider="heartbeat" type="Dummy">
        <meta_attributes id="a-meta"><nvpair id="a-m1" name="target-role" value="Started"/></meta_attributes>
        <operations><op id="a-mon" name="monitor" interval="10s"/></operations>
      </primitive>
      <group id="g"><primitive id="b" class="ocf" provider="heartbeat" type="Dummy"/><primitive id="c" class="lsb" type="x"/></group>
    </resources>
    <constraints/>
  </configuration>
  <status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><transient_attributes id="1"><instance_attributes id="status-1"><nvpair id="status-1-fc" name="fail-count-a#monitor_10000" value="3"/><nvpair id="status-1-p" name="pingd" value="100"/></instance_attributes></transient_attributes></node_state></status>
</cib>
`

func TestFind(t *testing.T) {
	root := mustParse(sample)
	lint, _ := exec.LookPath("xmllint")
	file := filepath.Join(t.TempDir(), "sample.xml")
	if err := os.WriteFile(file, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, ids string }{
		{"//primitive", "a b c"},
		{"//primitive[@id='a']", "a"},
		{"//primitive/@id", "a b c"},
		{`//group[@id="g"]/..`, ""},
		{"/cib/status/node_state[@id=1]", "1"},
		{"/cib/status/node_state[@uname='n1']/transient_attributes/instance_attributes/nvpair[starts-with(@name,'fail-count-a#')]", "status-1-fc"},
		{"//nvpair[@name='pingd' and @value > 50]", "status-1-p"},
		{"//nvpair[@name='nope' or not(@value)]", ""},
		{"//group/primitive[2]", "c"},
		{"//primitive[1]", "a b"},
		{"(//primitive)[2]", "b"},
		{"//primitive[last()]", "a c"},
		{"//primitive[position() < 2]", "a b"},
		{"//op | //node", "1 a-mon"},
		{"//*[@class='lsb' or @interval]", "a-mon c"},
		{"//primitive[operations/op[@name='monitor']]", "a"},
		{"descendant::nvpair[contains(@id, '-m')]/ancestor::primitive", "a"},
		{"//primitive[count(preceding-sibling::*) = 1]", "c"},
		{"//comment()/following-sibling::*[1]", "a"},
		{"//nvpair[string-length(@value) * 2 = 6]", "status-1-p"},
		{"//nvpair[translate(@value, 'FALSE', 'false') = 'false']", "o1"},
		{"//nvpair[substring(@name, 1, 4) = 'ping']", "status-1-p"},
		{"//primitive[@type != 'Dummy']", "c"},
		{"//primitive[-1 + 2]", "a b"},
		{"//instance_attributes/nvpair[normalize-space(concat(' ', @name))='pingd']", "status-1-p"},
		{"/*/*/*/*[self::primitive or self::group]", "a g"},
		{"//primitive[../@id = 'g']", "b c"},
		{"//node_state//nvpair[2 div 2]", "status-1-fc"},
	} {
		got, err := Find(root, c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		var ids []string
		for _, e := range got {
			if e.ID() != "" {
				ids = append(ids, e.ID())
			}
		}
		if s := strings.Join(ids, " "); s != c.ids {
			t.Errorf("%s: got %q, want %q", c.path, s, c.ids)
		}
		if lint == "" {
			continue
		}
		// The second opinion counts what the same path selects.
		out, err := exec.Command(lint, "--xpath", "count("+strings.TrimSuffix(c.path, "/@id")+")", file).Output()
		if n := strings.TrimSpace(string(out)); err != nil || n != itoa(len(got)) {
			t.Errorf("%s: we find %d, xmllint %s (%v)", c.path, len(got), n, err)
		}
	}
	if lint == "" {
		t.Log("xmllint is absent: no second opinion")
	}
	for _, bad := range []string{"", "//prim[[", "//primitive[@id='a'", "//primitive[@id='a]", "1 + 1", "//$x", "id('a')", "following::a", "a b", "//", "count(1,2)", "//a[foo()]", strings.Repeat("(", 100), "a::b", "//a[1.2.3]", "..b", "/..|"} {
		if _, err := Find(root, bad); !errors.Is(err, ErrUsage) {
			t.Errorf("%.30q: want an error of use, got %v", bad, err)
		}
	}
	if p := NodePath(root, root.Path("configuration", "resources", "group", "primitive")); p != "/cib/configuration/resources/group[@id='g']/primitive[@id='b']" {
		t.Errorf("path is %s", p)
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{"//a[@b='c']", "(//x)[2]/..|y", "count(//a) > 1", "a[b[c]]/@d", "-1--1", "//*[position()=last()]", "ancestor-or-self::node()", "*[* * *]"} {
		f.Add(s)
	}
	root := mustParse(sample)
	f.Fuzz(func(t *testing.T, path string) {
		if len(path) > 200 {
			return
		}
		found, err := Find(root, path)
		if err != nil && !errors.Is(err, ErrUsage) {
			t.Fatalf("%q: %v", path, err)
		}
		for _, e := range found {
			if NodePath(root, e) == "" && e.Name != "#document" {
				t.Fatalf("%q selects %s, which is not in the document", path, e)
			}
		}
	})
}
