package controller

import (
	"testing"
	"time"

	"github.com/quorate/quorate/lrm"
)

// A monitor that fails in the second of its success is the later of the two,
// and its success after that the latest.
func TestRepeatsOfOneSecond(t *testing.T) {
	h := newHistory()
	at := time.Unix(1000, 0)
	result := func(rc int) *lrm.Result {
		return &lrm.Result{Op: lrm.Op{Resource: "app", Class: "ocf", Provider: "heartbeat", Type: "Dummy", Name: "monitor",
			Interval: 300 * time.Millisecond, TransitionKey: "1:2:0:x"}, CallID: 7, RC: rc, LastRCChange: at}
	}
	for _, step := range []struct {
		rc       int
		id, want string
	}{
		{0, "app_monitor_300", "1000"}, {7, "app_last_failure_0", "1001"}, {0, "app_monitor_300", "1002"}, {7, "app_last_failure_0", "1003"},
	} {
		h.merge(h.inOrder(record("n1", result(step.rc))))
		for _, op := range h.rsc["app"].Children {
			if op.ID() == step.id && op.Get("last-rc-change") != step.want {
				t.Errorf("rc %d: %s changed at %s, want %s", step.rc, step.id, op.Get("last-rc-change"), step.want)
			}
		}
	}
	at = at.Add(time.Minute)
	h.merge(h.inOrder(record("n1", result(0))))
	if got := h.rsc["app"].Children[0].Get("last-rc-change"); got != "1060" {
		t.Errorf("a minute later the change is at %s, want 1060", got)
	}
}
