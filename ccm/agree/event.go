package agree

// Event is something the caller may want to know; delivered after the writes
// and messages of the same [Ready].
type Event interface{ event() }

// ViewEvent tells that the view changed.
type ViewEvent struct{ View View }

// OpenedEvent tells, on the DC, that its ballot opened: everything up to Seq is
// committed.
type OpenedEvent struct {
	Ballot  Ballot
	Members []Member
	Seq     uint64
}

// CommittedEvent tells, on the DC, that a quorum of disks has everything up to
// Seq.
type CommittedEvent struct {
	Ballot Ballot
	Seq    uint64
}

// ProposalEvent answers [Machine.Propose].
type ProposalEvent struct {
	Token uint64
	Seq   uint64
	Err   error
}

// CheckEvent answers [Machine.Certify] and [Machine.Confirm].
type CheckEvent struct {
	Token uint64
	// Expired are the nodes outside the view that have provably let go.
	Expired []string
	Err     error
}

// LeaseEvent tells that the validity of the lease changed.
type LeaseEvent struct{ Lease Lease }

// PeerEvent tells that another node is heard or dead.
type PeerEvent struct {
	Name        string
	Incarnation uint64
	Alive       bool
	Reason      string
}

// KnownEvent tells of a node that is not in [Config].Nodes and is known now: the
// links must carry its frames.
type KnownEvent struct{ Name string }

// NoteEvent is a sentence for the log.
type NoteEvent struct {
	Warn bool
	Text string
}

func (ViewEvent) event()      {}
func (OpenedEvent) event()    {}
func (CommittedEvent) event() {}
func (ProposalEvent) event()  {}
func (CheckEvent) event()     {}
func (LeaseEvent) event()     {}
func (PeerEvent) event()      {}
func (NoteEvent) event()      {}
func (KnownEvent) event()     {}
