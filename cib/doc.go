// Package cib holds the cluster information base: an immutable XML document
// with its parser, its printer, its two dialects, its checks and its edits.
//
// The nouns are few. An [Element] is one node of the document; it is never
// changed after it is published, so readers need no lock and a snapshot is a
// pointer. A document is its root Element, named "cib". Edits return a new
// root which shares every untouched subtree with the old one.
//
// Inside the program there is one schema, that of Pacemaker 2.1; the dialect of
// Heartbeat 2 is upgraded where a document enters (see Upgrade).
package cib
