package node

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// crmNode holds the options of one call of crm_node.
type crmNode struct {
	env                                         *cli.Env
	name, id, list, partition, quorum, epoch, q bool
}

// NewCrmNode returns the command crm_node.
func NewCrmNode(env *cli.Env) *cobra.Command {
	n := &crmNode{env: env}
	c := &cobra.Command{
		Use:   "crm_node -n | -i | -l | -p | -q | -e",
		Short: "members, quorum and identity of nodes",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return n.run(cmd.Context()) },
	}
	f := c.Flags()
	f.BoolVarP(&n.name, "name", "n", false, "name of this node")
	f.BoolVarP(&n.id, "cluster-id", "i", false, "id of this node")
	f.BoolVarP(&n.list, "list", "l", false, "all known nodes: id, name, member or lost")
	f.BoolVarP(&n.partition, "partition", "p", false, "members of this node's partition")
	f.BoolVarP(&n.quorum, "quorum", "q", false, "1 if this partition has quorum, else 0")
	f.BoolVarP(&n.epoch, "epoch", "e", false, "the view in which this node joined")
	f.BoolVarP(&n.q, "quiet", "Q", false, "the value only (it always is)")
	c.MarkFlagsOneRequired("name", "cluster-id", "list", "partition", "quorum", "epoch")
	c.MarkFlagsMutuallyExclusive("name", "cluster-id", "list", "partition", "quorum", "epoch")
	return c
}

func (n *crmNode) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := client.Dial(n.env.RunDir)
	if err != nil {
		return err
	}
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	out := n.env.Stdout
	switch {
	case n.name:
		fmt.Fprintln(out, st.Node)
	case n.quorum:
		word := "0"
		if st.View.Quorum {
			word = "1"
		}
		fmt.Fprintln(out, word)
	case n.partition:
		var names []string
		for _, m := range st.View.Members {
			names = append(names, m.Name)
		}
		fmt.Fprintln(out, strings.Join(names, " "))
	case n.epoch:
		for _, m := range st.View.Members {
			if m.Name == st.Node {
				fmt.Fprintln(out, m.BornOn)
			}
		}
	default:
		root, err := c.Document(ctx)
		if err != nil {
			return err
		}
		n.fromCIB(root, st)
	}
	return nil
}

func (n *crmNode) fromCIB(root *cib.Element, st *client.Status) {
	for _, e := range root.Path("configuration", "nodes").All("node") {
		switch {
		case n.id && e.Get("uname") == st.Node:
			fmt.Fprintln(n.env.Stdout, e.ID())
		case n.list:
			state := "lost"
			if st.View.Has(e.Get("uname")) {
				state = "member"
			}
			fmt.Fprintln(n.env.Stdout, e.ID(), e.Get("uname"), state)
		}
	}
}
