package mon

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/tool"
)

// detached marks the process in the background.
const detached = "QUORATE_MON_DETACHED"

// background starts this command again as a process of its own, or, being that
// process, watches the cluster until it is told to end.
func (o *flags) background(ctx context.Context, env *cli.Env, b Backend, retry time.Duration) error {
	if o.t.To == "-" && o.agent == "" {
		return tool.Usage("--daemonize requires at least one of --output-to and --external-agent")
	}
	if os.Getenv(detached) == "" {
		self, err := os.Executable()
		if err != nil {
			return cli.Exitf(cli.ExitError, "%w", err)
		}
		c := exec.Command(self, os.Args[1:]...)
		c.Args[0] = os.Args[0]
		c.Env = append(os.Environ(), detached+"=1")
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := c.Start(); err != nil {
			return cli.Exitf(cli.ExitError, "cannot start in the background: %w", err)
		}
		return nil
	}
	if o.pidFile != "" {
		if err := os.WriteFile(o.pidFile, fmt.Appendf(nil, "%12d", os.Getpid()), 0o644); err != nil {
			return cli.Exitf(cli.ExitCantCreate, "%w", err)
		}
		defer os.Remove(o.pidFile)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	to := o.t.To
	o.t.To = "-"
	pics := make(chan picture)
	go watch(ctx, b, retry, pics)
	seen := map[string]string{}
	first := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-pics:
			if p.root == nil {
				continue
			}
			if to != "-" {
				o.Now = time.Now()
				if err := o.write(to, p.root); err != nil {
					return err
				}
			}
			if o.agent != "" {
				o.tell(ctx, p.root, seen, first)
			}
			first = false
		}
	}
}

// write puts the picture into a file, whole or not at all.
func (o *flags) write(path string, root *cib.Element) error {
	var text string
	if o.t.Format == formatHTML {
		text = HTML(root, o.Options, o.title, o.stylesheet)
	} else {
		text = Render(root, o.Options)
	}
	fresh := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.WriteFile(fresh, []byte(text), 0o644); err != nil {
		return cli.Exitf(cli.ExitCantCreate, "%w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return cli.Exitf(cli.ExitCantCreate, "%w", err)
	}
	return nil
}

// tell runs the external agent for each operation that is new since the last
// picture; what the first one shows is not news.
func (o *flags) tell(ctx context.Context, root *cib.Element, seen map[string]string, first bool) {
	for _, n := range root.First("status").All("node_state") {
		for _, r := range n.Path("lrm", "lrm_resources").All("lrm_resource") {
			for _, op := range r.All("lrm_rsc_op") {
				key, mark := n.ID()+"\x00"+r.ID()+"\x00"+op.ID(), op.Get("call-id")+":"+op.Get("transition-magic")
				if seen[key] == mark {
					continue
				}
				seen[key] = mark
				if first || op.Get("op-status") == "-1" {
					continue
				}
				o.notify(ctx, n, r, op)
			}
		}
	}
}

// notify runs the external agent for one operation.
func (o *flags) notify(ctx context.Context, n, r, op *cib.Element) {
	rc, _ := strconv.Atoi(op.Get("rc-code"))
	desc := rcWord(rc)
	if st := op.Get("op-status"); st != "0" && st != "" {
		v, _ := strconv.Atoi(st)
		desc = statusWord(v)
	}
	target := newRecord(op).target
	c := exec.CommandContext(ctx, o.agent)
	c.Env = append(os.Environ(), "CRM_notify_recipient="+o.recipient, "CRM_notify_node="+n.Get("uname"), "CRM_notify_rsc="+r.ID(),
		"CRM_notify_task="+op.Get("operation"), "CRM_notify_desc="+desc, "CRM_notify_rc="+strconv.Itoa(rc),
		"CRM_notify_target_rc="+strconv.Itoa(target), "CRM_notify_status="+op.Get("op-status"))
	c.Stdout, c.Stderr = nil, nil
	_ = c.Run() // what a notification program does is its own affair
}
