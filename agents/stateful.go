package agents

import (
	"context"
	"fmt"
)

// stateful is a dummy with two roles.
type stateful struct{}

// Roles as the state file has them.
const (
	rolePromoted   = "promoted"
	roleUnpromoted = "unpromoted"
)

var statefulMeta = metaData{
	name: "Stateful", shortdesc: "Example promotable resource agent",
	longdesc: "Does nothing but remember whether it was started or promoted, in a file.",
	params: []metaParam{
		{name: "state", typ: "string", unique: true, shortdesc: "State file"},
		{name: "op_sleep", typ: "integer", def: "0", shortdesc: "Seconds each operation takes"},
		{name: "promoted_score", typ: "integer", def: "10", shortdesc: "Promotion score while promoted"},
		{name: "unpromoted_score", typ: "integer", def: "5", shortdesc: "Promotion score while not promoted"},
	},
	actions: []metaAction{
		{name: "start", timeout: "20s"}, {name: "stop", timeout: "20s"},
		{name: "monitor", timeout: "20s", interval: "10s", depth: "0", role: "Promoted"},
		{name: "monitor", timeout: "20s", interval: "11s", depth: "0", role: "Unpromoted"},
		{name: "promote", timeout: "10s"}, {name: "demote", timeout: "10s"}, {name: "notify", timeout: "5s"},
		{name: "validate-all", timeout: "20s"}, {name: "meta-data", timeout: "5s"},
	},
}

// MetaData implements [Agent].
func (stateful) MetaData() string { return statefulMeta.xml() }

// Run implements [Agent].
func (s stateful) Run(ctx context.Context, action string, env Env) int {
	if action == "meta-data" {
		fmt.Fprint(env.Stdout, s.MetaData())
		return ocfSuccess
	}
	if rc := opSleep(ctx, &env); rc != ocfSuccess {
		return rc
	}
	file := stateFile(&env, "Stateful")
	role, on, err := readState(file)
	if err != nil {
		return env.fail(ocfErrGeneric, "%v", err)
	}
	switch action {
	case "start":
		err = s.become(file, roleUnpromoted, &env)
	case "promote":
		if !on {
			return env.fail(ocfNotRunning, "not started, cannot be promoted")
		}
		err = s.become(file, rolePromoted, &env)
	case "demote":
		if !on {
			return env.fail(ocfNotRunning, "not started, cannot be demoted")
		}
		err = s.become(file, roleUnpromoted, &env)
	case "stop":
		s.score(&env, "")
		err = dropState(file)
	case "monitor", "status":
		switch {
		case !on:
			return ocfNotRunning
		case role == rolePromoted:
			return ocfRunningPromoted
		}
	case "notify", "validate-all":
	default:
		return env.fail(ocfErrUnimpl, "Stateful has no action %q", action)
	}
	if err != nil {
		return env.fail(ocfErrGeneric, "%v", err)
	}
	return ocfSuccess
}

// become writes the role and its promotion score.
func (s stateful) become(file, role string, env *Env) error {
	if err := writeState(file, role); err != nil {
		return err
	}
	score := "5"
	if role == rolePromoted {
		score = "10"
	}
	if v := env.Params[role+"_score"]; v != "" {
		score = v
	}
	s.score(env, score)
	return nil
}

// score sets the promotion score, the node attribute master-RESOURCE.
func (stateful) score(env *Env, score string) {
	if env.SetAttribute != nil {
		env.SetAttribute("master-"+env.Instance, score)
	}
}
