package agents

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// standard is an agent made of its meta-data and a function for each action.
// Meta-data, the action status, the check of parameters against the meta-data and
// the way from errors to return codes are the same for all.
type standard struct {
	meta metaData
	// args names the positional arguments that class heartbeat gives.
	args []string
	// separate agents may wait for programs or the kernel: they are run as a
	// process of their own, which can be killed.
	separate bool
	// check looks at what the meta-data does not say of the parameters.
	check   func(c *request) error
	actions map[string]action
}

// action carries one action out. Its error is the outcome: nil is success, one
// made by [badSpec] and the like has a return code of its own.
type action func(ctx context.Context, c *request) error

// Outcomes of a monitor.
var (
	errNotRunning = &specError{rc: ocfNotRunning}
	errPromoted   = &specError{rc: ocfRunningPromoted}
)

// notInstalled is the error for what this node lacks.
func notInstalled(format string, args ...any) error {
	return &specError{rc: ocfErrInstalled, msg: fmt.Sprintf(format, args...)}
}

// Separate reports whether an agent may wait for programs or the kernel, and so
// has to be run as a process of its own: "quorate ocf PROVIDER TYPE ACTION".
func Separate(a Agent) bool {
	s, ok := a.(interface{ runsApart() bool })
	return ok && s.runsApart()
}

func (s *standard) runsApart() bool { return s.separate }

// MetaData implements [Agent].
func (s *standard) MetaData() string { return s.meta.xml() }

// Run implements [Agent].
func (s *standard) Run(ctx context.Context, name string, env Env) int {
	if name == "meta-data" {
		fmt.Fprint(env.Stdout, s.MetaData())
		return ocfSuccess
	}
	c := &request{Env: &env, agent: s}
	c.Params = named(env.Params, s.args)
	if name == "status" {
		name = "monitor"
	}
	f, ok := s.actions[name]
	if !ok && name != "validate-all" {
		return env.fail(ocfErrUnimpl, "%s has no action %q", s.meta.name, name)
	}
	err := c.checkParams()
	if err == nil && s.check != nil {
		err = s.check(c)
	}
	if err == nil && f != nil {
		err = f(ctx, c)
	}
	if err == nil {
		return ocfSuccess
	}
	rc := netlinkCode(err)
	if se := (*specError)(nil); errors.As(err, &se) {
		rc = se.rc
	}
	if err.Error() == "" {
		return rc
	}
	return env.fail(rc, "%v", err)
}

// named gives the positional arguments of class heartbeat their names, where
// named parameters do not say otherwise.
func named(params map[string]string, names []string) map[string]string {
	p := make(map[string]string, len(params))
	for k, v := range params {
		p[k] = v
	}
	for i, n := range names {
		if v, ok := params[strconv.Itoa(i+1)]; ok && p[n] == "" {
			p[n] = v
		}
	}
	return p
}

// request is one run of a standard agent. The readers of parameters fall back to the
// default of the meta-data; they panic for a name that is not in it.
type request struct {
	*Env
	agent *standard
}

// param returns the meta-data of a parameter.
func (c *request) param(name string) *metaParam {
	for i := range c.agent.meta.params {
		if p := &c.agent.meta.params[i]; p.name == name {
			return p
		}
	}
	panic("agent " + c.agent.meta.name + " has no parameter " + name)
}

// str returns a parameter.
func (c *request) str(name string) string {
	p := c.param(name)
	if v := strings.TrimSpace(c.Params[name]); v != "" {
		return v
	}
	return p.def
}

// num returns a parameter of type integer, 0 when there is none.
func (c *request) num(name string) int {
	n, _ := strconv.Atoi(c.str(name)) // checked before
	return n
}

// seconds returns a parameter of type time.
func (c *request) seconds(name string) time.Duration {
	d, _ := parseCRMTime(c.str(name)) // checked before
	return d
}

// yes returns a parameter of type boolean.
func (c *request) yes(name string) bool { return isTrue(c.str(name)) }

// isFalse is the counterpart of isTrue.
func isFalse(v string) bool {
	switch strings.ToLower(v) {
	case "no", "false", "0", "n", "off", "nein", "f", "":
		return true
	}
	return false
}

// checkParams compares the parameters with the meta-data.
func (c *request) checkParams() error {
	for i := range c.agent.meta.params {
		p := &c.agent.meta.params[i]
		v := c.str(p.name)
		switch {
		case p.required && v == "":
			return badSpec("parameter %s is missing: %s", p.name, lowerFirst(p.shortdesc))
		case v == "" || v == p.def:
		case p.typ == "integer":
			if n, err := strconv.Atoi(v); err != nil || n < 0 {
				return badSpec("%s=%q is not a whole number", p.name, v)
			}
		case p.typ == "time":
			if _, err := parseCRMTime(v); err != nil {
				return badSpec("%s: %v", p.name, err)
			}
		case p.typ == "boolean":
			if !isTrue(v) && !isFalse(v) {
				return badSpec("%s=%q is neither yes nor no", p.name, v)
			}
		}
	}
	return nil
}

// lowerFirst begins a text with a small letter unless it begins with an
// abbreviation.
func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// sleep waits, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("interrupted: %w", ctx.Err())
	case <-t.C:
		return nil
	}
}

// until asks every so often until the answer is yes, no more than limit.
func until(ctx context.Context, limit, every time.Duration, ok func() bool) bool {
	end := time.Now().Add(limit)
	for !ok() {
		if time.Now().After(end) || sleep(ctx, every) != nil {
			return false
		}
	}
	return true
}

// stateActions are start, stop and monitor of an agent that only remembers that
// it is started.
func stateActions(typ string) (start, stop, monitor action) {
	start = func(_ context.Context, c *request) error { return writeState(stateFileIn(c, typ), "started") }
	stop = func(_ context.Context, c *request) error { return dropState(stateFileIn(c, typ)) }
	monitor = func(_ context.Context, c *request) error {
		if _, on, err := readState(stateFileIn(c, typ)); err != nil || !on {
			if err == nil {
				err = errNotRunning
			}
			return err
		}
		return nil
	}
	return start, stop, monitor
}

func stateFileIn(c *request, typ string) string {
	return stateFile(&Env{Instance: c.Instance, RunDir: c.RunDir}, typ)
}

// usualActions lists the actions of a meta-data with these times.
func usualActions(start, stop, monitor, interval string, more ...metaAction) []metaAction {
	out := []metaAction{{name: "start", timeout: start}, {name: "stop", timeout: stop},
		{name: "monitor", timeout: monitor, interval: interval, depth: "0"}}
	out = append(out, more...)
	return append(out, metaAction{name: "validate-all", timeout: "20s"}, metaAction{name: "meta-data", timeout: "5s"})
}
