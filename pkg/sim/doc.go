// Package sim runs whole clusters in virtual time, in one goroutine: years of
// faults cost minutes, and a run with the same input is the same to the byte.
//
// Each node is the real thing from the agreement upwards: the machine of
// ccm/agree, the controller, the policy engine, the queues of the local resource
// manager and what package member decides between them. What is modelled is the
// rest of the world: the network, the disk, the clocks, the agents, and the
// processes with their guard.
//
// The nouns:
//
//   - A [Scenario] says which cluster, and what happens to it when: [Step] by
//     step. It is read from a file ([Parse]) or made from a seed ([Generate]).
//   - [Run] plays it and returns a [Result], with the [Violation] of an invariant
//     if there is one.
//   - [Shrink] takes steps out of a scenario that violates, as long as it does.
//   - [Campaign] plays many seeds.
//
// What the model leaves out is a chapter of docs/simulator.md.
package sim
