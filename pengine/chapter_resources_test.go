package pengine_test

import "testing"

// TestChapterResources follows Pacemaker Explained, "Cluster Resources",
// "Resource Operations" and "Advanced Resource Types".
func TestChapterResources(t *testing.T) {
	running := "n1:a=started"
	monitor := func(attrs string) string { return ops("a", "monitor 10s "+attrs) }
	chapter(t, []manual{
		{says: "priority: what is not active and less important stays stopped when not all can run", options: "placement-strategy=utilization", nodes: "n1{cpu=1}",
			resources: `<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"><utilization id="au"><nvpair id="au1" name="cpu" value="1"/></utilization></primitive>` +
				`<primitive id="b" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="bm"><nvpair id="bm1" name="priority" value="5"/></meta_attributes><utilization id="bu"><nvpair id="bu1" name="cpu" value="1"/></utilization></primitive>`, want: "b_start_0 on n1"},
		{says: "target-role=Stopped forces it to be stopped", resources: prim("a", "target-role=Stopped", ""), history: running, want: "a_stop_0 on n1", status: "(disabled)"},
		{says: "target-role=Unpromoted lets it not be promoted", nodes: "n1[master-s=5]", resources: clone("c", "promotable=true,target-role=Unpromoted", prim("s", "", "")), history: "n1:s=promoted", want: "s_demote_0 on n1"},
		{says: "is-managed=false neither starts nor stops it", resources: prim("a", "is-managed=false,target-role=Stopped", ""), history: running, want: "", status: "unmanaged"},
		{says: "maintenance=true is like maintenance-mode for it alone", resources: prim("a", "maintenance=true,target-role=Stopped", "") + prim("b", "", ""), history: running, want: "b_start_0 on n2"},
		{says: "resource-stickiness keeps it where it is", resources: prim("a", "resource-stickiness=100", ""), constraints: `<rsc_location id="l" rsc="a" node="n2" score="50"/>`, history: running, want: ""},
		{says: "without enough resource-stickiness it moves", resources: prim("a", "resource-stickiness=10", ""), constraints: `<rsc_location id="l" rsc="a" node="n2" score="50"/>`, history: running, want: "a_start_0 on n2, a_stop_0 on n1"},
		{says: "migration-threshold: after that many failures it moves away", nodes: "n1[fail-count-a#monitor_10000=2] n2", resources: prim("a", "migration-threshold=2", monitor("")), history: "n1:a=monitor!1", want: "a_start_0 on n2, a_stop_0 on n1"},
		{says: "below migration-threshold it is restarted", nodes: "n1[fail-count-a#monitor_10000=1] n2", resources: prim("a", "migration-threshold=2", monitor("")), history: "n1:a=monitor!1", want: "a_start_0 on n1, a_stop_0 on n1"},
		{says: "failure-timeout: an old failure does not count", nodes: "n1[fail-count-a#start_0=1,last-failure-a#start_0=1718452000]", resources: prim("a", "failure-timeout=5min", ""), history: "n1:a=started", want: "a_clear_failcount_0 on n1 (clear_failcount)"},
		{says: "multiple-active=stop_start stops all instances and starts one", resources: "a", history: "n1:a=started n2:a=started", want: "a_start_0 on n1, a_stop_0 on n1, a_stop_0 on n2"},
		{says: "multiple-active=stop_only stops all and leaves it so", resources: prim("a", "multiple-active=stop_only", ""), history: "n1:a=started n2:a=started", want: "a_stop_0 on n1, a_stop_0 on n2"},
		{says: "multiple-active=block marks it as unmanaged", resources: prim("a", "multiple-active=block", ""), history: "n1:a=started n2:a=started", want: "", status: "blocked"},
		{says: "multiple-active=stop_unexpected stops only where it should not be", resources: prim("a", "multiple-active=stop_unexpected", ""), history: "n1:a=started n2:a=started", want: "a_stop_0 on n2"},
		{says: "allow-migrate=true migrates it live", resources: prim("a", "allow-migrate=true", ""), constraints: `<rsc_location id="l" rsc="a" node="n2" score="50"/>`, history: running, want: "a_migrate_from_0 on n2, a_migrate_to_0 on n1, a_stop_0 on n1"},
		{says: "rsc_defaults give meta-attributes that are not set", resources: "a", more: `<rsc_defaults>` + nvSet("meta_attributes", "d", "target-role=Stopped") + `</rsc_defaults>`, history: running, want: "a_stop_0 on n1"},
		{says: "on-fail=ignore pretends that it did not fail", nodes: "n1", resources: prim("a", "", monitor(`on-fail="ignore"`)), history: "n1:a=monitor!1", want: "", status: "failure ignored"},
		{says: "on-fail=block does nothing more with it", nodes: "n1", resources: prim("a", "", monitor(`on-fail="block"`)), history: "n1:a=monitor!1", want: "", status: "blocked"},
		{says: "on-fail=stop stops it and starts it nowhere else", resources: prim("a", "", monitor(`on-fail="stop"`)), history: "n1:a=monitor!1", want: "a_stop_0 on n1"},
		{says: "on-fail=restart stops and starts it", nodes: "n1", resources: prim("a", "", monitor(`on-fail="restart"`)), history: "n1:a=monitor!1", want: "a_start_0 on n1, a_stop_0 on n1"},
		{says: "on-fail=fence fences the node", fence: true, nodes: "n2 n1", resources: prim("a", "", monitor(`on-fail="fence"`)), history: "n1:a=monitor!1", want: "a_start_0 on n2, stonith-n1-reboot on n1 (stonith)"},
		{says: "on-fail=standby moves all resources away", resources: prim("a", "", monitor(`on-fail="standby"`)) + prim("b", "", ""), history: "n1:a=monitor!1 n1:b=started", want: "a_start_0 on n2, a_stop_0 on n1, b_start_0 on n2, b_stop_0 on n1", status: "standby (on-fail)"},
		{says: "on-fail=demote demotes a promoted instance and keeps it running", nodes: "n1[master-s=5]", resources: clone("c", "promotable=true", prim("s", "", ops("s", `monitor 10s role="Promoted" on-fail="demote"`))), history: "n1:s=promoted", want: ""},
		{says: "a failed stop fences by default", fence: true, nodes: "n2 n1", resources: "a", history: "n1:a=stop!1", want: "a_start_0 on n2, stonith-n1-reboot on n1 (stonith)"},
		{says: "a failed stop blocks where there is no fencing", resources: "a", history: "n1:a=stop!1", want: "", status: "blocked"},
		{says: "a group starts all its members on one node", resources: group("g", "", prim("a", "", ""), prim("b", "", "")), want: "a_start_0 on n1, b_start_0 on n1"},
		{says: "a group: what comes after a stopped member is stopped", nodes: "n1", resources: group("g", "", prim("a", "target-role=Stopped", ""), prim("b", "", "")), history: "n1:a=started n1:b=started", want: "a_stop_0 on n1, b_stop_0 on n1"},
		{says: "a clone runs on every node", resources: clone("c", "", prim("a", "", "")), want: "a:1_start_0 on n2, a_start_0 on n1"},
		{says: "clone-max limits the instances", resources: clone("c", "clone-max=1", prim("a", "", "")), want: "a_start_0 on n1"},
		{says: "globally-unique=true with clone-node-max has several instances on a node", nodes: "n1", resources: clone("c", "globally-unique=true,clone-max=2,clone-node-max=2", prim("a", "", "")), history: "n1:a=forgotten", want: "a:0_start_0 on n1, a:1_start_0 on n1"},
		{says: "promoted-max limits the promoted instances", nodes: "n1[master-s=5] n2[master-s=9]", resources: clone("c", "promotable=true", prim("s", "", "")), history: "n1:s=started n2:s=started", want: "s_promote_0 on n2"},
		{says: "an empty promotion score lets nothing be promoted", resources: clone("c", "promotable=true", prim("s", "", "")), history: "n1:s=started n2:s=started", want: ""},
		{says: "container: a failed resource recovers what it is inside of", nodes: "n1", resources: prim("c", "", "") + prim("a", "container=c", monitor("")), history: "n1:c=started n1:a=monitor!1", want: "a_start_0 on n1, a_stop_0 on n1, c_start_0 on n1, c_stop_0 on n1"},
	})
}
