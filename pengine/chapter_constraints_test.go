package pengine_test

import "testing"

// TestChapterConstraints follows Pacemaker Explained, "Resource Constraints".
func TestChapterConstraints(t *testing.T) {
	chapter(t, []manual{
		{says: "rsc_location: a positive score prefers a node", resources: "a", constraints: `<rsc_location id="l" rsc="a" node="n2" score="1"/>`, want: "a_start_0 on n2"},
		{says: "rsc_location: -INFINITY forbids a node", nodes: "n1", resources: "a", constraints: `<rsc_location id="l" rsc="a" node="n1" score="-INFINITY"/>`, want: ""},
		{says: "rsc_location: rsc-pattern names resources by a regular expression", resources: "a1 a2 b", constraints: `<rsc_location id="l" rsc-pattern="^a" node="n2" score="INFINITY"/>`, want: "a1_start_0 on n2, a2_start_0 on n2, b_start_0 on n1"},
		{says: "rsc_location: resource_set applies to its resources", resources: "a b", constraints: `<rsc_location id="l" node="n2" score="INFINITY"><resource_set id="s"><resource_ref id="a"/><resource_ref id="b"/></resource_set></rsc_location>`, want: "a_start_0 on n2, b_start_0 on n2"},
		{says: "rsc_location: role=Promoted prefers where it is promoted", resources: clone("c", "promotable=true", prim("s", "", "")), nodes: "n1[master-s=5] n2[master-s=5]", constraints: `<rsc_location id="l" rsc="c" node="n2" role="Promoted" score="100"/>`, history: "n1:s=started n2:s=started", want: "s_promote_0 on n2"},
		{says: "rsc_location: resource-discovery=never asks nothing of the node", resources: "a", constraints: `<rsc_location id="l" rsc="a" node="n2" score="-INFINITY" resource-discovery="never"/>`, history: "n2:a=forgotten", want: "a_start_0 on n1"},
		{says: "rsc_location: resource-discovery=exclusive allows the nodes of such constraints only", resources: "a", constraints: `<rsc_location id="l" rsc="a" node="n2" score="0" resource-discovery="exclusive"/>`, want: "a_start_0 on n2"},
		{says: "rsc_order: a mandatory ordering restarts the second with the first", nodes: "n1", resources: prim("a", "", ops("a", "monitor 10s")) + prim("b", "", ""), constraints: `<rsc_order id="o" first="a" then="b"/>`, history: "n1:a=monitor!1 n1:b=started", want: "a_start_0 on n1, a_stop_0 on n1, b_start_0 on n1, b_stop_0 on n1"},
		{says: "rsc_order: kind=Mandatory keeps the second from starting without the first", nodes: "n1", resources: prim("a", "target-role=Stopped", "") + prim("b", "", ""), constraints: `<rsc_order id="o" first="a" then="b"/>`, want: ""},
		{says: "rsc_order: kind=Optional matters only when both change", nodes: "n1", resources: prim("a", "target-role=Stopped", "") + prim("b", "", ""), constraints: `<rsc_order id="o" first="a" then="b" kind="Optional"/>`, want: "b_start_0 on n1"},
		{says: "rsc_order: symmetrical=false has no reverse", nodes: "n1", resources: prim("a", "target-role=Stopped", "") + prim("b", "", ""), constraints: `<rsc_order id="o" first="a" then="b" symmetrical="false"/>`, history: "n1:a=started n1:b=started", want: "a_stop_0 on n1"},
		{says: "rsc_order: first-action=promote waits for the promotion", nodes: "n1", resources: clone("c", "promotable=true", prim("s", "", "")) + prim("b", "", ""), constraints: `<rsc_order id="o" first="c" first-action="promote" then="b" then-action="start"/>`, history: "n1:s=started", want: ""},
		{says: "rsc_order: require-all=false needs one of a set", nodes: "n1", resources: prim("a", "target-role=Stopped", "") + prim("b", "", "") + prim("d", "", ""),
			constraints: `<rsc_order id="o"><resource_set id="s1" sequential="false" require-all="false"><resource_ref id="a"/><resource_ref id="b"/></resource_set><resource_set id="s2"><resource_ref id="d"/></resource_set></rsc_order>`, want: "b_start_0 on n1, d_start_0 on n1"},
		{says: "rsc_colocation: INFINITY places the first where the second is", resources: "a b", constraints: `<rsc_colocation id="k" rsc="b" with-rsc="a" score="INFINITY"/>`, history: "n1:a=started", want: "b_start_0 on n1"},
		{says: "rsc_colocation: without the second the first does not run", resources: prim("a", "target-role=Stopped", "") + prim("b", "", ""), constraints: `<rsc_colocation id="k" rsc="b" with-rsc="a" score="INFINITY"/>`, want: ""},
		{says: "rsc_colocation: an advisory score gives way", resources: prim("a", "target-role=Stopped", "") + prim("b", "", ""), constraints: `<rsc_colocation id="k" rsc="b" with-rsc="a" score="100"/>`, want: "b_start_0 on n1"},
		{says: "rsc_colocation: -INFINITY keeps them apart", nodes: "n1", resources: "a b", constraints: `<rsc_colocation id="k" rsc="b" with-rsc="a" score="-INFINITY"/>`, want: "a_start_0 on n1"},
		{says: "rsc_colocation: with-rsc-role=Promoted follows the promoted instance", nodes: "n1 n2[master-s=5]", resources: prim("a", "", "") + clone("c", "promotable=true", prim("s", "", "")), constraints: `<rsc_colocation id="k" rsc="a" with-rsc="c" with-rsc-role="Promoted" score="INFINITY"/>`, history: "n1:s=started n2:s=promoted", want: "a_start_0 on n2"},
		{says: "rsc_colocation: node-attribute asks for the same value, not the same node", nodes: "n1(rack=x) n2(rack=y) n3(rack=y)", resources: "a b", constraints: `<rsc_colocation id="k" rsc="b" with-rsc="a" score="INFINITY" node-attribute="rack"/><rsc_location id="l" rsc="b" node="n2" score="-INFINITY"/>`, history: "n2:a=started", want: "b_start_0 on n3"},
		{says: "rsc_colocation: influence=false does not move the second for the first", resources: prim("a", "", "") + prim("b", "migration-threshold=1", ops("b", "monitor 10s")), nodes: "n1[fail-count-b#monitor_10000=1] n2", constraints: `<rsc_colocation id="k" rsc="b" with-rsc="a" score="INFINITY" influence="false"/>`, history: "n1:a=started n1:b=monitor!1", want: "b_stop_0 on n1"},
		{says: "rsc_colocation: a set is placed together", resources: "a b d", constraints: `<rsc_colocation id="k" score="INFINITY"><resource_set id="s" sequential="true"><resource_ref id="a"/><resource_ref id="b"/><resource_ref id="d"/></resource_set></rsc_colocation>`, history: "n2:a=started", want: "b_start_0 on n2, d_start_0 on n2"},
	})
}

// TestChapterRules follows Pacemaker Explained, "Rules".
func TestChapterRules(t *testing.T) {
	rule := func(exprs string) string {
		return `<rsc_location id="l" rsc="a"><rule id="r" score="INFINITY">` + exprs + `</rule></rsc_location>`
	}
	expr := func(attrs string) string { return `<expression id="e" ` + attrs + `/>` }
	attr := func(operation, value, typ string) string {
		return rule(expr(`attribute="x" operation="` + operation + `" value="` + value + `"` + typ))
	}
	guarded := func(date string) string {
		return `<rsc_defaults><meta_attributes id="d"><rule id="r" score="1">` + date + `</rule><nvpair id="d1" name="target-role" value="Stopped"/></meta_attributes></rsc_defaults>`
	}
	on2 := "a_start_0 on n2"
	stopped, up := "", "a_start_0 on n1"
	chapter(t, []manual{
		{says: "operation=eq: values are equal", nodes: "n1(x=1) n2(x=2)", resources: "a", constraints: attr("eq", "2", ""), want: on2},
		{says: "operation=ne: values are not equal", nodes: "n1(x=1) n2(x=2)", resources: "a", constraints: attr("ne", "1", ""), want: on2},
		{says: "operation=gt, type=number: 10 is more than 9", nodes: "n1(x=8) n2(x=10)", resources: "a", constraints: attr("gt", "9", ` type="number"`), want: on2},
		{says: "operation=lte, type=version: 1.10 is more than 1.9", nodes: "n1(x=1.10) n2(x=1.9)", resources: "a", constraints: attr("lte", "1.9", ` type="version"`), want: on2},
		{says: "operation=defined: the attribute is set", nodes: "n1 n2(x=1)", resources: "a", constraints: rule(expr(`attribute="x" operation="defined"`)), want: on2},
		{says: "operation=not_defined: the attribute is not set", nodes: "n1(x=1) n2", resources: "a", constraints: rule(expr(`attribute="x" operation="not_defined"`)), want: on2},
		{says: "#uname is the name of the node", resources: "a", constraints: rule(expr(`attribute="#uname" operation="eq" value="n2"`)), want: on2},
		{says: "boolean-op=or: one expression suffices", nodes: "n1 n2(x=1)", resources: "a", constraints: `<rsc_location id="l" rsc="a"><rule id="r" score="INFINITY" boolean-op="or">` + expr(`attribute="x" operation="defined"`) + `<expression id="e2" attribute="y" operation="defined"/></rule></rsc_location>`, want: on2},
		{says: "boolean-op=and: all expressions are needed", nodes: "n1 n2(x=1)", resources: "a", constraints: `<rsc_location id="l" rsc="a"><rule id="r" score="INFINITY" boolean-op="and">` + expr(`attribute="x" operation="defined"`) + `<expression id="e2" attribute="y" operation="defined"/></rule></rsc_location>`, want: up},
		{says: "score-attribute: the score is the value of a node attribute", nodes: "n1(p=5) n2(p=50)", resources: "a", constraints: `<rsc_location id="l" rsc="a"><rule id="r" score-attribute="p">` + expr(`attribute="p" operation="defined"`) + `</rule></rsc_location>`, want: on2},
		{says: "date_expression operation=gt: after the start", resources: "a", nodes: "n1", more: guarded(`<date_expression id="e" operation="gt" start="2024-06-15T11:00:00Z"/>`), want: stopped},
		{says: "date_expression operation=lt: before the end", resources: "a", nodes: "n1", more: guarded(`<date_expression id="e" operation="lt" end="2024-06-15T11:00:00Z"/>`), want: up},
		{says: "date_expression operation=in_range with a duration", resources: "a", nodes: "n1", more: guarded(`<date_expression id="e" operation="in_range" start="2024-06-15T11:00:00Z"><duration id="u" hours="2"/></date_expression>`), want: stopped},
		{says: "date_spec: weekdays and hours", resources: "a", nodes: "n1", more: guarded(`<date_expression id="e" operation="date_spec"><date_spec id="u" weekdays="6" hours="9-16"/></date_expression>`), want: stopped},
		{says: "date_spec: not on this weekday", resources: "a", nodes: "n1", more: guarded(`<date_expression id="e" operation="date_spec"><date_spec id="u" weekdays="1-5"/></date_expression>`), want: up},
		{says: "rsc_expression: the agent matches", resources: "a", nodes: "n1", more: guarded(`<rsc_expression id="e" class="ocf" provider="pacemaker" type="Dummy"/>`), want: stopped},
		{says: "rsc_expression: the agent does not match", resources: "a", nodes: "n1", more: guarded(`<rsc_expression id="e" type="apache"/>`), want: up},
	})
}
