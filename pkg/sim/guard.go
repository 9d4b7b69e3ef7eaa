package sim

import (
	"slices"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/member"
)

// guard is the second process of a node: it outlives the daemon and owns the end
// of the lease, as package guard does.
type guard struct {
	on      bool
	stop    int64 // end of the lease by the node's clock, 0: none yet
	enforce bool
	keep    []string // what stays
	due     int64    // when it looks next
	gen     int
}

// serve begins with a new life of the daemon.
func (g *guard) serve(d *daemon) {
	*g = guard{on: true, enforce: true, gen: g.gen + 1}
	g.instruct(d.config)
}

// retire ends the guard of an earlier daemon; what it knew of the configuration
// stays.
func (g *guard) retire() { g.on, g.stop, g.due, g.gen = false, 0, 0, g.gen+1 }

func (g *guard) instruct(config *cib.Element) {
	g.enforce = !member.KeepsResources(member.Policy(config))
	g.keep = member.Unmanaged(config)
}

// releases reports whether a resource goes at the end of the lease.
func (g *guard) releases(resource string) bool { return !slices.Contains(g.keep, resource) }

func (g *guard) setLease(n *node, stop int64) {
	g.stop = stop
	if g.due == 0 {
		n.guardAt(stop + int64(n.s.timing.StopBound))
	}
}

// guardAt makes the guard look at a time of the node's clock.
func (n *node) guardAt(local int64) {
	g := &n.guard
	g.due = local
	g.gen++
	gen := g.gen
	n.machineAfter(n.clk.until(n.s.now, local), func() {
		if n.guard.gen == gen {
			n.guard.due = 0
			n.guardCheck()
		}
	})
}

// guardLeft are the resources that the guard would have to release.
func (n *node) guardLeft() (left []*instance) {
	for _, name := range n.s.order {
		if i := n.res[name]; i.busy() && n.guard.releases(name) {
			left = append(left, i)
		}
	}
	return left
}

// guardCheck is one look of the guard: at the bound everything is taken away,
// and a daemon that has not let go is killed.
func (n *node) guardCheck() {
	g := &n.guard
	if !g.on || g.stop == 0 || n.s.opts.Plant.Has(PlantNoGuard) {
		return
	}
	end := g.stop + int64(n.s.timing.StopBound)
	if n.local() < end {
		if g.due == 0 || g.due > end {
			n.guardAt(end)
		}
		return
	}
	if !g.enforce {
		return
	}
	left := n.guardLeft()
	if len(left) == 0 {
		return
	}
	n.s.tell(n, "the guard takes %s away: the daemon has not released it in time", instanceNames(left))
	for _, i := range left {
		i.takeAway("by the guard")
	}
	if n.d != nil {
		n.kill("the daemon is killed by the guard")
		n.restart()
	}
}

// daemonGone is the death of the daemon as the guard sees it: at the end of the
// lease it stops what is left, and at the bound takes the rest away.
func (n *node) daemonGone(goodbye bool) {
	g := &n.guard
	if goodbye || !g.on || n.s.opts.Plant.Has(PlantNoGuard) {
		g.retire()
		return
	}
	if len(n.guardLeft()) == 0 || !g.enforce {
		return
	}
	g.gen++
	gen := g.gen
	stop, end := g.stop, g.stop+int64(n.s.timing.StopBound)
	n.machineAfter(n.clk.until(n.s.now, stop), func() {
		if n.guard.gen != gen || n.d != nil {
			return
		}
		left := n.guardLeft()
		if len(left) == 0 {
			return
		}
		n.s.tell(n, "the guard stops %s: the daemon is dead and the lease is over", instanceNames(left))
		n.releaseAll(left, n.s.now+n.clk.until(n.s.now, end), func() {})
	})
	// A bound of its own: a release under way may hang.
	n.machineAfter(n.clk.until(n.s.now, end), func() {
		if n.guard.gen == gen && n.d == nil {
			for _, i := range n.guardLeft() {
				i.takeAway("by the guard")
			}
		}
	})
}

// release is a stop of resources without a daemon: by the guard, or by a daemon
// that has only just begun.
type release struct {
	deadline int64
	left     []*instance
	done     func()
}

// releaseAll stops resources without a daemon: operations under way are killed,
// then the agents stop, and what is left at the deadline is taken away. It takes
// the place of a release under way.
func (n *node) releaseAll(left []*instance, deadline int64, done func()) {
	s := n.s
	r := &release{deadline, slices.Clone(left), done}
	n.rel = r
	for _, i := range left {
		if i.op != nil {
			o := i.op
			o.over, i.op = true, nil
			if activates(o.exec.Op().Name) && n.r.chance(2) {
				i.set(true)
			}
		}
		took := n.r.between(int64(i.rsc.stop)/4, int64(i.rsc.stop))
		force := n.has(i.rsc.name, "fails", "stop") || n.has(i.rsc.name, "hangs", "stop") || s.now+took > deadline
		if force {
			took = max(0, deadline-s.now)
		}
		n.machineAfter(took, func() { n.released(r, i, force) })
	}
}

// released is the end of one resource of a release.
func (n *node) released(r *release, i *instance, force bool) {
	at := slices.Index(r.left, i)
	if n.rel != r || at < 0 {
		return
	}
	r.left = slices.Delete(r.left, at, at+1)
	if force {
		i.takeAway("by force")
	} else {
		i.set(false)
	}
	if len(r.left) == 0 {
		n.rel = nil
		r.done()
	}
}

// releaseOverdue takes away at once what a release should have stopped while the
// machine stood still: whoever releases has the first turn when it wakes, as the
// guard has.
func (n *node) releaseOverdue() {
	if r := n.rel; r != nil && n.s.now >= r.deadline {
		for _, i := range slices.Clone(r.left) {
			n.released(r, i, true)
		}
	}
}

// restart is what the init system does about a daemon that ended by itself.
func (n *node) restart() {
	n.machineAfter(n.r.between(int64(n.s.timing.Deadtime)/10, int64(n.s.timing.Deadtime)), func() {
		if n.d == nil && !n.absent && !n.stopped {
			n.startDaemon()
		}
	})
}
