// Package grammar holds the schemas of the CIB, pacemaker-1.0 to pacemaker-3.9,
// as one table from which everything else is made: the validator of documents
// with its sentences for people, and the RELAX NG files for other tools.
//
// # Nouns
//
// The tables (table*.go) are written in a small compact notation, in which a
// guard such as [2.8-] says in which versions a part exists. A [Schema] is the
// table read for one version. A [Node] is what it can check, an element of any
// tree; a [Fault] is one thing that is wrong, with the node and a sentence.
// [Schema.RelaxNG] prints the schema in RELAX NG's XML syntax.
//
// # How documents are checked
//
// By derivatives: what may still come after an attribute or a child is itself a
// pattern. Patterns are unique within a schema and remember their derivatives,
// so that the patterns met so far form an automaton and a large document costs
// a few table look-ups an element. The automaton grows while documents are
// checked; a Schema therefore has a lock, and serves one document at a time.
//
// # Caveats
//
// Each element of the tables has a name of its own place: where two patterns
// with the same element name compete, both are tried. The status section is not
// looked into. Of the datatypes only those the tables use are known.
package grammar
