package source

import (
	"math"
	"os"
	"runtime/debug"
)

// Frugal keeps this process, which works on a text of so many bytes, near to
// four times that, by collecting garbage more often when it comes there. A limit
// that is set already, as by GOMEMLIMIT, stays where it is lower.
func Frugal(size int) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	// The program itself, with the little that every command needs.
	const base = 16 << 20
	if now := debug.SetMemoryLimit(-1); now == math.MaxInt64 || now > int64(base+4*size) {
		debug.SetMemoryLimit(int64(base + 5*size))
	}
}
