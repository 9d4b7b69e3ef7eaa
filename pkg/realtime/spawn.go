package realtime

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawner is the thread that starts programs: a program inherits the class of
// the thread that starts it.
//
// Until its exec, a child of a Go program holds a processor of the runtime, and
// stands in the way of the collector; in the normal class a busy machine keeps it
// waiting, and everybody here with it. So the child runs up to its exec in the
// class of this process. There the kernel stops it, because it is traced; it is
// put into the normal class and let go before the first instruction of the
// program. Where tracing is forbidden the child begins in the normal class, and
// what it holds up is held up.
type spawner struct {
	todo   chan func()
	traced bool // belongs to run
}

func newSpawner() *spawner {
	s := &spawner{todo: make(chan func())}
	go s.run()
	return s
}

func (s *spawner) run() {
	// For ever: a child may have asked for a signal when its parent's thread ends.
	runtime.LockOSThread()
	s.traced = s.rehearse() == nil
	for f := range s.todo {
		f()
	}
}

// Start is c.Start, but that the program begins in the normal class, whatever the
// class of this process.
func Start(c *exec.Cmd) error {
	process.Lock()
	s := process.spawn
	process.Unlock()
	if s == nil {
		return c.Start()
	}
	err := make(chan error)
	s.todo <- func() { err <- s.start(c) }
	return <-err
}

// Run is c.Run, like [Start].
func Run(c *exec.Cmd) error {
	if err := Start(c); err != nil {
		return err
	}
	return c.Wait()
}

// CombinedOutput is c.CombinedOutput, like [Start].
func CombinedOutput(c *exec.Cmd) ([]byte, error) {
	var b bytes.Buffer
	c.Stdout, c.Stderr = &b, &b
	err := Run(c)
	return b.Bytes(), err
}

func (s *spawner) start(c *exec.Cmd) error {
	if !s.traced {
		return s.startReset(c)
	}
	if err := s.startTraced(c); !errors.Is(err, unix.EPERM) || !again(c) {
		return err
	}
	return s.startReset(c) // a policy may forbid to trace just this program
}

// again reports whether a command that was not started may be started once more:
// its descriptors are its own.
func again(c *exec.Cmd) bool {
	for _, f := range []any{c.Stdin, c.Stdout, c.Stderr} {
		if _, file := f.(*os.File); f != nil && !file {
			return false
		}
	}
	return c.Process == nil
}

// startReset has the kernel put the child into the normal class at its birth.
func (s *spawner) startReset(c *exec.Cmd) error {
	a, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return fmt.Errorf("sched_getattr: %w", err)
	}
	if a.Flags&unix.SCHED_FLAG_RESET_ON_FORK == 0 {
		a.Flags = unix.SCHED_FLAG_RESET_ON_FORK
		if err := unix.SchedSetAttr(0, a, 0); err != nil {
			return fmt.Errorf("sched_setattr: %w", err)
		}
	}
	return c.Start()
}

// startTraced stops the child at its exec.
func (s *spawner) startTraced(c *exec.Cmd) error {
	trace(c, true)
	err := c.Start()
	trace(c, false)
	if err != nil {
		return err
	}
	pid := c.Process.Pid
	err = atExec(pid)
	if err == nil {
		_, err = set(pid, attr(0, 0))
	}
	if err == nil {
		err = unix.PtraceDetach(pid)
	}
	if err == nil || errors.Is(err, unix.ESRCH) { // killed meanwhile: its Wait tells
		return nil
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	return fmt.Errorf("%s cannot be put into the normal class and is not run: %w", c.Path, err)
}

func trace(c *exec.Cmd, on bool) {
	if c.SysProcAttr == nil {
		c.SysProcAttr = new(syscall.SysProcAttr)
	}
	c.SysProcAttr.Ptrace = on
}

// atExec waits until a traced child stands at its exec; one that has ended stays
// for its Wait.
func atExec(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// rehearse finds out whether children can be traced here, with one that never
// runs.
func (s *spawner) rehearse() error {
	c := exec.Command("/proc/self/exe")
	trace(c, true)
	if err := c.Start(); err != nil {
		return err
	}
	err := atExec(c.Process.Pid)
	if err == nil {
		_, err = set(c.Process.Pid, attr(0, 0))
	}
	_ = c.Process.Kill()
	_ = c.Wait() // that it was killed
	return err
}
