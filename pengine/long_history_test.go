package pengine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// TestLongHistory plans with thousands of operations of one resource, in its
// history and in its configuration: the cost has to grow with their number.
func TestLongHistory(t *testing.T) {
	const n = 10000
	var ops, hist strings.Builder
	for i := range n {
		fmt.Fprintf(&ops, `<op id="o%d" name="monitor" interval="%dms"/>`, i, 1000+i)
		fmt.Fprintf(&hist, `<lrm_rsc_op id="A_monitor_%d" operation_key="A_monitor_%[1]d" operation="monitor" interval="%[1]d" call-id="%d" rc-code="0" op-status="0" transition-key="1:1:0:x"/>`, 1000+i, i+1)
	}
	doc := `<cib have-quorum="1"><configuration><crm_config><cluster_property_set id="c"><nvpair id="c1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>` +
		`<nodes><node id="1" uname="n1"/></nodes><resources><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><operations>` + ops.String() +
		`</operations></primitive></resources><constraints/></configuration><status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">` +
		`<lrm id="1"><lrm_resources><lrm_resource id="A" class="ocf" provider="pacemaker" type="Dummy">` + hist.String() +
		`</lrm_resource></lrm_resources></lrm></node_state></status></cib>`
	root, err := cib.Parse([]byte(doc), "long")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	res, err := pengine.Schedule(root, start, pengine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Errors) > 0 {
		t.Errorf("errors: %v", res.Errors[0])
	}
	took := time.Since(start)
	t.Logf("%d operations: %v", n, took)
	// A search of all for each takes more than twenty seconds.
	if took > 5*time.Second {
		t.Errorf("%d operations took %v", n, took)
	}
}
