package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/lab"
)

// NewCommand makes the command demo.
func NewCommand(env *cli.Env) *cobra.Command {
	var o Options
	var jsonFile string
	cmd := &cobra.Command{
		Use:   "demo [--json FILE] [--seed-timers]",
		Short: "show a three-node cluster that fails over, on this computer",
		Long: `Builds three directors, a router and a client in namespaces of this computer,
starts a cluster with a floating address on them, lets nodes die and return, and
measures what a client notices. Nothing outside is touched, and nothing is left.

It runs as root, or in a user namespace without root.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			inside, code, err := lab.Enter()
			if err != nil {
				return cli.Exitf(cli.ExitError, "demo: %w", err)
			}
			if !inside {
				if code == 0 {
					return nil
				}
				return &cli.Exit{Code: code}
			}
			ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer cancel()
			o.Out = env.Stdout
			if f, ok := env.Stdout.(*os.File); ok {
				if width, _, err := term.GetSize(int(f.Fd())); err == nil {
					o.Width = min(width, 120)
				}
			}
			report, err := Run(ctx, o)
			if jsonFile != "" {
				if werr := writeJSON(jsonFile, report); werr != nil && err == nil {
					err = werr
				}
			}
			if err != nil {
				return cli.Exitf(cli.ExitError, "demo: %w", err)
			}
			fmt.Fprintln(env.Stdout, "\nok: every state was reached, and the address was never on two nodes")
			return nil
		},
	}
	cmd.Flags().StringVar(&jsonFile, "json", "", "write the result to `FILE` as JSON")
	cmd.Flags().BoolVar(&o.SeedTimers, "seed-timers", false, "use the article's timers, keepalive 3 and deadtime 10, in place of 200ms and 1")
	cmd.Flags().DurationVar(&o.Probe, "probe", 0, "`TIME` between two questions of the client (default 10ms)")
	return cmd
}

func writeJSON(file string, r *Report) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
