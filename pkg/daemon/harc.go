package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quorate/quorate/lrm"
)

// harc calls the handlers of rc.d, one after another, as Heartbeat's program of
// that name did: a message has the handler of its name.
type harc struct {
	dir  string
	env  []string
	log  *slog.Logger
	todo chan handler1
}

type handler1 struct {
	name string
	env  []string
}

// handlerBound is how long a handler may take, maxHandlers how many wait.
const (
	handlerBound = time.Minute
	maxHandlers  = 256
)

// ownHandlers are what Heartbeat's stock handlers call. This daemon does their
// work itself: a handler that names one of these is not executed.
var ownHandlers = []string{"mach_down", "ResourceManager", "req_resource", "hb_standby"}

func newHarc(configDir string, env []string, log *slog.Logger) *harc {
	h := &harc{dir: filepath.Join(configDir, "rc.d"), log: log.With("component", "harc"), todo: make(chan handler1, maxHandlers),
		env: append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, env...)}
	go h.run()
	return h
}

// call has a handler called if there is one. It does not wait.
func (h *harc) call(name string, fields []string) {
	file := filepath.Join(h.dir, name)
	fi, err := os.Stat(file)
	if err != nil || !fi.Mode().IsRegular() || fi.Mode()&0o111 == 0 {
		return
	}
	h.log.Info(fmt.Sprintf("Running %s %s", file, name))
	text, err := os.ReadFile(file)
	if err != nil {
		h.log.Error(err.Error())
		return
	}
	for _, stock := range ownHandlers {
		if strings.Contains(string(text), stock) {
			h.log.Debug(fmt.Sprintf("%s is Heartbeat's (it calls %s): the daemon does its work itself", file, stock))
			return
		}
	}
	job := handler1{name, h.env[:len(h.env):len(h.env)]}
	for _, f := range fields {
		job.env = append(job.env, "HA_"+f)
	}
	select {
	case h.todo <- job:
	default:
		h.log.Error(fmt.Sprintf("%s is not called: %d handlers are waiting already", file, maxHandlers))
	}
}

func (h *harc) run() {
	for job := range h.todo {
		file := filepath.Join(h.dir, job.name)
		ctx, cancel := context.WithTimeout(context.Background(), handlerBound)
		rc, out, err := lrm.Program{File: file, Args: []string{job.name}, Env: job.env}.Run(ctx)
		cancel()
		switch {
		case err != nil:
			h.log.Error(err.Error())
		case rc != 0:
			h.log.Warn(fmt.Sprintf("%s %s returned %d: %.200s", file, job.name, rc, out))
		}
	}
}

func (h *harc) close() { close(h.todo) }
