package node_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/attr"
	"github.com/quorate/quorate/pkg/cli/node"
)

const twoNodes = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1">
  <configuration>
    <crm_config/>
    <nodes><node id="1" uname="alpha"/><node id="2" uname="beta"/></nodes>
    <resources><primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/></resources>
    <constraints/>
  </configuration>
  <status>
    <node_state id="1" uname="alpha" in_ccm="true" crmd="online" join="member" expected="member">
      <transient_attributes id="1"><instance_attributes id="status-1"><nvpair id="status-1-fc" name="fail-count-web#monitor_10000" value="2"/></instance_attributes></transient_attributes>
      <lrm id="1"><lrm_resources><lrm_resource id="web" class="ocf" provider="heartbeat" type="Dummy">
        <lrm_rsc_op id="web_last_failure_0" operation_key="web_monitor_10000" operation="monitor" crm_feature_set="3.16.1" transition-key="1:1:0:7a3b7b6b-6b7c-4d5e-9b8a-1c2d3e4f5a6b" transition-magic="0:7;1:1:0:7a3b7b6b-6b7c-4d5e-9b8a-1c2d3e4f5a6b" call-id="5" rc-code="7" op-status="0" interval="10000" op-digest="x"/>
      </lrm_resource></lrm_resources></lrm>
    </node_state>
    <node_state id="2" uname="beta" in_ccm="false" crmd="offline" join="down" expected="down"/>
  </status>
</cib>
`

// TestLocalDocument runs the commands that know nodes on a file and on a copy of
// the configuration, where no daemon is: they answer from it, and change it alone.
func TestLocalDocument(t *testing.T) {
	dir := t.TempDir()
	commands := map[string]func(*cli.Env) *cobra.Command{"crm_node": node.NewCrmNode, "crm_standby": node.NewCrmStandby, "crm_failcount": attr.NewCrmFailcount}
	for _, where := range []struct{ variable, value, file string }{
		{"CIB_file", filepath.Join(dir, "cib.xml"), filepath.Join(dir, "cib.xml")},
		{"CIB_shadow", "trial", filepath.Join(dir, "shadow.trial")},
	} {
		t.Setenv("CIB_file", "")
		t.Setenv("CIB_shadow", "")
		t.Setenv("CIB_shadow_dir", dir)
		t.Setenv(where.variable, where.value)
		if err := os.WriteFile(where.file, []byte(twoNodes), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			line string
			code int
			want string
		}{
			{"crm_node -l", 0, "1 alpha member\n2 beta lost\n"},
			{"crm_node -p", 0, "alpha\n"},
			{"crm_node -q", 0, "1\n"},
			{"crm_node -N 2", 0, "beta\n"},
			{"crm_node -N 3", cli.ExitNoHost, "no node has the id"},
			{"crm_node -e", cli.ExitUnavailable, "ask the running cluster"},
			{"crm_standby -G -N beta", 0, "scope=status  name=standby value=off\n"},
			{"crm_standby -v true -N beta", 0, ""},
			{"crm_standby -G -N beta", 0, "scope=nodes  name=standby value=on\n"},
			{"crm_standby -G -N beta -Q", 0, "on\n"},
			{"crm_standby -D -N beta", 0, "Deleted nodes attribute: id=nodes-2-standby name=standby\n"},
			{"crm_standby -G -N beta -Q", 0, "off\n"},
			{"crm_standby -v on -N gamma", cli.ExitNoSuchObject, "Could not map name=gamma to a UUID"},
			{"crm_failcount -G -r web -N alpha", 0, "scope=status  name=fail-count-web value=2\n"},
			{"crm_failcount -D -r web -N alpha", 0, "Dry run: skipping clean-up of web on alpha due to CIB_file\n"},
			{"crm_failcount -D -r none -N alpha", cli.ExitNoSuchObject, "Resource 'none' not found"},
			{"crm_node -R beta --force", 0, ""},
			{"crm_node -l", 0, "1 alpha member\n"},
			{"crm_node -R beta --force", cli.ExitNoHost, "Node beta is not known to cluster"},
		} {
			words := strings.Fields(c.line)
			var out bytes.Buffer
			env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, RunDir: filepath.Join(dir, "no-daemon")}
			code := cli.Run(env, commands[words[0]](env), words[1:])
			if exact := strings.HasSuffix(c.want, "\n") || c.want == ""; code != c.code || exact && out.String() != c.want || !strings.Contains(out.String(), c.want) {
				t.Errorf("%s=%s %s: exit code %d\n%s", where.variable, where.value, c.line, code, out.String())
			}
		}
		if data, _ := os.ReadFile(where.file); strings.Contains(string(data), "beta") {
			t.Errorf("the removed node is in the file still:\n%s", data)
		}
	}
}
