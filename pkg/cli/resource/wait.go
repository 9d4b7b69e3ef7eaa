package resource

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
)

// pollEvery is the time between two looks at a cluster that settles.
const pollEvery = 500 * time.Millisecond

// settleTimeout is how long --wait and --restart wait without --timeout.
const settleTimeout = time.Hour

// deadline is the end of what --timeout allows.
func (c *call) deadline() (time.Time, error) {
	if c.limit == "" {
		return time.Now().Add(settleTimeout), nil
	}
	d, err := cib.ParseInterval(c.limit)
	if err != nil {
		return time.Time{}, usage("Error parsing option -T: %q is no time", c.limit)
	}
	return time.Now().Add(d), nil
}

// pending returns what the cluster has still to do, one line an action.
func (c *call) pending() ([]string, error) {
	res, err := pengine.Schedule(c.root, time.Now(), pengine.Options{})
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	var out []string
	for i := len(res.Graph.Actions) - 1; i >= 0; i-- {
		a := res.Graph.Actions[i]
		if a.Kind == pengine.PseudoEvent {
			continue
		}
		out = append(out, fmt.Sprintf("\tAction %d: %s\ton %s", a.ID, a.Key, a.Node))
	}
	return out, nil
}

// sleep waits a little, or not at all if the time is over.
func sleep(ctx context.Context, until time.Time) bool {
	if !time.Now().Add(pollEvery).Before(until) {
		return false
	}
	t := time.NewTimer(pollEvery)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// wait waits until the cluster has nothing more to do.
func (c *call) wait(ctx context.Context) error {
	until, err := c.deadline()
	if err != nil {
		return err
	}
	for {
		left, err := c.pending()
		if err != nil || len(left) == 0 {
			return err
		}
		if !c.live || !sleep(ctx, until) {
			c.t.Printf("Pending actions:\n%s\n", strings.Join(left, "\n"))
			return plain(cli.ExitTimeout)
		}
		if err := c.load(ctx); err != nil {
			return err
		}
	}
}

// restart stops the resource and what depends on it, and starts them again.
func (c *call) restart(ctx context.Context) error {
	if !c.live {
		return failedf(cli.ExitDisconnect, "A resource can be restarted in a running cluster only, not in a file")
	}
	until, err := c.deadline()
	if err != nil {
		return err
	}
	if len(c.rsc.Running()) == 0 {
		return cli.Exitf(cli.ExitError, "%s is not running anywhere and so cannot be restarted", c.id)
	}
	before := c.running()
	undo, err := c.takeDown(ctx)
	if err != nil {
		return err
	}
	stopped := func() bool {
		for _, n := range c.rsc.Running() {
			if c.node == "" || n.Name() == c.node {
				return false
			}
		}
		return true
	}
	err = c.await(ctx, until, stopped, fmt.Sprintf("Could not complete shutdown of %s", c.id))
	if uerr := undo(); uerr != nil {
		return uerr
	}
	if err != nil {
		return err
	}
	return c.await(ctx, until, func() bool {
		now := c.running()
		for id := range before {
			if !now[id] {
				return false
			}
		}
		return true
	}, fmt.Sprintf("Could not complete restart of %s", c.id))
}

// running are the primitives that are active, by the id of their configuration.
func (c *call) running() map[string]bool {
	out := map[string]bool{}
	primitives(c.status.Top(), func(r pengine.Resource) {
		if len(r.Running()) > 0 {
			out[r.XMLID()] = true
		}
	})
	return out
}

// takeDown keeps the resource from running, and returns what takes that back.
func (c *call) takeDown(ctx context.Context) (undo func() error, err error) {
	if c.node != "" {
		if err := c.banOn(ctx, c.node, ""); err != nil {
			return nil, err
		}
		r := c.target()
		return func() error {
			return c.edit(ctx, cib.Op{Verb: cib.VerbDelete, Scope: "constraints", XML: cib.New("rsc_location", "id", banPrefix+r+"-on-"+c.node)})
		}, nil
	}
	c.meta, c.arg, c.value = true, "target-role", "Stopped"
	old := c.values(c.target())
	if err := c.setParameter(ctx); err != nil {
		return nil, err
	}
	return func() error {
		if len(old) == 1 {
			c.value = old[0].nv.Get("value")
			if err := c.load(ctx); err != nil {
				return err
			}
			c.rsc = c.status.Find(c.id)
			return c.setParameter(ctx)
		}
		if err := c.load(ctx); err != nil {
			return err
		}
		c.rsc = c.status.Find(c.id)
		return c.deleteParameter(ctx)
	}, nil
}

// await polls until something is so.
func (c *call) await(ctx context.Context, until time.Time, so func() bool, failure string) error {
	for {
		if err := c.load(ctx); err != nil {
			return err
		}
		if c.rsc = c.status.Find(c.id); c.rsc.OK() && so() {
			return nil
		}
		if !sleep(ctx, until) {
			return failedf(cli.ExitTimeout, "%s", failure)
		}
	}
}
