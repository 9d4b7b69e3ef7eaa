// Package simulate is the command crm_simulate, and ptest under its old name:
// what the cluster would do, and what would come of it.
//
// Its text and its XML are those of Pacemaker's crm_simulate. On purpose
// different: --quorum works without another event beside it; an event that names
// what does not exist ends the command with a sentence before anything is
// planned; a file that cannot be read or is no CIB is refused likewise, with its
// line.
package simulate
