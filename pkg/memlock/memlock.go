// Package memlock keeps a program in memory, so that it is never late because
// the machine swaps or reads it anew from disk.
package memlock

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Shed gives back the pages of the program that only its start has needed. What
// it needs comes back from the page cache. Call it before Lock.
func Shed() {
	for _, r := range programPages() {
		_ = unix.Madvise(r, unix.MADV_DONTNEED) // locked already: they stay
	}
}

// Lock locks the memory of this process, what is in use and what will be. Without
// the right to do so it returns an error and nothing is locked.
func Lock() error {
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("mlockall: %w", err)
	}
	return nil
}

// programPages returns the parts of the address space that show the program's
// file as it is on disk: mapped privately, not writable, and never written to.
func programPages() (out [][]byte) {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil
	}
	defer f.Close()
	var from, to uintptr
	found := false
	for s := bufio.NewScanner(f); s.Scan(); {
		line := s.Text()
		var a, b uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &a, &b); n == 2 {
			w := strings.Fields(line)
			from, to = a, b
			found = len(w) == 6 && w[5] == self && (w[1] == "r-xp" || w[1] == "r--p")
			continue
		}
		if !found || !strings.HasPrefix(line, "Anonymous:") {
			continue
		}
		// Pages of its own, such as relocations, are nowhere else.
		if w := strings.Fields(line); len(w) == 3 && w[1] == "0" {
			out = append(out, unsafe.Slice((*byte)(pointer(from)), to-from))
		}
	}
	return out
}

// pointer makes a pointer to memory that is not the runtime's.
func pointer(a uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&a)) }
