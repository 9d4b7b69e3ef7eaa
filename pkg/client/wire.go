package client

import (
	"encoding/json"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/history"
)

// SocketName is the name of the socket in the run directory.
const SocketName = "quorate.sock"

// MaxLine bounds one request or response, in bytes.
const MaxLine = 256 << 20

// The verbs of a Request.
const (
	// VerbCIB returns the whole document; Response.XML holds it.
	VerbCIB = "cib"
	// VerbEdit applies Request.Edit to the configuration.
	VerbEdit = "edit"
	// VerbStatus returns Response.Status.
	VerbStatus = "status"
	// VerbAttr changes a transient attribute of Request.Node, of this node if
	// that is empty, as Request.Attr says.
	VerbAttr = "attr"
	// VerbAttrs returns the transient attributes of Request.Node, of this node if
	// that is empty, as its attribute manager has them: Response.Attrs.
	VerbAttrs = "attrs"
	// VerbHistory returns the versions of the configuration that this node
	// remembers: Response.History.
	VerbHistory = "history"
	// VerbVersion returns the configuration as it was at Request.Version:
	// Response.XML.
	VerbVersion = "version"
	// VerbWatch answers with the document whenever it changes.
	VerbWatch = "watch"
	// VerbSubscribe answers with the document and the peers, and then with what
	// changes: Response.Patch, Response.Peers or both.
	VerbSubscribe = "subscribe"
	// VerbStandby gives the lines of haresources that Request.Resource means (all,
	// local, foreign, failback) to others, VerbTakeover takes them; with "crm no"
	// only.
	VerbStandby  = "standby"
	VerbTakeover = "takeover"
	// VerbCleanup forgets the history and failures of a resource, on Request.Node
	// only if that is not empty.
	VerbCleanup = "cleanup"
	// VerbVoter makes the change Request.Voter of the electorate.
	VerbVoter = "voter"
	// VerbReload reads the keys anew; Response.Text says what that changed.
	VerbReload = "reload"
	// VerbRestart restarts the daemon in place, with all its files read anew; the
	// resources stay. The answer comes before the restart.
	VerbRestart = "restart"
	// VerbController returns the state of the controller of Request.Node, of
	// this node if that is empty, as Response.Text.
	VerbController = "controller"
	// VerbClient returns as Response.Text whether Request.Client is connected to
	// the daemon of Request.Node: Online or Offline.
	VerbClient = "client"
)

// Answers to VerbClient.
const (
	Online  = "online"
	Offline = "offline"
)

// Request is one request of a client.
type Request struct {
	Verb string `json:"verb"`
	// Edit is an encoded cib.Op (VerbEdit).
	Edit []byte `json:"edit,omitempty"`
	// Force lets an edit go to this node alone when there is no quorum.
	Force bool `json:"force,omitempty"`
	// RequestID makes a retry of an edit safe: the same id is applied once.
	RequestID string `json:"request_id,omitempty"`
	// Attr is for VerbAttr.
	Attr *AttrUpdate `json:"attr,omitempty"`
	// Version is for VerbVersion, as cib.Version prints it.
	Version string `json:"version,omitempty"`
	// Node names the node that is meant.
	Node string `json:"node,omitempty"`
	// Client is for VerbClient.
	Client string `json:"client,omitempty"`
	// Resource is for VerbCleanup.
	Resource string `json:"resource,omitempty"`
	// Voter is for VerbVoter.
	Voter *ccm.VoterChange `json:"voter,omitempty"`
}

// AttrUpdate is a change of a transient attribute.
type AttrUpdate struct {
	Name string `json:"name"`
	// Value is the new value, with "NAME++" and "NAME+=N" counting up; nil deletes.
	Value *string `json:"value,omitempty"`
	// Keep leaves the value as it is and changes the dampening only.
	Keep bool `json:"keep,omitempty"`
	// DampenMS is the dampening from now on, in ms; nil leaves it.
	DampenMS *int64 `json:"dampen_ms,omitempty"`
	// Private attributes stay with the attribute manager and are never written.
	Private bool `json:"private,omitempty"`
	// Set is the id of the attribute set, "" for the usual one.
	Set string `json:"set,omitempty"`
	// Refresh writes all attributes of the node again; nothing else counts.
	Refresh bool `json:"refresh,omitempty"`
}

// AttrValue is a transient attribute of a node.
type AttrValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Response answers a Request.
type Response struct {
	// Code is an exit code as the tools use them; 0 is success.
	Code  int    `json:"code"`
	Error string `json:"error,omitempty"`
	XML   string `json:"xml,omitempty"`
	// Patch is what has changed since the response before (VerbSubscribe), as
	// cib.MakePatch tells it.
	Patch string `json:"patch,omitempty"`
	// Peers are the nodes and ping nodes as the membership layer of this node sees
	// them (VerbSubscribe); nil when nothing of them has changed.
	Peers []Peer `json:"peers,omitempty"`
	// History answers VerbHistory, oldest first.
	History []history.Entry `json:"history,omitempty"`
	// Attrs answers VerbAttrs, by name.
	Attrs []AttrValue `json:"attrs,omitempty"`
	// Text answers VerbController, VerbClient and VerbReload, and says what is
	// special about an edit that was made.
	Text string `json:"text,omitempty"`
	// Restarts tells after VerbReload that the daemon restarts in place now.
	Restarts bool `json:"restarts,omitempty"`
	// Status answers VerbStatus.
	Status *Status `json:"status,omitempty"`
}

// Peer is a node as the membership layer sees it.
type Peer struct {
	Name string `json:"name"`
	// Type is normal, arbiter or ping.
	Type string `json:"type"`
	// Status is init, up, active, dead or ping.
	Status string `json:"status"`
}

// Status is what the daemon knows beyond the CIB.
type Status struct {
	Node    string `json:"node"`
	UUID    string `json:"uuid"`
	Version string `json:"version"`
	PID     int    `json:"pid"`
	// State is the state of the controller, S_IDLE for instance.
	State string           `json:"state"`
	View  ccm.View         `json:"view"`
	Lease ccm.LeaseState   `json:"lease"`
	Peers []ccm.PeerStatus `json:"peers"`
	// Electorate are the voters, and nodes heard that are none.
	Electorate []ccm.Elector `json:"electorate,omitempty"`
	// Beats tells how well this node beats, Dropped how many frames were dropped,
	// by cause.
	Beats   ccm.BeatStats     `json:"beats"`
	Dropped map[string]uint64 `json:"dropped,omitempty"`
	// Repeats tells how punctually monitors run on this node.
	Repeats lrm.Repeats `json:"repeats"`
	// Budget is the sentence that derives the lease from the timers.
	Budget string `json:"budget"`
	// Parameters are the ha.cf values cl_status hbparameter shows.
	Parameters map[string]string `json:"parameters"`
	Started    time.Time         `json:"started"`
	// Holding is what of haresources is active here: none, local, foreign, all or
	// transition; "" with "crm yes".
	Holding string `json:"holding,omitempty"`
	// Problems are conditions an operator should know, one sentence each.
	Problems []string `json:"problems,omitempty"`
}

func marshalLine(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}
