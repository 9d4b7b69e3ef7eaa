package labrun

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/lab"
	"github.com/quorate/quorate/pkg/sim"
)

// NewCommand returns "quorate lab".
func NewCommand(env *cli.Env) *cobra.Command {
	root := &cobra.Command{Use: "lab", Short: "real daemons in network namespaces of this computer"}
	var keep bool
	run := &cobra.Command{
		Use:   "run FILE",
		Short: "play a scenario of the simulator on real daemons, in real time",
		Long: `run builds the cluster of a scenario file (docs/simulator.md) from network
namespaces, starts the daemon on every node, and does what the file says, in real
time. It checks the lines "expect", with a patience of one deadtime, and ends with
code 1 if one fails. Faults that it cannot make are refused before it begins.

It runs as root, or in a user namespace without root.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			sc, err := sim.Load(args[0])
			if err == nil {
				err = Refuse(sc)
			}
			if err != nil {
				return &cli.Exit{Code: cli.ExitDataErr, Err: err}
			}
			inside, code, err := lab.Enter()
			if err != nil {
				return cli.Exitf(cli.ExitError, "lab: %w", err)
			}
			if !inside {
				if code == 0 {
					return nil
				}
				return &cli.Exit{Code: code}
			}
			ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer cancel()
			if err := Run(ctx, sc, Options{Out: env.Stdout, Keep: keep}); err != nil {
				return cli.Exitf(cli.ExitError, "lab: %w", err)
			}
			fmt.Fprintln(env.Stdout, "ok: everything was as expected")
			return nil
		},
	}
	run.Flags().BoolVar(&keep, "keep", false, "keep the logs of the nodes")
	root.AddCommand(run)
	return root
}

// ErrRefused indicates a scenario with what only the simulator can do.
var ErrRefused = errors.New("the lab cannot do this; the simulator can")
