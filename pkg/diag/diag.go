// Package diag holds the remarks that the readers of configuration files make:
// what is wrong, where, and what to do about it.
package diag

import (
	"fmt"
	"sort"
	"strings"
)

// Severity tells what a Diagnostic means for the start.
type Severity uint8

const (
	// Info is worth a line in the log and nothing more.
	Info Severity = iota
	// Warning does not prevent the start.
	Warning
	// Error refuses the file.
	Error
)

// String returns the word that stands in the log.
func (s Severity) String() string { return [...]string{"info", "warning", "error"}[s] }

// Diagnostic is one remark about a configuration file.
type Diagnostic struct {
	File string
	// Line is 1-based; 0 when the remark is about the file as a whole.
	Line     int
	Severity Severity
	// Text says what is wrong, Remedy what to do about it (may be "").
	Text, Remedy string
}

// New returns a Diagnostic.
func New(file string, line int, s Severity, remedy, text string) Diagnostic {
	return Diagnostic{File: file, Line: line, Severity: s, Text: text, Remedy: remedy}
}

// String returns "FILE:LINE: SEVERITY: TEXT (REMEDY)".
func (d Diagnostic) String() string {
	var b strings.Builder
	b.WriteString(d.File)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d", d.Line)
	}
	fmt.Fprintf(&b, ": %s: %s", d.Severity, d.Text)
	if d.Remedy != "" {
		fmt.Fprintf(&b, " (%s)", d.Remedy)
	}
	return b.String()
}

// Errors is the error of a file that is refused: its diagnostics of severity
// Error, in the order of the lines.
type Errors []Diagnostic

// Error returns one line for each diagnostic.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, d := range e {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// Refusal returns the errors among the diagnostics as an Errors value, or nil.
func Refusal(ds []Diagnostic) error {
	var e Errors
	for _, d := range ds {
		if d.Severity == Error {
			e = append(e, d)
		}
	}
	if e == nil {
		return nil
	}
	return e
}

// Sort orders remarks by line; those about a whole file come last.
func Sort(ds []Diagnostic) {
	sort.SliceStable(ds, func(i, j int) bool {
		a, b := ds[i].Line, ds[j].Line
		return a != 0 && (b == 0 || a < b)
	})
}
