// Package pkg is the parent of the parts that are not one of the top-level
// nouns.
package pkg
