package campaign

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/lab"
)

// program is where the program under test lies in every node.
const program = "/lab/bin/quorate"

// The network: clients and the floating address on eth0, beats on eth1.
const (
	segPublic = "public"
	segBeat   = "heartbeat"
)

var floating = netip.MustParseAddr("10.71.1.250")

// publicIP and beatIP are the fixed addresses of node i.
func publicIP(i int) netip.Prefix { return netip.MustParsePrefix(fmt.Sprintf("10.71.0.%d/16", i+1)) }
func beatIP(i int) netip.Prefix   { return netip.MustParsePrefix(fmt.Sprintf("10.68.0.%d/16", i+1)) }

// setting is what a cluster is made of.
type setting struct {
	nodes int
	// keepalive, deadtime and initdead as ha.cf has them; empty is left out.
	keepalive, deadtime, initdead string
	// media is the kind of the beats' links, ucast or bcast.
	media string
	// resource tells whether there is a floating address, client whether it is
	// probed and sampled.
	resource, client bool
	// cib is the configuration, if it is not the usual one.
	cib string
	// crowd tells that many daemons share this computer.
	crowd bool
	// patience is how long a state may take.
	patience time.Duration
}

func fast() setting {
	return setting{nodes: 3, keepalive: "75ms", deadtime: "300ms", initdead: "1", media: "ucast", resource: true, client: true, patience: 30 * time.Second}
}

// classic are the timers of a set-up of old.
func classic() setting {
	return setting{nodes: 3, keepalive: "3", deadtime: "10", media: "ucast", resource: true, client: true, patience: 90 * time.Second}
}

func (s setting) haCF() string {
	var b strings.Builder
	for i := range s.nodes {
		fmt.Fprintf(&b, "node %s\n", nodeName(i))
	}
	for _, d := range [][2]string{{"keepalive", s.keepalive}, {"deadtime", s.deadtime}, {"initdead", s.initdead}} {
		if d[1] != "" {
			fmt.Fprintf(&b, "%s %s\n", d[0], d[1])
		}
	}
	if s.media == "bcast" {
		b.WriteString("bcast eth1\n")
	} else {
		for i := range s.nodes {
			fmt.Fprintf(&b, "ucast eth1 %s\n", beatIP(i).Addr())
		}
	}
	b.WriteString("crm yes\n")
	return b.String()
}

func (s setting) String() string {
	t := fmt.Sprintf("%d nodes, %s", s.nodes, s.media)
	if s.keepalive == "" {
		return t + ", default timers"
	}
	return t + fmt.Sprintf(", keepalive %s, deadtime %s", s.keepalive, s.deadtime)
}

func nodeName(i int) string { return fmt.Sprintf("n%02d", i+1) }

const (
	authkeys = "auth 1\n1 sha1 a-secret-of-the-campaign\n"
	document = `<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.0">
  <configuration>
    <crm_config><cluster_property_set id="cib-bootstrap-options">
      <nvpair id="opt-stonith" name="stonith-enabled" value="false"/>
    </cluster_property_set></crm_config>
    <nodes/>
    <resources>
      <primitive id="web-ip" class="ocf" provider="heartbeat" type="IPaddr">
        <instance_attributes id="web-ip-params"><nvpair id="web-ip-ip" name="ip" value="%s"/>
          <nvpair id="web-ip-mask" name="cidr_netmask" value="16"/><nvpair id="web-ip-nic" name="nic" value="eth0"/></instance_attributes>
        <operations><op id="web-ip-mon" name="monitor" interval="5s" timeout="5s"/></operations>
      </primitive>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
`
	resource = "web-ip"
)

// cluster is a lab with running daemons.
type cluster struct {
	setting
	c       *campaign
	lab     *lab.Lab
	nodes   map[string]*lab.Node
	names   []string
	outside *lab.Node
	daemons map[string]*lab.Process
	sampler *lab.Sampler
	probe   *lab.Probe
	wire    *lab.Wire
}

// newCluster builds the lab and starts every daemon.
func (c *campaign) newCluster(ctx context.Context, s setting) (*cluster, error) {
	l, err := lab.New(lab.Options{Segments: []string{segPublic, segBeat}, Files: c.files(), TempDir: c.TempDir})
	if err != nil {
		return nil, err
	}
	k := &cluster{setting: s, c: c, lab: l, nodes: map[string]*lab.Node{}, daemons: map[string]*lab.Process{}}
	if err := k.build(ctx); err != nil {
		k.close(true)
		return nil, err
	}
	return k, nil
}

// files puts the program and its commands into every node.
func (c *campaign) files() map[string]string {
	out := map[string]string{program: c.Binary}
	for _, name := range []string{"crm_standby", "crm_node", "crm_mon", "cibadmin"} {
		out["/lab/bin/"+name] = c.Binary
	}
	return out
}

func (k *cluster) build(ctx context.Context) error {
	for i := range k.setting.nodes {
		name := nodeName(i)
		n, err := k.lab.AddNode(lab.Spec{Name: name, Links: []lab.Link{
			{Name: "eth0", Segment: segPublic, Addr: publicIP(i)},
			{Name: "eth1", Segment: segBeat, Addr: beatIP(i)},
		}})
		if err != nil {
			return err
		}
		k.nodes[name], k.names = n, append(k.names, name)
		files := map[string]string{"etc/ha.d/ha.cf": k.haCF(), "etc/ha.d/authkeys": authkeys}
		if k.resource {
			files["var/lib/heartbeat/crm/cib.xml"] = fmt.Sprintf(document, floating)
		}
		if k.cib != "" {
			files["var/lib/heartbeat/crm/cib.xml"] = k.cib
		}
		if k.crowd {
			file := n.Disk(crowdedFile)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(crowded), 0o755); err != nil {
				return err
			}
		}
		for file, text := range files {
			if err := os.MkdirAll(filepath.Dir(n.Disk(file)), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(n.Disk(file), []byte(text), 0o600); err != nil {
				return err
			}
		}
	}
	var err error
	k.outside, err = k.lab.AddNode(lab.Spec{Name: "client", Links: []lab.Link{
		{Name: "eth0", Segment: segPublic, Addr: netip.MustParsePrefix("10.71.1.1/16")},
		{Name: "eth1", Segment: segBeat, Addr: netip.MustParsePrefix("10.68.1.1/16")},
	}})
	if err != nil {
		return err
	}
	if k.client {
		k.sampler = k.lab.NewSampler(floating, time.Millisecond)
		if k.probe, err = k.outside.NewProbe(floating, 5*time.Millisecond); err != nil {
			return err
		}
		if k.wire, err = k.outside.NewWire("eth0", floating, 5*time.Millisecond); err != nil {
			return err
		}
	}
	for _, name := range k.names {
		if err := k.start(name); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// crowded starts a daemon that is one of many on a computer: each is real-time,
// and with two threads that compute one would turn round and round, waiting for
// the other, which has no processor.
const crowded = `#!/bin/sh
export GOMAXPROCS=1
exec ` + program + ` run
`

// crowdedFile has the name of the program: its log is called after it.
const crowdedFile = "/var/lib/quorate"

func (k *cluster) start(name string) error {
	argv := []string{program, "run"}
	if k.crowd {
		argv = []string{crowdedFile}
	}
	p, err := k.nodes[name].Start(argv...)
	if err != nil {
		return err
	}
	k.daemons[name] = p
	return nil
}

// crash is the death of a node.
func (k *cluster) crash(name string) error {
	delete(k.daemons, name)
	return k.nodes[name].Crash()
}

// boot powers a node on and starts its daemon.
func (k *cluster) boot(name string) error {
	if err := k.nodes[name].Boot(); err != nil {
		return err
	}
	return k.start(name)
}

// close removes the lab; the logs stay where they are wanted.
func (k *cluster) close(keep bool) (kept string) {
	if k.probe != nil {
		k.probe.Stop()
	}
	if k.wire != nil {
		k.wire.Stop()
	}
	if k.sampler != nil {
		k.sampler.Stop()
	}
	if keep || k.c.Keep {
		kept = k.lab.Keep()
	}
	// What cannot be removed is reported by the next lab that finds it.
	_ = k.lab.Close()
	return kept
}

// finish closes the cluster at the end of a part and adds to its error where
// the logs of the nodes lie.
func (k *cluster) finish(p *Part, err *error) {
	if *err == nil {
		*err = k.fallen()
	}
	kept := k.close(*err != nil || !p.OK())
	if kept != "" {
		p.note("the logs of the nodes lie in %s", kept)
	}
}

// fallen says whether a daemon has ended that should run.
func (k *cluster) fallen() error {
	for _, name := range k.names {
		p := k.daemons[name]
		if p == nil {
			continue
		}
		select {
		case <-p.Done():
			code, err := p.Wait(context.Background())
			return errors.Join(fmt.Errorf("the daemon on %s ended by itself with code %d", name, code), err)
		default:
		}
	}
	return nil
}

// ask connects to the daemon of a node from outside: no process in the node
// disturbs what is measured.
func (k *cluster) ask(name string) (*client.Client, error) {
	root, err := k.nodes[name].Root()
	if err != nil {
		return nil, err
	}
	// /var/run is a directory of the node or a link into its own root.
	for _, dir := range []string{"/run/heartbeat", "/var/run/heartbeat"} {
		if _, err = os.Stat(filepath.Join(root, dir, client.SocketName)); err == nil {
			return client.Dial(filepath.Join(root, dir))
		}
	}
	return nil, err
}

// status asks a daemon for its status.
func (k *cluster) status(ctx context.Context, name string) (*client.Status, error) {
	c, err := k.ask(name)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return c.Status(ctx)
}

// edit changes the configuration through the daemon of a node.
func (k *cluster) edit(ctx context.Context, name string, op cib.Op) error {
	c, err := k.ask(name)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	_, err = c.Do(ctx, &client.Request{Verb: client.VerbEdit, Edit: cib.EncodeOp(op), RequestID: uuid.NewString()})
	return err
}

// until polls for a state every few milliseconds and returns when it was there.
func (k *cluster) until(ctx context.Context, what string, every time.Duration, look func() (ok bool, seen string)) (time.Time, error) {
	deadline := time.Now().Add(k.patience)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, seen := look()
		now := time.Now()
		switch {
		case ok:
			return now, nil
		case ctx.Err() != nil:
			return now, ctx.Err()
		case now.After(deadline):
			return now, fmt.Errorf("%s: not reached within %v; at the end: %s", what, k.patience, seen)
		}
		if err := k.fallen(); err != nil {
			return now, fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// whole waits until the nodes named are one view with quorum, the same on each
// of them.
func (k *cluster) whole(ctx context.Context, names ...string) (time.Time, error) {
	want := slices.Sorted(slices.Values(names))
	return k.until(ctx, "one view of "+strings.Join(want, " "), k.poll(), func() (bool, string) {
		first := ""
		for _, name := range want {
			st, err := k.status(ctx, name)
			if err != nil {
				return false, err.Error()
			}
			var got []string
			for _, m := range st.View.Members {
				got = append(got, m.Name)
			}
			view := fmt.Sprintf("view %v of %v", st.View.Instance, got)
			if first == "" {
				first = view
			}
			if !st.View.Quorum || !slices.Equal(got, want) || view != first {
				return false, fmt.Sprintf("%s sees %s, quorum %v", name, view, st.View.Quorum)
			}
		}
		return true, ""
	})
}

// owner waits until exactly one node holds the address, it satisfies the
// condition, the client has an answer, and every controller is at rest.
func (k *cluster) owner(ctx context.Context, what string, cond func(string) bool) (string, error) {
	owner := ""
	_, err := k.until(ctx, what, 10*time.Millisecond, func() (bool, string) {
		o := k.sampler.Owners()
		if len(o) != 1 || !cond(o[0]) {
			return false, fmt.Sprintf("%s is on %v", floating, o)
		}
		owner = o[0]
		if time.Since(k.probe.LastReply()) > 50*time.Millisecond {
			return false, "the client has no answer"
		}
		for name := range k.daemons {
			st, err := k.status(ctx, name)
			if err != nil {
				return false, err.Error()
			}
			if st.State != "S_IDLE" && st.State != "S_NOT_DC" {
				return false, fmt.Sprintf("the controller of %s is in state %s", name, st.State)
			}
		}
		return true, ""
	})
	return owner, err
}

// dc returns the DC as the node sees it.
func (k *cluster) dc(ctx context.Context, name string) (string, error) {
	st, err := k.status(ctx, name)
	if err != nil {
		return "", err
	}
	if st.View.DC == "" {
		return "", fmt.Errorf("%s sees no DC", name)
	}
	return st.View.DC, nil
}

// place moves the address to a node by a constraint, and takes the constraint
// out again: from then on no rule asks for a place.
func (k *cluster) place(ctx context.Context, name string) error {
	loc := cib.New("rsc_location", "id", "place", "rsc", resource, "node", name, "score", "INFINITY")
	if err := k.edit(ctx, name, cib.Op{Verb: cib.VerbCreate, Scope: "constraints", XML: loc}); err != nil {
		return fmt.Errorf("place %s on %s: %w", resource, name, err)
	}
	if _, err := k.owner(ctx, resource+" placed on "+name, func(o string) bool { return o == name }); err != nil {
		return err
	}
	if err := k.edit(ctx, name, cib.Op{Verb: cib.VerbDelete, Scope: "constraints", XML: cib.New("rsc_location", "id", "place")}); err != nil {
		return fmt.Errorf("place %s on %s: %w", resource, name, err)
	}
	_, err := k.owner(ctx, resource+" stays on "+name, func(o string) bool { return o == name })
	return err
}

// others returns all nodes but one.
func (k *cluster) others(not string) (out []string) {
	for _, n := range k.names {
		if n != not {
			out = append(out, n)
		}
	}
	return out
}

// poll is the time between two looks at all daemons.
func (k *cluster) poll() time.Duration {
	if k.setting.nodes > 3 {
		return 100 * time.Millisecond
	}
	return 10 * time.Millisecond
}

// pause lets time pass where time is what is measured.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
