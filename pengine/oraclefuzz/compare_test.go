package oraclefuzz

import (
	"errors"
	"strings"
	"testing"
)

// graphOf writes a graph with a short notation: one action per line, "id kind
// key operation node inputs…".
func graphOf(t *testing.T, lines ...string) *Graph {
	t.Helper()
	var b strings.Builder
	b.WriteString(`<transition_graph transition_id="0">`)
	for _, l := range lines {
		f := strings.Fields(l)
		b.WriteString(`<synapse id="` + f[0] + `"><action_set><` + f[1] + ` id="` + f[0] + `" operation_key="` + f[2] + `" operation="` + f[3] + `"`)
		if f[1] != "pseudo_event" {
			b.WriteString(` on_node="` + f[4] + `"`)
		}
		b.WriteString(`>`)
		inputs := f[5:]
		if len(inputs) > 0 && strings.Contains(inputs[0], "=") {
			kv := strings.SplitN(inputs[0], "=", 2)
			b.WriteString(`<attributes ` + kv[0] + `="` + kv[1] + `" crm_feature_set="` + f[0] + `"/>`)
			inputs = inputs[1:]
		}
		b.WriteString(`</` + f[1] + `></action_set><inputs>`)
		for _, in := range inputs {
			b.WriteString(`<trigger><rsc_op id="` + in + `"/></trigger>`)
		}
		b.WriteString(`</inputs></synapse>`)
	}
	b.WriteString(`</transition_graph>`)
	g, err := ReadGraph([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestCompareGraphs(t *testing.T) {
	base := []string{
		"1 rsc_op a_stop_0 stop n1 CRM_meta_timeout=20000",
		"2 pseudo_event g_stopped_0 stopped - 1",
		"3 rsc_op a_start_0 start n2 2",
		"4 rsc_op b_start_0 start n2",
	}
	with := func(i int, line string) []string {
		out := append([]string(nil), base...)
		out[i] = line
		return out
	}
	for _, c := range []struct {
		name  string
		other []string
		want  []string // signatures
	}{
		{"the same", base, nil},
		{"other numbers", []string{
			"9 rsc_op b_start_0 start n2", "7 rsc_op a_stop_0 stop n1 CRM_meta_timeout=20000",
			"8 pseudo_event g_stopped_0 stopped - 7", "5 rsc_op a_start_0 start n2 8"}, nil},
		{"other pseudo events, same order", []string{base[0], "3 rsc_op a_start_0 start n2 1", base[3]}, nil},
		{"an edge that follows from others", with(2, "3 rsc_op a_start_0 start n2 1 2"), nil},
		{"an edge less", with(2, "3 rsc_op a_start_0 start n2"), []string{"order: lost stop→start"}},
		{"an edge more", with(3, "4 rsc_op b_start_0 start n2 1"), []string{"order: extra stop→start"}},
		{"an action less", base[:3], []string{"actions: -start"}},
		{"an action more", append(base[:4:4], "5 rsc_op b_monitor_0 monitor n2"), []string{"actions: +probe"}},
		{"another node", with(3, "4 rsc_op b_start_0 start n1"), []string{"actions: +start, -start"}},
		{"another parameter", with(0, "1 rsc_op a_stop_0 stop n1 CRM_meta_timeout=9"), []string{"params: stop CRM_meta_timeout"}},
		{"a loop", with(0, "1 rsc_op a_stop_0 stop n1 CRM_meta_timeout=20000 3"), []string{"order: extra start→stop"}},
	} {
		var got []string
		for _, d := range CompareGraphs(graphOf(t, base...), graphOf(t, c.other...)) {
			got = append(got, d.Signature)
		}
		if strings.Join(got, "; ") != strings.Join(c.want, "; ") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCompareTwins(t *testing.T) {
	// Two notifications of the same name on one node differ by their number only.
	a := graphOf(t, "1 rsc_op c_notify_0 notify n1 x=1", "2 rsc_op c_notify_0 notify n1 x=2", "3 rsc_op d_start_0 start n1 2")
	b := graphOf(t, "1 rsc_op c_notify_0 notify n1 x=2", "2 rsc_op c_notify_0 notify n1 x=1", "3 rsc_op d_start_0 start n1 1")
	if ds := CompareGraphs(a, b); len(ds) > 0 {
		t.Errorf("equal graphs differ: %s", Report(ds, 9))
	}
	c := graphOf(t, "1 rsc_op c_notify_0 notify n1 x=1", "3 rsc_op d_start_0 start n1 1")
	if ds := CompareGraphs(a, c); len(ds) == 0 {
		t.Error("a twin less is no difference")
	}
}

func TestReadGraphRefuses(t *testing.T) {
	for _, s := range []string{"", "<cib/>", `<transition_graph><synapse id="0"><action_set><rsc_op id="1" operation="x"/><rsc_op id="1" operation="y"/></action_set></synapse></transition_graph>`} {
		if _, err := ReadGraph([]byte(s)); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

func TestCompareText(t *testing.T) {
	g := graphOf(t)
	text := "Current cluster status:\n  * Online: [ node1 ]\n\nTransition Summary:\n  * Start      rsc1     ( node1 )\n"
	want := &Outcome{Graph: g, Summary: text, Scores: "f: rsc1 allocation score on node1: 1\ng: x\n"}
	same := &Outcome{Graph: g, Summary: "\n" + strings.ReplaceAll(text, "      ", " "), Scores: "g: x\nf: rsc1 allocation score  on node1: 1\n"}
	if ds := Compare(want, same); len(ds) > 0 {
		t.Errorf("blanks and the order of scores matter: %s", Report(ds, 9))
	}
	other := &Outcome{Graph: g, Summary: strings.Replace(text, "Start      rsc1", "Stop       rsc1", 1), Scores: "g: x\nf: rsc1 allocation score on node1: 2\n"}
	ds := Compare(want, other)
	if len(ds) != 2 || ds[0].Kind != "summary" || ds[1].Kind != "scores" || !strings.Contains(ds[0].Signature, "transition: -Start RSC") || ds[1].Signature != "scores: f" {
		t.Errorf("differences: %s", Report(ds, 9))
	}
	if ds := Compare(want, &Outcome{Err: errors.New("rsc17 is bad")}); len(ds) != 1 || ds[0].Signature != "error: RSC is bad" {
		t.Errorf("an error: %s", Report(ds, 9))
	}
}
