// Package oraclefuzz compares the policy engine with another one, the oracle
// (Debian's crm_simulate), on random CIBs.
//
// The nouns: a [Feature] is one rule of the scheduler's scope that a document
// can use; [Generate] makes a document from a seed; an [Engine] turns a
// document into an [Outcome] (transition graph, summary text, scores);
// [Compare] lists each [Difference] of two outcomes; [Minimise] makes the
// document small while the difference stays; a [Campaign] does all of it for a
// range of seeds.
//
// Caveats: the same seed gives the same document only with the same set of
// features and the same version of this package, so a finding is kept as a
// document, not as a seed alone. Documents are valid against the schema
// pacemaker-3.9, and ordering and colocation constraints are free of loops.
package oraclefuzz
