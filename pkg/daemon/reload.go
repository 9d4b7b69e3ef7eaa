package daemon

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"syscall"

	"github.com/quorate/quorate/ccm/link"
	"github.com/quorate/quorate/pkg/authkeys"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/v1"
)

// reloader reads the files anew that may change while the daemon runs. It
// belongs to one goroutine.
type reloader struct {
	opts  Options
	log   *slog.Logger
	links func() *link.Transport
	keys  link.Keys
	hacf  []byte // the text that the daemon was started with
	lines []byte // that of haresources, with "crm no"
	v1    bool   // whether there is one
	asked chan func(text string, restarts bool, err error)
	// restart restarts the daemon in place, with a changed ha.cf.
	restart func()
	// setPlan takes a changed haresources.
	setPlan func(*v1.Plan)
}

func newReloader(o Options, s *settings, log *slog.Logger) *reloader {
	r := &reloader{opts: o, log: log.With("component", "heartbeat"), links: func() *link.Transport { return s.links },
		keys: s.keys, asked: make(chan func(string, bool, error))}
	r.hacf, _ = os.ReadFile(filepath.Join(o.ConfigDir, "ha.cf"))
	if r.v1 = s.plan != nil; r.v1 {
		r.lines, _ = os.ReadFile(filepath.Join(o.ConfigDir, "haresources"))
	}
	return r
}

// run serves SIGHUP and "quorate reload" until ctx ends.
func (r *reloader) run(ctx context.Context, hangups <-chan os.Signal) {
	for {
		reply := func(string, bool, error) {}
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		case reply = <-r.asked:
		}
		text, changed, err := r.reload()
		if err != nil {
			r.log.Error("Reload refused, nothing has changed: " + err.Error())
		} else {
			r.log.Info("Reload: " + text)
		}
		reply(text, changed, err)
		if changed {
			r.restart()
		}
	}
}

// reload takes the keys over. It says what it has done, or why nothing was done,
// and whether ha.cf has changed as well.
func (r *reloader) reload() (text string, changed bool, err error) {
	path := filepath.Join(r.opts.ConfigDir, "authkeys")
	keys, remarks, err := authkeys.Load(path)
	report(r.log, remarks)
	if err != nil {
		return "", false, err
	}
	conf, changed, err := r.compareConf()
	if err != nil {
		return "", false, err
	}
	text = path + " has not changed"
	if !reflect.DeepEqual(*keys, r.keys) {
		if err := r.links().SetKeys(*keys); err != nil {
			return "", false, fmt.Errorf("%s: %w", path, err)
		}
		text = fmt.Sprintf("%s: key %d (%s) signs, %d key(s) are accepted", path, keys.Sign, keys.ByID[keys.Sign].Method, len(keys.ByID))
		old, known := r.keys.ByID[keys.Sign]
		if !known || !reflect.DeepEqual(old, keys.ByID[keys.Sign]) {
			text += fmt.Sprintf("; key %d is new here and signs at once: nodes that do not have it yet drop what this node sends (first add it on all nodes and reload, then change the auth line)", keys.Sign)
			r.log.Warn(fmt.Sprintf("Key %d is new here and signs at once: nodes that do not have it yet drop what this node sends", keys.Sign))
		}
		r.keys = *keys
	}
	return text + "; " + conf, changed, nil
}

// compareConf says whether ha.cf is still what the daemon runs by; a changed one
// must be in order.
func (r *reloader) compareConf() (text string, changed bool, err error) {
	path := filepath.Join(r.opts.ConfigDir, "ha.cf")
	now, err := os.ReadFile(path)
	switch {
	case err != nil:
		return fmt.Sprintf("%v: the daemon goes on with what it read at its start", err), false, nil
	case bytes.Equal(now, r.hacf) && r.newLines():
		return r.replan(path)
	case bytes.Equal(now, r.hacf):
		return path + " has not changed", false, nil
	}
	if _, _, err := hacf.Load(path, r.opts.Self, hacf.Options{}); err != nil {
		return "", false, fmt.Errorf("%s would be refused at the next start: %w", path, err)
	}
	return path + " has changed: the daemon restarts in place with it, resources stay", true, nil
}

// replan takes a changed haresources, which must be in order.
func (r *reloader) replan(hacfPath string) (text string, changed bool, err error) {
	lines, err := os.ReadFile(filepath.Join(r.opts.ConfigDir, "haresources"))
	if err != nil {
		return "", false, err
	}
	conf, _, err := hacf.Load(hacfPath, r.opts.Self, hacf.Options{})
	if err != nil {
		return "", false, fmt.Errorf("haresources would be refused at the next start: %w", err)
	}
	plan, err := loadPlan(conf, r.opts.ConfigDir)
	if err != nil {
		return "", false, err
	}
	r.lines = lines
	r.setPlan(plan)
	return "haresources has changed: it is in force when it is the same on all nodes", false, nil
}

// newLines reports whether haresources is another one.
func (r *reloader) newLines() bool {
	now, err := os.ReadFile(filepath.Join(r.opts.ConfigDir, "haresources"))
	return r.v1 && err == nil && !bytes.Equal(now, r.lines)
}

// ask serves VerbReload.
func (r *reloader) ask(ctx context.Context, reply func(*client.Response) error) error {
	answered := make(chan *client.Response, 1)
	done := func(text string, restarts bool, err error) {
		if err != nil {
			answered <- &client.Response{Code: cli.ExitConfig, Error: "reload refused, nothing has changed: " + err.Error()}
			return
		}
		answered <- &client.Response{Text: text, Restarts: restarts}
	}
	select {
	case r.asked <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case a := <-answered:
		return reply(a)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hangups returns the channel of SIGHUP, which from now on does not end the
// daemon.
func hangups() (ch chan os.Signal, stop func()) {
	ch = make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGHUP)
	return ch, func() { signal.Stop(ch) }
}
