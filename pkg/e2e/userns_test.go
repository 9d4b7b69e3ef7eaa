package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemoWithoutRoot: an account without any right sees the demo in a user
// namespace, or one sentence that says which setting of the kernel forbids it.
func TestDemoWithoutRoot(t *testing.T) {
	if os.Getuid() != 0 || !realRoot() {
		t.Skip("SKIPPED: only root can become somebody else")
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("SKIPPED: setpriv (util-linux) is not installed")
	}
	bin := program(t)["/lab/bin/quorate"]
	t.Parallel()
	dir := t.TempDir()
	for d := dir; strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", bin, "demo", "--json", filepath.Join(dir, "result.json"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	err = cmd.Run()
	var exit *exec.ExitError
	if err == nil {
		b, err := os.ReadFile(filepath.Join(dir, "result.json"))
		if err != nil || !bytes.Contains(b, []byte(`"ok": true`)) {
			t.Errorf("the demo ends well, but its result is %v: %s\n%s", err, b, stdout.String())
		}
		return
	}
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	text := strings.TrimSpace(stderr.String())
	if exit.ExitCode() != 1 || strings.Count(text, "\n") != 0 || !strings.Contains(text, "this account cannot build network namespaces") {
		t.Errorf("the demo of an account without rights ends with %v:\n%s%s", err, stdout.String(), text)
	}
	t.Logf("the kernel forbids it here, and the program says so: %s", text)
}

// realRoot reports whether this process is root of the machine, not of a user
// namespace.
func realRoot() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(b)), " ") == "0 0 4294967295"
}
