package guard

import (
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/agents"
)

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

// rehearse runs through a release with nothing to release: it brings back what a
// release needs before the memory is locked.
func rehearse(runDir string) {
	dir, err := os.MkdirTemp(runDir, "rehearsal-")
	if err != nil {
		return // no place to rehearse: the pages come when they are needed
	}
	defer os.RemoveAll(dir)
	p := &process{runDir: dir, log: slog.New(slog.DiscardHandler)}
	p.left()
	p.cutAddresses()
	p.stopAll(time.Now())
	_, _ = agents.SetLifetimes(map[netip.Addr]bool{netip.IPv4Unspecified(): true}, 1) // reads the table; nothing has this address
}
