package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/lrm"
)

// checker watches over the invariants.
type checker struct {
	s       *sim
	views   map[agree.Ballot][]agree.Member
	digests map[string]string
	maxOpen agree.Ballot
	history []logged
	// by are the views that committed the changes of history.
	by []agree.Ballot
	// acked are changes whose client was told that they are done.
	acked map[uint64]bool
	// excuses say until when there is a cause for resources to move, by the set
	// of resources that depend on one another; -1 for all.
	excuses map[int]int64
	// doubled is since when a resource has two owners.
	doubled map[string]int64
	unsafe  bool // the quorum rule allows two owners
}

func (c *checker) init(s *sim) {
	*c = checker{s: s, views: map[agree.Ballot][]agree.Member{}, digests: map[string]string{}, acked: map[uint64]bool{},
		excuses: map[int]int64{}, doubled: map[string]int64{}}
	v := agree.Voters{}
	for _, n := range slices.Concat(s.sc.Nodes, s.sc.Arbiters) {
		v[n] = agree.Voter{Weight: agree.DefaultWeight}
		if w, ok := s.sc.Weights[n]; ok {
			v[n] = agree.Voter{Weight: w}
		}
	}
	c.unsafe = !s.quorum.Meets(v)
	if len(v) == 2 && slices.Contains(s.sc.quorumPlugins(), "twonodes") {
		// Equal votes make a tie that twonodes breaks.
		c.unsafe = c.unsafe || slices.ContainsFunc(s.sc.Steps, func(e Step) bool { return e.Verb == "votes" })
	}
}

// view notes what a node tells of the membership.
func (c *checker) view(d *daemon, v agree.View) {
	if c.s.opts.Trace == nil && c.s.opts.Tell == nil {
		return
	}
	var names []string
	for _, m := range v.Members {
		names = append(names, m.Name)
	}
	c.s.tell(d.n, "view %v %s: %s, DC %q, %s", v.Ballot, v.Event, strings.Join(names, " "), v.DC, v.Reason)
}

// opened checks I1 and I4.
func (c *checker) opened(d *daemon, e agree.OpenedEvent) {
	c.s.stats.Views++
	if old, ok := c.views[e.Ballot]; ok && !slices.Equal(old, e.Members) {
		c.s.fail("I1", "ballot %v opened with %v and with %v", e.Ballot, old, e.Members)
	}
	c.views[e.Ballot] = e.Members
	log := upTo(d.app.log, e.Seq)
	if c.maxOpen.Less(e.Ballot) {
		c.maxOpen = e.Ballot
		for i, l := range c.history {
			if c.by[i] == e.Ballot {
				break // committed in this view: its opening is told when the DC has written it
			}
			if i >= len(log) || log[i] != l {
				c.lost("view %v of %s opens without the committed change %d", e.Ballot, d.n.name, l.seq)
				return
			}
		}
	}
	c.extend(d, log, e.Ballot)
}

// lost is a violation of I4, unless the quorum rule allows two histories.
func (c *checker) lost(format string, a ...any) {
	if c.unsafe {
		c.history, c.by = nil, nil // each half went its own way; the newer one counts from now on
		return
	}
	c.s.fail("I4", format, a...)
}

func (c *checker) committed(d *daemon, b agree.Ballot, seq uint64) {
	c.extend(d, upTo(d.app.log, seq), b)
}

// extend notes changes committed in a view, or before it; histories must be
// prefixes of one another.
func (c *checker) extend(d *daemon, log []logged, b agree.Ballot) {
	for i := min(len(log), len(c.history)) - 1; i >= 0; i-- {
		if c.history[i] != log[i] {
			c.lost("two histories are committed: change %d at %s differs from the one committed before", log[i].seq, d.n.name)
			break
		}
	}
	if len(log) > len(c.history) {
		c.s.stats.Changes += len(log) - len(c.history)
		c.history = slices.Clone(log)
		for len(c.by) < len(log) {
			c.by = append(c.by, b)
		}
	}
}

// stored checks I2: equal stamp and number, equal state. The machine holds what
// was written, and maybe more by now.
func (c *checker) stored(d *daemon, w *agree.Write) {
	if w.Stamp == nil && w.Snapshot == nil && w.Meta == nil && len(w.Changes) == 0 {
		return
	}
	x := d.m.Inspect()
	if x.Stamped.IsZero() || x.Diverged {
		return
	}
	key := x.Stamped.String() + " " + strconv.FormatUint(x.Seq, 10)
	digest := d.m.StateDigest()
	if old, ok := c.digests[key]; ok && old != digest {
		c.s.fail("I2", "two states with the stamp and number %s, one of them on %s", key, d.n.name)
	}
	c.digests[key] = digest
}

// gated checks a start that has passed the gate (I5).
func (c *checker) gated(d *daemon, op *lrm.Op, in ccm.Instance) {
	if p := d.n.disk.st.Promised; agree.Ballot(in).Less(p) && !c.s.opts.Plant.Has(PlantForgetPromise) {
		c.s.fail("I5", "%s obeys %s of view %v after promising %v", d.n.name, op.Key(), agree.Ballot(in), p)
	}
}

// starting checks I6: nobody else runs it or is about to.
func (c *checker) starting(i *instance, op string) {
	c.s.logf(i.n, "%s of %s begins", op, i.rsc.name)
	if p := i.n.res[i.rsc.after]; p != nil && p.released && !p.active {
		c.s.fail("order", "%s begins to start on %s, where %s, which it needs, was stopped at the end of the lease", i.rsc.name, i.n.name, p.rsc.name)
		return
	}
	if i.rsc.shared || op == "promote" {
		return
	}
	for _, n := range c.s.nodes {
		o := n.res[i.rsc.name]
		if n == i.n || !o.busy() || n.frozen > c.s.now || op == "migrate_from" {
			continue
		}
		if c.excused(o) || c.unsafe {
			continue
		}
		c.s.fail("I6", "%s begins to start on %s while %s runs it or has it in flight", i.rsc.name, i.n.name, n.name)
	}
}

// excused reports whether the cluster could not know that it is active there.
func (c *checker) excused(i *instance) bool { return i.rogue }

// owners are the nodes where a resource is active and running: one that is
// frozen does nothing.
func (c *checker) owners(r *resource) (out []*node, rogue bool) {
	for _, n := range c.s.nodes {
		if i := n.res[r.name]; i.active && n.frozen <= c.s.now {
			out = append(out, n)
			rogue = rogue || c.excused(i)
		}
	}
	return out, rogue
}

// changed takes the news that a resource became active or inactive (I7).
func (c *checker) changed(i *instance) {
	s, r := c.s, i.rsc
	if i.active {
		s.tell(i.n, "%s is active", r.name)
		s.stats.Starts++
		if r.everRan && r.owner != i.n.name {
			s.stats.Failovers++
		}
		r.owner, r.everRan = i.n.name, true
	} else {
		s.tell(i.n, "%s is not active any more", r.name)
	}
	c.weigh(r)
}

// paused and resumed look at a node that freezes and wakes up.
func (c *checker) paused(n *node) { c.s.at(0, func() { c.all() }) }

func (c *checker) resumed(*node) { c.all() }

func (c *checker) all() {
	for _, name := range c.s.order {
		c.weigh(c.s.rsc[name])
	}
}

// weigh counts the owners of a resource.
func (c *checker) weigh(r *resource) {
	s := c.s
	owners, rogue := c.owners(r)
	switch {
	case len(owners) == 0 && r.everRan && r.downAt < 0:
		r.downAt = s.now
	case len(owners) > 0 && r.downAt >= 0:
		s.stats.Outages = append(s.stats.Outages, time.Duration(s.now-r.downAt))
		r.downAt = -1
	}
	if r.shared {
		return
	}
	since, double := c.doubled[r.name]
	switch {
	case len(owners) > 1 && !double:
		switch {
		case rogue:
			s.stats.Excused++
		case c.unsafe:
			s.stats.Doubles++
			c.doubled[r.name] = s.now
			s.tell(nil, "%s has two owners: %s", r.name, nodeNames(owners))
		default:
			s.fail("I7", "%s is active on %s", r.name, nodeNames(owners))
		}
	case len(owners) < 2 && double:
		delete(c.doubled, r.name)
		s.stats.Double += time.Duration(s.now - since)
		s.tell(nil, "%s has one owner again, after %s", r.name, seconds(time.Duration(s.now-since)))
	}
}

// excusedFor is how long after its cause a resource may still be moved: a
// transition under way ends first, and the next may wait for an operation.
const excusedFor = 3 * time.Minute

// excuse notes a cause for a resource to be stopped; "" means all of them. lasts
// is how long the cause itself is there.
func (c *checker) excuse(resource string, lasts time.Duration) {
	set := -1
	if r := c.s.rsc[resource]; r != nil {
		set = r.set
	}
	c.excuses[set] = max(c.excuses[set], c.s.now+int64(min(lasts, time.Hour)+excusedFor))
}

// commanded looks at a stop that the DC asks for: where the configuration has no
// wish about nodes, a healthy resource on a healthy member stays. Where views come
// about at random a cause may wait for a DC as long as it takes, so that there
// is nothing to say about a late move.
func (c *checker) commanded(d *daemon, op *lrm.Op) {
	s := c.s
	i := d.n.instance(op.Resource)
	if !s.sc.Sticky || s.sc.RandomViews || i == nil || i.rsc.shared || !i.active || c.excuses[i.rsc.set] > s.now || c.excuses[-1] > s.now || c.unsafe {
		return
	}
	if o, _ := c.owners(i.rsc); len(o) != 1 || d.ending || d.asked || d.n.stopped {
		return
	}
	for _, r := range s.rsc {
		if r.set == i.rsc.set && !d.n.res[r.name].active {
			return // what belongs together is not complete here, and may be elsewhere
		}
	}
	s.fail("move", "%s is told to %s %s although nothing failed and no rule asks for it", d.n.name, op.Name, op.Resource)
}

// codec sends a message through its form on the wire.
func (c *checker) codec(msg agree.Message) agree.Message {
	out, err := agree.Decode(7, agree.Encode(7, msg))
	if err != nil {
		c.s.fail("codec", "%T: %v", msg, err)
		return msg
	}
	return out
}

func nodeNames(list []*node) string {
	var names []string
	for _, n := range list {
		names = append(names, n.name)
	}
	return strings.Join(names, " and ")
}

// whole reports why the cluster is not whole, or "".
func (c *checker) whole() string {
	s := c.s
	var first *daemon
	for _, n := range s.nodes {
		if n.absent || n.stopped || n.out {
			continue
		}
		switch {
		case !n.up || n.d == nil:
			return n.name + " does not run"
		case !n.d.view.Quorum:
			return n.name + " has no quorum: " + n.d.view.Reason
		case first == nil:
			first = n.d
		case n.d.view.Instance != first.view.Instance:
			return fmt.Sprintf("%s is in view %v, %s in %v", n.name, n.d.view.Instance, first.n.name, first.view.Instance)
		}
		if len(n.d.view.Members) != s.present() {
			return fmt.Sprintf("the view of %s has %d members", n.name, len(n.d.view.Members))
		}
	}
	if first == nil {
		return "no node runs"
	}
	for _, name := range s.order {
		r := s.rsc[name]
		if owners, _ := c.owners(r); !r.shared && len(owners) != 1 {
			return fmt.Sprintf("%s is active on %d nodes", name, len(owners))
		}
	}
	return ""
}

// equal reports how the members differ in what they hold, or "".
func (c *checker) equal() string {
	var first *daemon
	for _, n := range c.s.nodes {
		switch {
		case n.d == nil || n.out:
		case first == nil:
			first = n.d
		default:
			if a, b := first.app.Digest(), n.d.app.Digest(); a != b {
				return fmt.Sprintf("the configurations of %s and %s differ", first.n.name, n.name)
			}
			if !slices.Equal(first.app.log, n.d.app.log) {
				return fmt.Sprintf("%s and %s hold different changes", first.n.name, n.name)
			}
		}
	}
	return ""
}

// members is how many nodes the view of a node has.
func (c *checker) members(n *node) int { return len(n.d.view.Members) }
