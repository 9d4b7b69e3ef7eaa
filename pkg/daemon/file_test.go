package daemon

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCandidateOfOldDialect offers a cib.xml of Heartbeat 2 to the cluster: the
// log accounts for it, and the original is kept.
func TestCandidateOfOldDialect(t *testing.T) {
	const text = `<cib admin_epoch="0" epoch="4" num_updates="9" num_peers="2"><configuration>
<crm_config/><nodes/>
<resources><primitive id="p" class="heartbeat" type="apache"/></resources><constraints/></configuration><status/></cib>`
	path := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	root, err := candidate(path, false, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil || root.Path("configuration", "resources", "primitive") == nil {
		t.Fatalf("%v %v", err, root)
	}
	if kept, err := os.ReadFile(path + ".heartbeat"); err != nil || string(kept) != text {
		t.Errorf("%v: %s", err, kept)
	}
	for _, want := range []string{"num_peers", "the original is kept as " + path + ".heartbeat", "offered to the cluster"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, said.String())
		}
	}
}
