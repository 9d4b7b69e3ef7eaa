package demo

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestEndToEnd builds the program and lets it play the demo: real daemons in
// real namespaces. It asserts which states were reached, not how long it took.
func TestEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short; the run takes half a minute")
	}
	dir := t.TempDir()
	bin, result := filepath.Join(dir, "quorate"), filepath.Join(dir, "result.json")
	build := exec.Command("go", "build", "-o", bin, "github.com/quorate/quorate/cmd/quorate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), bin, "demo", "--json", result).CombinedOutput()
	if err != nil {
		t.Errorf("quorate demo: %v\n%s", err, out)
	}
	b, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if r.DeadtimeMS != shortTimers.dead.Milliseconds() {
		t.Errorf("deadtime %d ms", r.DeadtimeMS)
	}
	checkStates(t, &r)
	if t.Failed() {
		t.Logf("the demo said:\n%s", out)
	}
}
