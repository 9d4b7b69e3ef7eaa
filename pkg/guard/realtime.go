package guard

import (
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/agents"
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

// shed gives back the pages of the program that only its start has needed: the
// program is large, and the guard uses little of it. What it needs comes back
// from the page cache, where the daemon, the same program, keeps it; rehearse
// brings back what a release needs before the memory is locked.
func shed() {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		// Only what cannot have been written to.
		f := strings.Fields(line)
		if len(f) != 6 || f[5] != exe || f[1] != "r-xp" && f[1] != "r--p" {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		begin, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(begin), uintptr(end-begin), unix.MADV_DONTNEED)
		}
	}
}

// rehearse runs through a release with nothing to release.
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
