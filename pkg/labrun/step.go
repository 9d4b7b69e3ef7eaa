package labrun

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/quorate/quorate/pkg/lab"
	"github.com/quorate/quorate/pkg/sim"
)

// step does one step.
func (r *runner) step(ctx context.Context, e *sim.Step) error {
	n := r.nodes[e.Node]
	switch e.Verb {
	case "crash":
		if !n.Up() {
			return nil
		}
		delete(r.daemons, e.Node)
		r.after(e, func(context.Context) error { return r.boot(e.Node) })
		return n.Crash()
	case "boot":
		if n.Up() {
			return nil
		}
		return r.boot(e.Node)
	case "kill", "stop":
		if !r.runs(e.Node) {
			return nil
		}
		sig := syscall.SIGKILL
		if e.Verb == "stop" {
			sig = syscall.SIGTERM
		}
		r.after(e, func(context.Context) error {
			if r.runs(e.Node) || !n.Up() {
				return nil
			}
			return r.startDaemon(e.Node)
		})
		r.down[e.Node] = true
		return r.daemons[e.Node].Signal(sig)
	case "start":
		if r.runs(e.Node) || !n.Up() {
			return nil
		}
		return r.startDaemon(e.Node)
	case "hang":
		if !r.runs(e.Node) {
			return nil
		}
		r.after(e, func(context.Context) error {
			if !r.runs(e.Node) {
				return nil // its guard has ended it
			}
			return r.daemons[e.Node].Signal(syscall.SIGCONT)
		})
		return r.daemons[e.Node].Signal(syscall.SIGSTOP)
	case "isolate":
		r.after(e, func(context.Context) error { return r.mend(n) })
		if !n.Up() {
			return nil
		}
		return n.Cut()
	case "mend":
		for _, name := range r.sc.Nodes {
			if err := r.mend(r.nodes[name]); err != nil {
				return err
			}
			if err := r.nft(ctx, name, "flush", "ruleset"); err != nil {
				return err
			}
		}
		return nil
	case "cut", "loss":
		return r.lose(ctx, e)
	case "standby", "online":
		_, err := r.ask(ctx, e.Node, "crm_standby", "-N", e.Node, "-v", map[string]string{"standby": "on", "online": "off"}[e.Verb])
		return err
	case "edit":
		return r.option(ctx, e.Node, "simulated-edit", time.Now().Format(time.RFC3339Nano))
	case "set":
		on, _ := r.quorate(ctx)
		if on == "" {
			return fmt.Errorf("no node has quorum: %s cannot be set", e.Name)
		}
		return r.option(ctx, on, e.Name, e.Value)
	case "expect":
		return r.expect(ctx, e)
	}
	return fmt.Errorf("%s: %w", e.Verb, ErrRefused)
}

func (r *runner) mend(n *lab.Node) error {
	if !n.Up() {
		return nil
	}
	return n.Mend()
}

func (r *runner) option(ctx context.Context, on, name, value string) error {
	_, err := r.ask(ctx, on, "cibadmin", "-M", "-c", "-o", "crm_config", "-X",
		fmt.Sprintf(`<cluster_property_set id="options"><nvpair id="options-%s" name="%s" value="%s"/></cluster_property_set>`, name, name, value))
	return err
}

// nft runs nft in a node that is up.
func (r *runner) nft(ctx context.Context, name string, args ...string) error {
	if !r.nodes[name].Up() {
		return nil
	}
	res, err := r.nodes[name].Exec(ctx, append([]string{"nft"}, args...)...)
	if err == nil && res.Code != 0 {
		err = fmt.Errorf("nft on %s: %s", name, res.Stderr)
	}
	return err
}

// lose drops frames at the receiver: all of them, or some at random. Each step
// has a table of its own, which goes when it is over.
func (r *runner) lose(ctx context.Context, e *sim.Step) error {
	type way struct{ from, to string }
	var ways []way
	for _, a := range r.sc.Nodes {
		for _, b := range r.sc.Nodes {
			if a != b && (e.Node == "" || a == e.Node && b == e.Peer || !e.OneWay && b == e.Node && a == e.Peer) {
				ways = append(ways, way{a, b})
			}
		}
	}
	table := fmt.Sprintf("scenario%d", e.Line)
	match := ""
	if e.Verb == "loss" {
		match = fmt.Sprintf("numgen random mod 1000 < %d ", e.Amount)
	}
	var touched []string
	for _, w := range ways {
		rule := fmt.Sprintf("add table inet %s; add chain inet %s in { type filter hook input priority 0; }; add rule inet %s in ip saddr %s %sdrop",
			table, table, table, r.addr[w.from], match)
		if err := r.nft(ctx, w.to, rule); err != nil {
			return err
		}
		if !slices.Contains(touched, w.to) {
			touched = append(touched, w.to)
		}
	}
	r.after(e, func(ctx context.Context) error {
		for _, name := range touched {
			// A node that was off in between has no rules any more.
			if err := r.nft(ctx, name, "add table inet "+table+"; delete table inet "+table); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// leastPatience is how long an expectation has at least: commands take time on a
// busy machine.
const leastPatience = 3 * time.Second

// expect checks an expectation, with a patience of one deadtime: the lab is no
// better timed than that.
func (r *runner) expect(ctx context.Context, e *sim.Step) error {
	what := e.String()[len("at "+e.At.String()+" expect "):]
	return r.until(ctx, max(r.sc.Deadtime, leastPatience), what, func(ctx context.Context) string {
		switch e.Name {
		case "whole":
			return r.whole(ctx)
		case "quorum", "no-quorum":
			root, err := r.document(ctx, e.Node)
			if err != nil {
				return err.Error()
			}
			if have := root.Get("have-quorum"); (have == "1") != (e.Name == "quorum") {
				return fmt.Sprintf("%s has have-quorum=%s", e.Node, have)
			}
			return ""
		case "dc":
			on, root := r.quorate(ctx)
			if on == "" {
				return "no node has quorum"
			}
			for _, n := range root.Path("configuration", "nodes").All("node") {
				if n.Get("uname") == e.Node && n.ID() == root.Get("dc-uuid") {
					return ""
				}
			}
			return "the DC is another node"
		}
		nodes, bad := r.started(ctx, e.Resource)
		switch {
		case bad != "" && e.Name != "nowhere":
			return bad
		case e.Name == "nowhere" && len(nodes) > 0, e.Name == "somewhere" && len(nodes) != 1,
			e.Name == "on" && !slices.Equal(nodes, []string{e.Node}):
			return fmt.Sprintf("%s runs on %v", e.Resource, nodes)
		}
		return ""
	})
}
