// Package link carries frames, datagrams and reliable messages between the
// nodes of a cluster over the media of ha.cf. It implements [ccm.Transport].
//
// The nouns:
//
//   - A medium is one way onto a wire: a UDP socket bound to one interface and
//     port (ucast, bcast, mcast). Its link name, as users see it, is the
//     interface.
//   - A target is one place a medium sends to: an address of a ucast line, the
//     broadcast address, a group. Each target is a flow: its frames are numbered,
//     so that the receiver can drop replays and count losses.
//   - A frame is what travels: protocol version, cluster, sender, life of the
//     sender, flow and number, kind, payload, and a code made with a key of
//     authkeys. See frame.go.
//   - A peer is another node, with one path per link.
//   - A stream carries messages to one life of a peer in one class: fragments,
//     numbers, acknowledgements, retransmission. The machines in sender.go and
//     receiver.go have no clock and no socket.
//   - Gossip is hashicorp/memberlist above all this: node metadata, discovery,
//     and a second opinion on who is alive. It decides nothing.
//
// Goroutines: each socket has a reader, which checks and drops bad frames before
// anybody else sees them; one goroutine (run) owns peers, streams and targets and
// does all sending; each ping node and the gossip layer have their own and talk
// to run by channels.
//
// Caveats. Method crc protects from line noise, not from people. A node that
// restarts has forgotten which frames it has seen: until it hears the present
// life of a peer, a recording of an older one passes for it. The keys are shared
// by all nodes, so that any key holder can speak in any node's name.
package link
