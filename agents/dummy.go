package agents

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// dummy runs nothing and remembers that it does, for tests and examples.
type dummy struct{}

var dummyMeta = metaData{
	name: "Dummy", shortdesc: "Example stateless resource agent",
	longdesc: "Does nothing but remember whether it was started, in a file.",
	params: []metaParam{
		{name: "state", typ: "string", unique: true, shortdesc: "State file"},
		{name: "op_sleep", typ: "integer", def: "0", reloadable: true, shortdesc: "Seconds each operation takes"},
		{name: "fake", typ: "string", def: "dummy", reloadable: true, shortdesc: "A parameter that can be changed without a restart"},
	},
	actions: []metaAction{
		{name: "start", timeout: "20s"}, {name: "stop", timeout: "20s"},
		{name: "monitor", timeout: "20s", interval: "10s", depth: "0"},
		{name: "reload", timeout: "20s"}, {name: "reload-agent", timeout: "20s"}, {name: "migrate_to", timeout: "20s"}, {name: "migrate_from", timeout: "20s"},
		{name: "validate-all", timeout: "20s"}, {name: "meta-data", timeout: "5s"},
	},
}

// MetaData implements [Agent].
func (dummy) MetaData() string { return dummyMeta.xml() }

// Run implements [Agent].
func (d dummy) Run(ctx context.Context, action string, env Env) int {
	if action == "meta-data" {
		fmt.Fprint(env.Stdout, d.MetaData())
		return ocfSuccess
	}
	if rc := opSleep(ctx, &env); rc != ocfSuccess {
		return rc
	}
	file := stateFile(&env, "Dummy")
	var err error
	switch action {
	case "start", "migrate_from":
		err = writeState(file, "started")
	case "stop", "migrate_to":
		err = dropState(file)
	case "monitor", "status", "reload", "reload-agent":
		_, ok, e := readState(file)
		if err = e; e == nil && !ok {
			return ocfNotRunning
		}
	case "validate-all":
	default:
		return env.fail(ocfErrUnimpl, "Dummy has no action %q", action)
	}
	if err != nil {
		return env.fail(ocfErrGeneric, "%v", err)
	}
	return ocfSuccess
}

// opSleep waits as long as the parameter op_sleep says.
func opSleep(ctx context.Context, env *Env) int {
	v := env.Params["op_sleep"]
	if v == "" || v == "0" {
		return ocfSuccess
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return env.fail(ocfErrConfigured, "op_sleep=%q is not a number of seconds", v)
	}
	select {
	case <-ctx.Done():
		return env.fail(ocfErrGeneric, "interrupted")
	case <-time.After(time.Duration(n) * time.Second):
		return ocfSuccess
	}
}
