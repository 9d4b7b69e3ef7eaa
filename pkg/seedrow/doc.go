// Package seedrow ties tests to the rows of docs/seed-checklist.md, the list of
// everything that the articles on Heartbeat mention.
//
// A test says with [Shows] which rows it shows. A row holds when a test that named
// it ran and passed: [Shows] writes that down when the test ends, into the file
// that the environment variable QUORATE_SEED_ROWS names, and "make
// seed-checklist" makes the document of it. The document is current while the rows
// that tests name in the source are those it tells; TestCurrent looks.
package seedrow
