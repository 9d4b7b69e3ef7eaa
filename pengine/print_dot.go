package pengine

import (
	"bufio"
	"fmt"
	"io"
)

// WriteDOT writes the graph for graphviz.
func (r *Result) WriteDOT(w io.Writer) error {
	b := bufio.NewWriter(w)
	name := func(a *GraphAction) string {
		if a.Node != "" {
			return a.Key + " " + a.Node
		}
		return a.Key
	}
	b.WriteString(" digraph \"g\" {\n")
	for _, a := range r.Graph.Actions {
		font := "black"
		if a.Kind == PseudoEvent {
			font = "orange"
		}
		fmt.Fprintf(b, "%q [ style=bold color=\"green\" fontcolor=%q]\n", name(a), font)
	}
	for _, a := range r.Graph.Actions {
		for _, in := range a.Inputs {
			fmt.Fprintf(b, "%q -> %q [ style = bold]\n", name(r.Graph.Actions[in]), name(a))
		}
	}
	b.WriteString("}\n")
	return b.Flush()
}
