// Package attrd is the attribute manager: it holds the node attributes that are
// set at run time on this node and decides when their values are written.
//
// An update either is written at once or, with dampening, waits until its value
// has been quiet for a while. When the wait of one node ends, it tells all others
// to write what they have too (a flush), so that one decision of the policy engine
// sees the values of all nodes: without it, a router that dies would move
// resources to the node that happens to notice last.
//
// [Machine] has no clock, goroutine or socket. Whoever runs it calls it from one
// goroutine, carries out the [Effect]s in their order, and calls Tick when Next is
// due. A value that flaps faster than its dampening is not written while it does.
package attrd
