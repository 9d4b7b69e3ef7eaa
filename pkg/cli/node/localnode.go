package node

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/client"
)

// local answers from the file of [source.Local] as far as a file can: who is a
// member and whether there is quorum is what it says itself.
func (n *crmNode) local(ctx context.Context) error {
	doc, err := source.Load(ctx, n.env, source.Source{})
	if err != nil {
		return err
	}
	st := &client.Status{View: ccm.View{Quorum: isTrue(doc.Root.Get("have-quorum"))}}
	if st.Node, err = os.Hostname(); err != nil {
		return cli.Exitf(cli.ExitError, "the name of this node is not known: %w", err)
	}
	for _, e := range doc.Root.Path("configuration", "nodes").All("node") {
		if strings.EqualFold(e.Get("uname"), st.Node) {
			st.Node, st.UUID = e.Get("uname"), e.ID()
		}
	}
	for _, e := range doc.Root.First("status").All("node_state") {
		if isTrue(e.Get("in_ccm")) {
			st.View.Members = append(st.View.Members, ccm.Member{Name: e.Get("uname")})
		}
	}
	switch n.command {
	case 'e':
		return cli.Exitf(cli.ExitUnavailable, "crm_node: %s does not tell in which view this node joined: ask the running cluster", doc.Name)
	case 'i':
		if st.UUID == "" {
			return cli.Exitf(cli.ExitNoHost, "Node is not known to cluster: %s has no node %s", doc.Name, st.Node)
		}
		return n.configured(st, doc.Root)
	case 'l', 'N':
		return n.configured(st, doc.Root)
	case 'R':
		return n.removeLocal(ctx, doc.Root)
	}
	n.member(st)
	return nil
}

// removeLocal takes a node out of the file: its entry and what is known of it.
func (n *crmNode) removeLocal(ctx context.Context, root *cib.Element) error {
	entry := findNode(root, n.arg)
	if entry == nil {
		return cli.Exitf(cli.ExitNoHost, "Node %s is not known to cluster", n.arg)
	}
	if err := source.Edit(ctx, n.env, cib.Op{Verb: cib.VerbDelete, Scope: "nodes", XML: cib.New("node", "id", entry.ID())}); err != nil {
		return fmt.Errorf("%s stays: %w", n.arg, err)
	}
	return source.Edit(ctx, n.env, cib.Op{Verb: cib.VerbDelete, Scope: "status", XML: cib.New("node_state", "id", entry.ID())})
}

func isTrue(s string) bool {
	v, err := cib.ParseBool(s)
	return err == nil && v
}
