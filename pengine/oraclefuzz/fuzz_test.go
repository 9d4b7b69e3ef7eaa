package oraclefuzz

import "testing"

// FuzzReadGraph reads any text as a transition graph; a graph equals itself.
func FuzzReadGraph(f *testing.F) {
	f.Add([]byte(`<transition_graph><synapse id="0"><action_set><rsc_op id="1" operation="stop" operation_key="a_stop_0" on_node="n"><attributes a="b"/></rsc_op></action_set><inputs><trigger><pseudo_event id="2"/></trigger></inputs></synapse></transition_graph>`))
	f.Add([]byte(`<transition_graph><synapse><action_set><crm_event id="1"/><pseudo_event id="2"/></action_set></synapse></transition_graph>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := ReadGraph(data)
		if err != nil {
			return
		}
		if ds := CompareGraphs(g, g); len(ds) > 0 {
			t.Fatalf("a graph differs from itself: %s", Report(ds, 5))
		}
	})
}
