package oracle_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/simulate"
)

const small = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
    <nodes><node id="1" uname="n1"/></nodes>
    <resources><primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/></resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
`

// TestJSON sees that JSON holds what the XML form of the same command holds.
func TestJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(file, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CIB_file", file)
	for line, want := range map[string][]string{
		"crm_mon -1":                          {"nodes", "resources", "summary"},
		"crm_resource -L":                     {"resources"},
		"crm_verify -x " + file:               nil,
		"crm_verify -x " + file + ".none":     nil,
		"crm_attribute -G -n stonith-enabled": {"attribute"},
		"crm_attribute -G -n nothing":         nil,
		"crm_node -l":                         {"node"},
		"crm_node -q":                         {"quorum"},
		"crm_node -N 9":                       nil,
		"crm_standby -G -N n1":                {"attribute"},
		"crm_standby -G -N none":              nil,
		"crm_failcount -G -r a -N n1":         {"attribute"},
		"crm_failcount -D -r a -N n1":         nil,
		"attrd_updater -Q -n a":               nil,
		"crmadmin -N":                         {"nodes"},
		"crm_simulate -x " + file + " -S":     {"actions", "cluster_status"},
	} {
		words := append(strings.Fields(line), "--output-as=json")
		var s said
		if words[0] == "crm_simulate" {
			var out bytes.Buffer
			s.code = simulate.Run(&cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}, words[1:])
			s.out = out.String()
		} else {
			s = ours(words)
		}
		var got struct {
			Status []struct{ Code string }
		}
		var all map[string]any
		if err := json.Unmarshal([]byte(s.out), &got); err != nil || len(got.Status) != 1 || json.Unmarshal([]byte(s.out), &all) != nil {
			t.Errorf("%s: %v\n%s%s", line, err, s.out, s.err)
			continue
		}
		if (got.Status[0].Code == "0") != (s.code == 0) {
			t.Errorf("%s: exit code %d, in the document %s", line, s.code, got.Status[0].Code)
		}
		for _, key := range want {
			if all[key] == nil {
				t.Errorf("%s: there is no %q in\n%s", line, key, s.out)
			}
		}
	}
}
