// Package haresources reads haresources, the resource file of Heartbeat 1.
//
// A line is a node and the resources that it should own: a [Group], started
// from left to right and stopped from right to left. [Parse] is strict and
// reports every error with its line. [ParseLoose] reads the way the converter
// haresources2cib does: it also finds the names and constraints that a user
// may put into remarks.
package haresources

// Sample is where the project keeps a sample of the file.
const Sample = "docs/examples/haresources"
