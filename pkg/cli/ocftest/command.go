package ocftest

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/quorate/quorate/pkg/cli"
)

const usage = `Checks whether a program is an OCF resource agent

Usage: ocf-tester [-hvqdX] -n resource_name [-o name=value]... /full/path/to/resource/agent

Options:
  -h               this text
  -v               show each step and what the agent prints
  -q               show what is wrong only
  -d               have the agent print debugging messages
  -X               have the agent trace itself
  -n name          name of the resource
  -o name=value    a parameter of the agent; may be repeated

The resource is started and stopped for real, several times.
`

// Run is the command ocf-tester. It returns 0 when the agent passes.
func Run(env *cli.Env, args []string) int {
	t := tester{out: env.Stdout, err: env.Stderr, name: os.Getenv("OCF_RESOURCE_INSTANCE")}
	f := pflag.NewFlagSet("ocf-tester", pflag.ContinueOnError)
	f.SetOutput(env.Stderr)
	f.Usage = func() {}
	help := f.BoolP("help", "h", false, "")
	f.BoolVarP(&t.verbose, "verbose", "v", false, "")
	f.BoolVarP(&t.quiet, "quiet", "q", false, "")
	debug := f.BoolP("debug", "d", false, "")
	trace := f.BoolP("trace", "X", false, "")
	f.StringVarP(&t.name, "name", "n", t.name, "")
	params := f.StringArrayP("option", "o", nil, "")
	complain := func(format string, args ...any) int {
		fmt.Fprintf(env.Stderr, format+"\n", args...)
		fmt.Fprint(env.Stdout, usage)
		return cli.ExitError
	}
	if err := f.Parse(args); err != nil {
		return complain("ocf-tester: %v", err)
	}
	if *help {
		fmt.Fprint(env.Stdout, usage)
		return cli.ExitOK
	}
	switch {
	case f.NArg() == 0:
		return complain("You must provide the full path to your resource agent")
	case f.NArg() > 1:
		return complain("ocf-tester: %q follows the agent %s: give one agent, and options before it", f.Arg(1), f.Arg(0))
	case t.name == "":
		return complain("You must give your resource a name, set OCF_RESOURCE_INSTANCE")
	}
	t.agent = f.Arg(0)
	t.env = append(os.Environ(), "OCF_RESKEY_CRM_meta_timeout=20000", "OCF_RESOURCE_INSTANCE="+t.name)
	if os.Getenv("OCF_ROOT") == "" {
		t.env = append(t.env, "OCF_ROOT=/usr/lib/ocf")
	}
	for _, p := range *params {
		if n, _, ok := strings.Cut(p, "="); !ok || n == "" {
			return complain("ocf-tester: -o %q is not name=value", p)
		}
		t.env = append(t.env, "OCF_RESKEY_"+p)
	}
	if *debug {
		t.env = append(t.env, "HA_debug=1")
	}
	if *trace {
		t.env = append(t.env, "OCF_TRACE_RA=1")
	}
	return t.run()
}
