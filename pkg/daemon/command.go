package daemon

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
)

// foreground runs a daemon until it ends: with the name of this node, its log on
// standard error, and the signals that stop it.
func (o *Options) foreground(env *cli.Env, parent context.Context, run func(ctx, hurry context.Context, log *slog.Logger) error) error {
	ctx, hurry, stop := stops(parent)
	defer stop()
	if o.Self == "" {
		self, err := SelfName()
		if err != nil {
			return err
		}
		o.Self = self
	}
	level := new(slog.LevelVar)
	if o.Debug {
		level.Set(slog.LevelDebug)
	}
	frugal()
	out := newLogQueue(env.Stderr)
	defer out.close(logBound)
	o.outlets = new(outlets)
	defer o.outlets.Turn(nil)
	if err := run(ctx, hurry, newLogger(out, level, o.outlets)); err != nil {
		return &cli.Exit{Code: exitStart, Err: err}
	}
	return nil
}

// NewCommand returns "quorate run".
func NewCommand(env *cli.Env) *cobra.Command {
	o := Options{OCFRoot: DefaultOCFRoot}
	c := &cobra.Command{
		Use:   "run",
		Short: "the daemon, in the foreground",
		Long: `run is the cluster daemon of this node, in the foreground; its log goes to
standard error. A first SIGTERM or SIGINT moves the resources away and leaves
the cluster in order; a second one stops them here at once.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.foreground(env, cmd.Context(), func(ctx, hurry context.Context, log *slog.Logger) error {
				return Run(ctx, hurry, o, log)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.ConfigDir, "config-dir", DefaultConfigDir, "directory of ha.cf, authkeys and haresources")
	f.StringVar(&o.StateDir, "state-dir", DefaultStateDir, "directory of what must survive: crm/cib.xml, cluster.db")
	f.StringVar(&o.RunDir, "run-dir", env.RunDir, "directory of the socket and of volatile state")
	f.StringVar(&o.Self, "node", "", "name of this node (default: uname -n)")
	f.BoolVar(&o.NoWatchdog, "no-watchdog", false, "do without the watchdog of ha.cf; the status says \"not enforced\"")
	f.BoolVar(&o.Debug, "debug", false, "log more")
	return c
}

// exitStart is the exit code of a refused start (heartbeat's "Configuration
// error").
const exitStart = 6

// stops returns contexts that end with the first and the second request to stop.
func stops(parent context.Context) (first, second context.Context, stop func()) {
	first, end1 := context.WithCancel(parent)
	second, end2 := context.WithCancel(parent)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for _, end := range []func(){end1, end2} {
			select {
			case <-ch:
				end()
			case <-second.Done():
				return
			}
		}
	}()
	return first, second, func() {
		signal.Stop(ch)
		end1()
		end2()
	}
}
