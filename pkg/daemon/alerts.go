package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/alert"
	"github.com/quorate/quorate/pkg/controller"
	"github.com/quorate/quorate/pkg/version"
)

// alertUser is the account under which alert agents run.
const alertUser = "hacluster"

func newAlerts(log *slog.Logger) *alert.Runner {
	return alert.NewRunner(alert.Config{Version: version.Version, Logger: log,
		Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
		Credential: func() (*syscall.Credential, error) {
			if os.Getuid() != 0 {
				return nil, nil
			}
			return credential(alertUser)
		}})
}

// configureAlerts takes the alert agents of the newest configuration.
func (d *Daemon) configureAlerts() {
	agents, remarks := alert.Parse(d.replica.Root())
	for _, s := range remarks {
		if d.sayOnce(s) {
			d.log.Warn(s, "component", "crmd")
		}
	}
	d.alerts.Configure(agents)
}

func (d *Daemon) alert(e alert.Event) {
	e.Time = time.Now()
	d.alerts.Send(context.Background(), e)
}

// alertView tells of members that came or went with a view; one in flux says
// nothing.
func (d *Daemon) alertView(v ccm.View) {
	if v.Event == agree.EventNotPrimary {
		return
	}
	now := map[string]uint64{}
	for _, m := range v.Members {
		now[m.Name] = m.Incarnation
		old, known := d.alerted[m.Name]
		again := known && old != 0 && m.Incarnation != 0 && old != m.Incarnation
		if m.Incarnation == 0 {
			now[m.Name] = old
		}
		if again { // a restart is a death and a join
			d.alert(alert.Event{Kind: alert.Node, Node: m.Name, NodeID: d.idOfNode(m.Name), Desc: "lost"})
		}
		if !known || again {
			d.alert(alert.Event{Kind: alert.Node, Node: m.Name, NodeID: d.idOfNode(m.Name), Desc: "member"})
		}
	}
	for name := range d.alerted {
		if _, still := now[name]; !still {
			d.alert(alert.Event{Kind: alert.Node, Node: name, NodeID: d.idOfNode(name), Desc: "lost"})
		}
	}
	d.alerted = now
}

// idOfNode returns the id of a node in the configuration, or "".
func (d *Daemon) idOfNode(name string) string {
	for _, n := range d.replica.Root().Path("configuration", "nodes").All("node") {
		if n.Get("uname") == name {
			return n.ID()
		}
	}
	return ""
}

// alertResult tells of an operation's end; a probe that found what was expected
// is no news.
func (d *Daemon) alertResult(r *lrm.Result) {
	target := r.Op.TargetRC()
	if r.Op.Name == "monitor" && r.Op.Interval == 0 && r.Status == lrm.Done && r.RC == target || r.Op.Name == "notify" {
		return
	}
	took := r.ExecTime
	if r.Status == lrm.TimedOut {
		took = r.Op.Timeout
	}
	d.alert(alert.Event{Kind: alert.Resource, Node: d.opts.Self, Resource: r.Op.Resource, Task: r.Op.Name, Interval: r.Op.Interval,
		RC: r.RC, TargetRC: target, Status: int(r.Status), Desc: alert.Outcome(int(r.Status), r.RC), ExecTime: took})
}

func (d *Daemon) alertAttribute(name, value string) {
	d.alert(alert.Event{Kind: alert.Attribute, Node: d.opts.Self, AttributeName: name, AttributeValue: value})
}

func (d *Daemon) alertFenced(e controller.Fenced) {
	d.alert(alert.Event{Kind: alert.Fencing, Node: e.Node, Task: e.Operation,
		Desc: fmt.Sprintf("Operation %s of %s by its lease for %s: OK", e.Operation, e.Node, d.opts.Self)})
}
