package agents

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/seedrow"
)

// ownMounts makes sure that what a test mounts stays its own.
func ownMounts(t *testing.T) {
	t.Helper()
	if os.Getenv(inNamespace) == "" {
		t.Skip("SKIPPED: this test mounts and no mount namespace could be made")
	}
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
}

// A disk partition or filesystem; arguments too, as in a line of haresources.
func TestFilesystem(t *testing.T) {
	seedrow.Shows(t, "002-004")
	seedrow.Shows(t, "002-004")
	ownMounts(t)
	dir := filepath.Join(t.TempDir(), "with blank", "data")
	p := map[string]string{"device": "tmpfs", "directory": dir, "fstype": "tmpfs", "options": "size=1m"}
	life(t, "Filesystem", p, wholeLife...)
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the mount point was not made: %v", err)
	}
	v1 := map[string]string{"1": "tmpfs", "2": dir, "3": "tmpfs"}
	life(t, "Filesystem", v1, wholeLife...)
	life(t, "Filesystem", p, step{"start", 0})
	env := map[string]string{}
	for k, v := range p {
		env[k] = v
	}
	a, _ := Lookup("ocf", "quorate", "Filesystem")
	for _, level := range []int{10, 20} {
		if rc := a.Run(t.Context(), "monitor", Env{Instance: "fs", Params: env, CheckLevel: level, Stderr: t.Output()}); rc != 0 {
			t.Errorf("monitor of level %d returned %d", level, rc)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, ".Filesystem_status/fs")); err != nil {
		t.Error(err)
	}
	must(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	if rc := a.Run(t.Context(), "monitor", Env{Instance: "fs", Params: env, CheckLevel: 20, Stderr: t.Output()}); rc != 1 {
		t.Errorf("monitor of a filesystem that became read-only returned %d", rc)
	}
	life(t, "Filesystem", p, step{"stop", 0})
	for _, c := range []struct {
		name, value string
		rc          int
		said        string
	}{
		{"directory", "/", 6, "not the mount point"}, {"directory", "data", 6, "absolute path"}, {"fstype", "", 6, "fstype is missing"},
		{"device", "/dev/quorate-none", 5, "there is no device"}, {"device", "/etc/passwd", 5, "neither a block device nor"},
		{"run_fsck", "often", 6, "not auto, force or no"}, {"fstype", "nonsense", 1, "mounting tmpfs"},
	} {
		bad := map[string]string{}
		for k, v := range p {
			bad[k] = v
		}
		bad[c.name] = c.value
		if rc, said := call(t, "Filesystem", "start", bad); rc != c.rc || !strings.Contains(said, c.said) {
			t.Errorf("%s=%q: start returned %d: %s", c.name, c.value, rc, said)
		}
	}
	if rc, said := call(t, "Filesystem", "monitor", map[string]string{"device": "/dev/quorate-none", "directory": dir, "fstype": "ext4"}); rc != 7 {
		t.Errorf("monitor where the device is missing returned %d: %s", rc, said)
	}
	clone := map[string]string{"device": "/dev/quorate-none", "directory": dir, "fstype": "ext4", "CRM_meta_clone": "0"}
	if rc, said := call(t, "Filesystem", "start", clone); rc != 6 || !strings.Contains(said, "on several nodes") {
		t.Errorf("a clone of ext4 returned %d: %s", rc, said)
	}
}

// A stop ends who uses the filesystem, and those mounted below it go first.
func TestFilesystemStopsItsUsers(t *testing.T) {
	ownMounts(t)
	dir := filepath.Join(t.TempDir(), "data")
	p := map[string]string{"device": "tmpfs", "directory": dir, "fstype": "tmpfs"}
	life(t, "Filesystem", p, step{"start", 0})
	below := filepath.Join(dir, "below")
	must(t, os.Mkdir(below, 0o755))
	must(t, unix.Mount("tmpfs", below, "tmpfs", 0, ""))
	c := exec.Command("sleep", "60")
	c.Dir = below
	must(t, c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	p["force_unmount"] = "false"
	if rc, said := call(t, "Filesystem", "stop", p); rc != 1 || !strings.Contains(said, "busy") {
		t.Errorf("without force_unmount the stop returned %d: %s", rc, said)
	}
	p["force_unmount"] = "safe"
	rc, said := call(t, "Filesystem", "stop", p)
	if rc != 0 || !strings.Contains(said, "sending signal TERM to sleep") {
		t.Errorf("stop returned %d: %s", rc, said)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("who used it: %v", err)
	}
}

// A real filesystem in a file, with fsck before it is mounted.
func TestFilesystemInAFile(t *testing.T) {
	ownMounts(t)
	for _, prog := range []string{"mkfs.ext4", "losetup"} {
		if _, err := exec.LookPath(prog); err != nil {
			t.Skipf("SKIPPED: %s is not installed", prog)
		}
	}
	file, dir := filepath.Join(t.TempDir(), "disk"), t.TempDir()
	must(t, os.WriteFile(file, nil, 0o600))
	must(t, os.Truncate(file, 4<<20))
	if out, err := exec.Command("mkfs.ext4", "-q", file).CombinedOutput(); err != nil {
		t.Fatalf("mkfs: %v: %s", err, out)
	}
	p := map[string]string{"device": file, "directory": dir, "fstype": "ext4", "options": "loop", "run_fsck": "force"}
	if rc, said := call(t, "Filesystem", "start", p); rc != 0 {
		if strings.Contains(said, "loop device") {
			t.Skipf("SKIPPED: no loop device can be had here: %s", said)
		}
		t.Fatalf("start returned %d: %s", rc, said)
	}
	life(t, "Filesystem", p, step{"monitor", 0})
	a, _ := Lookup("ocf", "quorate", "Filesystem")
	if rc := a.Run(t.Context(), "monitor", Env{Instance: "fs", Params: p, CheckLevel: 20, Stderr: t.Output()}); rc != 0 {
		t.Errorf("monitor of level 20 returned %d", rc)
	}
	life(t, "Filesystem", p, step{"stop", 0}, step{"monitor", 7})
}
