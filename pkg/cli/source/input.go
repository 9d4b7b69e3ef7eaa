package source

import (
	"fmt"
	"io"
	"os"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

// XML reads what a change is made of, in any dialect: the text itself, or else a
// file, or else standard input. A document of Heartbeat 2 is upgraded, and what
// that changed goes to standard error. Errors are *cli.Exit and name the
// caller's own file and line.
func XML(env *cli.Env, text, file string, stdin bool) (*cib.Element, error) {
	var data []byte
	var err error
	name := file
	switch {
	case text != "":
		data, name = []byte(text), "command line"
	case stdin || file == "-":
		name = "standard input"
		data, err = io.ReadAll(io.LimitReader(env.Stdin, cib.MaxSize+1))
	default:
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitNoInput, Err: err}
	}
	root, err := cib.Parse(data, name)
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
