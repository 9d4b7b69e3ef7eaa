package pengine

func (r *resource) parentOf(f func(*resource) bool) bool {
	for p := r.parent; p != nil; p = p.parent {
		if f(p) {
			return true
		}
	}
	return false
}

// setAll sets flags on the resource and everything below.
func (r *resource) setAll(f uint32) {
	r.set(f)
	for _, c := range r.children {
		c.setAll(f)
	}
}

func (r *resource) clearAll(f uint32) {
	r.clear(f)
	for _, c := range r.children {
		c.clearAll(f)
	}
}
