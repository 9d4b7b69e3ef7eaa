package setup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/hacf"
)

// options are common to both commands.
type options struct {
	env          *cli.Env
	dir, self    string
	iface        string
	undo, dryRun bool
}

func newOptions(env *cli.Env, c *cobra.Command) *options {
	o := &options{env: env}
	f := c.Flags()
	f.StringVar(&o.dir, "config-dir", "/etc/ha.d", "where ha.cf and authkeys go")
	f.StringVar(&o.self, "node", "", "name of this node (default: uname -n)")
	f.BoolVar(&o.undo, "undo", false, "remove what init or join wrote, if it is unchanged and no daemon runs")
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "show the files, write nothing")
	return o
}

// NewInit returns "quorate init".
func NewInit(env *cli.Env) *cobra.Command {
	var o *options
	c := &cobra.Command{
		Use:   "init [--interface IF] NAME=ADDRESS NAME=ADDRESS...",
		Short: "ha.cf and authkeys for a first cluster",
		Long: `init writes ha.cf and authkeys (mode 600, with a new key) for a cluster of the nodes
named, shows them, and prints the command that does the same on the other nodes.
A name is what uname -n prints there, an address the one on the network of
heartbeats. Files that exist are never overwritten.`,
		Example: `  quorate init --interface eth1 alice=10.0.0.1 bob=10.0.0.2
  quorate init --undo`,
		RunE: func(_ *cobra.Command, args []string) error {
			if o.undo {
				return o.remove()
			}
			p, err := NewPlan(args, o.iface)
			if err != nil {
				return cli.Exitf(cli.ExitUsage, "quorate init: %w", err)
			}
			if err := o.put(p); err != nil {
				return err
			}
			if !o.dryRun {
				fmt.Fprintf(env.Stdout, "\nOn each other node run this; it holds the key, so keep it to yourself:\n\n  quorate join %s\n\nThen start all nodes: quorate run, or systemctl start quorate.\n", p.Token())
			}
			return nil
		},
	}
	o = newOptions(env, c)
	c.Flags().StringVarP(&o.iface, "interface", "i", "eth0", "network interface of the heartbeats, the same on all nodes")
	return c
}

// NewJoin returns "quorate join".
func NewJoin(env *cli.Env) *cobra.Command {
	var o *options
	c := &cobra.Command{
		Use:   "join WORD",
		Short: "the files of quorate init on another node",
		Long: `join writes the ha.cf and authkeys (mode 600) of a cluster that was made by quorate
init on another node, and shows them. The word is what that printed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if o.undo {
				return o.remove()
			}
			if len(args) != 1 {
				return cli.Exitf(cli.ExitUsage, "quorate join takes the word that quorate init printed")
			}
			p, err := ParseToken(args[0])
			if err != nil {
				return cli.Exitf(cli.ExitDataErr, "quorate join: %w", err)
			}
			return o.put(p)
		},
	}
	o = newOptions(env, c)
	return c
}

// put shows and writes the files of a plan.
func (o *options) put(p *Plan) error {
	self := o.self
	if self == "" {
		h, err := os.Hostname()
		if err != nil {
			return err
		}
		self = h
	}
	if !p.Has(self) {
		var names []string
		for _, n := range p.Nodes {
			names = append(names, n.Name)
		}
		return cli.Exitf(cli.ExitUsage, "this machine is %s (uname -n), which is none of the nodes %s", self, strings.Join(names, ", "))
	}
	for _, f := range p.files() {
		fmt.Fprintf(o.env.Stdout, "# %s\n%s\n", filepath.Join(o.dir, f.name), f.shown)
	}
	if o.dryRun {
		return nil
	}
	if err := p.write(o.dir); err != nil {
		return cli.Exitf(cli.ExitCantCreate, "%w", err)
	}
	// What the daemon would say is said now.
	_, remarks, err := hacf.Load(filepath.Join(o.dir, "ha.cf"), self, hacf.Options{})
	for _, r := range remarks {
		if r.Severity == hacf.Warning {
			fmt.Fprintln(o.env.Stderr, r.String())
		}
	}
	if err != nil {
		_, undone := undo(o.dir)
		return cli.Exitf(cli.ExitConfig, "the daemon would refuse this ha.cf, which was removed again: %w", errors.Join(err, undone))
	}
	fmt.Fprintf(o.env.Stdout, "Written, mode 600: %s and %s.\n", filepath.Join(o.dir, "ha.cf"), filepath.Join(o.dir, "authkeys"))
	return nil
}

// remove undoes.
func (o *options) remove() error {
	if c, err := client.Dial(o.env.RunDir); err == nil {
		c.Close()
		return cli.Exitf(cli.ExitUnavailable, "the daemon runs here with these files: stop it first; nothing was removed")
	}
	removed, err := undo(o.dir)
	if err != nil {
		return cli.Exitf(cli.ExitCantCreate, "%w", err)
	}
	for _, path := range removed {
		fmt.Fprintln(o.env.Stdout, "Removed: "+path)
	}
	return nil
}
