package main

import (
	"os"
	"runtime/debug"

	"github.com/quorate/quorate/pkg/cli"
)

// Memory settings of commands that end as soon as they have their result.
const (
	oneShotPercent = 400
	oneShotLimit   = 600 << 20 // bytes
)

// oneShot makes a command collect garbage seldom until it is big: most runs end
// before it would pay. GOGC and GOMEMLIMIT of the environment have precedence.
func oneShot(c command) command {
	return func(env *cli.Env, args []string) int {
		if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
			debug.SetGCPercent(oneShotPercent)
			debug.SetMemoryLimit(oneShotLimit)
		}
		return c(env, args)
	}
}
