package pengine_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// TestRemoteNodeWithoutConnection: what such a node's history shows active is
// not started elsewhere, unless fencing is off.
func TestRemoteNodeWithoutConnection(t *testing.T) {
	history := func(rc int, task string) string {
		return fmt.Sprintf(`<lrm_resource id="x" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="x_last_0" operation="%s" `+
			`transition-key="1:1:%[2]d:11111111-2222-3333-4444-555555555555" call-id="1" rc-code="%[2]d" op-status="0" interval="0"/></lrm_resource>`, task, rc)
	}
	for _, c := range []struct {
		name, fencing, remote, want, changes string
	}{
		{"active there", "true", history(0, "start"), "RemoteNode r1: UNCLEAN (offline)", ""},
		{"active there, no fencing", "false", history(0, "start"), "RemoteOFFLINE: [ r1 ]", "Start x"},
		{"not active there", "false", history(7, "monitor"), "RemoteOFFLINE: [ r1 ]", "Start x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, err := cib.Parse([]byte(`<cib have-quorum="1" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o"><nvpair id="os" name="stonith-enabled" value="`+
				c.fencing+`"/></cluster_property_set></crm_config><nodes><node id="1" uname="n1"/><node id="r1" uname="r1" type="remote"/></nodes><resources>`+
				`<primitive id="x" class="ocf" provider="pacemaker" type="Dummy"/></resources><constraints/></configuration><status>`+
				`<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>`+history(7, "monitor")+
				`</lrm_resources></lrm></node_state><node_state remote_node="true" id="r1" uname="r1"><lrm id="r1"><lrm_resources>`+c.remote+
				`</lrm_resources></lrm></node_state></status></cib>`), c.name)
			if err != nil {
				t.Fatal(err)
			}
			res, err := pengine.Schedule(root, time.Unix(1718452800, 0), pengine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			res.StatusText(&text)
			if !strings.Contains(text.String(), c.want) {
				t.Errorf("status without %q:\n%s", c.want, &text)
			}
			var got []string
			for _, x := range res.Summary() {
				got = append(got, x.Kind+" "+x.Resource)
			}
			if g := strings.Join(got, "; "); g != c.changes {
				t.Errorf("changes %q, want %q", g, c.changes)
			}
		})
	}
}
