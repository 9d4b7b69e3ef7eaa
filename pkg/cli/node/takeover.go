package node

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// scopes are the words of Heartbeat for which resources move; all of them are
// one here, since the policy engine decides what belongs where.
var scopes = map[string]bool{"all": true, "local": true, "foreign": true, "failback": true}

// NewHbStandby returns the command hb_standby: this node gives its resources
// away, as crm_standby -v on does until the node leaves.
func NewHbStandby(env *cli.Env) *cobra.Command {
	return newShift(env, "hb_standby", "give the resources of this node to others",
		`hb_standby puts this node into standby until it leaves the cluster or hb_takeover is
called on it. The words all, local, foreign and failback of Heartbeat are accepted and
mean the same: which resources move the policy engine decides.

With "crm no" it gives the lines of haresources away that this node holds: all, the
local ones, which prefer this node, or the foreign ones (failback is the same).`, "on", client.VerbStandby)
}

// NewHbTakeover returns the command hb_takeover: this node takes its resources
// back, and those that prefer it.
func NewHbTakeover(env *cli.Env) *cobra.Command {
	return newShift(env, "hb_takeover", "take the resources of this node back",
		`hb_takeover ends a standby of this node, and resources that prefer it come back. The
words all, local, foreign and failback of Heartbeat are accepted and mean the same.

With "crm no" it asks the other nodes for the lines of haresources: all, the local
ones, which prefer this node (failback is the same), or the foreign ones. Lines that no
node holds are taken: where ha.cf says "takeover manual" nothing else takes those of
a lost node.`, "", client.VerbTakeover)
}

// newShift makes a command that sets or deletes this node's transient standby.
func newShift(env *cli.Env, name, short, long, value, verb string) *cobra.Command {
	return &cobra.Command{
		Use: name + " [all|local|foreign|failback]", Short: short, Long: long,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			scope := "all"
			if len(args) == 1 {
				scope = strings.ToLower(args[0])
			}
			if !scopes[scope] {
				return cli.Exitf(1, "%s: %q is none of all, local, foreign and failback", name, args[0])
			}
			ctx := cmd.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			c, err := client.Dial(env.RunDir)
			if err != nil {
				return err
			}
			defer c.Close()
			st, err := c.Status(ctx)
			if err != nil {
				return err
			}
			if value != "" {
				fmt.Fprintf(env.Stderr, "%s Going standby [%s].\n", time.Now().Format("2006/01/02_15:04:05"), scope)
			}
			if st.Holding != "" {
				_, err = c.Do(ctx, &client.Request{Verb: verb, Resource: scope})
				return err
			}
			u := &client.AttrUpdate{Name: "standby"}
			if value != "" {
				u.Value = &value
			}
			_, err = c.Do(ctx, &client.Request{Verb: client.VerbAttr, Attr: u})
			return err
		},
	}
}
