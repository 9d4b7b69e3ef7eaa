// Package lrm is the local resource manager: it executes the operations of
// resource agents on this node, one at a time per resource, repeats recurring
// ones, and keeps the history of their results.
package lrm
