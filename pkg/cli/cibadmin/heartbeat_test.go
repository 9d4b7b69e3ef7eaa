package cibadmin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const heartbeat2 = `<?xml version="1.0"?>
<!DOCTYPE cib SYSTEM "crm.dtd">
<cib admin_epoch="0" epoch="4" num_updates="9" have_quorum="true" num_peers="2" cib_feature_revision="1.3" ccm_transition="10">
  <configuration>
    <crm_config><cluster_property_set id="o"><attributes><nvpair id="o1" name="symmetric_cluster" value="true"/></attributes></cluster_property_set></crm_config>
    <nodes><node id="n1" uname="a" type="normal"/></nodes>
    <resources><primitive id="p" class="heartbeat" type="apache"><operations><op id="m" name="monitor" interval="5s" timeout="3s"/></operations></primitive></resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
`

// TestHeartbeat2File changes and upgrades a file of the old dialect: what was
// changed is told, and the original stays.
func TestHeartbeat2File(t *testing.T) {
	for _, args := range [][]string{{"--upgrade", "--force"}, {"--modify", "--xml-text", `<nvpair id="o1" value="false"/>`}, {"--bump"}} {
		file := filepath.Join(t.TempDir(), "cib.xml")
		if err := os.WriteFile(file, []byte(heartbeat2), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := run(t, file, "--query"); code != 0 || strings.Contains(out, "<attributes>") {
			t.Errorf("exit code %d\n%s", code, out)
		}
		if old, _ := os.ReadFile(file); string(old) != heartbeat2 {
			t.Fatalf("a query changed the file:\n%s", old)
		}
		out, code := run(t, file, args...)
		if code != 0 || !strings.Contains(out, "the original is kept as "+file+".heartbeat") {
			t.Errorf("%v: exit code %d\n%s", args, code, out)
		}
		if args[0] == "--upgrade" && (!strings.Contains(out, "dropped: <cib> (line 3): ") || !strings.Contains(out, "symmetric-cluster")) {
			t.Errorf("the report lacks something:\n%s", out)
		}
		now, _ := os.ReadFile(file)
		kept, _ := os.ReadFile(file + ".heartbeat")
		if string(kept) != heartbeat2 || strings.Contains(string(now), "<attributes>") || !strings.Contains(string(now), `validate-with="pacemaker-`) {
			t.Errorf("%v: the file is now\n%s\nand the original\n%s", args, now, kept)
		}
		if out, code := run(t, file, "--bump"); code != 0 || out != "" {
			t.Errorf("again: exit code %d\n%s", code, out)
		}
		// A second original never takes the place of the first.
		second := strings.Replace(heartbeat2, `epoch="4"`, `epoch="5"`, 1)
		if err := os.WriteFile(file, []byte(second), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := run(t, file, "--bump"); code != 0 || !strings.Contains(out, ".heartbeat.2") {
			t.Errorf("exit code %d\n%s", code, out)
		}
		if kept, _ := os.ReadFile(file + ".heartbeat"); string(kept) != heartbeat2 {
			t.Errorf("the first original is gone:\n%s", kept)
		}
	}
}
