package agents

import (
	"context"
	"io"
)

// Env is what an agent sees of the world.
type Env struct {
	// Instance is the resource's name.
	Instance string
	// Params are the agent's parameters without the prefix OCF_RESKEY_.
	Params map[string]string
	Stdout io.Writer
	// Stderr takes messages; a line "ocf-exit-reason:…" is the reason shown.
	Stderr io.Writer
}

// Agent is a built-in resource agent.
type Agent interface {
	// MetaData returns the OCF meta-data XML.
	MetaData() string
	// Run carries out start, stop, monitor or validate-all and returns an OCF
	// return code. It gives up when ctx ends.
	Run(ctx context.Context, action string, env Env) int
}
