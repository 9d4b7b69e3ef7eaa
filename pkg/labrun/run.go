package labrun

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/lab"
	"github.com/quorate/quorate/pkg/sim"
)

// program is where the program under test lies in every node.
const program = "/lab/bin/quorate"

// Options of Run.
type Options struct {
	// Binary is the program under test; empty means this one.
	Binary string
	// Out takes what happens.
	Out io.Writer
	// Keep keeps the logs.
	Keep bool
	// TempDir is where the lab is built; empty means os.TempDir.
	TempDir string
}

// runner plays one scenario.
type runner struct {
	sc      *sim.Scenario
	out     io.Writer
	lab     *lab.Lab
	nodes   map[string]*lab.Node
	addr    map[string]string
	daemons map[string]*lab.Process
	down    map[string]bool // the scenario wants its daemon down
	begun   time.Time
	due     []later
}

// later is something to be done when a step is over.
type later struct {
	at time.Duration
	do func(context.Context) error
}

// Run plays a scenario. The error says which expectation failed, or what could
// not be done.
func Run(ctx context.Context, sc *sim.Scenario, o Options) error {
	if err := Refuse(sc); err != nil {
		return err
	}
	if o.Binary == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		o.Binary = self
	}
	l, err := lab.New(lab.Options{Segments: []string{"net"}, Files: map[string]string{program: o.Binary}, TempDir: o.TempDir})
	if err != nil {
		return err
	}
	defer l.Close()
	r := &runner{sc: sc, out: o.Out, lab: l, nodes: map[string]*lab.Node{}, addr: map[string]string{}, daemons: map[string]*lab.Process{}, down: map[string]bool{}}
	err = r.play(ctx)
	if err != nil || o.Keep {
		kept := l.Keep()
		if err != nil {
			err = fmt.Errorf("%w; the logs of the nodes lie in %s", err, kept)
		} else {
			r.tell("the logs of the nodes lie in %s", kept)
		}
	}
	return err
}

func (r *runner) tell(format string, a ...any) {
	at := 0.0
	if !r.begun.IsZero() {
		at = time.Since(r.begun).Seconds()
	}
	fmt.Fprintf(r.out, "%9.3f %s\n", at, fmt.Sprintf(format, a...))
}

// build makes the nodes and writes their files.
func (r *runner) build() error {
	var hacf strings.Builder
	for i, name := range r.sc.Nodes {
		r.addr[name] = fmt.Sprintf("192.168.71.%d", 11+i)
		fmt.Fprintf(&hacf, "node %s\n", name)
	}
	fmt.Fprintf(&hacf, "keepalive %dms\ndeadtime %dms\n", r.sc.Keepalive.Milliseconds(), r.sc.Deadtime.Milliseconds())
	if r.sc.Initdead > 0 {
		fmt.Fprintf(&hacf, "initdead %dms\n", r.sc.Initdead.Milliseconds())
	}
	for _, name := range r.sc.Nodes {
		fmt.Fprintf(&hacf, "ucast eth0 %s\n", r.addr[name])
	}
	hacf.WriteString("crm yes\n")
	for _, name := range r.sc.Nodes {
		n, err := r.lab.AddNode(lab.Spec{Name: name, Links: []lab.Link{{Name: "eth0", Segment: "net", Addr: netip.MustParsePrefix(r.addr[name] + "/24")}}})
		if err != nil {
			return err
		}
		r.nodes[name] = n
		for file, text := range map[string]string{"etc/ha.d/ha.cf": hacf.String(), "etc/ha.d/authkeys": "auth 1\n1 sha1 lab\n",
			"var/lib/heartbeat/crm/cib.xml": string(cib.Print(r.sc.CIB))} {
			path := n.Disk(file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// play builds the cluster and does one step after another.
func (r *runner) play(ctx context.Context) error {
	if err := r.build(); err != nil {
		return err
	}
	r.begun = time.Now()
	for _, name := range r.sc.Nodes {
		if err := r.startDaemon(name); err != nil {
			return err
		}
	}
	for i := range r.sc.Steps {
		e := &r.sc.Steps[i]
		if err := r.wait(ctx, e.At); err != nil {
			return err
		}
		if e.Verb != "expect" {
			r.tell("* %s", strings.TrimPrefix(e.String(), "at "+e.At.String()+" "))
		}
		if err := r.step(ctx, e); err != nil {
			return fmt.Errorf("line %d: %w", e.Line, err)
		}
	}
	if err := r.wait(ctx, r.sc.Length); err != nil {
		return err
	}
	if !r.sc.Settle {
		return nil
	}
	r.tell("* the faults are over")
	for _, name := range r.sc.Nodes {
		if err := r.repair(ctx, name); err != nil {
			return err
		}
	}
	return r.until(ctx, 6*r.sc.Deadtime+time.Minute, "whole", r.whole)
}

// wait waits for a time of the scenario and ends meanwhile what is over.
func (r *runner) wait(ctx context.Context, at time.Duration) error {
	for {
		slices.SortStableFunc(r.due, func(a, b later) int { return int(a.at - b.at) })
		next := at
		if len(r.due) > 0 {
			next = min(next, r.due[0].at)
		}
		for now := time.Duration(0); now < next; now = time.Since(r.begun) {
			select {
			case <-time.After(min(glance, time.Until(r.begun.Add(next)))):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			if err := r.revive(); err != nil {
				return err
			}
		}
		if len(r.due) == 0 || r.due[0].at > at {
			return nil
		}
		do := r.due[0].do
		r.due = r.due[1:]
		if err := do(ctx); err != nil {
			return err
		}
	}
}

// after does something when a step is over.
func (r *runner) after(e *sim.Step, do func(context.Context) error) {
	if e.For > 0 {
		r.due = append(r.due, later{e.At + e.For, do})
	}
}

func (r *runner) boot(name string) error {
	if err := r.nodes[name].Boot(); err != nil {
		return err
	}
	return r.startDaemon(name)
}

func (r *runner) startDaemon(name string) error {
	p, err := r.nodes[name].Start(program, "run")
	if err == nil {
		r.daemons[name], r.down[name] = p, false
	}
	return err
}

// glance is how often it is looked whether all is as it should be.
const glance = 200 * time.Millisecond

// revive starts daemons that have ended by themselves, or by their guard, as the
// init system of a node does.
func (r *runner) revive() error {
	for _, name := range r.sc.Nodes {
		if r.down[name] || !r.nodes[name].Up() || r.runs(name) {
			continue
		}
		r.tell("the daemon of %s has ended by itself, and is started again", name)
		if err := r.startDaemon(name); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) runs(name string) bool {
	p := r.daemons[name]
	if p == nil {
		return false
	}
	select {
	case <-p.Done():
		return false
	default:
		return true
	}
}

// repair brings a node back.
func (r *runner) repair(ctx context.Context, name string) error {
	n := r.nodes[name]
	if !n.Up() {
		return r.boot(name)
	}
	if err := n.Mend(); err != nil {
		return err
	}
	if err := r.nft(ctx, name, "flush", "ruleset"); err != nil {
		return err
	}
	if !r.runs(name) {
		return r.startDaemon(name)
	}
	return r.daemons[name].Signal(syscall.SIGCONT)
}

// until asks again and again until something is so.
func (r *runner) until(ctx context.Context, patience time.Duration, what string, is func(context.Context) string) error {
	for end := time.Now().Add(patience); ; {
		why := is(ctx)
		if why == "" {
			r.tell("as expected: %s", what)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Now().After(end) {
			return fmt.Errorf("%q is expected, but %s", what, why)
		}
		select {
		case <-time.After(glance):
		case <-ctx.Done():
		}
		if err := r.revive(); err != nil {
			return err
		}
	}
}

// ask runs a command of the program on a node.
func (r *runner) ask(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	res, err := r.nodes[name].Exec(ctx, append([]string{program}, args...)...)
	if err != nil {
		return "", err
	}
	if res.Code != 0 {
		return "", fmt.Errorf("%s on %s ends with code %d: %s", args[0], name, res.Code, bytes.TrimSpace(res.Stderr))
	}
	return string(res.Stdout), nil
}

// document is the CIB as a node shows it.
func (r *runner) document(ctx context.Context, name string) (*cib.Element, error) {
	if !r.runs(name) {
		return nil, fmt.Errorf("the daemon of %s does not run", name)
	}
	text, err := r.ask(ctx, name, "cibadmin", "-Q")
	if err != nil {
		return nil, err
	}
	return cib.Parse([]byte(text), "cibadmin -Q on "+name)
}

// quorate returns the first node that has quorum, and its document.
func (r *runner) quorate(ctx context.Context) (string, *cib.Element) {
	for _, name := range r.sc.Nodes {
		if root, err := r.document(ctx, name); err == nil && root.Get("have-quorum") == "1" {
			return name, root
		}
	}
	return "", nil
}

// started finds where crm_mon says that a resource runs.
func (r *runner) started(ctx context.Context, resource string) ([]string, string) {
	on, _ := r.quorate(ctx)
	if on == "" {
		return nil, "no node has quorum"
	}
	text, err := r.ask(ctx, on, "crm_mon", "-1")
	if err != nil {
		return nil, err.Error()
	}
	line := regexp.MustCompile(`(?m)^[\s*]*` + regexp.QuoteMeta(resource) + `\s+\(.*\):\s+Started\s+(.*)$`).FindStringSubmatch(text)
	if line == nil {
		return nil, ""
	}
	return strings.Fields(strings.Trim(strings.TrimSpace(line[1]), "[]")), ""
}

// whole reports why not all nodes are online in one view with all resources.
func (r *runner) whole(ctx context.Context) string {
	for _, name := range r.sc.Nodes {
		root, err := r.document(ctx, name)
		if err != nil {
			return err.Error()
		}
		online := 0
		for _, st := range root.Path("status").All("node_state") {
			if st.Get("crmd") == "online" {
				online++
			}
		}
		if root.Get("have-quorum") != "1" || online != len(r.sc.Nodes) {
			return fmt.Sprintf("%s sees %d nodes online, have-quorum=%s", name, online, root.Get("have-quorum"))
		}
	}
	var why string
	r.sc.CIB.Path("configuration", "resources").Walk(func(e *cib.Element) bool {
		if e.Name == "primitive" && why == "" {
			if nodes, bad := r.started(ctx, e.ID()); bad != "" || len(nodes) != 1 {
				why = fmt.Sprintf("%s runs on %v %s", e.ID(), nodes, bad)
			}
		}
		return e.Name != "clone" && e.Name != "master"
	})
	return why
}
