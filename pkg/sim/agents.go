package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/controller"
)

// resource is a primitive of the configuration, as its agent behaves.
type resource struct {
	name string
	// shared: it is a clone's or promotable, and may be active on several nodes.
	shared bool
	// startTime and stopTime are how long its operations take, at most.
	start, stop time.Duration
	// set is equal for resources that depend on one another.
	set int
	// after is the member before it in its ordered group.
	after string
	// What is counted.
	owner   string // where it was active last
	downAt  int64  // since when it is active nowhere, -1: it is
	everRan bool
}

// instance is what is true of a resource on one node.
type instance struct {
	n   *node
	rsc *resource
	// active: it does its work here. promoted: and is the promoted one.
	active, promoted bool
	// rogue: it is active although its agent said that it is not any more;
	// the cluster cannot know.
	rogue bool
	// released: it was stopped at the end of the lease, and not begun since.
	released bool
	// op is what its agent is doing.
	op *operation
}

// busy reports whether the resource is active here, or may be about to.
func (i *instance) busy() bool {
	return i.active || i.op != nil && activates(i.op.exec.Op().Name) && i.op.begun
}

// activates tells operations that make a resource active.
func activates(op string) bool { return op == "start" || op == "promote" || op == "migrate_from" }

// agentFault is something that an agent does wrong on one node.
type agentFault struct{ resource, kind, op string }

// operation is an execution of an agent.
type operation struct {
	d     *daemon
	exec  *lrm.Execution
	inst  *instance
	began int64
	begun bool // it has passed the gate
	over  bool
}

// Default durations of operations.
const (
	defaultStart = 2 * time.Second
	defaultStop  = time.Second
	monitorTime  = 200 * time.Millisecond
)

// readResources finds the primitives of the configuration.
func (s *sim) readResources(root *cib.Element) error {
	var walk func(e *cib.Element, shared bool)
	walk = func(e *cib.Element, shared bool) {
		for _, c := range e.Children {
			switch c.Name {
			case "primitive":
				r := &resource{name: c.ID(), shared: shared, start: defaultStart, stop: defaultStop, downAt: -1}
				if m, ok := s.sc.Models[r.name]; ok {
					r.start, r.stop = m.Start, m.Stop
				}
				s.rsc[r.name] = r
				s.order = append(s.order, r.name)
			case "group":
				walk(c, shared)
				if !shared && ordered(c) {
					last := ""
					for _, p := range c.Children {
						if p.Name == "primitive" {
							s.rsc[p.ID()].after, last = last, p.ID()
						}
					}
				}
			case "clone", "master":
				walk(c, true)
			}
		}
	}
	if sec := root.Path("configuration", "resources"); sec != nil {
		walk(sec, false)
	}
	slices.Sort(s.order)
	s.dependents(root)
	for name := range s.sc.Models {
		if s.rsc[name] == nil {
			return fmt.Errorf("scenario: the configuration has no primitive %q", name)
		}
	}
	return nil
}

// ordered reports whether the members of a group start one after another.
func ordered(group *cib.Element) bool {
	yes := true
	for _, c := range group.Children {
		if c.Name == "meta_attributes" {
			for _, v := range c.Children {
				yes = yes && (v.Get("name") != "ordered" || v.Get("value") == "true")
			}
		}
	}
	return yes
}

// base is the configured name of a resource's instance.
func base(name string) string {
	if i := strings.LastIndexByte(name, ':'); i > 0 {
		return name[:i]
	}
	return name
}

// instance finds what is true of a resource here; nil if it is not known.
func (n *node) instance(name string) *instance { return n.res[base(name)] }

// dispatch starts what the queues let go, and asks to be called again.
func (d *daemon) dispatch() {
	for _, e := range d.core.Tick(d.now()) {
		d.execute(e)
	}
	due, ok := d.core.Due()
	if !ok || due.Equal(d.lrmAt) {
		return
	}
	d.lrmAt = due
	d.lrmGen++
	gen := d.lrmGen
	d.n.daemonAfter(d, d.n.clk.until(d.n.s.now, d.n.local()+int64(due.Sub(d.now()))), func() {
		if d.lrmGen == gen {
			d.lrmAt = time.Time{}
			d.dispatch()
		}
	})
}

// execute begins an operation; what may bring a resource up asks the membership
// layer first, at this very moment.
func (d *daemon) execute(e *lrm.Execution) {
	o := &operation{d: d, exec: e, began: d.n.s.now, inst: d.n.instance(e.Op().Resource)}
	d.flight[e.CallID()] = o
	if !activates(e.Op().Name) {
		o.begin()
		return
	}
	in := d.gate.Take(e.Op().TransitionKey)
	d.run(func() {
		err := d.m.MayStart(d.n.local(), agree.Ballot(in))
		if d.n.s.opts.Plant.Has(PlantWake) && d.n.s.now == max(d.n.frozen, d.n.hung) {
			err = nil
		}
		d.owner(func() {
			switch {
			case o.over: // cut meanwhile
			case err != nil:
				o.finish(lrm.Result{RC: lrm.ErrGeneric, Status: lrm.Failed, Refused: true, ExitReason: err.Error()})
			default:
				d.n.s.checks.gated(d, e.Op(), in)
				o.begin()
			}
		})
	})
}

// begin lets the agent work.
func (o *operation) begin() {
	n, s, op := o.d.n, o.d.n.s, o.exec.Op()
	o.begun = true
	if o.inst == nil { // an orphan of the configuration
		n.daemonAfter(o.d, int64(monitorTime), func() { o.finish(lrm.Result{RC: missing(op.Name)}) })
		return
	}
	if old := o.inst.op; old != nil && old != o && !old.over && old.d == o.d && old.exec.Op().Name != "monitor" {
		s.fail("I5", "%s of %s begins on %s while %s is under way", op.Name, op.Resource, n.name, old.exec.Op().Name)
	}
	if op.Name != "monitor" && op.Name != "notify" {
		o.inst.op = o
	}
	switch {
	case activates(op.Name):
		s.upon("start", n)
	case op.Name == "stop":
		s.upon("stop", n)
	}
	if activates(op.Name) {
		s.checks.starting(o.inst, op.Name)
		o.inst.released = false
		n.guardCheck()
	}
	n.expireFaults()
	took := o.duration()
	hangs := n.has(op.Resource, "hangs", op.Name)
	if limit := int64(op.Timeout); limit > 0 && (hangs || took > limit) {
		n.machineAfter(limit, func() { o.done(true) })
		return
	}
	if !hangs {
		n.machineAfter(took, func() { o.done(false) })
	}
}

func missing(op string) int {
	if op == "monitor" {
		return lrm.NotRunning
	}
	return lrm.OK
}

// duration draws how long the agent takes.
func (o *operation) duration() int64 {
	r := o.d.n.r
	if o.d.n.s.sc.Steady {
		switch o.exec.Op().Name {
		case "start", "promote", "migrate_from":
			return int64(o.inst.rsc.start) / 2
		case "stop", "demote", "migrate_to":
			return int64(o.inst.rsc.stop) / 2
		}
		return int64(monitorTime) / 2
	}
	switch o.exec.Op().Name {
	case "start", "promote", "migrate_from":
		return r.between(int64(o.inst.rsc.start)/4, int64(o.inst.rsc.start))
	case "stop", "demote", "migrate_to":
		return r.between(int64(o.inst.rsc.stop)/4, int64(o.inst.rsc.stop))
	}
	return r.between(int64(monitorTime)/4, int64(monitorTime))
}

// has reports whether the agent of a resource does that wrong here now.
func (n *node) has(resource, kind, op string) bool {
	if len(n.faults) == 0 {
		return false
	}
	until, ok := n.faults[agentFault{base(resource), kind, op}]
	return ok && until > n.s.now
}

// done is the end of the agent's work, or its death at the timeout.
func (o *operation) done(timeout bool) {
	n, op, i := o.d.n, o.exec.Op(), o.inst
	if o.over {
		return
	}
	if i.op == o {
		i.op = nil
	}
	r := lrm.Result{Status: lrm.Done}
	fails := n.has(op.Resource, "fails", op.Name)
	lies := n.has(op.Resource, "lies", op.Name)
	switch {
	case timeout:
		r.RC, r.Status, r.ExitReason = lrm.ErrGeneric, lrm.TimedOut, fmt.Sprintf("%s did not end within %s", op.Name, op.Timeout)
		if activates(op.Name) && n.r.chance(2) {
			i.set(true)
		}
	case op.Name == "monitor":
		r.RC = i.monitor()
		switch {
		case lies && r.RC == lrm.NotRunning:
			r.RC = lrm.NotRunning // it never invents what is not there: two would be active
		case lies:
			r.RC = lrm.NotRunning
			i.rogue = true // nobody knows any more that it is active
		case fails:
			r.RC = lrm.ErrGeneric
		default:
			i.rogue = false
		}
	case fails:
		r.RC = lrm.ErrGeneric
	case lies && activates(op.Name): // says that it is active, and is not
	case lies && op.Name == "stop": // says that it is stopped, and is not
		i.rogue = i.active
	default:
		i.apply(op.Name)
	}
	o.finish(r)
}

// finish gives the result to the daemon that asked for it, if it still lives.
func (o *operation) finish(r lrm.Result) {
	if o.over {
		return
	}
	o.over = true
	d, n := o.d, o.d.n
	if o.inst != nil && o.inst.op == o {
		o.inst.op = nil
	}
	ran := n.clk.steady(o.began)
	n.daemonAfter(d, 0, func() {
		delete(d.flight, o.exec.CallID())
		r.Op, r.CallID = *o.exec.Op(), o.exec.CallID()
		r.LastRun, r.ExecTime = ran, time.Duration(n.s.now-o.began)
		d.core.Finished(o.exec, r, d.now())
		d.dispatch()
	})
}

// cut kills the agent.
func (o *operation) cut() {
	if o.over {
		return
	}
	if o.inst != nil && o.inst.op == o && activates(o.exec.Op().Name) && o.begun && o.d.n.r.chance(2) {
		o.inst.set(true)
	}
	o.finish(lrm.Result{RC: lrm.ErrGeneric, Status: lrm.Failed, ExitReason: o.exec.Op().Name + " was killed"})
}

// result takes a result of the local resource manager's core.
func (d *daemon) result(r lrm.Result) {
	d.owner(func() {
		if d.n.s.traced() {
			d.n.s.logf(d.n, "lrmd: %s rc=%d status=%d refused=%v %s", r.Op.Key(), r.RC, int(r.Status), r.Refused, r.ExitReason)
		}
		if r.Refused {
			d.ctl.Refused(d.now(), &r.Op, r.ExitReason)
			return
		}
		if r.Status != lrm.Cancelled && (r.Status != lrm.Done || r.Failure()) {
			d.n.s.checks.excuse(base(r.Op.Resource), 0)
		}
		d.ctl.Result(d.now(), &r)
	})
}

// monitor is what an honest agent says.
func (i *instance) monitor() int {
	switch {
	case i.promoted:
		return lrm.RunningPromoted
	case i.active:
		return lrm.OK
	}
	return lrm.NotRunning
}

// apply makes an operation's effect true.
func (i *instance) apply(op string) {
	switch op {
	case "start", "migrate_from":
		i.set(true)
	case "stop", "migrate_to":
		i.set(false)
	case "promote":
		i.promoted = i.active
	case "demote":
		i.promoted = false
	}
}

// set makes the resource active here, or not.
func (i *instance) set(active bool) {
	if i.active == active {
		return
	}
	i.active = active
	if !active {
		i.promoted, i.rogue = false, false
	}
	i.n.s.checks.changed(i)
}

// takeAway ends the resource here and whatever its agent is doing.
func (i *instance) takeAway(how string) {
	if o := i.op; o != nil {
		o.finish(lrm.Result{RC: lrm.ErrGeneric, Status: lrm.Failed, ExitReason: o.exec.Op().Name + " was killed"})
		i.op = nil
	}
	if i.active {
		i.n.s.tell(i.n, "%s is taken away %s", i.rsc.name, how)
	}
	i.set(false)
}

// reset is what a loss of power does.
func (i *instance) reset() {
	if i.op != nil {
		i.op.over = true
		i.op = nil
	}
	i.set(false)
}

// checkCommand notes a command of the DC for invariant I5.
func (d *daemon) checkCommand(e *controller.Execute) {
	s, key := d.n.s, e.Op.TransitionKey
	if d.executed[key] {
		s.fail("I5", "%s executes %s (%s) twice", d.n.name, e.Op.Key(), key)
	}
	d.executed[key] = true
	if e.Op.Name == "stop" || e.Op.Name == "migrate_to" {
		s.checks.commanded(d, &e.Op)
	}
}

func sortedCalls(m map[int]*operation) []int {
	out := make([]int, 0, len(m))
	for id := range m {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// primitives lists the primitives of a configuration, sorted.
func primitives(root *cib.Element) (out []string) {
	if sec := root.Path("configuration", "resources"); sec != nil {
		sec.Walk(func(e *cib.Element) bool {
			if e.Name == "primitive" {
				out = append(out, e.ID())
			}
			return true
		})
	}
	slices.Sort(out)
	return out
}

// dependents finds the sets of resources that depend on one another: the members
// of a group, and what constraints name together.
func (s *sim) dependents(root *cib.Element) {
	for i, name := range s.order {
		s.rsc[name].set = i
	}
	join := func(names []string) {
		for _, n := range names {
			from, to := s.rsc[n].set, s.rsc[names[0]].set
			for _, r := range s.rsc {
				if r.set == from {
					r.set = to
				}
			}
		}
	}
	inside := map[string][]string{} // primitives by the id of what holds them
	if sec := root.Path("configuration", "resources"); sec != nil {
		sec.Walk(func(e *cib.Element) bool {
			switch e.Name {
			case "primitive", "group", "clone", "master":
				for _, p := range primitives(cib.New("cib").WithChild(cib.New("configuration").WithChild(cib.New("resources").WithChild(e)))) {
					inside[e.ID()] = append(inside[e.ID()], p)
				}
				join(inside[e.ID()])
			}
			return true
		})
	}
	if sec := root.Path("configuration", "constraints"); sec != nil {
		for _, c := range sec.Children {
			var names []string
			if c.Name == "rsc_colocation" || c.Name == "rsc_order" || c.Name == "rsc_ticket" {
				c.Walk(func(e *cib.Element) bool {
					for _, a := range []string{"rsc", "with-rsc", "first", "then", "id"} {
						names = append(names, inside[e.Get(a)]...)
					}
					return true
				})
			}
			join(names)
		}
	}
}
