package ccm

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// alarm is how the beater waits.
type alarm interface {
	// enter is called once by the goroutine that will wait.
	enter()
	// wait returns after the time, in nanoseconds, or when woken.
	wait(ns int64)
	// wake ends the present wait, or the next. It never waits.
	wake()
}

// threadAlarm waits in the kernel on a thread of its own, so that its end does
// not depend on another thread that looks after timers.
type threadAlarm struct{ fd int }

func newThreadAlarm() (*threadAlarm, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	return &threadAlarm{fd: fd}, nil
}

// enter keeps the thread.
func (a *threadAlarm) enter() { runtime.LockOSThread() }

func (a *threadAlarm) wait(ns int64) {
	if ns <= 0 {
		return
	}
	ts := unix.NsecToTimespec(ns)
	fds := [1]unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}}
	if n, _ := unix.Ppoll(fds[:], &ts, nil); n > 0 {
		var b [8]byte
		unix.Read(a.fd, b[:])
	}
}

func (a *threadAlarm) wake() {
	one := [8]byte{7: 1}
	unix.Write(a.fd, one[:]) // full means: already woken
}

func (a *threadAlarm) close() { unix.Close(a.fd) }

// timerAlarm waits by a timer, which tests can make virtual.
type timerAlarm struct{ woken chan struct{} }

func newTimerAlarm() *timerAlarm { return &timerAlarm{woken: make(chan struct{}, 1)} }

func (a *timerAlarm) enter() {}

func (a *timerAlarm) wait(ns int64) {
	if ns <= 0 {
		return
	}
	t := time.NewTimer(time.Duration(ns))
	defer t.Stop()
	select {
	case <-t.C:
	case <-a.woken:
	}
}

func (a *timerAlarm) wake() {
	select {
	case a.woken <- struct{}{}:
	default:
	}
}
