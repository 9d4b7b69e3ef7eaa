package attr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/client"
)

// timeout bounds one command.
const timeout = 30 * time.Second

// flags are the options of one call of crm_attribute.
type flags struct {
	name, id, set, pattern, promotion string
	value, def, life, node, typ       string
	query, del, utilization, quiet    bool
	output                            string
	verbose                           int

	update, hasDefault, isPromotion bool
	command                         []string
}

// NewCrmAttribute returns the command crm_attribute.
func NewCrmAttribute(env *cli.Env) *cobra.Command {
	f := new(flags)
	c := &cobra.Command{
		Use:   "crm_attribute [-N NODE] [-t SECTION] -n NAME {-G | -v VALUE | -D}",
		Short: "query and change options of the cluster and attributes of nodes",
		Long: `crm_attribute queries (-G), sets (-v) or deletes (-D) an option of the cluster or,
with -N, an attribute of a node: a permanent one, or with -l reboot one that
vanishes when the node leaves. -p means the promotion score of a resource and is
what agents use. With CIB_file in the environment it works on that file.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			fl := cmd.Flags()
			f.update, f.hasDefault, f.isPromotion = fl.Changed("update"), fl.Changed("default"), fl.Changed("promotion")
			if len(args) == 1 { // -p RESOURCE: cobra takes an optional value only with "="
				if f.promotion != fromInstance {
					return cli.Exitf(cli.ExitUsage, "crm_attribute: unknown argument %q", args[0])
				}
				f.promotion = args[0]
			}
			f.command = os.Args
			return f.run(cmd.Context(), env)
		},
	}
	p := c.Flags()
	p.StringVarP(&f.name, "name", "n", "", "name of the option or attribute")
	p.StringVar(&f.name, "attr-name", "", "the old name of --name")
	p.StringVarP(&f.id, "id", "i", "", "id of the nvpair, where several have the name")
	p.StringVar(&f.id, "attr-id", "", "the old name of --id")
	p.StringVarP(&f.set, "set-name", "s", "", "id of the set")
	p.StringVarP(&f.pattern, "pattern", "P", "", "all whose name matches this regular expression (with -G, or -l reboot)")
	p.StringVarP(&f.promotion, "promotion", "p", "", "the promotion score of a resource, by default that of OCF_RESOURCE_INSTANCE")
	p.Lookup("promotion").NoOptDefVal = fromInstance
	p.BoolVarP(&f.query, "query", "G", false, "print the value")
	p.BoolVarP(&f.del, "delete", "D", false, "delete it")
	p.StringVarP(&f.value, "update", "v", "", "give it this value")
	p.StringVarP(&f.def, "default", "d", "", "with -G: what to print if it is not set")
	p.StringVarP(&f.life, "lifetime", "l", "", "forever or reboot")
	p.StringVarP(&f.node, "node", "N", "", "name of the node")
	p.StringVarP(&f.node, "uname", "U", "", "the old name of --node")
	p.StringVarP(&f.typ, "type", "t", "", "section: crm_config, rsc_defaults, op_defaults, tickets, nodes, status")
	p.BoolVarP(&f.utilization, "utilization", "z", false, "a utilization attribute of the node")
	p.BoolVarP(&f.quiet, "quiet", "q", false, "print the value only")
	p.BoolVarP(&f.quiet, "old-quiet", "Q", false, "the old name of --quiet")
	p.StringVar(&f.output, "output-as", "text", "text, xml or json")
	p.CountVarP(&f.verbose, "verbose", "V", "say more")
	for _, hidden := range []string{"attr-name", "attr-id", "uname", "old-quiet"} {
		_ = p.MarkHidden(hidden)
	}
	c.MarkFlagsMutuallyExclusive("query", "update", "delete")
	return c
}

// fromInstance stands for -p without a resource.
const fromInstance = "\x00"

// PromotionScore returns the name of the attribute that holds the promotion
// score of a resource instance: "master-" and its name. Agents of anonymous clones
// know themselves by the name without a number.
func PromotionScore(instance string) string { return "master-" + instance }

func (f *flags) run(ctx context.Context, env *cli.Env) error {
	if f.isPromotion {
		if f.promotion == fromInstance || f.promotion == "" {
			f.promotion = os.Getenv("OCF_RESOURCE_INSTANCE")
		}
		if f.promotion == "" {
			return cli.Exitf(cli.ExitUsage, "crm_attribute: -p/--promotion must be called from an OCF resource agent or with a resource ID specified")
		}
		f.name = PromotionScore(f.promotion)
		if f.life == "" && f.typ == "" {
			f.life = "reboot"
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	doc, err := source.Load(ctx, env, source.Source{})
	if err != nil {
		return err
	}
	p, err := f.place(ctx, env, doc)
	if err != nil {
		return err
	}
	which := pick{name: f.name, id: f.id, set: f.set}
	if f.pattern != "" {
		if which.pattern, err = regexp.Compile(f.pattern); err != nil {
			return cli.Exitf(cli.ExitUsage, "crm_attribute: -P %q is no regular expression: %w", f.pattern, err)
		}
	}
	switch {
	case f.update:
		return f.failed(f.setAll(ctx, env, doc, p, which))
	case f.del:
		return f.failed(f.remove(ctx, env, doc, p, which))
	}
	return f.print(ctx, env, doc, p, which)
}

// place finds out what the options mean.
func (f *flags) place(ctx context.Context, env *cli.Env, doc *source.Document) (place, error) {
	switch f.life {
	case "", "forever", "reboot":
	default:
		return place{}, cli.Exitf(cli.ExitUsage, "crm_attribute: -l is forever or reboot, not %q", f.life)
	}
	typ := f.typ
	if typ == "" {
		switch {
		case f.life == "reboot":
			typ = "status"
		case f.node != "", f.life == "forever", f.utilization:
			typ = "nodes"
		default:
			typ = "crm_config"
		}
	}
	if typ == "nodes" && f.life == "reboot" {
		typ = "status"
	}
	if p, ok := optionPlaces[typ]; ok {
		return p, nil
	}
	if typ != "nodes" && typ != "status" {
		return place{}, cli.Exitf(cli.ExitUsage, "crm_attribute: there is no section %q: crm_config, rsc_defaults, op_defaults, tickets, nodes and status are known", typ)
	}
	name, err := nodeName(ctx, env, f.node)
	if err != nil {
		return place{}, err
	}
	id, uname := nodeID(doc.Root, name)
	if id == "" {
		return place{}, cli.Exitf(cli.ExitNoSuchObject, "crm_attribute: Could not map name=%s to a UUID", name)
	}
	if typ == "status" && !f.utilization {
		return statusPlace(id, uname), nil
	}
	return nodePlace(id, uname, f.utilization), nil
}

// nodeName returns the node that is meant: the one of an option, the one of
// the environment of an agent, or this one.
func nodeName(ctx context.Context, env *cli.Env, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if n := os.Getenv("OCF_RESKEY_CRM_meta_on_node"); n != "" {
		return n, nil
	}
	if source.Local() != "" {
		n, err := os.Hostname()
		if err != nil {
			return "", cli.Exitf(cli.ExitError, "the name of this node is not known: %w; name it with -N", err)
		}
		return n, nil
	}
	c, err := client.Dial(env.RunDir)
	if err != nil {
		return "", err
	}
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return "", err
	}
	return st.Node, nil
}

// nodeID returns the id and the name, as the configuration has it, of a node.
func nodeID(root *cib.Element, name string) (id, uname string) {
	for _, e := range root.Path("configuration", "nodes").All("node") {
		if u := e.Get("uname"); strings.EqualFold(u, name) {
			return e.ID(), u
		}
	}
	return "", ""
}

// stateOf returns the state of the node of a place, or nil.
func stateOf(root *cib.Element, p place) *cib.Element {
	p.path = p.path[:len(p.path)-1]
	return p.parent(root)
}

// managed tells whether the attribute manager of a node has these values.
func managed(doc *source.Document, p place) bool {
	return doc.Live && p.scope == "status" && p.node != ""
}

// setAll gives one name a value, or with a pattern all that match.
func (f *flags) setAll(ctx context.Context, env *cli.Env, doc *source.Document, p place, which pick) error {
	if which.name == "" && which.id == "" && which.pattern == nil {
		return cli.Exitf(cli.ExitUsage, "crm_attribute: no name given: use -n NAME")
	}
	if which.pattern != nil && p.scope != "status" {
		return cli.Exitf(cli.ExitUsage, "crm_attribute: -P with -v needs -l reboot")
	}
	names := []string{which.name}
	if which.pattern != nil {
		names = nil
		for _, v := range p.find(doc.Root, which) {
			names = append(names, v.nvpair.Get("name"))
		}
	}
	for _, name := range names {
		if managed(doc, p) {
			if err := updateManaged(ctx, env, p.node, &client.AttrUpdate{Name: name, Value: &f.value, Set: which.set}); err != nil {
				return err
			}
			continue
		}
		if p.scope == "status" && p.node != "" && stateOf(doc.Root, p) == nil {
			return &cli.Exit{Code: cli.ExitNoSuchObject, Err: fmt.Errorf(
				"Error setting %s=%s (section=status, set=%s): No such device or address: there is no state of node %s", name, f.value, p.setID, p.node)}
		}
		op, err := p.update(doc.Root, pick{name: name, id: which.id, set: which.set}, f.value)
		if err != nil {
			return err
		}
		if err := source.Edit(ctx, env, op); err != nil {
			return fmt.Errorf("Error setting %s=%s (section=%s): %w", name, f.value, p.scope, err)
		}
	}
	return nil
}

// remove deletes what is meant; nothing to delete is no error.
func (f *flags) remove(ctx context.Context, env *cli.Env, doc *source.Document, p place, which pick) error {
	if which.name == "" && which.id == "" && which.pattern == nil {
		return cli.Exitf(cli.ExitUsage, "crm_attribute: no name given: use -n NAME")
	}
	found := p.find(doc.Root, which)
	if managed(doc, p) {
		if which.name != "" {
			return updateManaged(ctx, env, p.node, &client.AttrUpdate{Name: which.name, Set: which.set})
		}
		for _, v := range found {
			if err := updateManaged(ctx, env, p.node, &client.AttrUpdate{Name: v.nvpair.Get("name"), Set: which.set}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found) > 1 && which.pattern == nil {
		return ambiguous(which, found)
	}
	for _, v := range found {
		if err := source.Edit(ctx, env, p.remove(v)); err != nil {
			return err
		}
		what := "attribute"
		if p.node == "" {
			what = "option"
		}
		fmt.Fprintf(env.Stdout, "Deleted %s %s: id=%s", p.scope, what, v.nvpair.ID())
		if which.set != "" {
			fmt.Fprintf(env.Stdout, " set=%s", which.set)
		}
		fmt.Fprintf(env.Stdout, " name=%s\n", v.nvpair.Get("name"))
	}
	return nil
}

// updateManaged hands a change to the attribute manager of a node.
func updateManaged(ctx context.Context, env *cli.Env, node string, u *client.AttrUpdate) error {
	c, err := client.Dial(env.RunDir)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do(ctx, &client.Request{Verb: client.VerbAttr, Node: node, Attr: u})
	return err
}

// attrsOf returns what the attribute manager of a node has.
func attrsOf(ctx context.Context, env *cli.Env, node string) ([]client.AttrValue, error) {
	c, err := client.Dial(env.RunDir)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r, err := c.Do(ctx, &client.Request{Verb: client.VerbAttrs, Node: node})
	if err != nil {
		return nil, err
	}
	return r.Attrs, nil
}

// print answers a query. The attribute manager knows more than the document,
// which follows it a moment later.
func (f *flags) print(ctx context.Context, env *cli.Env, doc *source.Document, p place, which pick) error {
	var names, values []string
	for _, v := range p.find(doc.Root, which) {
		names, values = append(names, v.nvpair.Get("name")), append(values, v.nvpair.Get("value"))
	}
	if managed(doc, p) && which.id == "" && which.set == "" {
		if attrs, err := attrsOf(ctx, env, p.node); err == nil {
			names, values = nil, nil
			for _, a := range attrs {
				if (which.name == "" || a.Name == which.name) && (which.pattern == nil || which.pattern.MatchString(a.Name)) {
					names, values = append(names, a.Name), append(values, a.Value)
				}
			}
		}
	}
	if len(names) == 0 && f.hasDefault {
		names, values = []string{f.name}, []string{f.def}
	}
	if f.output == "xml" || f.output == "json" {
		return f.printXML(env.Stdout, p, names, values)
	}
	if len(names) == 0 {
		return cli.Exitf(cli.ExitNoSuchObject, "%s", noSuchDevice)
	}
	for i, n := range names {
		if f.quiet {
			fmt.Fprintln(env.Stdout, values[i])
		} else {
			fmt.Fprintf(env.Stdout, "scope=%s  name=%s value=%s\n", p.scope, n, values[i])
		}
	}
	return nil
}

// noSuchDevice is the tool's sentence for a value that is not set.
const noSuchDevice = "crm_attribute: Error performing operation: No such device or address"

// printXML writes the answer as api-result.rng has it.
func (f *flags) printXML(w io.Writer, p place, names, values []string) error {
	var body []*cib.Element
	for i, n := range names {
		body = append(body, cib.New("attribute", "name", n, "value", values[i], "scope", p.scope))
	}
	var failure error
	if len(names) == 0 {
		failure = cli.Exitf(cli.ExitNoSuchObject, "%s", noSuchDevice)
	}
	if err := result.WriteAs(w, f.output, request(f.command), body, failure); err != nil {
		return cli.Exitf(cli.ExitIOErr, "crm_attribute: %w", err)
	}
	if failure != nil {
		return &cli.Exit{Code: cli.ExitNoSuchObject} // the document says why
	}
	return nil
}

// request is the command line as XML output repeats it.
func request(args []string) string {
	if len(args) < 2 {
		return "crm_attribute"
	}
	args = args[1:]
	if args[0] == "crm_attribute" { // called as quorate crm_attribute
		args = args[1:]
	}
	return strings.Join(append([]string{"crm_attribute"}, args...), " ")
}

// failed gives an error of an edit its exit code.
func (f *flags) failed(err error) error {
	var x *cli.Exit
	if err == nil || errors.As(err, &x) {
		return err
	}
	return &cli.Exit{Code: cib.ExitCode(err), Err: err}
}
