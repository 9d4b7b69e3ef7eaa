package stonith

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/cli"
)

// TestFencingIsNotPretended sees that nothing claims to have fenced a node, and
// that the sentence tells why, with the code that belongs to it.
func TestFencingIsNotPretended(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cib.xml")
	t.Setenv("CIB_file", file)
	t.Setenv("CIB_shadow", "")
	for device, want := range map[string]struct {
		code int
		text string
	}{
		"": {cli.ExitNoSuchObject, "no fence device is configured that can reach n1"},
		`<primitive id="f" class="stonith" type="fence_dummy"><instance_attributes id="i"><nvpair id="h" name="pcmk_host_list" value="n2 n3"/></instance_attributes></primitive>`: {cli.ExitNoSuchObject, "no fence device is configured that can reach n1"},
		`<primitive id="f" class="stonith" type="fence_dummy"><instance_attributes id="i"><nvpair id="h" name="pcmk_host_list" value="n1 n2"/></instance_attributes></primitive>`: {exitUnimplemented, "the device f is configured, but this cluster has no fencing service yet"},
	} {
		doc := `<cib validate-with="pacemaker-3.7" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes><resources>` + device + `</resources><constraints/></configuration><status/></cib>`
		if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		for option, verb := range map[string]string{"-F": "--fence", "-U": "--unfence", "-B": "--reboot"} {
			var out, errs bytes.Buffer
			env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
			code := cli.Run(env, New(env), []string{option, "n1"})
			if code != want.code || !strings.Contains(errs.String(), verb+" n1 was not done: ") || !strings.Contains(errs.String(), want.text) {
				t.Errorf("%s n1 with %q: exit code %d, %q", option, device, code, errs.String())
			}
		}
	}
}
