package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/haresources"
	"github.com/quorate/quorate/pkg/member"
	"github.com/quorate/quorate/pkg/v1"
)

// v1Mode joins the machine of haresources to the daemon: with "crm no" only.
// Owner goroutine only, but for what says otherwise.
type v1Mode struct {
	d       *Daemon
	m       *v1.Machine
	plan    *v1.Plan
	shared  *atomic.Pointer[v1.Plan] // the same, for other goroutines
	harc    *harc
	imposed string    // the version that the plan was last put in place of
	at      time.Time // and when
}

// loadPlan reads haresources, which has been checked with ha.cf; nil with "crm yes".
func loadPlan(conf *hacf.Config, dir string) (*v1.Plan, error) {
	if conf.CRM.Enabled() {
		return nil, nil
	}
	path := filepath.Join(dir, "haresources")
	f, err := os.Open(path)
	if err != nil {
		return nil, hacf.OpenError("resources", path, haresources.Sample, err)
	}
	defer f.Close()
	groups, _, err := haresources.Parse(f, path)
	if err != nil {
		return nil, err
	}
	return v1.NewPlan(groups, conf), nil
}

// v1Script returns the file that a word of haresources means on this node:
// resource.d comes before init.d. Any goroutine may ask.
func v1Script(dir string) func(name string) string {
	return func(name string) string {
		own := filepath.Join(dir, "resource.d", name)
		for _, file := range []string{own, filepath.Join("/etc/init.d", name)} {
			if fi, err := os.Stat(file); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
				return file
			}
		}
		return own
	}
}

// newV1 returns nil with "crm yes".
func newV1(d *Daemon, shared *atomic.Pointer[v1.Plan], attributes []string) *v1Mode {
	plan := shared.Load()
	if plan == nil {
		return nil
	}
	conf := d.info.conf
	ipfail := false
	for _, c := range conf.Children {
		ipfail = ipfail || c.Builtin == "ipfail"
	}
	x := &v1Mode{d: d, plan: plan, shared: shared, harc: newHarc(d.opts.ConfigDir, append(v1Env(conf, d.opts), "HA_RUNDIR="+d.opts.RunDir), d.log)}
	x.m = v1.New(time.Now(), v1.Config{Self: d.opts.Self, Plan: plan, Keepalive: conf.Keepalive, Deadtime: conf.Deadtime, Initdead: conf.Initdead,
		Nodes: conf.Nodes, Ipfail: ipfail, Inherited: d.inherited != 0, Script: v1Script(d.opts.ConfigDir), Accounts: accounts(), Attributes: attributes})
	return x
}

// accounts tells the numbers of hacluster and haclient on this node.
func accounts() string {
	uid, gid := "none", "none"
	if u, err := user.Lookup(alertUser); err == nil {
		uid = u.Uid
	}
	if g, err := user.LookupGroup(adminGroup); err == nil {
		gid = g.Gid
	}
	return fmt.Sprintf("%s with number %s and %s with number %s", alertUser, uid, adminGroup, gid)
}

// v1Env is what scripts and handlers find in their environment.
func v1Env(conf *hacf.Config, o Options) []string {
	logd := "no"
	if conf.Log.Logd() {
		logd = "yes"
	}
	file := func(path string) string {
		if path == "" {
			return "/dev/null"
		}
		return path
	}
	env := []string{"HA_CURHOST=" + o.Self, "HA_NICEFAILBACK=yes", "HA_DIR=" + o.ConfigDir, "HA_RCDIR=" + filepath.Join(o.ConfigDir, "rc.d"),
		"HA_CONFDIR=" + filepath.Join(o.ConfigDir, "conf"), "HA_CF=" + filepath.Join(o.ConfigDir, "ha.cf"), "HA_RESOURCEDIR=" + filepath.Join(o.ConfigDir, "resource.d"),
		"HA_FUNCS=" + filepath.Join(o.ConfigDir, "shellfuncs"), "HA_BIN=/usr/lib/heartbeat", "HA_NOARCHBIN=/usr/share/heartbeat", "HA_VARLIB=" + o.StateDir,
		"HA_FIFO=" + filepath.Join(o.StateDir, "fifo"), "HA_DOCDIR=/usr/share/doc/quorate", "HA_DATEFMT=%Y/%m/%d_%T ", "HA_LOGFILE=" + file(conf.Log.File),
		"HA_DEBUGLOG=" + file(conf.Log.DebugFile), "HA_LOGFACILITY=" + conf.Log.Facility, "HA_LOGTAG=heartbeat", "HA_LOGD=" + logd}
	if conf.Log.Debug > 0 {
		env = append(env, fmt.Sprintf("HA_DEBUG=%d", conf.Log.Debug))
	}
	for _, e := range conf.Env {
		env = append(env, "HA_"+e.Name+"="+e.Value)
	}
	return env
}

// running writes the line of a script that is about to be called. Any goroutine
// may call it.
func running(log *slog.Logger, plan *v1.Plan, script func(string) string, op *lrm.Op) {
	if plan == nil {
		return
	}
	if text := plan.Running(op, script); text != "" {
		log.Info(text, "component", "ResourceManager")
	}
}

// effects carries out what the machine wants.
func (x *v1Mode) effects(ctx context.Context) {
	if x == nil {
		return
	}
	for fx := x.m.Effects(); len(fx) > 0; fx = x.m.Effects() {
		for _, e := range fx {
			switch e := e.(type) {
			case v1.Log:
				x.d.log.Log(ctx, e.Level, e.Text, "component", e.Entity)
			case v1.SetAttribute:
				if e.Delete {
					x.d.machine.Attribute(time.Now(), e.Name, nil)
				} else {
					x.d.machine.Attribute(time.Now(), e.Name, &e.Value)
				}
			case v1.Send:
				x.d.cluster.Send(e.To, append([]byte{tagV1}, e.Payload()...))
			case v1.Handle:
				x.harc.call(e.Name, e.Fields)
			case v1.Forget:
				if x.d.view.Quorum {
					x.d.machine.Cleanup(time.Now(), e.Resource, "")
				}
			}
		}
	}
}

// imposeRetry is how long the DC waits before it writes the plan again.
const imposeRetry = 2 * time.Second

// replan takes another haresources.
func (x *v1Mode) replan(p *v1.Plan) {
	x.plan = p
	x.shared.Store(p)
	x.m.SetPlan(time.Now(), p)
	x.impose()
	x.effects(context.Background())
}

// impose makes the plan the cluster's configuration, on the DC, where it is not.
func (x *v1Mode) impose() {
	d := x.d
	if !d.view.Quorum || d.view.DC != d.opts.Self {
		return
	}
	root := d.replica.Root()
	if root == nil || x.plan.Holds(root) || !x.m.Agreed(v1.Marker(root)) {
		return
	}
	now := time.Now()
	version := cib.VersionOf(root).String()
	if version == x.imposed && now.Sub(x.at) < imposeRetry {
		return
	}
	x.imposed, x.at = version, now
	if v1.Marker(root) == "" && len(root.Path("configuration", "resources").All("primitive"))+len(root.Path("configuration", "resources").All("group"))+
		len(root.Path("configuration", "resources").All("clone")) > 0 {
		copyOf := filepath.Join(d.opts.StateDir, "crm", "cib-before-haresources.xml")
		if err := cib.WriteFile(copyOf, root); err != nil {
			d.log.Error(fmt.Sprintf("the configuration that the cluster had with \"crm yes\" cannot be kept in %s: %v; haresources does not take its place before it can", copyOf, err))
			return
		}
		d.log.Warn(fmt.Sprintf("crm is off: haresources takes the place of the configuration %s that the cluster had; that is kept in %s", version, copyOf))
	}
	d.log.Info(fmt.Sprintf("haresources with %d resource group(s) becomes the configuration of the cluster", len(x.plan.Lines)))
	d.ownEdit(uuid.NewString(), "putting haresources in force", cib.Op{Verb: cib.VerbReplace, Client: "haresources", Why: "haresources is in force",
		XML: cib.WithVersion(member.Bare(x.plan.Apply(root)), cib.VersionOf(root)), Expect: cib.VersionOf(root).Configuration()})
}

// What follows does nothing with "crm yes".

// environ is what scripts have in their environment.
func (x *v1Mode) environ() []string {
	if x == nil {
		return nil
	}
	return v1Env(x.d.info.conf, x.d.opts)
}

// attributes are what a program in this one's place is to set again.
func (x *v1Mode) attributes() []string {
	if x == nil {
		return nil
	}
	return x.m.Attributes()
}

func (x *v1Mode) next() time.Duration {
	if x == nil {
		return time.Hour
	}
	return x.m.NextTick()
}

func (x *v1Mode) leaving() {
	if x != nil {
		x.m.Leaving(time.Now())
	}
}

// configured is told of a new configuration. The copy for people is for CIBs that
// people make.
func (x *v1Mode) configured() {
	if x == nil {
		return
	}
	x.impose()
}

func (x *v1Mode) executing(op *lrm.Op) {
	if x != nil {
		x.m.Executing(time.Now(), op)
		x.effects(context.Background())
	}
}

func (x *v1Mode) result(r *lrm.Result) {
	if x != nil {
		x.m.Result(time.Now(), r)
	}
}

func (x *v1Mode) view(v ccm.View) {
	if x != nil {
		x.m.Peers(time.Now(), x.d.cluster.Peers())
		x.m.View(time.Now(), v)
		x.impose()
		x.effects(context.Background())
	}
}

func (x *v1Mode) message(from string, payload []byte) {
	if x == nil {
		return // ha.cf there says another crm than the one here, which is told
	}
	if err := x.m.Message(time.Now(), from, payload); err != nil {
		x.d.log.Warn(err.Error())
	}
}

// tick lets time pass.
func (x *v1Mode) tick(now time.Time) {
	if x == nil {
		return
	}
	x.m.Peers(now, x.d.cluster.Peers())
	x.m.Tick(now)
	x.impose()
}

// serveV1 serves VerbStandby and VerbTakeover.
func (d *Daemon) serveV1(req *client.Request) *client.Response {
	scope := strings.ToLower(req.Resource)
	if scope == "" {
		scope = "all"
	}
	if d.v1 == nil {
		return &client.Response{Code: cli.ExitUnavailable, Error: "crm is on"}
	}
	refused := ""
	if req.Verb == client.VerbStandby {
		refused = d.v1.m.Standby(time.Now(), scope)
	} else {
		refused = d.v1.m.Takeover(time.Now(), scope)
	}
	if refused != "" {
		return &client.Response{Code: cli.ExitError, Error: refused}
	}
	return &client.Response{}
}

// errV1Edit refuses a change of the configuration with "crm no".
const errV1Edit = "crm is off: the configuration follows haresources and is not changed by itself; change that file on all nodes, then: service heartbeat reload"
