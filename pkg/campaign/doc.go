// Package campaign measures a cluster of real daemons in a lab, many times over:
// how long a client waits when a node dies or is cut off, whether two nodes ever
// held the address at once, whether a loaded and lossy network makes a false
// view, how fast hundreds of addresses move, whether thousands of monitors keep
// their time, and what an idle cluster costs. "make campaign" runs it.
//
// The nouns:
//
//   - A [Part] is one measurement; [Parts] lists them. Each builds labs of its
//     own and ends with figures.
//   - A [Figure] is one number, with the limit it is held to where there is one.
//   - A [Report] holds the figures of a run; it is printed as text and JSON.
//
// Faults come at random moments, drawn from the seed that the report names.
// Nothing is concluded from a sleep: every round waits for the state before it
// and after it, and fails with what it saw instead.
//
// Caveats. The times are those of this computer: all nodes share its
// processors with the measurement itself, so a busy computer measures itself.
// The report therefore names the load and the longest pause of the sampler.
package campaign
