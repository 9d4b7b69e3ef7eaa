package agents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"time"

	"github.com/quorate/quorate/pkg/realtime"
)

// program finds a program in PATH, or takes a path as it is.
func program(name string) (string, error) {
	file, err := exec.LookPath(name)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return "", &specError{rc: ocfErrPerm, msg: fmt.Sprintf("program %s is not executable", name)}
		}
		return "", notInstalled("program %s is not installed on this node", name)
	}
	return file, nil
}

// invocation is one run of a program to its end.
type invocation struct {
	args  []string
	env   []string // nil: this process'
	input string
	// shown is what messages call it, by default its arguments.
	shown string
}

// command runs a program to its end and returns what it printed to its standard
// output. The error holds what it said.
func (c *request) command(ctx context.Context, args ...string) (string, error) {
	return c.invoke(ctx, invocation{args: args})
}

// invoke is command with everything else that can be said of a run.
func (c *request) invoke(ctx context.Context, v invocation) (string, error) {
	file, err := program(v.args[0])
	if err != nil {
		return "", err
	}
	var out, said strings.Builder
	cmd := exec.CommandContext(ctx, file, v.args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.Stdin = strings.NewReader(v.input)
	cmd.Env = v.env
	cmd.Dir, cmd.WaitDelay = "/", time.Second
	if err := realtime.Start(cmd); err != nil {
		return "", fmt.Errorf("%s: %w", v.args[0], err)
	}
	err = cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // something it left in the background has its output open
	}
	if err != nil {
		text := strings.TrimSpace(said.String())
		if text == "" {
			text = strings.TrimSpace(out.String())
		}
		text = strings.Join(strings.Fields(text), " ")
		if text != "" {
			err = fmt.Errorf("%w: %.300s", err, text)
		}
		return out.String(), fmt.Errorf("%s: %w", cmp.Or(v.shown, strings.Join(v.args, " ")), err)
	}
	return out.String(), nil
}

// exitCode is the code with which a program failed, or -1.
func exitCode(err error) int {
	var xe *exec.ExitError
	if errors.As(err, &xe) {
		return xe.ExitCode()
	}
	return -1
}

// updateAttribute sets a transient attribute of this node ("" deletes it) by the
// cluster's commands, whichever cluster has called this agent.
func updateAttribute(ctx context.Context, name, value, dampen string) error {
	file, err := program("attrd_updater")
	if err != nil {
		return fmt.Errorf("attribute %s is not set to %q: %w", name, value, err)
	}
	args := []string{"-n", name, "-D"}
	if value != "" {
		if args = []string{"-n", name, "-U", value}; dampen != "" {
			args = append(args, "-d", dampen)
		}
	}
	if out, err := realtime.CombinedOutput(exec.CommandContext(ctx, file, args...)); err != nil {
		return fmt.Errorf("attribute %s is not set to %q: attrd_updater: %w: %.200s", name, value, err, out)
	}
	return nil
}

// promotionScore sets this instance's promotion score, "" takes it away.
func (c *request) promotionScore(score string) {
	if c.SetAttribute != nil {
		c.SetAttribute("master-"+c.Instance, score)
	}
}
