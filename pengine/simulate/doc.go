// Package simulate carries a transition out on paper: [Run] executes a graph on
// a CIB as if every agent did what it is asked for, and returns the CIB with
// the results in its status section. [Inject] makes events happen in a CIB:
// nodes come and go, operations fail, tickets are granted.
//
// The nouns: an [OpSpec] is an operation with a result, as a user writes it; an
// [Event] is one thing that the simulation did, in order, with its text.
//
// Everything is pure: a CIB goes in and another comes out.
package simulate
