package node

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// NewReload returns "quorate reload".
func NewReload(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "read authkeys and ha.cf anew while the daemon runs",
		Long: `reload makes the daemon of this node read authkeys again, as SIGHUP does, without
a pause: resources and membership stay. To change keys, add the new one on all
nodes and reload them; then change the auth line on all nodes and reload; then
remove the old key. If ha.cf has changed and is in order the daemon then restarts
in place with it, as "quorate restart" does: resources stay.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			old, err := status(cmd.Context(), env)
			if err != nil {
				return err
			}
			c, err := client.Dial(env.RunDir)
			if err != nil {
				return err
			}
			defer c.Close()
			resp, err := c.Do(cmd.Context(), &client.Request{Verb: client.VerbReload})
			if err != nil {
				return err
			}
			if _, err = fmt.Fprintln(env.Stdout, resp.Text); err != nil || !resp.Restarts {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), restartWait)
			defer cancel()
			_, err = restarted(ctx, env, old)
			return err
		},
	}
}
