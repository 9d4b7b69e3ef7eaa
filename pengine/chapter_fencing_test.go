package pengine_test

import (
	"strings"
	"testing"
)

// TestChapterFencing follows Pacemaker Explained, "Fencing": the cluster options
// about it, unfencing and the meta-attribute requires.
func TestChapterFencing(t *testing.T) {
	device := func(meta string) string {
		return `<primitive id="dev" class="stonith" type="fence_dummy">` + nvSet("meta_attributes", "dev-m", meta) + `</primitive>`
	}
	on := func(node string) string { return "stonith-" + node + "-on on " + node + " (stonith)" }
	const unfencing = "provides=unfencing"
	chapter(t, []manual{
		{says: "a lost node is fenced before its resources are recovered", fence: true, nodes: "n1 n2!", resources: "a", history: "n2:a=started", want: "a_start_0 on n1, stonith-n2-reboot on n2 (stonith)", status: "UNCLEAN"},
		{says: "stonith-action=off", fence: true, options: "stonith-action=off", nodes: "n1 n2!", resources: "a", want: "a_start_0 on n1, stonith-n2-off on n2 (stonith)"},
		{says: "a node that left cleanly is not fenced", fence: true, nodes: "n1 n2-", resources: "a", want: "a_start_0 on n1"},
		{says: "stonith-enabled=false recovers without fencing", nodes: "n1 n2!", resources: "a", history: "n2:a=started", want: "a_start_0 on n1"},
		{says: "without quorum nobody is fenced", fence: true, noQuorum: true, nodes: "n1 n2!", resources: "a", want: "fence_stop_0 on n1"},
		{says: "requires=nothing starts without fencing and quorum", options: "stonith-enabled=true", noQuorum: true, nodes: "n1", resources: prim("a", "requires=nothing", "") + device(""), want: "a_start_0 on n1"},
		{says: "requires=quorum needs a majority of the nodes", options: "stonith-enabled=true", noQuorum: true, nodes: "n1", resources: prim("a", "requires=quorum", "") + device(""), want: ""},
		{says: "priority-fencing-delay delays the fencing of the node with the highest priority", fence: true, options: "priority-fencing-delay=15s", nodes: "n1 n2!", resources: prim("a", "priority=5", ""), history: "n2:a=started", want: "a_start_0 on n1, stonith-n2-reboot on n2 (stonith)"},
		{says: "unfencing: a node is unfenced before a device is probed or started there", options: "stonith-enabled=true", nodes: "n1", resources: device(unfencing), history: "n1:dev=forgotten", want: "dev_start_0 on n1, " + on("n1")},
		{says: "unfencing: a node that was unfenced is left as it is", options: "stonith-enabled=true", nodes: "n1[#node-unfenced=1718452000]", resources: device(unfencing), want: "dev_start_0 on n1"},
		{says: "requires=unfencing: the default while a device provides it", options: "stonith-enabled=true", nodes: "n1", resources: prim("a", "", "") + device(unfencing), want: "a_start_0 on n1, dev_start_0 on n1, " + on("n1")},
		{says: "requires=unfencing: what runs stops while its node is unfenced", options: "stonith-enabled=true", nodes: "n1", resources: prim("a", "", "") + device(unfencing), history: "n1:a=started n1:dev=started", want: "a_start_0 on n1, a_stop_0 on n1, dev_start_0 on n1, dev_stop_0 on n1, " + on("n1")},
		{says: "requires=fencing does not wait for unfencing", options: "stonith-enabled=true", nodes: "n1[#node-unfenced=0] n2", resources: prim("a", "requires=fencing", "") + device(unfencing), constraints: `<rsc_location id="l" rsc="a" node="n1" score="INFINITY"/><rsc_location id="m" rsc="dev" node="n2" score="INFINITY"/>`, want: "a_start_0 on n1, dev_start_0 on n2, " + on("n2")},
		{says: "unfencing: a changed device unfences again", options: "stonith-enabled=true", nodes: "n1[#node-unfenced=1718452000,#digests-all=dev:fence_dummy:old,#digests-secure=dev:fence_dummy:old] n2[#node-unfenced=1718452000]", resources: device(unfencing), history: "n1:dev=started", want: "dev_start_0 on n1, dev_stop_0 on n1, " + on("n1")},
	})
}

// TestChapterSites follows Pacemaker Explained, "Multi-Site Clusters and Tickets".
func TestChapterSites(t *testing.T) {
	dep := func(loss, role string) string {
		return `<rsc_ticket id="t" ticket="T" rsc="a" ` + role + ` loss-policy="` + loss + `"/>`
	}
	granted, lost := `<ticket_state id="T" granted="true"/>`, `<ticket_state id="T" granted="false"/>`
	running := "n1:a=started"
	cl := clone("c", "promotable=true", prim("s", "", ""))
	chapter(t, []manual{
		{says: "a resource with a ticket starts where it is granted", nodes: "n1", resources: "a", constraints: dep("stop", ""), tickets: granted, want: "a_start_0 on n1"},
		{says: "a ticket that was never granted lets nothing start", nodes: "n1", resources: "a", constraints: dep("stop", ""), want: ""},
		{says: "loss-policy=stop stops it", nodes: "n1", resources: "a", constraints: dep("stop", ""), tickets: lost, history: running, want: "a_stop_0 on n1"},
		{says: "loss-policy=freeze leaves it alone", nodes: "n1", resources: "a", constraints: dep("freeze", ""), tickets: lost, history: running, want: ""},
		{says: "loss-policy=fence fences the nodes that run it", fence: true, nodes: "n2 n1", resources: "a", constraints: dep("fence", ""), tickets: lost, history: running, want: "stonith-n1-reboot on n1 (stonith)"},
		{says: "loss-policy=demote demotes a promoted resource", nodes: "n1[master-s=5]", resources: cl, constraints: strings.Replace(dep("demote", `rsc-role="Promoted"`), `rsc="a"`, `rsc="c"`, 1), tickets: lost, history: "n1:s=promoted", want: "s_demote_0 on n1"},
		{says: "a standby ticket stops it gracefully", nodes: "n1", resources: "a", constraints: dep("fence", ""), tickets: `<ticket_state id="T" granted="true" standby="true"/>`, history: running, want: "a_stop_0 on n1"},
	})
}
