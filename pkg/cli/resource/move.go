package resource

import (
	"context"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

// Names of constraints that --move and --ban make.
const (
	preferPrefix = "cli-prefer-"
	banPrefix    = "cli-ban-"
)

// target is the id of the resource whose constraints are meant, which is the one
// of the configuration even where an instance was named.
func (c *call) target() string { return c.rsc.XMLID() }

// role is the role that the constraints are about.
func (c *call) role() string {
	if c.promoted {
		return "Promoted"
	}
	return "Started"
}

// until returns the end of the lifetime, "" without.
func (c *call) until() (string, error) {
	if c.lifetime == "" {
		return "", nil
	}
	span, err := cib.ParseSpan(c.lifetime)
	if err != nil {
		c.t.Say("Invalid duration specified: %s\nPlease refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for examples of valid durations", c.lifetime)
		return "", &cli.Exit{Code: cli.ExitUsage}
	}
	return span.After(time.Now()).UTC().Format("2006-01-02 15:04:05Z"), nil
}

// active are the nodes where the resource is active, and those where it is
// promoted; of several copies of what was named the first counts.
func (c *call) active() (nodes, promoted []string) {
	seen := map[string]bool{}
	for _, p := range placesOf(c.rsc) {
		if !seen[p.node] {
			seen[p.node] = true
			nodes = append(nodes, p.node)
		}
		if p.promoted {
			promoted = append(promoted, p.node)
		}
	}
	return nodes, promoted
}

// here is the one node that a ban without a node means.
func (c *call) here() (string, error) {
	nodes, promoted := c.active()
	promotable := c.rsc.Outermost().Promotable()
	switch {
	case len(nodes) == 1 && !c.promoted:
		return nodes[0], nil
	case promotable && len(promoted) == 1:
		return promoted[0], nil
	case c.promoted && !promotable && len(nodes) == 1:
		return nodes[0], nil
	case promotable:
		return "", cli.Exitf(cli.ExitUsage, "Resource '%s' not moved: active in %d locations (promoted in %d).\nTo prevent '%s' from running on a specific location, specify a node."+
			"To prevent '%s' from being promoted at a specific location, specify a node and the --promoted option.", c.id, len(nodes), len(promoted), c.id, c.id)
	}
	return "", cli.Exitf(cli.ExitUsage, "Resource '%s' not moved: active in %d locations.\nTo prevent '%s' from running on a specific location, specify a node.",
		c.id, len(nodes), c.id)
}

// ban keeps the resource off a node.
func (c *call) ban(ctx context.Context) error {
	node := c.node
	if node == "" {
		var err error
		if node, err = c.here(); err != nil {
			return err
		}
	}
	end, err := c.until()
	if err != nil {
		return err
	}
	return c.banOn(ctx, node, end)
}

func (c *call) banOn(ctx context.Context, node, end string) error {
	r := c.target()
	id := banPrefix + r + "-on-" + node
	c.announce(end)
	if !c.t.Quiet {
		what := "running"
		if c.promoted {
			what = "being promoted"
		}
		c.t.Printf("WARNING: Creating rsc_location constraint '%s' with a score of -INFINITY for resource %s on %s.\n"+
			"\tThis will prevent %s from %s on %s until the constraint is removed using the clear option or by editing the CIB with an appropriate tool\n"+
			"\tThis will be the case even if %s is the last node in the cluster\n", id, r, node, r, what, node, node)
	}
	e := cib.New("rsc_location", "id", id, "rsc", r, "role", c.role())
	if end == "" {
		e = e.WithAttr("node", node).WithAttr("score", "-INFINITY")
	} else {
		e = e.WithChild(cib.New("rule", "id", id+"-rule", "score", "-INFINITY", "boolean-op", "and").WithChildren(
			cib.New("expression", "id", id+"-expr", "attribute", "#uname", "operation", "eq", "value", node, "type", "string"),
			cib.New("date_expression", "id", id+"-lifetime", "operation", "lt", "end", end)))
	}
	return c.constrain(ctx, e)
}

func (c *call) announce(end string) {
	if end != "" {
		c.t.Printf("Migration will take effect until: %s\n", end)
	}
}

// constrain puts a constraint in the place of one of its name.
func (c *call) constrain(ctx context.Context, e *cib.Element) error {
	return c.edit(ctx, cib.Op{Verb: cib.VerbModify, AllowCreate: true,
		XML: cib.New("cib").WithChild(cib.New("configuration").WithChild(cib.New("constraints").WithChild(e)))})
}

// move prefers a node, or bans the one where the resource runs.
func (c *call) move(ctx context.Context) error {
	if c.node == "" {
		return c.ban(ctx)
	}
	nodes, promoted := c.active()
	on, at := false, nodes
	if c.promoted {
		at = promoted
	}
	if len(at) == 1 {
		on = at[0] == c.node
	}
	if on && !c.force {
		return plain(cli.ExitExists)
	}
	end, err := c.until()
	if err != nil {
		return err
	}
	r := c.target()
	// What moved or banned it before does not count any more.
	if err := c.removeOf(ctx, r, c.node, true); err != nil {
		return err
	}
	c.announce(end)
	e := cib.New("rsc_location", "id", preferPrefix+r, "rsc", r, "role", c.role())
	if end == "" {
		e = e.WithAttr("node", c.node).WithAttr("score", "INFINITY")
	} else {
		e = e.WithChild(cib.New("rule", "id", preferPrefix+"rule-"+r, "score", "INFINITY", "boolean-op", "and").WithChildren(
			cib.New("expression", "id", preferPrefix+"expr-"+r, "attribute", "#uname", "operation", "eq", "value", c.node, "type", "string"),
			cib.New("date_expression", "id", preferPrefix+"lifetime-end-"+r, "operation", "lt", "end", end)))
	}
	if err := c.constrain(ctx, e); err != nil {
		return err
	}
	if !c.force || on {
		return nil
	}
	// With --force it leaves its present node in any case.
	if node, err := c.here(); err == nil && node != c.node {
		return c.banOn(ctx, node, end)
	}
	return nil
}

// clear removes what --move and --ban made.
func (c *call) clear(ctx context.Context) error {
	r := ""
	if c.rsc.OK() {
		r = c.target()
	}
	removed, err := c.removable(r, c.node, c.force)
	if err != nil {
		return err
	}
	for _, e := range removed {
		if err := c.edit(ctx, cib.Op{Verb: cib.VerbDelete, Scope: "constraints", XML: cib.New("rsc_location", "id", e.ID())}); err != nil {
			return err
		}
		if !c.t.Quiet {
			c.t.Printf("Removing constraint: %s\n", e.ID())
		}
	}
	return nil
}

// removeOf removes the constraints of a resource that concern a node, silently.
func (c *call) removeOf(ctx context.Context, r, node string, anyPreference bool) error {
	list, err := c.removable(r, node, anyPreference)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := c.edit(ctx, cib.Op{Verb: cib.VerbDelete, Scope: "constraints", XML: cib.New("rsc_location", "id", e.ID())}); err != nil {
			return err
		}
	}
	return nil
}

// removable returns the constraints of --move and --ban, of one resource or all
// (r ""), of one node or all; with anyPreference also preferences of other nodes.
func (c *call) removable(r, node string, anyPreference bool) (out []*cib.Element, err error) {
	now := time.Now()
	for _, e := range c.root.Path("configuration", "constraints").All("rsc_location") {
		id, rsc := e.ID(), e.Get("rsc")
		prefer, ban := id == preferPrefix+rsc, len(id) > len(banPrefix) && id[:len(banPrefix)] == banPrefix
		if !prefer && !ban || r != "" && rsc != r {
			continue
		}
		if node != "" && nodeOf(e) != node && !(prefer && anyPreference) {
			continue
		}
		if c.expired && c.command == "clear" && !expired(e, now) {
			continue
		}
		out = append(out, e)
	}
	return out, nil
}

// nodeOf is the node that a constraint is about.
func nodeOf(e *cib.Element) string {
	if n, ok := e.Lookup("node"); ok {
		return n
	}
	for _, x := range e.First("rule").All("expression") {
		if x.Get("attribute") == "#uname" {
			return x.Get("value")
		}
	}
	return ""
}

// expired tells whether the lifetime of a constraint has ended.
func expired(e *cib.Element, now time.Time) bool {
	for _, x := range e.First("rule").All("date_expression") {
		if end, err := cib.ParseTime(x.Get("end"), now); err == nil && x.Get("end") != "" && !now.Before(end) {
			return true
		}
	}
	return false
}
