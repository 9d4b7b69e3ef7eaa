package mon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
)

// Source is a connection to something that has a CIB.
type Source interface {
	// Document returns the present document in today's dialect.
	Document(ctx context.Context) (*cib.Element, error)
	// Watch calls f with the document now and after each change, until f returns
	// false or ctx ends.
	Watch(ctx context.Context, f func(*cib.Element) bool) error
	Close() error
}

// Backend is what the command needs of the daemon.
type Backend struct {
	// Dial connects. Its error says what to do.
	Dial func() (Source, error)
	// Extra returns what the daemon knows beyond the CIB, for the end of the
	// picture. It may be nil.
	Extra func(ctx context.Context) []Section
}

// flags are the switches of one call.
type flags struct {
	Options
	oneShot, simple bool
	interval        string
	format          string
}

// New returns the command crm_mon. With CIB_file in the environment it shows
// that file instead of the live cluster.
func New(env *cli.Env, b Backend) *cobra.Command {
	var o flags
	cmd := &cobra.Command{
		Use:   "crm_mon [flags]",
		Short: "show the state of the cluster",
		Long: `crm_mon shows nodes, resources and failed actions, and follows every change
until q is pressed. Without a terminal it prints once, as with -1.

Keys: n r A f o t b D R switch the option of that letter, j k scroll, q quits.
Exit code of -s: 0 all is well, 1 there is no DC or a node is offline.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env, b) },
	}
	f := cmd.Flags()
	f.BoolVarP(&o.oneShot, "one-shot", "1", false, "show the state once and exit")
	f.BoolVarP(&o.simple, "simple-status", "s", false, "one line for monitoring systems")
	f.BoolVarP(&o.Inactive, "inactive", "r", false, "show resources that do not run")
	f.BoolVarP(&o.GroupByNode, "group-by-node", "n", false, "list resources below their nodes")
	f.BoolVarP(&o.Attributes, "show-node-attributes", "A", false, "show node attributes")
	f.BoolVarP(&o.Failcounts, "failcounts", "f", false, "show fail counts")
	f.BoolVarP(&o.Operations, "operations", "o", false, "show the history of operations")
	f.BoolVarP(&o.Timing, "timing-details", "t", false, "show the history with times")
	f.BoolVarP(&o.Brief, "brief", "b", false, "count resources instead of listing them")
	f.BoolVarP(&o.HideHeaders, "hide-headers", "D", false, "leave the summary out")
	f.BoolVarP(&o.Detail, "show-detail", "R", false, "show node ids and the instances of clones")
	f.StringVarP(&o.interval, "interval", "i", "5s", "time between attempts to reach a lost daemon")
	f.StringVar(&o.format, "output-as", "console", "console or text")
	return cmd
}

func (o *flags) run(ctx context.Context, env *cli.Env, b Backend) error {
	if ctx == nil {
		ctx = context.Background()
	}
	if o.format != "console" && o.format != "text" {
		return cli.Exitf(cli.ExitUsage, "crm_mon: output as %q is not implemented yet; it is console or text", o.format)
	}
	interval, err := cib.ParseInterval(o.interval)
	if err != nil || interval <= 0 {
		return cli.Exitf(cli.ExitUsage, "crm_mon: --interval %q is not a time", o.interval)
	}
	if path := source.Local(); path != "" {
		b = Backend{Dial: func() (Source, error) { return file(path), nil }}
	}
	in, okIn := env.Stdin.(*os.File)
	out, okOut := env.Stdout.(*os.File)
	terminal := okIn && okOut && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
	if o.oneShot || o.simple || o.format == "text" || !terminal {
		return o.once(ctx, env, b)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return live(ctx, in, out, b, o.Options, interval)
}

func (o *flags) once(ctx context.Context, env *cli.Env, b Backend) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	s, err := b.Dial()
	if err != nil {
		return err
	}
	defer s.Close()
	root, err := s.Document(ctx)
	if err != nil {
		return err
	}
	o.Now = time.Now()
	if o.simple {
		line, ok := Simple(root, o.Now)
		fmt.Fprintln(env.Stdout, line)
		if !ok {
			return &cli.Exit{Code: 1}
		}
		return nil
	}
	if b.Extra != nil {
		o.Extra = b.Extra(ctx)
	}
	_, err = fmt.Fprint(env.Stdout, Render(root, o.Options))
	return err
}

// file is a Source that reads a document once.
type file string

// Document implements Source.
func (f file) Document(context.Context) (*cib.Element, error) {
	data, err := os.ReadFile(string(f))
	if err != nil {
		return nil, cli.Exitf(cli.ExitNoInput, "crm_mon: cannot read CIB_file: %w", err)
	}
	root, err := cib.Parse(data, string(f))
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	up, _, err := cib.Upgrade(root)
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	return up, nil
}

// Watch implements Source: a file is shown once and stays.
func (f file) Watch(ctx context.Context, show func(*cib.Element) bool) error {
	root, err := f.Document(ctx)
	if err != nil || !show(root) {
		return err
	}
	<-ctx.Done()
	return errors.New("end")
}

// Close implements Source.
func (file) Close() error { return nil }
