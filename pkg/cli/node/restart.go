package node

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// restartWait is how long a restart in place may take.
const restartWait = 30 * time.Second

// NewRestart returns the command restart.
func NewRestart(env *cli.Env) *cobra.Command {
	wait := restartWait
	c := &cobra.Command{
		Use:   "restart",
		Short: "restart the daemon of this node in place, with its files read anew",
		Long: `restart restarts the daemon of this node in place: ha.cf and authkeys are read anew, a new version of the program takes over, and resources
stay where they are. Files that cannot be used are refused and nothing changes.

The right to run resources is a lease. If the new daemon is not confirmed by a
quorum before it ends, the resources are released.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			return restart(ctx, env)
		},
	}
	c.Flags().DurationVar(&wait, "wait", wait, "`TIME` until the new daemon must have a quorum's confirmation")
	return c
}

func restart(ctx context.Context, env *cli.Env) error {
	old, err := status(ctx, env)
	if err != nil {
		return err
	}
	c, err := client.Dial(env.RunDir)
	if err != nil {
		return err
	}
	_, err = c.Do(ctx, &client.Request{Verb: client.VerbRestart})
	c.Close()
	// An answer that was lost may be that of a daemon that has begun.
	if err != nil && cli.ExitCode(err) != cli.ExitDisconnect {
		return err
	}
	s, err := restarted(ctx, env, old)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "heartbeat pid %d on %s restarted in place (version %s)\n", s.PID, s.Node, s.Version)
	return nil
}

// restarted waits for the daemon that follows the one of that status, and for
// its lease if that one had one.
func restarted(ctx context.Context, env *cli.Env, old *client.Status) (*client.Status, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := status(ctx, env)
		if err == nil && !s.Started.Equal(old.Started) && (s.Lease.Valid || !old.Lease.Valid) {
			return s, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			what := "the new daemon has no quorum's confirmation yet"
			if err != nil {
				what = err.Error()
			} else if s.Started.Equal(old.Started) {
				what = "the old daemon still runs"
			}
			return nil, cli.Exitf(cli.ExitTimeout, "restart in place: %s; its log tells more", what)
		}
	}
}
