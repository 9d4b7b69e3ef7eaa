// Package stonith is the command stonith_admin: fencing devices, what they can
// fence, and what was fenced.
package stonith

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/cli/tool"
)

// dirs hold fence agents.
var dirs = []string{"/usr/sbin", "/usr/bin"}

// Exit codes beside those of package cli.
const (
	exitUnimplemented = 3
	exitMissing       = 5
)

// call is one call of the command.
type call struct {
	t       *tool.Tool
	env     *cli.Env
	command byte
	arg     string

	agent, timeout, device string
	options, envOptions    []string
	cleanup, broadcast     bool
}

// New returns the command.
func New(env *cli.Env) *cobra.Command {
	c := &call{env: env}
	cmd, t := tool.Command(env, "stonith_admin", "stonith_admin COMMAND [-a AGENT] [-o NAME=VALUE]", "fencing devices and what was fenced",
		`stonith_admin lists fencing devices, asks them, and checks their parameters. Devices
are the resources of class stonith in the configuration.`,
		func(ctx context.Context, _ *tool.Tool, args []string) error {
			if len(args) > 0 {
				return tool.Extra(args)
			}
			return c.run(ctx)
		})
	c.t = t
	f := cmd.Flags()
	for _, x := range []struct{ name, short, usage string }{
		{"list-registered", "L", "list the configured devices"},
		{"list-installed", "I", "list the fence agents of this node"},
		{"metadata", "M", "print what the agent of -a says of itself"},
		{"validate", "K", "have the agent of -a check the parameters of -o"},
	} {
		f.BoolFuncP(x.name, x.short, x.usage, func(string) error { c.command = x.short[0]; return nil })
	}
	for _, x := range []struct{ name, short, usage string }{
		{"list", "l", "list the devices that can fence the node `HOST`"},
		{"list-targets", "s", "list the nodes that the device `DEVICE` can fence"},
		{"query", "Q", "ask the device `DEVICE` for its state"},
		{"history", "H", "tell when the node `NODE` was fenced, or all with *"},
		{"last", "h", "tell when the node `NODE` was fenced last"},
		{"fence", "F", "fence the node `HOST`"},
		{"unfence", "U", "unfence the node `HOST`"},
		{"reboot", "B", "reboot the node `HOST`"},
		{"confirm", "C", "tell the cluster that the node `HOST` is safely down"},
		{"register", "R", "register a device for this boot"},
		{"deregister", "D", "take a device out that was registered so"},
		{"register-level", "r", "register a level of the topology"},
		{"deregister-level", "d", "take a level out that was registered so"},
	} {
		f.FuncP(x.name, x.short, x.usage, func(v string) error { c.command, c.arg = x.short[0], v; return nil })
	}
	f.StringVarP(&c.agent, "agent", "a", "", "the `AGENT`")
	f.StringArrayVarP(&c.options, "option", "o", nil, "a parameter as `NAME=VALUE`; may be given several times")
	f.StringArrayVarP(&c.envOptions, "env-option", "e", nil, "a parameter with the value of OCF_RESKEY_NAME in the environment")
	f.StringVarP(&c.timeout, "timeout", "t", "120", "give up after so many seconds")
	f.StringVarP(&c.device, "device", "v", "", "`ID` of the device")
	f.BoolVarP(&c.cleanup, "cleanup", "c", false, "-H: forget the history")
	f.BoolVarP(&c.broadcast, "broadcast", "b", false, "-H: of all nodes")
	f.BoolVarP(&t.Quiet, "quiet", "q", false, "say less")
	f.StringP("tag", "T", "", "accepted: a word for the log")
	f.StringP("tolerance", "", "", "accepted")
	f.StringP("delay", "y", "", "accepted")
	f.StringP("index", "i", "", "level of the topology")
	f.BoolP("as-node-id", "n", false, "accepted: NODE is an id")
	f.BoolP("help", "?", false, "help for stonith_admin")
	return cmd
}

func (c *call) run(ctx context.Context) error {
	d, err := cib.ParseInterval(c.timeout)
	if err != nil || d <= 0 {
		return tool.Usage("--timeout %q is no time", c.timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	switch c.command {
	case 0:
		return tool.Usage("No command given: see stonith_admin --help")
	case 'I':
		return c.items("Installed fence devices", installed())
	case 'L':
		return c.registered(ctx, "")
	case 'l':
		return c.registered(ctx, c.arg)
	case 's', 'Q':
		return c.ask(ctx)
	case 'M':
		return c.metadata(ctx)
	case 'K':
		return c.validate(ctx)
	case 'H', 'h':
		return c.history()
	}
	if strings.IndexByte("FUB", c.command) >= 0 {
		return c.fence(ctx)
	}
	return cli.Exitf(exitUnimplemented, "This cluster has no fencing service yet: %s cannot be done; remove a dead node's votes with crm_node -R, or set stonith-enabled=false", c.verb())
}

// fence says why a node cannot be fenced: no device can reach it, or there is
// nobody who would use the device.
func (c *call) fence(ctx context.Context) error {
	list, err := c.devices(ctx)
	if err != nil {
		return err
	}
	for _, r := range list {
		if list := hosts(r); len(list) == 0 || slices.Contains(list, c.arg) {
			return cli.Exitf(exitUnimplemented, "%s %s was not done: the device %s is configured, but this cluster has no fencing service yet: "+
				"remove a dead node's votes with crm_node -R, or set stonith-enabled=false", c.verb(), c.arg, r.XMLID())
		}
	}
	return cli.Exitf(cli.ExitNoSuchObject, "%s %s was not done: no fence device is configured that can reach %s: "+
		"see stonith_admin -L", c.verb(), c.arg, c.arg)
}

// verb is the long name of the command.
func (c *call) verb() string {
	return map[byte]string{'F': "--fence", 'U': "--unfence", 'B': "--reboot", 'C': "--confirm", 'R': "--register", 'D': "--deregister",
		'r': "--register-level", 'd': "--deregister-level"}[c.command]
}

// installed are the fence agents of this node.
func installed() (out []string) {
	for _, d := range dirs {
		list, _ := filepath.Glob(d + "/fence_*")
		for _, p := range list {
			if st, err := os.Stat(p); err == nil && st.Mode()&0o111 != 0 && st.Mode().IsRegular() {
				out = append(out, filepath.Base(p))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// items shows a list of devices.
func (c *call) items(title string, list []string) error {
	e := cib.New("list", "name", title, "count", fmt.Sprint(len(list)))
	for _, n := range list {
		c.t.Printf("%s\n", n)
		e = e.WithChild(result.Texts("item", n))
	}
	word := "devices"
	if len(list) == 1 {
		word = "device"
	}
	if !c.t.Quiet {
		if len(list) == 0 {
			c.t.Printf("No %s found\n", word)
		} else {
			c.t.Printf("%d fence %s found\n", len(list), word)
		}
	}
	c.t.Add(e)
	return nil
}

// devices are the configured devices, with their parameters.
func (c *call) devices(ctx context.Context) ([]pengine.Resource, error) {
	doc, err := source.Load(ctx, c.env, source.Source{})
	if err != nil {
		return nil, err
	}
	res, err := pengine.Schedule(doc.Root, time.Now(), pengine.Options{StatusOnly: true})
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	var out []pengine.Resource
	var find func([]pengine.Resource)
	find = func(list []pengine.Resource) {
		for _, r := range list {
			if r.Kind() == pengine.Primitive && r.Class() == "stonith" && !slices.ContainsFunc(out, func(o pengine.Resource) bool { return o.XMLID() == r.XMLID() }) {
				out = append(out, r)
			}
			find(r.Children())
		}
	}
	find(res.Top())
	return out, nil
}

// registered lists the devices, of one host or all.
func (c *call) registered(ctx context.Context, host string) error {
	list, err := c.devices(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, r := range list {
		if host == "" || slices.Contains(hosts(r), host) || r.Params(pengine.Node{})["pcmk_host_check"] == "none" {
			names = append(names, r.XMLID())
		}
	}
	title := "Registered fence devices"
	if host != "" {
		title = "Fence devices for " + host
	}
	return c.items(title, names)
}

// hosts are the nodes that a device says it can fence.
func hosts(r pengine.Resource) (out []string) {
	p := r.Params(pengine.Node{})
	out = strings.FieldsFunc(p["pcmk_host_list"], func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
	for _, m := range strings.FieldsFunc(p["pcmk_host_map"], func(r rune) bool { return r == ' ' || r == ';' }) {
		n, _, _ := strings.Cut(m, ":")
		out = append(out, n)
	}
	return out
}

// ask has a configured device tell its state or its nodes.
func (c *call) ask(ctx context.Context) error {
	list, err := c.devices(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(r pengine.Resource) bool { return r.XMLID() == c.arg })
	if i < 0 {
		return cli.Exitf(cli.ExitNoSuchObject, "there is no fence device %s", c.arg)
	}
	action := "list"
	if c.command == 'Q' {
		action = "monitor"
	}
	out, err := execute(ctx, list[i].Type(), action, list[i].Params(pengine.Node{}))
	if err != nil {
		return err
	}
	if c.command == 'Q' {
		c.t.Printf("%s is available\n", c.arg)
		return nil
	}
	var names []string
	for line := range strings.Lines(out) {
		if n, _, _ := strings.Cut(strings.TrimSpace(line), ","); n != "" {
			names = append(names, n)
		}
	}
	return c.items("Fence Targets", names)
}

// execute runs a fence agent: its parameters are lines on standard input.
func execute(ctx context.Context, agent, action string, params map[string]string) (string, error) {
	if agent == "" || strings.ContainsAny(agent, "/ ") {
		return "", cli.Exitf(exitMissing, "%q is no fence agent", agent)
	}
	for _, d := range dirs {
		path := filepath.Join(d, agent)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		var in, errs strings.Builder
		fmt.Fprintf(&in, "action=%s\n", action)
		for k, v := range params {
			if !strings.HasPrefix(k, "pcmk_") && !strings.ContainsAny(k+v, "\n") {
				fmt.Fprintf(&in, "%s=%s\n", k, v)
			}
		}
		cmd := exec.CommandContext(ctx, path)
		cmd.Stdin, cmd.Stderr = strings.NewReader(in.String()), &errs
		out, err := cmd.Output()
		if err != nil {
			return string(out), cli.Exitf(cli.ExitError, "%s %s: %w\n%s", agent, action, err, strings.TrimSpace(errs.String()))
		}
		return string(out), nil
	}
	return "", cli.Exitf(exitMissing, "the fence agent %s is not installed in %s", agent, strings.Join(dirs, " or "))
}

func (c *call) metadata(ctx context.Context) error {
	if c.agent == "" {
		return tool.Usage("Please specify an agent to query using -a,--agent [value]")
	}
	out, err := execute(ctx, c.agent, "metadata", nil)
	if err != nil {
		return err
	}
	c.t.Printf("%s", out)
	c.t.Add(result.Texts("metadata", out))
	return nil
}

// validate has an agent check parameters.
func (c *call) validate(ctx context.Context) error {
	if c.agent == "" {
		return tool.Usage("Please specify an agent to validate with --agent")
	}
	params := map[string]string{}
	for _, o := range c.options {
		k, v, ok := strings.Cut(o, "=")
		if !ok {
			return tool.Usage("Invalid option: -o/--option %s: NAME=VALUE is expected", o)
		}
		params[k] = v
	}
	for _, k := range c.envOptions {
		v, ok := os.LookupEnv("OCF_RESKEY_" + k)
		if !ok {
			return tool.Usage("Invalid option: -e/--env-option %s: OCF_RESKEY_%s is not set", k, k)
		}
		params[k] = v
	}
	out, err := execute(ctx, c.agent, "validate-all", params)
	valid := err == nil
	e := cib.New("validate", "agent", c.agent, "valid", fmt.Sprint(valid))
	text := strings.TrimSpace(out)
	if err != nil {
		text = err.Error()
	}
	if text != "" {
		e = e.WithChild(cib.New("command", "code", fmt.Sprint(cli.ExitCode(err))).WithChild(result.Texts("output", text).WithAttr("source", "stderr")))
	}
	c.t.Add(e)
	if !c.t.Quiet {
		word := "succeeded"
		if !valid {
			word = "failed\n" + text
		}
		c.t.Printf("Validation of %s %s\n", c.agent, word)
	}
	if !valid {
		return &cli.Exit{Code: cli.ExitCode(err), Err: errors.New("")}
	}
	return nil
}

// history tells what was fenced: nothing, as long as nothing can be.
func (c *call) history() error {
	if c.cleanup {
		c.t.Printf("cleaning up fencing-history\n")
		return nil
	}
	if c.command == 'h' {
		c.t.Printf("Node %s last fenced at: unknown\n", c.arg)
		c.t.Add(cib.New("last-fenced", "target", c.arg, "when", ""))
		return nil
	}
	if !c.t.Quiet {
		c.t.Printf("0 events found\n")
	}
	c.t.Add(cib.New("list", "name", "Fencing history", "count", "0"))
	return nil
}
