package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/lrm"
)

// A resource that its monitor finds degraded is active: it stays, and nothing is
// counted. A start has no such answer.
func TestDegraded(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	n1 := w.nodes["n1"]
	n1.fail["ip_monitor_5000"] = lrm.Degraded // from the first one on
	w.view("n2", "n1", "n3")
	w.pass(5 * time.Second)
	w.want("ip", "n1")
	monitors := w.logLines("Performing op=ip_monitor_5000")
	counted := func() bool {
		for k := range n1.m.attrs {
			if strings.HasPrefix(k, "fail-count-") {
				return true
			}
		}
		return false
	}
	kept := ""
	for _, op := range n1.m.hist.rsc["ip"].Children {
		kept += op.ID() + "=" + op.Get("rc-code") + " "
	}
	if counted() || monitors != 1 || len(w.starts) != 1 || !strings.Contains(kept, "ip_monitor_5000=190") || strings.Contains(kept, "last_failure") {
		t.Errorf("attributes %v, %d monitors begun, starts %v, history %s\n%s", n1.m.attrs, monitors, w.starts, kept, strings.Join(w.log, "\n"))
	}
	for _, c := range []struct {
		operation  string
		rc, target int
		want       bool
	}{
		{"monitor", 190, 0, true}, {"monitor", 191, 8, true}, {"monitor", 190, 8, false}, {"monitor", 191, 0, false},
		{"monitor", 190, 7, false}, {"start", 190, 0, false}, {"promote", 191, 8, false}, {"monitor", 7, 0, false},
	} {
		if got := lrm.Expected(c.operation, c.rc, c.target); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// The DC asks the policy engine again after cluster-recheck-interval, though
// nothing has happened.
func TestRecheckInterval(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`<nvpair id="o-s"`, `<nvpair id="o-r" name="cluster-recheck-interval" value="30s"/><nvpair id="o-s"`)
	w.view("n2", "n1", "n3")
	w.pass(20 * time.Second)
	if w.logged(": cluster-recheck-interval") {
		t.Fatal("too early")
	}
	w.pass(45 * time.Second)
	if n := w.logLines(": cluster-recheck-interval"); n != 2 {
		t.Errorf("asked %d times in 65 s\n%s", n, strings.Join(w.log, "\n"))
	}
}

// The history of an operation has the fields that tools read.
func TestHistoryFields(t *testing.T) {
	e := record("n1", &lrm.Result{Op: lrm.Op{Resource: "app", Class: "ocf", Provider: "heartbeat", Type: "Dummy", Name: "start",
		TransitionKey: "3:4:0:uuid", Params: map[string]string{"state": "/run/x"}}, CallID: 17, LastRun: time.Unix(1000, 0),
		LastRCChange: time.Unix(1000, 0), ExecTime: 1234 * time.Millisecond, QueueTime: 56 * time.Millisecond, ExitReason: "why"})
	op := e.Children[0]
	for k, want := range map[string]string{"id": "app_last_0", "operation_key": "app_start_0", "operation": "start", "transition-key": "3:4:0:uuid",
		"call-id": "17", "rc-code": "0", "op-status": "0", "interval": "0", "last-rc-change": "1000", "exec-time": "1234", "queue-time": "56",
		"op-digest": lrm.Digest(map[string]string{"state": "/run/x"}), "on_node": "n1", "exit-reason": "why",
		"transition-magic": "0:0;3:4:0:uuid"} {
		if op.Get(k) != want {
			t.Errorf("%s is %q, want %q", k, op.Get(k), want)
		}
	}
}
