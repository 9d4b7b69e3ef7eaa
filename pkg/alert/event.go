package alert

import (
	"strconv"
	"strings"
	"time"
)

// Event is something that happened. What a kind has no use for stays zero.
type Event struct {
	Kind Kind
	Time time.Time
	// Node is the affected node, NodeID its id (node events).
	Node, NodeID string
	// Desc is member or lost, what a fencing operation was, or how an operation of
	// a resource ended.
	Desc string
	// Task is the operation; RC its code (fencing, resource).
	Task string
	RC   int
	// Resource, TargetRC, Status, Interval and ExecTime belong to resource events.
	Resource           string
	TargetRC, Status   int
	Interval, ExecTime time.Duration
	// AttributeName and AttributeValue belong to attribute events.
	AttributeName, AttributeValue string
}

// environ returns the variables of the event for one agent: each once as
// CRM_alert_X, and once as CRM_notify_X as scripts of ClusterMon know it.
func (e *Event) environ(a *Agent, version string, sequence uint64) []string {
	var env []string
	add := func(name, value string) {
		value = strings.ReplaceAll(value, "\x00", "")
		env = append(env, "CRM_alert_"+name+"="+value, "CRM_notify_"+name+"="+value)
	}
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	add("kind", string(e.Kind))
	add("version", version)
	add("node", e.Node)
	add("node_sequence", strconv.FormatUint(sequence, 10))
	add("timestamp", timestamp(a.Format, e.Time))
	add("timestamp_epoch", strconv.FormatInt(e.Time.Unix(), 10))
	add("timestamp_usec", strconv.Itoa(e.Time.Nanosecond()/1000))
	if a.HasRecipient {
		add("recipient", a.Recipient)
	}
	switch e.Kind {
	case Node:
		add("nodeid", e.NodeID)
		add("desc", e.Desc)
	case Fencing:
		add("desc", e.Desc)
		add("task", e.Task)
		add("rc", strconv.Itoa(e.RC))
	case Resource:
		add("desc", e.Desc)
		add("task", e.Task)
		add("rsc", e.Resource)
		add("interval", ms(e.Interval))
		add("rc", strconv.Itoa(e.RC))
		add("target_rc", strconv.Itoa(e.TargetRC))
		add("status", strconv.Itoa(e.Status))
		add("exec_time", ms(e.ExecTime))
	case Attribute:
		add("attribute_name", e.AttributeName)
		add("attribute_value", e.AttributeValue)
	}
	return append(env, a.Options...)
}

var (
	statusText = map[int]string{-1: "pending", 1: "Cancelled", 2: "Timed Out", 3: "NOT SUPPORTED", 4: "Error"}
	codeText   = map[int]string{0: "ok", 1: "error", 2: "invalid parameter", 3: "unimplemented feature", 4: "insufficient privileges",
		5: "not installed", 6: "not configured", 7: "not running", 8: "promoted", 9: "promoted (failed)", 190: "degraded", 191: "degraded (promoted)"}
)

// Outcome describes how an operation of a resource ended, by its status and code.
func Outcome(status, rc int) string {
	if s := statusText[status]; s != "" {
		return s
	}
	if s := codeText[rc]; s != "" {
		return s
	}
	return "unknown"
}
