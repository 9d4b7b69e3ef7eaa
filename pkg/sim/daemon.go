package sim

import (
	"fmt"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/controller"
	"github.com/quorate/quorate/pkg/member"
)

// daemon is one life of the daemon of a node: the cores, and what package daemon
// does to join them.
type daemon struct {
	n   *node
	inc uint64

	// The runner.
	m        *agree.Machine
	app      *app
	writing  bool
	pumping  bool
	inbox    []func()
	timerAt  int64
	timerSet bool
	timerGen int
	token    uint64
	waiting  map[uint64]func(outcome)
	told     int64
	onLeft   func()
	// The sender of beats.
	beat                       agree.Beat
	vouched, beatDue, lastBeat int64
	silent                     bool // leaving

	// The owner.
	ctl      *controller.Machine
	core     *lrm.Core
	gate     member.Gate
	edits    *member.Edits
	leaseEnd member.LeaseEnd
	view     ccm.View
	config   *cib.Element
	changed  bool // the replica is new
	tickGen  int
	tickAt   int64
	lrmGen   int
	lrmAt    time.Time
	flight   map[int]*operation // under way, by call
	editNo   int
	ending   bool
	asked    bool     // to stop in order, which may have to wait for a quorum
	todo     []func() // for the owner
	owning   bool
	executed map[string]bool
}

func newDaemon(n *node, inc uint64) *daemon {
	d := &daemon{n: n, inc: inc, waiting: map[uint64]func(outcome){}, flight: map[int]*operation{}, executed: map[string]bool{}}
	d.app = &app{s: n.s, rep: member.NewReplica(func() { d.changed = true })}
	d.core = lrm.NewCore(8, d.result)
	if n.arbiter {
		return d
	}
	d.ctl = controller.New(controller.Config{Self: n.name, UUID: "id-" + n.name,
		TransitionerID: fmt.Sprintf("%s-%d", n.name, inc), Candidate: n.s.config, Version: "simulated", Stack: "quorate",
		Secretive: n.s.opts.Plant.Has(PlantNoInFlight)})
	d.edits = member.NewEdits(n.name, d)
	d.leaseEnd = member.LeaseEnd{StopBound: n.s.timing.StopBound, Deadtime: n.s.timing.Deadtime, Started: n.clk.steady(n.s.now)}
	return d
}

// now is the time for what measures durations.
func (d *daemon) now() time.Time { return d.n.clk.steady(d.n.s.now) }

func (d *daemon) start() {
	d.view = ccm.ViewOf(d.m.View())
	d.config = d.app.rep.Root()
	if d.ctl == nil { // an arbiter
		d.pump()
		return
	}
	d.n.guard.serve(d)
	d.pump()
	d.owner(func() {
		d.configure()
		d.takeView(d.view)
	})
}

// owner does something as the goroutine that owns the controller: now, or after
// what that is at. Then it carries out what the controller wants, in order, until
// that wants nothing more.
func (d *daemon) owner(f func()) {
	if d.ctl == nil {
		return // an arbiter decides nothing
	}
	d.todo = append(d.todo, f)
	if d.owning {
		return
	}
	d.owning = true
	for len(d.todo) > 0 && d.n.d == d && d.n.s.stats.Violation == nil {
		f := d.todo[0]
		if d.todo = d.todo[1:]; len(d.todo) == 0 {
			d.todo = nil
		}
		f()
		d.effects()
	}
	d.owning = false
	d.setTick()
}

func (d *daemon) effects() {
	for d.n.d == d {
		if d.changed {
			d.configure()
		}
		fx := d.ctl.Effects()
		if len(fx) == 0 {
			return
		}
		for _, e := range fx {
			d.effect(e)
		}
	}
}

// configure gives the newest configuration to who needs it.
func (d *daemon) configure() {
	d.changed = false
	d.config = d.app.rep.Root()
	d.ctl.Configuration(d.now(), d.config)
	d.n.guard.instruct(d.config)
}

// setTick asks for a tick of the owner; events in between never put it off.
func (d *daemon) setTick() {
	if d.n.d != d {
		return
	}
	at := d.n.local() + int64(d.ctl.NextTick())
	if d.tickAt != 0 && d.tickAt <= at {
		return
	}
	d.tickAt = at
	d.tickGen++
	gen := d.tickGen
	d.n.atLocal(d, at, func() {
		if d.tickGen == gen {
			d.tickAt = 0
			d.owner(d.tick)
		}
	})
}

func (d *daemon) tick() {
	d.checkLease()
	d.ctl.Tick(d.now())
	d.edits.Tick(d.now())
}

func (d *daemon) effect(e controller.Effect) {
	n, s := d.n, d.n.s
	switch e := e.(type) {
	case controller.Send:
		if !s.opts.Verify {
			d.mail(e.To, func(to *daemon) { to.ctl.Take(to.now(), n.name, e) })
			return
		}
		payload := e.Payload()
		d.mail(e.To, func(to *daemon) {
			if err := to.ctl.Message(to.now(), n.name, payload); err != nil {
				s.fail("message", "%s cannot read a message of %s: %v", to.n.name, n.name, err)
			}
		})
	case controller.Execute:
		if controller.Gated(e.Op.Name) {
			d.gate.Allow(e.Op.TransitionKey, e.Instance)
		}
		d.checkCommand(&e)
		d.core.Submit(e.Op, d.now(), nil)
		d.dispatch()
		if s.opts.Plant.Has(PlantDupCommand) && e.Op.Interval == 0 {
			d.n.daemonAfter(d, int64(5*time.Second), func() {
				d.owner(func() {
					d.gate.Allow(e.Op.TransitionKey, e.Instance)
					d.checkCommand(&e)
					d.core.Submit(e.Op, d.now(), nil)
					d.dispatch()
				})
			})
		}
	case controller.Cancel:
		d.core.Cancel(e.Resource, e.Operation, e.Interval)
		d.dispatch()
	case controller.Forget:
		d.core.Forget(e.Resource)
	case controller.Schedule:
		d.schedule(e)
	case controller.Certify:
		d.certify(e.Instance)
	case controller.AddNode:
		d.ownEdit("", member.AddNode(e))
	case controller.Identify:
		d.ownEdit("", member.Identify(e))
	case controller.Import:
		id, op := member.Import(e, d.app.rep.Root())
		d.ownEdit(id, op)
	case controller.Shun:
		d.m.Shun(d.n.local(), e.Node, int64(e.For))
	case controller.Leave:
		d.release()
	case controller.Log:
		if s.traced() {
			s.logf(n, "%s: %s", e.Component, e.Text)
		}
	}
}

// mail sends a message to the owner of a member, this node included.
func (d *daemon) mail(to string, deliver func(to *daemon)) {
	n, s := d.n, d.n.s
	if to == n.name {
		n.daemonAfter(d, 1000, func() { d.owner(func() { deliver(d) }) })
		return
	}
	peer := s.byName[to]
	if peer == nil || peer.d == nil {
		return
	}
	s.net.message(n, peer, classBulk, func(x *daemon) {
		peer.daemonAfter(x, 0, func() { // through its runner
			x.run(func() { x.owner(func() { deliver(x) }) })
		})
	})
}

// schedule runs the policy engine; the answer comes back later.
func (d *daemon) schedule(e controller.Schedule) {
	s := d.n.s
	// By the clock of the controller, which stamps failures: the daemon has one for both.
	res, err := pengine.Schedule(e.Root, d.now(), pengine.Options{TransitionID: e.TransitionID, LocalOnly: true})
	var graph *pengine.Graph
	var next time.Time
	if err == nil {
		graph, next = res.Graph, res.NextChange
	}
	s.stats.Plans++
	took := int64(15 * time.Millisecond)
	if !s.sc.Steady {
		took = d.n.r.between(int64(time.Millisecond), int64(30*time.Millisecond))
	}
	d.n.daemonAfter(d, took, func() {
		d.owner(func() { d.ctl.Scheduled(d.now(), e.Serial, graph, next, err) })
	})
}

// certify asks which lost nodes have let go; without an answer within a second
// nobody has.
func (d *daemon) certify(in ccm.Instance) {
	done := false
	finish := func(o outcome) {
		if !done {
			done = true
			d.owner(func() { d.ctl.Certified(d.now(), in, o.expired) })
		}
	}
	token := d.ask(func(token uint64) { d.m.Certify(d.n.local(), token, agree.Ballot(in)) }, finish)
	d.n.daemonAfter(d, int64(time.Second), func() {
		if !done {
			delete(d.waiting, token)
			d.run(func() { d.m.Forget(token) })
			finish(outcome{})
		}
	})
}

// ownEdit replicates a change of the DC's own.
func (d *daemon) ownEdit(id string, op cib.Op) {
	if id == "" {
		d.editNo++
		id = fmt.Sprintf("%s-%d-%d", d.n.name, d.inc, d.editNo)
	}
	d.edits.Edit(d.now(), id, member.Sign(op, d.n.clk.wall(d.n.s.now), d.n.name), func(code int, text string) {
		if code != 0 {
			d.n.s.logf(d.n, "a change of its own ended with %d: %s", code, text)
		}
	})
}

// Propose implements [member.EditHost].
func (d *daemon) Propose(id string, op []byte, done func(error)) {
	answered := false
	once := func(err error) {
		if !answered {
			answered = true
			d.owner(func() { done(err) })
		}
	}
	bound := member.EditTimeout
	ask := func(token uint64) { d.m.Propose(d.n.local(), token, id, op) }
	if c, ok := decodeVoter(op); ok {
		bound += 2 * d.n.s.timing.Takeover
		ask = func(token uint64) { d.m.ChangeVoter(d.n.local(), token, id, c) }
	}
	token := d.ask(ask, func(o outcome) { once(o.err) })
	d.n.daemonAfter(d, int64(bound), func() {
		if !answered {
			delete(d.waiting, token)
			d.run(func() { d.m.Forget(token) })
			once(ccm.ErrUnknown)
		}
	})
}

// SendEdit implements [member.EditHost].
func (d *daemon) SendEdit(to string, payload []byte) {
	d.mail(to, func(x *daemon) {
		if err := x.edits.Message(d.n.name, payload); err != nil {
			d.n.s.fail("message", "%v", err)
		}
	})
}

// takeView gives the controller a newly installed view.
func (d *daemon) takeView(v ccm.View) {
	d.view = v
	d.gate.Prune(v.Instance)
	d.ctl.View(d.now(), v)
	d.edits.View(d.now(), v)
}
