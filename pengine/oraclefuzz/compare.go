package oraclefuzz

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Outcome is what an engine made of a document.
type Outcome struct {
	// Graph is the transition graph; nil when there is none.
	Graph *Graph
	// Summary is the text of the whole simulation.
	Summary string
	// Scores are the lines with scores.
	Scores string
	// Messages is what was written to the standard error of the simulation.
	Messages string
	// Stuck tells that the simulation could not carry the graph out to its end.
	Stuck bool
	// Err tells why the engine made nothing of the document.
	Err error
}

// Difference is one way in which two outcomes differ.
type Difference struct {
	// Kind is "error", "actions", "params", "order", "summary", "scores" or
	// "messages".
	Kind string
	// Words describe the difference, one line each.
	Words []string
	// Signature is equal for differences that look alike: names of resources
	// and nodes are taken out.
	Signature string
	parts     []string
}

// oracleSide and ourSide mark lines that only one side has.
const (
	oracleSide = "only the oracle: "
	ourSide    = "only ours:       "
)

// Only records that one side alone has something.
func (d *Difference) Only(side, name string) {
	d.Words = append(d.Words, side+name)
	sign := "-"
	if side == ourSide {
		sign = "+"
	}
	d.parts = append(d.parts, sign+task(name))
}

// appendTo appends d when it holds anything.
func (d *Difference) appendTo(ds []Difference) []Difference {
	if len(d.Words) == 0 {
		return ds
	}
	slices.Sort(d.parts)
	parts := slices.Compact(d.parts)
	if len(parts) > 5 {
		parts = append(parts[:5:5], "…")
	}
	d.Signature = d.Kind + ": " + strings.Join(parts, ", ")
	return append(ds, *d)
}

// Compare lists the differences of two outcomes, the weightiest first.
func Compare(want, got *Outcome) []Difference {
	if got.Err != nil {
		d := Difference{Kind: "error", Words: []string{"our engine fails: " + got.Err.Error()}, parts: []string{anonymous(got.Err.Error())}}
		return d.appendTo(nil)
	}
	out := CompareGraphs(want.Graph, got.Graph)
	a, b := want.Summary, got.Summary
	if want.Stuck {
		// Its graph waits for actions that are not in it; what it plans is compared.
		a, b = planned(a), planned(b)
	}
	out = append(out, compareSummary(a, b)...)
	out = append(out, compareScores(want.Scores, got.Scores)...)
	switch {
	case want.Stuck:
		return out
	case got.Stuck:
		const words = "our graph cannot be carried out, the oracle's can"
		d := Difference{Kind: "stuck", Words: []string{words}, parts: []string{words}}
		return d.appendTo(out)
	}
	return append(out, compareLines("messages", want.Messages, got.Messages, anonymous)...)
}

// planned is the text of a simulation up to the execution of its transition.
func planned(summary string) string {
	head, _, _ := strings.Cut(summary, "Executing Cluster Transition:")
	return head
}

// canonical takes blanks out of the lines, and drops empty lines.
func canonical(text string) (lines, compact []string) {
	for l := range strings.SplitSeq(text, "\n") {
		if c := strings.Join(strings.Fields(l), ""); c != "" {
			lines = append(lines, strings.Join(strings.Fields(l), " "))
			compact = append(compact, c)
		}
	}
	return lines, compact
}

var names = regexp.MustCompile(`\b(?:rsc|grp|tmpl|orphan|node|loc|col|ord|set|rule|level)\d+(?:-clone)?(?::\d+)?`)

// anonymous takes the names of resources and nodes out of a text.
func anonymous(s string) string {
	s = names.ReplaceAllStringFunc(s, func(n string) string {
		out := strings.TrimRight(strings.SplitN(strings.SplitN(n, ":", 2)[0], "-", 2)[0], "0123456789")
		if strings.Contains(n, "-clone") {
			out += "-clone"
		}
		return strings.ToUpper(out)
	})
	return s
}

func compareSummary(want, got string) []Difference {
	a, ca := canonical(want)
	b, cb := canonical(got)
	if slices.Equal(ca, cb) {
		return nil
	}
	d := Difference{Kind: "summary"}
	in := "before: "
	for op := range diffLines(ca, cb) {
		switch {
		case op.side == 0 && strings.HasPrefix(a[op.i], "Revised"):
			in = "after: "
		case op.side == 0 && strings.HasPrefix(a[op.i], "Transition"):
			in = "transition: "
		case op.side == 0 && strings.HasPrefix(a[op.i], "Executing"):
			in = "executing: "
		case op.side < 0:
			d.Words = append(d.Words, oracleSide+a[op.i])
			d.parts = append(d.parts, in+"-"+shape(a[op.i]))
		case op.side > 0:
			d.Words = append(d.Words, ourSide+b[op.i])
			d.parts = append(d.parts, in+"+"+shape(b[op.i]))
		}
	}
	// Only the first section that differs: the others follow from it.
	first := strings.SplitN(d.parts[0], ": ", 2)[0]
	d.parts = slices.DeleteFunc(d.parts, func(p string) bool { return !strings.HasPrefix(p, first) })
	return d.appendTo(nil)
}

// shape is a line of the summary without names.
func shape(l string) string {
	l = anonymous(strings.TrimPrefix(l, "* "))
	l = regexp.MustCompile(`\[ [^]]*\]`).ReplaceAllString(l, "[…]")
	l = regexp.MustCompile(`\(ocf:[^)]*\)|\(systemd:[^)]*\)|\(lsb:[^)]*\)`).ReplaceAllString(l, "(AGENT)")
	return regexp.MustCompile(`monitor(=\d+)?`).ReplaceAllString(l, "monitor")
}

func compareScores(want, got string) []Difference {
	return compareLines("scores", want, got, func(l string) string {
		if i := strings.Index(l, ": "); i > 0 {
			return l[:i]
		}
		return "promotion score"
	})
}

// compareLines compares two sets of lines; label makes the part of the
// signature of a line.
func compareLines(kind, want, got string, label func(string) string) []Difference {
	a, ca := canonical(want)
	b, cb := canonical(got)
	count := map[string]int{}
	for _, l := range ca {
		count[l]++
	}
	for _, l := range cb {
		count[l]--
	}
	d := Difference{Kind: kind}
	for i, l := range ca {
		if count[l] > 0 {
			count[l]--
			d.Words = append(d.Words, oracleSide+a[i])
			d.parts = append(d.parts, label(a[i]))
		}
	}
	for i, l := range cb {
		if count[l] < 0 {
			count[l]++
			d.Words = append(d.Words, ourSide+b[i])
			d.parts = append(d.parts, label(b[i]))
		}
	}
	return d.appendTo(nil)
}

// edit is one line of a comparison of two texts: side is 0 when both have it,
// -1 for a, 1 for b; i is the line's index in a (side <= 0) or b.
type edit struct{ side, i int }

// diffLines yields the edits of a longest common subsequence.
func diffLines(a, b []string) func(func(edit) bool) {
	n, m := len(a), len(b)
	lcs := make([][]int, n+1)
	for i := range lcs {
		lcs[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a[i] == b[j] {
				lcs[i][j] = lcs[i+1][j+1] + 1
			} else {
				lcs[i][j] = max(lcs[i+1][j], lcs[i][j+1])
			}
		}
	}
	return func(yield func(edit) bool) {
		for i, j := 0, 0; i < n || j < m; {
			var e edit
			switch {
			case i < n && j < m && a[i] == b[j]:
				e = edit{0, i}
				i, j = i+1, j+1
			case j == m || i < n && lcs[i+1][j] >= lcs[i][j+1]:
				e = edit{-1, i}
				i++
			default:
				e = edit{1, j}
				j++
			}
			if !yield(e) {
				return
			}
		}
	}
}

// Report writes differences in words, at most limit lines of each.
func Report(ds []Difference, limit int) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "%s\n", d.Signature)
		for i, w := range d.Words {
			if i == limit {
				fmt.Fprintf(&b, "    … and %d more\n", len(d.Words)-limit)
				break
			}
			fmt.Fprintf(&b, "    %s\n", w)
		}
	}
	return b.String()
}
