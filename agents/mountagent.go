package agents

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mountAgent is the agent Filesystem; by force its filesystem is taken away by
// [filesystem].
type mountAgent struct {
	standard
	filesystem
}

func newFilesystem() *mountAgent {
	a := &mountAgent{}
	a.standard = standard{
		separate: true,
		meta: metaData{
			name: "Filesystem", shortdesc: "Manages filesystem mounts",
			longdesc: "Mounts a filesystem on a directory and unmounts it again, with the processes that use it ended before where needed.",
			params: []metaParam{
				{name: "device", typ: "string", required: true, shortdesc: "Block device", longdesc: "What to mount: a block device, LABEL=, UUID=, a server's export, or a word for filesystems without a device."},
				{name: "directory", typ: "string", required: true, unique: true, shortdesc: "Mount point", longdesc: "Mount point. It is made when it does not exist."},
				{name: "fstype", typ: "string", required: true, shortdesc: "Filesystem type"},
				{name: "options", typ: "string", shortdesc: "Options", longdesc: "Options of mount -o; bind and loop among them."},
				{name: "statusfile_prefix", typ: "string", def: ".Filesystem_status/", shortdesc: "Status file prefix", longdesc: "Where below the mount point a monitor of level 20 writes its file."},
				{name: "run_fsck", typ: "string", def: "auto", shortdesc: "Whether to check the filesystem", longdesc: "auto: before mounting, for types that keep no journal. force: before mounting, for every type. no: never."},
				{name: "fast_stop", typ: "boolean", def: "no", shortdesc: "Fast stop", longdesc: "Whether processes are killed at once, not asked to end before."},
				{name: "force_clones", typ: "boolean", def: "false", shortdesc: "Allow a clone of any type", longdesc: "Whether a filesystem may be mounted on several nodes at a time although its type is not made for it."},
				{name: "force_unmount", typ: "string", def: "true", shortdesc: "End the processes that use it", longdesc: "true: processes that use the filesystem are ended before it is unmounted. safe: the same, without asking the kernel for what may block. false: a busy filesystem makes the stop fail."},
			},
			actions: usualActions("60s", "60s", "40s", "20s"),
		},
		args:  []string{"device", "directory", "fstype", "options"},
		check: checkMount,
		actions: map[string]action{
			"start": mountStart, "stop": mountStop, "monitor": mountMonitor, "validate-all": mountValidate, "notify": func(context.Context, *request) error { return nil },
		},
	}
	return a
}

// clusterTypes are filesystems that several nodes may mount.
var clusterTypes = []string{"ocfs2", "gfs", "gfs2", "nfs", "nfs4", "glusterfs", "ceph", "cifs", "smbfs", "none", "lustre", "cvfs", "tmpfs", "overlay"}

// journals are types whose mount repairs them.
var journals = []string{"ext3", "ext4", "reiserfs", "xfs", "jfs", "btrfs", "bcachefs", "f2fs", "vxfs", "zfs", "ocfs2", "gfs", "gfs2", "lustre",
	"nfs", "nfs4", "cifs", "smbfs", "glusterfs", "ceph", "tmpfs", "overlay", "none", "squashfs", "erofs", "iso9660"}

// mountPoint is the directory as the kernel names it: without links, which it
// resolves itself when mounting.
func mountPoint(c *request) string {
	dir := filepath.Clean(c.str("directory"))
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return dir
}

func checkMount(c *request) error {
	dir := c.str("directory")
	if !filepath.IsAbs(dir) || filepath.Clean(dir) == "/" {
		return badSpec("directory=%q is not the mount point of a resource: give an absolute path below /", dir)
	}
	switch v := c.str("run_fsck"); v {
	case "auto", "force", "no":
	default:
		return badSpec("run_fsck=%q is not auto, force or no", v)
	}
	if v := c.str("force_unmount"); !isTrue(v) && !isFalse(v) && v != "safe" {
		return badSpec("force_unmount=%q is not true, safe or false", v)
	}
	if c.Params["CRM_meta_clone"] != "" && !slices.Contains(clusterTypes, c.str("fstype")) && !c.yes("force_clones") {
		return badSpec("a clone would mount %s, a filesystem of type %s, on several nodes and destroy it; force_clones=true says that this cannot be", c.str("device"), c.str("fstype"))
	}
	return nil
}

func mountValidate(context.Context, *request) error { return nil }

// bindOf tells whether directories are joined rather than a device mounted.
func bindOf(c *request) bool {
	opts := strings.Split(c.str("options"), ",")
	return slices.Contains(opts, "bind") || slices.Contains(opts, "rbind")
}

// deviceless tells whether the device is a word only.
func deviceless(c *request) bool {
	dev := c.str("device")
	return bindOf(c) || !strings.HasPrefix(dev, "/")
}

func mountStart(ctx context.Context, c *request) error {
	dir, dev := mountPoint(c), c.str("device")
	mounted, err := isMounted(dir)
	if err != nil {
		return err
	}
	if mounted {
		c.info("Filesystem %s is already mounted.", dir)
		return nil
	}
	if !deviceless(c) {
		st, err := os.Stat(dev)
		if err != nil {
			return notInstalled("there is no device %s on this node: %v", dev, err)
		}
		block := st.Mode()&os.ModeDevice != 0 && st.Mode()&os.ModeCharDevice == 0
		if !block && !(st.Mode().IsRegular() && strings.Contains(c.str("options"), "loop")) {
			return notInstalled("%s is neither a block device nor, with the option loop, a file", dev)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("mount point: %w", err)
	}
	if err := fsck(ctx, c); err != nil {
		return err
	}
	// mount(8) rather than mount(2), as it finds labels, loop devices and the
	// helpers of network filesystems.
	args := []string{"mount"}
	if t := c.str("fstype"); t != "none" && !bindOf(c) {
		args = append(args, "-t", t)
	}
	if o := c.str("options"); o != "" {
		args = append(args, "-o", o)
	}
	if _, err := c.command(ctx, append(args, dev, dir)...); err != nil {
		return fmt.Errorf("mounting %s on %s: %w", dev, dir, err)
	}
	return nil
}

// fsck checks a filesystem before it is mounted.
func fsck(ctx context.Context, c *request) error {
	t := c.str("fstype")
	if deviceless(c) || c.str("run_fsck") == "no" || c.str("run_fsck") == "auto" && slices.Contains(journals, t) {
		return nil
	}
	c.info("Starting filesystem check on %s", c.str("device"))
	args := []string{"fsck", "-t", t, "-a", c.str("device")}
	if c.str("run_fsck") == "force" {
		args = []string{"fsck", "-t", t, "-f", "-y", c.str("device")}
	}
	_, err := c.command(ctx, args...)
	// fsck(8): bits 1 and 2 are errors that are corrected.
	if rc := exitCode(err); rc >= 4 || err != nil && rc < 0 {
		return fmt.Errorf("checking %s: %w", c.str("device"), err)
	}
	return nil
}

func mountStop(ctx context.Context, c *request) error {
	dir := mountPoint(c)
	// What is mounted below goes first.
	list, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := unmount(ctx, c, m, c.str("force_unmount"), c.yes("fast_stop")); err != nil {
			return err
		}
	}
	return nil
}

// mountsBelow lists the mount points at and below a directory, the innermost
// first, each as often as something is mounted on it.
func mountsBelow(dir string) (out []string, err error) {
	err = eachMount(func(m mount) bool {
		if m.dir == dir || strings.HasPrefix(m.dir, dir+"/") {
			out = append(out, m.dir)
		}
		return true
	})
	slices.SortStableFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out, err
}

// termTries and killTries are how often processes are asked to end and killed,
// a second apart.
const (
	termTries = 3
	killTries = 6
)

// unmount unmounts one mount point, ending who uses it unless force is "false".
func unmount(ctx context.Context, c *request, dir, force string, fast bool) error {
	sig, word := unix.SIGTERM, "TERM"
	for try := 0; ; try++ {
		_, err := c.command(ctx, "umount", dir)
		if err == nil {
			c.info("unmounted %s successfully", dir)
			return nil
		}
		if on, e := isMounted(dir); e == nil && !on {
			return nil
		}
		if se := (*specError)(nil); errors.As(err, &se) || isFalse(force) || try == termTries+killTries {
			return fmt.Errorf("unmounting %s: %w", dir, err)
		}
		if fast || try >= termTries {
			sig, word = unix.SIGKILL, "KILL"
		}
		users := usersOf(dir)
		for _, u := range users {
			c.info("sending signal %s to %s, which uses %s", word, u.name, dir)
			_ = unix.Kill(u.pid, sig) // gone already is as good
		}
		gone := func() bool {
			return !slices.ContainsFunc(users, func(u user) bool { return unix.Kill(u.pid, 0) == nil && !isZombie(u.pid) })
		}
		if !until(ctx, time.Second, 20*time.Millisecond, gone) && ctx.Err() != nil {
			return fmt.Errorf("unmounting %s: interrupted while processes used it", dir)
		}
		if len(users) == 0 {
			_ = sleep(ctx, 200*time.Millisecond)
		}
	}
}

// isZombie tells whether a process has ended and nobody has asked how.
func isZombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}

func mountMonitor(_ context.Context, c *request) error {
	dir := mountPoint(c)
	m, ok, err := mountedOn(dir)
	if err != nil {
		return err
	}
	if !ok {
		return errNotRunning
	}
	if dev := c.str("device"); strings.HasPrefix(dev, "/dev/") && strings.HasPrefix(m.source, "/dev/") && !sameDevice(dev, m.source) {
		return fmt.Errorf("%s is mounted on %s, not %s", m.source, dir, dev)
	}
	if c.CheckLevel >= 10 && !deviceless(c) {
		if err := readSome(m.source); err != nil {
			return fmt.Errorf("reading %s, mounted on %s: %w", m.source, dir, err)
		}
	}
	if c.CheckLevel >= 20 && !slices.Contains(strings.Split(c.str("options"), ","), "ro") {
		if err := writeSome(dir + "/" + c.str("statusfile_prefix") + c.Instance); err != nil {
			return fmt.Errorf("%s is mounted, but not to be written to: %w", dir, err)
		}
	}
	return nil
}

// sameDevice compares two names of devices.
func sameDevice(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// readSome reads from a device, past the cache where it has one to pass.
func readSome(dev string) error {
	fd, err := unix.Open(dev, unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Pread(fd, alignedBlock(4096), 0)
	return err
}

// writeSome writes a file to the disk and reads it back.
func writeSome(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR|os.O_TRUNC|unix.O_SYNC, 0o644)
	if err != nil {
		return err
	}
	text := time.Now().Format(time.RFC3339Nano)
	_, err = f.WriteString(text)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err == nil && string(b) != text {
		err = fmt.Errorf("%s holds something else than was written", file)
	}
	return err
}
