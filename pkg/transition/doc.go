// Package transition executes a transition graph: it says which actions may be
// fired, takes their results, and tells when the transition is over.
//
// An [Engine] is a plain machine: no clock, no goroutine, no message. The
// controller of the DC feeds it and carries its actions out.
package transition
