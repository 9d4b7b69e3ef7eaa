package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/version"
)

// serve answers one request of a client; it runs on the connection's goroutine
// and asks the owner for what it needs.
func (d *Daemon) serve(ctx context.Context, who caller, req *client.Request, reply func(*client.Response) error) error {
	if who.remote && !slices.Contains(remoteVerbs, req.Verb) {
		return reply(&client.Response{Code: cli.ExitNoPerm, Error: fmt.Sprintf("permission denied: the request %q is not for clients that come over the network; run the command on a node", req.Verb)})
	}
	see := func(root *cib.Element) *cib.Element { return root }
	if acc := who.account(); !acc.Unlimited() {
		limited, err := d.restrict(acc, req)
		if err != nil {
			return reply(refusal(err))
		}
		if limited != nil {
			see = limited
		}
	}
	switch req.Verb {
	case client.VerbCIB:
		root, _ := d.current()
		if root == nil {
			return reply(shuttingDown())
		}
		return reply(document(see(root)))
	case client.VerbStatus:
		return d.answer(reply, func() *client.Response { return &client.Response{Status: d.status()} })
	case client.VerbWatch:
		return d.watch(ctx, see, reply)
	case client.VerbSubscribe:
		return d.subscribe(ctx, see, reply)
	case client.VerbEdit:
		return d.waitFor(ctx, reply, func(done func(*client.Response)) { d.clientEdit(who, req, done) })
	case client.VerbStandby, client.VerbTakeover:
		return d.answer(reply, func() *client.Response { return d.serveV1(req) })
	case client.VerbVoter:
		return d.wait(ctx, reply, func(done func(int, string)) { d.changeVoter(who, req, done) })
	case client.VerbAttr:
		b, err := json.Marshal(req.Attr)
		if err != nil || req.Attr == nil {
			return reply(&client.Response{Code: cli.ExitUsage, Error: "the request names no attribute"})
		}
		return d.waitFor(ctx, reply, func(done func(*client.Response)) { d.ask(req, askSetAttr, string(b), done) })
	case client.VerbAttrs:
		return d.waitFor(ctx, reply, func(done func(*client.Response)) { d.ask(req, askAttrs, "", done) })
	case client.VerbController:
		return d.waitFor(ctx, reply, func(done func(*client.Response)) { d.ask(req, askController, "", done) })
	case client.VerbClient:
		return d.waitFor(ctx, reply, func(done func(*client.Response)) { d.ask(req, askClient, req.Client, done) })
	case client.VerbHistory, client.VerbVersion:
		return reply(d.remembered(req, see))
	case client.VerbReload:
		return d.reloader.ask(ctx, reply)
	case client.VerbRestart:
		return d.wait(ctx, reply, d.serveRestart)
	case client.VerbCleanup:
		return d.wait(ctx, reply, func(done func(int, string)) { d.cleanup(req, done) })
	}
	return reply(&client.Response{Code: cli.ExitUsage,
		Error: fmt.Sprintf("the daemon (version %s) does not know the request %q: is the command of another version?", version.Version, req.Verb)})
}

// current returns the document and what is closed when it changes; nil when the
// daemon has ended. Not for the owner goroutine.
func (d *Daemon) current() (*cib.Element, <-chan struct{}) {
	type now struct {
		root *cib.Element
		news <-chan struct{}
	}
	ch := make(chan now, 1)
	d.call(func() { ch <- now{d.document(), d.news} })
	select {
	case n := <-ch:
		return n.root, n.news
	case <-d.done:
		return nil, nil
	}
}

// document is printed by the connection's goroutine: the owner only hands over
// the immutable tree. Of a document of which the caller may see nothing, nothing
// but that is told.
func document(root *cib.Element) *client.Response {
	if root == nil {
		return &client.Response{Code: cli.ExitNoPerm, Error: cib.ErrDenied.Error() + ": no role lets this user read anything of the configuration"}
	}
	return &client.Response{XML: string(cib.PrintCompact(root))}
}

// refusal puts an error into an answer.
func refusal(err error) *client.Response {
	code := 1
	if x := (*cli.Exit)(nil); errors.As(err, &x) {
		code = x.Code
	}
	return &client.Response{Code: code, Error: err.Error()}
}

// answer runs f on the owner goroutine and sends what it returns.
func (d *Daemon) answer(reply func(*client.Response) error, f func() *client.Response) error {
	ch := make(chan *client.Response, 1)
	d.call(func() { ch <- f() })
	select {
	case r := <-ch:
		return reply(r)
	case <-d.done:
		return reply(shuttingDown())
	}
}

// wait starts something on the owner goroutine that ends later with a code.
func (d *Daemon) wait(ctx context.Context, reply func(*client.Response) error, start func(done func(int, string))) error {
	return d.waitFor(ctx, reply, func(done func(*client.Response)) {
		start(func(code int, text string) { done(&client.Response{Code: code, Error: text}) })
	})
}

// waitFor starts something on the owner goroutine that ends later with an
// answer.
func (d *Daemon) waitFor(ctx context.Context, reply func(*client.Response) error, start func(done func(*client.Response))) error {
	ch := make(chan *client.Response, 1)
	done := func(r *client.Response) {
		select {
		case ch <- r:
		default:
		}
	}
	d.call(func() { start(done) })
	select {
	case r := <-ch:
		return reply(r)
	case <-ctx.Done():
		return ctx.Err()
	case <-d.done:
		select {
		case r := <-ch:
			return reply(r)
		default:
		}
		return reply(&client.Response{Code: cli.ExitTimeout,
			Error: "the daemon shut down before the outcome was known"})
	}
}

func shuttingDown() *client.Response {
	return &client.Response{Code: cli.ExitDisconnect, Error: "the daemon is shutting down"}
}

// status gathers what the daemon knows beyond the CIB. Owner goroutine only.
func (d *Daemon) status() *client.Status {
	lease, _ := d.cluster.Lease()
	lease.Exclusion = d.exclusion(lease.Exclusion)
	conf := d.info.conf
	s := &client.Status{
		Node: d.opts.Self, UUID: d.info.uuid, Version: version.Version, PID: os.Getpid(),
		State: string(d.machine.State()), View: d.view, Lease: lease, Peers: d.cluster.Peers(),
		Beats: d.electorate.Beats(), Repeats: d.lrm.Repeats(), Dropped: d.reloader.links().Drops(),
		Budget: d.info.budget, Started: d.info.started, Parameters: map[string]string{},
	}
	for _, p := range []string{"keepalive", "deadtime", "warntime", "initdead", "deadping", "udpport",
		"baud", "auto_failback", "crm", "cluster", "autojoin", "logfacility", "logfile", "debugfile", "watchdog"} {
		if v, ok := conf.Param(p); ok {
			s.Parameters[p] = v
		}
	}
	if d.v1 != nil {
		s.Holding = d.v1.m.Holding()
		s.Problems = append(s.Problems, d.v1.m.Problems()...)
	}
	s.Problems = append(s.Problems, d.conflicts()...)
	for _, rsc := range slices.Sorted(maps.Keys(d.cutShort)) {
		s.Problems = append(s.Problems, d.cutShort[rsc])
	}
	s.Electorate = d.electorate.Electorate()
	for _, e := range s.Electorate {
		if e.Why != "" {
			s.Problems = append(s.Problems, e.Why)
		}
	}
	s.Problems = append(s.Problems, d.foreignConfigs(s.Peers)...)
	if text := d.electorate.Disk().Sentence(); text != "" {
		s.Problems = append(s.Problems, d.opts.Self+": "+text)
	}
	for _, p := range s.Peers {
		if p.Unfit {
			s.Problems = append(s.Problems, p.Name+" says that the file system of its state directory is full: it takes no changes and is not the DC; crm_mon there tells more")
		}
	}
	if !slices.ContainsFunc(s.Peers, func(p ccm.PeerStatus) bool { return p.Name == d.opts.Self }) {
		s.Peers = slices.Insert(s.Peers, 0, ccm.PeerStatus{Name: d.opts.Self, Type: "normal", Status: "active"})
	}
	if lease.Exclusion != guaranteed {
		s.Problems = append(s.Problems, "exclusion "+lease.Exclusion)
	}
	return s
}

// foreignConfigs returns a sentence for each peer whose ha.cf means something
// else than the one here.
func (d *Daemon) foreignConfigs(peers []ccm.PeerStatus) (out []string) {
	own := fmt.Sprintf("%016x", digestNumber(d.info.conf))
	for _, p := range peers {
		if p.ConfigDigest != "" && p.ConfigDigest != own {
			out = append(out, fmt.Sprintf("ha.cf of %s differs from the one here in more than its own links: make the files equal and restart the node whose file is wrong", p.Name))
		}
	}
	return out
}

// warnOfForeignConfigs says it once a peer.
func (d *Daemon) warnOfForeignConfigs() {
	for _, s := range d.foreignConfigs(d.cluster.Peers()) {
		if d.sayOnce(s) {
			d.log.Warn(s)
		}
	}
}

// cleanup serves VerbCleanup: every member, or the one named, forgets the
// resource, then the policy engine probes it anew.
func (d *Daemon) cleanup(req *client.Request, done func(int, string)) {
	if !d.view.Quorum {
		done(cli.ExitQuorum, "no quorum: "+d.view.Reason)
		return
	}
	node := strings.ToLower(req.Node)
	if node != "" && !d.view.Has(node) {
		done(cli.ExitNoHost, fmt.Sprintf("%s is not a member of this partition: it cannot forget anything", req.Node))
		return
	}
	d.machine.Cleanup(time.Now(), req.Resource, node)
	done(0, "")
}

// nodeID returns the id of this node as the configuration has it.
func (d *Daemon) nodeID() string {
	for _, n := range d.replica.Root().Path("configuration", "nodes").All("node") {
		if n.Get("uname") == d.opts.Self {
			return n.ID()
		}
	}
	return d.info.uuid
}
