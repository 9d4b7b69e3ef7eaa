package h2c

import (
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/diag"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/haresources"
)

func convert(t *testing.T, text string, o Options) (string, []diag.Diagnostic) {
	t.Helper()
	entries, ds, err := haresources.ParseLoose(strings.NewReader(text), "h")
	if err != nil {
		t.Fatal(err)
	}
	o.File, o.HACF = "h", "ha.cf"
	root, more := Convert(entries, o)
	return string(cib.Print(root)), append(ds, more...)
}

func wantAll(t *testing.T, doc string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(doc, p) {
			t.Errorf("no %s in\n%s", p, doc)
		}
	}
}

func TestCurrent(t *testing.T) {
	doc, ds := convert(t, "litsha21 192.168.71.205/24/eth0/192.168.71.255\nlitsha22 IPaddr2::10.0.0.1/24/eth1", recorded(Current))
	wantAll(t, doc, `validate-with="pacemaker-3.9"`,
		`<primitive id="IPaddr_192_168_71_205" class="ocf" provider="heartbeat" type="IPaddr">`,
		`name="netmask" value="24"`, `name="cidr_netmask" value="24"`, `name="nic" value="eth0"`, `name="broadcast" value="192.168.71.255"`,
		`<expression id="prefered_location_IPaddr_192_168_71_205_expr" attribute="#uname" operation="eq" value="litsha21"/>`,
		`name="resource-stickiness" value="0"`, `name="stonith-enabled" value="false"`)
	if len(ds) != 0 {
		t.Errorf("remarks: %v", ds)
	}
	if strings.Contains(doc, "<attributes>") || strings.Contains(doc, "no_quorum_policy") {
		t.Errorf("the old dialect in\n%s", doc)
	}
}

func TestConstraintsCurrent(t *testing.T) {
	doc, _ := convert(t, "a 10.0.0.1 #ip\nb httpd #web\n#rsc_order web start after ip\n#rsc_order ip start before web\n#rsc_colocation web ip INFINITY\n#rsc_colocation web no INFINITY", recorded(Current))
	wantAll(t, doc,
		`<rsc_order id="rsc_order_web_ip" first="ip" first-action="start" then="web" then-action="start" symmetrical="true"/>`,
		`<rsc_order id="rsc_order_ip_web" first="ip" first-action="start" then="web" then-action="start" symmetrical="true"/>`,
		`<rsc_colocation id="rsc_colocation_web_ip" rsc="web" with-rsc="ip" score="INFINITY"/>`)
	if strings.Contains(doc, "rsc_colocation_web_no") {
		t.Error("a constraint on nothing was written")
	}
}

func TestSwitches(t *testing.T) {
	o := recorded(Heartbeat)
	o.NoOCF, o.NoMonitor = true, true
	o.HeartbeatScript = func(n string) bool { return n == "IPaddr" }
	doc, _ := convert(t, "a 10.0.0.1/24/eth0", o)
	wantAll(t, doc, `type="IPaddr" class="heartbeat"`, `<nvpair id="IPaddr_10_0_0_1_attr_1" name="1" value="10.0.0.1/24/eth0"/>`)
	if strings.Contains(doc, "operations") {
		t.Errorf("operations in\n%s", doc)
	}
}

func TestFailback(t *testing.T) {
	o := recorded(Current)
	o.Failback = hacf.FailbackOff
	if _, ds := convert(t, "a 10.0.0.1", o); len(ds) != 1 || !strings.Contains(ds[0].Text, "auto_failback off is not carried over") {
		t.Errorf("remarks %v", ds)
	}
	o.Stickiness = "INFINITY"
	doc, ds := convert(t, "a 10.0.0.1", o)
	wantAll(t, doc, `name="resource-stickiness" value="INFINITY"`)
	if len(ds) != 0 {
		t.Errorf("remarks %v", ds)
	}
}

func TestTwiceTheSameID(t *testing.T) {
	doc, ds := convert(t, "a 10.0.0.1\nb 10.0.0.1", recorded(Heartbeat))
	wantAll(t, doc, `<primitive id="IPaddr_10_0_0_1" `, `<primitive id="IPaddr_10_0_0_1_2" `, `rsc="IPaddr_10_0_0_1_2"`)
	if len(ds) != 1 || ds[0].Line != 2 {
		t.Errorf("remarks %v", ds)
	}
}

// FuzzConvert wants from any input a document that our own reader takes, with
// every id once and valid.
func FuzzConvert(f *testing.F) {
	f.Add("a 10.0.0.1/24/eth0 b::c::d \\\n e\n#x\n", true)
	f.Add("a b #clone:c\nx y z #clone:\n#rsc_order a start before b\n\\\n", false)
	f.Fuzz(func(t *testing.T, text string, old bool) {
		d := Current
		if old {
			d = Heartbeat
		}
		entries, _, err := haresources.ParseLoose(strings.NewReader(text), "h")
		if err != nil {
			return
		}
		root, _ := Convert(entries, recorded(d))
		ids := make(map[string]bool)
		root.Walk(func(e *cib.Element) bool {
			id := e.ID()
			if id != "" && (ids[id] || !cib.ValidName(id)) {
				t.Errorf("id %q", id)
			}
			ids[id] = true
			return true
		})
		if _, err := cib.Parse(cib.Print(root), "x"); err != nil {
			t.Errorf("%v\n%s", err, cib.Print(root))
		}
	})
}
