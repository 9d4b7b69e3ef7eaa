package agree

import (
	"errors"
	"fmt"
)

// ProtocolVersion is carried by every frame; another one is refused.
const ProtocolVersion = 2

// ErrVersion indicates a frame of another protocol version.
var ErrVersion = errors.New("foreign protocol version")

// ErrCluster indicates a frame of another cluster.
var ErrCluster = errors.New("foreign cluster")

// VersionError tells which version a frame speaks.
type VersionError struct{ Version int }

// Error is the sentence.
func (e *VersionError) Error() string {
	return fmt.Sprintf("frame speaks protocol version %d, this node speaks %d: run the same release on both", e.Version, ProtocolVersion)
}

// Unwrap gives ErrVersion.
func (e *VersionError) Unwrap() error { return ErrVersion }

// Message is what two machines say to each other.
type Message interface {
	kind() uint8
	put(*encoder)
}

// Beat says "I live", and what the others need to choose a target (rule 9). It
// is a datagram to all.
type Beat struct {
	// Sent is the sender's own time; an [Echo] gives it back.
	Sent int64
	// Row has the nodes the sender hears, itself included, sorted; empty if the
	// names are too long for a datagram.
	Row []string
	// Mask is the same as bits of the sender's sorted list of nodes, Seed the
	// digest of that list.
	Mask, Seed uint64
	// Promised and Stamped are on the sender's disk.
	Promised, Stamped Ballot
	// Open is the ballot of the view whose DC the sender is, if it is open.
	Open Ballot
	// Disk identifies the sender's store.
	Disk string
	// Config is a digest of the sender's ha.cf, for users.
	Config uint64
	// Unfit says that the sender cannot do a DC's work now.
	Unfit bool
	// List is the digest of the voters that the sender's ha.cf names. Free says
	// that it follows what the cluster agrees on (autojoin).
	List uint64
	Free bool
	// Routine says that the beat is due, and tells nothing that has to leave at
	// once. It is not sent.
	Routine bool
}

// Refuse tells a node that it was removed from the cluster; a datagram that
// answers its beats.
type Refuse struct {
	// Stamped is the stamp of the state that says so.
	Stamped Ballot
}

// Echo confirms a beat of a node that the sender has promised a view with. It
// is a datagram.
type Echo struct {
	// Incarnation and Sent are those of the beat.
	Incarnation uint64
	Sent        int64
	Promised    Ballot
}

// Leaving announces a planned stop; a datagram to all, repeated until answered.
type Leaving struct {
	// Released says that this life runs nothing any more and never will again.
	Released bool
}

// Left answers Leaving of that incarnation.
type Left struct{ Incarnation uint64 }

// Propose asks for a promise (rules 10, 16).
type Propose struct {
	Ballot  Ballot
	Members []Member
	// Row is the proposer's row, newer than its last beat may be.
	Row []string
}

// Promise binds its sender to the ballot (rule 17).
type Promise struct {
	Ballot, Stamped Ballot
	Seq             uint64
	// Disk is "" if the sender's state cannot count.
	Disk string
	// Seed is the digest of the voters that ha.cf names: the first state is made
	// of equal ones, later who has another one than was agreed does not count.
	// Free says that the sender follows what was agreed.
	Seed uint64
	Free bool
	// Alone and Edits are those of the sender's [Meta], Rank is its App's.
	Alone Ballot
	Edits uint64
	Rank  []byte
	// Ages has, per node, how long ago in nanoseconds the sender last gave it an
	// echo; [Never] if that life has announced that it released everything.
	Ages map[string]int64
	// Since is how long the sender's life has lasted: the age for a node that it
	// does not know and so never gave an echo.
	Since int64
}

// Never is the age of an echo that no longer counts.
const Never = int64(1) << 62

// Nack refuses a ballot that is not above the promised one.
type Nack struct{ Ballot, Promised Ballot }

// Fetch asks a promiser for its state (the newest one is not the DC's).
type Fetch struct{ Ballot Ballot }

// State answers Fetch, and Tail with Whole.
type State struct {
	Ballot, Stamped Ballot
	Snapshot        Snapshot
}

// Sync hands out the state of a ballot (rules 11, 18, 19).
type Sync struct {
	Ballot Ballot
	// Same tells that the receiver's own state is this one already; only Meta is
	// new then and Snapshot.App is empty.
	Same     bool
	Snapshot Snapshot
	Digest   []byte
	// Alone is the [Meta].Alone of the state before this ballot: who has another
	// one has gone another way.
	Alone Ballot
}

// Synced answers Sync. Need asks for it again with the whole state.
type Synced struct {
	Ballot Ballot
	Need   bool
}

// Open tells that all members have the state (rule 20). Beats of the DC repeat
// it.
type Open struct{ Ballot Ballot }

// Changes carries consecutive changes (rule 12).
type Changes struct {
	Ballot Ballot
	List   []Change
}

// Ack tells that everything up to Seq is on disk under the ballot.
type Ack struct {
	Ballot Ballot
	Seq    uint64
}

// Tail asks the DC for the changes from a number on, or for the whole state.
type Tail struct {
	Ballot Ballot
	From   uint64
	Whole  bool
}

// Payload is a message of the program above; the machine ignores it. It is here
// so that every frame is checked alike.
type Payload struct{ Data []byte }

// Numbers of messages on the wire; never reuse one.
const (
	kBeat = iota + 1
	kEcho
	kLeaving
	kLeft
	kPropose
	kPromise
	kNack
	kFetch
	kState
	kSync
	kSynced
	kOpen
	kChanges
	kAck
	kTail
	kPayload
	kRefuse
)

func (*Beat) kind() uint8    { return kBeat }
func (*Echo) kind() uint8    { return kEcho }
func (*Leaving) kind() uint8 { return kLeaving }
func (*Left) kind() uint8    { return kLeft }
func (*Propose) kind() uint8 { return kPropose }
func (*Promise) kind() uint8 { return kPromise }
func (*Nack) kind() uint8    { return kNack }
func (*Fetch) kind() uint8   { return kFetch }
func (*State) kind() uint8   { return kState }
func (*Sync) kind() uint8    { return kSync }
func (*Synced) kind() uint8  { return kSynced }
func (*Open) kind() uint8    { return kOpen }
func (*Changes) kind() uint8 { return kChanges }
func (*Ack) kind() uint8     { return kAck }
func (*Tail) kind() uint8    { return kTail }
func (*Payload) kind() uint8 { return kPayload }
func (*Refuse) kind() uint8  { return kRefuse }
