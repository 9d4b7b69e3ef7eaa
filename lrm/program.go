package lrm

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// Program is a program that is executed as a script of an agent is: with a whole
// environment of its own, its output bounded, and killed with all it started when
// its time is over.
type Program struct {
	File       string
	Args, Env  []string
	Credential *syscall.Credential // nil: as this process
}

// Run executes the program until it ends or ctx does. It returns its exit code
// and the end of its output; an error names what ended it otherwise.
func (p Program) Run(ctx context.Context) (rc int, output string, err error) {
	out := &tail{limit: outputLimit}
	e, err := (&process{file: p.File, args: p.Args, env: p.Env, credential: p.Credential, stdout: out, stderr: out}).run(ctx)
	switch {
	case err != nil:
		return -1, "", err
	case e.cause != nil && errors.Is(e.cause, context.DeadlineExceeded):
		return -1, out.text(), fmt.Errorf("%s did not end in time and was killed; running were: %s", p.File, e.tree)
	case e.cause != nil:
		return -1, out.text(), fmt.Errorf("%s was killed: %w", p.File, e.cause)
	case e.signal != 0:
		return -1, out.text(), fmt.Errorf("%s was ended by signal %d (%s)", p.File, int(e.signal), e.signal)
	}
	return e.rc, out.text(), nil
}
