package simulate

import (
	"errors"
	"os"
	"testing"

	"github.com/quorate/quorate/cib"
)

func TestParseOpSpec(t *testing.T) {
	for in, want := range map[string]OpSpec{
		"a_monitor_10000@n1=7":             {Resource: "a", Task: "monitor", Interval: 10000, Node: "n1", RC: 7},
		"a_b_migrate_to_0@n1.x.org=1":      {Resource: "a_b", Task: "migrate_to", Node: "n1.x.org", RC: 1},
		"c:1_stop_0@n2=5":                  {Resource: "c:1", Task: "stop", Node: "n2", RC: 5},
		"a_b_post_notify_start_0@n1=1":     {Resource: "a_b", Task: "post_notify_start", Node: "n1", RC: 1},
		"memcached:0_monitor_20000@bart=7": {Resource: "memcached:0", Task: "monitor", Interval: 20000, Node: "bart", RC: 7},
	} {
		want.Text = in
		if got, err := ParseOpSpec(in); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "foo", "a_stop_0@n1", "a_stop_0=1", "stop_0@n1=1", "a_stop_x@n1=1", "a_stop_0@=1", "a_stop_0@n1=x"} {
		if _, err := ParseOpSpec(in); !errors.Is(err, ErrOpSpec) {
			t.Errorf("%q: got %v", in, err)
		}
	}
}

func FuzzParseOpSpec(f *testing.F) {
	f.Add("a_monitor_10000@n1=7")
	f.Add("a_b_migrate_to_0@n1=1")
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOpSpec(s)
		if err == nil && (o.Resource == "" || o.Task == "" || o.Node == "" || o.Interval < 0) {
			t.Errorf("%q: %+v", s, o)
		}
	})
}

func FuzzReadGraph(f *testing.F) {
	f.Add([]byte(`<transition_graph transition_id="1"><synapse id="0" priority="INFINITY"><action_set><rsc_op id="1" operation="start" operation_key="a_start_0" on_node="n" on_node_uuid="1"><primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/><attributes CRM_meta_op_target_rc="7"/></rsc_op></action_set><inputs><trigger><pseudo_event id="2" operation="x" operation_key="x"/></trigger></inputs></synapse></transition_graph>`))
	if data, err := os.ReadFile(cases + "/594.exp"); err == nil {
		f.Add(data)
	}
	root, err := cib.Parse([]byte(small), "small")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := ReadGraph(data, "g")
		if err != nil {
			return
		}
		_, events, complete := Run(root, g, Options{})
		if complete && len(events) > 2*len(g.Actions) {
			t.Errorf("%d events of %d actions", len(events), len(g.Actions))
		}
	})
}

const small = `<cib admin_epoch="0" epoch="1" num_updates="0" validate-with="pacemaker-3.7">
 <configuration><crm_config/><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes><resources>
  <primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/>
  <clone id="c"><primitive id="ci" class="ocf" provider="heartbeat" type="Dummy"/></clone>
 </resources><constraints/></configuration>
 <status>
  <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
   <lrm id="1"><lrm_resources><lrm_resource id="a" class="ocf" provider="heartbeat" type="Dummy">
    <lrm_rsc_op id="a_last_0" operation_key="a_start_0" operation="start" call-id="5" rc-code="0" op-status="0" interval="0"/>
   </lrm_resource></lrm_resources></lrm>
  </node_state>
  <node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
 </status>
</cib>`
