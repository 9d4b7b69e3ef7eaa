package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// node is one machine: what is true of it whatever its daemon believes.
type node struct {
	s    *sim
	id   int
	name string
	r    *rng
	clk  clock
	disk disk
	lost []disk // those that were lost, as they were

	up      bool
	power   int   // counts its lives as a machine
	frozen  int64 // until then nothing runs on it
	hung    int64 // until then the daemon does not run
	res     map[string]*instance
	faults  map[agentFault]int64
	guard   guard
	rel     *release       // what is stopped without a daemon, nil: nothing
	d       *daemon        // nil when none runs
	life    int            // counts the daemons
	absent  bool           // shall stay down until told otherwise
	newest  uint64         // the highest incarnation it ever had
	hacf    []string       // the voters that its ha.cf names
	votes   map[string]int // their votes there, nil: those of the scenario
	arbiter bool           // it votes and runs nothing
	out     bool           // it is no part of the cluster: not added yet, or removed
	stopped bool           // its daemon was stopped on request
}

// local is what its clock shows.
func (n *node) local() int64 { return n.clk.local(n.s.now) }

// asleep is until when it does not run, if it does not.
func (n *node) asleep() (int64, bool) { return n.frozen, n.frozen > n.s.now }

// machineAfter runs f after a delay unless the machine loses power before, and
// not while it is frozen.
func (n *node) machineAfter(delay int64, f func()) {
	power := n.power
	var g func()
	g = func() {
		switch until, asleep := n.asleep(); {
		case n.power != power || !n.up:
		case asleep:
			n.s.at(until-n.s.now, g)
		default:
			f()
		}
	}
	n.s.at(delay, g)
}

// daemonAfter runs f after a delay in this life of the daemon, and not while it
// does not run.
func (n *node) daemonAfter(d *daemon, delay int64, f func()) {
	var g func()
	g = func() {
		switch {
		case n.d != d:
		case n.frozen > n.s.now || n.hung > n.s.now:
			n.s.at(max(n.frozen, n.hung)-n.s.now, g)
		default:
			f()
		}
	}
	n.s.at(delay, g)
}

// atLocal is daemonAfter for a time of the node's own clock, never before it: a
// clock whose rate falls meanwhile is waited for.
func (n *node) atLocal(d *daemon, local int64, f func()) {
	n.daemonAfter(d, n.clk.until(n.s.now, local), func() {
		if n.local() < local {
			n.atLocal(d, local, f)
			return
		}
		f()
	})
}

// boot switches the machine on; its daemon starts at once.
func (n *node) boot() {
	if n.up {
		return
	}
	n.up, n.absent = true, false
	n.power++
	n.s.tell(n, "boots")
	n.startDaemon()
}

// crash switches the machine off.
func (n *node) crash() {
	if !n.up {
		return
	}
	n.s.tell(n, "loses power%s", n.holding())
	n.up = false
	n.power++
	n.d = nil
	n.life++
	n.frozen, n.hung = 0, 0
	n.guard, n.rel = guard{}, nil
	for _, name := range n.s.order {
		n.res[name].reset()
	}
}

// holding is a phrase on what is active here, for stories.
func (n *node) holding() string {
	var names []string
	for _, name := range n.s.order {
		if i := n.res[name]; i.active {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" holding %v", names)
}

// kill ends the daemon without a word.
func (n *node) kill(why string) {
	if n.d == nil {
		return
	}
	n.s.tell(n, "%s%s", why, n.holding())
	n.d = nil
	n.life++
	n.hung = 0
	n.daemonGone(false)
}

// freeze stops the whole machine for a time; its clock goes on.
func (n *node) freeze(until int64) {
	if !n.up || until <= n.frozen {
		return
	}
	n.s.tell(n, "freezes for %s%s", seconds(time.Duration(until-n.s.now)), n.holding())
	if n.frozen <= n.s.now {
		n.s.checks.paused(n)
	}
	n.frozen = until
	// The guard's timers are the first to run when it wakes up.
	power := n.power
	n.s.at(until-n.s.now, func() {
		if n.power == power && n.frozen == until {
			n.wake()
		}
	})
}

// wake is the end of a freeze.
func (n *node) wake() {
	n.s.tell(n, "wakes up%s", n.holding())
	n.releaseOverdue()
	n.guardCheck()
	n.s.checks.resumed(n)
}

// startDaemon starts the daemon once what an earlier one left is released: within
// a bound of now, and not later than the guard would have had it.
func (n *node) startDaemon() {
	if n.out {
		return
	}
	deadline := n.s.now + int64(n.s.timing.StopBound)
	if g := &n.guard; g.on && g.stop != 0 {
		deadline = min(deadline, n.s.now+n.clk.until(n.s.now, g.stop+int64(n.s.timing.StopBound)))
	}
	n.rel = nil
	n.guard.retire()
	n.life++
	life := n.life
	n.stopped = false
	start := func() {
		if n.life == life && n.up && n.d == nil {
			n.runDaemon()
		}
	}
	var left []*instance
	for _, name := range n.s.order {
		if i := n.res[name]; i.busy() && n.guard.releases(name) {
			left = append(left, i)
		}
	}
	if len(left) == 0 || n.s.opts.Plant.Has(PlantOrphan) {
		n.machineAfter(n.r.between(0, int64(50*time.Millisecond)), start)
		return
	}
	n.s.tell(n, "an earlier daemon left %s active: stopped before this node joins", instanceNames(left))
	n.releaseAll(left, deadline, start)
}

// runDaemon makes a new life of the daemon.
func (n *node) runDaemon() {
	s := n.s
	if n.disk.full {
		s.tell(n, "the daemon cannot start: the disk is full")
		n.machineAfter(int64(s.timing.Deadtime), func() {
			if n.d == nil && !n.absent && !n.stopped {
				n.startDaemon()
			}
		})
		return
	}
	s.lives++
	d := newDaemon(n, n.disk.nextLife())
	m, err := agree.New(agree.Config{Self: n.name, Nodes: n.hacf, Weights: n.weights(), Arbiters: s.sc.Arbiters, Incarnation: d.inc, Disk: n.disk.id,
		Quorum: s.quorum, Timing: s.timing, Seed: s.opts.Seed + uint64(n.id)<<32 + s.lives, Plant: s.plant()}, n.disk.st, d.app, n.local())
	if err != nil {
		s.fail("start", "%s cannot start from its own disk: %v", n.name, err)
		return
	}
	d.m = m
	n.d = d
	s.tell(n, "the daemon starts, promised %v, state %v", n.disk.st.Promised, n.disk.st.Stamped)
	d.start()
}

// weights are the votes that its ha.cf names.
func (n *node) weights() map[string]int {
	if n.votes != nil {
		return n.votes
	}
	w := map[string]int{}
	for name, v := range n.s.sc.Weights {
		if slices.Contains(n.hacf, name) {
			w[name] = v
		}
	}
	return w
}

// plant is what the agreement is to leave out.
func (s *sim) plant() agree.Plant {
	p := s.opts.Plant.Agree
	if s.sc.RandomViews {
		p |= agree.PlantAnyTarget
	}
	if s.sc.DirectedViews {
		p |= agree.PlantDirected
	}
	return p
}

// expireFaults ends what is over of the agents' faults.
func (n *node) expireFaults() {
	maps.DeleteFunc(n.faults, func(_ agentFault, until int64) bool { return until <= n.s.now })
}

func instanceNames(list []*instance) string {
	var names []string
	for _, i := range list {
		names = append(names, i.rsc.name)
	}
	slices.Sort(names)
	return fmt.Sprint(names)
}
