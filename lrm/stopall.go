package lrm

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/quorate/quorate/agents"
)

// How a release of everything ended for one resource.
const (
	// ReleasedByStop is a stop by its agent, in time.
	ReleasedByStop = "stopped"
	// ReleasedByForce is a release by the built-in agent after the deadline.
	ReleasedByForce = "released by force"
	// ReleasedByDemote is a demotion in time: it runs on, unpromoted, as
	// [Config.Demotes] allows.
	ReleasedByDemote = "demoted"
	// NotReleased is a resource that may still be active.
	NotReleased = "not released"
)

// Released tells how one resource left this node.
type Released struct {
	Resource string
	// How is one of the constants above.
	How string
	// Reason says why it was not simply stopped.
	Reason string
	// Took counts from the call of StopAll.
	Took time.Duration
	// forced tells that force was tried.
	forced bool
}

// StopAll stops everything active and managed, for the end of the right to run
// resources: in reverse order of the starts, and in parallel what is independent
// (see [Config.Requires]). Operations under way other than stops are killed,
// those that wait are withdrawn, and until it returns only stops are accepted.
// At the deadline what is left of agents is killed, and each built-in agent
// takes its resource away by force, whether or not a script stands in for it.
// When ctx ends first, no further stop begins and nothing is forced.
// The answer is sorted by resource; what it lists as [NotReleased] may be active.
func (l *LRM) StopAll(ctx context.Context, deadline time.Time) []Released {
	began := time.Now()
	plan := l.beginRelease()
	if plan == nil {
		return nil
	}
	defer l.post(l.core.EndRelease)
	timed, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()

	var wg sync.WaitGroup
	answers := make([]Released, len(plan))
	gone := map[string]chan struct{}{}
	for i := range plan {
		gone[plan[i].Op.Resource] = make(chan struct{})
	}
	for i := range plan {
		p := &plan[i]
		answers[i] = Released{Resource: p.Op.Resource, How: NotReleased}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer close(gone[p.Op.Resource])
			for _, user := range p.Users {
				select {
				case <-gone[user]:
				case <-timed.Done():
					answers[i].Reason = "its stop waited for " + user
					return
				}
			}
			if p.Demote && l.demoteOne(timed, p.Op, deadline) {
				answers[i].How, answers[i].Took = ReleasedByDemote, time.Since(began)
				return
			}
			how, reason := l.stopOne(timed, p.Op, deadline)
			answers[i].How, answers[i].Reason = how, reason
			if how == NotReleased && timed.Err() == nil {
				// Its agent failed to stop it: no use in waiting for the deadline.
				l.force(p.Op, &answers[i])
			}
			answers[i].Took = time.Since(began)
		}()
	}
	wg.Wait()
	if ctx.Err() == nil && !time.Now().Before(deadline) {
		l.cut(plan)
		// Addresses first: they cost no time and wait for nobody. Then what was
		// started last, as it may need what was started before.
		for _, addresses := range []bool{true, false} {
			for i := len(plan) - 1; i >= 0; i-- {
				op := &plan[i].Op
				if answers[i].How == NotReleased && !answers[i].forced && addresses == agents.IsAddress(op.Class, op.Provider, op.Type) {
					l.force(*op, &answers[i])
					answers[i].Took = time.Since(began)
				}
			}
		}
	}
	sort.Slice(answers, func(i, j int) bool { return answers[i].Resource < answers[j].Resource })
	return answers
}

// releaseParallel is how many stops run at one time when everything has to go.
const releaseParallel = 32

// beginRelease withdraws and kills what is not a stop, and plans the stops.
func (l *LRM) beginRelease() (plan []Release) {
	ok := l.ask(func() {
		plan = l.core.BeginRelease(l.cfg.releaseRules())
		for _, f := range l.flight {
			if !l.core.Spares(plan, &f.exec.task.op) {
				f.cancel(errCut)
			}
		}
	})
	if !ok {
		return nil
	}
	return plan
}

// withoutTimes leaves out the meta attributes that belong to another operation.
func withoutTimes(params map[string]string) map[string]string {
	p := make(map[string]string, len(params))
	for k, v := range params {
		switch k {
		case "CRM_meta_timeout", "CRM_meta_interval", "CRM_meta_name", "CRM_meta_start_delay", checkLevel, "CRM_meta_" + checkLevel:
		default:
			p[k] = v
		}
	}
	return p
}

// demoteOne demotes a resource, if it does so in two thirds of the time: the rest
// is for a stop. It reports whether it did.
func (l *LRM) demoteOne(ctx context.Context, op Op, deadline time.Time) bool {
	still, promoted := false, false
	l.ask(func() {
		a := l.core.active.m[op.Resource]
		still, promoted = a != nil, a != nil && a.promoted
	})
	if !still || !promoted {
		return still
	}
	op.Name, op.Timeout = "demote", 2*time.Until(deadline)/3
	if op.Timeout <= 0 || ctx.Err() != nil {
		return false
	}
	got := make(chan Result, 1)
	l.submit(op, func(r Result) { got <- r })
	select {
	case r := <-got:
		if r.Status == Done && r.RC == OK {
			return true
		}
		l.cfg.Logger.Warn(fmt.Sprintf("%s could not be demoted (rc=%d %s): it is stopped", op.Resource, r.RC, r.ExitReason))
	case <-ctx.Done():
	case <-l.gone:
	}
	return false
}

// stopOne stops a resource and waits for the result or for the end of ctx.
func (l *LRM) stopOne(ctx context.Context, op Op, deadline time.Time) (how, reason string) {
	var still, fallen bool
	l.ask(func() {
		still = l.core.active.m[op.Resource] != nil
		_, fallen = l.core.fallen[op.Resource]
	})
	switch {
	case still:
	case fallen && time.Until(deadline) > 0:
		// A check found it not running: its stop tidies up, and nothing depends on it.
		op.Timeout = time.Until(deadline)
		l.submit(op, nil)
		return ReleasedByStop, ""
	default:
		return ReleasedByStop, ""
	}
	op.Timeout = time.Until(deadline)
	if op.Timeout <= 0 || ctx.Err() != nil {
		return NotReleased, "there was no time left to stop it"
	}
	got := make(chan Result, 1)
	l.submit(op, func(r Result) { got <- r })
	select {
	case r := <-got:
		if r.Status == Done && r.RC == OK {
			return ReleasedByStop, ""
		}
		if reason = r.ExitReason; reason == "" {
			reason = fmt.Sprintf("its stop returned %d", r.RC)
		}
		return NotReleased, reason
	case <-ctx.Done():
		return NotReleased, "its stop did not end in time"
	case <-l.gone:
		return NotReleased, ErrClosed.Error()
	}
}

// cut kills every script under way but for the monitors of what stays.
func (l *LRM) cut(plan []Release) {
	l.ask(func() {
		stays := l.core.unplanned(plan)
		for _, f := range l.flight {
			if op := &f.exec.task.op; op.Interval == 0 || !stays(op.Resource) {
				f.cancel(errCut)
			}
		}
	})
}

// force lets the built-in agent of that name, or who else knows how, take the
// resource away.
func (l *LRM) force(op Op, a *Released) {
	a.forced = true
	agent, ok := l.cfg.Registry(op.Class, op.Provider, op.Type)
	rel, can := agent.(agents.Releaser)
	if !ok || !can {
		rel, can = agents.LookupReleaser(op.Class, op.Provider, op.Type)
	}
	if !can {
		a.Reason += "; nothing built in can take it away by force"
		return
	}
	env := l.agentEnv(&op)
	out := &lines{each: func(line string) {
		l.cfg.Logger.Warn(fmt.Sprintf("%s: forced release: %s", op.Resource, line))
	}}
	env.Stderr = out
	if err := rel.Release(env); err != nil {
		a.Reason += fmt.Sprintf("; taking it away by force: %v", err)
		return
	}
	a.How = ReleasedByForce
	l.post(func() { l.core.Released(op, time.Now()) })
}
