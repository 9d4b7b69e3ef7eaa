package main

import (
	"sort"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/h2ccmd"
	"github.com/quorate/quorate/pkg/cli/simulate"
	"github.com/quorate/quorate/pkg/demo"
	"github.com/quorate/quorate/pkg/lab"
)

// commands maps each name to its command, one line a command.
func commands() map[string]command {
	return map[string]command{
		"crm_simulate":    simulate.Run,
		"ptest":           simulate.Run,
		"demo":            fromCobra(demo.NewCommand),
		"haresources2cib": fromCobra(h2ccmd.New),
		lab.InitArg:       func(_ *cli.Env, args []string) int { return lab.InitMain(args) },
	}
}

// hidden commands are for the program itself.
var hidden = map[string]bool{"lab-init": true}

// own commands have no link of their own: they are only called by
// "quorate NAME".
var own = map[string]bool{"run": true, "demo": true, "ocf": true, "lab-init": true}

// linkNames are the commands that "make install" links to the binary.
func linkNames() []string {
	var out []string
	for n := range commands() {
		if !own[n] {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}
