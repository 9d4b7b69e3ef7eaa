// Command quorate is the whole program: the daemon and every command. Called
// by another name (a link named crm_mon, say) it is that command; called as
// quorate its first argument names one.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/agents"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/version"
)

func main() { os.Exit(run(cli.System(), os.Args)) }

func run(env *cli.Env, args []string) int {
	if provider, typ, ok := agents.ScriptName(args[0]); ok && len(args) > 1 {
		return agents.Main([]string{provider, typ, args[1]}, os.Environ(), env.Stdout, env.Stderr)
	}
	cmds := commands()
	if c, ok := cmds[filepath.Base(args[0])]; ok {
		return c(env, args[1:])
	}
	if len(args) > 1 {
		switch args[1] {
		case "--version", "version":
			fmt.Fprintf(env.Stdout, "quorate %s (feature set %s)\n", version.Version, version.FeatureSet)
			return cli.ExitOK
		case "--list":
			for _, n := range linkNames() {
				fmt.Fprintln(env.Stdout, n)
			}
			return cli.ExitOK
		case "--list-agents":
			for _, n := range agents.Types() {
				fmt.Fprintln(env.Stdout, n)
			}
			return cli.ExitOK
		case "-h", "--help", "help":
			usage(env)
			return cli.ExitOK
		}
		if c, ok := cmds[args[1]]; ok {
			return c(env, args[2:])
		}
		fmt.Fprintf(env.Stderr, "quorate: there is no command %q; quorate --help lists them\n", args[1])
		return cli.ExitUsage
	}
	usage(env)
	return cli.ExitUsage
}

// command runs one command with its arguments and returns the exit code.
type command func(env *cli.Env, args []string) int

// fromCobra makes a command of a constructor.
func fromCobra(newCmd func(*cli.Env) *cobra.Command) command {
	return func(env *cli.Env, args []string) int { return cli.Run(env, newCmd(env), args) }
}

func usage(env *cli.Env) {
	fmt.Fprint(env.Stdout, "quorate: a high-availability cluster resource manager\n\nusage: quorate COMMAND [ARGUMENTS]; COMMAND --help tells more\n\n")
	var names []string
	for n := range commands() {
		if !hidden[n] {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	for _, n := range names {
		fmt.Fprintf(env.Stdout, "  %s\n", n)
	}
}
