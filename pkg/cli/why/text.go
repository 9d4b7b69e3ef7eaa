package why

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/quorate/quorate/pengine"
)

// text writes explanations for people.
type text struct {
	out  *bytes.Buffer
	node string // asked for, or ""
	not  bool
}

func (t *text) print(w *pengine.Why) {
	sentence := w.Sentence
	if t.node != "" {
		sentence = t.onNode(w)
	}
	fmt.Fprintln(t.out, sentence)
	t.scores(w)
	for _, m := range w.Members {
		fmt.Fprintln(t.out)
		t.print(m)
	}
	if len(w.Actions) > 0 && t.node == "" {
		fmt.Fprintf(t.out, "  planned:\n")
		for _, a := range w.Actions {
			name := a.Key
			if a.Node != "" {
				name += " on " + a.Node
			}
			fmt.Fprintf(t.out, "    %s: %s\n", name, a.Cause)
		}
	}
}

// onNode answers about one node.
func (t *text) onNode(w *pengine.Why) string {
	if len(w.Scores) == 0 {
		return fmt.Sprintf("%s does not run on %s: no location allows that node, and the cluster is asymmetric (symmetric-cluster)", w.Resource, t.node)
	}
	n := w.Scores[0]
	if t.not && slices.Contains(w.Nodes, t.node) {
		return "It does: " + n.Sentence
	}
	return n.Sentence
}

// scores writes the sum of each node.
func (t *text) scores(w *pengine.Why) {
	for _, n := range w.Scores {
		mark := ""
		if n.Chosen {
			mark = " (chosen)"
		} else if n.State != "" {
			mark = " (" + n.State + ")"
		}
		fmt.Fprintf(t.out, "  %s: %s%s\n", n.Node, n.Score, mark)
		width, wide := 0, 0
		for _, c := range n.Contributions {
			width = max(width, len(value(c)))
			wide = max(wide, len(label(c)))
		}
		for _, c := range n.Contributions {
			line := fmt.Sprintf("    %*s  %-*s  = %s", width, value(c), wide, label(c), c.Sum)
			if d := n.Deciding; d != nil && d.Node == n.Node && d.Kind == c.Kind && d.ID == c.ID && d.Option == c.Option {
				line += "  <- decides"
			}
			fmt.Fprintln(t.out, line)
		}
		if d := n.Deciding; d != nil && d.Node != n.Node {
			fmt.Fprintf(t.out, "    decided by %s %s on %s\n", label(d.Contribution), d.Value, d.Node)
		}
	}
}

func value(c pengine.Contribution) string {
	switch {
	case c.Replaces:
		return "=" + c.Value.String()
	case c.Value > 0:
		return "+" + c.Value.String()
	}
	return c.Value.String()
}

// label names what a contribution comes from.
func label(c pengine.Contribution) string {
	out := []string{c.Kind}
	if c.ID != "" {
		out = append(out, c.ID)
	}
	switch {
	case c.With == "":
	case c.Kind == "colocated":
		out = append(out, "of "+c.With)
	default:
		out = append(out, "with "+c.With)
	}
	if c.Option != "" && c.Option != c.Kind {
		out = append(out, "("+c.Option+")")
	}
	return strings.Join(out, " ")
}
