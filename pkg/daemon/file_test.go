package daemon

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/cib"
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

// TestLargeFileWaits changes a large configuration every five seconds for ten minutes:
// cib.xml is written for the first version, every few minutes, and when the
// daemon ends; a small one is written each time.
func TestLargeFileWaits(t *testing.T) {
	for _, c := range []struct {
		name     string
		bytes    int
		min, max int
	}{{"small", 1000, 115, 120}, {"large", 2 << 20, 4, 7}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "crm"), 0o755); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				var said bytes.Buffer
				f := newCIBFile(dir, slog.New(slog.NewTextHandler(&said, nil)))
				go f.run()
				version := func(n int) *cib.Element {
					root, err := cib.Parse(fmt.Appendf(nil, `<cib admin_epoch="0" epoch="%d" num_updates="0"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/><!--%s--></cib>`, n, strings.Repeat("x", c.bytes)), "cib")
					if err != nil {
						t.Fatal(err)
					}
					return root
				}
				for n := 1; n <= 120; n++ {
					f.save(version(n))
					time.Sleep(5 * time.Second)
				}
				f.close(context.Background())
				if n := strings.Count(said.String(), "write_cib_contents"); n < c.min || n > c.max {
					t.Errorf("written %d times, not %d to %d", n, c.min, c.max)
				}
				text, err := os.ReadFile(f.path)
				if err != nil || !strings.Contains(string(text), `epoch="120"`) {
					t.Errorf("the last version is not in the file (%v)", err)
				}
			})
		})
	}
}
