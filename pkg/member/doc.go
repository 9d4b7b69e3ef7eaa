// Package member is what a node decides between its cores: the logic that joins
// agreement, configuration, controller and local resource manager, without
// clock, socket, disk or goroutine. Package daemon drives it on a real node,
// package sim in virtual time, so that both decide by the same code.
//
// The nouns:
//
//   - [Replica]: the replicated configuration.
//   - [Edits]: where a change of the configuration goes, and how it ends.
//   - [Gate]: which view commanded an operation that is about to be executed.
//   - [LeaseEnd]: when everything here has to stop because the right to run it
//     has ended.
//   - [Managed]: what a node may stop by itself.
//
// None of it is safe for concurrent use but Replica's readers.
package member
