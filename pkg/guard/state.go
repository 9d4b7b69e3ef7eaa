package guard

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/ccm"
)

// Names of the guard's files in the run directory.
const (
	lockName = "guard.lock"
	keepName = "guard.keep"
)

// layout identifies the meaning of the page: a guard of another version than
// its daemon's must not guess.
const layout = 0x71_67_75_61_72_64_03 // "qguard" and a number

// page is what both processes see. Each field is one word, written whole.
// Times are nanoseconds of CLOCK_BOOTTIME.
type page struct {
	layout atomic.Uint64
	stop   atomic.Int64 // end of the lease; 0: none yet
	lease  atomic.Int64 // length of the lease: stop less its base
	bound  atomic.Int64 // from stop until everything is released
	fresh  atomic.Int64 // how old a base may be for the watchdog to be petted
	pid    atomic.Int64 // of the daemon
	flags  atomic.Uint64
	begun  atomic.Int64 // the end of the lease for which the daemon has begun to release, 0: none
	cut    atomic.Int64 // the end of the lease for which the guard took addresses away under a live daemon
	seen   atomic.Int64 // when the guard last looked
	want   atomic.Int64 // the guard wants a byte when a quorum confirms the lease next
}

const (
	flagEnforce = 1 << iota // resources stop at the end of the lease
	flagGoodbye             // the daemon has released everything and leaves
	flagRestart             // the daemon is replaced in its process: its end is planned
	flagFence               // this node ends itself: a watchdog is left to fire
)

// State is the page the daemon shares with its guard.
type State struct {
	p   *page
	mem []byte
}

const (
	pageSize = 4096
	pageName = "quorate-guard" // of its memory, below /proc
)

// newState makes the page. It is memory only: a store to a page of a file can
// wait for the disk, and with it everything the daemon does.
func newState() (*State, *os.File, error) {
	fd, err := unix.MemfdCreate(pageName, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fd), "guard state")
	if err := f.Truncate(pageSize); err != nil {
		f.Close()
		return nil, nil, err
	}
	st, err := mapState(f)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	st.p.layout.Store(layout)
	return st, f, nil
}

// mapState maps the page of an open state.
func mapState(f *os.File) (*State, error) {
	mem, err := unix.Mmap(int(f.Fd()), 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("guard state: %w", err)
	}
	return &State{p: (*page)(unsafe.Pointer(&mem[0])), mem: mem}, nil
}

// checkLayout refuses the page of a daemon of another version.
func (s *State) checkLayout() error {
	if got := s.p.layout.Load(); got != layout {
		return fmt.Errorf("guard state: layout %#x is not this program's %#x: the daemon is of another version", got, layout)
	}
	return nil
}

// Stop returns the end of the lease, in nanoseconds of CLOCK_BOOTTIME; 0: none
// yet.
func (s *State) Stop() int64 { return s.p.stop.Load() }

// Valid reports whether the lease holds at this moment.
func (s *State) Valid() bool { return ccm.Boottime() < s.p.stop.Load() }

// base returns the base of the lease: the send time of the newest beat that a
// quorum has echoed.
func (s *State) base() int64 { return s.p.stop.Load() - s.p.lease.Load() }

// release returns when everything must be released.
func (s *State) release() int64 { return s.p.stop.Load() + s.p.bound.Load() }

// Begun notes that the daemon has begun to release everything, because the
// lease that ends at stop is over.
func (s *State) Begun(stop int64) { s.p.begun.Store(stop) }

// Cut returns the end of the lease for which the guard has taken addresses away
// although the daemon lives, because it did not in time; 0: never.
func (s *State) Cut() int64 { return s.p.cut.Load() }

// SetEnforce says whether resources have to stop at the end of the lease.
func (s *State) SetEnforce(on bool) { s.flag(flagEnforce, on) }

// Enforced tells what SetEnforce said.
func (s *State) Enforced() bool { return s.has(flagEnforce) }

// Goodbye says that this node has released everything: the guard ends with the
// daemon.
func (s *State) Goodbye() { s.flag(flagGoodbye, true) }

// Fence says that this node has to end: when everything is released the watchdog
// resets the machine, where there is one.
func (s *State) Fence() { s.flag(flagFence, true) }

// Fences tells what Fence said.
func (s *State) Fences() bool { return s.has(flagFence) }

func (s *State) flag(bit uint64, on bool) {
	if on {
		s.p.flags.Or(bit)
	} else {
		s.p.flags.And(^bit)
	}
}

func (s *State) has(bit uint64) bool { return s.p.flags.Load()&bit != 0 }

func (s *State) close() { _ = unix.Munmap(s.mem) }

// lookEvery is how often a guard looks at least, so that one that hangs is
// noticed: half the lease, between 100 ms and 1 s.
func (s *State) lookEvery() time.Duration {
	return min(max(time.Duration(s.p.lease.Load())/2, 100*time.Millisecond), time.Second)
}

// silence returns for how long the guard has not looked.
func (s *State) silence() time.Duration { return time.Duration(ccm.Boottime() - s.p.seen.Load()) }

// maxSilence is how long a guard may not look until it counts as hung.
func (s *State) maxSilence() time.Duration { return max(4*s.lookEvery(), 2*time.Second) }
