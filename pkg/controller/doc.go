// Package controller decides what a node does as a member of the cluster, and
// as its DC.
//
// A [Machine] is a plain machine: views, messages of other controllers, results
// of operations, attribute values and the time go in, [Effect]s come out. It has
// no clock, socket, disk or goroutine; package daemon carries its effects out.
//
// On a member it obeys the DC of the installed view, keeps the history of the
// operations run here and reports both at each join. On the DC it also gathers
// the status of all members, asks the policy engine for a transition whenever
// something changed, and runs it.
//
// The states and inputs have the names known from the log files of the field:
// S_PENDING, S_INTEGRATION, S_TRANSITION_ENGINE, I_JOIN_REQUEST, …
package controller
