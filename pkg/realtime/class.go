package realtime

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Max is the highest real-time priority of Linux; 1 is the lowest.
const Max = 99

// process is the class of this process.
var process struct {
	sync.Mutex
	prio    int
	relaxed int // calls of Relax under way
	spawn   *spawner
}

// Enter puts every thread of this process, and those to come, into the class
// SCHED_RR with a priority of 1 to 99. Priority 0 puts them back into the normal
// one. An error says why the kernel refuses; nothing has changed then.
func Enter(priority int) error {
	process.Lock()
	defer process.Unlock()
	if err := all(attr(priority, 0)); err != nil {
		return err
	}
	process.prio = priority
	if priority > 0 && process.spawn == nil {
		process.spawn = newSpawner()
	}
	return nil
}

// Priority returns the real-time priority of this process, 0 in the normal class.
func Priority() int {
	process.Lock()
	defer process.Unlock()
	return process.prio
}

// Class is the class of this process for users, as in "real-time (SCHED_RR 1)".
func Class() string {
	if p := Priority(); p > 0 {
		return fmt.Sprintf("real-time (SCHED_RR %d)", p)
	}
	return "normal"
}

// relaxedNice is for what is to be late by milliseconds at most on a busy
// machine and yet leaves something to others.
const relaxedNice = -20

// Relax runs f, which computes for seconds, with this process in the normal class
// and the highest nice value, so that the machine is not kept from everything
// else. On a busy machine all that happens here meanwhile may be late by up to some
// 200 ms. A process that is in the normal class anyway just runs f.
func Relax(f func()) {
	relax(1)
	defer relax(-1)
	f()
}

// relax counts who computes; the first and the last change the class.
func relax(n int) {
	process.Lock()
	defer process.Unlock()
	was := process.relaxed
	process.relaxed += n
	if process.prio == 0 || was > 0 && process.relaxed > 0 {
		return
	}
	// A right that was there at Enter and is gone leaves things as they are.
	if process.relaxed > 0 {
		_ = all(attr(0, relaxedNice))
	} else {
		_ = all(attr(process.prio, 0))
	}
}

// all gives every thread the class: until there is none left to be changed, for
// those that are made meanwhile have the class of their makers.
func all(want *unix.SchedAttr) error {
	for range 100 {
		list, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		changed := false
		for _, e := range list {
			tid, err := strconv.Atoi(e.Name())
			if err != nil {
				continue
			}
			c, err := set(tid, want)
			if err != nil && !errors.Is(err, unix.ESRCH) { // a thread may end
				return err
			}
			changed = changed || c
		}
		if !changed {
			return nil
		}
	}
	return errors.New("threads are made faster than their class can be set")
}

// set gives a thread or process the class, unless it has it.
func set(tid int, want *unix.SchedAttr) (changed bool, err error) {
	was, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		return false, fmt.Errorf("sched_getattr: %w", err)
	}
	if was.Policy == want.Policy && was.Priority == want.Priority && (want.Policy != unix.SCHED_NORMAL || was.Nice == want.Nice) {
		return false, nil
	}
	if was.Flags&unix.SCHED_FLAG_RESET_ON_FORK != 0 { // of the spawner; few may take it away
		keeps := *want
		keeps.Flags |= unix.SCHED_FLAG_RESET_ON_FORK
		want = &keeps
	}
	if err := unix.SchedSetAttr(tid, want, 0); err != nil {
		return false, fmt.Errorf("sched_setattr: %w", err)
	}
	return true, nil
}

func attr(priority, nice int) *unix.SchedAttr {
	a := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: int32(nice)}
	if priority > 0 {
		a.Policy, a.Priority, a.Nice = unix.SCHED_RR, uint32(priority), 0
	}
	return a
}
