package pengine

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
)

// WriteDOT writes the actions for graphviz: those of the graph in green, those
// that are needed but cannot be done in red. With all, those that need not be
// done are there too, in blue, and those of unmanaged resources, with purple
// text. What is bold is in the graph.
func (r *Result) WriteDOT(w io.Writer, all bool) error {
	b := bufio.NewWriter(w)
	s := r.s
	b.WriteString(" digraph \"g\" {\n")
	for i := len(s.actions) - 1; i >= 0; i-- {
		a := s.actions[i]
		style, color, font, shown := a.dotStyle()
		if shown || all {
			fmt.Fprintf(b, "%q [ style=%s color=%q fontcolor=%q]\n", a.dotName(), style, color, font)
		}
	}
	for i := len(s.actions) - 1; i >= 0; i-- {
		a := s.actions[i]
		_, _, _, shown := a.dotStyle()
		for _, e := range a.dotEdges() {
			style := "dashed"
			if a.is(aDumped) && e.a.is(aDumped) && slices.Contains(a.inputs, e.a) {
				style = "bold"
			}
			if _, _, _, too := e.a.dotStyle(); shown && too || all {
				fmt.Fprintf(b, "%q -> %q [ style = %s]\n", e.a.dotName(), a.dotName(), style)
			}
		}
	}
	b.WriteString("}\n")
	return b.Flush()
}

// dotEdges are the orderings that make an action wait, those of the graph once
// for each pair and in the order of their actions.
func (a *action) dotEdges() []edge {
	var out []edge
	for i := len(a.before) - 1; i >= 0; i-- {
		if e := a.before[i]; e.t != oNone && !(a.is(aDumped) && e.apart(a)) {
			out = append(out, e)
		}
	}
	if a.is(aDumped) {
		slices.SortStableFunc(out, func(x, y edge) int { return cmp.Compare(x.a.id, y.a.id) })
		out = slices.CompactFunc(out, func(x, y edge) bool { return x.a == y.a })
	}
	return out
}

func (a *action) dotStyle() (style, color, font string, shown bool) {
	font = "black"
	if a.is(aPseudo) {
		font = "orange"
	}
	switch {
	case a.is(aDumped):
		return "bold", "green", font, true
	case a.is(aOptional):
		return "dashed", "blue", font, false
	case a.rsc != nil && !a.rsc.is(rManaged):
		return "dashed", "red", "purple", false
	}
	return "dashed", "red", font, true
}

func (a *action) dotName() string {
	name := a.uuid()
	r := a.rsc
	switch {
	case a.task == tStonith:
		op := ""
		for _, p := range a.extra {
			if p.Name == "CRM_meta_stonith_action" {
				op = p.Value
			}
		}
		name = "stonith '" + op + "'"
	case r == nil:
		name = a.task
	case a.cancel != "":
		name = "Cancel " + opKeyString(r.historyID(), a.cancel, a.interval)
	case a.task == tNotify && a.notifyKey != nil && r.lrmID != "":
		name = notifyKey(r.lrmID, a.notifyKey.kind, a.notifyKey.keyTask)
	case r.lrmID != "" && !a.custom:
		name = opKeyString(r.lrmID, a.kt, a.interval)
	}
	switch {
	case a.node != nil:
		name += " " + a.node.uname
	case !a.is(aPseudo):
		name += " <none>"
	}
	return name
}
