package oraclefuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// What is what is asked of an engine; less is faster.
type What uint8

// The parts of an outcome.
const (
	// WantGraph asks for the transition graph and the scores.
	WantGraph What = 1 << iota
	// WantSummary asks for the text of the whole simulation.
	WantSummary
)

// Engine makes an outcome of a document.
type Engine interface {
	Run(root *cib.Element, what What) *Outcome
}

// Command is an engine that is a command with the options of crm_simulate.
type Command struct {
	// Args is the command and its first arguments.
	Args []string
	// Call, when set, is the command within this process, used in place of
	// Args; it returns the exit code. A panic is an error of the outcome. A call
	// that times out goes on in the background.
	Call func(args []string, stdout, stderr io.Writer) int
	// Dir is a directory for its files; the caller removes it.
	Dir string
	// Timeout ends a run; 0 stands for 20 s.
	Timeout time.Duration
	graph   []byte // as last read
}

// ErrTimeout is in the chain of an outcome's error when the engine was ended.
var ErrTimeout = errors.New("timed out")

// Run implements Engine. It uses fixed file names in c.Dir, so each goroutine
// needs a Command of its own.
func (c *Command) Run(root *cib.Element, what What) *Outcome {
	o := &Outcome{}
	c.graph = nil
	in, graph := filepath.Join(c.Dir, "cib.xml"), filepath.Join(c.Dir, "graph.xml")
	if o.Err = os.WriteFile(in, cib.Print(root), 0o600); o.Err != nil {
		return o
	}
	if what&WantGraph != 0 {
		os.Remove(graph)
		o.Scores, o.Messages, o.Err = c.run("-x", in, "-t", NowISO, "-sSQ", "-G", graph)
		if o.forgive(); o.Err != nil {
			return o
		}
		data, err := os.ReadFile(graph)
		if err != nil {
			o.Err = fmt.Errorf("no transition graph was written: %w", err)
			return o
		}
		c.graph = data
		if o.Graph, o.Err = ReadGraph(data); o.Err != nil {
			return o
		}
	}
	if what&WantSummary != 0 {
		o.Summary, o.Messages, o.Err = c.run("-x", in, "-t", NowISO, "-S")
		o.forgive()
	}
	return o
}

// invalidTransition is what an engine says that made a graph which cannot be
// carried out to its end.
const invalidTransition = "An invalid transition was produced"

// forgive takes a graph that cannot be carried out for a result like others.
func (o *Outcome) forgive() {
	if o.Err != nil && (strings.Contains(o.Err.Error(), invalidTransition) || strings.Contains(o.Messages, invalidTransition)) {
		o.Stuck, o.Err = true, nil
	}
}

func (c *Command) run(args ...string) (out, messages string, err error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	if c.Call != nil {
		return c.call(timeout, args)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Args[0], append(c.Args[1:len(c.Args):len(c.Args)], args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "CIB_shadow_dir="+c.Dir)
	cmd.Dir = c.Dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%w after %s", ErrTimeout, timeout)
	case err != nil:
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		err = fmt.Errorf("%w: %s", err, firstTelling(lines))
	}
	return stdout.String(), stderr.String(), err
}

// call runs c.Call.
func (c *Command) call(timeout time.Duration, args []string) (string, string, error) {
	type result struct {
		out, messages string
		err           error
	}
	done := make(chan result, 1)
	go func() {
		var stdout, stderr bytes.Buffer
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = errors.New(firstTelling(strings.Split(fmt.Sprintf("panic: %v\n%s", p, debug.Stack()), "\n")))
			}
			r.out, r.messages = stdout.String(), stderr.String()
			done <- r
		}()
		if code := c.Call(args, &stdout, &stderr); code != 0 {
			r.err = fmt.Errorf("exit status %d: %s", code, firstTelling(strings.Split(strings.TrimSpace(stderr.String()), "\n")))
		}
	}()
	select {
	case r := <-done:
		return r.out, r.messages, r.err
	case <-time.After(timeout):
		return "", "", fmt.Errorf("%w after %s", ErrTimeout, timeout)
	}
}

// firstTelling is the line of an error output that says most.
func firstTelling(lines []string) string {
	for i, l := range lines {
		if strings.HasPrefix(l, "panic:") || strings.HasPrefix(l, "fatal error:") {
			for _, at := range lines[i:] {
				if strings.Contains(at, "/pengine.") {
					return l + " at " + strings.SplitN(at[strings.Index(at, "/pengine.")+1:], "(0x", 2)[0]
				}
			}
			return l
		}
	}
	return lines[len(lines)-1]
}
