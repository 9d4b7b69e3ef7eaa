package pengine_test

import "testing"

// TestChapterOptions follows Pacemaker Explained, "Cluster-Wide Configuration",
// section "Cluster Options".
func TestChapterOptions(t *testing.T) {
	running := "n1:a=started"
	chapter(t, []manual{
		{says: "no-quorum-policy=stop stops all resources", options: "no-quorum-policy=stop", noQuorum: true, resources: "a b", history: running, want: "a_stop_0 on n1"},
		{says: "no-quorum-policy=ignore continues all resource management", options: "no-quorum-policy=ignore", noQuorum: true, resources: "a b", history: running, want: "b_start_0 on n2"},
		{says: "no-quorum-policy=freeze keeps what runs and starts nothing", options: "no-quorum-policy=freeze", noQuorum: true, resources: "a b", history: running, want: ""},
		{says: "no-quorum-policy=demote demotes promotable resources and stops all others", options: "no-quorum-policy=demote", noQuorum: true, nodes: "n1[master-s=5]",
			resources: prim("a", "", "") + clone("c", "promotable=true", prim("s", "", "")), history: "n1:a=started n1:s=promoted", want: "a_stop_0 on n1, s_demote_0 on n1"},
		{says: "symmetric-cluster=false lets resources run nowhere by default", options: "symmetric-cluster=false", resources: "a b",
			constraints: `<rsc_location id="l" rsc="b" node="n2" score="10"/>`, want: "b_start_0 on n2"},
		{says: "maintenance-mode=true starts and stops nothing", options: "maintenance-mode=true", resources: prim("a", "target-role=Stopped", "") + prim("b", "", ""), history: running, want: "", status: "unmanaged"},
		{says: "stop-all-resources=true stops everything", options: "stop-all-resources=true", resources: "a b", history: running, want: "a_stop_0 on n1"},
		{says: "start-failure-is-fatal=true keeps a resource away from where its start failed", nodes: "n1[fail-count-a#start_0=INFINITY] n2", resources: "a", history: "n1:a=start!1", want: "a_start_0 on n2, a_stop_0 on n1"},
		{says: "enable-startup-probes=false assumes that nothing runs", options: "enable-startup-probes=false", nodes: "n1", resources: "a", history: "n1:a=forgotten", want: "a_start_0 on n1"},
		{says: "remove-after-stop=true removes the history of a stopped resource", options: "remove-after-stop=true", nodes: "n1", resources: prim("a", "target-role=Stopped", ""), history: running, want: "a_delete_0 on n1, a_stop_0 on n1"},
		{says: "node-health-strategy=migrate-on-red moves away from a red node", options: "node-health-strategy=migrate-on-red", nodes: "n1[#health-disk=red] n2", resources: "a", history: running, want: "a_start_0 on n2, a_stop_0 on n1", status: "health is RED"},
		{says: "node-health-strategy=only-green moves away from a yellow node", options: "node-health-strategy=only-green", nodes: "n1[#health-disk=yellow] n2", resources: "a", history: running, want: "a_start_0 on n2, a_stop_0 on n1"},
		{says: "node-health-strategy=progressive adds node-health-yellow", options: "node-health-strategy=progressive node-health-yellow=-100", nodes: "n1[#health-disk=yellow] n2", resources: "a", history: running, want: "a_start_0 on n2, a_stop_0 on n1"},
		{says: "node-health-strategy=none ignores node health", options: "node-health-strategy=none", nodes: "n1[#health-disk=red] n2", resources: "a", history: running, want: ""},
		{says: "shutdown-lock=true stops a resource with its node and waits for it", options: "shutdown-lock=true", nodes: "n1[shutdown=1718452700] n2", resources: "a", history: running, want: "a_stop_0 on n1, do_shutdown-n1 on n1 (do_shutdown)"},
		{says: "shutdown-lock=true starts it nowhere else while the node is down", options: "shutdown-lock=true", nodes: "n1- n2", resources: "a", history: "n1:a=locked", want: "", status: "Stopped n1 (LOCKED)"},
		{says: "shutdown-lock=true starts it there when the node is back", options: "shutdown-lock=true", resources: "a b", history: "n2:a=locked", want: "a_start_0 on n2, b_start_0 on n1"},
		{says: "shutdown-lock-limit ends the lock", options: "shutdown-lock=true shutdown-lock-limit=5min", nodes: "n1- n2", resources: "a", history: "n1:a=locked1718452000", want: "a_lrm_delete_0 on n1 (lrm_delete), a_start_0 on n2"},
		{says: "shutdown-lock=false recovers elsewhere", nodes: "n1[shutdown=1718452700] n2", resources: "a", history: running, want: "a_start_0 on n2, a_stop_0 on n1, do_shutdown-n1 on n1 (do_shutdown)"},
	})
}
