package campaign

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The campaign in small, on a computer that runs other tests at the same time:
// safety and calm are asked for in full, times three times over.
func TestShort(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short; real daemons take a minute and a half")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("SKIPPED: nft (nftables) is not installed; without it no packet gets lost")
	}
	o := Short()
	o.Binary = filepath.Join(t.TempDir(), "quorate")
	if err := os.Chmod(filepath.Dir(o.Binary), 0o755); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", o.Binary, "github.com/quorate/quorate/cmd/quorate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	o.Parts = []string{"failover", "standby", "steady", "flood", "nodes32", "edits", "kills", "addresses", "idle"}
	o.Crashes, o.Cuts = 2, 2
	text := new(strings.Builder)
	o.Out = text
	r, err := Run(t.Context(), o)
	t.Log(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Parts) != len(o.Parts) {
		t.Fatalf("%d parts were run, want %d", len(r.Parts), len(o.Parts))
	}
	for _, p := range r.Parts {
		if p.Error != "" {
			t.Errorf("seed %d: %s: %s", r.Seed, p.Name, p.Error)
		}
		for _, f := range p.Figures {
			ok := f.OK()
			if f.Limit != nil && f.Unit != "" && f.Unit != "MB" {
				ok = f.Value <= 3**f.Limit
			}
			if p.Name == "flood" && f.Unit == "" {
				ok = true // 75 ms / 300 ms is no promise beside other tests
			}
			if !ok {
				t.Errorf("seed %d: %s: %s is %s %s", r.Seed, p.Name, f.Name, number(f.Value), f.Unit)
			}
		}
	}
}
