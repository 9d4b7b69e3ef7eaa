package lrm

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Core decides what is executed when on a node, and what is believed active
// there; it executes nothing. It has no clock, process or goroutine: [LRM] drives
// it with real agents, a simulator with models of them.
type Core struct {
	sched  *schedule
	hist   history
	active *activeSet
	// fallen are resources that a check found not running where they were active,
	// by what made them so, until they are stopped or started: the history would
	// tell of the failure for ever, also when this node has left and come back.
	fallen map[string]Op
	limit  int
	// releases counts the releases of everything that are under way.
	releases int
	// unstopped are the stops of a release that failed, until it is known whether
	// force helped.
	unstopped map[string]Result
	// forced are resources that were taken away while such a stop still ran.
	forced map[string]bool
	// report takes results, in order; note takes lines for the journal.
	report func(r Result, done func(Result))
	note   func(journalLine)
}

// Execution is one operation to be executed now.
type Execution struct {
	task *task
	// fresh tells that the resource was not active before, promoted that it was in
	// that role.
	fresh, promoted bool
}

// Op is the operation to execute.
func (e *Execution) Op() *Op { return &e.task.op }

// CallID is the number of the call.
func (e *Execution) CallID() int { return e.task.callID }

// Queued is when the operation began to wait for its turn.
func (e *Execution) Queued() time.Time { return e.task.queued }

// NewCore returns a core that lets at most limit operations run at a time and
// hands results to report.
func NewCore(limit int, report func(Result)) *Core {
	return newCore(limit, func(r Result, done func(Result)) {
		report(r)
		if done != nil {
			done(r)
		}
	}, func(journalLine) {})
}

func newCore(limit int, report func(Result, func(Result)), note func(journalLine)) *Core {
	return &Core{sched: newSchedule(limit), hist: history{}, active: newActiveSet(), fallen: map[string]Op{}, unstopped: map[string]Result{}, forced: map[string]bool{}, limit: limit, report: report, note: note}
}

// Submit queues an operation; done, which may be nil, gets its first result
// besides.
func (c *Core) Submit(op Op, now time.Time, done func(Result)) {
	if c.releases > 0 && op.Name != "stop" && !ownDemotion(&op) {
		c.sched.calls++
		r := failed(Result{Op: op, CallID: c.sched.calls, LastRun: now, Refused: true}, ErrGeneric,
			fmt.Sprintf("%s of %s refused: all resources of this node are being released", op.Name, op.Resource))
		c.report(r, done)
		return
	}
	lost, late := c.sched.submit(op, now, done)
	c.lost(lost)
	for _, t := range late {
		c.report(Result{Op: t.op, CallID: t.callID, Status: Cancelled, Refused: true,
			ExitReason: fmt.Sprintf("withdrawn before its start-delay was over: %s was commanded after it", op.Name)}, t.done)
	}
}

// lost reports recurring operations that ended before their first result.
func (c *Core) lost(recs []*recurring) {
	for _, rec := range recs {
		c.report(Result{Op: rec.op, CallID: rec.callID, Status: Cancelled}, nil)
	}
}

// Cancel is [LRM.Cancel].
func (c *Core) Cancel(resource, name string, interval time.Duration) {
	gone := c.sched.cancel(resource, name, interval)
	for _, t := range gone {
		if interval > 0 {
			c.hist.drop(&t.op)
		}
		c.report(Result{Op: t.op, CallID: t.callID, Status: Cancelled}, t.done)
	}
	if len(gone) == 0 {
		c.report(Result{Op: Op{Resource: resource, Name: name, Interval: interval}, Status: Cancelled}, nil)
	}
}

// Forget is [LRM.Forget].
func (c *Core) Forget(resource string) {
	delete(c.hist, resource)
	delete(c.fallen, resource)
	c.lost(c.sched.endRecurring(resource))
}

// SetLimit changes how many operations run at a time.
func (c *Core) SetLimit(n int) {
	if n < 1 {
		return
	}
	c.limit = n
	if c.releases == 0 {
		c.sched.limit = n
	}
}

// Active is [LRM.Active].
func (c *Core) Active() []string { return c.active.names() }

// InFlight is [LRM.InFlight].
func (c *Core) InFlight() []Op { return c.sched.pending() }

// Due is when [Core.Tick] is wanted next, if ever.
func (c *Core) Due() (time.Time, bool) { return c.sched.next() }

// Tick returns what is to be executed now. Each execution ends with
// [Core.Finished].
func (c *Core) Tick(now time.Time) (out []*Execution) {
	for _, t := range c.sched.tick(now) {
		c.active.asStarted(&t.op)
		e := &Execution{task: t}
		if a := c.active.m[t.op.Resource]; a != nil {
			e.promoted = a.promoted
		}
		e.fresh = c.active.begin(&t.op)
		if changesState(&t.op) {
			if activates(t.op.Name) {
				c.note(journalLine{Active: t.op.Resource, Op: &t.op, Promoted: c.active.m[t.op.Resource].promoted})
			}
			c.note(journalLine{Begin: t.callID, Op: &t.op})
		}
		out = append(out, e)
	}
	return out
}

// Finished takes the end of an execution in.
func (c *Core) Finished(e *Execution, result Result, now time.Time) {
	t := e.task
	r, report := c.sched.finished(t, result, now)
	if changesState(&t.op) {
		c.note(journalLine{End: t.callID})
	}
	c.believe(&r, e)
	if name := t.op.Resource; t.op.Name == "stop" && t.op.TransitionKey == "" && (c.releases > 0 || c.forced[name]) && (r.Status != Done || r.RC != OK) {
		if !c.forced[name] {
			c.unstopped[name] = r
		}
		delete(c.forced, name)
		if t.done != nil {
			t.done(r)
		}
		return
	}
	if ownDemotion(&t.op) && (r.Status != Done || r.RC != OK) {
		if t.done != nil { // a stop follows, and tells what became of the resource
			t.done(r)
		}
		return
	}
	if t.rec != nil && t.rec.cancelled {
		return
	}
	if r.Status != Cancelled && !r.Refused {
		c.hist.record(r)
	}
	if report {
		c.report(r, t.done)
	}
}

// believe draws the conclusion of a result about what is active.
func (c *Core) believe(r *Result, e *Execution) {
	name := r.Op.Resource
	if r.Refused { // nothing was done
		a := c.active.m[name]
		switch {
		case e.fresh:
			delete(c.active.m, name)
			c.note(journalLine{Inactive: name})
		case a != nil && a.promoted != e.promoted:
			a.promoted = e.promoted
			c.note(journalLine{Active: name, Op: &a.op, Promoted: a.promoted})
		}
		return
	}
	was := c.active.m[name]
	changed := c.active.end(r)
	switch {
	case was != nil && c.active.m[name] == nil && r.Op.Interval > 0:
		c.fallen[name] = was.op
	case c.active.m[name] != nil, r.Op.Name == "stop" && r.Status == Done && r.RC == OK:
		delete(c.fallen, name)
	}
	if changed {
		if a := c.active.m[name]; a != nil {
			c.note(journalLine{Active: name, Op: &a.op, Promoted: a.promoted})
		} else {
			c.note(journalLine{Inactive: name})
		}
	}
}

// Released notes that a resource was taken away by force after its stop, op,
// failed or had no time: it is stopped, and nothing has failed.
func (c *Core) Released(op Op, now time.Time) {
	delete(c.active.m, op.Resource)
	c.note(journalLine{Inactive: op.Resource})
	delete(c.unstopped, op.Resource)
	if l := c.sched.lanes[op.Resource]; l != nil && l.current != nil && l.current.op.Name == "stop" {
		c.forced[op.Resource] = true
	}
	op.Name, op.Interval, op.TransitionKey = "stop", 0, ""
	c.sched.calls++
	r := Result{Op: op, CallID: c.sched.calls, Status: Done, RC: OK, ExitReason: "taken away by force", LastRun: now, LastRCChange: now}
	c.hist.record(r)
	c.report(r, nil)
}

// EndRelease ends what BeginRelease began.
func (c *Core) EndRelease() {
	if c.releases--; c.releases > 0 {
		return
	}
	c.sched.limit = c.limit
	for _, name := range slices.Sorted(maps.Keys(c.unstopped)) {
		c.hist.record(c.unstopped[name])
		c.report(c.unstopped[name], nil)
	}
	clear(c.unstopped)
}
