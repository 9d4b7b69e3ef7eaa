package report

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/version"
)

// Constructor makes one of the commands whose output belongs to a report.
type Constructor func(*cli.Env) *cobra.Command

// Setup is what the command is joined to.
type Setup struct {
	CrmMon, CrmVerify Constructor
	// ConfigDir and StateDir are where a node has ha.cf, and what must survive.
	ConfigDir, StateDir string
}

// call is one call of the command.
type call struct {
	env                 *cli.Env
	setup               Setup
	configDir, stateDir string

	fromText, toText, dest, rsh, user string
	nodes, patterns, errors, logs     []string
	single, asDir, noSearch, collect  bool
	showVersion, features, corosync   bool
	verbose                           int
	cluster                           string
	depth                             int
	period                            period
	mask                              *masker
	wrong                             []*regexp.Regexp
}

// New returns the command.
func New(env *cli.Env, s Setup) *cobra.Command {
	c := &call{env: env, setup: s}
	cmd := &cobra.Command{
		Use:   "crm_report -f TIME [-t TIME] [DEST]",
		Short: "gather what is needed to understand a problem of the cluster in one archive",
		Long: `crm_report makes one archive, DEST.tar.bz2, of what happened in a period of time: of
each node ha.cf, the CIB, the versions of the configuration, the inputs of the policy
engine, the logs and the state; and beside them analysis.txt, the lines of the logs that
tell of errors. The authentication keys are never part of it, and the values of
variables like passw.* are masked on the node that they are of.

The other nodes are asked with ssh, where "quorate" must be in the PATH; a node that
does not answer is named in the report. It works on a stopped node, too.

Exit codes: 0, 1 the report could not be made, 64 usage, 73 DEST exists already or cannot
be written.`,
		Example: `  crm_report -f "2026-11-21 13:05:00" unexplained-apache-failure
  crm_report -f 2026-11-20 -t 2026-11-21 something-that-took-multiple-days
  crm_report -f 13:05:00 -t 13:12:00 brief-outage`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			if err := c.run(ctx, args); err != nil {
				return cli.Exitf(cli.ExitCode(err), "crm_report: %w", err)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&c.fromText, "from", "f", "", "`TIME` before the problem began, as \"YYYY-M-D H:M:S\"")
	f.StringVarP(&c.toText, "to", "t", "now", "`TIME` at which it was over")
	f.StringArrayVarP(&c.nodes, "nodes", "n", nil, "names of the `NODES`, if the cluster is not active here; -n \"a b\" or -n a -n b")
	f.BoolVarP(&c.noSearch, "no-search", "M", false, "take the logs of -l only")
	f.StringArrayVarP(&c.logs, "logfile", "l", nil, "a further log `FILE`; may be given several times")
	f.StringArrayVarP(&c.patterns, "sanitize", "p", nil, "a further regular `EXPRESSION` for variables to mask, besides "+DefaultPattern)
	f.StringArrayVarP(&c.errors, "analyze", "L", nil, "a further regular `EXPRESSION` for lines of analysis.txt, besides CRIT: and ERROR:")
	f.BoolVarP(&c.single, "single-node", "S", false, "do not ask the other nodes")
	f.StringVarP(&c.user, "user", "u", "root", "`USER` on the other nodes")
	f.StringVarP(&c.rsh, "rsh", "e", defaultRsh, "`COMMAND` that runs commands on other nodes")
	f.BoolVarP(&c.asDir, "as-directory", "d", false, "leave the report as a directory")
	f.StringVar(&c.dest, "dest", "", "name of the report, as DEST")
	f.CountVarP(&c.verbose, "verbose", "V", "say more")
	f.BoolVarP(&c.showVersion, "version", "v", false, "print the version")
	f.BoolVar(&c.features, "features", false, "print the feature set")
	f.StringVarP(&c.cluster, "cluster", "c", "", "accepted: the `TYPE` of the cluster is known")
	f.BoolVarP(&c.corosync, "corosync", "C", false, "accepted, as -c")
	f.IntVarP(&c.depth, "max-depth", "D", 0, "accepted: nothing is searched for")
	f.StringVar(&c.configDir, "config-dir", s.ConfigDir, "directory of ha.cf")
	f.StringVar(&c.stateDir, "state-dir", s.StateDir, "directory of what must survive")
	f.BoolVar(&c.collect, "collect", false, "write this node's part as a tar stream to standard output")
	_ = f.MarkHidden("collect")
	f.BoolP("help", "h", false, "help for crm_report")
	return cmd
}

func (c *call) run(ctx context.Context, args []string) error {
	if c.showVersion || c.features {
		fmt.Fprintf(c.env.Stdout, "Quorate %s (feature set %s)\n", version.Version, version.FeatureSet)
		return nil
	}
	if err := c.understand(time.Now()); err != nil {
		return &cli.Exit{Code: cli.ExitUsage, Err: err}
	}
	// A report is of the cluster, whatever file other commands are to work on.
	for _, v := range []string{"CIB_file", "CIB_shadow"} {
		_ = os.Unsetenv(v)
	}
	if c.collect {
		return c.stream(ctx)
	}
	if len(args) > 0 {
		c.dest = args[0]
	}
	if c.dest == "" {
		c.dest = "pcmk-" + time.Now().Format("Mon-02-Jan-2006")
	}
	for _, suffix := range []string{".tar.bz2", ".tar.gz", ".tar"} {
		c.dest = strings.TrimSuffix(c.dest, suffix)
	}
	return c.report(ctx)
}

// understand reads the options.
func (c *call) understand(now time.Time) (err error) {
	if c.fromText == "" {
		return fmt.Errorf(`no time is given from which on to look: -f "YYYY-M-D H:M:S"`)
	}
	if c.period.from, err = parseTime(c.fromText, now); err != nil {
		return fmt.Errorf("-f: %w", err)
	}
	if c.period.to, err = parseTime(c.toText, now); err != nil {
		return fmt.Errorf("-t: %w", err)
	}
	if c.period.to.Before(c.period.from) {
		return fmt.Errorf("the period ends before it begins: %v", c.period)
	}
	if c.mask, err = newMasker(c.patterns); err != nil {
		return err
	}
	for _, p := range append([]string{"CRIT:", "ERROR:"}, c.errors...) {
		re, err := regexp.Compile(p)
		if err != nil {
			return fmt.Errorf("-L %q is no regular expression: %w", p, err)
		}
		c.wrong = append(c.wrong, re)
	}
	var nodes []string
	for _, n := range c.nodes {
		nodes = append(nodes, strings.FieldsFunc(n, func(r rune) bool { return r == ' ' || r == ',' })...)
	}
	for _, n := range nodes {
		if err := safeName(n); err != nil {
			return fmt.Errorf("-n: %w", err)
		}
	}
	c.nodes = nodes
	return nil
}

// safeName refuses what is no name of a node, and so neither a file's nor an
// argument's.
func safeName(n string) error {
	if n == "" || n[0] == '-' || n[0] == '.' || strings.ContainsAny(n, "/\\\x00 \n") {
		return fmt.Errorf("%q is no name of a node", n)
	}
	return nil
}

// part gathers this node's part in a directory.
func (c *call) part(ctx context.Context, dir string) error {
	to, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer to.Close()
	x := &collector{env: c.env, crmMon: c.setup.CrmMon, crmVerify: c.setup.CrmVerify, configDir: c.configDir, stateDir: c.stateDir,
		period: c.period, mask: c.mask, logs: slices.Clone(c.logs), noSearch: c.noSearch, to: to}
	x.all(ctx)
	return nil
}

// stream writes this node's part to standard output, for the node that asked.
func (c *call) stream(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "crm_report-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := c.part(ctx, dir); err != nil {
		return err
	}
	return pack(c.env.Stdout, dir, "")
}

// report makes the whole report.
func (c *call) report(ctx context.Context) error {
	file := c.dest + ".tar.bz2"
	if c.asDir {
		file = c.dest
	}
	if _, err := os.Lstat(file); err == nil {
		return cli.Exitf(cli.ExitCantCreate, "%s exists already: remove it or name another", file)
	}
	dir, err := os.MkdirTemp(filepath.Dir(file), ".crm_report-*")
	if err != nil {
		return &cli.Exit{Code: cli.ExitCantCreate, Err: err}
	}
	defer os.RemoveAll(dir)
	self, nodes := c.known(ctx)
	if len(c.nodes) > 0 {
		nodes = c.nodes
	}
	var others []string
	for _, n := range nodes {
		if !strings.EqualFold(n, self) && safeName(n) == nil {
			others = append(others, n)
		}
	}
	here := len(c.nodes) == 0 || len(others) < len(nodes)
	if here {
		own := filepath.Join(dir, self)
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		if err := c.part(ctx, own); err != nil {
			return err
		}
	}
	failed := map[string]error{}
	if !c.single {
		failed = c.others(ctx, dir, others)
	}
	if err := c.describe(dir, self, here, others, failed); err != nil {
		return err
	}
	if c.asDir {
		if err := os.Rename(dir, file); err != nil {
			return &cli.Exit{Code: cli.ExitCantCreate, Err: err}
		}
	} else if err := archive(dir, filepath.Base(c.dest), file); err != nil {
		return &cli.Exit{Code: cli.ExitCantCreate, Err: err}
	}
	for _, n := range slices.Sorted(maps.Keys(failed)) {
		fmt.Fprintf(c.env.Stderr, "%s: WARN: node %s is missing in the report: %v\n", "crm_report", n, failed[n])
	}
	fmt.Fprintf(c.env.Stdout, "Collected results are available in %s\n", file)
	return nil
}
