// Package agree is the pure machine of the membership layer: ballots, views,
// replication of one state, and leases, by the rules of docs/protocol.md (the
// numbers in comments are the numbers of those rules).
//
// The nouns:
//
//   - [Ballot]: the number of a view together with its proposer, the DC.
//   - [Machine]: takes inputs ([Machine.Tick], [Machine.Step], [Machine.Propose],
//     [Machine.Certify], [Machine.Leave]) and hands out [Ready].
//   - [Ready]: writes, messages and events. The caller makes the writes durable,
//     then sends the messages, then delivers the events, in this order.
//   - [Message]: what two machines say to each other; [Encode] and [Decode].
//   - [Voters] and [Quorum]: who votes, and the predicate over votes.
//   - [Timing]: every period, derived from keepalive and deadtime.
//   - [App]: the replicated state, opaque to the machine.
//
// There is no clock, socket, disk or goroutine here. Time is an int64 of
// nanoseconds on a clock with an arbitrary origin that never runs backwards and
// counts suspend; no two nodes need to agree on it, only its rate matters.
//
// A Machine is not safe for concurrent use: one goroutine owns it. Messages and
// slices handed out are shared and must not be modified.
package agree
