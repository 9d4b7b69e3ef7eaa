package lrm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/realtime"
)

// killWait is how long a killed process may take to be gone.
const killWait = time.Second

// ended is how a process ended.
type ended struct {
	rc     int
	signal syscall.Signal
	// cause is set when it was killed: errTimeout, errCut, or of the context.
	cause error
	// tree names the processes that were killed.
	tree string
	// immortal tells that the process did not go after being killed.
	immortal bool
}

// process is one run of a script.
type process struct {
	file           string
	args, env      []string
	credential     *syscall.Credential // nil: this process' own
	stdout, stderr io.Writer
	// began gets the process group once it exists.
	began func(pgid int)
}

// run executes the script in a process group of its own, and in a control group
// where there is one, until it ends or ctx does; then everything that belongs to
// it is killed. Processes which the script leaves behind in the background live
// on when it ends by itself, as the daemons that agents start must.
func (p *process) run(ctx context.Context) (ended, error) {
	c := exec.Command(p.file, p.args...)
	c.Env, c.Dir = p.env, "/"
	outR, outW, err := os.Pipe()
	if err != nil {
		return ended{}, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		_, _ = outR.Close(), outW.Close()
		return ended{}, err
	}
	c.Stdout, c.Stderr = outW, errW
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.credential}
	cg := newCgroup()
	cg.attach(c.SysProcAttr)
	err = realtime.Start(c)
	cg.started()
	_, _ = outW.Close(), errW.Close()
	if err != nil {
		cg.remove()
		_, _ = outR.Close(), errR.Close()
		return ended{}, err
	}
	pgid := c.Process.Pid
	if p.began != nil {
		p.began(pgid)
	}
	readers := []*drain{newDrain(outR, p.stdout), newDrain(errR, p.stderr)}
	exited := make(chan error, 1)
	go func() { exited <- c.Wait() }()

	var e ended
	var werr error
	select {
	case werr = <-exited:
	case <-ctx.Done():
		e.cause = context.Cause(ctx)
		e.tree = killAll(pgid, cg)
		select {
		case werr = <-exited:
		case <-time.After(killWait):
			e.immortal = true
		}
	}
	for _, r := range readers {
		r.finish()
	}
	cg.remove()
	if e.immortal {
		return e, nil
	}
	var xe *exec.ExitError
	switch {
	case werr == nil:
	case errors.As(werr, &xe):
		if ws, ok := xe.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			e.signal = ws.Signal()
		} else {
			e.rc = xe.ExitCode()
		}
	default:
		return e, werr
	}
	return e, nil
}

// killAll kills a process group with all its descendants, and the control group
// for those that hid better. It returns who was killed.
func killAll(pgid int, cg *cgroup) string {
	tree := family(pgid)
	names := describe(tree)
	_ = unix.Kill(-pgid, unix.SIGKILL) // gone already is as good
	for _, p := range tree {
		if now, err := readStat(p.pid); err == nil && now.startTime == p.startTime {
			_ = unix.Kill(p.pid, unix.SIGKILL)
		}
	}
	cg.kill()
	return names
}

// drain reads a pipe to its end, or until told that the script ended: a
// background process that inherited the pipe must not hold up the result.
type drain struct {
	r    *os.File
	w    io.Writer
	over chan struct{}
}

func newDrain(r *os.File, w io.Writer) *drain {
	d := &drain{r: r, w: w, over: make(chan struct{})}
	go func() {
		defer close(d.over)
		_, _ = io.Copy(struct{ io.Writer }{d.w}, d.r) // the writers do not fail; a read error is the end
	}()
	return d
}

// finish takes what is in the pipe now and closes it.
func (d *drain) finish() {
	_ = d.r.SetReadDeadline(time.Unix(1, 0))
	<-d.over
	_ = d.r.SetReadDeadline(time.Time{})
	if raw, err := d.r.SyscallConn(); err == nil {
		buf := make([]byte, 64<<10)
		_ = raw.Read(func(fd uintptr) bool {
			for range 64 {
				n, err := unix.Read(int(fd), buf)
				if n <= 0 || err != nil {
					break
				}
				_, _ = d.w.Write(buf[:n])
			}
			return true
		})
	}
	_ = d.r.Close()
}

// executable tells whether the file can be run.
func executable(file string) error {
	st, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s: %w", file, ErrNotFound)
	case err != nil:
		return err
	case st.IsDir():
		return fmt.Errorf("%s is a folder: %w", file, ErrNotFound)
	case st.Mode()&0o111 == 0:
		return fmt.Errorf("%s may not be executed: %w", file, os.ErrPermission)
	}
	return nil
}
