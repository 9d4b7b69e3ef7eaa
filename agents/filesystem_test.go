package agents

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A filesystem in use is released by killing its users, and nobody else.
func TestFilesystemRelease(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		t.Skip("SKIPPED: this test mounts and no mount namespace could be made")
	}
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	dir := filepath.Join(t.TempDir(), "with blank")
	must(t, os.Mkdir(dir, 0o755))
	for range 2 { // twice, one above the other
		must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	begin := func(in string) *exec.Cmd {
		c := exec.Command("sleep", "60")
		c.Dir = in
		must(t, c.Start())
		t.Cleanup(func() { _ = c.Process.Kill() })
		return c
	}
	inside, outside := begin(dir), begin("/")
	rel, ok := LookupReleaser("ocf", "heartbeat", "Filesystem")
	if !ok {
		t.Fatal("nothing releases filesystems")
	}
	env := Env{Params: map[string]string{"directory": dir + "/"}, Stderr: io.Discard}
	must(t, rel.Release(env))
	if m, err := isMounted(dir); m || err != nil {
		t.Errorf("mounted: %v, %v", m, err)
	}
	if err := inside.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("who used it: %v", err)
	}
	if err := outside.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("who did not use it: %v", err)
	}
	must(t, rel.Release(env)) // idempotent
	for _, bad := range []string{"", "/", "data"} {
		if err := rel.Release(Env{Params: map[string]string{"directory": bad}}); err == nil {
			t.Errorf("directory %q is released", bad)
		}
	}
}

func TestUnescapeMount(t *testing.T) {
	for in, want := range map[string]string{`/a`: "/a", `/a\040b`: "/a b", `/a\134b\`: `/a\b\`, `\999`: `\999`} {
		if got := unescapeMount(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// FuzzUnescapeMount never grows a path, and leaves one without escapes alone.
func FuzzUnescapeMount(f *testing.F) {
	f.Add(`/a\040b\134`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := unescapeMount(s); len(got) > len(s) || !strings.Contains(s, `\`) && got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}
