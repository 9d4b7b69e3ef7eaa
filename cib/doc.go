// Package cib holds the cluster information base: an immutable XML document
// with its parser, its printer, its two dialects, its checks and its edits.
//
// # Nouns
//
// An [Element] is one node of the document; it is never changed after it is
// published, so readers need no lock and a snapshot is a pointer. A document
// is its root Element, named "cib". Edits return a new root which shares every
// untouched subtree with the old one.
//
// An [Op] is one change, complete in itself: [ApplyOp] gives equal documents
// from equal documents, so that an encoded Op can be replicated. A [Version]
// orders documents. A [Problem] is what [Check] finds wrong, a [Report] what
// [Upgrade] or [Downgrade] did between the dialects, a [Difference] what
// [Diff] finds between two documents, a [Stored] what [LoadFile] found on disk.
//
// # Dialects
//
// Inside the program there is one schema, that of Pacemaker 2.1; the dialect of
// Heartbeat 2 is upgraded where a document enters ([ReadFile], [LoadFile] and
// [ApplyOp] do so by themselves), and every step is reported by id. The schemas
// of today's dialect, pacemaker-1.0 to 3.9, are the tables of package grammar.
//
// # Why the reader is our own
//
// The etree library accepts what XML forbids (two roots, attributes given
// twice, undeclared prefixes, empty input) and has no line numbers, and a
// cluster which accepts such a document could not give it to any other tool.
// Its tree is mutable with parent pointers, while ours is shared between
// versions. The reader here is strict, knows the line of each element, and is
// about five times as fast. Fuzzing holds the two against each other: what this
// reader accepts etree accepts, with the same tree. etree is at the edge:
// [ToEtree] and [FromEtree] serve programs that build documents with it.
//
// # Queries
//
// [Find] evaluates XPath 1.0 on the immutable tree itself: the library's paths
// lack functions and operators which the resource agents and command line
// clients use (starts-with, and, or, attributes as a result, unions), and a
// query must not copy a document of many megabytes first. What is not known is
// an error with its place, never an empty result.
//
// # Caveats
//
// Comments and processing instructions outside of the root and the DOCTYPE are
// forgotten; white space between elements is not kept. The values of a parsed
// element keep the text of its whole document in memory. ApplyOp checks the
// whole configuration when that changes, which costs time in proportion to its
// size; a member that replicates a checked change sets Unchecked.
package cib
