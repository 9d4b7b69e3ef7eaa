package daemon

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// TestV1Script: a script of the tree of --config-dir comes before one of init.d; what is
// not executable does not count.
func TestV1Script(t *testing.T) {
	seedrow.Shows(t, "002-073")
	dir := t.TempDir()
	own := filepath.Join(dir, "resource.d", "mark")
	if err := os.Mkdir(filepath.Dir(own), 0o755); err != nil {
		t.Fatal(err)
	}
	// Some script of this machine's, under a name that both trees have.
	entries, _ := os.ReadDir("/etc/init.d")
	for _, e := range entries {
		system := filepath.Join("/etc/init.d", e.Name())
		fi, err := os.Stat(system)
		if err != nil || !fi.Mode().IsRegular() || fi.Mode()&0o111 == 0 {
			continue
		}
		own = filepath.Join(dir, "resource.d", e.Name())
		if got := v1Script(dir)(e.Name()); got != system {
			t.Errorf("%s, want %s", got, system)
		}
		if err := os.WriteFile(own, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := v1Script(dir)(e.Name()); got != system {
			t.Errorf("a file that cannot be executed counts: %s", got)
		}
		break
	}
	if err := os.WriteFile(own, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(own, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := v1Script(dir)(filepath.Base(own)); got != own {
		t.Errorf("%s, want %s", got, own)
	}
}
