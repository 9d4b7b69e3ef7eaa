// Package peinput keeps the inputs of the policy engine, so that a decision can
// be computed again: pe-input-N.bz2 is the document as the engine had it, with
// the time it was computed for (execution-date). Inputs about which the engine
// had something to say go into the series pe-warn and pe-error. A series wraps
// around at its limit; pe-input.last holds the number that comes next.
//
// A [Store] is the files, a [Recorder] the goroutine that writes them.
package peinput
