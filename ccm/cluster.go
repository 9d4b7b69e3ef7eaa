package ccm

import (
	"context"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// Sentinel errors of this package.
var (
	// ErrNotDC indicates that the request belongs to the DC of an open view and
	// this node is not it.
	ErrNotDC = agree.ErrNotDC
	// ErrNoQuorum indicates that the members of the view do not make a quorum.
	ErrNoQuorum = agree.ErrNoQuorum
	// ErrUnknown indicates that the view was lost before the outcome of a change
	// was known; a retry with the same request id is answered once.
	ErrUnknown = agree.ErrUnknown
	// ErrLease indicates that this node's right to run resources has run out or
	// is not confirmed in this view.
	ErrLease = agree.ErrLease
	// ErrStale indicates that a command carries the token of an older view.
	ErrStale = agree.ErrStale
)

// Instance numbers a view. It is a ballot: ordered by Number, then Proposer.
type Instance struct {
	Number   uint64
	Proposer string
}

// Less orders instances.
func (a Instance) Less(b Instance) bool {
	return a.Number < b.Number || a.Number == b.Number && a.Proposer < b.Proposer
}

// IsZero reports whether no view was ever installed.
func (a Instance) IsZero() bool { return a.Number == 0 }

// Member is one node of a view.
type Member struct {
	Name string
	// Incarnation differs between two lives of the daemon.
	Incarnation uint64
	// BornOn is the Number of the view in which this incarnation joined.
	BornOn uint64
}

// View is an agreed membership as this node has installed it.
type View struct {
	Instance Instance
	// Members are sorted by name. Without quorum they are the nodes this node
	// hears, itself included, and nothing is agreed.
	Members []Member
	// Lost are the voters outside the view, sorted.
	Lost   []string
	Quorum bool
	// DC is the proposer of the open view, or "" without quorum.
	DC string
	// Event is the name users know: OC_EV_MS_NEW_MEMBERSHIP, OC_EV_MS_INVALID,
	// OC_EV_MS_NOT_PRIMARY, OC_EV_MS_PRIMARY_RESTORED.
	Event string
	// Reason is one sentence: why there is or is not quorum.
	Reason string
	// Arbiters are the voters that run nothing, sorted: those in the view and
	// those outside. They are neither Members nor Lost.
	Arbiters []string `json:",omitempty"`
}

// Has reports whether the node is a member.
func (v View) Has(node string) bool {
	for i := range v.Members {
		if v.Members[i].Name == node {
			return true
		}
	}
	return false
}

// LeaseState tells how long this node may run resources.
type LeaseState struct {
	// Valid is false before the first quorum of echoes and after Stop.
	Valid bool
	// Stop is when stopping starts, Release when everything is released.
	Stop, Release time.Time
	// Exclusion is "guaranteed" or names the condition that is missing.
	Exclusion string
}

// LinkStatus is one link to one peer, as cl_status shows it.
type LinkStatus struct {
	Name string
	Up   bool
	// Received counts good frames, Lost the gaps in their numbers, Late the beats
	// that came more than warntime after the one before, Sent the frames sent to
	// this peer alone, SendErrors those of them that the kernel refused.
	Received, Lost, Late, Sent, SendErrors uint64
	// RTT is a moving average, 0 if never measured.
	RTT time.Duration
	// Silence is how long ago the last frame came in, negative if never.
	Silence time.Duration
}

// PeerStatus is one node as the failure detector sees it.
type PeerStatus struct {
	Name string
	// Type is "normal", "arbiter" or "ping".
	Type string
	// Status is init, up, active, dead or ping.
	Status string
	Links  []LinkStatus
	// Version is the protocol version the peer speaks, 0 if never heard.
	Version int
	// Unfit: it says that it cannot do a DC's work, for its disk is full.
	Unfit bool `json:",omitempty"`
	// ConfigDigest is the digest of the peer's ha.cf, "" if never heard.
	ConfigDigest string
}

// Replica is the state machine that the cluster replicates: the configuration
// half of the CIB. All calls come from one goroutine of the runner.
type Replica interface {
	// Snapshot returns the whole state.
	Snapshot() []byte
	// Restore replaces the whole state: at start from disk, and when a view
	// takes over a newer state.
	Restore(snapshot []byte) error
	// Apply applies one change. It is deterministic; the digest of the result
	// is compared between members. An error leaves the state as it was.
	Apply(seq uint64, change []byte) error
	// Digest identifies the present state.
	Digest() string
}

// Cluster is what the rest of the program sees of the membership layer.
type Cluster interface {
	// View returns the installed view and a channel closed when it changes.
	View() (View, <-chan struct{})
	// Propose replicates one change; it returns when a quorum of disks has it.
	// Errors: ErrNotDC, ErrNoQuorum, ErrUnknown, or what Apply said.
	Propose(ctx context.Context, requestID string, change []byte) (seq uint64, err error)
	// Send queues a message for a member (or this node itself); delivery is
	// reliable and in order while both live and the peer stays reachable, of
	// any size. It never blocks.
	Send(to string, payload []byte)
	// Receive returns the channel of messages sent by members.
	Receive() <-chan Message
	// MayStart says whether a start or promote commanded in the given view may
	// execute now (protocol rule 28): nil, ErrStale or ErrLease.
	MayStart(in Instance) error
	// Certify returns which of the lost nodes of the view have provably let go
	// (protocol rule 29). One answer serves one decision. Only on the DC.
	Certify(ctx context.Context, in Instance) (expired []string, err error)
	// Lease returns the state of the lease and a channel closed when Valid
	// changes or the lease runs out.
	Lease() (LeaseState, <-chan struct{})
	// Peers returns every configured node and ping node.
	Peers() []PeerStatus
}

// Message is a payload from a member.
type Message struct {
	From    string
	Payload []byte
}
