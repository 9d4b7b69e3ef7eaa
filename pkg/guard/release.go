package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/agents"
	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
)

// leftovers returns what the journal says is active or in flight here and has to
// go.
func (p *process) leftovers() (out []lrm.Leftover) {
	found, err := lrm.ReadJournal(lrm.JournalFile(filepath.Join(p.runDir, ResourceDir)))
	if err != nil {
		p.log.Error(fmt.Sprintf("what is active here is not known: %v", err))
		return nil
	}
	if len(found) == 0 {
		return nil
	}
	in := p.instructions()
	return slices.DeleteFunc(found, func(l lrm.Leftover) bool {
		return !in.managed(l.Op.Resource) || !l.InFlight && !l.Promoted && in.demotes(l.Op.Resource)
	})
}

// left returns the names of the leftovers.
func (p *process) left() (out []string) {
	for _, l := range p.leftovers() {
		if !slices.Contains(out, l.Op.Resource) {
			out = append(out, l.Op.Resource)
		}
	}
	return out
}

// instructions returns what the daemon has said last. A torn list keeps nothing.
func (p *process) instructions() (in Instructions) {
	b, err := os.ReadFile(filepath.Join(p.runDir, keepName))
	if err == nil && json.Unmarshal(b, &in) != nil {
		return Instructions{}
	}
	return in
}

// managed reports whether the resource is not on the list of what stays.
func (in *Instructions) managed(resource string) bool {
	return !slices.Contains(in.Keep, base(resource))
}

func (in *Instructions) demotes(resource string) bool {
	return slices.Contains(in.Demote, base(resource))
}

// requires is [lrm.Config.Requires]; nil where nothing is known.
func (in *Instructions) requires() func(string) []string {
	if in.Requires == nil {
		return nil
	}
	return func(resource string) []string { return in.Requires[resource] }
}

// base is a resource without the number of its instance.
func base(resource string) string {
	if i := strings.LastIndexByte(resource, ':'); i > 0 {
		return resource[:i]
	}
	return resource
}

// cutAddresses removes the addresses among the leftovers, on this thread and
// without asking anybody. It reports whether all are gone.
func (p *process) cutAddresses() (gone bool) {
	gone = true
	var cuts []Cut
	for _, l := range p.leftovers() {
		op := l.Op
		if !agents.IsAddress(op.Class, op.Provider, op.Type) {
			continue
		}
		rel, ok := agents.LookupReleaser(op.Class, op.Provider, op.Type)
		if !ok {
			continue
		}
		cut := Cut{Resource: op.Resource, At: time.Now(), How: lrm.ReleasedByForce, By: "the guard", Reason: "this node, or its daemon, was not run in time"}
		env := agents.Env{Instance: op.Resource, Params: op.Params, RunDir: filepath.Join(p.runDir, ResourceDir), Stdout: io.Discard, Stderr: io.Discard}
		if err := rel.Release(env); err != nil {
			gone = false
			cut.How, cut.Reason = lrm.NotReleased, err.Error()
			p.log.Error(fmt.Sprintf("%s: %v", op.Resource, err))
		}
		cuts = append(cuts, cut)
	}
	noteCuts(p.runDir, cuts, p.log) // after all are gone: a disk may hang
	return gone
}

// ReleaseLeftovers stops what an earlier daemon left active in a run directory,
// but for what its configuration kept out of the cluster's hands. Call it after
// Retire and before this node asks for a right to run. bound is how long the stops
// may take; addresses are taken away at limit, what Retire returned, if that is
// sooner, for others may take over then.
func ReleaseLeftovers(runDir string, limit int64, bound time.Duration, log *slog.Logger) {
	p := &process{runDir: runDir, log: log}
	left := p.left()
	if len(left) == 0 {
		return
	}
	log.Warn(fmt.Sprintf("an earlier daemon left %s active: stopped before this node joins", strings.Join(left, ", ")))
	switch now := ccm.Boottime(); {
	case limit == 0 || limit >= now+int64(bound):
	case limit <= now:
		p.cutAddresses()
	default:
		// What cannot be taken away gets another bound.
		if len(p.stopAll(time.Now().Add(time.Duration(limit-now)))) == 0 {
			return
		}
	}
	p.stopAll(time.Now().Add(bound))
}

// release stops everything until the limit (CLOCK_BOOTTIME), by force what is
// left then, and resets the machine if something remains.
func (p *process) release(limit int64) int {
	kept := p.stopAll(time.Now().Add(time.Duration(limit - ccm.Boottime())))
	if len(kept) == 0 {
		return p.done()
	}
	p.reset(strings.Join(kept, ", ") + " cannot be stopped and this node has no right to run it any more")
	return 1
}

// stopAll returns what may still be active.
func (p *process) stopAll(deadline time.Time) (kept []string) {
	began := time.Now()
	in := p.instructions()
	l := lrm.New(lrm.Config{RunDir: filepath.Join(p.runDir, ResourceDir), Logger: p.log,
		Managed: in.managed, Demotes: in.demotes, Requires: in.requires(), HeartbeatDir: in.Scripts, ExtraEnv: in.Env})
	go func() {
		for range l.Results() { // nobody is left to hear them
		}
	}()
	var cuts []Cut
	for _, r := range l.StopAll(context.Background(), deadline) {
		if r.How == lrm.NotReleased || r.How == lrm.ReleasedByForce {
			cuts = append(cuts, Cut{Resource: r.Resource, At: time.Now(), How: r.How, Reason: r.Reason, By: "the guard"})
		}
		if r.How == lrm.NotReleased {
			kept = append(kept, r.Resource)
			p.log.Error(fmt.Sprintf("%s may still be active here: %s", r.Resource, r.Reason))
			continue
		}
		p.log.Warn(fmt.Sprintf("%s: %s after %v", r.Resource, r.How, r.Took.Round(time.Millisecond)))
	}
	l.Close()
	noteCuts(p.runDir, cuts, p.log)
	p.log.Info(fmt.Sprintf("the guard is done after %v", time.Since(began).Round(time.Millisecond)))
	return kept
}

// reset tries the ways to reset the machine in turn, each with the time it
// takes.
func (p *process) reset(reason string) {
	for _, r := range p.resets {
		p.log.Error(fmt.Sprintf("this node is reset (%s): %s", r.Name(), reason))
		if err := r.Reset(reason); err != nil {
			p.log.Error(fmt.Sprintf("reset by %s: %v", r.Name(), err))
			continue
		}
		if r.Within() == 0 {
			return
		}
		time.Sleep(r.Within() + time.Second) // the machine should not live to see its end
	}
	p.log.Error("this node cannot be reset, exclusion is not enforced: " + reason)
}
