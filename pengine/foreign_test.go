package pengine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// TestLocalOnly: an executor without Pacemaker Remote and bundles leaves both
// alone, says so by id, and still manages everything else.
func TestLocalOnly(t *testing.T) {
	root, err := cib.Parse([]byte(`<cib have-quorum="1" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o">`+
		`<nvpair id="os" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>`+
		`<nodes><node id="1" uname="n1"/><node id="r1" uname="r1" type="remote"/></nodes><resources>`+
		`<primitive id="x" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="r1" class="ocf" provider="pacemaker" type="remote"/>`+
		`<primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain"><meta_attributes id="m"><nvpair id="mn" name="remote-node" value="g1"/></meta_attributes></primitive>`+
		`<bundle id="web"><docker image="i"/><network ip-range-start="10.0.0.1"/><primitive id="w" class="ocf" provider="pacemaker" type="Dummy"/></bundle>`+
		`</resources><constraints/></configuration><status>`+
		`<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>`+
		`<lrm_resource id="web-docker-0" class="ocf" provider="heartbeat" type="docker"><lrm_rsc_op id="web-docker-0_last_0" operation="start" `+
		`transition-key="1:1:0:11111111-2222-3333-4444-555555555555" call-id="1" rc-code="0" op-status="0" interval="0"/></lrm_resource>`+
		`</lrm_resources></lrm></node_state></status></cib>`), "local")
	if err != nil {
		t.Fatal(err)
	}
	res, err := pengine.Schedule(root, time.Unix(1718452800, 0), pengine.Options{LocalOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	started := map[string]bool{}
	for _, a := range res.Graph.Actions {
		switch {
		case a.Primitive == nil:
		case a.Operation == "start":
			started[a.Primitive.ID] = true
		case a.Operation == "stop", a.Primitive.ID == "r1" && a.Operation != "monitor", strings.HasPrefix(a.Primitive.ID, "web"):
			t.Errorf("%s is planned", a.Key)
		}
	}
	if !started["x"] || !started["vm"] || len(started) != 2 {
		t.Errorf("started: %v, want x and vm", started)
	}
	all := strings.Join(res.Warnings, "\n")
	for _, want := range []string{"bundle web is left as it is", "resource r1 connects to a remote node", "resource vm contains the guest node g1", "node r1 is a remote node"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning %q in:\n%s", want, all)
		}
	}
}
