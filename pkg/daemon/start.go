package daemon

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/ccm/link"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/authkeys"
	"github.com/quorate/quorate/pkg/controller"
	"github.com/quorate/quorate/pkg/diag"
	"github.com/quorate/quorate/pkg/guard"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/member"
	"github.com/quorate/quorate/pkg/peinput"
	"github.com/quorate/quorate/pkg/v1"
	"github.com/quorate/quorate/pkg/version"
)

// nodeInfo is what stays the same for the life of the daemon.
type nodeInfo struct {
	uuid   string
	conf   *hacf.Config
	budget string
	// stopBound is how long stops may take when the right to run has ended.
	stopBound time.Duration
	// takeover is when a lost node has let go at the latest, lease the length of
	// a lease.
	takeover, lease time.Duration
	started         time.Time
}

// settings are the files of the administrator, read and found in order.
type settings struct {
	conf      *hacf.Config
	timing    agree.Timing
	keys      link.Keys
	uuid      string
	candidate *cib.Element
	// plan is haresources, nil with "crm yes".
	plan *v1.Plan
	// links is set when the membership layer has opened them.
	links *link.Transport
}

// readSettings reads every file before anything is changed or opened, so that a
// refusal leaves no trace.
func readSettings(o Options, log *slog.Logger) (*settings, error) {
	s := new(settings)
	conf, remarks, err := hacf.Load(filepath.Join(o.ConfigDir, "ha.cf"), o.Self, hacf.Options{})
	report(log, remarks)
	if err != nil {
		return nil, err
	}
	s.conf = conf
	if conf.HasArbiter(o.Self) {
		return nil, fmt.Errorf("%s: %s is an arbiter: it runs no resources; start it with: quorate arbiter", conf.File, o.Self)
	}
	if s.plan, err = loadPlan(conf, o.ConfigDir); err != nil {
		return nil, err
	}
	keys, remarks, err := authkeys.Load(filepath.Join(o.ConfigDir, "authkeys"))
	report(log, remarks)
	if err != nil {
		return nil, err
	}
	s.keys = *keys
	if s.timing, err = newTiming(conf); err != nil {
		return nil, err
	}
	_, noState := os.Stat(filepath.Join(o.StateDir, "cluster.db"))
	if s.plan != nil {
		// crm/cib.xml is for the day that crm is on.
	} else if s.candidate, err = candidate(filepath.Join(o.StateDir, "crm", "cib.xml"), noState == nil, log); err != nil {
		return nil, err
	}
	for _, dir := range []string{o.StateDir, filepath.Join(o.StateDir, "crm"), o.RunDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if s.uuid, err = nodeUUID(o.StateDir); err != nil {
		return nil, err
	}
	return s, nil
}

// report logs what the reader of a file remarked; errors are returned by it
// and printed by the command.
func report(log *slog.Logger, ds []diag.Diagnostic) {
	for _, d := range ds {
		switch d.Severity {
		case diag.Info:
			log.Info(d.String())
		case diag.Warning:
			log.Warn(d.String())
		}
	}
}

func media(conf *hacf.Config) (out []link.Medium) {
	for _, m := range conf.Media {
		out = append(out, link.Medium{Kind: string(m.Kind), Iface: m.Iface, Address: m.Address,
			Group: m.Group, Port: m.Port, TTL: m.TTL, Loop: m.Loop, Device: m.Device, Baud: m.Baud})
	}
	return out
}

func pingNodes(conf *hacf.Config) (out []link.PingNode) {
	for _, p := range conf.PingNodes {
		out = append(out, link.PingNode{Name: p.Host, Hosts: []string{p.Host}})
	}
	for _, g := range conf.PingGroups {
		out = append(out, link.PingNode{Name: g.Name, Hosts: g.Hosts})
	}
	return out
}

// Run is the daemon: it returns when ctx has ended and this node has left the
// cluster in order, or when it cannot start. When hurry ends too it does not
// wait for the DC to move the resources away.
func Run(ctx, hurry context.Context, o Options, log *slog.Logger) error {
	begun := time.Now()
	s, err := readSettings(o, log)
	if err != nil {
		return err
	}
	o.outlets.open(s.conf, o.StateDir, log)
	log.Info(fmt.Sprintf("Configuration validated. Starting heartbeat %s", version.Version))
	hup, ignore := hangups()
	defer ignore()
	prio := enterRealtime(s.conf, s.timing, log.With("component", "heartbeat"))
	admitted := newAdmission(s.conf, log)
	ln, err := listen(o.RunDir, admitted.open)
	if err != nil {
		return err
	}
	defer ln.Close()
	if err := os.WriteFile(PIDFile(o.RunDir), fmt.Appendf(nil, "%7d\n", os.Getpid()), 0o644); err != nil {
		log.Warn(fmt.Sprintf("the pid file cannot be written: %v", err))
	}
	defer os.Remove(PIDFile(o.RunDir))

	// What must outlive the request to stop runs under its own context.
	life, end := context.WithCancel(context.Background())
	defer end()

	timing := s.timing
	log.Info(timing.Sentence())
	if w := timing.Warning(); w != "" {
		log.Warn(w)
	}
	again := takeHandover(log)
	watch, dog, err := startGuard(o, s, again, prio, log.With("component", "guard"))
	if err != nil {
		return err
	}
	defer watch.Stop()
	addrs := newAddresses(watch.State, timing, log.With("component", "guard"))
	go addrs.run(life)
	configured := make(chan struct{}, 1)
	rep := member.NewReplica(func() {
		select {
		case configured <- struct{}{}:
		default:
		}
	})
	mem := openMemory(o.StateDir, log)
	defer mem.close()
	rep.Changed = mem.record
	cc, err := ccmConfig(life, s, o, rep, timing, log)
	if err != nil {
		return err
	}
	cc.OnLease = func(stop int64) {
		watch.SetLease(stop)
		addrs.confirmed()
	}
	node, err := ccm.Start(life, cc)
	if err != nil {
		return err
	}
	g := newGate(node)
	addrs.setStays(func(resource string) bool { return !watch.State.Enforced() || !member.Managed(rep.Root(), resource) })
	script := v1Script(o.ConfigDir)
	plan := new(atomic.Pointer[v1.Plan])
	plan.Store(s.plan)
	extra := []string{"HA_RUNDIR=" + o.RunDir}
	if s.plan != nil {
		extra = append(extra, v1Env(s.conf, o)...)
	}
	release := new(releaseCache)
	executor := lrm.Config{
		Self: o.Self, OCFRoot: o.OCFRoot, RunDir: filepath.Join(o.RunDir, guard.ResourceDir),
		FeatureSet: version.FeatureSet, Logger: log.With("component", "lrmd"), Gate: g.check,
		ToolsDir: toolsDir(o.RunDir, log), ExtraEnv: extra, HeartbeatDir: filepath.Join(o.ConfigDir, "resource.d"),
		Before: func(op lrm.Op) {
			running(log, plan.Load(), script, &op)
			addrs.before(op)
		}, After: addrs.after, Lifetime: addrs.lifetime,
	}
	release.configure(&executor, rep.Root)
	resources := lrm.New(executor)
	for _, l := range resources.Leftovers() {
		addrs.hold(l.Op)
	}
	text := ""
	if s.candidate != nil {
		text = string(cib.PrintCompact(s.candidate))
	}
	d := &Daemon{
		opts: o, log: log, cluster: node, electorate: node, replica: rep, memory: mem, lrm: resources, gate: g, guard: watch, watchdog: dog, addrs: addrs, inherited: again.Stop, release: release, cutShort: map[string]string{},
		machine: controller.New(controller.Config{Self: o.Self, UUID: s.uuid,
			TransitionerID: uuid.NewString(), Version: version.Version, Stack: stackName, Candidate: text}),
		leaseEnd: member.LeaseEnd{StopBound: timing.StopBound, Deadtime: s.conf.Deadtime, Started: begun}, configured: configured,
		info: nodeInfo{uuid: s.uuid, conf: s.conf, budget: timing.Sentence(), stopBound: timing.StopBound,
			takeover: timing.Takeover, lease: timing.Lease, started: begun},
		hurry: hurry.Done(), failed: node.Done(), said: map[string]bool{}, questions: questions{waiting: map[uint64]question{}}, calls: make(chan func(), 64), done: make(chan struct{}), news: make(chan struct{}),
		file: newCIBFile(o.StateDir, log), reloader: newReloader(o, s, log),
	}
	d.reloader.restart = func() { d.restartLogged(life, func() {}) }
	d.reloader.setPlan = func(p *v1.Plan) { d.call(func() { d.v1.replan(p) }) }
	go d.reloader.run(life, hup)
	d.v1 = newV1(d, plan, again.Attributes)
	if d.v1 != nil {
		defer d.v1.harc.close()
	}
	d.edits = member.NewEdits(o.Self, editHost{d})
	d.attrs = newAttributes(d)
	openForced(d)
	d.takeCuts()
	d.alerts = newAlerts(log.With("component", "crmd"))
	go d.file.run()
	if s.conf.RecordInputs {
		d.inputs = peinput.NewRecorder(filepath.Join(o.StateDir, "pengine"), log.With("component", "pengine"))
		go d.inputs.Run()
	}
	srv := &server{ln: ln, log: log, admits: admitted.admits, handle: d.serve}
	go srv.serve(life)
	d.remote = newRemote(&o, log, srv.session)
	go d.remote.run(life)
	d.remote.set(rep.Root())
	stopClients := d.startClients(life)
	d.run(ctx)
	stopClients(!d.restarts) // a restart in place has no time: the lease runs

	closing, cancel := context.WithTimeout(context.Background(), leaveBound)
	defer cancel()
	if d.restarts {
		return d.execute(closing, node, end)
	}
	released := len(resources.Active()) == 0 && len(resources.InFlight()) == 0
	resources.Close()
	if released && !watch.State.Fences() {
		watch.State.Goodbye()
	}
	if err := node.Err(); err != nil {
		return fmt.Errorf("the membership layer of this node has stopped: %w", err)
	}
	if err := node.Leave(closing, released); err != nil {
		log.Warn(err.Error(), "component", "ccm")
	}
	d.file.close(closing)
	if d.inputs != nil {
		d.inputs.Close(closing)
	}
	if err := node.Close(); err != nil {
		return err
	}
	log.Info(o.Self + " Heartbeat shutdown complete.")
	if d.fencing {
		return ErrSuicide
	}
	return nil
}

// ErrSuicide indicates that this daemon has ended itself without quorum.
var ErrSuicide = errors.New("this node had lost its quorum and has ended itself (no-quorum-policy=suicide)")

// stackName is what the configuration calls the layer below the controller; the
// schema does not allow the names of stacks that Pacemaker gave up.
const stackName = "quorate"

// newTiming derives the periods of a configuration. Whether a node uses its
// watchdog matters to the others, so what counts is what the file says.
func newTiming(conf *hacf.Config) (agree.Timing, error) {
	t, err := agree.NewTiming(agree.TimingOptions{Keepalive: conf.Keepalive, Deadtime: conf.Deadtime,
		Initdead: conf.Initdead, Watchdog: conf.Watchdog != ""})
	if err != nil {
		return t, fmt.Errorf("%s: %w", conf.File, err)
	}
	return t, nil
}

// startGuard opens the watchdog and starts the guard. What an earlier daemon
// left active was run by a right that is gone and is stopped, unless this
// program replaces it in the same process and the lease holds.
func startGuard(o Options, s *settings, again handover, prio int, log *slog.Logger) (*guard.Guard, *guard.Watchdog, error) {
	dog, err := openWatchdog(o, s, again, log)
	if err != nil {
		return nil, nil, err
	}
	opts := guard.Options{RunDir: o.RunDir, Lease: s.timing.Lease, Bound: s.timing.StopBound, Fresh: s.timing.EchoAge,
		Watchdog: dog, Priority: prio, Stop: again.Stop, ErrOut: os.Stderr, Logger: log}
	if again.Stop == 0 {
		limit, err := guard.Retire(o.RunDir)
		if err != nil {
			return nil, nil, err
		}
		guard.ReleaseLeftovers(o.RunDir, limit, s.timing.StopBound, log)
	}
	g, err := guard.Start(opts)
	return g, dog, err
}

// openWatchdog opens the device of ha.cf, or takes it over.
func openWatchdog(o Options, s *settings, again handover, log *slog.Logger) (*guard.Watchdog, error) {
	path := s.conf.Watchdog
	if again.Watchdog > 0 {
		old, err := guard.AdoptWatchdog(again.Watchdog, again.Path, s.timing.Watchdog, log)
		if err != nil || path == again.Path && !o.NoWatchdog {
			return old, err
		}
		if err := old.CloseInOrder(); err != nil { // the new ha.cf does without
			log.Error(fmt.Sprintf("watchdog %s: %v", old.Path, err))
		}
	}
	switch {
	case path == "":
		return nil, nil
	case o.NoWatchdog:
		log.Warn(fmt.Sprintf("the watchdog %s of ha.cf is not used (--no-watchdog): exclusion is not enforced by it", path))
		return nil, nil
	}
	return guard.OpenWatchdog(path, s.timing.Watchdog, log)
}

// leaveBound is how long the others may take to hear that this node leaves. A
// node that left a moment before never answers.
const leaveBound = time.Second

// ccmConfig is what the files mean to the membership layer.
func ccmConfig(life context.Context, s *settings, o Options, rep ccm.Replica, timing agree.Timing, log *slog.Logger) (ccm.Config, error) {
	plugins, err := quorumPlugins(s.conf)
	if err != nil {
		return ccm.Config{}, err
	}
	return ccm.Config{
		Node: o.Self, Nodes: slices.Concat(s.conf.Nodes, s.conf.Arbiters), Arbiters: s.conf.Arbiters, Weights: s.conf.Weights,
		Autojoin: s.conf.Autojoin != "none", Ping: len(s.conf.PingNodes)+len(s.conf.PingGroups) > 0,
		StateDir: o.StateDir, Replica: rep, Work: withAllProcessors, Timing: timing, Quorum: plugins, ClusterID: s.conf.Cluster,
		ConfigDigest: digestNumber(s.conf), Logger: log.With("component", "ccm"),
		Transport: func(l ccm.Life) (ccm.Transport, error) {
			t, err := link.Open(life, linkConfig(s, l, timing.Beat, log.With("component", "heartbeat")))
			if err != nil {
				return nil, err
			}
			s.links = t
			return t, nil
		},
	}, nil
}

// quorumPlugins are consulted in turn: as ever HA_quorum names them, and two
// nodes break their tie unless it says otherwise.
func quorumPlugins(conf *hacf.Config) ([]string, error) {
	list := os.Getenv("HA_quorum")
	for _, e := range conf.Env {
		if e.Name == "quorum" {
			list = e.Value
		}
	}
	if list == "" {
		return []string{"majority", "twonodes"}, nil
	}
	plugins := strings.Split(list, ":")
	if _, err := agree.NewQuorum(plugins...); err != nil {
		return nil, fmt.Errorf("%s: env quorum=%s: %w", conf.File, list, err)
	}
	return plugins, nil
}

// digestNumber identifies the meaning of ha.cf to the other nodes.
func digestNumber(conf *hacf.Config) uint64 {
	h := fnv.New64a()
	h.Write([]byte(conf.Digest()))
	return h.Sum64()
}

// linkConfig tells the links what to carry; beat is how often the runner sends.
func linkConfig(s *settings, l ccm.Life, beat time.Duration, log *slog.Logger) link.Config {
	conf := s.conf
	return link.Config{
		Self: l.Node, Nodes: slices.Concat(conf.Nodes, conf.Arbiters), Autojoin: conf.Autojoin != "none",
		ClusterName: conf.Cluster, ClusterID: l.ClusterID, Lateness: l.Lateness, Incarnation: l.Incarnation,
		Media: media(conf), Keys: s.keys,
		Hops: len(conf.Nodes) + len(conf.Arbiters) + conf.HopFudge, Keepalive: beat, Deadtime: conf.Deadtime, Warntime: conf.Warntime,
		Initdead: conf.Initdead, Deadping: conf.Deadping, PingNodes: pingNodes(conf),
		Meta:   map[string]string{"version": version.Version, "feature_set": version.FeatureSet, "hacf": conf.Digest()},
		Logger: log,
	}
}

// startClients starts the respawn children that are not ours; the built-in ones
// (pingd, ipfail, ccm, …) are part of the daemon.
// Stop ends the youngest first and, in order, waits for each before the next, for
// clientsBound together.
func (d *Daemon) startClients(ctx context.Context) (stop func(inOrder bool)) {
	type client struct {
		cancel func()
		ended  chan struct{}
	}
	var clients []client
	for _, c := range d.info.conf.Children {
		log := d.log.With("component", "heartbeat")
		if c.Builtin != "" {
			log.Info(fmt.Sprintf("%s is answered by the built-in %s", c.Path, c.Builtin))
			if c.Builtin == "ipfail" && d.v1 == nil {
				log.Info("ipfail ends with exit code 100: it moves the lines of haresources, and crm is on")
			}
			if c.Builtin == "pingd" {
				if err := d.attrs.addPingd(c.Args); err != nil {
					log.Error(fmt.Sprintf("%s:%d: pingd: %v", d.info.conf.File, c.Line, err))
				}
			}
			continue
		}
		env := append(os.Environ(), "HA_CURHOST="+d.opts.Self)
		for _, e := range d.info.conf.Env {
			env = append(env, "HA_"+e.Name+"="+e.Value)
		}
		own, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			respawn(own, log, &d.children, c.User, c.Path, c.Args, env)
		}()
		clients = append(clients, client{cancel, ended})
	}
	return func(inOrder bool) {
		bound := time.After(clientsBound)
		for _, c := range slices.Backward(clients) {
			c.cancel()
			if !inOrder {
				continue
			}
			select {
			case <-c.ended:
			case <-bound:
				inOrder = false
			}
		}
	}
}

// clientsBound is how long an end in order waits for the clients of ha.cf.
const clientsBound = 5 * time.Second

// SelfName returns the name of this node: uname -n in lower case.
func SelfName() (string, error) {
	h, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("the name of this node (uname -n) is unknown: %w", err)
	}
	return strings.ToLower(h), nil
}
