package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/alert"
	"github.com/quorate/quorate/pkg/controller"
	"github.com/quorate/quorate/pkg/guard"
	"github.com/quorate/quorate/pkg/member"
	"github.com/quorate/quorate/pkg/peinput"
)

// Tags of the messages between daemons: the first byte.
const (
	tagController = 'c'
	tagEdit       = 'e'
	tagFlush      = 'f'
	tagAsk        = 'q'
	tagV1         = 'v'
)

// Daemon is one node. The goroutine of run owns every field that has no lock
// of its own; others reach it through calls.
type Daemon struct {
	opts    Options
	log     *slog.Logger
	cluster ccm.Cluster
	// electorate is the same as cluster.
	electorate electorate
	replica    *member.Replica
	memory     *memory
	lrm        *lrm.LRM
	gate       *gate
	guard      *guard.Guard
	machine    *controller.Machine
	attrs      *attributes
	cutShort   map[string]string // resources that were not simply stopped when everything had to go, and why
	notified   notified          // the configuration that the log has told of
	fencing    bool              // this node ends itself, as no-quorum-policy=suicide says
	release    *releaseCache
	alerts     *alert.Runner
	alerted    map[string]uint64 // the members that alerts have been told of, and their incarnations
	edits      *member.Edits
	file       *cibFile
	inputs     *peinput.Recorder // nil when ha.cf says record_pengine_inputs off
	reloader   *reloader
	forced     forced
	remote     *remote
	v1         *v1Mode // nil with "crm yes"
	info       nodeInfo

	watchdog  *guard.Watchdog // nil: none
	addrs     *addresses
	inherited int64 // end of the lease of the program before this one in the process, or 0
	restarts  bool  // run has ended because this program is to be executed anew

	hurry  <-chan struct{} // closed by the second request to stop
	failed <-chan struct{} // closed when the membership layer gave up
	calls  chan func()     // from clients and workers, run by the owner
	done   chan struct{}   // closed when run has returned

	view       ccm.View
	leaseEnd   member.LeaseEnd
	configured <-chan struct{} // holds a token when the replica is new
	instructed *instructions   // nil: the guard was told nothing yet
	limits     limits
	news       chan struct{} // closed and replaced when the document changes
	leave      func()        // ends run
	said       map[string]bool
	questions  questions
	children   sync.Map // the programs of ha.cf that run, by path
}

// electorate is what the daemon asks of who votes; *ccm.Node is one.
type electorate interface {
	ChangeVoter(ctx context.Context, requestID string, c ccm.VoterChange) error
	Electorate() []ccm.Elector
	Shun(node string, d time.Duration)
	Beats() ccm.BeatStats
	Disk() ccm.DiskState
}

// call runs f on the owner goroutine; it is dropped when the daemon has ended.
func (d *Daemon) call(f func()) {
	select {
	case d.calls <- f:
	case <-d.done:
	}
}

// run is the owner goroutine: one select over everything that happens. A first
// end of ctx asks for an orderly leave; it returns when that is done.
func (d *Daemon) run(ctx context.Context) {
	defer close(d.done)
	left := make(chan struct{})
	d.leave = sync.OnceFunc(func() { close(left) })
	view, viewChanged := d.cluster.View()
	d.takeView(ctx, view)
	_, leaseChanged := d.cluster.Lease()
	var due time.Time // of the next tick; events in between never put it off
	tick := time.NewTimer(0)
	defer tick.Stop()
	asked := ctx.Done()
	for {
		d.v1.effects(ctx)
		d.effects(ctx)
		d.v1.effects(ctx)
		now := time.Now()
		if next := now.Add(min(d.machine.NextTick(), d.attrs.next(now), d.v1.next())); due.IsZero() || next.Before(due) {
			due = next
		}
		tick.Reset(due.Sub(now))
		select {
		case <-asked:
			asked = nil
			d.v1.leaving()
			d.machine.Shutdown(time.Now())
		case <-d.hurry:
			d.log.Warn("asked to stop a second time: what still runs here is stopped now, without waiting for the DC")
			d.hurry = nil
			go d.releaseAll()
		case <-left:
			return
		case <-d.failed: // its disk failed: nothing can be promised any more
			d.stopAll(time.Now().Add(d.info.stopBound))
			return
		case <-viewChanged:
			view, viewChanged = d.cluster.View()
			d.takeView(ctx, view)
		case <-leaseChanged:
			_, leaseChanged = d.cluster.Lease()
			d.checkLease()
		case <-d.guard.Cut:
			d.stopCut("the guard has taken addresses away")
		case <-d.addrs.lost:
			d.stopCut("the kernel has taken addresses away, whose lifetime was over")
		case msg := <-d.cluster.Receive():
			view, viewChanged = d.newestView(ctx, viewChanged)
			d.message(ctx, msg)
		case r := <-d.lrm.Results():
			d.result(&r)
		case <-d.configured:
			d.diffNotify(d.replica.Root())
			d.machine.Configuration(time.Now(), d.replica.Root())
			d.instructGuard()
			d.configureAlerts()
			d.remote.set(d.replica.Root())
			d.setLimits()
			if d.v1 == nil {
				d.file.save(d.replica.Root())
			}
			d.v1.configured()
		case f := <-d.calls:
			f()
		case <-tick.C:
			now, due = time.Now(), time.Time{}
			d.checkLease()
			d.attrs.tick(now, d.cluster.Peers())
			d.machine.Tick(now)
			d.v1.tick(now)
			d.edits.Tick(now)
			d.expireAsks(now)
			d.warnOfForeignConfigs()
		}
	}
}
