package attr

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/tool"
	"github.com/quorate/quorate/pkg/client"
)

// updater is one call of attrd_updater.
type updater struct {
	name, value, delay, set, node, pattern  string
	query, del, refresh, all, private, both bool
	delayOnly, quiet                        bool
	output                                  string
	body                                    []*cib.Element
}

// NewAttrdUpdater returns the command attrd_updater.
func NewAttrdUpdater(env *cli.Env) *cobra.Command {
	u := new(updater)
	c := &cobra.Command{
		Use:   "attrd_updater -n NAME {-U VALUE [-d SECONDS] | -D | -Q [-A]}",
		Short: "query and change transient attributes of nodes",
		Long: `attrd_updater hands a transient attribute to the attribute manager of a node (-N,
this one by default). With -d the value is written when it has been quiet for
that long, and then those of all nodes together.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fl := cmd.Flags()
			update := ""
			var value *string
			for _, name := range []string{"update", "update-both", "value"} {
				if fl.Changed(name) {
					update = fl.Lookup(name).Value.String()
					value = &update
				}
			}
			return tool.Forms(env, "attrd_updater", u.output, func(env *cli.Env) ([]*cib.Element, error) {
				err := u.run(cmd.Context(), env, value)
				return u.body, err
			})
		},
	}
	p := c.Flags()
	p.StringVarP(&u.name, "name", "n", "", "name of the attribute")
	p.StringVarP(&u.value, "update", "U", "", "give it this value")
	p.StringP("value", "v", "", "the old name of --update")
	p.StringP("update-both", "B", "", "give it this value and the dampening of -d")
	p.BoolVarP(&u.delayOnly, "update-delay", "Y", false, "change the dampening only, to that of -d")
	p.BoolVarP(&u.query, "query", "Q", false, "print the value")
	p.BoolVarP(&u.del, "delete", "D", false, "delete it")
	p.BoolVarP(&u.refresh, "refresh", "R", false, "write all attributes again")
	p.StringVarP(&u.delay, "delay", "d", "", "dampening, as 5, 5s or 500ms")
	p.StringVarP(&u.set, "set", "s", "", "id of the set")
	p.StringVarP(&u.node, "node", "N", "", "name of the node")
	p.BoolVarP(&u.all, "all", "A", false, "with -Q: of all nodes")
	p.BoolVarP(&u.private, "private", "p", false, "never write a new attribute to the CIB")
	p.StringP("lifetime", "l", "", "accepted and ignored: they vanish when the node leaves")
	p.StringVar(&u.output, "output-as", tool.Text, tool.FormsUsage)
	p.BoolVarP(&u.quiet, "quiet", "q", false, "accepted and ignored")
	c.MarkFlagsMutuallyExclusive("update", "value", "update-both", "update-delay", "query", "delete", "refresh")
	return c
}

func (u *updater) run(ctx context.Context, env *cli.Env, value *string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if u.name == "" && !u.refresh {
		return cli.Exitf(cli.ExitUsage, "attrd_updater: no name given: use -n NAME")
	}
	if u.query {
		return u.print(ctx, env)
	}
	req := &client.AttrUpdate{Name: u.name, Value: value, Keep: u.delayOnly, Private: u.private, Set: u.set, Refresh: u.refresh}
	if value == nil && !u.del && !u.refresh && !u.delayOnly {
		// The tool of Heartbeat 2 deletes without a value; today's wants a command.
		return cli.Exitf(cli.ExitUsage, "attrd_updater: no command: one of -U -B -Y -Q -D -R; see attrd_updater --help")
	}
	if u.delay != "" {
		d, err := dampening(u.delay)
		if err != nil {
			return err
		}
		ms := d.Milliseconds()
		req.DampenMS = &ms
	} else if u.delayOnly {
		return cli.Exitf(cli.ExitUsage, "attrd_updater: -Y needs -d")
	}
	node := u.node
	if node == "" {
		var err error
		if node, err = nodeName(ctx, env, ""); err != nil {
			return err
		}
	}
	return updateManaged(ctx, env, node, req)
}

var dampenPattern = regexp.MustCompile(`^([0-9]+)(ms|msec|us|usec|s|sec|m|min|h|hr)?$`)

// dampening reads a time as the tools do: a number of seconds, or with a unit.
func dampening(s string) (time.Duration, error) {
	m := dampenPattern.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, cli.Exitf(cli.ExitUsage, "attrd_updater: -d %q is no time: 5, 5s, 500ms or 1min are", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	if err != nil {
		return 0, cli.Exitf(cli.ExitUsage, "attrd_updater: -d %q is too long", s)
	}
	unit := map[string]time.Duration{"ms": time.Millisecond, "msec": time.Millisecond, "us": time.Microsecond, "usec": time.Microsecond,
		"m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour}[m[2]]
	if unit == 0 {
		unit = time.Second
	}
	return time.Duration(n) * unit, nil
}

// print asks the nodes' attribute managers.
func (u *updater) print(ctx context.Context, env *cli.Env) error {
	var nodes []string
	if u.all {
		c, err := client.Dial(env.RunDir)
		if err != nil {
			return err
		}
		st, err := c.Status(ctx)
		c.Close()
		if err != nil {
			return err
		}
		for _, m := range st.View.Members {
			nodes = append(nodes, m.Name)
		}
		if len(nodes) == 0 {
			nodes = []string{st.Node}
		}
	} else {
		n, err := nodeName(ctx, env, u.node)
		if err != nil {
			return err
		}
		nodes = []string{n}
	}
	found := false
	for _, n := range nodes {
		attrs, err := attrsOf(ctx, env, n)
		if err != nil {
			return err
		}
		for _, a := range attrs {
			if a.Name == u.name {
				found = true
				u.body = append(u.body, cib.New("attribute", "name", a.Name, "host", n, "value", a.Value))
				fmt.Fprintf(env.Stdout, "name=%q host=%q value=%q\n", a.Name, n, a.Value)
			}
		}
	}
	if !found {
		return cli.Exitf(cli.ExitNoSuchObject, "Could not query value of %s: attribute does not exist", u.name)
	}
	return nil
}
