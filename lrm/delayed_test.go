package lrm

import (
	"strings"
	"testing"
	"time"
)

// A stop that comes while a start waits for its start-delay withdraws it: the start
// must not happen after the stop, when the resource may run elsewhere.
func TestStopWithdrawsDelayedStart(t *testing.T) {
	var got []Result
	c := NewCore(4, func(r Result) { got = append(got, r) })
	now := time.Unix(1000, 0)
	c.Submit(Op{Resource: "r", Name: "start", StartDelay: 5 * time.Second, TransitionKey: "1"}, now, nil)
	c.Submit(Op{Resource: "other", Name: "start", StartDelay: 5 * time.Second, TransitionKey: "2"}, now, nil)
	if out := c.Tick(now); len(out) != 0 {
		t.Fatalf("%d operations begin before their delay is over", len(out))
	}
	c.Submit(Op{Resource: "r", Name: "stop", TransitionKey: "3"}, now.Add(time.Second), nil)
	if len(got) != 1 || got[0].Op.TransitionKey != "1" || !got[0].Refused || got[0].Status != Cancelled || !strings.Contains(got[0].ExitReason, "stop was commanded after it") {
		t.Fatalf("the start ends with %+v", got)
	}
	out := c.Tick(now.Add(time.Second))
	if len(out) != 1 || out[0].Op().Name != "stop" {
		t.Fatalf("%d operations begin, want the stop", len(out))
	}
	c.Finished(out[0], Result{Op: *out[0].Op(), Status: Done}, now.Add(2*time.Second))
	out = c.Tick(now.Add(10 * time.Second))
	if len(out) != 1 || out[0].Op().Resource != "other" {
		t.Fatalf("%d operations begin, want the start of the other resource", len(out))
	}
}
