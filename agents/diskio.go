package agents

import "unsafe"

// diskAlign is what reads and writes past the cache (O_DIRECT) are aligned to.
const diskAlign = 4096

// alignedBlock returns n bytes that begin at a multiple of diskAlign.
func alignedBlock(n int) []byte {
	b := make([]byte, n+diskAlign)
	off := int(uintptr(unsafe.Pointer(&b[0])) % diskAlign)
	if off != 0 {
		off = diskAlign - off
	}
	return b[off : off+n : off+n]
}
