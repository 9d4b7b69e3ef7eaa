package resource

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/cli/tool"
)

// timeout bounds the calls of the daemon for one command.
const timeout = 30 * time.Second

// call is one call of the command.
type call struct {
	t   *tool.Tool
	env *cli.Env

	// command is the long option that was given last and says what to do, and
	// arg its value.
	command, arg string

	id, node, value, elem, set, nvpair   string
	operation, interval, lifetime, limit string
	class, provider, agent               string
	options                              []string
	args                                 []string
	meta, utilization, recursive         bool
	promoted, expired, force, hasValue   bool

	root   *cib.Element
	live   bool
	status *pengine.Result
	rsc    pengine.Resource
}

// need is what a command needs before it can do anything.
type need uint8

const (
	needsDocument need = 1 << iota // the CIB
	needsName                      // -r
	needsResource                  // -r of a resource that exists
	needsNode                      // -N
)

// commands maps the long option of each to what it needs and does.
var commands = map[string]struct {
	needs need
	do    func(c *call, ctx context.Context) error
}{
	"list":                  {needsDocument, (*call).list},
	"list-raw":              {needsDocument, (*call).listRaw},
	"list-operations":       {needsDocument, (*call).operations},
	"list-all-operations":   {needsDocument, (*call).operations},
	"list-standards":        {0, (*call).standards},
	"list-ocf-providers":    {0, (*call).providers},
	"list-agents":           {0, (*call).agents},
	"list-ocf-alternatives": {0, (*call).alternatives},
	"show-metadata":         {0, (*call).metadata},
	"query-xml":             {needsResource, (*call).queryXML},
	"query-xml-raw":         {needsResource, (*call).queryXML},
	"get-parameter":         {needsResource, (*call).getParameter},
	"get-property":          {needsResource, (*call).getProperty},
	"locate":                {needsResource, (*call).locate},
	"constraints":           {needsResource, (*call).constraints},
	"stack":                 {needsResource, (*call).constraints},
	"why":                   {needsDocument, (*call).why},
	"validate":              {0, (*call).validate},
	"cleanup":               {needsDocument, (*call).cleanup},
	"refresh":               {needsDocument, (*call).cleanup},
	"set-parameter":         {needsResource, (*call).setParameter},
	"delete-parameter":      {needsResource, (*call).deleteParameter},
	"set-property":          {needsName | needsDocument, (*call).setProperty},
	"move":                  {needsResource, (*call).move},
	"ban":                   {needsResource, (*call).ban},
	"clear":                 {needsDocument, (*call).clear},
	"delete":                {needsName | needsDocument, (*call).remove},
	"fail":                  {needsResource | needsNode, (*call).fail},
	"restart":               {needsResource, (*call).restart},
	"wait":                  {needsDocument, (*call).wait},
	"digests":               {needsResource | needsNode, (*call).digests},
	"force-demote":          {needsResource, (*call).execute},
	"force-stop":            {needsResource, (*call).execute},
	"force-start":           {needsResource, (*call).execute},
	"force-promote":         {needsResource, (*call).execute},
	"force-check":           {needsResource, (*call).execute},
}

// New returns the command.
func New(env *cli.Env) *cobra.Command {
	c := &call{env: env, command: "list"}
	cmd, t := tool.Command(env, "crm_resource", "crm_resource COMMAND [-r RESOURCE] [-N NODE]", "query and change resources, and act on them",
		`crm_resource tells of resources, changes their parameters and where they may run, forgets
failures, and, with --force-start and the like, acts on them beside the cluster.
Without a command it lists them. Of several commands the last counts. With CIB_file
or CIB_shadow in the environment it works on that file.`,
		func(ctx context.Context, _ *tool.Tool, args []string) error {
			c.args = args
			return c.run(ctx)
		})
	c.t = t
	c.flags(cmd.Flags())
	return cmd
}

func (c *call) flags(f *pflag.FlagSet) {
	for _, x := range []struct{ name, short, usage string }{
		{"list", "L", "list all resources with their state"},
		{"list-raw", "l", "list the ids of all primitives and instances"},
		{"list-operations", "O", "list operations of resources that are active (-r, -N choose)"},
		{"list-all-operations", "o", "list all operations of the history (-r, -N choose)"},
		{"list-standards", "", "list the classes of agents"},
		{"list-ocf-providers", "", "list the providers of OCF agents"},
		{"query-xml", "q", "print the configuration of the resource, templates expanded"},
		{"query-xml-raw", "w", "print the configuration of the resource as it is"},
		{"locate", "W", "tell where the resource runs"},
		{"constraints", "a", "list the constraints on the resource"},
		{"stack", "A", "as --constraints --recursive"},
		{"why", "Y", "tell why resources do not run (-r, -N choose)"},
		{"cleanup", "C", "forget failures (-r, -N, -n, -I choose)"},
		{"refresh", "R", "forget the history, so that the state is looked up anew (-r, -N choose)"},
		{"move", "M", "move the resource: to the node of -N, or away from where it runs"},
		{"ban", "B", "keep the resource off the node of -N, or of where it runs"},
		{"clear", "U", "remove what --move and --ban made (-r, -N, --expired choose)"},
		{"delete", "D", "delete the resource from the configuration (needs -t)"},
		{"fail", "F", "pretend a failure of the resource on a node"},
		{"restart", "", "stop the resource and what depends on it, then start them again"},
		{"wait", "", "wait until the cluster has nothing more to do"},
		{"digests", "", "print the digests of the parameters on a node (NAME=VALUE replaces some)"},
		{"force-demote", "", "demote the resource on this node, beside the cluster"},
		{"force-stop", "", "stop the resource on this node, beside the cluster"},
		{"force-start", "", "start the resource on this node, beside the cluster"},
		{"force-promote", "", "promote the resource on this node, beside the cluster"},
	} {
		f.BoolFuncP(x.name, x.short, x.usage, func(string) error {
			c.command = x.name
			return nil
		})
	}
	for _, x := range []struct{ name, short, usage string }{
		{"list-agents", "", "list the agents of `STANDARD[:PROVIDER]`"},
		{"list-ocf-alternatives", "", "list the providers that have this `AGENT`"},
		{"show-metadata", "", "print what the agent `CLASS:PROVIDER:TYPE` says of itself"},
		{"get-parameter", "g", "print the parameter `NAME` of the resource"},
		{"set-parameter", "p", "give the parameter `NAME` of the resource the value of -v"},
		{"delete-parameter", "d", "delete the parameter `NAME` of the resource"},
		{"get-property", "G", "print the property `NAME`: id, class, provider or type"},
		{"set-property", "S", "set the property `NAME` of the element of -t to the value of -v"},
		{"validate", "", "have the agent check the parameters; `LEVEL` says how thoroughly"},
		{"force-check", "", "look at the resource on this node, beside the cluster; `LEVEL` says how thoroughly"},
	} {
		f.FuncP(x.name, x.short, x.usage, func(v string) error {
			c.command, c.arg = x.name, v
			return nil
		})
	}
	for _, name := range []string{"validate", "force-check"} {
		f.Lookup(name).NoOptDefVal = "0"
	}
	f.StringVarP(&c.id, "resource", "r", "", "`ID` of the resource")
	f.StringVarP(&c.node, "node", "N", "", "`NAME` of the node")
	f.StringVarP(&c.node, "host-uname", "H", "", "the old name of --node")
	f.FuncP("parameter-value", "v", "the `VALUE` for -p", func(v string) error { c.value, c.hasValue = v, true; return nil })
	f.BoolVarP(&c.meta, "meta", "m", false, "-g, -p and -d mean meta attributes")
	f.BoolVarP(&c.utilization, "utilization", "z", false, "-g, -p and -d mean utilization attributes")
	f.BoolVar(&c.recursive, "recursive", false, "-p: of all that is placed with it, too; -a: follow colocations")
	f.StringVarP(&c.elem, "resource-type", "t", "", "`TAG` of the element: primitive, group, ...")
	f.StringVarP(&c.operation, "operation", "n", "", "-C: failures of this `OPERATION` only")
	f.StringVarP(&c.interval, "interval", "I", "", "-C -n: of this `INTERVAL` only")
	f.StringVarP(&c.lifetime, "lifetime", "u", "", "-M, -B: the constraint ends after this `DURATION` (ISO 8601)")
	f.BoolVar(&c.promoted, "promoted", false, "-M, -B, -U: of the promoted role only")
	f.BoolVar(&c.promoted, "master", false, "the old name of --promoted")
	f.BoolVarP(&c.expired, "expired", "e", false, "-U: what has expired only")
	f.StringVar(&c.class, "class", "", "--validate: `CLASS` of the agent")
	f.StringVar(&c.provider, "provider", "", "--validate: `PROVIDER` of the agent")
	f.StringVar(&c.agent, "agent", "", "--validate: `TYPE` of the agent")
	f.StringArrayVar(&c.options, "option", nil, "--validate: a parameter as `NAME=VALUE`; may be given several times")
	f.StringVarP(&c.set, "set-name", "s", "", "`ID` of the set of attributes")
	f.StringVarP(&c.nvpair, "nvpair", "i", "", "`ID` of the nvpair")
	f.StringVarP(&c.limit, "timeout", "T", "", "--restart, --wait, --force-*: give up after this `TIME`")
	f.BoolVarP(&c.force, "force", "f", false, "do it although something speaks against it")
	f.BoolVarP(&c.t.Quiet, "quiet", "Q", false, "say less")
}

func (c *call) run(ctx context.Context) error {
	x := commands[c.command]
	if len(c.args) > 0 && c.command != "digests" {
		return tool.Extra(c.args)
	}
	if c.command == "clear" && !c.expired {
		x.needs |= needsResource
	}
	switch {
	case c.command == "set-parameter" && !c.hasValue:
		return tool.Usage("You need to supply a value with the -v option")
	case x.needs&(needsName|needsResource) != 0 && c.id == "":
		return tool.Usage("Must supply a resource id with -r")
	case x.needs&needsNode != 0 && c.node == "":
		return tool.Usage("Must supply a node name with -N")
	}
	if x.needs != 0 || c.command == "validate" && c.id != "" {
		if err := c.load(ctx); err != nil {
			return err
		}
		if c.node != "" && !c.status.FindNode(c.node).OK() {
			return tool.Failed(cli.ExitNoSuchObject, "Node '%s' not found", c.node)
		}
		if c.node != "" {
			c.node = c.status.FindNode(c.node).Name()
		}
	}
	if c.id != "" && (x.needs&needsResource != 0 || c.command == "validate" || c.command == "cleanup" || c.command == "refresh" || c.command == "why") {
		if c.rsc = c.status.Find(c.id); c.rsc.OK() && c.rsc.Unique() && c.rsc.Instance() >= 0 && c.rsc.ID() != c.id && !slices.Contains(configuring, c.command) {
			c.rsc = pengine.Resource{}
		}
		if !c.rsc.OK() {
			return tool.Failed(cli.ExitNoSuchObject, "Resource '%s' not found", c.id)
		}
	}
	return x.do(c, ctx)
}

// configuring are the commands for which what a globally unique clone copies is a
// resource of its own; for the others only its instances are.
var configuring = []string{"query-xml", "query-xml-raw", "get-parameter", "get-property", "set-parameter", "set-property", "delete-parameter", "delete"}

// load reads the document and has the engine understand it.
func (c *call) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	doc, err := source.Load(ctx, c.env, source.Source{})
	if err != nil {
		return err
	}
	c.root, c.live = doc.Root, doc.Live
	if c.status, err = pengine.Schedule(c.root, time.Now(), pengine.Options{StatusOnly: true, ShowPending: true}); err != nil {
		return &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	return nil
}

// edit makes a change of the document.
func (c *call) edit(ctx context.Context, op cib.Op) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := source.Edit(ctx, c.env, op)
	var x *cli.Exit
	switch {
	case err == nil:
		return nil
	case errors.As(err, &x):
		return err
	}
	return tool.Failed(cib.ExitCode(err), "%v", err)
}

// self is the name of this node.
func self() string {
	if n := os.Getenv("OCF_RESKEY_CRM_meta_on_node"); n != "" {
		return n
	}
	n, _ := os.Hostname()
	return n
}
