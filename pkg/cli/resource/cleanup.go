package resource

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// cleanup forgets the failures (--cleanup) or the whole history (--refresh) of
// resources.
func (c *call) cleanup(ctx context.Context) error {
	failedOnly := c.command == "cleanup"
	if c.id == "" && !failedOnly && !c.live {
		nodes := "all nodes"
		if c.node != "" {
			nodes = c.node
		}
		c.t.Printf("Dry run: skipping clean-up of %s due to CIB_file\n", nodes)
		return nil
	}
	top := c.status.Top()
	if c.rsc.OK() {
		top = []pengine.Resource{c.rsc}
		if !c.force {
			top = []pengine.Resource{c.rsc.Outermost()}
		}
	}
	done := map[string]bool{}
	var err error
	primitives(top, func(r pengine.Resource) {
		for _, n := range c.status.Nodes() {
			name := r.HistoryID()
			if !r.Unique() && r.Instance() >= 0 {
				name = r.XMLID()
			}
			key := name + "\x00" + n.Name()
			if err != nil || done[key] || c.node != "" && n.Name() != c.node || !n.Online() {
				continue
			}
			if failedOnly && !c.failed(r, n) {
				continue
			}
			done[key] = true
			err = c.forget(ctx, name, n.Name())
		}
	})
	if err != nil {
		return err
	}
	if len(done) == 0 && c.live && !c.t.Quiet {
		c.t.Printf("There is nothing to forget: no failure is on record\n")
	}
	return nil
}

// failed tells whether a failure of a resource on a node is on record, of the
// operation and interval of the options if they are given.
func (c *call) failed(r pengine.Resource, n pengine.Node) bool {
	count, _ := r.FailCount(n, false)
	match := func(task, interval string) bool {
		if c.operation != "" && c.operation != task {
			return false
		}
		if c.interval == "" {
			return true
		}
		d, err := cib.ParseInterval(c.interval)
		return err == nil && fmt.Sprint(d.Milliseconds()) == interval
	}
	for name := range n.Attrs() {
		rest, ok := strings.CutPrefix(name, "fail-count-")
		rsc, op, found := strings.Cut(rest, "#")
		if i := strings.LastIndexByte(op, '_'); count > 0 && ok && found && i > 0 && (rsc == r.HistoryID() || rsc == r.XMLID()) && match(op[:i], op[i+1:]) {
			return true
		}
	}
	return slices.ContainsFunc(c.status.Failures(), func(f pengine.Failure) bool {
		return f.Node == n && f.Resource.OK() && f.Resource.HistoryID() == r.HistoryID() && match(f.Op.Get("operation"), f.Op.Get("interval"))
	})
}

// forget has one node forget one resource.
func (c *call) forget(ctx context.Context, resource, node string) error {
	if !c.live {
		c.t.Printf("Dry run: skipping clean-up of %s on %s due to CIB_file\n", resource, node)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := client.Dial(c.env.RunDir)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Do(ctx, &client.Request{Verb: client.VerbCleanup, Resource: resource, Node: node}); err != nil {
		return err
	}
	c.t.Printf("Cleaned up %s on %s\n", resource, node)
	return nil
}

// fail pretends that a monitor of the resource failed on a node: its failure is
// counted there, and the cluster recovers.
func (c *call) fail(ctx context.Context) error {
	if !c.live {
		return failedf(cli.ExitDisconnect, "Error connecting to the controller: a failure can be pretended in a running cluster only")
	}
	return failedf(exitUnimplemented, "A failure cannot be pretended yet: use crm_attribute -t status -N %s -n 'fail-count-%s#monitor_0' -v 1", c.node, c.rsc.HistoryID())
}
