package guard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/realtime"
)

// ErrWatchdog indicates a watchdog that was asked for and cannot be used.
var ErrWatchdog = errors.New("the watchdog cannot be used")

// StandIn is the variable of the environment that allows, for tests, a watchdog
// that is no watchdog device: what is written to it is a pet, 'V' the magic close.
const StandIn = "QUORATE_TEST_WATCHDOG"

// Watchdog is an open watchdog device. Daemon and guard share the open file: it
// closes, and the device fires, when both are gone.
type Watchdog struct {
	// Path is the device, Timeout how long after the last pet it fires.
	Path    string
	Timeout time.Duration
	// Stands tells that it is a stand-in for tests.
	Stands bool

	f  *os.File
	fd int
}

// loadDriver loads the software watchdog. A variable, for tests.
var loadDriver = func(ctx context.Context) error {
	out, err := realtime.CombinedOutput(exec.CommandContext(ctx, "modprobe", "softdog"))
	if err != nil {
		return fmt.Errorf("modprobe softdog: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// OpenWatchdog opens the device, which starts it, and sets its timeout to whole
// seconds. Where there is no device the software watchdog is loaded first.
func OpenWatchdog(path string, timeout time.Duration, log *slog.Logger) (*Watchdog, error) {
	remedy := fmt.Sprintf("; load the driver of the hardware's watchdog (or softdog) at boot, remove the line \"watchdog %s\" from ha.cf on all nodes, "+
		"or start with --no-watchdog, which does without here and now", path)
	open := func() (*os.File, error) { return os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0) }
	f, err := open()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		loaded := loadDriver(ctx)
		for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(20 * time.Millisecond) { // udev makes the node
			if f, err = open(); err == nil || loaded != nil || time.Now().After(deadline) {
				break
			}
		}
		if err != nil && loaded != nil {
			return nil, fmt.Errorf("watchdog %s: %v, also after %v%s: %w", path, reason(err), loaded, remedy, ErrWatchdog)
		}
	}
	if errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("watchdog %s: another program has it (fuser %s names it)%s: %w", path, path, remedy, ErrWatchdog)
	}
	if err != nil {
		return nil, fmt.Errorf("watchdog %s: %v%s: %w", path, reason(err), remedy, ErrWatchdog)
	}
	w := &Watchdog{Path: path, Timeout: timeout, f: f, fd: int(f.Fd())}
	if err := w.setup(log); err != nil {
		w.Close()
		return nil, fmt.Errorf("watchdog %s: %v%s: %w", path, err, remedy, ErrWatchdog)
	}
	log.Info("Using watchdog device: "+path, "timeout", timeout)
	return w, nil
}

// reason strips the path from an error of the file system.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// setup sets the timeout and looks that the device can be closed in order.
func (w *Watchdog) setup(log *slog.Logger) error {
	info, err := unix.IoctlGetWatchdogInfo(w.fd)
	if err != nil {
		if os.Getenv(StandIn) == "" {
			return errors.New("it is no watchdog device")
		}
		w.Stands = true
		log.Warn(w.Path + " is no watchdog: it stands in for one, as " + StandIn + " asks; nothing resets this node")
		return nil
	}
	want := int(w.Timeout / time.Second)
	if err := w.setTimeout(want); err != nil {
		got, gerr := unix.IoctlGetInt(w.fd, unix.WDIOC_GETTIMEOUT)
		if gerr != nil || got > want {
			return fmt.Errorf("its timeout cannot be set to the %d s that keepalive and deadtime ask for (%v)", want, err)
		}
	}
	if info.Options&unix.WDIOF_MAGICCLOSE == 0 {
		log.Warn(w.Path + " does not know the magic close: it stops when both daemon and guard are gone, and fires only while one is there and hangs")
	}
	return nil
}

func (w *Watchdog) setTimeout(seconds int) error {
	return unix.IoctlSetPointerInt(w.fd, unix.WDIOC_SETTIMEOUT, seconds)
}

// pet says that this node is in order.
func (w *Watchdog) pet() error {
	_, err := unix.Write(w.fd, []byte{'.'})
	return err
}

// petEvery is how often the device is petted: two may fail.
func (w *Watchdog) petEvery() time.Duration { return w.Timeout / 3 }

// CloseInOrder stops the device with the magic character: nothing managed is
// active here any more.
func (w *Watchdog) CloseInOrder() error {
	_, err := unix.Write(w.fd, []byte{'V'})
	return errors.Join(err, w.f.Close())
}

// Close leaves the device running where it knows the magic close: unless
// somebody else holds it open and pets it, it fires.
func (w *Watchdog) Close() error { return w.f.Close() }

// Keep makes the open device survive the execution of another program in this
// process and returns its descriptor, for [AdoptWatchdog] there.
func (w *Watchdog) Keep() (fd int, err error) {
	_, err = unix.FcntlInt(uintptr(w.fd), unix.F_SETFD, 0)
	return w.fd, err
}

// AdoptWatchdog takes over the open device that the program before this one in
// the process has kept.
func AdoptWatchdog(fd int, path string, timeout time.Duration, log *slog.Logger) (*Watchdog, error) {
	unix.CloseOnExec(fd)
	w := &Watchdog{Path: path, Timeout: timeout, f: os.NewFile(uintptr(fd), path), fd: fd}
	if err := w.setup(log); err != nil {
		return nil, fmt.Errorf("watchdog %s: %v: %w", path, err, ErrWatchdog)
	}
	return w, nil
}
