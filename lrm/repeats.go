package lrm

import "time"

// Repeats counts the repeated runs of recurring operations since the start.
type Repeats struct {
	// Active is how many operations repeat now, Runs how many repeats began.
	Active int    `json:"active"`
	Runs   uint64 `json:"runs"`
	// Missed are those that began a whole interval late or more, Late is the most
	// that one began late.
	Missed uint64        `json:"missed"`
	Late   time.Duration `json:"late"`
}

// note counts a repeat that begins.
func (r *Repeats) note(t *task, now time.Time) {
	if t.due.IsZero() || !t.rec.reported {
		return // the first run of an operation
	}
	late := now.Sub(t.due)
	r.Runs++
	r.Late = max(r.Late, late)
	if late >= t.op.Interval {
		r.Missed++
	}
}

// Repeats returns the counters of recurring operations.
func (l *LRM) Repeats() (out Repeats) {
	l.ask(func() {
		out = l.core.sched.repeats
		out.Active = len(l.core.sched.recurring)
	})
	return out
}
