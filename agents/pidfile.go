package agents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/realtime"
)

// pidSlack is how much later than its pid file a process may seem to have begun:
// /proc counts hundredths of a second and file systems are coarser.
const pidSlack = 2 * time.Second

// pidOf returns the process that a pid file names, 0 when it does not run. A
// number that was given to another process after the file was written does not
// count.
func pidOf(file string) (int, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	word, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(word))
	if err != nil || pid <= 1 {
		return 0, nil
	}
	if unix.Kill(pid, 0) == unix.ESRCH || isZombie(pid) {
		return 0, nil
	}
	st, err := os.Stat(file)
	if err != nil {
		return 0, nil
	}
	if began, ok := beginning(pid); ok && began.After(st.ModTime().Add(pidSlack)) {
		return 0, nil
	}
	return pid, nil
}

// beginning is when a process began (proc_pid_stat(5), field 22 in hundredths of
// a second since boot).
func beginning(pid int) (time.Time, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return time.Time{}, false
	}
	s := string(b)
	f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	if len(f) < 20 {
		return time.Time{}, false
	}
	ticks, err := strconv.ParseInt(f[19], 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return time.Time{}, false
	}
	return time.Now().Add(time.Duration(ticks)*10*time.Millisecond - time.Duration(now.Nano())), true
}

// background is a program to be left running.
type background struct {
	// shell is the command line, for sh.
	shell string
	// args is the command line instead, when no shell is to see it.
	args []string
	dir  string
	env  []string // added to this process' environment
	user string
	// out and err are files to append its output to; "" is /dev/null.
	out, err string
}

// trial is how long a program is watched that is to be left running: what is wrong
// with its arguments shows in it.
const trial = 150 * time.Millisecond

// start starts the program in a session of its own. It returns its process once
// it has lived for a moment, and what it said when it has not.
func (p *background) start(ctx context.Context) (pid int, err error) {
	args := p.args
	if args == nil {
		args = []string{"sh", "-c", "exec " + p.shell}
	}
	file, err := program(args[0])
	if err != nil {
		return 0, err
	}
	c := exec.Command(file, args[1:]...)
	c.Env = append(os.Environ(), p.env...)
	if c.Dir = p.dir; c.Dir == "" {
		c.Dir = "/"
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if p.user != "" && p.user != "root" {
		if c.SysProcAttr.Credential, err = credentialOf(p.user); err != nil {
			return 0, err
		}
	}
	for to, name := range map[*io.Writer]string{&c.Stdout: p.out, &c.Stderr: p.err} {
		w, err := os.OpenFile(cmp.Or(name, os.DevNull), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return 0, err
		}
		defer w.Close()
		*to = w
	}
	if err := realtime.Start(c); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			err = errors.New("it ended at once")
		}
		return 0, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	case <-ctx.Done():
		_ = c.Process.Kill()
		return 0, fmt.Errorf("interrupted: %w", ctx.Err())
	case <-time.After(trial):
		return c.Process.Pid, nil
	}
}

// credentialOf is who a program runs as.
func credentialOf(name string) (*syscall.Credential, error) {
	u, err := osuser.Lookup(name)
	if err != nil {
		return nil, notInstalled("there is no user %s on this node", name)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	cr := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	ids, err := u.GroupIds()
	for _, id := range ids {
		if n, e := strconv.ParseUint(id, 10, 32); e == nil {
			cr.Groups = append(cr.Groups, uint32(n))
		}
	}
	return cr, err
}

// endProcess asks a process to end, and kills it when it has not after a while.
// It returns when the process is gone.
func endProcess(ctx context.Context, c *request, pid int, patience time.Duration) error {
	gone := func() bool { return unix.Kill(pid, 0) == unix.ESRCH || isZombie(pid) }
	if err := unix.Kill(pid, unix.SIGTERM); err != nil && !gone() {
		return fmt.Errorf("ending process %d: %w", pid, err)
	}
	if until(ctx, patience, 10*time.Millisecond, gone) {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("process %d has not ended: %w", pid, ctx.Err())
	}
	c.info("process %d has not ended within %s and is killed", pid, patience)
	if err := unix.Kill(pid, unix.SIGKILL); err != nil && !gone() {
		return fmt.Errorf("killing process %d: %w", pid, err)
	}
	if !until(ctx, 10*time.Second, 10*time.Millisecond, gone) {
		return fmt.Errorf("process %d does not end although killed", pid)
	}
	return nil
}

// opTimeout is how long this operation may take, as far as is known.
func (c *request) opTimeout(def time.Duration) time.Duration {
	if ms, err := strconv.Atoi(c.Params["CRM_meta_timeout"]); err == nil && ms > 0 {
		return time.Duration(ms) * time.Millisecond
	}
	return def
}

// stopPatience leaves the last third of an operation's time to killing, 15 s at most.
func (c *request) stopPatience(def time.Duration) time.Duration {
	t := c.opTimeout(def)
	return t - min(t/3, 15*time.Second)
}

// makeDir makes the folder of a file, for a user.
func makeDir(file, owner string) error {
	dir := filepath.Dir(file)
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if owner == "" || owner == "root" {
		return nil
	}
	cr, err := credentialOf(owner)
	if err != nil {
		return err
	}
	return os.Chown(dir, int(cr.Uid), int(cr.Gid))
}
