package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/controller"
)

// checkLease stops everything when the right to run has run out. Under the
// policies ignore and freeze resources stay, and the status says that exclusion
// is not guaranteed.
func (d *Daemon) checkLease() {
	lease, _ := d.cluster.Lease()
	if lease.Valid {
		d.stopAfter = time.Time{}
		return
	}
	if lease.Release.IsZero() { // this life of the daemon never held a lease
		if time.Since(d.info.started) < d.info.conf.Deadtime {
			return // what could not be stopped before the join gets a second chance
		}
	}
	now := time.Now()
	if now.Before(d.stopAfter) || keepsResources(d.policy()) {
		return
	}
	active := d.lrm.Active()
	if len(active) == 0 {
		return
	}
	// A little sooner than the guard, which ends a daemon that has not let go.
	first, deadline := d.stopAfter.IsZero(), lease.Release.Add(-d.info.stopBound/5)
	if deadline.Before(now) {
		deadline = now.Add(d.info.stopBound)
	}
	d.stopAfter = deadline.Add(stopRetry)
	if !first {
		go d.stopAll(deadline)
		return
	}
	d.log.Warn(fmt.Sprintf("the right to run resources has run out (no quorum confirmed this node in time): stopping %v, done by %s at the latest",
		active, deadline.Format("15:04:05.000")), "component", "crmd")
	go d.stopAll(deadline)
}

// stopRetry is how long after a release of everything this node tries again to
// get rid of what is still active.
const stopRetry = 10 * time.Second

func (d *Daemon) policy() string { return controller.Option(d.replica.Root(), "no-quorum-policy") }

// keepsResources reports whether a no-quorum-policy leaves resources running on
// a node without the right to run them.
func keepsResources(policy string) bool { return policy == "ignore" || policy == "freeze" }

// stopAll stops every resource here in reverse order, and what is left at the
// deadline by force. It runs on its own goroutine: results come back through
// the usual channel.
func (d *Daemon) stopAll(deadline time.Time) {
	begun := time.Now()
	kept := false
	released := d.lrm.StopAll(context.Background(), deadline)
	for _, r := range released {
		switch r.How {
		case lrm.ReleasedByStop:
		case lrm.ReleasedByForce:
			d.log.Warn(fmt.Sprintf("%s was %s after %v: %s", r.Resource, r.How, r.Took.Round(time.Millisecond), r.Reason), "component", "lrmd")
		default:
			kept = true
			d.log.Error(fmt.Sprintf("%s was %s in time and may still be active here: %s", r.Resource, r.How, r.Reason), "component", "lrmd")
		}
	}
	if !kept && len(released) > 0 {
		d.log.Info(fmt.Sprintf("All HA resources relinquished after %v.", time.Since(begun).Round(time.Millisecond)), "component", "lrmd")
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
	d.guard.State.SetEnforce(!keepsResources(controller.Option(root, "no-quorum-policy")))
	if err := d.guard.Keep(unmanaged(root)); err != nil {
		d.log.Error(fmt.Sprintf("the guard does not know which resources stay: %v", err), "component", "guard")
	}
}
