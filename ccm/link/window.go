package link

// window remembers which numbers of one flow have been seen. The zero value has
// seen none.
type window struct {
	top  uint64 // the highest number seen
	bits [windowBits / 64]uint64
}

// windowBits is how far back a late frame is still told from a replayed one.
const windowBits = 4096

// see takes a number. fresh is false if it was seen before or is too old to
// tell; skipped is how many numbers it jumped over; late says that it fills such
// a hole.
func (w *window) see(n uint64) (fresh bool, skipped uint64, late bool) {
	switch {
	case n == 0:
		return false, 0, false
	case n > w.top:
		if n-w.top >= windowBits {
			w.bits = [windowBits / 64]uint64{}
		} else {
			for i := w.top + 1; i < n; i++ {
				w.bits[i%windowBits/64] &^= 1 << (i % 64)
			}
		}
		if w.top != 0 {
			skipped = n - w.top - 1
		}
		w.top = n
		w.bits[n%windowBits/64] |= 1 << (n % 64)
		return true, skipped, false
	case w.top-n >= windowBits:
		return false, 0, false
	}
	bit := &w.bits[n%windowBits/64]
	if *bit&(1<<(n%64)) != 0 {
		return false, 0, false
	}
	*bit |= 1 << (n % 64)
	return true, 0, true
}

// newer reports whether a life replaces the one that is known: by incarnation,
// or, when a node has lost its disk, by the time the life began.
func newer(incarnation, life, knownIncarnation, knownLife uint64) bool {
	return incarnation > knownIncarnation || life>>16 > knownLife>>16
}
