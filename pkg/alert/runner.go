package alert

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"syscall"

	"github.com/quorate/quorate/lrm"
)

// Bounds of a runner: how many agents run at a time, and how many calls wait.
const (
	maxRunning = 16
	maxWaiting = 1000
)

// Config says how a [Runner] works.
type Config struct {
	// Version is told to the agents.
	Version string
	// Credential returns the account under which agents run; an error keeps them
	// from being called.
	Credential func() (*syscall.Credential, error)
	// Env is what agents get besides the event, PATH among it.
	Env    []string
	Logger *slog.Logger
}

// Runner calls agents. Its methods may be called from any goroutine and do not
// block.
type Runner struct {
	cfg  Config
	slot chan struct{}

	mu       sync.Mutex
	agents   []Agent
	sequence uint64
	waiting  int
	lost     bool // calls were dropped, which was said
	noUser   bool // that there is no account was said
}

// NewRunner returns a runner without agents.
func NewRunner(cfg Config) *Runner {
	return &Runner{cfg: cfg, slot: make(chan struct{}, maxRunning)}
}

// Configure replaces the agents.
func (r *Runner) Configure(agents []Agent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.agents = agents
}

// Send calls every agent that selects the event, all at the same time; ctx ends
// what runs.
func (r *Runner) Send(ctx context.Context, e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.agents) == 0 {
		return
	}
	r.sequence++
	for i := range r.agents {
		a := &r.agents[i]
		if !a.wants(&e) {
			continue
		}
		if r.waiting >= maxWaiting {
			if !r.lost {
				r.cfg.Logger.Warn(fmt.Sprintf("alert %s: %d calls wait already: what happens meanwhile is not told", a.ID, r.waiting))
			}
			r.lost = true
			continue
		}
		r.waiting++
		env := append(e.environ(a, r.cfg.Version, r.sequence), r.cfg.Env...)
		go r.call(ctx, *a, env)
	}
}

// call runs one agent once.
func (r *Runner) call(ctx context.Context, a Agent, env []string) {
	defer func() {
		r.mu.Lock()
		if r.waiting--; r.waiting == 0 {
			r.lost = false
		}
		r.mu.Unlock()
	}()
	select {
	case r.slot <- struct{}{}:
		defer func() { <-r.slot }()
	case <-ctx.Done():
		return
	}
	cred, err := r.cfg.Credential()
	if err != nil {
		r.mu.Lock()
		said := r.noUser
		r.noUser = true
		r.mu.Unlock()
		if !said {
			r.cfg.Logger.Error(fmt.Sprintf("alert %s: %s is not called: %v", a.ID, a.Path, err))
		}
		return
	}
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	rc, output, err := lrm.Program{File: a.Path, Env: env, Credential: cred}.Run(ctx)
	switch {
	case err != nil:
		r.cfg.Logger.Warn(fmt.Sprintf("alert %s: %v", a.ID, err))
	case rc != 0:
		r.cfg.Logger.Warn(fmt.Sprintf("alert %s: %s returned %d: %s", a.ID, a.Path, rc, output))
	}
}
