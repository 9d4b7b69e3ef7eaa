// Package oracle has no code of its own: its test compares what the commands
// print with what Debian's commands of Pacemaker 2.1.5 print on the same files.
package oracle
