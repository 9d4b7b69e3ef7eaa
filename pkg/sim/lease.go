package sim

import (
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/member"
)

// leaseState is the lease as package ccm publishes it.
func (d *daemon) leaseState() ccm.LeaseState {
	l := d.m.Lease()
	s := ccm.LeaseState{Valid: l.Valid}
	if l.Stop != 0 || l.Release != 0 {
		now, local := d.now(), d.n.local()
		s.Stop, s.Release = now.Add(time.Duration(l.Stop-local)), now.Add(time.Duration(l.Release-local))
	}
	return s
}

// checkLease stops everything when the right to run has run out.
func (d *daemon) checkLease() {
	if d.ending {
		return
	}
	lease, policy := d.leaseState(), ""
	if !lease.Valid {
		policy = member.Policy(d.config)
	}
	stop, due := d.leaseEnd.Decide(d.now(), lease, policy, func() bool { return len(d.core.ToRelease(d.releaseRules())) > 0 })
	if due {
		d.n.s.tell(d.n, "stops everything, done by %s at the latest: %v", seconds(stop.Deadline.Sub(d.now()).Round(time.Millisecond)), d.core.ToRelease(d.releaseRules()))
		d.stopAll(d.n.local()+int64(stop.Deadline.Sub(d.now())), nil)
	}
}

// releaseRules say what goes at the end of the lease.
func (d *daemon) releaseRules() lrm.ReleaseRules {
	return lrm.ReleaseRules{Managed: func(r string) bool { return member.Managed(d.config, r) }}
}

// stopAll stops what is active and managed, users first, and takes what is left
// at the deadline (by its own clock) away; then it calls done.
func (d *daemon) stopAll(deadline int64, done func()) {
	n := d.n
	plan := d.core.BeginRelease(d.releaseRules())
	for _, id := range sortedCalls(d.flight) {
		if o := d.flight[id]; !d.core.Spares(plan, o.exec.Op()) {
			o.cut()
		}
	}
	waiting, ops := map[string]lrm.Release{}, map[string]lrm.Op{}
	for _, r := range plan {
		// The DC hears of these stops one by one, and may begin with the first.
		n.s.checks.excuse(base(r.Op.Resource), 0)
		waiting[r.Op.Resource], ops[r.Op.Resource] = r, r.Op
	}
	over, left := false, len(plan)
	stopped := map[string]bool{}
	finish := func() {
		if over {
			return
		}
		over = true
		d.core.EndRelease()
		if done != nil {
			done()
		}
	}
	var begin func()
	end := func(resource string, ok bool) {
		if over || n.d != d {
			return
		}
		if !ok { // its agent failed: no use in waiting
			d.force(ops[resource])
		}
		if i := n.instance(resource); i != nil {
			i.released = true
		}
		left--
		stopped[resource] = true
		for k, r := range waiting {
			r.Users = without(r.Users, resource)
			waiting[k] = r
		}
		if left == 0 {
			finish()
			return
		}
		begin()
	}
	begin = func() {
		for _, p := range plan {
			r, ok := waiting[p.Op.Resource]
			if !ok || len(r.Users) > 0 {
				continue
			}
			delete(waiting, p.Op.Resource)
			op := r.Op
			op.Timeout = time.Duration(max(1, deadline-n.local()))
			d.core.Submit(op, d.now(), func(res lrm.Result) {
				d.owner(func() { end(op.Resource, res.Status == lrm.Done && res.RC == lrm.OK) })
			})
		}
		d.dispatch()
	}
	if left == 0 {
		finish()
		return
	}
	begin()
	n.atLocal(d, deadline, func() {
		if over {
			return
		}
		for _, id := range sortedCalls(d.flight) {
			if o := d.flight[id]; o.exec.Op().Interval == 0 || !d.core.Spares(plan, o.exec.Op()) {
				o.cut()
			}
		}
		for _, p := range plan {
			if !stopped[p.Op.Resource] {
				d.force(p.Op)
			}
		}
		finish()
	})
}

// force takes a resource away without asking its agent.
func (d *daemon) force(op lrm.Op) {
	if i := d.n.instance(op.Resource); i != nil && i.busy() {
		i.takeAway("by force")
	}
	d.core.Released(op, d.now())
}

// shutdownBound is how long stops may take when a node leaves.
const shutdownBound = 20 * time.Minute

// release is the end of an orderly shutdown.
func (d *daemon) release() {
	if d.ending {
		return
	}
	d.ending = true
	d.stopAll(d.n.local()+int64(shutdownBound), d.leave)
}

// leave says good-bye and ends the daemon when the others know.
func (d *daemon) leave() {
	n := d.n
	released := len(d.core.Active()) == 0 && len(d.core.InFlight()) == 0
	if released {
		n.guard.retire()
	}
	n.s.tell(n, "leaves, everything released: %v", released)
	gone := func() {
		if n.d == d {
			n.stopped = true
			n.d = nil
			n.life++
			n.s.tell(n, "the daemon has ended")
			n.daemonGone(released)
		}
	}
	d.onLeft = gone
	d.silent = true // who leaves makes no claims any more
	d.run(func() { d.m.Leave(n.local(), released) })
	n.daemonAfter(d, int64(time.Second), gone)
}

func without(list []string, x string) []string {
	var out []string
	for _, v := range list {
		if v != x {
			out = append(out, v)
		}
	}
	return out
}
