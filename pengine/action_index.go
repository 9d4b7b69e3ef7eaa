package pengine

// A resource may have a probe for every node, and its history any number of
// recurring monitors. Keeping them apart from its few other actions makes
// looking for any of them cheap.

// isProbe reports whether an action is a one-time monitor by its key; neither
// the key nor what follows from it ever changes.
func (a *action) isProbe() bool { return a.kt == tMonitor && a.interval == 0 && !a.custom }

// index adds a new action to the lists of its resource.
func (r *resource) index(a *action, nodes int) {
	r.actions = append(r.actions, a)
	if a.kt == tMonitor && a.interval > 0 && !a.custom {
		if r.monitors == nil {
			r.monitors = map[int64][]*action{}
		}
		r.monitors[a.interval] = append(r.monitors[a.interval], a)
		return
	}
	if !a.isProbe() {
		r.others = append(r.others, a)
		return
	}
	r.probes = append(r.probes, a)
	if a.node == nil {
		r.looseProbes = true
		return
	}
	if r.probeAt == nil {
		r.probeAt = make([]*action, nodes)
	}
	r.probeAt[a.node.idx] = a
}

// withKey returns the actions of r among which are all those with the task and
// interval, oldest first.
func (r *resource) withKey(task string, interval int64) []*action {
	switch {
	case task != tMonitor:
		return r.others
	case interval == 0:
		return r.probes
	}
	return r.monitors[interval]
}

// opsNamed returns the places among the configured operations of those with
// the name and interval.
func (r *resource) opsNamed(task string, interval int64) []int {
	if r.opIndex == nil {
		r.opIndex = make(map[opKey][]int, len(r.opsXML))
		for i, op := range r.opsXML {
			k := opKey{op.Get("name"), parseInterval(op)}
			r.opIndex[k] = append(r.opIndex[k], i)
		}
	}
	return r.opIndex[opKey{task, interval}]
}

// find returns the newest action with the task and interval on a node, or on
// any when the node is nil. An action without node gets the node.
func (r *resource) find(task string, interval int64, n *node) *action {
	if n != nil && !r.looseProbes && task == tMonitor && interval == 0 {
		if r.probeAt == nil {
			return nil
		}
		return r.probeAt[n.idx]
	}
	list := r.withKey(task, interval)
	for i := len(list) - 1; i >= 0; i-- {
		x := list[i]
		if x.kt != task || x.interval != interval || x.custom {
			continue
		}
		if n != nil && x.node == nil {
			x.node = n
		}
		if n == nil || x.node == n {
			return x
		}
	}
	return nil
}
