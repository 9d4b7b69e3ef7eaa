package simulate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
)

func TestInject(t *testing.T) {
	root, err := cib.Parse([]byte(small), "small")
	if err != nil {
		t.Fatal(err)
	}
	before := string(cib.Print(root))
	op := func(s string) []OpSpec {
		o, err := ParseOpSpec(s)
		if err != nil {
			t.Fatal(err)
		}
		return []OpSpec{o}
	}
	for _, c := range []struct {
		name  string
		v     Events
		text  string
		xpath string
	}{
		{"quorum", Events{Quorum: "0"}, "  * Setting quorum: 0", `/cib[@have-quorum='0']`},
		{"watchdog", Events{Watchdog: "1"}, "  * Setting watchdog: 1", `//cluster_property_set[@id='cib-bootstrap-options']/nvpair[@name='have-watchdog' and @value='1']`},
		{"up", Events{NodeUp: []string{"n3"}}, "  * Bringing node n3 online", `//node_state[@uname='n3' and @crmd='online' and @join='member' and @in_ccm='true']`},
		{"up, configured", Events{NodeUp: []string{"n3"}}, "", `//nodes/node[@id='n3' and @uname='n3']`},
		{"down", Events{NodeDown: []string{"n1"}}, "  * Taking node n1 offline", `//node_state[@id='1' and @in_ccm='false' and @expected='down' and not(lrm)]`},
		{"fail", Events{NodeFail: []string{"n1"}}, "  * Failing node n1", `//node_state[@id='1' and @in_ccm='false' and @expected='member']/lrm`},
		{"grant", Events{Grant: []string{"t"}}, "  * Granting ticket t", `//tickets/ticket_state[@id='t' and @granted='true']`},
		{"revoke after grant", Events{Grant: []string{"t"}, Revoke: []string{"t"}}, "  * Revoking ticket t", `//ticket_state[@granted='false']`},
		{"standby", Events{Standby: []string{"t"}}, "  * Making ticket t standby", `//ticket_state[@standby='true']`},
		{"activate", Events{Activate: []string{"t"}}, "  * Activating ticket t", `//ticket_state[@standby='false']`},
		{"failure", Events{Ops: op("a_monitor_10000@n1=7")}, "  * Injecting attribute fail-count-a#monitor_10000=value++ into /node_state '1'",
			`//node_state[@id='1']//lrm_rsc_op[@id='a_last_failure_0' and @operation_key='a_monitor_10000' and @rc-code='7' and @call-id='6']`},
		{"count", Events{Ops: append(op("a_monitor_10000@n1=7"), op("a_monitor_10000@n1=7")...)}, "", `//nvpair[@name='fail-count-a#monitor_10000' and @value='2']`},
		{"probe", Events{Ops: op("a_monitor_0@n2=7")}, "  * Injecting a_monitor_0@n2=7 into the configuration", `//node_state[@id='2' and not(transient_attributes)]//lrm_rsc_op[@id='a_last_0']`},
		{"instance", Events{Ops: op("ci:0_start_0@n2=0")}, "", `//node_state[@id='2']//lrm_resource[@id='ci:0' and @type='Dummy']/lrm_rsc_op[@rc-code='0']`},
	} {
		c.v.Now = time.Unix(1e9, 0)
		out, events, err := Inject(root, c.v)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var lines []string
		for _, e := range events {
			lines = append(lines, e.String())
		}
		if c.text != "" && !strings.Contains(strings.Join(lines, "\n"), c.text) {
			t.Errorf("%s: %q is not in %q", c.name, c.text, lines)
		}
		if found, err := cib.Find(out, c.xpath); err != nil || len(found) != 1 {
			t.Errorf("%s: %s selects %d (%v) of\n%s", c.name, c.xpath, len(found), err, cib.Print(out))
		}
	}
	for _, v := range []Events{{NodeDown: []string{"n9"}}, {NodeFail: []string{"n9"}}, {Ops: op("zz_stop_0@n1=1")}, {Ops: op("ci_stop_0@n1=1")}, {Ops: op("a:0_stop_0@n1=1")}} {
		if out, _, err := Inject(root, v); !errors.Is(err, ErrUnknown) || out != nil {
			t.Errorf("%+v: got %v", v, err)
		}
	}
	if string(cib.Print(root)) != before {
		t.Error("the input was changed")
	}
}
