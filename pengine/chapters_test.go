package pengine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// TestMultiSiteTickets follows Pacemaker Explained, "Multi-Site Clusters and
// Tickets", section "Configuring Ticket Dependencies": what the loss policies do
// to a resource that runs.
func TestMultiSiteTickets(t *testing.T) {
	const doc = `<cib have-quorum="1" crm_feature_set="3.16.1"><configuration><crm_config><cluster_property_set id="o">
<nvpair id="o1" name="stonith-enabled" value="true"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes><resources><primitive id="f" class="stonith" type="fence_dummy"/>
<primitive id="r" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints><rsc_ticket id="dep" rsc="r" ticket="T" loss-policy="%s"/></constraints></configuration>
<status><tickets><ticket_state id="T" %s/></tickets><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
<lrm id="1"><lrm_resources><lrm_resource id="r" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="r_last_0" operation="start"
transition-key="1:1:0:11111111-2222-3333-4444-555555555555" call-id="1" rc-code="0" op-status="0" interval="0"/></lrm_resource></lrm_resources></lrm></node_state></status></cib>`
	for _, c := range []struct{ loss, state, want string }{
		{"stop", `granted="true"`, ""}, {"stop", `granted="false"`, "stop"}, {"stop", `granted="true" standby="true"`, "stop"},
		{"demote", `granted="false"`, "stop"}, {"fence", `granted="false"`, "stonith"}, {"freeze", `granted="false"`, ""},
	} {
		root, err := cib.Parse([]byte(fmt.Sprintf(doc, c.loss, c.state)), "ticket")
		if err != nil {
			t.Fatal(err)
		}
		res, err := pengine.Schedule(root, time.Unix(1700000000, 0), pengine.Options{Explain: true})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, a := range res.Graph.Actions {
			if a.Operation == "stonith" {
				got = a.Operation
			}
		}
		if got == "" && len(res.Why("r").Nodes) == 0 {
			got = "stop"
		}
		if got != c.want {
			t.Errorf("loss-policy %s, %s: planned %q, not %q", c.loss, c.state, got, c.want)
		}
		if s := res.Why("r").Sentence; c.state != `granted="true"` && c.loss != "fence" && !strings.Contains(s, "ticket T is ") {
			t.Errorf("loss-policy %s, %s: the sentence does not name the ticket: %s", c.loss, c.state, s)
		}
	}
}
