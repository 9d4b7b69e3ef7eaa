package pengine_test

import (
	"fmt"
	"testing"
)

// TestChapterUtilization follows Pacemaker Explained, "Utilization and Placement
// Strategy".
func TestChapterUtilization(t *testing.T) {
	needs := func(id string, cpu int, meta string) string {
		return fmt.Sprintf(`<primitive id="%s" class="ocf" provider="pacemaker" type="Dummy">%[2]s<utilization id="%[1]s-u"><nvpair id="%[1]s-u1" name="cpu" value="%[3]d"/></utilization></primitive>`, id, nvSet("meta_attributes", id+"-m", meta), cpu)
	}
	three := needs("a", 2, "") + needs("b", 2, "") + needs("d", 2, "")
	chapter(t, []manual{
		{says: "placement-strategy=default: utilization is not taken into account", nodes: "n1{cpu=1}", resources: needs("a", 4, ""), want: "a_start_0 on n1"},
		{says: "placement-strategy=utilization: a node without the capacity is not eligible", options: "placement-strategy=utilization", nodes: "n1{cpu=1} n2{cpu=4}", resources: needs("a", 4, ""), want: "a_start_0 on n2"},
		{says: "placement-strategy=utilization: the number of resources is balanced", options: "placement-strategy=utilization", nodes: "n1{cpu=9} n2{cpu=9}", resources: needs("a", 2, "") + needs("b", 2, ""), want: "a_start_0 on n1, b_start_0 on n2"},
		{says: "placement-strategy=balanced: the node with more free capacity gets the next", options: "placement-strategy=balanced", nodes: "n1{cpu=4} n2{cpu=9}", resources: three, want: "a_start_0 on n2, b_start_0 on n2, d_start_0 on n2"},
		{says: "placement-strategy=minimal: as few nodes as possible", options: "placement-strategy=minimal", nodes: "n1{cpu=9} n2{cpu=9}", resources: three, want: "a_start_0 on n1, b_start_0 on n1, d_start_0 on n1"},
		{says: "the resource with the highest priority is allocated first", options: "placement-strategy=utilization", nodes: "n1{cpu=2}", resources: needs("a", 2, "") + needs("b", 2, "priority=9"), want: "b_start_0 on n1"},
		{says: "colocated resources need room together", options: "placement-strategy=utilization", nodes: "n1{cpu=3} n2{cpu=4}", resources: needs("a", 2, "") + needs("b", 2, ""), constraints: `<rsc_colocation id="k" rsc="b" with-rsc="a" score="INFINITY"/>`, want: "a_start_0 on n2, b_start_0 on n2"},
	})
}

// TestChapterRemote follows Pacemaker Remote, "Remote Nodes", "Guest Nodes" and
// Pacemaker Explained, "Advanced Resource Types", section "Bundles".
func TestChapterRemote(t *testing.T) {
	remote := func(id string) string {
		return fmt.Sprintf(`<primitive id="%s" class="ocf" provider="pacemaker" type="remote"/>`, id)
	}
	bundle := func(replicas int, inner string) string {
		return fmt.Sprintf(`<bundle id="b"><docker image="x" replicas="%d"/><network ip-range-start="192.168.122.10"/>%s</bundle>`, replicas, inner)
	}
	chapter(t, []manual{
		{says: "a remote node is connected to by its connection resource", nodes: "n1", resources: remote("r1"), want: "r1_start_0 on n1"},
		{says: "a resource can run on a remote node", nodes: "n1", resources: remote("r1") + prim("a", "", ""), constraints: `<rsc_location id="l" rsc="a" node="r1" score="INFINITY"/>`, history: "n1:r1=started", want: "a_start_0 on r1"},
		{says: "the connection starts before what runs behind it", nodes: "n1", resources: remote("r1") + prim("a", "", ""), constraints: `<rsc_location id="l" rsc="a" node="r1" score="INFINITY"/>`, want: "a_start_0 on r1, r1_start_0 on n1"},
		{says: "fencing devices do not run on remote nodes", fence: true, nodes: "n1", resources: remote("r1"), constraints: `<rsc_location id="l" rsc="fence" node="r1" score="100"/>`, history: "n1:r1=started", want: ""},
		{says: "a lost connection is recovered and its node fenced", fence: true, nodes: "n1", resources: `<primitive id="r1" class="ocf" provider="pacemaker" type="remote">` + ops("r1", "monitor 10s") + `</primitive>`, history: "n1:r1=monitor!1", want: "r1_start_0 on n1, r1_stop_0 on n1, stonith-r1-reboot on r1 (stonith)"},
		{says: "remote-node makes a virtual machine a guest node", nodes: "n1", resources: prim("vm", "remote-node=g1", ""), want: "g1_start_0 on n1, vm_start_0 on n1"},
		{says: "a guest's resources start after its virtual machine", nodes: "n1", resources: prim("vm", "remote-node=g1", "") + prim("a", "", ""), constraints: `<rsc_location id="l" rsc="a" node="g1" score="INFINITY"/>`, want: "a_start_0 on g1, g1_start_0 on n1, vm_start_0 on n1"},
		{says: "a bundle's container, address and connection start together, then what is inside", nodes: "n1", resources: bundle(1, prim("a", "", "")), want: "a:0_start_0 on b-0, b-0_start_0 on n1, b-docker-0_start_0 on n1, b-ip-192.168.122.10_start_0 on n1"},
		{says: "replicas: one container each, on different nodes", resources: bundle(2, ""), want: "b-docker-0_start_0 on n1, b-docker-1_start_0 on n2, b-ip-192.168.122.10_start_0 on n1, b-ip-192.168.122.11_start_0 on n2"},
		{says: "replicas-per-host: one by default", nodes: "n1", resources: bundle(2, ""), want: "b-docker-0_start_0 on n1, b-ip-192.168.122.10_start_0 on n1"},
	})
}
