package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/quorate/quorate/agents"
	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/attrd"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/member"
)

// attributes joins the attribute manager of this node to the daemon. Owner
// goroutine only.
//
// A write of a transient attribute is done when the controller has taken it:
// the controller keeps the value and reports it at every join, so it is not
// lost while this daemon lives.
type attributes struct {
	d      *Daemon
	m      *attrd.Machine
	pingds []*pingd
}

// pingd is one "respawn … pingd" line: the state of the ping nodes becomes an
// attribute.
type pingd struct {
	agents.Pingd
	last string
}

func newAttributes(d *Daemon) *attributes {
	return &attributes{d: d, m: attrd.New(d.opts.Self)}
}

func (a *attributes) addPingd(args []string) error {
	p, err := agents.ParsePingd(args)
	if err != nil {
		return err
	}
	a.pingds = append(a.pingds, &pingd{Pingd: p})
	a.d.log.Info("Starting pingd", "component", "pingd")
	return nil
}

func (a *attributes) update(u attrd.Update) error {
	fx, err := a.m.Update(u, time.Now())
	if err != nil {
		return err
	}
	a.effects(fx)
	return nil
}

func (a *attributes) effects(fx []attrd.Effect) {
	for _, e := range fx {
		switch e := e.(type) {
		case attrd.Write:
			a.write(e)
		case attrd.Flush:
			for _, m := range a.d.view.Members {
				if m.Name != a.d.opts.Self {
					a.d.cluster.Send(m.Name, append([]byte{tagFlush}, e.Name...))
				}
			}
		case attrd.Forward:
			a.d.log.Warn(fmt.Sprintf("attribute %s of %s is set on %s itself", e.Update.Name, e.Node, e.Node), "component", "attrd")
		}
	}
}

func (a *attributes) write(w attrd.Write) {
	if w.Permanent {
		a.writePermanent(w)
		return
	}
	if w.Delete {
		a.d.machine.Attribute(time.Now(), w.Name, nil)
	} else {
		a.d.machine.Attribute(time.Now(), w.Name, &w.Value)
	}
	a.d.alertAttribute(w.Name, w.Value)
	a.m.Written(w, true, time.Now())
}

func (a *attributes) writePermanent(w attrd.Write) {
	op := member.NodeAttribute(a.d.nodeID(), w.Set, w.Name, w.Value, w.Delete)
	op.Client = "attrd"
	a.d.edit("", a.d.signed(op), func(code int, text string) {
		// The reply may come from the owner itself, which must not wait for itself.
		go a.d.call(func() { a.m.Written(w, code == 0, time.Now()) })
	})
}

// flush writes what waits, because another node does.
func (a *attributes) flush(name string) { a.effects(a.m.Flush(name)) }

// tick lets time pass and looks at the ping nodes.
func (a *attributes) tick(now time.Time, peers []ccm.PeerStatus) {
	if len(a.pingds) > 0 {
		reachable, known := map[string]bool{}, true
		for _, p := range peers {
			if p.Type == "ping" {
				reachable[p.Name] = p.Status == "ping"
				known = known && p.Status != "init"
			}
		}
		for _, p := range a.pingds {
			v := p.Value(reachable)
			if v == p.last || !known {
				continue
			}
			p.last = v
			a.d.log.Info(fmt.Sprintf("send_update: %s=%s (%v)", p.Attribute, v, reachable), "component", "pingd")
			if err := a.update(attrd.Update{Name: p.Attribute, Value: v, Dampen: p.Dampen, SetDampen: true, Set: p.Set}); err != nil {
				a.d.log.Error(err.Error(), "component", "pingd")
			}
		}
	}
	a.effects(a.m.Tick(now))
}

// next returns how long until tick is wanted, or a long time.
func (a *attributes) next(now time.Time) time.Duration {
	wait := time.Hour
	if len(a.pingds) > 0 {
		wait = pingPoll
	}
	if due, ok := a.m.Next(); ok {
		wait = min(wait, max(0, due.Sub(now)))
	}
	return wait
}

// pingPoll is how often the state of the ping nodes is looked at.
const pingPoll = 250 * time.Millisecond

// change carries out an encoded client.AttrUpdate.
func (a *attributes) change(encoded string) *client.Response {
	var r client.AttrUpdate
	if err := json.Unmarshal([]byte(encoded), &r); err != nil {
		return &client.Response{Code: cli.ExitUsage, Error: "the change of an attribute cannot be read: " + err.Error()}
	}
	if r.Refresh {
		a.effects(a.m.Refresh())
		return &client.Response{}
	}
	u := attrd.Update{Name: r.Name, Delete: r.Value == nil && !r.Keep, Keep: r.Keep, Private: r.Private, Set: r.Set}
	if r.Value != nil {
		u.Value = *r.Value
	}
	if r.DampenMS != nil {
		u.Dampen, u.SetDampen = time.Duration(*r.DampenMS)*time.Millisecond, true
	}
	if err := a.update(u); err != nil {
		code := cli.ExitUsage
		if errors.Is(err, attrd.ErrUnknown) {
			code = cli.ExitNoSuchObject
		}
		return &client.Response{Code: code, Error: err.Error()}
	}
	return &client.Response{}
}

// list returns the attributes of this node.
func (a *attributes) list() *client.Response {
	r := &client.Response{}
	for _, at := range a.m.Attributes() {
		r.Attrs = append(r.Attrs, client.AttrValue{Name: at.Name, Value: at.Value})
	}
	return r
}
