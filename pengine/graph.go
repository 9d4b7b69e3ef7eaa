package pengine

// Score is a preference; at or beyond [Infinity] it is absolute.
type Score int

// Infinity is the score that nothing outweighs (Pacemaker Explained, "Scores").
const Infinity Score = 1000000

// ActionKind tells how the transition engine carries an action out.
type ActionKind uint8

const (
	// RscOp is an operation executed by the local resource manager of a node.
	RscOp ActionKind = iota
	// PseudoEvent is a point in time: it completes as soon as its inputs have.
	PseudoEvent
	// CRMEvent is an action of the cluster itself: stonith, do_shutdown, …
	CRMEvent
)

// Param is one name and value, in the order in which it is written.
type Param struct{ Name, Value string }

// PrimitiveRef names the resource of a RscOp and its agent.
type PrimitiveRef struct {
	// ID is the name under which the LRM knows the resource; LongID is the
	// full instance name where it differs ("" otherwise).
	ID, LongID, Class, Provider, Type string
}

// GraphAction is one action of a transition graph.
type GraphAction struct {
	// ID is unique in the graph, counting from 0.
	ID   int
	Kind ActionKind
	// Operation is the task: start, stop, monitor, stonith, running, …
	Operation string
	// Key is the operation key, RESOURCE_OPERATION_INTERVALms.
	Key string
	// InternalKey is the key with clone instance numbers, where it differs.
	InternalKey string
	// Node and NodeID name the target; both are "" for pseudo events.
	Node, NodeID string
	// RouterNode is the cluster node that executes for a remote node, or "".
	RouterNode string
	// Primitive is set for resource operations.
	Primitive *PrimitiveRef
	// Params holds agent parameters and CRM_meta_* attributes, sorted as written.
	Params []Param
	// Downed lists node ids which this action takes down (stonith, shutdown).
	Downed []string
	// Maintenance lists the ids of remote nodes whose maintenance state is to be
	// recorded, and whether they are in maintenance mode.
	Maintenance []NodeMaintenance
	// ShutdownLock is when the shutdown began that locks the resource to the
	// node, in seconds of the epoch; the controller records it with the result.
	// 0 stands for no lock.
	ShutdownLock int64
	// Mode is "cib" for an action that changes the CIB only, "" otherwise.
	Mode string
	// TargetRC is the expected return code of the agent.
	TargetRC int
	// Priority lets a synapse run although the transition was aborted.
	Priority Score
	// Inputs are the IDs of the actions that must have completed before.
	Inputs []int
	// Cause says in one sentence why the action is planned.
	Cause string
}

// NodeMaintenance tells whether a remote node is in maintenance mode.
type NodeMaintenance struct {
	ID string
	On bool
}

// Param returns the value of a parameter of the action, or "".
func (a *GraphAction) Param(name string) string {
	for i := range a.Params {
		if a.Params[i].Name == name {
			return a.Params[i].Value
		}
	}
	return ""
}

// Graph is a transition: actions and their partial order. Each action is one
// synapse of the XML form.
type Graph struct {
	TransitionID int
	// Params are the attributes of the root of the XML form: cluster-delay,
	// stonith-timeout, batch-limit, …
	Params  []Param
	Actions []*GraphAction
}
