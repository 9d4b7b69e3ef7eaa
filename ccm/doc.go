// Package ccm is the membership layer: it computes who is in the cluster,
// whether they have quorum, who is the DC, and until when this node may run
// resources; and it replicates a state machine among the members.
//
// Three layers, each testable alone:
//
//   - ccm/link: media, frames and their authentication, the failure detector,
//     reliable messages between peers, and gossip above them. Sockets live here.
//   - ccm/agree: a pure machine for ballots, views, replication and leases, by
//     the rules of docs/protocol.md. No clock, socket, disk or goroutine.
//   - ccm: the runner that joins both, owns the disk, and gives the rest of the
//     program the interface [Cluster].
package ccm
