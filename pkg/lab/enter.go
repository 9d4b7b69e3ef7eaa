package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// entered marks a copy of the program that Enter has put into a user namespace.
const entered = "QUORATE_LAB_USERNS"

// Enter makes sure that this process may build a lab. With the capabilities it
// returns inside=true and has done nothing. Without them it runs the same
// program with the same arguments in a user namespace of its own, in which it
// may, waits for it and returns inside=false and the exit code of that copy:
// the caller exits with it. The error wraps [ErrForbidden] and says which
// setting of the kernel forbids it.
func Enter() (inside bool, code int, err error) {
	if capable() {
		return true, 0, nil
	}
	if os.Getenv(entered) != "" {
		return false, 1, forbidden(errors.New("the user namespace gave no capabilities"))
	}
	self, err := os.Executable()
	if err != nil {
		return false, 1, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), entered+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGTERM,
	}
	// The parent-death signal follows the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return false, 1, forbidden(err)
	}
	// A terminal sends its signals to the copy as well; others are passed on.
	sigs := make(chan os.Signal, 4)
	signal.Notify(sigs, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(sigs)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case s := <-sigs:
				if s != syscall.SIGINT {
					cmd.Process.Signal(s)
				}
			case <-done:
				return
			}
		}
	}()
	err = cmd.Wait()
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		return false, exitCode(ee), nil
	}
	return false, 0, err
}

func exitCode(ee *exec.ExitError) int {
	if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ee.ExitCode()
}

// capable reports whether this process has what building a lab takes.
func capable() bool {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		hex, ok := strings.CutPrefix(line, "CapEff:")
		if !ok {
			continue
		}
		caps, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		need := uint64(1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW)
		return err == nil && caps&need == need
	}
	return false
}

// forbidden explains a refusal of the kernel by the setting that causes it.
func forbidden(cause error) error {
	remedy := "run it as root"
	for _, s := range []struct{ file, bad, remedy string }{
		{"/proc/sys/user/max_user_namespaces", "0", "set user.max_user_namespaces above 0 by sysctl, or run it as root"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "set kernel.unprivileged_userns_clone to 1 by sysctl, or run it as root"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
			"set kernel.apparmor_restrict_unprivileged_userns to 0 by sysctl, or run it as root"},
	} {
		b, err := os.ReadFile(s.file)
		if err == nil && strings.TrimSpace(string(b)) == s.bad {
			remedy = s.remedy
			break
		}
	}
	return fmt.Errorf("this account cannot build network namespaces (%v): %s: %w", cause, remedy, ErrForbidden)
}
