package resource

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
	"github.com/quorate/quorate/pkg/version"
)

// agentTimeout is how long an agent may take without --timeout.
const agentTimeout = 20 * time.Second

// agentConfig is what agents are executed with.
func agentConfig() lrm.Config {
	return lrm.Config{Self: self(), OCFRoot: ocfRoot(), FeatureSet: version.FeatureSet}
}

// actions are the operations of the --force options.
var actions = map[string]string{"force-check": "monitor", "force-start": "start", "force-stop": "stop",
	"force-promote": "promote", "force-demote": "demote", "validate": "validate-all"}

// rcWords are the words for the codes of agents.
var rcWords = map[int]string{0: "ok", 1: "error", 2: "invalid parameter", 3: "unimplemented feature", 4: "insufficient privileges",
	5: "not installed", 6: "not configured", 7: "not running", 8: "promoted", 9: "promoted (failed)", 190: "OCF_DEGRADED", 191: "promoted (degraded)"}

// execute acts on the resource on this node, beside the cluster.
func (c *call) execute(ctx context.Context) error {
	r := c.rsc
	if r.Outermost().Kind() == pengine.Clone && r.Kind() != pengine.Primitive {
		r = firstPrimitive(r)
	}
	if !r.OK() || r.Kind() != pengine.Primitive {
		c.t.Say("Sorry, the %s option doesn't support group resources", c.command)
		return plain(exitUnimplemented)
	}
	if top := r.Outermost(); top.Kind() == pengine.Clone && !c.force && strings.HasSuffix(c.command, "start") || strings.HasSuffix(c.command, "mote") && !c.force {
		for _, n := range top.Running() {
			if n.Name() == self() {
				return cli.Exitf(cli.ExitQuorum, "It is not safe to %s %s here: the cluster claims it is already active\nTry setting target-role=Stopped first or specifying the force option",
					strings.TrimPrefix(c.command, "force-"), c.id)
			}
		}
	}
	n := c.status.FindNode(self())
	params := map[string]string{}
	for k, v := range r.Params(n) {
		params[k] = v
	}
	for k, v := range r.Meta() {
		params["CRM_meta_"+strings.ReplaceAll(k, "-", "_")] = v
	}
	return c.act(ctx, r.XMLID(), lrm.Op{Resource: r.HistoryID(), Class: r.Class(), Provider: r.Provider(), Type: r.Type(), Params: params})
}

func firstPrimitive(r pengine.Resource) pengine.Resource {
	if k := r.Children(); r.Kind() == pengine.Clone && len(k) > 0 && k[0].Kind() == pengine.Primitive {
		return k[0]
	}
	return pengine.Resource{}
}

// act executes the operation of the command and shows what came of it.
func (c *call) act(ctx context.Context, rsc string, op lrm.Op) error {
	op.Name, op.Timeout = actions[c.command], agentTimeout
	if c.limit != "" {
		d, err := cib.ParseInterval(c.limit)
		if err != nil || d <= 0 {
			return usage("Error parsing option -T: %q is no time", c.limit)
		}
		op.Timeout = d
	}
	if (c.command == "force-check" || c.command == "validate") && c.arg != "0" && c.arg != "" {
		op.Params["OCF_CHECK_LEVEL"] = c.arg
	}
	over := cib.New("overrides")
	for _, o := range c.options {
		name, value, _ := strings.Cut(o, "=")
		op.Params[name] = value
	}
	res := lrm.Once(ctx, agentConfig(), op)
	spec := op.Class + ":" + op.Type
	e := cib.New("resource-agent-action", "action", c.command, "class", op.Class, "type", op.Type)
	if rsc != "" {
		e = e.WithAttr("rsc", rsc)
	}
	if op.Provider != "" {
		spec = op.Class + ":" + op.Provider + ":" + op.Type
		e = e.WithAttr("provider", op.Provider)
	}
	word, known := rcWords[res.RC]
	if !known {
		word = "unknown"
	}
	status := "complete"
	code := 0
	if res.Status == lrm.TimedOut {
		status, code = "Timed Out", 2
	}
	st := cib.New("agent-status", "code", itoa(res.RC), "message", word, "execution_code", itoa(code), "execution_message", status)
	name := rsc
	if name != "" {
		name = " for " + name
	} else {
		name = " for " + op.Type
	}
	reason := ""
	if res.ExitReason != "" {
		st = st.WithAttr("reason", res.ExitReason)
		reason = ": " + res.ExitReason
	}
	c.t.Printf("Operation %s%s (%s) returned %d (%s%s)\n", c.command, name, spec, res.RC, word, reason)
	e = e.WithChildren(over, st)
	if out := strings.TrimSpace(res.Output); out != "" {
		e = e.WithChild(cib.New("command", "code", itoa(res.RC)).WithChild(result.Texts("output", res.Output+"\n").WithAttr("source", "stderr")))
		for line := range strings.Lines(out) {
			c.t.Printf(" > %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	c.t.Add(e)
	switch {
	case res.Status == lrm.TimedOut:
		return plain(cli.ExitTimeout)
	case res.RC != 0:
		return plain(res.RC)
	}
	return nil
}

// validate has an agent check parameters: those of a resource, or of the
// options.
func (c *call) validate(ctx context.Context) error {
	if c.id != "" {
		if c.class != "" || c.provider != "" || c.agent != "" {
			return usage("--class, --agent, and --provider cannot be used with -r")
		}
		return c.execute(ctx)
	}
	if _, _, _, ok := parseAgent(strings.Trim(c.class+":"+c.provider+":"+c.agent, ":")); !ok && c.class != "stonith" || c.agent == "" || c.class == "ocf" && c.provider == "" {
		return usage("%s:%s:%s is not a known resource", c.class, c.provider, c.agent)
	}
	if _, err := lrm.AgentMetaData(ctx, agentConfig(), c.class, c.provider, c.agent); err != nil && c.class == "ocf" {
		return usage("%s:%s:%s is not a known resource", c.class, c.provider, c.agent)
	}
	params := map[string]string{}
	for _, o := range c.options {
		name, value, ok := strings.Cut(o, "=")
		if !ok || name == "" {
			return usage("Invalid option: --option %s: NAME=VALUE is expected", o)
		}
		params[name] = value
	}
	return c.act(ctx, "", lrm.Op{Resource: "test", Class: c.class, Provider: c.provider, Type: c.agent, Params: params})
}

// fenceMetaData asks a fence agent for its meta-data.
func fenceMetaData(ctx context.Context, typ string) (string, error) {
	if strings.ContainsAny(typ, "/ ") {
		return "", os.ErrNotExist
	}
	for _, d := range fenceDirs {
		if _, err := os.Stat(d + "/" + typ); err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, agentTimeout)
		defer cancel()
		out, err := exec.CommandContext(ctx, d+"/"+typ, "-o", "metadata").Output()
		return string(out), err
	}
	return "", os.ErrNotExist
}
