// Package cli holds what the commands share: their surroundings, their exit
// codes, and how they reach the daemon. Each command lives in a package or file
// of its own and is built by a function of an [Env].
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes as Pacemaker's tools use them (crm_error --exit).
const (
	ExitOK           = 0
	ExitError        = 1
	ExitUsage        = 64
	ExitDataErr      = 65
	ExitNoInput      = 66
	ExitNoHost       = 68
	ExitUnavailable  = 69
	ExitSoftware     = 70
	ExitCantCreate   = 73
	ExitIOErr        = 74
	ExitNoPerm       = 77
	ExitConfig       = 78
	ExitFatal        = 100
	ExitDisconnect   = 102
	ExitOld          = 103
	ExitNoSuchObject = 105
	ExitQuorum       = 107
	ExitExists       = 108
	ExitTimeout      = 124
)

// Env is what a command sees of the world.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// RunDir is the daemon's run directory, where its socket lies.
	RunDir string
}

// System returns the Env of this process. HA_RUNDIR overrides the default run
// directory /var/run/heartbeat.
func System() *Env {
	dir := os.Getenv("HA_RUNDIR")
	if dir == "" {
		dir = "/var/run/heartbeat"
	}
	return &Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, RunDir: dir}
}

// Exit is an error with an exit code. An empty message prints nothing.
type Exit struct {
	Code int
	Err  error
}

func (e *Exit) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap returns the error behind the exit.
func (e *Exit) Unwrap() error { return e.Err }

// Exitf returns an Exit with a formatted message.
func Exitf(code int, format string, a ...any) error {
	return &Exit{code, fmt.Errorf(format, a...)}
}

// ExitCode returns the exit code of an error: that of an Exit in its chain,
// otherwise ExitError.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	var x *Exit
	if errors.As(err, &x) {
		return x.Code
	}
	return ExitError
}

// Run executes a command with arguments, prints its error as one line and
// returns the exit code.
func Run(env *Env, cmd *cobra.Command, args []string) int {
	cmd.SetArgs(args)
	cmd.SetIn(env.Stdin)
	cmd.SetOut(env.Stdout)
	cmd.SetErr(env.Stderr)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return Exitf(ExitUsage, "%s: %s", c.Name(), flagError(err))
	})
	err := cmd.Execute()
	if err != nil && err.Error() != "" {
		fmt.Fprintln(env.Stderr, err)
	}
	return ExitCode(err)
}

// flagError says what is wrong with the options in the tools' words.
func flagError(err error) string {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return "Unknown option -" + unknown.GetSpecifiedName()
	case errors.As(err, &unknown):
		return "Unknown option --" + unknown.GetSpecifiedName()
	case errors.As(err, &missing):
		return "Missing argument for " + missing.GetSpecifiedName()
	}
	return err.Error()
}
