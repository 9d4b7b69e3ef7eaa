package daemon

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/member"
)

// checkLease stops everything when the right to run has run out. Under the
// policies ignore and freeze resources stay, and the status says that exclusion
// is not guaranteed.
func (d *Daemon) checkLease() {
	lease := d.lease()
	var active []string
	stop, due := d.leaseEnd.Decide(time.Now(), lease, d.policy(), func() bool {
		active = d.lrm.Active()
		return len(active) > 0
	})
	if !due {
		return
	}
	d.guard.State.Begun(d.guard.State.Stop())
	if stop.First {
		d.log.Warn(fmt.Sprintf("the right to run resources has run out (no quorum confirmed this node in time): stopping %v, done by %s at the latest",
			active, stop.Deadline.Format("15:04:05.000")), "component", "crmd")
	}
	go d.stopAll(stop.Deadline)
}

// stopCut stops everything: this daemon was not run for so long that addresses
// were taken away from under it, and what it believes active is not. The DC
// starts it anew.
func (d *Daemon) stopCut(why string) {
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
	cut := map[string]string{}
	released := d.lrm.StopAll(context.Background(), deadline)
	for _, r := range released {
		switch r.How {
		case lrm.ReleasedByStop:
		case lrm.ReleasedByForce:
			cut[r.Resource] = fmt.Sprintf("%s was taken away by force at %s when the right to run it had ended: %s", r.Resource, time.Now().Format("15:04:05"), r.Reason)
			d.log.Warn(fmt.Sprintf("%s was %s after %v: %s", r.Resource, r.How, r.Took.Round(time.Millisecond), r.Reason), "component", "lrmd")
		default:
			kept = true
			cut[r.Resource] = fmt.Sprintf("%s was not released in time at %s and may still be active here: %s", r.Resource, time.Now().Format("15:04:05"), r.Reason)
			d.log.Error(fmt.Sprintf("%s was %s in time and may still be active here: %s", r.Resource, r.How, r.Reason), "component", "lrmd")
		}
	}
	d.noteCut(cut)
	if !kept && len(released) > 0 {
		d.log.Info(fmt.Sprintf("All HA resources relinquished after %v.", time.Since(begun).Round(time.Millisecond)), "component", "lrmd")
	}
}

// noteCut remembers for the status which resources were not simply stopped when
// everything had to go, and why.
func (d *Daemon) noteCut(cut map[string]string) {
	if len(cut) == 0 {
		return
	}
	go d.call(func() {
		if d.cutShort == nil {
			d.cutShort = map[string]string{}
		}
		maps.Copy(d.cutShort, cut)
	})
}

// wellAgain forgets that a resource was cut short: an operation of it has
// succeeded since.
func (d *Daemon) wellAgain(r *lrm.Result) {
	if r.Status == lrm.Done && r.RC == lrm.OK && r.Op.TransitionKey != "" {
		delete(d.cutShort, r.Op.Resource)
	}
}

// release is the end of an orderly shutdown: what still runs is stopped, then
// the owner goroutine is told to end.
func (d *Daemon) release() {
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
	d.guard.State.SetEnforce(!member.KeepsResources(member.Policy(root)))
	if err := d.guard.Keep(member.Unmanaged(root)); err != nil {
		d.log.Error(fmt.Sprintf("the guard does not know which resources stay: %v", err), "component", "guard")
	}
	d.addrs.poke()
}
