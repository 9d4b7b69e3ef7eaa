package node

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/version"
)

// crmAdmin is one call of crmadmin.
type crmAdmin struct {
	env *cli.Env

	state, nodes, timeout, format, to, ipc       string
	daemon, dc, bash, quiet, fancy, ver, verbose bool
	list                                         bool // -N was given, with or without a type
}

// adminTimeout is how long crmadmin waits without -t.
const adminTimeout = 30 * time.Second

// NewCrmAdmin returns the command crmadmin.
func NewCrmAdmin(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "crmadmin -D | -S NODE | -N [TYPE] | -P",
		Short: "the DC, the states of controllers, the nodes",
		Long: `crmadmin asks the controllers of the cluster.

  -S, --status=NODE     the state of the node's controller, S_IDLE for instance
  -P, --pacemakerd      whether the daemon of this node runs
  -D, --dc_lookup       the DC
  -N, --nodes[=TYPE]    the nodes; TYPE: all (default), cluster, guest, remote

  -B, --bash-export     with -N: lines "export NAME=ID"
  -q, --quiet           the value only
  -t, --timeout=TIME    how long to wait (30s)
  --output-as=text|xml|json, --output-to=FILE, -V, -$ (version)

Exit codes: 0, 64 usage, 68 no such node or not a member, 69 there is no DC,
102 no daemon runs here, 124 no answer in time.`,
		// -N takes its type as "-Nall", "-N all" and not at all, which no
		// parser of flags can tell apart.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			a := &crmAdmin{env: env}
			return a.call(cmd, args)
		},
	}
}

func (a *crmAdmin) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("crmadmin", pflag.ContinueOnError)
	f.Usage = func() {}
	f.StringVarP(&a.state, "status", "S", "", "")
	f.BoolVarP(&a.daemon, "pacemakerd", "P", false, "")
	f.BoolVarP(&a.dc, "dc_lookup", "D", false, "")
	f.StringVar(&a.nodes, "nodes", "", "")
	f.Lookup("nodes").NoOptDefVal = "all"
	f.BoolVarP(&a.bash, "bash-export", "B", false, "")
	f.StringVarP(&a.timeout, "timeout", "t", "", "")
	f.StringVarP(&a.ipc, "ipc-name", "i", "", "")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "")
	f.StringVar(&a.format, "output-as", "text", "")
	f.StringVar(&a.to, "output-to", "-", "")
	f.BoolVar(&a.fancy, "text-fancy", false, "")
	f.BoolVarP(&a.ver, "version", "$", false, "")
	f.BoolVarP(&a.verbose, "verbose", "V", false, "")
	for _, h := range []string{"help-all", "help-output", "help-command", "help-additional"} {
		f.Bool(h, false, "")
	}
	f.BoolP("help", "h", false, "")
	return f
}

// normalised writes -N, -NTYPE and -N TYPE as --nodes=TYPE.
func normalised(args []string) (out []string) {
	for i := 0; i < len(args); i++ {
		a, next := args[i], ""
		if i+1 < len(args) {
			next = args[i+1]
		}
		typed := next != "" && !strings.HasPrefix(next, "-")
		switch {
		case (a == "-N" || a == "--nodes") && typed:
			out = append(out, "--nodes="+next)
			i++
		case a == "-N":
			out = append(out, "--nodes")
		case strings.HasPrefix(a, "-N"):
			out = append(out, "--nodes="+a[2:])
		default:
			out = append(out, a)
		}
	}
	return out
}

func (a *crmAdmin) call(cmd *cobra.Command, args []string) error {
	f := a.flags()
	if err := f.Parse(normalised(args)); err != nil {
		return cli.Exitf(cli.ExitUsage, "crmadmin: %w; see crmadmin --help", err)
	}
	a.list = f.Changed("nodes")
	var help bool
	f.Visit(func(x *pflag.Flag) { help = help || strings.HasPrefix(x.Name, "help") })
	switch {
	case help:
		return cmd.Help()
	case a.ver:
		fmt.Fprintf(a.env.Stdout, "Quorate %s (feature set %s)\n", version.Version, version.FeatureSet)
		return nil
	case a.format != "text" && a.format != "xml" && a.format != "json":
		return cli.Exitf(cli.ExitError, "crmadmin: Error creating output format %s: Unknown output format", a.format)
	}
	wait, err := a.patience()
	if err != nil {
		return err
	}
	if n := commands(f, "status", "pacemakerd", "dc_lookup", "nodes"); n != 1 {
		return cli.Exitf(cli.ExitUsage, "error: Must specify a command option: one of -S NODE, -P, -D, -N; see crmadmin --help")
	}
	if a.to != "-" && a.to != "" {
		file, err := os.Create(a.to)
		if err != nil {
			return cli.Exitf(cli.ExitCantCreate, "crmadmin: %w", err)
		}
		defer file.Close()
		env := *a.env
		env.Stdout, a.env = file, &env
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), wait)
	defer cancel()
	body, text, err := a.answer(ctx)
	if ctx.Err() != nil && err != nil {
		err = cli.Exitf(cli.ExitTimeout, "no answer within %v: %w", wait, err)
	}
	if a.format != "text" {
		request := strings.Join(append([]string{"crmadmin"}, args...), " ")
		if werr := result.WriteAs(a.env.Stdout, a.format, request, body, err); werr != nil {
			return werr
		}
		return &cli.Exit{Code: cli.ExitCode(err)}
	}
	if err != nil {
		return err
	}
	for _, line := range text {
		fmt.Fprintln(a.env.Stdout, line)
	}
	return nil
}

// commands counts the flags of a set that were given.
func commands(f *pflag.FlagSet, names ...string) (n int) {
	for _, name := range names {
		if f.Changed(name) {
			n++
		}
	}
	return n
}

func (a *crmAdmin) patience() (time.Duration, error) {
	if a.timeout == "" {
		return adminTimeout, nil
	}
	d, err := cib.ParseInterval(a.timeout)
	if err != nil {
		return 0, cli.Exitf(cli.ExitUsage, "crmadmin: Error parsing option -t: %w", err)
	}
	if d <= 0 {
		return adminTimeout, nil
	}
	return d, nil
}

// answer returns what was asked as XML and as lines.
func (a *crmAdmin) answer(ctx context.Context) (body []*cib.Element, text []string, err error) {
	if a.list {
		return a.members(ctx)
	}
	c, err := client.Dial(a.env.RunDir)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	one := func(e *cib.Element, value, sentence string) ([]*cib.Element, []string, error) {
		if a.quiet {
			sentence = value
		}
		return []*cib.Element{e}, []string{sentence}, nil
	}
	if a.state != "" {
		resp, err := c.Do(ctx, &client.Request{Verb: client.VerbController, Node: a.state})
		if err != nil {
			return nil, nil, err
		}
		return one(cib.New("crmd", "node_name", a.state, "state", resp.Text, "result", "ok"), resp.Text,
			fmt.Sprintf("Controller on %s in state %s: ok", a.state, resp.Text))
	}
	st, err := c.Status(ctx)
	if err != nil {
		return nil, nil, err
	}
	if a.daemon {
		now := time.Now()
		return one(cib.New("pacemakerd", "sys_from", "pacemakerd", "state", "running", "last_updated", now.Format("2006-01-02 15:04:05 -07:00")), "running",
			fmt.Sprintf("Status of pacemakerd: 'Pacemaker is running' (last updated %s)", now.Format("2006-01-02 15:04:05 -07:00")))
	}
	if st.View.DC == "" {
		return nil, nil, cli.Exitf(cli.ExitUnavailable, "there is no DC: %s", st.View.Reason)
	}
	return one(cib.New("dc", "node_name", st.View.DC), st.View.DC, "Designated Controller is: "+st.View.DC)
}

// members lists the nodes of the configuration; guests and remote nodes do not
// exist here, ping nodes are none.
func (a *crmAdmin) members(ctx context.Context) ([]*cib.Element, []string, error) {
	doc, err := source.Load(ctx, a.env, source.Source{})
	if err != nil {
		return nil, nil, err
	}
	list := cib.New("nodes")
	var text []string
	if a.fancy {
		text = append(text, "nodes:")
	}
	wanted := slices.ContainsFunc(strings.Split(a.nodes, ","), func(t string) bool { return t == "all" || t == "cluster" })
	for _, n := range doc.Root.Path("configuration", "nodes").All("node") {
		if t := n.Get("type"); !wanted || t != "" && t != "member" && t != "normal" {
			continue
		}
		name, id := n.Get("uname"), n.ID()
		list = list.WithChild(cib.New("node", "type", "cluster", "name", name, "id", id))
		switch {
		case a.bash:
			text = append(text, fmt.Sprintf("export %s=%s", name, id))
		case a.quiet:
			text = append(text, name)
		default:
			text = append(text, fmt.Sprintf("cluster node: %s (%s)", name, id))
		}
	}
	if len(list.Children) == 0 {
		text = []string{"No nodes configured"}
	}
	return []*cib.Element{list}, text, nil
}
