package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// hostDirs are the directories of the host that a node sees, read-only.
var hostDirs = []string{"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix", "gnu"}

// ownDirs are those that every node has for itself, in memory.
var ownDirs = []string{"dev", "dev/shm", "etc", "home", "lab", "lab/bin", "lab/etc", "mnt", "proc", "root", "run", "run/lock",
	"srv", "sys", "tmp", "var", "var/cache", "var/lib", "var/log", "var/spool", "var/tmp"}

// diskDirs are kept on the node's disk and survive a crash.
var diskDirs = []string{"etc/ha.d", "var/lib", "var/log"}

// devices are bound from the host. There is no watchdog among them: a node of a
// lab must never hold the dog of the machine it runs on.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// notFromHost are names of /etc that a node has of its own.
var notFromHost = map[string]bool{"hosts": true, "hostname": true, "resolv.conf": true, "ha.d": true}

// buildRoot makes the node's root in a fresh mount namespace and moves into it.
// Nothing of the host stays writable but the node's disk.
func buildRoot(s *rootSpec) error {
	if err := sethostname(s.Name); err != nil {
		return err
	}
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := mount("tmpfs", s.Root, "tmpfs", unix.MS_NOSUID, "mode=755"); err != nil {
		return err
	}
	at := func(p string) string { return filepath.Join(s.Root, p) }
	for _, d := range ownDirs {
		if err := os.MkdirAll(at(d), 0o755); err != nil {
			return err
		}
	}
	for _, d := range []string{"tmp", "var/tmp", "dev/shm"} {
		if err := os.Chmod(at(d), 0o1777); err != nil {
			return err
		}
	}
	steps := []func(*rootSpec, func(string) string) error{bindHost, bindDevices, buildEtc, bindDisk, bindFiles, mountKernel}
	for _, step := range steps {
		if err := step(s, at); err != nil {
			return err
		}
	}
	return pivot(s.Root)
}

func bindHost(_ *rootSpec, at func(string) string) error {
	for _, d := range hostDirs {
		fi, err := os.Lstat("/" + d)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if fi.Mode()&os.ModeSymlink != 0 {
			if err := copyLink("/"+d, at(d)); err != nil {
				return err
			}
			continue
		}
		if !fi.IsDir() {
			continue
		}
		if err := bindReadOnly("/"+d, at(d)); err != nil {
			return err
		}
	}
	return nil
}

func bindDevices(_ *rootSpec, at func(string) string) error {
	for _, d := range devices {
		if err := bindFile("/dev/"+d, at("dev/"+d)); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0",
		"stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(target, at("dev/"+name)); err != nil {
			return err
		}
	}
	return nil
}

// buildEtc makes an /etc of links into the host's, so that single files can
// differ without a mount point existing for them on the host.
func buildEtc(s *rootSpec, at func(string) string) error {
	if err := bindReadOnly("/etc", at("lab/etc")); err != nil {
		return err
	}
	entries, err := os.ReadDir("/etc")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if notFromHost[e.Name()] || s.owns("/etc/"+e.Name()+"/") {
			continue
		}
		p := at("etc/" + e.Name())
		if e.Type()&os.ModeSymlink != 0 {
			err = copyLink("/etc/"+e.Name(), p)
		} else {
			err = os.Symlink("/lab/etc/"+e.Name(), p)
		}
		if err != nil {
			return err
		}
	}
	if err := os.WriteFile(at("etc/hostname"), []byte(s.Name+"\n"), 0o644); err != nil {
		return err
	}
	return bindFile(s.Hosts, at("etc/hosts"))
}

// owns reports whether files of the node's own lie below a directory; it is not the
// host's then.
func (s *rootSpec) owns(dir string) bool {
	for inside := range s.Files {
		if strings.HasPrefix(inside, dir) {
			return true
		}
	}
	return false
}

func bindDisk(s *rootSpec, at func(string) string) error {
	for _, d := range diskDirs {
		if err := os.MkdirAll(at(d), 0o755); err != nil {
			return err
		}
		if err := mount(filepath.Join(s.Disk, d), at(d), "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	if err := os.Symlink("/run", at("var/run")); err != nil {
		return err
	}
	return os.Symlink("/run/lock", at("var/lock"))
}

func bindFiles(s *rootSpec, at func(string) string) error {
	for inside, outside := range s.Files {
		if err := os.MkdirAll(filepath.Dir(at(inside)), 0o755); err != nil {
			return err
		}
		if err := bindFile(outside, at(inside)); err != nil {
			return err
		}
	}
	return nil
}

// mountKernel mounts /proc and /sys of the node's own namespaces. A kernel that
// hides parts of /proc from this account forbids a new one; then the old is
// bound, whose process numbers are those outside.
func mountKernel(_ *rootSpec, at func(string) string) error {
	if err := mount("proc", at("proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		if err := mount("/proc", at("proc"), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return err
		}
	}
	// A node that resets itself must not reset the machine below it. reboot(2)
	// ends only the PID namespace; this file would not.
	if _, err := os.Stat(at("proc/sysrq-trigger")); err == nil {
		if err := mount(at("dev/null"), at("proc/sysrq-trigger"), "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	// /sys is a comfort of some scripts only; an empty one will do.
	_ = mount("sysfs", at("sys"), "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_RDONLY, "")
	return nil
}

func pivot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change the root to %s: %w", root, err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	return os.Chdir("/")
}

// bindFile makes target and mounts the file source on it.
func bindFile(source, target string) error {
	f, err := os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return err
	}
	f.Close()
	return mount(source, target, "", unix.MS_BIND, "")
}

// bindReadOnly shows the tree source at target, with all that is mounted below
// it, and lets nobody write there.
func bindReadOnly(source, target string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	err := unix.MountSetattr(unix.AT_FDCWD, target, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	if err != nil && !errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("make %s read-only in the node: %w", source, err)
	}
	return nil
}

func copyLink(from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(target, to)
}

func mount(source, target, fstype string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return fmt.Errorf("mount %s%s on %s: %w", fstype, source, target, err)
	}
	return nil
}
