package simulate

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/version"
)

// New returns the command crm_simulate.
func New(env *cli.Env) *cobra.Command {
	c, _ := command(env, "crm_simulate")
	return c
}

// NewPtest returns the command ptest: crm_simulate that shows the transition
// by default and knows the options of old.
func NewPtest(env *cli.Env) *cobra.Command {
	c, _ := command(env, "ptest")
	return c
}

// Run executes crm_simulate with arguments and returns the exit code.
func Run(env *cli.Env, args []string) int {
	c, o := command(env, "crm_simulate")
	o.args = args
	return cli.Run(env, c, args)
}

func command(env *cli.Env, name string) (*cobra.Command, *options) {
	o := &options{name: name, env: env}
	c := &cobra.Command{
		Use:   name,
		Short: "simulate the cluster's response to events",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Exitf(cli.ExitUsage, "%s: unexpected argument %q; see %s --help", name, args[0], name)
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	o.flags(c.Flags())
	c.CompletionOptions.DisableDefaultCmd = true
	c.SetHelpFunc(func(c *cobra.Command, _ []string) { fmt.Fprint(env.Stdout, help(name)) })
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return cli.Exitf(cli.ExitUsage, "%s: %w; see %s --help-all", name, err, name)
	})
	return c, o
}

// options are the options of the command.
type options struct {
	name string
	env  *cli.Env
	args []string // as they were given, for the XML form

	version, runOnly, simulate, inPlace, attrs, fails, scores, utilization bool
	live, pipe, quiet, allActions, fancy, pending                          bool
	helpAll, helpOutput, helpOps, helpEvents, helpArtifact, helpSource     bool

	file, text, date, graph, dot, saveInput, saveOutput string
	quorum, watchdog, outputAs, outputTo, profile       string
	up, down, fail, inject, failOps                     []string
	grant, revoke, standby, activate                    []string
	repeat, verbose                                     int
}

func (o *options) flags(f *pflag.FlagSet) {
	f.SortFlags = false
	for _, b := range []struct {
		v           *bool
		name, short string
	}{
		{&o.version, "version", "$"}, {&o.runOnly, "run", "R"}, {&o.simulate, "simulate", "S"},
		{&o.attrs, "show-attrs", "A"}, {&o.fails, "show-failcounts", "c"}, {&o.scores, "show-scores", "s"},
		{&o.utilization, "show-utilization", "U"}, {&o.live, "live-check", "L"}, {&o.pipe, "xml-pipe", "p"},
		{&o.quiet, "quiet", "Q"}, {&o.allActions, "all-actions", "a"}, {&o.fancy, "text-fancy", ""},
		{&o.pending, "pending", "j"}, {&o.helpAll, "help-all", ""}, {&o.helpOutput, "help-output", ""},
		{&o.helpOps, "help-operations", ""}, {&o.helpEvents, "help-synthetic", ""},
		{&o.helpArtifact, "help-artifact", ""}, {&o.helpSource, "help-source", ""},
	} {
		f.BoolVarP(b.v, b.name, b.short, false, "")
	}
	if o.name == "ptest" {
		f.BoolVar(&o.inPlace, "in-place", false, "")
		f.StringVarP(&o.text, "xml-text", "X", "", "")
		f.StringVar(&o.date, "use-date", "", "")
		f.BoolVar(&o.pipe, "xml-stream", false, "")
	} else {
		f.BoolVarP(&o.inPlace, "in-place", "X", false, "")
	}
	for _, s := range []struct {
		v           *string
		name, short string
	}{
		{&o.file, "xml-file", "x"}, {&o.date, "set-datetime", "t"}, {&o.graph, "save-graph", "G"}, {&o.dot, "save-dotfile", "D"},
		{&o.saveInput, "save-input", "I"}, {&o.saveOutput, "save-output", "O"}, {&o.quorum, "quorum", "q"},
		{&o.watchdog, "watchdog", "w"}, {&o.outputAs, "output-as", ""}, {&o.outputTo, "output-to", ""}, {&o.profile, "profile", "P"},
	} {
		f.StringVarP(s.v, s.name, s.short, "", "")
	}
	for _, l := range []struct {
		v           *[]string
		name, short string
	}{
		{&o.up, "node-up", "u"}, {&o.down, "node-down", "d"}, {&o.fail, "node-fail", "f"}, {&o.inject, "op-inject", "i"},
		{&o.failOps, "op-fail", "F"}, {&o.grant, "ticket-grant", "g"}, {&o.revoke, "ticket-revoke", "r"},
		{&o.standby, "ticket-standby", "b"}, {&o.activate, "ticket-activate", "e"},
	} {
		f.StringArrayVarP(l.v, l.name, l.short, nil, "")
	}
	f.IntVarP(&o.repeat, "repeat", "N", 1, "")
	f.CountVarP(&o.verbose, "verbose", "V", "")
}

// run is the whole command after its options are read.
func (o *options) run() error {
	if text := o.helpText(); text != "" {
		fmt.Fprint(o.env.Stdout, text)
		return nil
	}
	if o.version {
		fmt.Fprintf(o.env.Stdout, "Quorate %s (feature set %s)\n", version.Version, version.FeatureSet)
		return nil
	}
	out, err := o.output()
	if err != nil {
		return err
	}
	if o.profile != "" {
		return out.close(o.runProfile(out.w))
	}
	s, err := o.newSession()
	if err != nil {
		return out.close(err)
	}
	return out.close(s.do(out.w))
}
