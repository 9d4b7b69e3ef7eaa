package lrm

import (
	"testing"
	"time"
)

// A resource that a check found not running is stopped with the others when the
// node has to release everything: otherwise the failure is the last thing its
// history tells, and the resource would be recovered where it runs by then.
func TestFallenResourceIsStoppedAtRelease(t *testing.T) {
	c := NewCore(4, func(Result) {})
	now := time.Unix(1000, 0)
	done := func(rc int) {
		t.Helper()
		out := c.Tick(now)
		if len(out) != 1 {
			t.Fatalf("%d operations begin", len(out))
		}
		c.Finished(out[0], Result{Op: *out[0].Op(), Status: Done, RC: rc}, now)
		now = now.Add(10 * time.Second)
	}
	start := Op{Resource: "r", Name: "start", Params: map[string]string{"ip": "10.0.0.1"}}
	c.Submit(start, now, nil)
	done(OK)
	c.Submit(Op{Resource: "r", Name: "monitor", Interval: 10 * time.Second}, now, nil)
	done(OK)
	done(NotRunning)
	if a := c.Active(); len(a) != 0 {
		t.Fatalf("active: %v", a)
	}
	plan := c.BeginRelease(ReleaseRules{})
	if len(plan) != 1 || plan[0].Op.Resource != "r" || plan[0].Op.Name != "stop" || plan[0].Op.Params["ip"] != "10.0.0.1" {
		t.Fatalf("the plan is %+v", plan)
	}
	c.Submit(plan[0].Op, now, nil)
	done(OK)
	c.EndRelease()
	if plan := c.BeginRelease(ReleaseRules{}); len(plan) != 0 {
		t.Errorf("stopped, and planned again: %+v", plan)
	}
	c.EndRelease()
	// What was never active here has not fallen.
	c.Submit(Op{Resource: "probed", Name: "monitor"}, now, nil)
	done(NotRunning)
	if plan := c.BeginRelease(ReleaseRules{}); len(plan) != 0 {
		t.Errorf("a probe that found nothing is planned: %+v", plan)
	}
}
