package guard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/realtime"
)

// Command is the hidden command of the program that is the guard.
const Command = "guard"

// Options say how a guard works.
type Options struct {
	// RunDir is the run directory of the daemon.
	RunDir string
	// Lease is the length of the lease, Bound how long a release may take after
	// its end, Fresh how old the base of the lease may be when the watchdog is
	// petted (the age of an echo).
	Lease, Bound, Fresh time.Duration
	// Watchdog is the open device, or nil.
	Watchdog *Watchdog
	// Priority is the real-time priority of the guard, 0 for the normal class.
	Priority int
	// Stop is the end of a lease that holds at the start of this program, because
	// it replaces one in the same process (nanoseconds of CLOCK_BOOTTIME), or 0.
	Stop int64
	// ErrOut takes what the guard says.
	ErrOut io.Writer
	Logger *slog.Logger
}

// settings are what the guard gets as its argument.
type settings struct {
	Priority int           `json:"priority"`
	Watchdog string        `json:"watchdog,omitempty"`
	Timeout  time.Duration `json:"timeout,omitempty"`
	Stands   bool          `json:"stands,omitempty"`
}

// Guard is the daemon's hold on its guard.
type Guard struct {
	State *State
	// Cut holds a token after the guard has taken addresses away under the
	// daemon: it has to stop what it believes active.
	Cut chan struct{}

	toldCut int64
	opts    Options
	log     *slog.Logger
	page    *os.File // the state's memory, for a guard that is started again
	pipe    atomic.Pointer[os.File]
	proc    atomic.Pointer[os.Process]
	missing atomic.Pointer[string] // why no guard runs
	quit    chan struct{}
	ended   chan struct{}
}

// lockHolder returns the guard whose lock file it is, 0 if unknown.
func lockHolder(runDir string) (pid int) {
	b, _ := os.ReadFile(filepath.Join(runDir, lockName))
	if json.Unmarshal([]byte(strings.TrimSpace(string(b))), &pid) != nil || pid <= 1 {
		return 0
	}
	return pid
}

// Retire ends the guard of an earlier daemon of this run directory, so that the
// two do not release the same resources at once. What was active then is the
// caller's to stop, by the time that is returned (nanoseconds of CLOCK_BOOTTIME):
// that guard would have had everything released then. It is 0 where no guard ran,
// no lease yet, or where its policy lets resources run without one.
func Retire(runDir string) (limit int64, err error) {
	lock, err := os.OpenFile(filepath.Join(runDir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	deadline := time.Now().Add(5 * time.Second)
	for unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		pid := lockHolder(runDir)
		if pid > 1 {
			limit = max(limit, limitOf(pid))
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if time.Now().After(deadline) {
			return limit, fmt.Errorf("%s: the guard of an earlier daemon (pid %d) does not end; end it and start again", lock.Name(), pid)
		}
		time.Sleep(5 * time.Millisecond) // the kernel is about to drop its lock
	}
	return limit, nil
}

// limitOf reads in the page of a guard, which it keeps open, when it will have
// everything released; 0 where that cannot be known.
func limitOf(pid int) int64 {
	file := fmt.Sprintf("/proc/%d/fd/%d", pid, pageFD)
	if to, err := os.Readlink(file); err != nil || !strings.HasPrefix(to, "/memfd:"+pageName) {
		return 0
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return 0
	}
	defer f.Close()
	if i, err := f.Stat(); err != nil || i.Size() < pageSize {
		return 0
	}
	st, err := mapState(f)
	if err != nil {
		return 0
	}
	defer st.close()
	if st.checkLayout() != nil || st.Stop() == 0 || !st.Enforced() {
		return 0
	}
	return st.release()
}

// Start starts the guard of this process and starts it again whenever it ends
// before Stop, or does not look for long. With Options.Stop the guard of the
// program before this one in the process is replaced, and what is active stays.
func Start(o Options) (*Guard, error) {
	st, page, err := newState()
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	st.p.stop.Store(o.Stop)
	st.p.lease.Store(int64(o.Lease))
	st.p.bound.Store(int64(o.Bound))
	st.p.fresh.Store(int64(o.Fresh))
	st.p.pid.Store(int64(os.Getpid()))
	st.SetEnforce(true)
	g := &Guard{State: st, Cut: make(chan struct{}, 1), page: page, opts: o, log: o.Logger, quit: make(chan struct{}), ended: make(chan struct{})}
	old := 0
	if o.Stop == 0 {
		err = g.Instruct(Instructions{})
	} else {
		old = lockHolder(o.RunDir)
	}
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	cmd, err := g.spawn()
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	if old != 0 && old != cmd.Process.Pid {
		// The new one waits for its lock: there is no moment without a guard.
		_ = syscall.Kill(old, syscall.SIGKILL)
		var ws unix.WaitStatus
		_, _ = unix.Wait4(old, &ws, 0, nil) // a child of this process, if it is the same
	}
	go g.watch(cmd)
	return g, nil
}

// program is the file of this program: the guard must be of the same version.
// After an upgrade another one has its name, or none.
func program() string {
	const running = "/proc/self/exe"
	self, err := os.Executable()
	if err != nil {
		return running
	}
	named, err1 := os.Stat(self)
	mine, err2 := os.Stat(running)
	if err1 != nil || err2 != nil || !os.SameFile(named, mine) {
		return running
	}
	return self
}

func (g *Guard) spawn() (*exec.Cmd, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	set := settings{Priority: g.opts.Priority}
	files := []*os.File{r, g.page} // pipeFD, pageFD
	if d := g.opts.Watchdog; d != nil {
		set.Watchdog, set.Timeout, set.Stands = d.Path, d.Timeout, d.Stands
		files = append(files, d.f)
	}
	b, err := json.Marshal(set)
	if err != nil {
		w.Close()
		return nil, err
	}
	cmd := exec.Command(program(), Command, g.opts.RunDir, string(b))
	cmd.ExtraFiles = files
	cmd.Stdout, cmd.Stderr = g.opts.ErrOut, g.opts.ErrOut
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2", "GOGC=50")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	g.State.p.seen.Store(ccm.Boottime())
	if err := realtime.Start(cmd); err != nil {
		w.Close()
		return nil, err
	}
	if old := g.pipe.Swap(w); old != nil {
		old.Close()
	}
	g.proc.Store(cmd.Process)
	g.missing.Store(nil)
	return cmd, nil
}

// respawnPause is how long after a failure to start a guard the next try is.
const respawnPause = 2 * time.Second

// watch replaces a guard that ends, for ever.
func (g *Guard) watch(cmd *exec.Cmd) {
	defer close(g.ended)
	for {
		begun := time.Now()
		err := cmd.Wait()
		g.proc.Store(nil)
		select {
		case <-g.quit:
			return
		default:
		}
		why := fmt.Sprintf("the guard has ended (%v)", err)
		g.missing.Store(&why)
		g.log.Error(why + ": a new one is started; until then nobody releases resources if this daemon dies")
		if time.Since(begun) < respawnPause/2 && !g.pause() {
			return
		}
		for {
			if cmd, err = g.spawn(); err == nil {
				break
			}
			why := fmt.Sprintf("the guard cannot be started: %v", err)
			if last := g.missing.Swap(&why); last == nil || *last != why {
				g.log.Error(why + ": exclusion is not enforced when this daemon dies; it is tried again")
			}
			if !g.pause() {
				return
			}
		}
	}
}

// pause waits before the next try; false: the guard is no longer wanted.
func (g *Guard) pause() bool {
	select {
	case <-g.quit:
		return false
	case <-time.After(respawnPause):
		return true
	}
}

// SetLease notes the end of the lease, in nanoseconds of CLOCK_BOOTTIME. It costs
// one store to memory, and a byte in a pipe where the guard waits for it. A
// guard that has not looked for long is killed, so that another one begins.
func (g *Guard) SetLease(stop int64) {
	p := g.State.p
	p.stop.Store(stop)
	if p.want.Load() != 0 && p.want.Swap(0) != 0 {
		if w := g.pipe.Load(); w != nil {
			_, _ = w.Write([]byte{1}) // one byte a question: it never fills
		}
	}
	if cut := p.cut.Load(); cut != g.toldCut {
		g.toldCut = cut
		select {
		case g.Cut <- struct{}{}:
		default:
		}
	}
	if s := g.State.silence(); s > g.State.maxSilence() {
		if proc := g.proc.Swap(nil); proc != nil {
			g.log.Error(fmt.Sprintf("the guard (pid %d) has not looked for %v: it is killed and replaced", proc.Pid, s.Round(time.Millisecond)))
			_ = proc.Kill()
		}
	}
}

// Missing says why this node has no guard at the moment, or "".
func (g *Guard) Missing() string {
	if why := g.missing.Load(); why != nil {
		return *why
	}
	if s := g.State.silence(); s > g.State.maxSilence() {
		return fmt.Sprintf("the guard has not looked for %v", s.Round(time.Second))
	}
	return ""
}

// Instructions say what a guard releases, and how.
type Instructions struct {
	// Keep are the primitives that stay: those the administrator has taken out of
	// the cluster's hands.
	Keep []string `json:"keep,omitempty"`
	// Demote are those that stay where they are not promoted, and else are demoted.
	Demote []string `json:"demote,omitempty"`
	// Requires are, by primitive, those that must be active while it is; nil: not
	// known, the order of the starts tells.
	Requires map[string][]string `json:"requires"`
	// Scripts is the directory of scripts of class heartbeat, "" the usual one, and
	// Env what scripts have in their environment beside the usual.
	Scripts string   `json:"scripts,omitempty"`
	Env     []string `json:"env,omitempty"`
}

// Instruct tells the guard what to release at the end of the lease.
func (g *Guard) Instruct(in Instructions) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	path := filepath.Join(g.opts.RunDir, keepName)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, b) {
		return nil
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Handover tells the guard that this program is about to be replaced in its
// process. The guard goes on until the new one takes over; when the lease ends
// before, it releases everything.
func (g *Guard) Handover() {
	g.State.flag(flagRestart, true)
	close(g.quit)
}

// Stop ends the guard. Without goodbye in the state it releases what is left
// when this process ends, as after a crash.
func (g *Guard) Stop() {
	select {
	case <-g.quit:
		return
	default:
	}
	close(g.quit)
	if w := g.pipe.Swap(nil); w != nil {
		w.Close()
	}
	if g.State.has(flagGoodbye) {
		<-g.ended
		if d := g.opts.Watchdog; d != nil {
			if err := d.CloseInOrder(); err != nil {
				g.log.Error(fmt.Sprintf("watchdog %s: %v", d.Path, err))
			}
		}
	}
}
