package lrm

import "time"

// Return codes of resource agents (OCF Resource Agent API 1.1).
const (
	OK               = 0
	ErrGeneric       = 1
	ErrArgs          = 2
	ErrUnimplemented = 3
	ErrPerm          = 4
	ErrInstalled     = 5
	ErrConfigured    = 6
	NotRunning       = 7
	RunningPromoted  = 8
	FailedPromoted   = 9
	Degraded         = 190
	DegradedPromoted = 191
)

// Status is how an operation ended, as op-status of the CIB has it.
type Status int

// Values of Status.
const (
	Pending      Status = -1
	Done         Status = 0
	Cancelled    Status = 1
	TimedOut     Status = 2
	NotSupported Status = 3
	Failed       Status = 4
)

// Op is one operation to execute.
type Op struct {
	// Resource is the name under which the history is kept.
	Resource              string
	Class, Provider, Type string
	// Name is start, stop, monitor, promote, demote, notify, migrate_to, …
	Name       string
	Interval   time.Duration
	Timeout    time.Duration
	StartDelay time.Duration
	// Params are agent parameters, without the prefix OCF_RESKEY_. CRM_meta_*
	// entries are passed on as they are, and OCF_CHECK_LEVEL as itself.
	Params map[string]string
	// TransitionKey is "action:transition:target-rc:uuid", kept in the history.
	TransitionKey string
	// Serial orders the commands of one view; OnDone gets it back.
	Serial uint64
}

// Key is RESOURCE_OPERATION_INTERVALms.
func (o *Op) Key() string { return OpKey(o.Resource, o.Name, o.Interval) }

// Result is what became of an operation.
type Result struct {
	Op     Op
	CallID int
	RC     int
	Status Status
	// ExitReason is the agent's own sentence (ocf-exit-reason), Output the end
	// of what it printed (bounded).
	ExitReason, Output string
	// LastRun is when it began, LastRCChange when this RC was first seen.
	LastRun, LastRCChange time.Time
	ExecTime, QueueTime   time.Duration
	// Recurring tells that this is a repeat of a recurring operation.
	Recurring bool
	// Traits are what the agent says of its parameters, nil when it is not known
	// or does not matter for the operation.
	Traits *Traits
	// Refused tells that the gate or a release of everything kept the operation
	// from being executed: nothing was tried, so nothing is known to be broken.
	Refused bool
}
