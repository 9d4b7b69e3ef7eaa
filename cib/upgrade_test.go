package cib

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hb2Files returns the documents of the old dialect in the shared folder.
func hb2Files(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../shared/conformance/hb2/*.xml")
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: ../shared/conformance/hb2 is absent, so there are no documents to upgrade")
	}
	return files
}

func TestUpgradeSharedDocuments(t *testing.T) {
	grammar := "/usr/share/pacemaker/" + hb2Schema + ".rng"
	lint, err := exec.LookPath("xmllint")
	if _, e := os.Stat(grammar); err != nil || e != nil {
		lint = ""
		t.Log("xmllint or Debian's grammar is absent: the results are not validated by it")
	}
	// These were wrong in the old dialect as well and stay so: a primitive
	// without class, and expressions with an operation of unknown meaning.
	wrong := map[string]bool{"bad3.xml": true, "rsc_location1.xml": true, "rsc_location2.xml": true}
	for _, name := range hb2Files(t) {
		base := filepath.Base(name)
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(data, base)
		if base == "params-1.xml" {
			if err == nil || !strings.HasPrefix(err.Error(), "params-1.xml:29: ") {
				t.Errorf("params-1.xml: want an error with line 29, got %v", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if !IsHeartbeat2(root) {
			t.Errorf("%s is not recognised", base)
			continue
		}
		up, report, err := Upgrade(root)
		if err != nil {
			t.Errorf("%s: %v", base, err)
			continue
		}
		if IsHeartbeat2(up) {
			t.Errorf("%s: the result still looks like Heartbeat 2", base)
		}
		account(t, base, root, up, report)
		if lint != "" {
			out := filepath.Join(t.TempDir(), base)
			// Whether it validates does not depend on the switch in it.
			if err := os.WriteFile(out, Print(up.WithAttr("validate-with", hb2Schema)), 0o600); err != nil {
				t.Fatal(err)
			}
			if msg, err := exec.Command(lint, "--noout", "--relaxng", grammar, out).CombinedOutput(); err != nil {
				if !wrong[base] {
					t.Errorf("%s: %s", base, strings.Join(strings.Split(string(msg), "\n")[:3], "\n  "))
				}
			} else if wrong[base] {
				t.Errorf("%s validates, which was not expected", base)
			}
		}
	}
}

// articleCIB returns the listing of the article with its slashes put back: the
// second opening of a name that is still open was a closing tag.
func articleCIB(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(shared(t, "seeds/003*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, listing, ok := strings.Cut(string(text), "<cib admin_epoch=")
	listing, _, ok2 := strings.Cut(listing, "\n  <cib>\n")
	if !ok || !ok2 {
		t.Fatal("the listing is not in the article")
	}
	var open []string
	lines := strings.Split("<cib admin_epoch="+listing+"\n<cib>", "\n")
	for i, line := range lines {
		tag, ok := strings.CutPrefix(strings.TrimSpace(line), "<")
		if !ok || strings.HasSuffix(tag, "/>") {
			continue
		}
		name := strings.FieldsFunc(tag, func(r rune) bool { return r == ' ' || r == '>' })[0]
		switch {
		case len(open) > 0 && open[len(open)-1] == name:
			open = open[:len(open)-1]
			lines[i] = "</" + name + ">"
		case !strings.Contains(line, "/"):
			// An element that ends in a later line closes itself there.
			if i+1 < len(lines) && !strings.Contains(line, ">") && strings.HasSuffix(strings.TrimSpace(lines[i+1]), "/>") {
				continue
			}
			open = append(open, name)
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

func TestUpgradeOfTheArticle(t *testing.T) {
	root, err := Parse(articleCIB(t), "cib.xml")
	if err != nil {
		t.Fatal(err)
	}
	up, report, err := Upgrade(root)
	if err != nil {
		t.Fatal(err)
	}
	conf := up.First("configuration")
	options := map[string]string{}
	for _, nv := range conf.Path("crm_config", "cluster_property_set").All("nvpair") {
		options[nv.Get("name")] = nv.Get("value")
	}
	for name, want := range map[string]string{"stonith-enabled": "false", "no-quorum-policy": "stop", "cluster-delay": "5min", "symmetric-cluster": "true"} {
		if options[name] != want {
			t.Errorf("option %s is %q, want %q", name, options[name], want)
		}
	}
	if nv := conf.Path("rsc_defaults", "meta_attributes", "nvpair"); nv.Get("name") != "resource-stickiness" || nv.Get("value") != "0" {
		t.Errorf("rsc_defaults has %v", nv)
	}
	for _, n := range conf.First("nodes").Children {
		nv := n.Path("instance_attributes", "nvpair")
		if n.Get("type") != "member" || nv.Get("name") != "standby" || nv.Get("value") != "off" {
			t.Errorf("node is %s", n)
		}
	}
	locations := conf.First("constraints").All("rsc_location")
	if len(locations) != 2 || locations[1].ID() != "my_resource-connected" || locations[1].First("rule").Get("score-attribute") != "pingd" {
		t.Errorf("constraints are %s", conf.First("constraints"))
	}
	seen := map[string]bool{}
	conf.Walk(func(e *Element) bool {
		if id := e.ID(); id != "" && e.Name != "node" {
			if seen[id] || !ValidName(id) {
				t.Errorf("id %s of <%s> is used twice or not valid", id, e.Name)
			}
			seen[id] = true
		}
		return true
	})
	reported := map[string]bool{}
	for _, c := range report {
		if c.Kind == Renamed {
			reported[c.ID] = true
		}
	}
	for _, id := range []string{
		"my_resource:connected", "my_resource:connected:rule", "my_resource:connected:expr:defined",
		"standby-01ca9c3e-8876-4db5-ba33-a25cd46b72b3", "standby-dc9a784f-3325-4268-93af-96d2ab651eac", "standby-114f3ad1-f18a-4bec-9f01-7ecc4d820f6c",
	} {
		if !reported[id] {
			t.Errorf("the report does not name %s", id)
		}
	}
}

// account checks that every element and attribute of the source is in the
// result or in the report.
func account(t *testing.T, name string, from, to *Element, report Report) {
	t.Helper()
	said := map[string]bool{}
	for _, c := range report {
		said[c.Element+" "+itoa(c.Line)] = true
	}
	type key struct {
		line int
		attr string
	}
	have := map[key][]string{}
	to.Walk(func(e *Element) bool {
		for _, a := range e.Attrs {
			have[key{e.Line, ""}] = append(have[key{e.Line, ""}], a.Value)
		}
		return true
	})
	from.Walk(func(e *Element) bool {
		for _, a := range e.Attrs {
			found := false
			for _, v := range have[key{e.Line, ""}] {
				found = found || v == a.Value
			}
			if !found && !said[e.Name+" "+itoa(e.Line)] && !strings.HasPrefix(a.Name, "transition_") {
				t.Errorf("%s:%d: %s=%q of <%s> is neither in the result nor in the report", name, e.Line, a.Name, a.Value, e.Name)
			}
		}
		return true
	})
}

func itoa(n int) string { return strings.TrimSpace(string(appendInt(nil, n))) }

func appendInt(b []byte, n int) []byte {
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

// TestUpgradeRules goes through the mapping of the two dialects, one construct
// each; want must be in the result and say in the report.
func TestUpgradeRules(t *testing.T) {
	config := func(crm, nodes, resources, constraints string) string {
		return `<cib have_quorum="false"><configuration><crm_config>` + crm + `</crm_config><nodes>` + nodes + `</nodes><resources>` + resources +
			`</resources><constraints>` + constraints + `</constraints></configuration><status/></cib>`
	}
	set := func(pairs string) string {
		return `<cluster_property_set id="cib-bootstrap-options"><attributes>` + pairs + `</attributes></cluster_property_set>`
	}
	two := `<primitive id="a" class="ocf" type="D"/><primitive id="b" class="ocf" type="D"/>`
	for _, c := range []struct{ name, src, want, say string }{
		{"the root", config("", "", "", ""), `have-quorum="0"`, "have_quorum is now have-quorum"},
		{"versions", config("", "", "", ""), `admin_epoch="0" epoch="0" num_updates="0"`, "epoch is missing"},
		{"fencing", config("", "", "", ""), `<cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="false"/>`, "stonith-enabled"},
		{"fencing with rules only", config(`<cluster_property_set id="x"><rule id="r"><expression id="e" attribute="#uname" operation="eq" value="n"/></rule><attributes><nvpair id="n" name="stonith_enabled" value="true"/></attributes></cluster_property_set>`, "", "", ""), `<cluster_property_set id="heartbeat-defaults" score="-INFINITY">`, "stonith-enabled"},
		{"a bare option", config(`<nvpair id="o" name="no_quorum_policy" value="ignore"/>`, "", "", ""), `<cluster_property_set id="cib-bootstrap-options"><nvpair id="o" name="no-quorum-policy"`, "outside of any set"},
		{"both spellings", config(set(`<nvpair id="o" name="no_quorum_policy" value="ignore"/><nvpair id="p" name="no-quorum-policy" value="stop"/>`), "", "", ""), `<nvpair id="p" name="no-quorum-policy" value="stop"/>`, "left out because"},
		{"poweroff", config(set(`<nvpair id="o" name="stonith_action" value="poweroff"/>`), "", "", ""), `name="stonith-action" value="off"`, "now off"},
		{"join timeouts", config(set(`<nvpair id="o" name="crmd-integration-timeout" value="3min"/>`), "", "", ""), `name="join-integration-timeout"`, "join-integration-timeout"},
		{"defaults of resources", config(set(`<nvpair id="o" name="default-resource-stickiness" value="infinity"/>`), "", "", ""), `<rsc_defaults><meta_attributes id="rsc-options"><nvpair id="o" name="resource-stickiness" value="INFINITY"/>`, "in rsc_defaults"},
		{"defaults of operations", config(set(`<nvpair id="o" name="default_action_timeout" value="20s"/>`), "", "", ""), `<op_defaults><meta_attributes id="op-options"><nvpair id="o" name="timeout" value="20s"/>`, "in op_defaults"},
		{"failure stickiness", config(set(`<nvpair id="o" name="default_resource_failure_stickiness" value="-INFINITY"/>`), "", "", ""), `name="migration-threshold" value="1"`, "first failure"},
		{"lost failure stickiness", config(set(`<nvpair id="o" name="default_resource_failure_stickiness" value="-50"/>`), "", "", ""), ``, "no equivalent: say after how many failures"},
		{"short names", config(set(`<nvpair id="o" name="short_resource_names" value="true"/>`), "", "", ""), ``, "obsolete"},
		{"an unknown option", config(set(`<nvpair id="o" name="symetric_cluster" value="true"/>`), "", "", ""), `name="symetric_cluster"`, "not known"},
		{"a ping node", config("", `<node id="p" uname="router" type="ping"/>`, "", ""), `<nodes/>`, "ping node"},
		{"provider", config("", "", `<primitive id="a" class="lsb" provider="heartbeat" type="x"/><primitive id="b" class="ocf" type="D"/>`, ""), `<primitive id="a" class="lsb" type="x"/><primitive id="b" class="ocf" type="D" provider="heartbeat"/>`, "no meaning for class lsb"},
		{"class heartbeat", config("", "", `<primitive id="a" class="heartbeat" type="x"/>`, ""), `class="heartbeat"`, "positional"},
		{"XML attributes", config("", "", `<primitive id="a" class="lsb" type="x" is_managed="false" resource_stickiness="5" multiple_active="block" restart_type="restart"/>`, ""), `<meta_attributes id="a-meta_attributes"><nvpair id="a-meta_attributes-is-managed" name="is-managed" value="false"/><nvpair id="a-meta_attributes-resource-stickiness" name="resource-stickiness" value="5"/><nvpair id="a-meta_attributes-multiple-active" name="multiple-active" value="block"/><nvpair id="a-meta_attributes-restart-type" name="restart-type" value="restart"/>`, "is now the meta attribute"},
		{"options among parameters", config("", "", `<primitive id="a" class="lsb" type="x"><instance_attributes id="i"><attributes><nvpair id="t" name="target_role" value="stopped"/><nvpair id="p" name="ip" value="1"/></attributes></instance_attributes></primitive>`, ""), `<meta_attributes id="a-meta_attributes"><nvpair id="t" name="target-role" value="Stopped"/></meta_attributes><instance_attributes id="i"><nvpair id="p" name="ip" value="1"/></instance_attributes>`, "stood among the instance attributes"},
		{"precedence", config("", "", `<primitive id="a" class="lsb" type="x" priority="3"><meta_attributes id="m"><attributes><nvpair id="m1" name="priority" value="2"/></attributes></meta_attributes><instance_attributes id="i"><attributes><nvpair id="i1" name="priority" value="1"/></attributes></instance_attributes></primitive>`, ""), `name="priority" value="3"/></meta_attributes><meta_attributes id="m"><nvpair id="m1" name="priority" value="2"/></meta_attributes><meta_attributes id="a-meta_attributes-2"><nvpair id="i1" name="priority" value="1"/></meta_attributes>`, ""},
		{"a parameter with the name of an option", config("", "", `<primitive id="a" class="lsb" type="x"><instance_attributes id="i"><attributes><nvpair id="t" name="interleave" value="1"/></attributes></instance_attributes></primitive>`, ""), `<instance_attributes id="i"><nvpair id="t" name="interleave" value="1"/></instance_attributes>`, ""},
		{"promotable", config("", "", `<master_slave id="m" notify="true"><instance_attributes id="i"><attributes><nvpair id="n" name="master_max" value="1"/></attributes></instance_attributes><primitive id="a" class="ocf" type="S"/></master_slave>`, ""), `<clone id="m"><meta_attributes id="m-meta_attributes"><nvpair id="m-meta_attributes-notify" name="notify" value="true"/><nvpair id="m-meta_attributes-promotable" name="promotable" value="true"/><nvpair id="m-meta_attributes-globally-unique" name="globally-unique" value="true"/><nvpair id="n" name="promoted-max" value="1"/></meta_attributes>`, "now a clone"},
		{"a second member", config("", "", `<clone id="m" globally_unique="false"><primitive id="a" class="lsb" type="S"/><primitive id="b" class="lsb" type="S"/></clone>`, ""), `<primitive id="a" class="lsb" type="S"/></clone>`, "holds one resource only"},
		{"operations", config("", "", `<primitive id="a" class="lsb" type="S"><operations><op id="o" name="start" timeout="5" prereq="nothing" on_fail="fence" start_delay="0" disabled="false"/><op id="p" name="monitor" interval="5" prereq="nothing" role="Master" on_fail="migrate" disabled="true" role_after_failure="Slave"/></operations></primitive>`, ""), `<op id="o" name="start" timeout="5" on-fail="fence" start-delay="0" enabled="true" interval="0"/><op id="p" name="monitor" interval="5" role="Promoted" on-fail="restart" enabled="false"/>`, "role_after_failure"},
		{"requires", config("", "", `<primitive id="a" class="lsb" type="S"><operations><op id="o" name="start" prereq="quorum"/></operations></primitive>`, ""), `name="requires" value="quorum"`, "requires"},
		{"order after", config("", "", two, `<rsc_order id="o" from="b" to="a" action="promote" type="after" symmetrical="1"/>`), `<rsc_order id="o" first="a" then="b" first-action="promote" then-action="promote" symmetrical="true"/>`, "first="},
		{"order before", config("", "", two, `<rsc_order id="o" from="b" to="a" type="before" action="stop" to_action="start" score="10"/>`), `<rsc_order id="o" first="b" then="a" first-action="stop" then-action="start" kind="Mandatory"/>`, "kind="},
		{"order of negative score", config("", "", two, `<rsc_order id="o" from="b" to="a" score="-1"/>`), `kind="Mandatory"`, "no equivalent"},
		{"colocation", config("", "", two, `<rsc_colocation id="o" from="b" to="a" from_role="slave" to_role="master" score="infinity" symmetrical="true" node_attribute="site"/>`), `<rsc_colocation id="o" rsc="b" with-rsc="a" rsc-role="Unpromoted" with-rsc-role="Promoted" score="INFINITY" node-attribute="site"/>`, "symmetrical"},
		{"a reference to nothing", config("", "", two, `<rsc_colocation id="o" from="b" to="zz" score="1"/>`), `<constraints/>`, "no resource has this id"},
		{"rules", config("", "", two, `<rsc_location id="l" rsc="a"><rule id="r" score="10.0" boolean_op="or" role="master"><expression id="e" attribute="x" operation="lt" value="5"/><date_expression id="d" start="2020-01-01"/></rule></rsc_location>`), `<rule id="r" score="10" boolean-op="or" role="Promoted"><expression id="e" attribute="x" operation="lt" value="5" type="string"/><date_expression id="d" start="2020-01-01" operation="in_range"/></rule>`, "added once for each"},
		{"an empty rule", config("", "", two, `<rsc_location id="l" rsc="a"><rule id="r" score="10"/></rsc_location>`), `operation="defined"`, "read as true"},
		{"a lifetime", config("", "", two, `<rsc_location id="l" rsc="a"><lifetime id="t"><rule id="lr"><date_expression id="le" operation="lt" end="2030-01-01"/></rule></lifetime><rule id="r" score="5"><expression id="e" attribute="#uname" operation="eq" value="n"/></rule></rsc_location>`), `<rule id="r" score="5" boolean-op="and"><rule id="r-rule"><expression id="e" attribute="#uname" operation="eq" value="n"/></rule><rule id="lr"><date_expression id="le" operation="lt" end="2030-01-01"/></rule></rule>`, "lifetime"},
		{"an id with a colon", config("", "", `<primitive id="my:rsc" class="lsb" type="x"/>`, `<rsc_location id="l" rsc="my:rsc" node="n" score="5"/>`), `<rsc_location id="l" rsc="my-rsc"`, "follows the resource"},
		{"ids twice", config(set(`<nvpair id="x" name="no_quorum_policy" value="stop"/>`), "", `<primitive id="x" class="lsb" type="x"/>`, `<rsc_location id="x" rsc="x" node="n" score="5"/>`), `<rsc_location id="x-2" rsc="x"`, "used by <primitive>"},
		{"no ids", config("", "", `<primitive id="x" class="ocf" type="x"><instance_attributes><attributes><nvpair name="ip" value="1"/></attributes></instance_attributes></primitive>`, ""), `<instance_attributes id="x-instance_attributes"><nvpair id="x-instance_attributes-ip" name="ip" value="1"/>`, "has no id"},
		{"no check", `<cib ignore_dtd="true"/>`, `validate-with="none"`, "ignore_dtd"},
		{"no configuration", `<cib generated="true"/>`, `<configuration><crm_config><cluster_property_set`, "no configuration section"},
		{"history", `<cib generated="true"><configuration><resources><primitive id="1a" class="lsb" type="x"/></resources></configuration><status><node_state id="n" ha="active" shutdown="5" in_ccm="true"><lrm><lrm_resources><lrm_resource id="1a"><lrm_rsc_op id="1a_monitor_0" operation="monitor" interval="0" call_id="1" rc_code="7" op_status="0" transition_key="3:uuid" transition_magic="0:7;3:uuid"/></lrm_resource></lrm_resources></lrm></node_state></status></cib>`,
			`<lrm id="n"><lrm_resources><lrm_resource id="id-1a"><lrm_rsc_op id="id-1a_monitor_0" operation="monitor" interval="0" call-id="1" rc-code="7" op-status="0" transition-key="0:3:7:uuid" transition-magic="0:7;0:3:7:uuid"/></lrm_resource></lrm_resources></lrm><transient_attributes id="n"><instance_attributes id="status-n"><nvpair id="status-n-shutdown" name="shutdown" value="5"/>`, "call_id to call-id"},
		{"a fragment", `<rsc_colocation id="o" from="my:b" to="a" score="1"/>`, `<rsc_colocation id="o" rsc="my-b" with-rsc="a" score="1"/>`, "from is now rsc"},
		{"options as a fragment", `<cluster_property_set id="s"><attributes><nvpair id="o" name="default_resource_stickiness" value="0"/></attributes></cluster_property_set>`, `name="default_resource_stickiness"`, "belongs into rsc_defaults"},
	} {
		root := mustParse(c.src)
		if !IsHeartbeat2(root) {
			t.Errorf("%s: not recognised", c.name)
			continue
		}
		up, report, err := Upgrade(root)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !strings.Contains(up.String(), c.want) {
			t.Errorf("%s: got\n%s\nwant in it\n%s", c.name, Print(up), c.want)
		}
		said := false
		for _, r := range report {
			said = said || strings.Contains(r.Sentence, c.say)
		}
		if !said {
			t.Errorf("%s: the report does not say %q: %v", c.name, c.say, report)
		}
		if root.Name == "cib" && !strings.Contains(c.src, "empty") {
			for _, p := range Check(up) {
				if p.Severity == Error {
					t.Errorf("%s: the result is not valid: %s\n%s", c.name, p, Print(up))
				}
			}
		}
	}
}

func TestIsHeartbeat2(t *testing.T) {
	for src, want := range map[string]bool{
		sample: false,
		`<cib validate-with="transitional-0.6"/>`:                                                 true,
		`<cib validate-with="pacemaker-0.6"/>`:                                                    true,
		`<cib validate-with="pacemaker-1.0"><configuration><master_slave/></configuration></cib>`: false,
		`<primitive id="a" class="ocf" type="x"/>`:                                                false,
		`<node id="a" uname="a" type="normal"/>`:                                                  true,
		`<master_slave id="m"/>`:                                                                  true,
		`<cib><configuration/></cib>`:                                                             false,
	} {
		if got := IsHeartbeat2(mustParse(src)); got != want {
			t.Errorf("%.60s: %v", src, got)
		}
	}
	if _, _, err := Upgrade(nil); err == nil {
		t.Error("an upgrade of nothing succeeds")
	}
}

func FuzzUpgrade(f *testing.F) {
	files, _ := filepath.Glob("../../shared/conformance/hb2/*.xml")
	for i, name := range files {
		if data, err := os.ReadFile(name); err == nil && i%5 == 0 && len(data) < 10000 {
			f.Add(data)
		}
	}
	f.Add([]byte(`<cib generated="1"><configuration><resources><master_slave id="1"><group id="1" ordered="0"><primitive id=":" class="ocf"/></group></master_slave></resources></configuration></cib>`))
	f.Add([]byte(`<rsc_location id="a" rsc="b:c"><lifetime><rule/></lifetime><rule boolean_op="or"/></rsc_location>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := Parse(data, "f")
		if err != nil {
			return
		}
		upgradeHolds(t, root, data)
	})
}

// inStatus tells whether an element is in something named status or node_state.
func inStatus(root, e *Element) bool {
	for _, x := range pathTo(root, e) {
		if !inConfig(x) {
			return true
		}
	}
	return false
}

// upgradeHolds checks what every upgrade must keep to.
func upgradeHolds(t *testing.T, root *Element, data []byte) {
	t.Helper()
	before := root.String()
	up, report, err := Upgrade(root)
	if err != nil {
		t.Fatal(err)
	}
	if root.String() != before {
		t.Fatal("the source changed")
	}
	if up == root {
		return
	}
	if len(report) == 0 && !Equal(up, root) && root.Name == "cib" {
		t.Fatalf("a change without a report:\n%s\n%s", root, up)
	}
	second, _, err := Upgrade(mustParse(string(data)))
	if err != nil || !Equal(up, second) {
		t.Fatalf("the same document gave two results (%v)", err)
	}
	if back, err := Parse(Print(up), "again"); err != nil || !Equal(back, up) {
		t.Fatalf("the result does not survive printing (%v): %s", err, up)
	}
	if root.Name == "cib" {
		ids := map[string]bool{}
		up.First("configuration").Walk(func(e *Element) bool {
			if id := e.ID(); id != "" && idNeeded[e.Name] > 0 && e.Name != "node_state" {
				if inStatus(up, e) {
					return true
				}
				if ids[id] || !ValidName(id) {
					t.Fatalf("id %q of <%s> is not valid or used twice: %s", id, e.Name, up)
				}
				ids[id] = true
			}
			return true
		})
	}
	if _, _, err := Downgrade(up); err != nil {
		t.Fatal(err)
	}
	Check(up)
	Check(root)
}

// TestUpgradeOfMutants upgrades documents of the old dialect in which one thing
// after the other is changed at random. QUORATE_SEED replays a run.
func TestUpgradeOfMutants(t *testing.T) {
	files := hb2Files(t)
	seed := uint64(os.Getpid())
	if s := os.Getenv("QUORATE_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("QUORATE_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	for range 40 {
		name := files[rng.IntN(len(files))]
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(data, name)
		if err != nil || len(data) > 12000 {
			continue
		}
		for n := range 10 {
			var what string
			if root, what = words(root).mutate(root, rng); root.First("configuration") == nil {
				break
			}
			upgradeHolds(t, root, Print(root))
			if t.Failed() {
				t.Fatalf("%s after %d changes, the last: %s", name, n+1, what)
			}
		}
	}
}
