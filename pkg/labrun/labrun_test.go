package labrun

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/sim"
)

// One file drives the simulator and real daemons.
func TestOneFileDrivesBoth(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short; the run takes a quarter of a minute")
	}
	const file = "testdata/short.txt"
	sc, err := sim.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sim.Run(sc, sim.Options{Seed: 1})
	if err != nil || r.Violation != nil {
		t.Fatalf("in the simulator: %v %v", err, r.Violation)
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("SKIPPED: nft is missing, which cuts and losses need (package nftables)")
	}
	bin := filepath.Join(t.TempDir(), "quorate")
	build := exec.Command("go", "build", "-o", bin, "github.com/quorate/quorate/cmd/quorate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), bin, "lab", "run", file).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "is missing") || strings.Contains(string(out), "not permitted") {
			t.Skipf("SKIPPED: no namespaces here: %s", out)
		}
		t.Fatalf("quorate lab run: %v\n%s", err, out)
	}
	if n := strings.Count(string(out), "as expected:"); n != 4 {
		t.Errorf("%d expectations were looked at, want 4:\n%s", n, out)
	}
}

// What only the simulator can do is refused by name.
func TestRefusedByName(t *testing.T) {
	sc, err := sim.Parse([]byte("nodes 3\nat 1s delay 1s for 2s\nat 2s clock n1 jump 1h\nat 3s disk n1 torn\nat 4s crash n1\nend at 5s"), "x", os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	err = Refuse(sc)
	if !errors.Is(err, ErrRefused) || !strings.HasSuffix(err.Error(), "line 2: delay; line 3: clock jump; line 4: disk torn") {
		t.Errorf("%v", err)
	}
}
