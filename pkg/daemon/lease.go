package daemon

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/guard"
	"github.com/quorate/quorate/pkg/member"
)

// checkLease stops everything when the right to run has run out. Under the
// policies ignore and freeze resources stay, and the status says that exclusion
// is not guaranteed; under demote what is promoted is demoted and stays; under
// suicide this daemon ends, and with a watchdog the machine.
func (d *Daemon) checkLease() {
	lease := d.lease()
	var active []string
	stop, due := d.leaseEnd.Decide(time.Now(), lease, d.policy(), func() bool {
		active = d.lrm.ToRelease()
		return len(active) > 0
	})
	if !due {
		return
	}
	d.guard.State.Begun(d.guard.State.Stop())
	if stop.Suicide {
		d.suicide(active, stop.Deadline)
		return
	}
	if stop.First {
		d.log.Warn(fmt.Sprintf("the right to run resources has run out (no quorum confirmed this node in time): stopping %v, done by %s at the latest",
			active, stop.Deadline.Format("15:04:05.000")), "component", "crmd")
	}
	go d.stopAll(stop.Deadline)
}

// suicide stops everything and ends this daemon.
func (d *Daemon) suicide(active []string, deadline time.Time) {
	if d.fencing {
		return
	}
	d.fencing = true
	d.log.Error(fmt.Sprintf("no-quorum-policy=suicide: no quorum confirmed this node in time: it stops %v by %s at the latest and ends; start it again when the others can be reached",
		active, deadline.Format("15:04:05.000")), "component", "crmd")
	if member.Fencing(d.replica.Root()) {
		d.guard.State.Fence()
	}
	go func() {
		d.stopAll(deadline)
		d.call(func() { d.leave() })
	}()
}

// stopCut stops everything: this daemon was not run for so long that addresses
// were taken away from under it, and what it believes active is not. The DC
// starts it anew.
func (d *Daemon) stopCut(why string) {
	d.takeCuts()
	d.log.Warn("this daemon was not run in time: "+why+", and all the rest is stopped", "component", "crmd")
	go d.stopAll(time.Now().Add(d.info.stopBound))
}

// lease is the lease of this life of the daemon or, before there is one, of the
// program that it replaced in the same process.
func (d *Daemon) lease() ccm.LeaseState {
	lease, _ := d.cluster.Lease()
	if lease.Release.IsZero() && d.inherited != 0 {
		left := time.Duration(d.inherited - ccm.Boottime())
		lease.Valid, lease.Stop = left > 0, time.Now().Add(left)
		lease.Release = lease.Stop.Add(d.info.stopBound)
	}
	return lease
}

func (d *Daemon) policy() string { return member.Policy(d.replica.Root()) }

// stopAll stops every resource here in reverse order, and what is left at the
// deadline by force. It runs on its own goroutine: results come back through
// the usual channel.
func (d *Daemon) stopAll(deadline time.Time) {
	begun := time.Now()
	kept := false
	var cut []guard.Cut
	released := d.lrm.StopAll(context.Background(), deadline)
	for _, r := range released {
		switch r.How {
		case lrm.ReleasedByStop, lrm.ReleasedByDemote:
			continue
		case lrm.ReleasedByForce:
			d.log.Warn(fmt.Sprintf("%s was %s after %v: %s", r.Resource, r.How, r.Took.Round(time.Millisecond), r.Reason), "component", "lrmd")
		default:
			kept = true
			d.log.Error(fmt.Sprintf("%s was %s in time and may still be active here: %s", r.Resource, r.How, r.Reason), "component", "lrmd")
		}
		cut = append(cut, guard.Cut{Resource: r.Resource, At: time.Now(), How: r.How, Reason: r.Reason})
	}
	d.noteCut(cut)
	if !kept && len(released) > 0 {
		d.log.Info(fmt.Sprintf("All HA resources relinquished after %v.", time.Since(begun).Round(time.Millisecond)), "component", "lrmd")
	}
}

// noteCut remembers for the status which resources were not simply stopped when
// everything had to go, and why.
func (d *Daemon) noteCut(cut []guard.Cut) {
	if len(cut) > 0 {
		go d.call(func() { d.cut(cut) })
	}
}

// takeCuts remembers what the guard has cut short. Owner goroutine only.
func (d *Daemon) takeCuts() { d.cut(guard.TakeCuts(d.opts.RunDir)) }

func (d *Daemon) cut(cuts []guard.Cut) {
	for _, c := range cuts {
		d.cutShort[c.Resource] = c.String()
	}
}

// wellAgain forgets that a resource was cut short: an operation of it has
// succeeded since.
func (d *Daemon) wellAgain(r *lrm.Result) {
	if r.Status == lrm.Done && r.RC == lrm.OK && r.Op.TransitionKey != "" {
		delete(d.cutShort, r.Op.Resource)
	}
}

// releaseAll is the end of an orderly shutdown: what still runs is stopped, then
// the owner goroutine is told to end.
func (d *Daemon) releaseAll() {
	if len(d.lrm.Active()) > 0 {
		d.stopAll(time.Now().Add(shutdownBound))
	}
	d.call(func() { d.leave() })
}

// shutdownBound is how long stops may take when this node leaves.
const shutdownBound = 20 * time.Minute

// instructGuard tells the guard what the configuration says about the end of
// the right to run.
func (d *Daemon) instructGuard() {
	root := d.replica.Root()
	r := d.release.of(root)
	now := instructions{!member.KeepsResources(member.Policy(root)), guard.Instructions{Keep: member.Unmanaged(root), Demote: r.demote, Requires: r.requires,
		Scripts: filepath.Join(d.opts.ConfigDir, "resource.d"), Env: d.v1.environ()}}
	d.guard.State.SetEnforce(now.enforce)
	if d.instructed != nil && reflect.DeepEqual(*d.instructed, now) {
		return
	}
	if err := d.guard.Instruct(now.rules); err != nil {
		d.log.Error(fmt.Sprintf("the guard does not know which resources stay: %v", err), "component", "guard")
	} else {
		d.instructed = &now
	}
	d.addrs.poke()
}

// limits are what the local resource manager was told last; its zero value is
// what a configuration without these options says, too.
type limits struct {
	actions int
	load    float64
}

// setLimits tells the local resource manager how much may run at a time.
func (d *Daemon) setLimits() {
	root := d.replica.Root()
	now := limits{member.ActionLimit(root), member.LoadThreshold(root)}
	if now != d.limits {
		d.limits = now
		d.lrm.SetLimits(now.actions, now.load)
	}
}

// instructions are what the guard was told last: whether resources must go at the
// end of the right to run, and how.
type instructions struct {
	enforce bool
	rules   guard.Instructions
}
