// Package history remembers the versions of the configuration: when each was
// made, by whom, from where and why, and what it was.
//
// A [Store] is a database of one node, beside the replicated state and not part
// of it: every node remembers what it has seen. It holds an [Entry] for each
// version, and the documents as a chain: a whole one now and then, and patches
// between. What a node missed while it was down is one step for it.
//
// Losing the store loses the memory and nothing else. [Recorder] writes it
// from a goroutine of its own, so that a slow disk holds nobody up.
package history
