package agents

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// newAnything makes the agent that runs any program which stays in the foreground.
func newAnything() *standard {
	return &standard{
		separate: true,
		meta: metaData{
			name: "anything", shortdesc: "Manages an arbitrary service",
			longdesc: "Starts a program in the background, keeps its process in a file, and ends it.",
			params: []metaParam{
				{name: "binfile", typ: "string", required: true, shortdesc: "Full path of the program"},
				{name: "cmdline_options", typ: "string", shortdesc: "Command line options", longdesc: "Command line options, as a shell reads them."},
				{name: "workdir", typ: "string", shortdesc: "Directory to work in"},
				{name: "pidfile", typ: "string", shortdesc: "File for the process number", longdesc: "File for the process number. By default anything_RESOURCE.pid in the agents' run directory."},
				{name: "logfile", typ: "string", def: os.DevNull, shortdesc: "File for its standard output"},
				{name: "errlogfile", typ: "string", shortdesc: "File for its standard error", longdesc: "File for its standard error; by default that of its standard output."},
				{name: "user", typ: "string", def: "root", shortdesc: "User to run as"},
				{name: "monitor_hook", typ: "string", shortdesc: "Command of the monitor", longdesc: "A shell command that a monitor executes in addition; the monitor fails when it does."},
				{name: "stop_timeout", typ: "string", shortdesc: "Seconds to wait before SIGKILL", longdesc: "Seconds a stop waits after SIGTERM before it sends SIGKILL. By default two thirds of the stop's timeout, or all but 15 s of it."},
			},
			actions: usualActions("20s", "20s", "20s", "10s"),
		},
		check: func(c *request) error {
			if v := c.str("stop_timeout"); v != "" {
				if n, err := strconv.Atoi(v); err != nil || n < 0 {
					return badSpec("stop_timeout=%q is not a number of seconds", v)
				}
			}
			return nil
		},
		actions: map[string]action{"start": anythingStart, "stop": anythingStop, "monitor": anythingMonitor, "validate-all": func(_ context.Context, c *request) error {
			_, err := program(c.str("binfile"))
			return err
		}},
	}
}

func anythingPidFile(c *request) string {
	if f := c.str("pidfile"); f != "" {
		return f
	}
	return strings.TrimSuffix(stateFileIn(c, "anything"), ".state") + ".pid"
}

func anythingStart(ctx context.Context, c *request) error {
	file := anythingPidFile(c)
	if pid, err := pidOf(file); err != nil || pid > 0 {
		return err
	}
	if _, err := program(c.str("binfile")); err != nil {
		return err
	}
	if err := makeDir(file, ""); err != nil {
		return err
	}
	if d := c.str("workdir"); d != "" {
		if st, err := os.Stat(d); err != nil || !st.IsDir() {
			return notInstalled("workdir=%q is not a directory on this node", d)
		}
	}
	b := background{shell: shellQuote(c.str("binfile")) + " " + c.str("cmdline_options"), dir: c.str("workdir"), user: c.str("user"),
		out: c.str("logfile"), err: cmp.Or(c.str("errlogfile"), c.str("logfile"))}
	pid, err := b.start(ctx)
	if err != nil {
		return err
	}
	return writeState(file, strconv.Itoa(pid)+"\n")
}

func anythingStop(ctx context.Context, c *request) error {
	file := anythingPidFile(c)
	pid, err := pidOf(file)
	if err != nil {
		return err
	}
	if pid > 0 {
		patience := c.stopPatience(20 * time.Second)
		if n, err := strconv.Atoi(c.str("stop_timeout")); err == nil {
			patience = time.Duration(n) * time.Second
		}
		if err := endProcess(ctx, c, pid, patience); err != nil {
			return err
		}
	}
	return dropState(file)
}

func anythingMonitor(ctx context.Context, c *request) error {
	pid, err := pidOf(anythingPidFile(c))
	if err != nil {
		return err
	}
	if pid == 0 {
		return errNotRunning
	}
	if hook := c.str("monitor_hook"); hook != "" {
		if _, err := c.command(ctx, "sh", "-c", hook); err != nil {
			return fmt.Errorf("process %d runs, but monitor_hook says it does not work: %w", pid, err)
		}
	}
	return nil
}

// shellQuote makes one word of a text for a shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
