package sim

import (
	"fmt"
	"slices"
	"time"
)

// Violation is an invariant that did not hold.
type Violation struct {
	// Rule is I1 to I8 of docs/protocol.md, or the name of another one of
	// docs/simulator.md.
	Rule string
	// At is the virtual time.
	At   time.Duration
	Text string
}

// Error is the sentence.
func (v *Violation) Error() string { return fmt.Sprintf("%s at %s: %s", v.Rule, seconds(v.At), v.Text) }

// Result is what a run came to; those of many runs add up.
type Result struct {
	// Time is the virtual time that passed.
	Time time.Duration
	// Runs and Steps count runs and events; Faults the steps of the scenario that
	// took effect, Skipped those that could not (a crash of what was down).
	Runs, Steps, Faults, Skipped int
	// Views counts views that opened, Changes committed changes, Plans runs of
	// the policy engine, Starts resources that became active, Failovers those
	// that did on another node than before, Readmitted lost disks.
	Views, Changes, Plans, Starts, Failovers, LostDisks int
	// Outages are the times in which a resource was active nowhere, after its
	// first start.
	Outages []time.Duration
	// Settled are the times from the end of the last fault until the cluster was
	// whole.
	Settled []time.Duration
	// Double is for how long two nodes held a resource that only one may have,
	// where the quorum rule allows it (twonodes), and how often.
	Double  time.Duration
	Doubles int
	// NeedsAdmin counts runs at whose end the stores that were left held no quorum:
	// the cluster waited until a lost disk was put back.
	NeedsAdmin int
	// Excused counts resources held twice because an agent had lied.
	Excused int
	// Stopped tells that the run was ended before its time.
	Stopped   bool
	Violation *Violation
}

// Add adds the numbers of another run; the first violation stays.
func (r *Result) Add(o *Result) {
	r.Time += o.Time
	r.Runs += o.Runs
	r.Steps += o.Steps
	r.Faults += o.Faults
	r.Skipped += o.Skipped
	r.Views += o.Views
	r.Changes += o.Changes
	r.Plans += o.Plans
	r.Starts += o.Starts
	r.Failovers += o.Failovers
	r.LostDisks += o.LostDisks
	r.Outages = append(r.Outages, o.Outages...)
	r.Settled = append(r.Settled, o.Settled...)
	r.Double += o.Double
	r.Doubles += o.Doubles
	r.NeedsAdmin += o.NeedsAdmin
	r.Excused += o.Excused
	if r.Violation == nil {
		r.Violation = o.Violation
	}
}

// middle returns the median and the largest of a list.
func middle(list []time.Duration) (median, worst time.Duration) {
	if len(list) == 0 {
		return 0, 0
	}
	l := slices.Sorted(slices.Values(list))
	return l[len(l)/2], l[len(l)-1]
}

// Summary is the lines a user sees at the end.
func (r *Result) Summary() string {
	om, ow := middle(r.Outages)
	sm, sw := middle(r.Settled)
	round := func(d time.Duration) string { return seconds(d.Round(time.Millisecond)) }
	s := fmt.Sprintf("%.1f simulated hours, %d faults, %d views, %d changes, %d starts, %d failovers\n",
		r.Time.Hours(), r.Faults, r.Views, r.Changes, r.Starts, r.Failovers)
	s += fmt.Sprintf("outage of a resource: median %s, worst %s (%d of them)\n", round(om), round(ow), len(r.Outages))
	if len(r.Settled) > 0 {
		s += fmt.Sprintf("whole again after the last fault: median %s, worst %s (%d runs)\n", round(sm), round(sw), len(r.Settled))
	}
	if r.Doubles > 0 {
		s += fmt.Sprintf("two owners, as the quorum rule allows: %d times, %s in all\n", r.Doubles, round(r.Double))
	}
	if r.Excused > 0 {
		s += fmt.Sprintf("two owners because an agent said \"stopped\" and was not: %d times\n", r.Excused)
	}
	if r.NeedsAdmin > 0 {
		s += fmt.Sprintf("needed the administrator: %d times; the disks that were left held no quorum, and a lost one was put back\n", r.NeedsAdmin)
	}
	n := 0
	if r.Violation != nil {
		n = 1
	}
	return s + fmt.Sprintf("violations: %d\n", n)
}
