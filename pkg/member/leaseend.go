package member

import (
	"time"

	"github.com/quorate/quorate/ccm"
)

// StopRetry is how long after a release of everything a node tries again to get
// rid of what is still active.
const StopRetry = 10 * time.Second

// LeaseEnd decides when a node stops everything because its right to run
// resources has run out.
type LeaseEnd struct {
	// StopBound is how long stops may take, Deadtime how long a life of the
	// daemon that never held a lease waits before it looks.
	StopBound, Deadtime time.Duration
	// Started is the start of this life.
	Started time.Time

	after time.Time // everything is stopped until then
}

// StopNow is what is to be done at the end of the lease.
type StopNow struct {
	// Deadline is when what is left is taken away by force.
	Deadline time.Time
	// First tells that this is no repetition.
	First bool
	// Suicide tells that this node ends after that.
	Suicide bool
}

// Decide looks at the lease; active is asked only when something may have to
// stop. Under the policies ignore and freeze resources stay; under suicide a node
// that had the right to run resources ends, whether or not it runs any.
func (l *LeaseEnd) Decide(now time.Time, lease ccm.LeaseState, policy string, active func() bool) (StopNow, bool) {
	if lease.Valid {
		l.after = time.Time{}
		return StopNow{}, false
	}
	if lease.Release.IsZero() && now.Sub(l.Started) < l.Deadtime {
		// This life never held a lease: what could not be stopped before the join
		// gets a second chance.
		return StopNow{}, false
	}
	suicide := policy == PolicySuicide && !lease.Release.IsZero()
	if now.Before(l.after) || KeepsResources(policy) || !suicide && !active() {
		return StopNow{}, false
	}
	// A little sooner than the guard, which ends a daemon that has not let go.
	s := StopNow{First: l.after.IsZero(), Suicide: suicide, Deadline: lease.Release.Add(-l.StopBound / 5)}
	if s.Deadline.Before(now) {
		s.Deadline = now.Add(l.StopBound)
	}
	l.after = s.Deadline.Add(StopRetry)
	return s, true
}
