package guard

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is the hidden command of the program that is the guard.
const Command = "guard"

// Guard is the daemon's hold on its guard.
type Guard struct {
	State *State

	runDir string
	errOut io.Writer
	bound  time.Duration
	log    *slog.Logger
	page   *os.File // the state's memory, for a guard that is started again
	pipe   *os.File // its write end: the guard reads its end when the daemon dies
	quit   chan struct{}
	ended  chan struct{}
}

// Retire ends the guard of an earlier daemon of this run directory, so that the
// two do not release the same resources at once. What was active then is the
// caller's to stop.
func Retire(runDir string) error {
	lock, err := os.OpenFile(filepath.Join(runDir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	deadline := time.Now().Add(5 * time.Second)
	for unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		var pid int
		b, _ := os.ReadFile(lock.Name())
		if json.Unmarshal(b, &pid) == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: the guard of an earlier daemon (pid %d) does not end; end it and start again", lock.Name(), pid)
		}
		time.Sleep(5 * time.Millisecond) // the kernel is about to drop its lock
	}
	return nil
}

// Start starts the guard of this process and starts it again whenever it ends
// before Stop. bound is how long a release may take after the end of the lease.
func Start(runDir string, bound time.Duration, errOut io.Writer, log *slog.Logger) (*Guard, error) {
	st, page, err := newState()
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	st.p.bound.Store(int64(bound))
	st.p.pid.Store(int64(os.Getpid()))
	st.SetEnforce(true)
	g := &Guard{State: st, page: page, runDir: runDir, errOut: errOut, bound: bound, log: log,
		quit: make(chan struct{}), ended: make(chan struct{})}
	if err := g.Keep(nil); err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	cmd, err := g.spawn()
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	go g.watch(cmd)
	return g, nil
}

func (g *Guard) spawn() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command(self, Command, g.runDir)
	cmd.ExtraFiles = []*os.File{r, g.page} // 3 and 4
	cmd.Stdout, cmd.Stderr = g.errOut, g.errOut
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, err
	}
	g.pipe = w
	return cmd, nil
}

// watch replaces a guard that ends.
func (g *Guard) watch(cmd *exec.Cmd) {
	defer close(g.ended)
	for {
		err := cmd.Wait()
		g.pipe.Close()
		select {
		case <-g.quit:
			return
		default:
		}
		g.log.Error(fmt.Sprintf("the guard has ended (%v): a new one is started; until then nobody releases resources if this daemon dies", err))
		if cmd, err = g.spawn(); err != nil {
			g.log.Error(fmt.Sprintf("the guard cannot be started: %v: exclusion is not enforced when this daemon dies", err))
			return
		}
	}
}

// Keep tells the guard which resources stay at the end of the lease: those the
// administrator has taken out of the cluster's hands.
func (g *Guard) Keep(unmanaged []string) error {
	b, err := json.Marshal(unmanaged)
	if err != nil {
		return err
	}
	path := filepath.Join(g.runDir, keepName)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Stop ends the guard. Without goodbye in the state it releases what is left
// when this process ends, as after a crash.
func (g *Guard) Stop() {
	close(g.quit)
	g.pipe.Close()
	if g.State.has(flagGoodbye) {
		<-g.ended
	}
}
