package peinput

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/quorate/quorate/cib"
)

// backlog is how many inputs may wait for the disk.
const backlog = 16

// Job is one computation of the policy engine.
type Job struct {
	// Root is the document; it must not change any more.
	Root *cib.Element
	// Now is the time the computation was for.
	Now time.Time
	// Transition is the id of the graph that came out.
	Transition int
	// Series tells how the engine judged.
	Series Series
}

// Recorder writes inputs in a goroutine of its own, so that a slow disk holds
// nobody up.
type Recorder struct {
	store *Store
	log   *slog.Logger
	todo  chan Job
	stop  chan struct{}
	done  chan struct{}
}

// NewRecorder returns a recorder for a directory; Run does its work.
func NewRecorder(dir string, log *slog.Logger) *Recorder {
	return &Recorder{store: NewStore(dir), log: log, todo: make(chan Job, backlog), stop: make(chan struct{}), done: make(chan struct{})}
}

// Save hands an input over and returns at once. It reports false when too many
// wait already and this one is not kept.
func (r *Recorder) Save(j Job) bool {
	select {
	case r.todo <- j:
		return true
	default:
		return false
	}
}

// Run writes until Close is called. A disk that cannot be written is said once,
// and again when it failed after it had worked.
func (r *Recorder) Run() {
	defer close(r.done)
	said := false
	for {
		var j Job
		select {
		case j = <-r.todo:
		case <-r.stop:
			select {
			case j = <-r.todo:
			default:
				return
			}
		}
		path, err := r.store.Save(j.Series, j.Root, j.Now, Limit(j.Root, j.Series))
		switch {
		case err == nil && path != "":
			said = false
			r.log.Info(fmt.Sprintf("process_pe_message: Transition %d: %sPEngine Input stored in: %s", j.Transition, remark(j.Series), path))
		case err != nil && !said:
			said = true
			r.log.Error(fmt.Sprintf("the input of transition %d cannot be stored: %v; transitions go on without being recorded until there is room", j.Transition, err))
		}
	}
}

func remark(s Series) string {
	switch s {
	case Error:
		return "ERRORs found during PE processing. "
	case Warn:
		return "WARNINGs found during PE processing. "
	}
	return ""
}

// Close lets Run finish what waits, and waits for that until ctx ends. It is
// called once.
func (r *Recorder) Close(ctx context.Context) {
	close(r.stop)
	select {
	case <-r.done:
	case <-ctx.Done():
	}
}
