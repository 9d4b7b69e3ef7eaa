package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/pkg/authkeys"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/realtime"
)

// Exit codes of heartbeat -s.
const (
	exitDead    = 1 // there is a pid file and no process
	exitStopped = 3
)

// startWait is how long a daemon may take until it answers.
const startWait = 30 * time.Second

// PIDFile is the file that holds the daemon's process while it runs.
func PIDFile(runDir string) string { return runDir + ".pid" }

// heartbeat is one call of that command.
type heartbeat struct {
	env                  *cli.Env
	o                    Options
	status, stop, reload bool
}

// NewHeartbeat returns the command heartbeat, as init scripts call it.
func NewHeartbeat(env *cli.Env) *cobra.Command {
	h := &heartbeat{env: env}
	c := &cobra.Command{
		Use:   "heartbeat [-s | -k | -r]",
		Short: "start, stop and ask the daemon as an init script does",
		Long: `heartbeat starts the daemon of this node in the background; its log goes where
ha.cf says. -s tells whether it runs, -k stops it in order and waits for its end,
-r has it read its files anew, resources stay.

Exit codes: 0 done, or it runs; of -s 1 it has died, 3 it does not run; 6 the
configuration is wrong; 4 permission denied.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			return h.run(ctx)
		},
	}
	f := c.Flags()
	f.BoolVarP(&h.status, "status", "s", false, "tell whether the daemon runs")
	f.BoolVarP(&h.stop, "kill", "k", false, "stop the daemon")
	f.BoolVarP(&h.reload, "reload", "r", false, "read the files anew")
	f.StringVar(&h.o.ConfigDir, "config-dir", DefaultConfigDir, "directory of ha.cf, authkeys and haresources")
	f.StringVar(&h.o.StateDir, "state-dir", DefaultStateDir, "directory of what must survive")
	f.StringVar(&h.o.RunDir, "run-dir", env.RunDir, "directory of the socket and of volatile state")
	c.MarkFlagsMutuallyExclusive("status", "kill", "reload")
	return c
}

func (h *heartbeat) run(ctx context.Context) error {
	st := h.asked(ctx)
	switch {
	case h.status && st != nil:
		fmt.Fprintf(h.env.Stdout, "heartbeat OK [pid %d et al] is running on %s [%s]...\n", st.PID, host(), st.Node)
		return nil
	case h.status:
		fmt.Fprintln(h.env.Stdout, "heartbeat is stopped. No process")
		if _, err := os.Stat(PIDFile(h.o.RunDir)); err == nil {
			return &cli.Exit{Code: exitDead}
		}
		return &cli.Exit{Code: exitStopped}
	case h.stop && st == nil:
		fmt.Fprintln(h.env.Stderr, "INFO: Heartbeat already stopped.")
		return nil
	case h.stop:
		return h.end(ctx, st.PID)
	case h.reload && st != nil:
		return h.renew(ctx)
	case st != nil:
		fmt.Fprintf(h.env.Stderr, "already running [pid %d].\n", st.PID)
		return nil
	}
	return h.start(ctx)
}

func host() string {
	h, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return h
}

// asked returns the status of the daemon, nil when none answers.
func (h *heartbeat) asked(ctx context.Context) *client.Status {
	c, err := client.Dial(h.o.RunDir)
	if err != nil {
		return nil
	}
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return nil
	}
	return st
}

// end stops the daemon and waits until the process is gone.
func (h *heartbeat) end(ctx context.Context, pid int) error {
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		code := 1
		if errors.Is(err, syscall.EPERM) {
			code = 4
		}
		return cli.Exitf(code, "heartbeat: process %d: %w", pid, err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for syscall.Kill(pid, 0) == nil && !zombie(pid) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// zombie reports whether a process has ended and its parent has not noticed.
func zombie(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z")
}

// renew has the daemon read its files anew.
func (h *heartbeat) renew(ctx context.Context) error {
	c, err := client.Dial(h.o.RunDir)
	if err != nil {
		return err
	}
	defer c.Close()
	resp, err := c.Do(ctx, &client.Request{Verb: client.VerbReload})
	if err != nil {
		return cli.Exitf(1, "%w", err)
	}
	fmt.Fprintln(h.env.Stdout, resp.Text)
	return nil
}

// start checks the files, so that what is wrong is said here, and starts the daemon.
func (h *heartbeat) start(ctx context.Context) error {
	self, err := SelfName()
	if err != nil {
		return err
	}
	conf, _, err := hacf.Load(filepath.Join(h.o.ConfigDir, "ha.cf"), self, hacf.Options{})
	if err == nil {
		_, _, err = authkeys.Load(filepath.Join(h.o.ConfigDir, "authkeys"))
	}
	if err == nil {
		_, err = loadPlan(conf, h.o.ConfigDir)
	}
	if err == nil {
		_, err = newTiming(conf)
	}
	if err != nil {
		code := exitStart
		if errors.Is(err, os.ErrPermission) {
			code = 4
		}
		return cli.Exitf(code, "%w\nConfiguration error, heartbeat not started.", err)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(program, "run", "--config-dir", h.o.ConfigDir, "--state-dir", h.o.StateDir, "--run-dir", h.o.RunDir)
	cmd.Args[0] = "quorate"
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := realtime.Start(cmd); err != nil {
		return cli.Exitf(1, "heartbeat: %w", err)
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		if st := h.asked(ctx); st != nil && st.PID == cmd.Process.Pid {
			return nil
		}
		select {
		case err := <-gone:
			return cli.Exitf(exitStart, "heartbeat: the daemon ended at once (%v); its log tells why, as does: quorate run", err)
		case <-tick.C:
		case <-ctx.Done():
			return cli.Exitf(1, "heartbeat: the daemon does not answer after %v; its log tells why", startWait)
		}
	}
}
