// Package pengine is the policy engine: Schedule turns a CIB snapshot and a
// time into a transition graph, the scores behind it and their explanation.
//
// It is a pure function: no clock, no I/O, no goroutine, the same bytes out for
// the same bytes in. It knows the document model of package cib and nothing
// else of the program.
package pengine
