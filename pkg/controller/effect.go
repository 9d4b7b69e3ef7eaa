package controller

import (
	"log/slog"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
)

// Effect is something the machine wants done. The order of effects matters.
type Effect interface{ effect() }

// Send asks to send a message to the controller of a member, possibly this one,
// which takes it by [Machine.Message], or by [Machine.Take] in the same process.
type Send struct {
	To  string
	msg message
}

// Payload is the message as it travels.
func (s Send) Payload() []byte { return s.msg.encode() }

// Execute asks the local resource manager to run an operation commanded in the
// given view.
type Execute struct {
	Op       lrm.Op
	Instance ccm.Instance
}

// Cancel asks the local resource manager to end a recurring operation.
type Cancel struct {
	Resource, Operation string
	Interval            time.Duration
}

// Forget asks the local resource manager to clean a resource's history.
type Forget struct{ Resource string }

// Schedule asks for a run of the policy engine on Root; the answer is Scheduled
// with the same Serial.
type Schedule struct {
	Serial       uint64
	Root         *cib.Element
	TransitionID int
}

// Certify asks which of the lost nodes of the view have let go; the answer is
// Certified.
type Certify struct{ Instance ccm.Instance }

// AddNode asks to write a node into the configuration.
type AddNode struct{ Name, ID string }

// Identify asks to merge options of the cluster, a crm_config element, into the
// configuration: they say which program and version the DC is.
type Identify struct{ Config *cib.Element }

// Import asks to make a configuration found on a member's disk the cluster's.
type Import struct {
	From string
	Root *cib.Element
}

// Shun asks to leave a member out of the view for that long, or until it
// restarts: it beats, and does not answer.
type Shun struct {
	Node string
	For  time.Duration
}

// Fenced tells that a node certainly runs nothing any more, and by what
// operation that is so.
type Fenced struct{ Node, Operation string }

// Leave asks to stop what still runs and to leave the cluster.
type Leave struct{}

// StatusChanged tells that Document has news.
type StatusChanged struct{}

// Log is one line for the log.
type Log struct {
	Level slog.Level
	// Component is the part that speaks: crmd, tengine, pengine.
	Component string
	Text      string
}

func (Send) effect()          {}
func (Execute) effect()       {}
func (Cancel) effect()        {}
func (Forget) effect()        {}
func (Schedule) effect()      {}
func (Certify) effect()       {}
func (AddNode) effect()       {}
func (Identify) effect()      {}
func (Import) effect()        {}
func (Shun) effect()          {}
func (Fenced) effect()        {}
func (Leave) effect()         {}
func (StatusChanged) effect() {}
func (Log) effect()           {}
