package tool

import (
	"bytes"
	"errors"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
)

// FormsUsage is the usage of the option --output-as of commands with [Forms].
const FormsUsage = "`FORM` of the output: text or json"

// Forms runs a command that prints text by itself in the form that is wanted, text
// or JSON. run gets the surroundings to print to, and returns what there is to tell
// in JSON; where that is nothing, what it printed stands there as "output".
func Forms(env *cli.Env, name, form string, run func(env *cli.Env) ([]*cib.Element, error)) error {
	switch form {
	case "", Text:
		_, err := run(env)
		return err
	case JSON:
	default:
		return cli.Exitf(cli.ExitUsage, "%s: there is no output format %q: text and json are", name, form)
	}
	var out, errs bytes.Buffer
	to := *env
	to.Stdout, to.Stderr = &out, &errs
	body, err := run(&to)
	if len(body) == 0 {
		for line := range strings.Lines(out.String()) {
			body = append(body, result.Texts("output", strings.TrimSuffix(line, "\n")))
		}
	}
	var said []string
	for line := range strings.Lines(errs.String()) {
		said = append(said, strings.TrimSuffix(line, "\n"))
	}
	if err != nil && err.Error() != "" {
		said = append(said, err.Error())
	}
	code := cli.ExitCode(err)
	t := Tool{argv: commandLine(name)}
	if werr := result.JSON(env.Stdout, result.Document(t.request(), body, code, said)); werr != nil {
		return cli.Exitf(cli.ExitIOErr, "%s: %w", name, werr)
	}
	if code != cli.ExitOK {
		return &cli.Exit{Code: code, Err: errors.New("")} // it is said already
	}
	return nil
}
