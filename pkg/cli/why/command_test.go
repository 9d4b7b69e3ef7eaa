package why

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
)

const web = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1">
 <configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
 <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"><instance_attributes id="n3-a"><nvpair id="n3-s" name="standby" value="on"/></instance_attributes></node></nodes>
 <resources><primitive id="webfs" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="webfs-meta"><nvpair id="webfs-stick" name="resource-stickiness" value="200"/></meta_attributes></primitive>
  <primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/></resources>
 <constraints><rsc_location id="loc-1" rsc="webfs" node="n1" score="100"/><rsc_colocation id="with-fs" rsc="web" with-rsc="webfs" score="INFINITY"/></constraints></configuration>
 <status>
 <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources/></lrm></node_state>
 <node_state id="3" uname="n3" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="3"><lrm_resources/></lrm></node_state>
 <node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="2"><lrm_resources><lrm_resource id="webfs" class="ocf" provider="heartbeat" type="Dummy"><lrm_rsc_op id="webfs_last_0" operation="start" operation_key="webfs_start_0" call-id="2" rc-code="0" op-status="0" interval="0" transition-key="1:1:0:4a4a4a4a-4a4a-4a4a-4a4a-4a4a4a4a4a4a" transition-magic="0:0;1:1:0:4a4a4a4a-4a4a-4a4a-4a4a-4a4a4a4a4a4a"/></lrm_resource></lrm_resources></lrm></node_state>
 </status></cib>`

// call runs one of the two commands on the document.
func call(t *testing.T, build func(*cli.Env) *cobra.Command, xml string, args ...string) (out, errs string, code int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(file, []byte(xml), 0o600); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &o, Stderr: &e, RunDir: t.TempDir()}
	code = cli.Run(env, build(env), append([]string{"--xml-file", file}, args...))
	return o.String(), e.String(), code
}

func TestSentenceComesFirstThenTheSum(t *testing.T) {
	for _, c := range []struct {
		build func(*cli.Env) *cobra.Command
		args  []string
		first string
		also  []string
	}{
		{New, []string{"webfs"}, "webfs stays on n2: stickiness 200 outweighs location loc-1's 100 for n1",
			[]string{"+200  stickiness webfs-stick (resource-stickiness)  = 200  <- decides", "+100  location loc-1  = 100", "(in standby)"}},
		{New, []string{"webfs", "n1"}, "webfs does not run on n1, but on n2: stickiness 200 outweighs location loc-1's 100 for n1", nil},
		{NewNot, []string{"webfs", "n3"}, "webfs does not run on n3: the node is in standby", nil},
		{NewNot, []string{"webfs", "N2"}, "It does: webfs is to run on n2: stickiness 200 outweighs", nil},
		{NewNot, []string{"web", "n1"}, "web does not run on n1: colocation with-fs with webfs (-INFINITY)", []string{"<- decides"}},
	} {
		out, errs, code := call(t, c.build, web, c.args...)
		if code != 0 || errs != "" || !strings.HasPrefix(out, c.first) {
			t.Errorf("%v: code %d, %q, output %q, want it to start with %q", c.args, code, errs, out, c.first)
		}
		for _, s := range c.also {
			if !strings.Contains(out, s) {
				t.Errorf("%v: %q is missing in\n%s", c.args, s, out)
			}
		}
	}
}

func TestJSONHoldsTheSum(t *testing.T) {
	out, errs, code := call(t, New, web, "webfs", "--json")
	var w pengine.Why
	if code != 0 || json.Unmarshal([]byte(out), &w) != nil {
		t.Fatalf("code %d, %s, %s", code, errs, out)
	}
	if w.Deciding == nil || w.Deciding.ID != "webfs-stick" || len(w.Scores) != 3 || w.Scores[1].Score != 200 {
		t.Errorf("%+v", w)
	}
}

func TestUnknownNamesAreSaid(t *testing.T) {
	if _, errs, code := call(t, New, web, "nix"); code != cli.ExitNoSuchObject || !strings.Contains(errs, "webfs") {
		t.Errorf("code %d, %q", code, errs)
	}
	if _, errs, code := call(t, NewNot, web, "webfs", "n9"); code != cli.ExitNoSuchObject || !strings.Contains(errs, "n1, n2, n3") {
		t.Errorf("code %d, %q", code, errs)
	}
	if _, errs, code := call(t, NewNot, web, "webfs"); code == 0 || errs == "" {
		t.Errorf("a node is needed: code %d, %q", code, errs)
	}
	if _, errs, code := call(t, New, "<cib>\n<configuration>\n</cib>", "webfs"); code != cli.ExitDataErr || !strings.Contains(errs, ":3:") {
		t.Errorf("code %d, %q", code, errs)
	}
}
