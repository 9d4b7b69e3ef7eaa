package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
)

// ResourceDir is the run directory of the local resource manager below the
// daemon's.
const ResourceDir = "rsctmp"

// process is the guard itself.
type process struct {
	runDir string
	state  *State
	log    *slog.Logger
	dead   chan struct{} // closed when the daemon's end of the pipe is
}

// Main is the guard: it returns when the daemon has said goodbye, or when
// everything is released after the daemon's death.
func Main(runDir string, log *slog.Logger) int {
	// A page of this process that has to be read from disk first may come too
	// late. Without permission it is locked as far as it goes.
	_ = unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
	lock, err := os.OpenFile(filepath.Join(runDir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX)
	}
	if err == nil {
		_, err = lock.WriteAt(append([]byte(fmt.Sprint(os.Getpid())), '\n'), 0)
	}
	var st *State
	if err == nil {
		st, err = mapState(os.NewFile(4, "guard state"))
	}
	if err != nil {
		log.Error(err.Error())
		return 1
	}
	defer lock.Close()
	defer st.close()
	p := &process{runDir: runDir, state: st, log: log, dead: make(chan struct{})}
	go func() {
		b := make([]byte, 1)
		os.NewFile(3, "daemon").Read(b) // returns when the last writer is gone
		close(p.dead)
	}()
	p.run()
	return 0
}

// idle is how often the guard looks while the lease is over and nothing is to
// be done.
const idle = 500 * time.Millisecond

func (p *process) run() {
	for {
		now, stop := ccm.Boottime(), p.state.p.stop.Load()
		release := stop + p.state.p.bound.Load()
		wait := time.Duration(release - now)
		if stop == 0 || wait <= 0 {
			wait = idle
		}
		select {
		case <-p.dead:
			if !p.state.has(flagGoodbye) {
				p.daemonDied()
			}
			return
		case <-time.After(wait):
		}
		stop = p.state.p.stop.Load()
		if stop == 0 || ccm.Boottime() < stop+p.state.p.bound.Load() || !p.state.has(flagEnforce) {
			continue
		}
		if left := p.left(); len(left) > 0 {
			if p.state.p.stop.Load() != stop {
				continue // it was this process that was late
			}
			pid := int(p.state.p.pid.Load())
			p.log.Error(fmt.Sprintf("the daemon (pid %d) has not released %s in time: it is killed, and they are taken away", pid, strings.Join(left, ", ")))
			_ = syscall.Kill(pid, syscall.SIGKILL)
			<-p.dead
			p.release(time.Now())
			return
		}
	}
}

// daemonDied waits for the end of the lease and releases everything.
func (p *process) daemonDied() {
	left := p.left()
	if len(left) == 0 {
		return
	}
	if !p.state.has(flagEnforce) {
		p.log.Warn("the daemon died; by the policy without quorum its resources stay: " + strings.Join(left, ", "))
		return
	}
	wait := time.Duration(p.state.p.stop.Load() - ccm.Boottime())
	p.log.Error(fmt.Sprintf("the daemon died: %s is released when its lease ends, in %v", strings.Join(left, ", "), max(0, wait).Round(time.Millisecond)))
	if wait > 0 {
		time.Sleep(wait)
	}
	p.release(time.Now().Add(time.Duration(p.state.p.stop.Load() + p.state.p.bound.Load() - ccm.Boottime())))
}

// left returns what the journal says is active or in flight here and managed.
func (p *process) left() (out []string) {
	found, err := lrm.ReadJournal(lrm.JournalFile(filepath.Join(p.runDir, ResourceDir)))
	if err != nil {
		p.log.Error(fmt.Sprintf("what is active here is not known: %v", err))
		return nil
	}
	for _, l := range found {
		if name := l.Op.Resource; p.managed(name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// managed reports whether the resource is not on the list of what stays.
func (p *process) managed(resource string) bool {
	var keep []string
	b, err := os.ReadFile(filepath.Join(p.runDir, keepName))
	if err == nil {
		_ = json.Unmarshal(b, &keep) // a torn list keeps nothing
	}
	if i := strings.LastIndexByte(resource, ':'); i > 0 {
		resource = resource[:i]
	}
	return !slices.Contains(keep, resource)
}

// ReleaseLeftovers stops what an earlier daemon left active in a run directory,
// but for what its configuration kept out of the cluster's hands. Call it after
// Retire and before this node asks for a right to run.
func ReleaseLeftovers(runDir string, bound time.Duration, log *slog.Logger) {
	p := &process{runDir: runDir, log: log}
	if left := p.left(); len(left) > 0 {
		log.Warn(fmt.Sprintf("an earlier daemon left %s active: stopped before this node joins", strings.Join(left, ", ")))
		p.release(time.Now().Add(bound))
	}
}

func (p *process) release(deadline time.Time) {
	began := time.Now()
	l := lrm.New(lrm.Config{RunDir: filepath.Join(p.runDir, ResourceDir), Logger: p.log, Managed: p.managed})
	go func() {
		for range l.Results() { // nobody is left to hear them
		}
	}()
	for _, r := range l.StopAll(context.Background(), deadline) {
		if r.How == lrm.NotReleased {
			p.log.Error(fmt.Sprintf("%s may still be active here: %s", r.Resource, r.Reason))
			continue
		}
		p.log.Warn(fmt.Sprintf("%s: %s after %v", r.Resource, r.How, r.Took.Round(time.Millisecond)))
	}
	l.Close()
	p.log.Info(fmt.Sprintf("the guard is done after %v", time.Since(began).Round(time.Millisecond)))
}
