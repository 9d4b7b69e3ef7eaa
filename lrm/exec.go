package lrm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/agents"
)

// builtin returns the built-in agent that answers the operation: always for
// ocf:quorate, for ocf:heartbeat:IPaddr, and for the addresses of haresources, whose
// lifetimes and release depend on it; else where no script is installed.
func (l *LRM) builtin(op *Op) (agents.Agent, bool) {
	a, ok := l.cfg.Registry(op.Class, op.Provider, op.Type)
	if !ok {
		return nil, false
	}
	if op.Class == "ocf" && (op.Provider == "quorate" || op.Provider == "heartbeat" && op.Type == "IPaddr") {
		return a, true
	}
	if op.Class == "heartbeat" && agents.IsAddress(op.Class, op.Provider, op.Type) {
		return a, true
	}
	_, _, err := l.script(op)
	return a, errors.Is(err, ErrNotFound)
}

// execute carries an operation out and returns its result; call id, queue time
// and history are the caller's.
func (l *LRM) execute(ctx context.Context, t *task) Result {
	op := &t.op
	r := Result{Op: *op, CallID: t.callID, LastRun: time.Now()}
	if err := checkNames(op); err != nil {
		return failed(r, ErrConfigured, err.Error())
	}
	if lv := levelOf(op); lv != "" {
		if _, err := strconv.Atoi(lv); err != nil {
			return failed(r, ErrConfigured, fmt.Sprintf("%s=%q of %s is not a number", checkLevel, lv, op.Resource))
		}
	}
	// The result says the class that is configured; what is executed may be
	// another.
	real := *op
	l.resolve(&real)
	agent, isBuiltin := l.builtin(&real)
	var file string
	var args []string
	separate := isBuiltin && agents.Separate(agent)
	switch {
	case separate:
		// As a script is; what waits for programs can be killed only there.
		file, args = selfExe, []string{"ocf", orQuorate(real.Provider), real.Type, op.Name}
		real.Class, real.Provider = "ocf", orQuorate(real.Provider)
	case isBuiltin, real.Class == "systemd":
	default:
		var err error
		if file, args, err = l.script(&real); err != nil {
			return notRunnable(r, err)
		}
	}
	// The right to start is asked for last, at the moment it is used.
	if activates(op.Name) && l.cfg.Gate != nil {
		if err := l.cfg.Gate(*op); err != nil {
			r.Refused = true
			return failed(r, ErrGeneric, fmt.Sprintf("%s of %s refused: %v", op.Name, op.Resource, err))
		}
	}
	if op.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, op.Timeout, errTimeout)
		defer cancel()
	}
	if l.cfg.Before != nil && changesState(op) {
		l.cfg.Before(*op)
	}
	switch {
	case isBuiltin && !separate:
		r = l.runBuiltin(ctx, agent, r)
	case real.Class == "systemd":
		r = l.runSystemd(ctx, r)
	default:
		r.Op.Class, r.Op.Provider = real.Class, real.Provider
		r = l.runScript(ctx, t, r, file, args)
		r.Op.Class, r.Op.Provider = op.Class, op.Provider
	}
	r.ExecTime = time.Since(r.LastRun)
	if learn, wait := wantsTraits(op); learn && r.Status == Done {
		if !isBuiltin {
			agent = nil
		}
		if traits := l.traits(op, agent, file); wait && r.RC == OK {
			r.Traits = traits()
		}
	}
	if l.cfg.After != nil {
		l.cfg.After(r)
	}
	return r
}

// selfExe is this program, also when its file was replaced meanwhile.
const selfExe = "/proc/self/exe"

// orQuorate is the provider of a built-in agent that is known without one.
func orQuorate(provider string) string {
	if provider == "" {
		return "quorate"
	}
	return provider
}

// failed completes a result with an error.
func failed(r Result, rc int, reason string) Result {
	r.RC, r.Status, r.ExitReason = rc, Failed, reason
	return r
}

// notRunnable is the result where there is no script to run.
func notRunnable(r Result, err error) Result {
	switch {
	case errors.Is(err, ErrNotFound):
		r.RC, r.Status, r.ExitReason = ErrInstalled, Done, err.Error()
		return r
	case errors.Is(err, ErrClass):
		r.RC, r.Status, r.ExitReason = ErrUnimplemented, NotSupported, err.Error()
		return r
	case errors.Is(err, os.ErrPermission):
		return failed(r, ErrPerm, err.Error())
	}
	return failed(r, ErrGeneric, err.Error())
}

// runBuiltin runs an agent of our own in this process.
func (l *LRM) runBuiltin(ctx context.Context, a agents.Agent, r Result) Result {
	op := &r.Op
	out := &tail{limit: outputLimit}
	reason := ""
	errs := &lines{each: func(line string) {
		if why, ok := exitReason(line); ok {
			reason = why
			return
		}
		l.cfg.Logger.Info(fmt.Sprintf("%s[%d]: %s", op.Type, os.Getpid(), line), "resource", op.Resource)
	}}
	env := l.agentEnv(op)
	env.Stdout, env.Stderr = out, io.MultiWriter(out, errs)
	type answer struct {
		rc  int
		err any
	}
	done := make(chan answer, 1)
	go func() {
		var ans answer
		defer func() {
			if p := recover(); p != nil {
				ans = answer{ErrGeneric, p}
			}
			done <- ans
		}()
		ans.rc = a.Run(ctx, op.Name, env)
	}()
	select {
	case ans := <-done:
		errs.end()
		if ctx.Err() != nil && ans.rc != OK {
			return interrupted(r, context.Cause(ctx), "", reason, out.text())
		}
		r.RC, r.Status, r.ExitReason, r.Output = ans.rc, Done, reason, out.text()
		if ans.err != nil {
			return failed(r, ErrGeneric, fmt.Sprintf("built-in agent %s failed badly: %v", op.Type, ans.err))
		}
		if r.RC == ErrUnimplemented {
			r.Status = NotSupported
		}
		return r
	case <-ctx.Done():
	}
	// It was asked to give up; one that does not is left behind.
	select {
	case <-done:
	case <-time.After(killWait):
	}
	return interrupted(r, context.Cause(ctx), "", "", out.text())
}

// agentEnv is what a built-in agent sees.
func (l *LRM) agentEnv(op *Op) agents.Env {
	level, _ := strconv.Atoi(levelOf(op)) // checked before
	return agents.Env{
		Instance: op.Resource, Params: l.params(op), CheckLevel: level,
		RunDir: l.cfg.RunDir, Stdout: io.Discard, Stderr: io.Discard, SetAttribute: l.cfg.SetAttribute,
		Lifetime: l.cfg.Lifetime,
	}
}

// runScript runs a script as a process.
func (l *LRM) runScript(ctx context.Context, t *task, r Result, file string, args []string) Result {
	op := &r.Op
	limit := outputLimit
	if op.Name == "meta-data" {
		limit = metaDataLimit
	}
	out := &tail{limit: limit}
	reason := ""
	var said []string
	errs := &lines{each: func(line string) {
		if why, ok := exitReason(line); ok {
			reason = why
			return
		}
		if said = append(said, line); len(said) > 10 {
			said = said[1:]
		}
	}}
	p := &process{file: file, args: args, env: l.environ(op), stdout: out, stderr: io.MultiWriter(out, errs)}
	if changesState(op) {
		p.began = func(pgid int) {
			line := journalLine{Begin: t.callID, Group: pgid}
			if st, err := readStat(pgid); err == nil {
				line.Started = st.startTime
			}
			l.journal.write(line)
		}
	}
	l.scripts.Store(true)
	e, err := p.run(ctx)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return notRunnable(r, fmt.Errorf("%s or its interpreter: %w", file, ErrNotFound))
		}
		return notRunnable(r, fmt.Errorf("%s: %w", file, err))
	}
	errs.end()
	for _, line := range said {
		l.cfg.Logger.Info(fmt.Sprintf("RA output: (%s:%s:stderr) %s", op.Resource, op.Name, line))
	}
	if e.cause != nil {
		tree := e.tree
		if e.immortal {
			tree += "; it does not end although killed"
		}
		return interrupted(r, e.cause, tree, reason, out.text())
	}
	if e.signal != 0 {
		r.Output = out.text()
		return failed(r, ErrGeneric, fmt.Sprintf("%s of %s was ended by signal %d (%s)", op.Name, op.Resource, int(e.signal), e.signal))
	}
	r.RC, r.Status, r.ExitReason, r.Output = mapCode(op, e.rc, out.text()), Done, reason, out.text()
	if r.RC == ErrUnimplemented {
		r.Status = NotSupported
	}
	return r
}

// interrupted is the result of an operation that was not let end.
func interrupted(r Result, cause error, tree, reason, output string) Result {
	op := &r.Op
	r.RC, r.Output = ErrGeneric, output
	if errors.Is(cause, errTimeout) {
		r.Status = TimedOut
		r.ExitReason = fmt.Sprintf("%s of %s did not end within %s and was killed", op.Name, op.Resource, op.Timeout)
	} else {
		r.Status = Failed
		r.ExitReason = fmt.Sprintf("%s of %s was killed: %v", op.Name, op.Resource, cause)
	}
	if reason != "" {
		r.ExitReason += "; it said: " + reason
	}
	if tree != "" {
		r.ExitReason += "; running were: " + tree
	}
	if last := lastLine(output); last != "" && tree != "" {
		r.ExitReason += fmt.Sprintf("; it printed last: %q", last)
	}
	return r
}

// lastLine returns the end of the last line of an output, bounded.
func lastLine(output string) string {
	if i := strings.LastIndexByte(output, '\n'); i >= 0 {
		output = output[i+1:]
	}
	if len(output) > 160 {
		output = "…" + strings.ToValidUTF8(output[len(output)-160:], "")
	}
	return output
}

// mapCode translates the exit code of a script into one of OCF.
func mapCode(op *Op, rc int, output string) int {
	if op.Name != "monitor" {
		return rc
	}
	switch op.Class {
	case "lsb":
		switch rc {
		case 0:
			return OK
		case 1, 2, 3:
			return NotRunning
		default:
			return ErrGeneric
		}
	case "heartbeat":
		return v1Status(output)
	}
	return rc
}

// v1Status decides by the words of a v1 script, as its exit code says nothing.
func v1Status(output string) int {
	s := strings.ToLower(output)
	if strings.Contains(s, "not running") || strings.Contains(s, "stopped") {
		return NotRunning
	}
	if strings.Contains(s, "running") || strings.Contains(output, "OK") {
		return OK
	}
	return NotRunning
}
