package pengine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
)

// remoteCIB writes a cluster of three nodes that hold the connections to n
// remote nodes, and m primitives with a monitor each. Their state is unknown
// everywhere when fresh is set; otherwise each runs on one remote node, and its
// state elsewhere is no question (resource-discovery).
func remoteCIB(n, m int, fresh bool) []byte {
	var w strings.Builder
	w.WriteString(`<cib validate-with="pacemaker-3.9" crm_feature_set="3.16.1" have-quorum="1" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o">` +
		`<nvpair id="o1" name="stonith-enabled" value="true"/></cluster_property_set></crm_config><nodes>`)
	for i := range 3 {
		fmt.Fprintf(&w, `<node id="%d" uname="node%[1]d"/>`, i+1)
	}
	w.WriteString(`</nodes><resources><primitive id="fence" class="stonith" type="fence_dummy"/>`)
	for i := range n {
		fmt.Fprintf(&w, `<primitive id="remote%d" class="ocf" provider="pacemaker" type="remote"><operations><op id="remote%[1]d-m" name="monitor" interval="60s"/></operations></primitive>`, i)
	}
	for i := range m {
		fmt.Fprintf(&w, `<primitive id="rsc%d" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="rsc%[1]d-m" name="monitor" interval="10s"/></operations></primitive>`, i)
	}
	w.WriteString(`</resources><constraints>`)
	if !fresh {
		for i := range m {
			fmt.Fprintf(&w, `<rsc_location id="l%d" rsc="rsc%[1]d" node="remote%d" score="INFINITY" resource-discovery="exclusive"/>`, i, i%n)
		}
	}
	w.WriteString(`</constraints></configuration><status>`)
	op := func(id, typ, task string, rc, interval int) {
		fmt.Fprintf(&w, `<lrm_rsc_op id="%s_%s_%d" operation="%[2]s" operation_key="%[1]s_%[2]s_%[3]d" transition-key="1:1:%[4]d:11111111-2222-3333-4444-555555555555" `+
			`call-id="%d" rc-code="%[4]d" op-status="0" interval="%[3]d" op-digest="%[6]s"/>`, id, task, interval, rc, 1+interval, OpDigest(map[string]string{"CRM_meta_timeout": "20000"}, interval > 0))
	}
	history := func(id, typ, task string, rc, interval int) {
		fmt.Fprintf(&w, `<lrm_resource id="%s" class="ocf" provider="pacemaker" type="%s">`, id, typ)
		op(id, typ, task, rc, 0)
		if interval > 0 {
			op(id, typ, "monitor", 0, interval)
		}
		w.WriteString(`</lrm_resource>`)
	}
	for k := range 3 {
		fmt.Fprintf(&w, `<node_state id="%d" uname="node%[1]d" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="%[1]d"><lrm_resources>`, k+1)
		for i := range n {
			if i%3 == k {
				history(fmt.Sprintf("remote%d", i), "remote", "start", 0, 60000)
			} else {
				history(fmt.Sprintf("remote%d", i), "remote", "monitor", 7, 0)
			}
		}
		w.WriteString(`</lrm_resources></lrm></node_state>`)
	}
	for i := range n {
		fmt.Fprintf(&w, `<node_state remote_node="true" id="remote%d" uname="remote%[1]d" in_ccm="true"><lrm id="remote%[1]d"><lrm_resources>`, i)
		for k := i; k < m && !fresh; k += n {
			history(fmt.Sprintf("rsc%d", k), "Dummy", "start", 0, 10000)
		}
		w.WriteString(`</lrm_resources></lrm></node_state>`)
	}
	w.WriteString(`</status></cib>`)
	return []byte(w.String())
}

// BenchmarkScheduleRemote is 200 remote nodes with 5,000 resources: running, and
// none of them known yet, which takes a million probes.
func BenchmarkScheduleRemote(b *testing.B) {
	for _, v := range []string{"started", "fresh"} {
		b.Run(v, func(b *testing.B) {
			root, err := cib.Parse(remoteCIB(200, 5000, v == "fresh"), v)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				begin := cpuTime(b)
				res, err := Schedule(root, benchNow, Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric((cpuTime(b) - begin).Seconds(), "cpu-s")
				b.ReportMetric(float64(len(res.Graph.Actions)), "actions")
			}
		})
	}
}
