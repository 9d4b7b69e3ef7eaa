package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/controller"
	"github.com/quorate/quorate/pkg/member"
	"github.com/quorate/quorate/pkg/peinput"
)

// effects carries out what the controller wants, in order, until it wants
// nothing more.
func (d *Daemon) effects(ctx context.Context) {
	for {
		fx := d.machine.Effects()
		if len(fx) == 0 {
			return
		}
		for _, e := range fx {
			d.effect(ctx, e)
		}
	}
}

func (d *Daemon) effect(ctx context.Context, e controller.Effect) {
	switch e := e.(type) {
	case controller.Send:
		d.cluster.Send(e.To, append([]byte{tagController}, e.Payload()...))
	case controller.Execute:
		if controller.Gated(e.Op.Name) {
			d.gate.allow(e.Op.TransitionKey, e.Instance)
		}
		d.v1.executing(&e.Op)
		d.lrm.Execute(e.Op)
	case controller.Cancel:
		d.lrm.Cancel(e.Resource, e.Operation, e.Interval)
	case controller.Forget:
		d.lrm.Forget(e.Resource)
	case controller.Schedule:
		go d.schedule(e)
	case controller.Certify:
		go d.certify(ctx, e.Instance)
	case controller.AddNode:
		d.ownEdit("", "adding node "+e.Name+" to the configuration", member.AddNode(e))
	case controller.Identify:
		d.ownEdit("", "writing the version of the DC into the configuration", member.Identify(e))
	case controller.Import:
		id, op := member.Import(e, d.replica.Root())
		d.ownEdit(id, "importing the configuration of "+e.From, op)
	case controller.Shun:
		d.electorate.Shun(e.Node, e.For)
	case controller.Fenced:
		d.alertFenced(e)
	case controller.Leave:
		go d.releaseAll()
	case controller.StatusChanged:
		d.changed()
	case controller.Log:
		d.log.Log(ctx, e.Level, e.Text, "component", e.Component)
	}
}

// schedule runs the policy engine; the answer comes back as a call.
func (d *Daemon) schedule(e controller.Schedule) {
	now := time.Now()
	var res *pengine.Result
	var err error
	if work := func() { res, err = runEngine(e.Root, now, e.TransitionID) }; large(e.Root) {
		withAllProcessors(work)
	} else {
		work()
	}
	if err == nil {
		d.record(e, res, now)
	}
	d.call(func() {
		var g *pengine.Graph
		var next time.Time
		if err == nil {
			g, next = res.Graph, res.NextChange
			d.remarks(res)
			d.logPlan(e, res)
			d.log.Debug(fmt.Sprintf("policy engine: %d actions in %v", len(g.Actions), time.Since(now)), "component", "pengine")
		}
		d.machine.Scheduled(time.Now(), e.Serial, g, next, err)
	})
}

// record keeps the input of a transition that does something.
func (d *Daemon) record(e controller.Schedule, res *pengine.Result, now time.Time) {
	if d.inputs == nil || len(res.Graph.Actions) == 0 {
		return
	}
	series := peinput.Input
	switch {
	case len(res.Errors) > 0:
		series = peinput.Error
	case len(res.Warnings) > 0:
		series = peinput.Warn
	}
	if !d.inputs.Save(peinput.Job{Root: e.Root, Now: now, Transition: e.TransitionID, Series: series}) {
		d.log.Warn(fmt.Sprintf("the input of transition %d is not stored: the disk is behind by many inputs", e.TransitionID), "component", "pengine")
	}
}

// remarks logs what the policy engine finds wrong, each sentence once.
func (d *Daemon) remarks(res *pengine.Result) {
	for i, list := range [][]string{res.Errors, res.Warnings} {
		for _, s := range list {
			if !d.sayOnce("pengine: " + s) {
				continue
			}
			level := slog.LevelWarn
			if i == 0 {
				level = slog.LevelError
			}
			d.log.Log(context.Background(), level, s, "component", "pengine")
		}
	}
}

// logPlan says what the policy engine has decided, in the lines known from the
// field; a run without an action says nothing.
func (d *Daemon) logPlan(e controller.Schedule, res *pengine.Result) {
	if len(res.Graph.Actions) == 0 {
		return
	}
	say := func(format string, a ...any) { d.log.Info(fmt.Sprintf(format, a...), "component", "pengine") }
	for _, n := range e.Root.Path("status").All("node_state") {
		if n.Get("crmd") != "online" {
			continue
		}
		if standby(e.Root, n) {
			say("unpack_nodes: Node %s is in standby-mode", n.Get("uname"))
		}
		say("determine_online_status: Node %s is online", n.Get("uname"))
	}
	d.logResources(res)
	for _, a := range res.Graph.Actions {
		if a.Kind != pengine.RscOp || a.Primitive == nil {
			continue
		}
		switch name := a.Operation; {
		case name == "start":
			say("StartRsc: %s Start %s", a.Node, a.Primitive.ID)
		case name == "stop":
			say("StopRsc: %s Stop %s", a.Node, a.Primitive.ID)
		case name == "promote":
			say("PromoteRsc: %s Promote %s", a.Node, a.Primitive.ID)
		case name == "demote":
			say("DemoteRsc: %s Demote %s", a.Node, a.Primitive.ID)
		}
	}
	for _, a := range res.Graph.Actions {
		if v := a.Param("CRM_meta_interval"); a.Kind == pengine.RscOp && a.Operation == "monitor" && v != "" && v != "0" {
			say("Recurring: %s %s", a.Node, a.Key)
		}
	}
	say("stage8: Created transition graph %d.", res.Graph.TransitionID)
}

// logResources says where each resource is for which something is planned.
func (d *Daemon) logResources(res *pengine.Result) {
	said := map[string]bool{}
	for _, a := range res.Graph.Actions {
		p := a.Primitive
		if a.Kind != pengine.RscOp || p == nil || said[p.ID] {
			continue
		}
		said[p.ID] = true
		x := res.Find(p.ID)
		if x == (pengine.Resource{}) {
			continue
		}
		_, state, _ := strings.Cut(res.LineOf(x, true), "):")
		kind := p.Class + ":" + p.Type
		if p.Provider != "" {
			kind = p.Provider + "::" + kind
		}
		d.log.Info(fmt.Sprintf("%s (%s): %s", p.ID, kind, strings.TrimSpace(state)), "component", "pengine")
	}
}

// standby reports whether the attribute standby of a node says so, permanent or
// transient.
func standby(root, state *cib.Element) bool {
	found := false
	look := func(e *cib.Element) {
		if e == nil {
			return
		}
		for _, set := range e.All("instance_attributes") {
			for _, nv := range set.All("nvpair") {
				if on, err := cib.ParseBool(nv.Get("value")); nv.Get("name") == "standby" && err == nil && on {
					found = true
				}
			}
		}
	}
	for _, n := range root.Path("configuration", "nodes").All("node") {
		if n.Get("uname") == state.Get("uname") {
			look(n)
		}
	}
	look(state.First("transient_attributes"))
	return found
}

// maxSaid bounds the memory of what was said; beyond it things are said again.
const maxSaid = 10000

// sayOnce reports whether a sentence is new.
func (d *Daemon) sayOnce(s string) bool {
	if d.said[s] {
		return false
	}
	if len(d.said) >= maxSaid {
		clear(d.said)
	}
	d.said[s] = true
	return true
}

// large reports whether the policy engine may take long enough for the beats to
// feel it.
func large(root *cib.Element) bool {
	n := 0
	root.Walk(func(*cib.Element) bool { n++; return n < 5000 })
	return n >= 5000
}

// runEngine calls the policy engine; a fault in it is an error, not the end of
// the daemon.
func runEngine(root *cib.Element, now time.Time, id int) (res *pengine.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the policy engine failed: %v", p)
		}
	}()
	return pengine.Schedule(root, now, pengine.Options{TransitionID: id, LocalOnly: true})
}

func (d *Daemon) certify(ctx context.Context, in ccm.Instance) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	expired, err := d.cluster.Certify(ctx, in)
	if err != nil {
		d.log.Debug(fmt.Sprintf("certificate for view %d: %v", in.Number, err))
	}
	d.call(func() { d.machine.Certified(time.Now(), in, expired) })
}

// ownEdit replicates a change of the DC's own.
func (d *Daemon) ownEdit(id, what string, op cib.Op) {
	d.edit(id, d.signed(op), func(code int, text string) {
		if code != 0 {
			d.log.Warn(fmt.Sprintf("%s: %s", what, text), "component", "cib")
		}
	})
}

// takeView gives the controller a newly installed view.
func (d *Daemon) takeView(ctx context.Context, v ccm.View) {
	d.alertView(v)
	d.logRemoved(ctx)
	d.view = v
	d.addrs.view(v)
	d.gate.prune(v.Instance)
	d.machine.View(time.Now(), v)
	d.edits.View(time.Now(), v)
	d.expireAsks(time.Now())
	d.settleForced()
	d.v1.view(v)
}

// logRemoved lists the nodes that were taken out of the cluster, for who looks for
// errors.
func (d *Daemon) logRemoved(ctx context.Context) {
	if !d.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	var gone []string
	for _, e := range d.electorate.Electorate() {
		if e.Votes == 0 && !e.Arbiter && !e.Counts {
			gone = append(gone, e.Name)
		}
	}
	d.log.Debug("get_delnodelist: delnodelist=" + strings.Join(gone, " "))
}

// newestView makes sure that a message is judged by the newest view, which may
// have been installed in the same moment.
func (d *Daemon) newestView(ctx context.Context, changed <-chan struct{}) (ccm.View, <-chan struct{}) {
	select {
	case <-changed:
		v, ch := d.cluster.View()
		d.takeView(ctx, v)
		return v, ch
	default:
		return d.view, changed
	}
}

func (d *Daemon) message(ctx context.Context, msg ccm.Message) {
	if len(msg.Payload) == 0 {
		return
	}
	switch msg.Payload[0] {
	case tagController:
		if err := d.machine.Message(time.Now(), msg.From, msg.Payload[1:]); err != nil {
			d.log.Warn(err.Error(), "component", "crmd")
		}
	case tagEdit:
		if err := d.edits.Message(msg.From, msg.Payload[1:]); err != nil {
			d.log.Warn(err.Error())
		}
	case tagFlush:
		d.attrs.flush(string(msg.Payload[1:]))
	case tagAsk:
		if err := d.asked(msg.From, msg.Payload[1:]); err != nil {
			d.log.Warn(err.Error())
		}
	case tagV1:
		d.v1.message(msg.From, msg.Payload[1:])
	default:
		d.log.Warn(fmt.Sprintf("message of an unknown kind %q from %s dropped: another version of the program?", msg.Payload[0], msg.From))
	}
}

// result takes a result of the local resource manager.
func (d *Daemon) result(r *lrm.Result) {
	d.v1.result(r)
	if r.Refused {
		d.machine.Refused(time.Now(), &r.Op, r.ExitReason)
		return
	}
	d.alertResult(r)
	d.wellAgain(r)
	d.machine.Result(time.Now(), r)
}
