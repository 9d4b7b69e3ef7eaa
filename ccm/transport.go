package ccm

import "fmt"

// Class orders the messages to one peer: everything of a lower class that is
// queued leaves before anything of a higher one. Within a class the order is
// kept.
type Class uint8

// Values of Class.
const (
	// Control carries views and replication. SYNC may be megabytes, the rest is
	// small.
	Control Class = iota
	// Bulk carries the daemon's own messages.
	Bulk
)

// Transport is what the runner needs of the links; ccm/link implements it over
// the media of ha.cf, [MemNetwork] in memory for tests.
//
// Who does what. The transport authenticates frames, drops replayed ones, and
// knows each link of each peer. It does NOT decide who is dead: beats and
// echoes are datagrams of the runner, and the machine of ccm/agree applies the
// one rule "a node is dead when no link carried a beat for deadtime; never
// sooner" to the arrival times in [TransportEvent.At]. So the transport needs no
// heartbeats of its own on links to nodes: the runner broadcasts at least once
// per keepalive and so every link carries a frame. What the transport derives
// from frames (link up or dead, by the same deadtime) is for display and for
// choosing the path of messages.
//
// Payloads passed in are not kept after the call unless copied; payloads in
// events belong to the receiver. No method blocks.
type Transport interface {
	// Broadcast sends a small unreliable frame to every configured peer on every
	// link; media that reach all peers at once send it once. At most 1200 bytes.
	Broadcast(payload []byte)
	// Datagram sends a small unreliable frame to one peer on every link. At most
	// 1200 bytes.
	Datagram(to string, payload []byte)
	// Message queues a message of any size to a peer. It arrives once and in
	// order within its class as long as the session lives: a session ends when
	// either side restarts or the peer stays unreachable, what is queued is then
	// dropped, and the next session starts clean. A message queued for one life
	// of a peer is never delivered to another one.
	Message(to string, class Class, payload []byte)
	// Events delivers what happened, in order. The runner drains it at once; an
	// implementation drops datagrams rather than grow without bound.
	Events() <-chan TransportEvent
	// Peers returns every configured node but this one, and every ping node, with
	// their links. Version and ConfigDigest are filled in by the runner, and
	// Status of normal nodes is overruled by it.
	Peers() []PeerStatus
	// Close releases the links. The channel of Events is closed afterwards.
	Close() error
}

// Accepter is a [Transport] that can be told of nodes that join later.
type Accepter interface {
	// Accept makes a node known that was not configured.
	Accept(node string)
}

// EventKind tells what a TransportEvent is.
type EventKind uint8

// Values of EventKind.
const (
	// DatagramReceived has From, Incarnation, Payload, Link and At.
	DatagramReceived EventKind = iota + 1
	// MessageReceived has From, Incarnation, Class, Payload and At.
	MessageReceived
	// PeerUp and PeerDown have From: a session began or ended. Hints only.
	PeerUp
	PeerDown
	// LinkUp and LinkDown have From and Link, for the log and for users.
	LinkUp
	LinkDown
	// PingUp and PingDown have From: the ping node.
	PingUp
	PingDown
	// PingAnswered has From and At: each answer of a ping node.
	PingAnswered
)

// String returns the name of the kind.
func (k EventKind) String() string {
	names := [...]string{"", "datagram", "message", "peer up", "peer down", "link up", "link down", "ping up", "ping down", "ping answered"}
	if int(k) < len(names) && k > 0 {
		return names[k]
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// TransportEvent is something the transport noticed.
type TransportEvent struct {
	Kind EventKind
	// From is a node name as in ha.cf.
	From string
	// Incarnation is the life of the sender as its frames carry it (the number
	// given to the sender's transport when it was made).
	Incarnation uint64
	Class       Class
	Payload     []byte
	Link        string
	// At is when the frame arrived, in nanoseconds of CLOCK_BOOTTIME ([Boottime]),
	// taken when it was read from the socket, not when the event was delivered.
	// It is never later than now.
	At int64
}

// Life is what a transport must know of the daemon it serves.
type Life struct {
	// Node is this node's name.
	Node string
	// Incarnation differs between two lives of the daemon and is higher in the
	// later one; the runner takes it from the disk.
	Incarnation uint64
	// ClusterID keeps clusters that share a wire apart; frames of another one
	// are dropped. "" until the runner knows better (authkeys keep them apart).
	ClusterID string
	// Lateness takes how late frames are read and sent; nil takes nothing.
	Lateness *Lateness
}
