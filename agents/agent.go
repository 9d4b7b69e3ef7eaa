package agents

import (
	"context"
	"fmt"
	"io"
)

// Env is what an agent sees of the world.
type Env struct {
	// Instance is the resource's name.
	Instance string
	// Params are the agent's parameters without the prefix OCF_RESKEY_.
	Params map[string]string
	// CheckLevel is OCF_CHECK_LEVEL: how deep a monitor looks (0 is the cheapest).
	CheckLevel int
	// RunDir is HA_RSCTMP, where agents keep small state files. "" stands for
	// [DefaultRunDir].
	RunDir string
	Stdout io.Writer
	// Stderr takes messages; a line "ocf-exit-reason:…" is the reason shown.
	Stderr io.Writer
	// SetAttribute writes a transient attribute of this node, such as a
	// promotion score; "" deletes it. It may be nil.
	SetAttribute func(name, value string)
	// Lifetime, if set, tells for how many whole seconds the kernel may keep an
	// address that is added now (0: for ever), and whether this node may hold
	// one at all.
	Lifetime func() (seconds int, may bool)
}

// lifetime is Lifetime, without it for ever.
func (e *Env) lifetime() (seconds int, may bool) {
	if e.Lifetime == nil {
		return 0, true
	}
	return e.Lifetime()
}

// DefaultRunDir is HA_RSCTMP as Debian's resource-agents have it.
const DefaultRunDir = "/run/resource-agents"

// Agent is a built-in resource agent.
type Agent interface {
	// MetaData returns the OCF meta-data XML.
	MetaData() string
	// Run carries out start, stop, monitor or validate-all and returns an OCF
	// return code. It gives up when ctx ends.
	Run(ctx context.Context, action string, env Env) int
}

// Releaser is an agent whose resource can be taken from this node by force,
// without asking anybody: what is done when the right to run it has ended.
type Releaser interface {
	// Release returns nil when the resource is certainly not held by this node
	// any more. It is idempotent and takes milliseconds.
	Release(env Env) error
}

// Return codes of the OCF Resource Agent API 1.1.
const (
	ocfSuccess         = 0
	ocfErrGeneric      = 1
	ocfErrArgs         = 2
	ocfErrUnimpl       = 3
	ocfErrPerm         = 4
	ocfErrInstalled    = 5
	ocfErrConfigured   = 6
	ocfNotRunning      = 7
	ocfRunningPromoted = 8
)

// ExitReasonPrefix marks the line of stderr that says why an agent failed.
const ExitReasonPrefix = "ocf-exit-reason:"

// info writes a message for the log.
func (e *Env) info(format string, args ...any) {
	if e.Stderr != nil {
		fmt.Fprintf(e.Stderr, "INFO: "+format+"\n", args...)
	}
}

// fail writes the reason of a failure and returns its code.
func (e *Env) fail(rc int, format string, args ...any) int {
	if e.Stderr != nil {
		fmt.Fprintf(e.Stderr, ExitReasonPrefix+format+"\n", args...)
	}
	return rc
}

func (e *Env) runDir() string {
	if e.RunDir == "" {
		return DefaultRunDir
	}
	return e.RunDir
}

// isProbe tells a monitor that only asks for the state from a recurring one.
func (e *Env) isProbe() bool {
	iv, ok := e.Params["CRM_meta_interval"]
	return !ok || iv == "0"
}
