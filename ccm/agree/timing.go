package agree

import (
	"errors"
	"fmt"
	"time"
)

// Timing holds every period of the protocol. Make it with [NewTiming].
type Timing struct {
	// Keepalive and Deadtime are the user's.
	Keepalive, Deadtime time.Duration
	// Beat (k) is the period of beats: min(keepalive, deadtime/5).
	Beat time.Duration
	// EchoAge (a) is how late an echo may come back: 5 % of deadtime up to 1 s,
	// from there rising to 300 ms at 5 s and above.
	EchoAge time.Duration
	// Lease (L) is 3 deadtime/5 + a: with beats at the slowest it tolerates two
	// that are lost, with faster beats more.
	Lease time.Duration
	// StopBound (S) is how long stopping may take once the lease is over: what
	// is left of deadtime, or what the user wants.
	StopBound time.Duration
	// Margin covers different clock rates and late timers: 5 % of deadtime up to
	// 1 s, from there rising to 700 ms at 5 s, and 2 % of deadtime where that is
	// more.
	Margin time.Duration
	// Watchdog (W) is 0 without one; whole seconds otherwise. It fires by W + a
	// after the base of the lease.
	Watchdog time.Duration
	// Takeover (T) is how long after its last echo another node counts as
	// having let go: max(deadtime, L + S + margin, W + a + margin).
	Takeover time.Duration
	// Initdead is how long a starting node waits for nodes never heard before it
	// decides without them where that needs them; at least Takeover.
	Initdead time.Duration
}

// TimingOptions are the user's numbers; zero means "derive it".
type TimingOptions struct {
	Keepalive, Deadtime, Initdead time.Duration
	// StopBound asks for more (or less) time to stop than deadtime leaves.
	StopBound time.Duration
	// Watchdog tells that a hardware or software watchdog is used.
	Watchdog bool
}

// MaxDrift is the difference of clock rates the margin allows for, besides
// timers that fire late (rule 31).
const MaxDrift = 0.01

// ErrTiming indicates periods that cannot work.
var ErrTiming = errors.New("timing refused")

// NewTiming derives all periods.
func NewTiming(o TimingOptions) (Timing, error) {
	switch {
	case o.Keepalive <= 0 || o.Deadtime <= 0:
		return Timing{}, fmt.Errorf("keepalive %v and deadtime %v: both must be above zero: %w", o.Keepalive, o.Deadtime, ErrTiming)
	case o.Deadtime <= 2*o.Keepalive:
		return Timing{}, fmt.Errorf("deadtime %v must be more than twice keepalive %v, or one lost beat kills a node: %w", o.Deadtime, o.Keepalive, ErrTiming)
	case o.Deadtime < 100*time.Millisecond:
		return Timing{}, fmt.Errorf("deadtime %v is below 100ms, less than schedulers and disks keep to: %w", o.Deadtime, ErrTiming)
	}
	d := o.Deadtime
	t := Timing{Keepalive: o.Keepalive, Deadtime: d}
	t.Beat = min(o.Keepalive, d/5)
	t.EchoAge = between(d, 300*time.Millisecond)
	t.Margin = max(between(d, 700*time.Millisecond), 2*time.Duration(MaxDrift*float64(d)))
	t.Lease = 3*(d/5) + t.EchoAge
	t.StopBound = d - t.Lease - t.Margin
	if o.StopBound > 0 {
		t.StopBound = o.StopBound
		t.Margin = max(t.Margin, time.Duration(2*MaxDrift*float64(t.Lease+t.StopBound)))
	}
	t.Takeover = max(d, t.Lease+t.StopBound+t.Margin)
	if o.Watchdog {
		t.Watchdog = max(time.Second, (d - t.EchoAge - t.Margin).Truncate(time.Second))
		t.Takeover = max(t.Takeover, t.Watchdog+t.EchoAge+t.Margin)
	}
	t.Initdead = o.Initdead
	if t.Initdead == 0 {
		t.Initdead = defaultInitdead(d)
	}
	t.Initdead = max(t.Initdead, t.Takeover)
	return t, nil
}

// between is 5 % of d up to 1 s, full at 5 s and above, and linear between.
func between(d, full time.Duration) time.Duration {
	const lo, hi = time.Second, 5 * time.Second
	switch {
	case d <= lo:
		return d / 20
	case d >= hi:
		return full
	}
	return lo/20 + time.Duration(float64(full-lo/20)*float64(d-lo)/float64(hi-lo))
}

// defaultInitdead is Heartbeat's: deadtime above 10 s, 12 s below 6 s, else
// twice deadtime; but below 1 s, where nobody waits for old switches, 5 deadtimes.
func defaultInitdead(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d
	case d <= time.Second:
		return 5 * d
	case d < 6*time.Second:
		return 12 * time.Second
	}
	return 2 * d
}

// Sentence prints the budget, for the log at the start.
func (t Timing) Sentence() string {
	s := fmt.Sprintf("Timing: beats every %v, a node is dead after %v of silence; the lease ends %v after the last beat a quorum echoed, "+
		"everything is released %v later, others take over %v after their last echo", t.Beat, t.Deadtime, t.Lease, t.StopBound, t.Takeover)
	if t.Watchdog > 0 {
		s += fmt.Sprintf("; the watchdog fires after %v", t.Watchdog)
	}
	return s + fmt.Sprintf("; %v are kept for clock rates (%g%%) and late timers; initdead %v", t.Margin, MaxDrift*100, t.Initdead)
}

// Warning says what the user should know about the budget, or "".
func (t Timing) Warning() string {
	switch {
	case t.Takeover <= t.Deadtime:
		return ""
	case t.Watchdog > 0 && t.Watchdog+t.EchoAge+t.Margin == t.Takeover:
		return fmt.Sprintf("takeover after a partition waits %v, longer than deadtime %v, because the watchdog cannot fire sooner than %v: "+
			"deadtime %v would fit", t.Takeover, t.Deadtime, t.Watchdog, t.Takeover.Round(100*time.Millisecond))
	}
	return fmt.Sprintf("takeover after a partition waits %v, longer than deadtime %v, because stopping is allowed %v after a lease of %v: "+
		"a stop bound of at most %v, or deadtime of at least %v, would fit",
		t.Takeover, t.Deadtime, t.StopBound, t.Lease, max(0, t.Deadtime-t.Lease-t.Margin), (t.StopBound+t.Margin)*5/2+t.EchoAge*5/2)
}

// Drift is how much longer lease and stop bound may last by a clock that runs
// slower than that of the node that waits for them.
func (t Timing) Drift() time.Duration {
	return time.Duration(MaxDrift * float64(t.Lease+t.StopBound))
}

// Slack is what rule 31 leaves for timers that fire late.
func (t Timing) Slack() time.Duration { return t.Takeover - t.Lease - t.StopBound - t.Drift() }
