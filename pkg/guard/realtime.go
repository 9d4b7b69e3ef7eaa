package guard

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// lockMemory keeps the pages of this process in memory as far as the limits
// allow: one that has to be read from disk first may come too late.
func lockMemory() error {
	return unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
}

// realtime gives the calling goroutine a thread of its own in the real-time
// class. What it starts runs in the normal class.
func realtime(priority int) error {
	runtime.LockOSThread()
	if priority <= 0 {
		return nil
	}
	return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR,
		Priority: uint32(priority), Flags: unix.SCHED_FLAG_RESET_ON_FORK}, 0)
}
