package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/cli/tool"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/version"
)

// crmNode is one call of crm_node.
type crmNode struct {
	env *cli.Env
	// command is the one given last, as its short option.
	command byte
	// arg is the ID of -N or the NAME of -R.
	arg        string
	force, ver bool
	// output is the form of the output, body what there is to tell in JSON.
	output string
	body   []*cib.Element
}

// nodeTimeout is how long crm_node waits.
const nodeTimeout = 30 * time.Second

// NewCrmNode returns the command crm_node.
func NewCrmNode(env *cli.Env) *cobra.Command {
	n := &crmNode{env: env}
	c := &cobra.Command{
		Use:   "crm_node -n | -i | -l | -p | -q | -e | -N ID | -R NAME --force",
		Short: "members, quorum and identity of nodes",
		Long: `crm_node tells what this node knows of the nodes of the cluster. Of several
commands the last counts.

Exit codes: 0, 64 usage, 68 there is no such node, 69 the node is still a
member, 102 no daemon runs here.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tool.Forms(env, "crm_node", n.output, func(env *cli.Env) ([]*cib.Element, error) {
				n.env = env
				err := n.run(cmd)
				return n.body, err
			})
		},
	}
	f := c.Flags()
	for _, x := range []struct{ short, name, usage string }{
		{"n", "name", "name of this node"},
		{"i", "cluster-id", "id of this node"},
		{"l", "list", "all known nodes: id, name, member or lost"},
		{"p", "partition", "members of this node's partition"},
		{"q", "quorum", "1 if this partition has quorum, else 0"},
		{"e", "epoch", "the view in which this node joined"},
	} {
		f.BoolFuncP(x.name, x.short, x.usage, func(string) error {
			n.command = x.short[0]
			return nil
		})
	}
	for _, x := range []struct{ short, name, usage string }{
		{"N", "name-for-id", "name of the node with this `ID`"},
		{"R", "remove", "take the stopped node of this `NAME` out of the configuration and out of the electorate (needs --force)"},
	} {
		f.FuncP(x.name, x.short, x.usage, func(v string) error {
			n.command, n.arg = x.short[0], v
			return nil
		})
	}
	f.StringVar(&n.output, "output-as", tool.Text, tool.FormsUsage)
	f.BoolVarP(&n.force, "force", "f", false, "do what is dangerous")
	f.BoolP("quiet", "Q", false, "the value only (it always is)")
	f.CountP("verbose", "V", "accepted; there is nothing more to say")
	f.BoolVarP(&n.ver, "version", "$", false, "print the version")
	return c
}

func (n *crmNode) run(cmd *cobra.Command) error {
	switch {
	case n.ver:
		fmt.Fprintf(n.env.Stdout, "Quorate %s (feature set %s)\n", version.Version, version.FeatureSet)
		return nil
	case n.command == 0:
		return cli.Exitf(cli.ExitUsage, "crm_node: a command is needed: %s; see crm_node --help", strings.TrimPrefix(cmd.Use, "crm_node "))
	case n.command == 'R' && !n.force:
		return cli.Exitf(cli.ExitUsage, "The supplied command is considered dangerous.  To prevent accidental destruction of the cluster, the --force flag is required in order to proceed.")
	}
	// A removal waits until the node cannot hold a right to run any more.
	ctx := cmd.Context()
	if n.command != 'R' {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, nodeTimeout)
		defer cancel()
	}
	if source.Local() != "" {
		return n.local(ctx)
	}
	c, err := client.Dial(n.env.RunDir)
	if err != nil {
		return err
	}
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if strings.IndexByte("ilNR", n.command) < 0 {
		n.member(st)
		return nil
	}
	root, err := c.Document(ctx)
	if err != nil {
		return err
	}
	if n.command == 'R' {
		return n.remove(ctx, c, st, root)
	}
	return n.configured(st, root)
}

// tell adds an element of the JSON form.
func (n *crmNode) tell(tag string, nameValue ...string) {
	n.body = append(n.body, cib.New(tag, nameValue...))
}

// member answers from the view.
func (n *crmNode) member(st *client.Status) {
	out := n.env.Stdout
	switch n.command {
	case 'n':
		n.tell("node", "name", st.Node)
		fmt.Fprintln(out, st.Node)
	case 'q':
		word := "0"
		if st.View.Quorum {
			word = "1"
		}
		n.tell("quorum", "have-quorum", word)
		fmt.Fprintln(out, word)
	case 'p':
		var names []string
		for _, m := range st.View.Members {
			n.tell("node", "name", m.Name)
			names = append(names, m.Name)
		}
		fmt.Fprintln(out, strings.Join(names, " "))
	case 'e':
		for _, m := range st.View.Members {
			if m.Name == st.Node {
				n.tell("epoch", "value", fmt.Sprint(m.BornOn))
				fmt.Fprintln(out, m.BornOn)
			}
		}
	}
}

// configured answers from the configuration.
func (n *crmNode) configured(st *client.Status, root *cib.Element) error {
	for _, e := range root.Path("configuration", "nodes").All("node") {
		name := e.Get("uname")
		switch {
		case n.command == 'i' && name == st.Node:
			n.tell("node", "id", e.ID(), "name", name)
			fmt.Fprintln(n.env.Stdout, e.ID())
			return nil
		case n.command == 'N' && e.ID() == n.arg:
			n.tell("node", "id", e.ID(), "name", name)
			fmt.Fprintln(n.env.Stdout, name)
			return nil
		case n.command == 'l':
			state := "lost"
			if st.View.Has(name) {
				state = "member"
			}
			n.tell("node", "id", e.ID(), "name", name, "state", state)
			fmt.Fprintln(n.env.Stdout, e.ID(), name, state)
		}
	}
	switch n.command {
	case 'N':
		return cli.Exitf(cli.ExitNoHost, "Node is not known to cluster: no node has the id %q", n.arg)
	case 'i': // not in the configuration yet
		n.tell("node", "id", st.UUID, "name", st.Node)
		fmt.Fprintln(n.env.Stdout, st.UUID)
	}
	return nil
}

// remove takes a stopped node out: its votes first, so that it cannot come back
// by itself, then its entry in the configuration.
func (n *crmNode) remove(ctx context.Context, c *client.Client, st *client.Status, root *cib.Element) error {
	name := strings.ToLower(n.arg)
	votes := slices.ContainsFunc(st.Electorate, func(e ccm.Elector) bool { return e.Name == name && e.Votes > 0 })
	entry := findNode(root, name)
	switch {
	case st.View.Has(name):
		return cli.Exitf(cli.ExitUnavailable, "%s is a member of the cluster: stop it first, then remove it", name)
	case !votes && entry == nil:
		return cli.Exitf(cli.ExitNoHost, "Node %s is not known to cluster", n.arg)
	}
	if votes {
		change := &ccm.VoterChange{Name: name, Remove: true}
		if _, err := c.Do(ctx, &client.Request{Verb: client.VerbVoter, RequestID: uuid.NewString(), Voter: change}); err != nil {
			return err
		}
	}
	if entry == nil {
		return nil
	}
	op := cib.Op{Verb: cib.VerbDelete, Scope: "nodes", XML: cib.New("node", "id", entry.ID())}
	_, err := c.Do(ctx, &client.Request{Verb: client.VerbEdit, Edit: cib.EncodeOp(op), RequestID: uuid.NewString()})
	return err
}
