package node

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// NewAddNode returns the command hb_addnode.
func NewAddNode(env *cli.Env) *cobra.Command {
	change := ccm.VoterChange{}
	c := &cobra.Command{
		Use:   "hb_addnode NAME...",
		Short: "add nodes to the running cluster, or change their votes",
		Long: `hb_addnode makes nodes voters of the running cluster, one after the other. A new
node counts once it has started, has taken over the configuration and its store
is admitted. The same command takes back a node that hb_delnode removed, and
with --weight changes the votes of a node. ha.cf need not be changed; where it
is, it must name what the cluster has agreed on.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return changeVoters(cmd.Context(), env, names, change)
		},
	}
	c.Flags().IntVar(&change.Weight, "weight", agree.DefaultWeight, "votes of each")
	c.Flags().BoolVar(&change.Arbiter, "arbiter", false, "they are arbiters: they vote and run nothing")
	return c
}

// NewDelNode returns the command hb_delnode.
func NewDelNode(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "hb_delnode NAME...",
		Short: "remove dead nodes from the running cluster",
		Long: `hb_delnode takes the votes of nodes that are stopped, one after the other, while
all other nodes are members. A removed node that starts again is shown, does
not count and runs nothing until hb_addnode takes it back. Its entry in the
configuration stays: cibadmin -D -o nodes -X '<node id="ID"/>' removes that.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return changeVoters(cmd.Context(), env, names, ccm.VoterChange{Remove: true})
		},
	}
}

// unknownRetries is how often a change whose outcome is unknown, because the
// view was lost meanwhile, is asked for again: once made it changes nothing.
const unknownRetries = 5

func changeVoter(ctx context.Context, c *client.Client, change ccm.VoterChange) (err error) {
	for range unknownRetries {
		_, err = c.Do(ctx, &client.Request{Verb: client.VerbVoter, RequestID: uuid.NewString(), Voter: &change})
		if cli.ExitCode(err) != cli.ExitTimeout {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return err
}

// changeVoters makes the same change to each name in turn and stops at the
// first that is refused.
func changeVoters(ctx context.Context, env *cli.Env, names []string, change ccm.VoterChange) error {
	c, err := client.Dial(env.RunDir)
	if err != nil {
		return err
	}
	defer c.Close()
	for i, name := range names {
		change.Name = strings.ToLower(name)
		err := changeVoter(ctx, c, change)
		if err != nil {
			if i > 0 {
				fmt.Fprintf(env.Stderr, "done: %s; not done: %s\n", strings.Join(names[:i], " "), strings.Join(names[i:], " "))
			}
			return err
		}
	}
	return nil
}
