package guard

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/agents"
	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/memlock"
	"github.com/quorate/quorate/pkg/realtime"
)

// ResourceDir is the run directory of the local resource manager below the
// daemon's.
const ResourceDir = "rsctmp"

// Descriptors the daemon hands to its guard.
const (
	pipeFD  = 3 // the read end: it ends with the daemon, a byte is a fresh lease
	pageFD  = 4
	watchFD = 5 // the watchdog, if there is one
)

// process is the guard itself.
type process struct {
	runDir string
	state  *State
	log    *slog.Logger
	pipe   int       // descriptor
	dog    *Watchdog // nil: none
	resets []Reset

	petAt int64 // when the watchdog is to be petted next
	// looked is when the lease was last looked at: what became due after that
	// was not dealt with, however late it is by now.
	looked int64
	from   int64 // where this process was late itself: the stops count from here
}

// Main is the guard: args are the run directory and its settings as JSON. It
// returns when the daemon has said goodbye, or when everything is released
// after the daemon's death.
func Main(args []string, log *slog.Logger) int {
	var set settings
	if len(args) != 2 || json.Unmarshal([]byte(args[1]), &set) != nil {
		log.Error("the guard is started by the daemon")
		return 2
	}
	memlock.Shed()
	rehearse(args[0])
	if err := memlock.Lock(); err != nil {
		log.Debug(fmt.Sprintf("memory is not locked: %v", err))
	}
	runtime.LockOSThread() // for run
	if err := realtime.Enter(set.Priority); err != nil {
		log.Info(fmt.Sprintf("the guard runs in the normal class: %v", err))
	}
	lock, err := os.OpenFile(filepath.Join(args[0], lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX)
	}
	if err == nil {
		_, err = lock.WriteAt(append([]byte(fmt.Sprintf("%-10d", os.Getpid())), '\n'), 0)
	}
	var st *State
	page := os.NewFile(pageFD, "guard state")
	defer page.Close() // it stays open, for [Retire] to read
	if err == nil {
		st, err = mapState(page)
	}
	if err == nil {
		err = st.checkLayout()
	}
	if err != nil {
		log.Error(err.Error())
		return 1
	}
	defer lock.Close()
	defer st.close()
	p := &process{runDir: args[0], state: st, log: log, pipe: pipeFD}
	if set.Watchdog != "" {
		p.dog = &Watchdog{Path: set.Watchdog, Timeout: set.Timeout, Stands: set.Stands, f: os.NewFile(watchFD, set.Watchdog), fd: watchFD}
	}
	p.resets = Resets(p.dog)
	return p.run()
}

// run looks at the lease until there is nothing to look for any more. It keeps
// the thread it was called on: nothing of the runtime stands between the end of
// a pause and the look.
func (p *process) run() int {
	for {
		due := p.due(ccm.Boottime())
		dead := p.wait(due)
		now := ccm.Boottime()
		p.looked = now
		p.state.p.seen.Store(now)
		if dead {
			if p.state.has(flagGoodbye) {
				return 0 // the daemon closes the watchdog in order
			}
			return p.daemonDied()
		}
		p.petWatchdog(now)
		if p.state.Stop() == 0 || now < p.state.Stop() || !p.state.Enforced() {
			p.from = 0
			continue
		}
		if p.lateness(now, due) > 0 && p.from == 0 {
			p.from = now
			p.wokeLate(time.Duration(now - due))
			continue
		}
		if p.overdue(now) && p.hung() && !p.patient(now) {
			return p.takeOver()
		}
	}
}

// due returns when to look next: at the next moment that matters, and at least
// every half lease, so that a lease which begins after a look has not ended
// before the next, even where there was none for long.
func (p *process) due(now int64) int64 {
	due := now + int64(p.state.lookEvery())
	stop := p.state.Stop()
	for _, t := range []int64{p.patience(), p.limit()} {
		if stop != 0 && t > now {
			due = min(due, t)
		}
	}
	if stop != 0 && now > p.limit() && p.looked <= p.limit() {
		due = now // the work since the look has taken us over the limit
	}
	if p.dog != nil && p.state.p.want.Load() == 0 { // else a byte wakes
		due = min(due, max(p.petAt, now))
	}
	return due
}

// limit is when everything must be released: at the bound, or where this
// process slept over it a bound after it woke.
func (p *process) limit() int64 { return max(p.state.Stop(), p.from) + p.state.p.bound.Load() }

// patience is until when the daemon must have begun to release: half of the
// bound, more where that is short, but never so much that nothing is left.
func (p *process) patience() int64 {
	bound := p.state.p.bound.Load()
	return max(p.state.Stop(), p.from) + max(bound/2, min(2*bound/3, int64(250*time.Millisecond)))
}

// lateness returns by how much this process woke too late to judge the daemon:
// the same may have held up both.
func (p *process) lateness(now, due int64) int64 {
	if slack := max(p.state.p.bound.Load()/4, int64(20*time.Millisecond)); now-due > slack && now > p.patience() {
		return now - due
	}
	return 0
}

// overdue reports whether the daemon has had its time: it has not begun to
// release, or is not done with it.
func (p *process) overdue(now int64) bool {
	return now >= p.limit() || now >= p.patience() && p.state.p.begun.Load() != p.state.Stop()
}

// wait sleeps in the kernel until due, or until a quorum confirms the lease
// where that was asked for, or until the daemon is dead.
func (p *process) wait(due int64) (dead bool) {
	for {
		ts := unix.NsecToTimespec(max(0, due-ccm.Boottime()))
		fds := []unix.PollFd{{Fd: int32(p.pipe), Events: unix.POLLIN}}
		n, err := unix.Ppoll(fds, &ts, nil)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return false
		}
		buf := make([]byte, 64)
		got, err := unix.Read(p.pipe, buf)
		return got == 0 || err != nil && err != unix.EINTR && err != unix.EAGAIN
	}
}

// petWatchdog pets the device if the time has come and this node is in order: a
// quorum has just confirmed it, or it may not run anything and does not.
func (p *process) petWatchdog(now int64) {
	if p.dog == nil || now < p.petAt {
		return
	}
	switch stop := p.state.Stop(); {
	case !p.state.Enforced():
	case now < stop:
		if now-p.state.base() > p.state.p.fresh.Load() {
			p.state.p.want.Store(1) // the daemon sends a byte with the next echo
			return
		}
	case len(p.left()) > 0:
		p.petAt = now + int64(p.dog.petEvery()/4) // look again
		return
	}
	if err := p.dog.pet(); err != nil {
		p.log.Error(fmt.Sprintf("watchdog %s: %v", p.dog.Path, err))
	}
	p.petAt = now + int64(p.dog.petEvery())
}

// secondLook is how long after a first look at the leftovers the next is: a
// command that is refused is in flight for less.
const secondLook = 3 * time.Millisecond

// hung looks whether the daemon holds on to something although its time is
// over. It looks twice: it may be this process that is late, or a command that
// is being refused.
func (p *process) hung() bool {
	stop, first := p.state.Stop(), p.left()
	if len(first) == 0 {
		return false
	}
	ts := unix.NsecToTimespec(int64(secondLook))
	_ = unix.Nanosleep(&ts, nil)
	still := slices.ContainsFunc(p.left(), func(r string) bool { return slices.Contains(first, r) })
	return still && p.state.Stop() == stop
}

// grace is how long a daemon may take to come to itself when it holds nothing
// any more: on a busy machine it may just not get a processor.
const grace = 2 * time.Second

// patient reports whether a daemon that has not let go may live on: where it
// holds nothing but addresses, they are taken away from under it at the limit,
// and it has time to notice.
func (p *process) patient(now int64) bool {
	for _, l := range p.leftovers() {
		if l.InFlight || !agents.IsAddress(l.Op.Class, l.Op.Provider, l.Op.Type) {
			return false
		}
	}
	if now >= p.limit() && p.state.Cut() != p.state.Stop() {
		p.state.p.cut.Store(p.state.Stop())
		p.log.Error(fmt.Sprintf("the daemon (pid %d) has not released %s in time: taken away", p.state.p.pid.Load(), strings.Join(p.left(), ", ")))
		if !p.cutAddresses() {
			return false
		}
	}
	return now < p.limit()+int64(grace)
}

// wokeLate is after a pause of this process, and perhaps of the whole node:
// others may have taken over. Addresses go at once; the daemon gets the time to
// stop the rest in order.
func (p *process) wokeLate(late time.Duration) {
	left := p.left()
	if len(left) == 0 {
		return
	}
	p.log.Error(fmt.Sprintf("the guard was not run for %v and the lease is over: the addresses of %s are taken away at once", late.Round(time.Millisecond), strings.Join(left, ", ")))
	p.state.p.cut.Store(p.state.Stop())
	p.cutAddresses()
}

// killWait is how long a killed daemon may take to be gone.
const killWait = 200 * time.Millisecond

// takeOver kills the daemon, which has not let go, and takes everything away.
func (p *process) takeOver() int {
	left := p.left()
	pid := int(p.state.p.pid.Load())
	p.log.Error(fmt.Sprintf("the daemon (pid %d) has not released %s in time: it is killed, and they are taken away", pid, strings.Join(left, ", ")))
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for end := ccm.Boottime() + int64(killWait); !p.wait(end); { // one that does not die is in the kernel and does nothing
		if ccm.Boottime() >= end {
			break
		}
	}
	return p.release(p.limit())
}

// daemonDied waits for the end of the lease and releases everything.
func (p *process) daemonDied() int {
	left := p.left()
	if len(left) == 0 {
		return p.done()
	}
	if !p.state.Enforced() {
		p.log.Warn("the daemon died; by the policy without quorum its resources stay: " + strings.Join(left, ", "))
		return p.done()
	}
	wait := time.Duration(p.state.Stop() - ccm.Boottime())
	names, wait := strings.Join(left, ", "), max(0, wait).Round(time.Millisecond)
	if p.state.has(flagRestart) {
		p.log.Info(fmt.Sprintf("the daemon restarts: %s stays if the new one takes over within %v", names, wait))
	} else {
		p.log.Error(fmt.Sprintf("the daemon died: %s is released when its lease ends, in %v", names, wait))
	}
	p.sleepUntil(p.state.Stop())
	if late := ccm.Boottime() - p.limit(); late > 0 && p.state.Stop() != 0 {
		p.from = ccm.Boottime()
		p.wokeLate(time.Duration(late))
	}
	return p.release(p.limit())
}

// sleepUntil waits although the pipe has ended.
func (p *process) sleepUntil(t int64) {
	for left := t - ccm.Boottime(); left > 0; left = t - ccm.Boottime() {
		ts := unix.NsecToTimespec(left)
		_ = unix.Nanosleep(&ts, nil) // a signal ends it early
		p.petWatchdog(ccm.Boottime())
	}
}

// fence resets the machine by its watchdog, because the policy without quorum is
// suicide. sysrq is for what does not let go, and nothing is left here.
func (p *process) fence() int {
	p.resets = WatchdogResets(p.dog)
	if len(p.resets) == 0 {
		return 0
	}
	p.reset("this node has lost its quorum and the policy without quorum is suicide")
	return 1
}

// done is the end of a guard whose node holds nothing any more.
func (p *process) done() int {
	if p.state.has(flagFence) {
		return p.fence()
	}
	if p.dog != nil {
		if err := p.dog.CloseInOrder(); err != nil {
			p.log.Error(fmt.Sprintf("watchdog %s: %v", p.dog.Path, err))
		}
	}
	return 0
}
