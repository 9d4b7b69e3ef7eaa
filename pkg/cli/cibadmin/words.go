package cibadmin

import (
	"errors"
	"fmt"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

// words are those which Pacemaker's cibadmin has for an exit code; scripts look
// for them. What they mean in this case follows in a line of its own.
var words = map[int]string{
	cli.ExitNoSuchObject: "No such device or address",
	cli.ExitExists:       "File exists",
	cli.ExitConfig:       "Update does not conform to the configured schema",
	cli.ExitOld:          "Update was older than existing configuration",
}

// failed gives an error the words known from the tool.
func failed(err error) error {
	if err == nil {
		return nil
	}
	code := cib.ExitCode(err)
	var x *cli.Exit
	if errors.As(err, &x) {
		code = x.Code
	}
	if w := words[code]; w != "" {
		return &cli.Exit{Code: code, Err: fmt.Errorf("Call failed: %s\n%w", w, err)}
	}
	return &cli.Exit{Code: code, Err: fmt.Errorf("Call failed: %w", err)}
}

// dangerous refuses a command that needs --force.
func dangerous(what string) error {
	return cli.Exitf(cli.ExitQuorum, "The supplied command is considered dangerous.  To prevent accidental destruction of the cluster, the --force flag is required in order to proceed.\n%s", what)
}

// incomplete tells that a command lacks its XML.
func incomplete() error {
	return cli.Exitf(cli.ExitSoftware, "Call failed: Invalid argument\nno XML is given: use -X TEXT, -x FILE or -p")
}
