package sim

// rng is a small generator of random numbers (splitmix64): each purpose has its
// own, so that what one part of a run draws does not change another's.
type rng struct{ s uint64 }

// newRNG derives a generator from a seed and what it is for.
func newRNG(seed uint64, purpose ...uint64) *rng {
	r := &rng{seed*0x9e3779b97f4a7c15 + 1}
	for _, p := range purpose {
		r.s ^= r.next() + p*0xbf58476d1ce4e5b9
	}
	return r
}

func (r *rng) next() uint64 {
	r.s += 0x9e3779b97f4a7c15
	z := r.s
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1; 0 if n is not positive.
func (r *rng) below(n int64) int64 {
	if n <= 0 {
		return 0
	}
	return int64(r.next() % uint64(n))
}

// between returns a number from lo to hi.
func (r *rng) between(lo, hi int64) int64 { return lo + r.below(hi-lo+1) }

// chance is true once in n times in the mean.
func (r *rng) chance(n int64) bool { return r.below(n) == 0 }

// permille is true in p of 1000 cases.
func (r *rng) permille(p int64) bool { return p > 0 && r.below(1000) < p }
