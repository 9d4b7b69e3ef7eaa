package cib

import (
	"fmt"
	"strings"
)

// Kind tells what an upgrade or downgrade did to a thing.
type Kind string

// What may happen to a thing that is not simply taken over.
const (
	// Renamed: the same under another name, or an id that had to change.
	Renamed Kind = "renamed"
	// Moved: the same in another place.
	Moved Kind = "moved"
	// Changed: written differently with the same meaning.
	Changed Kind = "changed"
	// Added: written down because the dialects have different defaults.
	Added Kind = "added"
	// Kept: taken over as it is although the dialect does not know it.
	Kept Kind = "kept"
	// Dropped: not taken over; the sentence gives the reason.
	Dropped Kind = "dropped"
	// Note: taken over, and there is something to know about it.
	Note Kind = "note"
)

// Change is one entry of a Report.
type Change struct {
	// Line is the line of the element in the source, 0 if unknown.
	Line int
	// Element is the tag in the source dialect.
	Element string
	// ID is the id in the source; without an id, that of the element around.
	ID   string
	Kind Kind
	// Sentence says what happened and why.
	Sentence string
}

// String returns "renamed: <nvpair> x (line 7): sentence".
func (c Change) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: <%s>", c.Kind, c.Element)
	if c.ID != "" {
		b.WriteString(" " + c.ID)
	}
	if c.Line > 0 {
		fmt.Fprintf(&b, " (line %d)", c.Line)
	}
	return b.String() + ": " + c.Sentence
}

// Report accounts for everything that a change of dialect did not simply take
// over, in document order.
type Report []Change

// Count returns how many entries have the kind.
func (r Report) Count(k Kind) int {
	n := 0
	for i := range r {
		if r[i].Kind == k {
			n++
		}
	}
	return n
}

// Summary returns one line such as "3 renamed, 1 dropped", or "nothing changed".
func (r Report) Summary() string {
	var parts []string
	for _, k := range []Kind{Renamed, Moved, Changed, Added, Kept, Dropped, Note} {
		if n := r.Count(k); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	if parts == nil {
		return "nothing changed"
	}
	return strings.Join(parts, ", ")
}

// reporter collects a Report.
type reporter struct{ report Report }

func (r *reporter) say(e *Element, owner string, k Kind, format string, args ...any) {
	id := e.ID()
	if id == "" {
		id = owner
	}
	r.report = append(r.report, Change{e.Line, e.Name, id, k, fmt.Sprintf(format, args...)})
}
