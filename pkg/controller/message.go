package controller

import (
	"encoding/json"
	"fmt"

	"github.com/quorate/quorate/ccm"
)

// Kinds of messages between controllers.
const (
	msgJoinOffer   = "join_offer"   // DC to member: tell what you run
	msgJoinRequest = "join_request" // member to DC: history, attributes, in flight
	msgJoinAck     = "join_ack_nack"
	msgCommand     = "cmd"          // DC to member: execute an operation
	msgResult      = "result"       // member to DC: an operation ended
	msgAttr        = "attr"         // member to DC: my attribute has this value
	msgAttrSet     = "attr_set"     // DC to member: keep this attribute
	msgStatus      = "status"       // DC to member: node_state elements to show
	msgShutdown    = "req_shutdown" // member to DC: I want to leave
	msgDoShutdown  = "do_shutdown"  // DC to member: you may leave now
	msgForget      = "lrm_forget"   // anyone to member: clean the history of a resource
)

// message is one message between controllers. Every message carries the view
// it belongs to; one of another view is not obeyed.
type message struct {
	Kind     string       `json:"kind"`
	Instance ccm.Instance `json:"instance"`

	// UUID is the sender's node id (join_request).
	UUID string `json:"uuid,omitempty"`
	// Resources are lrm_resource elements as text: all of the node
	// (join_request), or the whole of the resource named (result).
	Resources []string `json:"resources,omitempty"`
	// Attrs are transient attributes (join_request, attr, attr_set); a nil
	// value deletes.
	Attrs map[string]*string `json:"attrs,omitempty"`
	// Leaving tells that the sender has asked to shut down (join_request).
	Leaving bool `json:"leaving,omitempty"`
	// Timeouts are the timeouts and delays of what is in flight, in milliseconds, by
	// transition key (join_request).
	Timeouts map[string]int64 `json:"timeouts,omitempty"`
	// Candidate is a configuration found on the sender's disk that the cluster
	// does not know yet (join_request).
	Candidate string `json:"candidate,omitempty"`
	// Command is the operation to execute (cmd).
	Command *Command `json:"command,omitempty"`
	// TransitionKey names the operation that ended (result).
	TransitionKey string `json:"key,omitempty"`
	// OpKey, Operation and IntervalMS name the operation (result).
	OpKey      string `json:"op_key,omitempty"`
	Operation  string `json:"op,omitempty"`
	IntervalMS int64  `json:"interval,omitempty"`
	// RC and Status are how it ended (result).
	RC     int `json:"rc,omitempty"`
	Status int `json:"status,omitempty"`
	// OwnStops counts the stops that the sender has reported in this life and
	// that no DC asked for (join_request, result).
	OwnStops uint64 `json:"own_stops,omitempty"`
	// Refused is the reason why a command was not executed (result).
	Refused string `json:"refused,omitempty"`
	// Resource names a resource (lrm_forget, result).
	Resource string `json:"resource,omitempty"`
	// Nodes are node_state elements as text, one a node (status).
	Nodes []string `json:"nodes,omitempty"`
	// Whole tells that Nodes is the whole status (status).
	Whole bool `json:"whole,omitempty"`
	// NumUpdates is the version of the status beside the configuration whose
	// version is Config (status).
	NumUpdates uint64 `json:"num_updates,omitempty"`
	Config     string `json:"config,omitempty"`
}

// Command is an operation that the DC asks a member to execute.
type Command struct {
	// Operation is the agent's action, or "cancel" or "delete".
	Operation             string            `json:"op"`
	Resource              string            `json:"rsc"`
	Class, Provider, Type string            `json:",omitempty"`
	Params                map[string]string `json:"params,omitempty"`
	// IntervalMS, TimeoutMS and StartDelayMS are milliseconds.
	IntervalMS   int64 `json:"interval,omitempty"`
	TimeoutMS    int64 `json:"timeout,omitempty"`
	StartDelayMS int64 `json:"start_delay,omitempty"`
	// CancelOp is the operation to cancel, for "cancel".
	CancelOp      string `json:"cancel,omitempty"`
	TransitionKey string `json:"key"`
	// OwnStops is how many of the member's own stops the DC knew of when it gave
	// the command; nil if it does not count them.
	OwnStops *uint64 `json:"own_stops,omitempty"`
}

// Gated reports whether the operation may bring a resource up, and so needs the
// certificate of the lost nodes and a confirmed lease.
func Gated(operation string) bool {
	switch operation {
	case "start", "promote", "migrate_to", "migrate_from":
		return true
	}
	return false
}

func (m *message) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil { // only strings, numbers and maps: cannot fail
		panic(err)
	}
	return b
}

func decodeMessage(b []byte) (*message, error) {
	m := new(message)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("message of a controller: %w", err)
	}
	return m, nil
}
