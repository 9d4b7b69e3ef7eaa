package guard

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Names of the guard's files in the run directory.
const (
	lockName = "guard.lock"
	keepName = "guard.keep"
)

// page is what both processes see. Each field is one word, written whole.
type page struct {
	stop  atomic.Int64 // end of the lease, nanoseconds of CLOCK_BOOTTIME; 0: none yet
	bound atomic.Int64 // nanoseconds from there until everything is released
	pid   atomic.Int64 // of the daemon
	flags atomic.Uint64
}

const (
	flagEnforce = 1 << iota // resources stop at the end of the lease
	flagGoodbye             // the daemon has released everything and leaves
)

// State is the page the daemon shares with its guard.
type State struct {
	p   *page
	mem []byte
}

const pageSize = 4096

// newState makes the page. It is memory only: a store to a page of a file can
// wait for the disk, and with it everything the daemon does.
func newState() (*State, *os.File, error) {
	fd, err := unix.MemfdCreate("quorate-guard", unix.MFD_CLOEXEC)
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

// SetLease notes the end of the lease, in nanoseconds of CLOCK_BOOTTIME. It
// costs one store to memory.
func (s *State) SetLease(stop int64) { s.p.stop.Store(stop) }

// SetEnforce says whether resources have to stop at the end of the lease.
func (s *State) SetEnforce(on bool) { s.flag(flagEnforce, on) }

// Goodbye says that this node has released everything: the guard ends with the
// daemon.
func (s *State) Goodbye() { s.flag(flagGoodbye, true) }

func (s *State) flag(bit uint64, on bool) {
	if on {
		s.p.flags.Or(bit)
	} else {
		s.p.flags.And(^bit)
	}
}

func (s *State) has(bit uint64) bool { return s.p.flags.Load()&bit != 0 }

func (s *State) close() { _ = unix.Munmap(s.mem) }
