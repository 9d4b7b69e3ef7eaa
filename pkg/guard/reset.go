package guard

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ResetFile is the variable of the environment that names, for tests, the file
// or FIFO to which a guard writes a line in place of resetting the machine.
const ResetFile = "QUORATE_TEST_RESET"

// Reset is a way to make a machine let go of everything at once.
type Reset interface {
	// Name is how the status calls it.
	Name() string
	// Within is the longest time from Reset to the machine's end.
	Within() time.Duration
	// Reset resets the machine; on success it may return all the same.
	Reset(reason string) error
}

// Resets returns the ways to reset this machine in the order in which they are
// tried; none: what does not let go stays. w may be nil.
func Resets(w *Watchdog) (out []Reset) {
	if path := os.Getenv(ResetFile); path != "" {
		return []Reset{fileReset(path)}
	}
	if w != nil && !w.Stands {
		out = append(out, dogReset{w})
	}
	if sysrqAllowed() == nil {
		out = append(out, sysrqReset{})
	}
	return out
}

// WatchdogResets returns those of [Resets] that a node may use which has let go
// of everything: not the kernel's emergency key.
func WatchdogResets(w *Watchdog) []Reset {
	return slices.DeleteFunc(Resets(w), func(r Reset) bool { _, is := r.(sysrqReset); return is })
}

// dogReset lets the watchdog fire as soon as it can.
type dogReset struct{ w *Watchdog }

func (d dogReset) Name() string { return "watchdog " + d.w.Path }

func (d dogReset) Within() time.Duration { return d.w.Timeout + time.Second }

// Reset only cuts the time short; that nobody pets the device does the rest.
func (d dogReset) Reset(string) error {
	_ = d.w.setTimeout(1) // a driver that refuses fires when its time is over
	return nil
}

// sysrqTrigger is the kernel's file for emergencies.
const sysrqTrigger = "/proc/sysrq-trigger"

// firstPIDNamespace is the inode of the machine's own PID namespace
// (PROC_PID_INIT_INO): in a container the machine is not ours to reset.
const firstPIDNamespace = "pid:[4026531836]"

// sysrqAllowed says why the machine cannot be reset by sysrq, or nil. It
// changes nothing.
func sysrqAllowed() error {
	if ns, err := os.Readlink("/proc/self/ns/pid"); err != nil || ns != firstPIDNamespace {
		return errors.New("this node is a container")
	}
	f, err := os.OpenFile(sysrqTrigger, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil || st.Type != unix.PROC_SUPER_MAGIC {
		return fmt.Errorf("%s is not the kernel's", sysrqTrigger)
	}
	return nil
}

// sysrqReset is the kernel's immediate reboot, without sync and unmount.
type sysrqReset struct{}

func (sysrqReset) Name() string { return "sysrq" }

func (sysrqReset) Within() time.Duration { return time.Second }

func (sysrqReset) Reset(string) error {
	if err := sysrqAllowed(); err != nil {
		return err
	}
	return os.WriteFile(sysrqTrigger, []byte("b"), 0)
}

// fileReset tells a test.
type fileReset string

func (f fileReset) Name() string { return "the test that watches " + string(f) }

func (f fileReset) Within() time.Duration { return 0 }

func (f fileReset) Reset(reason string) error {
	out, err := os.OpenFile(string(f), os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "reset: %s\n", strings.ReplaceAll(reason, "\n", " "))
	return errors.Join(err, out.Close())
}
