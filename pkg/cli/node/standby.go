package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/attr"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/cli/tool"
	"github.com/quorate/quorate/pkg/client"
)

// standby holds the options of one call of crm_standby.
type standby struct {
	env                 *cli.Env
	value, node, life   string
	query, del, quietly bool
	output              string
	body                []*cib.Element
}

// NewCrmStandby returns the command crm_standby.
func NewCrmStandby(env *cli.Env) *cobra.Command {
	s := &standby{env: env}
	c := &cobra.Command{
		Use:   "crm_standby -v on|off | -G | -D [-N NODE] [-l forever|reboot]",
		Short: "take a node out of service, or back into it",
		Long: `crm_standby moves the resources of a node away (-v on) and lets it run
resources again (-v off). Without -N it means this node. With -l reboot the
state vanishes when the node leaves the cluster.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tool.Forms(env, "crm_standby", s.output, func(env *cli.Env) ([]*cib.Element, error) {
				s.env = env
				err := s.run(cmd.Context())
				return s.body, err
			})
		},
	}
	f := c.Flags()
	f.StringVarP(&s.value, "update", "v", "", "on or off (true and false are accepted)")
	f.StringVarP(&s.node, "node", "N", "", "name of the node")
	f.StringVarP(&s.node, "uname", "U", "", "the old name of -N")
	f.StringVarP(&s.life, "lifetime", "l", "forever", "forever or reboot")
	f.BoolVarP(&s.query, "query", "G", false, "print the present state")
	f.BoolVarP(&s.del, "delete", "D", false, "delete the attribute: the node is in service")
	f.BoolVarP(&s.quietly, "quiet", "Q", false, "with -G: the value only")
	f.StringVar(&s.output, "output-as", tool.Text, tool.FormsUsage)
	c.MarkFlagsOneRequired("update", "query", "delete")
	c.MarkFlagsMutuallyExclusive("update", "query", "delete")
	return c
}

func (s *standby) run(ctx context.Context) error {
	switch strings.ToLower(s.value) {
	case "on", "true", "yes", "1":
		s.value = "on"
	case "off", "false", "no", "0":
		s.value = "off"
	case "":
	default:
		return cli.Exitf(cli.ExitUsage, "Please specify 'true' or 'false' with -v, not %q", s.value)
	}
	if s.life != "forever" && s.life != "reboot" {
		return cli.Exitf(cli.ExitUsage, "-l is forever or reboot, not %q", s.life)
	}
	if source.Local() != "" {
		return s.local(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := client.Dial(s.env.RunDir)
	if err != nil {
		return err
	}
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	root, err := c.Document(ctx)
	if err != nil {
		return err
	}
	if s.node == "" {
		s.node = st.Node
	}
	node := findNode(root, s.node)
	if node == nil {
		return cli.Exitf(cli.ExitNoSuchObject, "Could not map name=%s to a UUID: the configuration has no such node", s.node)
	}
	if s.query {
		s.print(root, node)
		return nil
	}
	if s.life == "reboot" {
		return s.transient(ctx, c, st.Node)
	}
	return s.permanent(ctx, c, node)
}

// local works on the file of [source.Local], where the attribute is one like any
// other.
func (s *standby) local(ctx context.Context) error {
	if s.query {
		return s.queryLocal(ctx)
	}
	args := []string{"--name", "standby", "--lifetime", s.life}
	if s.node != "" {
		args = append(args, "--node", s.node)
	}
	if s.del {
		args = append(args, "--delete")
	} else {
		args = append(args, "--update", s.value)
	}
	c := attr.NewCrmAttribute(s.env)
	c.SetArgs(args)
	c.SetIn(s.env.Stdin)
	c.SetOut(s.env.Stdout)
	c.SetErr(s.env.Stderr)
	c.SilenceErrors, c.SilenceUsage = true, true
	return c.ExecuteContext(ctx)
}

func (s *standby) queryLocal(ctx context.Context) error {
	doc, err := source.Load(ctx, s.env, source.Source{})
	if err != nil {
		return err
	}
	name := s.node
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			return cli.Exitf(cli.ExitError, "the name of this node is not known: %w; name it with -N", err)
		}
	}
	node := findNode(doc.Root, name)
	if node == nil {
		return cli.Exitf(cli.ExitNoSuchObject, "crm_attribute: Could not map name=%s to a UUID", name)
	}
	s.print(doc.Root, node)
	return nil
}

func findNode(root *cib.Element, name string) *cib.Element {
	for _, e := range root.Path("configuration", "nodes").All("node") {
		if strings.EqualFold(e.Get("uname"), name) {
			return e
		}
	}
	return nil
}

// attribute returns the nvpair of a name below e.
func attribute(e *cib.Element, name string) (set, nv *cib.Element) {
	for _, set := range e.All("instance_attributes") {
		for _, nv := range set.All("nvpair") {
			if nv.Get("name") == name {
				return set, nv
			}
		}
	}
	return nil, nil
}

func (s *standby) print(root, node *cib.Element) {
	scope, value := "status", "" // where it is looked for last
	if _, nv := attribute(node, "standby"); nv != nil {
		scope, value = "nodes", nv.Get("value")
	} else {
		for _, e := range root.First("status").All("node_state") {
			if e.ID() == node.ID() {
				if _, nv := attribute(e.First("transient_attributes"), "standby"); nv != nil {
					scope, value = "status", nv.Get("value")
				}
			}
		}
	}
	if value == "" {
		value = "off"
	}
	s.body = []*cib.Element{cib.New("attribute", "scope", scope, "name", "standby", "node", node.Get("uname"), "value", value)}
	if s.quietly {
		fmt.Fprintln(s.env.Stdout, value)
		return
	}
	fmt.Fprintf(s.env.Stdout, "scope=%s  name=standby value=%s\n", scope, value)
}

func (s *standby) transient(ctx context.Context, c *client.Client, self string) error {
	req := &client.Request{Verb: client.VerbAttr, Attr: &client.AttrUpdate{Name: "standby"}, Node: s.node}
	if strings.EqualFold(s.node, self) {
		req.Node = self
	}
	if !s.del {
		req.Attr.Value = &s.value
	}
	_, err := c.Do(ctx, req)
	return err
}

func (s *standby) permanent(ctx context.Context, c *client.Client, node *cib.Element) error {
	set, nv := attribute(node, "standby")
	op := cib.Op{Verb: cib.VerbModify, Scope: "nodes", AllowCreate: true}
	switch {
	case s.del && nv == nil:
		return nil
	case s.del:
		op = cib.Op{Verb: cib.VerbDelete, Scope: "nodes", XML: cib.New("nvpair", "id", nv.ID())}
	case nv != nil:
		op.XML = cib.New("node", "id", node.ID()).WithChild(
			cib.New("instance_attributes", "id", set.ID()).WithChild(
				cib.New("nvpair", "id", nv.ID(), "name", "standby", "value", s.value)))
	default:
		id := "nodes-" + node.ID()
		op.XML = cib.New("node", "id", node.ID()).WithChild(
			cib.New("instance_attributes", "id", id).WithChild(
				cib.New("nvpair", "id", id+"-standby", "name", "standby", "value", s.value)))
	}
	_, err := c.Do(ctx, &client.Request{Verb: client.VerbEdit, Edit: cib.EncodeOp(op), RequestID: uuid.NewString()})
	var x *cli.Exit
	if errors.As(err, &x) {
		return &cli.Exit{Code: x.Code, Err: fmt.Errorf("Error performing operation: %w", err)}
	}
	return err
}
