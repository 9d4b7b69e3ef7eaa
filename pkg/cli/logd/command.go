package logd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/halog"
)

// Files of the logging daemon.
const (
	defaultConfig = "/etc/logd.cf"
	stateDir      = "/var/lib/heartbeat"
	pidName       = "logd.pid"
)

// exitStopped is what ha_logd -s ends with when it does not run.
const exitStopped = 3

type command struct {
	env                      *cli.Env
	config, state, pidFile   string
	status, stop, background bool
}

// NewDaemon returns the command ha_logd.
func NewDaemon(env *cli.Env) *cobra.Command {
	c := &command{env: env}
	cmd := &cobra.Command{
		Use:   "ha_logd [-s | -k | -d] [-c FILE]",
		Short: "the logging daemon",
		Long: `ha_logd takes lines of the log from the cluster daemon (use_logd in ha.cf) and
from ha_logger, and writes them where its own file says: logfile, debugfile,
logfacility, entity, syslogmsgfmt. It runs in the foreground unless -d is given.

Without a file of its own it writes /var/log/ha-log, /var/log/ha-debug and syslog
under daemon. Exit code of -s: 0 it runs, 3 it does not.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return c.run() },
	}
	f := cmd.Flags()
	f.BoolVarP(&c.status, "status", "s", false, "tell whether it runs")
	f.BoolVarP(&c.stop, "kill", "k", false, "stop it")
	f.BoolVarP(&c.background, "daemonize", "d", false, "go to the background")
	f.StringVarP(&c.config, "config", "c", defaultConfig, "file to read")
	f.StringVar(&c.state, "state-dir", stateDir, "directory of the socket")
	cmd.MarkFlagsMutuallyExclusive("status", "kill", "daemonize")
	return cmd
}

func (c *command) run() error {
	c.pidFile = filepath.Join(filepath.Dir(c.env.RunDir), pidName)
	switch {
	case c.status:
		if pid := c.running(); pid > 0 {
			fmt.Fprintf(c.env.Stdout, "logging daemon is running [pid = %d].\n", pid)
			return nil
		}
		fmt.Fprintln(c.env.Stdout, "logging daemon is stopped.")
		return &cli.Exit{Code: exitStopped}
	case c.stop:
		return c.kill()
	}
	if pid := c.running(); pid > 0 {
		fmt.Fprintf(c.env.Stderr, "logging daemon is already running [pid = %d].\n", pid)
		return nil
	}
	conf, err := readConfig(c.config)
	if err != nil {
		return err
	}
	if c.background {
		return c.daemonize()
	}
	return c.serve(conf)
}

// running returns the process that holds the pid file, 0 for none.
func (c *command) running() int {
	f, err := os.Open(c.pidFile)
	if err != nil {
		return 0
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil {
		return 0 // nobody holds it
	}
	b := make([]byte, 32)
	n, _ := f.Read(b)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return pid
}

// endBound is how long the daemon may take to start or to end.
const endBound = 10 * time.Second

func (c *command) kill() error {
	pid := c.running()
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return cli.Exitf(1, "ha_logd: process %d: %w", pid, err)
	}
	return wait("it does not end", func() bool { return c.running() == 0 })
}

func wait(failure string, done func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(endBound); !done(); <-tick.C {
		if time.Now().After(deadline) {
			return cli.Exitf(1, "ha_logd: %s within %v", failure, endBound)
		}
	}
	return nil
}

// daemonize runs this program once more, in a session of its own, and waits until
// that serves.
func (c *command) daemonize() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-c", c.config, "--state-dir", c.state)
	cmd.Args[0] = "ha_logd"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return cli.Exitf(1, "ha_logd: %w", err)
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	var ended error
	return errors.Join(wait("it does not serve", func() bool {
		select {
		case err := <-gone:
			ended = cli.Exitf(1, "ha_logd: it ended at once: %v", err)
			return true
		default:
		}
		return c.running() == cmd.Process.Pid
	}), ended)
}

// serve takes lines until it is asked to end.
func (c *command) serve(conf *config) error {
	pid, err := os.OpenFile(c.pidFile, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return cli.Exitf(1, "ha_logd: %w", err)
	}
	defer pid.Close()
	if err := unix.Flock(int(pid.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return cli.Exitf(1, "ha_logd: another one has just started")
	}
	if err := os.MkdirAll(c.state, 0o755); err != nil {
		return cli.Exitf(1, "ha_logd: %w", err)
	}
	socket := filepath.Join(c.state, halog.LogdSocketName)
	_ = os.Remove(socket) // of one that was killed; the lock says that none runs
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return cli.Exitf(1, "ha_logd: %w", err)
	}
	defer os.Remove(socket)
	defer conn.Close()
	_ = conn.SetReadBuffer(4 << 20)
	if err := os.Chmod(socket, 0o666); err != nil { // anybody may log, as with syslog
		return cli.Exitf(1, "ha_logd: %w", err)
	}
	var set *halog.Set
	say := func(level, text string) {
		fmt.Fprintf(c.env.Stderr, "%s[%d]: %s: %s\n", conf.entity, os.Getpid(), level, text)
		set.Put(halog.Record{Time: time.Now(), Entity: conf.entity, PID: os.Getpid(), Level: slog.LevelWarn, Text: text})
	}
	set = halog.Open(conf.log, halog.Options{Syslog: os.Getenv("HA_SYSLOG_SOCKET"), Say: say})
	defer set.Close(time.Second)
	if _, err := fmt.Fprintf(pid, "%d\n", os.Getpid()); err != nil {
		return cli.Exitf(1, "ha_logd: %w", err)
	}
	defer pid.Truncate(0)
	set.Put(halog.Record{Time: time.Now(), Entity: conf.entity, PID: os.Getpid(), Text: "ha_logd started"})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Now()) })()
	b := make([]byte, 1<<16)
	for ctx.Err() == nil {
		n, err := conn.Read(b)
		if err != nil {
			continue // the end, or a datagram that is none
		}
		if r, err := halog.DecodeLogd(b[:n]); err == nil {
			set.Put(r)
		}
	}
	set.Put(halog.Record{Time: time.Now(), Entity: conf.entity, PID: os.Getpid(), Text: "ha_logd stops"})
	return nil
}
