package source

import (
	"fmt"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

// XML reads what a change is made of, in any dialect: the text itself, or else a
// file, or else standard input. A document of Heartbeat 2 is upgraded, and what
// that changed goes to standard error. Errors are *cli.Exit and name the
// caller's own file and line.
func XML(env *cli.Env, text, file string, stdin bool) (*cib.Element, error) {
	var err error
	name := file
	switch {
	case text != "":
		name = "command line"
	case stdin || file == "-":
		name = "standard input"
		text, err = cib.ReadText(env.Stdin, name)
	default:
		text, err = ReadFile(file)
	}
	if err != nil {
		return nil, &cli.Exit{Code: NoInput(err), Err: err}
	}
	root, err := cib.ParseText(text, name)
	if err != nil {
		return nil, cli.Exitf(cli.ExitDataErr, "%w\nnothing was changed", err)
	}
	if root.Name != "cib" || !cib.IsHeartbeat2(root) {
		return root, nil
	}
	up, report, err := cib.Upgrade(root)
	if err != nil {
		return nil, cli.Exitf(cli.ExitConfig, "%s: %w\nnothing was changed", name, err)
	}
	for _, r := range report {
		if r.Kind != cib.Kept {
			fmt.Fprintf(env.Stderr, "%s: %s\n", name, r.Sentence)
		}
	}
	return up, nil
}

// NoInput is the exit code of an input that could not be read: what it holds may
// be the reason, or that there is none.
func NoInput(err error) int {
	if code := cib.ExitCode(err); code != cli.ExitError {
		return code
	}
	return cli.ExitNoInput
}
