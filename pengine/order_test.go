package pengine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// orderCases are small clusters of one node with what Pacemaker 2.1.5 says of
// them: its summary and, as +x or -x, pseudo actions that it does or does not
// plan. "x" stands for a primitive, "x:Stopped" for one with that target role
// and "x:restart" for one with that restart-type; active ones run, and those
// marked with ! have failed.
var orderCases = []struct {
	name, first, then, active, constraints, want string
}{
	{"an optional ordering restarts nothing", "x", "y", "x! y",
		`<rsc_order id="o" first="x" then="y" kind="Optional"/>`,
		"Recover x"},
	{"restart-type of the second makes it restart with the first", "x", "y:restart", "x! y",
		`<rsc_order id="o" first="x" then="y" kind="Optional"/>`,
		"Recover x; Restart y due to required x start"},
	{"restart-type of the first means nothing", "x:restart", "y", "x! y",
		`<rsc_order id="o" first="x" then="y" kind="Optional"/>`,
		"Recover x"},
	{"restart-type means nothing to sets", "x", "y:restart", "x! y",
		`<rsc_order id="o" kind="Optional"><resource_set id="s"><resource_ref id="x"/><resource_ref id="y"/></resource_set></rsc_order>`,
		"Recover x"},
	{"restart-type means nothing to kind Serialize", "x", "y:restart", "x! y",
		`<rsc_order id="o" first="x" then="y" kind="Serialize"/>`,
		"Recover x"},
	{"of two orderings the first wins: optional", "x", "y", "x! y",
		`<rsc_order id="o" first="x" then="y" kind="Optional"/><rsc_order id="p" first="x" then="y"/>`,
		"Recover x"},
	{"of two orderings the first wins: mandatory", "x", "y", "x! y",
		`<rsc_order id="p" first="x" then="y"/><rsc_order id="o" first="x" then="y" kind="Optional"/>`,
		"Recover x; Restart y due to required x start"},
	{"of two orderings the first wins: serialize", "x:Stopped", "y", "",
		`<rsc_order id="o" first="x" then="y" kind="Serialize"/><rsc_order id="p" first="x" then="y" symmetrical="false"/>`,
		"Start y"},
	{"needed only by an ordering that cannot be met", "x:Stopped", "y", "y",
		`<rsc_order id="o" first="x" then="y" then-action="stop" symmetrical="false"/>`,
		"Stop y due to required x start (blocked)"},
	{"needed anyway, hindered by an ordering", "x:Stopped", "y", "",
		`<rsc_order id="o" first="x" then="y" symmetrical="false"/>`,
		"Start y due to unrunnable x start (blocked)"},
	{"a cloned group is told of the start that an ordering hinders", "x:Stopped", "group y", "",
		`<rsc_order id="o" first="x" then="c"/>`,
		"Start y:0 due to unrunnable x start (blocked); +c_pre_notify_start_0"},
	{"a cloned primitive is not", "x:Stopped", "clone y", "",
		`<rsc_order id="o" first="x" then="c"/>`,
		"Start y:0 due to unrunnable x start (blocked); -c_pre_notify_start_0"},
}

func orderResource(text string) string {
	wrap, name, ok := strings.Cut(text, " ")
	if !ok {
		wrap, name = "", text
	}
	id, meta, _ := strings.Cut(name, ":")
	attr := "target-role"
	if meta == "restart" {
		attr = "restart-type"
	}
	if meta != "" {
		meta = fmt.Sprintf(`<meta_attributes id="%[1]s-m"><nvpair id="%[1]s-n" name="%[2]s" value="%[3]s"/></meta_attributes>`, id, attr, meta)
	}
	x := fmt.Sprintf(`<primitive id="%[1]s" class="ocf" provider="pacemaker" type="Dummy">%[2]s<operations>`+
		`<op id="%[1]s-o" name="monitor" interval="10"/></operations></primitive>`, id, meta)
	if wrap == "group" {
		x = `<group id="g">` + x + `</group>`
	}
	if wrap != "" {
		x = `<clone id="c"><meta_attributes id="c-m"><nvpair id="c-n" name="notify" value="true"/></meta_attributes>` + x + `</clone>`
	}
	return x
}

func TestOrderings(t *testing.T) {
	for _, c := range orderCases {
		t.Run(c.name, func(t *testing.T) {
			history := ""
			for _, id := range strings.Fields(c.active) {
				rc := 0
				if x, failed := strings.CutSuffix(id, "!"); failed {
					id, rc = x, 1
				}
				op := func(call, interval, rc int, task string) string {
					return fmt.Sprintf(`<lrm_rsc_op id="%[1]s_%[2]s_%[3]d" operation="%[2]s" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8" `+
						`crm_feature_set="3.16.1" transition-key="%[4]d:1:0:11111111-2222-3333-4444-555555555555" call-id="%[4]d" rc-code="%[5]d" op-status="0" interval="%[3]d"/>`,
						id, task, interval, call, rc)
				}
				history += `<lrm_resource id="` + id + `" class="ocf" provider="pacemaker" type="Dummy">` + op(1, 0, 0, "start") + op(2, 10000, rc, "monitor") + `</lrm_resource>`
			}
			doc := `<cib have-quorum="1" dc-uuid="1"><configuration><crm_config><cluster_property_set id="o0"><nvpair id="os" name="stonith-enabled" value="false"/>` +
				`</cluster_property_set></crm_config><nodes><node id="1" uname="n1"/></nodes><resources>` + orderResource(c.first) + orderResource(c.then) +
				`</resources><constraints>` + c.constraints + `</constraints></configuration><status><node_state id="1" uname="n1" in_ccm="true" crmd="online" ` +
				`join="member" expected="member"><lrm id="1"><lrm_resources>` + history + `</lrm_resources></lrm></node_state></status></cib>`
			root, err := cib.Parse([]byte(doc), c.name)
			if err != nil {
				t.Fatal(err)
			}
			res, err := pengine.Schedule(root, time.Unix(1718452800, 0), pengine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			planned := map[string]bool{}
			for _, a := range res.Graph.Actions {
				planned[a.Key] = true
			}
			var got []string
			for _, x := range res.Summary() {
				got = append(got, strings.TrimSpace(x.Kind+" "+x.Resource+" "+x.Reason))
			}
			for _, w := range strings.Split(c.want, "; ") {
				switch key := w[1:]; {
				case w[0] == '+' && !planned[key], w[0] == '-' && planned[key]:
					t.Errorf("%s is planned: %v, want %v", key, planned[key], !planned[key])
					fallthrough
				case w[0] == '+' || w[0] == '-':
					got = append(got, w)
				}
			}
			if g := strings.Join(got, "; "); g != c.want {
				t.Errorf("summary %s\n   want %s", g, c.want)
			}
		})
	}
}
