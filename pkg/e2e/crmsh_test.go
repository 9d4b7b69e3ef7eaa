package e2e

import (
	"os"
	"strings"
	"testing"
	"time"
)

// liveSteps are run by Debian's unmodified crmsh on a node of a live cluster,
// where only our commands are on its PATH. A line that begins with "!" must fail;
// what stands behind " => " must be in the output.
var liveSteps = []string{
	"crm status => Online: [ litsha21 litsha22 litsha23 ]",
	"crm configure property stonith-enabled=false",
	"crm configure rsc_defaults resource-stickiness=100",
	"crm configure primitive p1 ocf:pacemaker:Dummy op monitor interval=10s",
	"crm configure primitive p2 ocf:heartbeat:Dummy meta migration-threshold=3",
	"crm configure primitive s1 ocf:pacemaker:Stateful op monitor interval=11s role=Promoted op monitor interval=12s role=Unpromoted",
	"crm configure primitive c1 ocf:pacemaker:Dummy",
	"crm configure group g1 p1 p2",
	"crm configure clone cl1 c1 meta clone-max=2",
	"crm configure ms ms1 s1 meta notify=true",
	"crm configure location loc1 g1 100: litsha21",
	"crm configure colocation col1 inf: cl1 ms1",
	"crm configure order ord1 Optional: ms1:promote g1:start",
	"crm -F configure delete col1",
	"crm configure show => group g1 p1 p2",
	"crm configure verify",
	"crm configure simulate actions",
	"crm resource status p1 => p1",
	"crm resource stop g1",
	"crm resource start g1",
	"crm resource param p1 set fake hello",
	"crm resource param p1 show fake => hello",
	"crm resource meta p2 set migration-threshold 5",
	"crm resource move g1 litsha22",
	"crm resource clear g1",
	// crmsh looks for ids of nodes that are numbers, and those of this cluster are not.
	"!crm resource failcount p1 show litsha21",
	"crm_failcount -G -r p1 -N litsha21 => fail-count-p1",
	"crm resource cleanup p1",
	"crm resource constraints g1",
	"crm resource trace p1 monitor",
	// crmsh names a new set of attributes after the id of the node, which may begin
	// with a digit, and that no XML id does: so the set is made before.
	"crm node attribute litsha23 set rack r3",
	"crm node standby litsha23",
	"crm node online litsha23",
	"crm node maintenance litsha23",
	"crm node ready litsha23",
	"crm node attribute litsha21 set rack r1",
	"crm node attribute litsha21 show rack => value=r1",
	"crm node attribute litsha21 delete rack",
	"crm ra classes => ocf",
	"crm ra list ocf pacemaker => Stateful",
	"crm ra info ocf:pacemaker:Dummy",
	"crm cib new sh1",
	"crm cib use sh1",
	"crm cib commit sh1",
	"crm -F configure delete loc1",
}

// TestCrmsh has Debian's crmsh work on a live cluster of three nodes with only
// our commands on its PATH.
func TestCrmsh(t *testing.T) {
	const crm = "/usr/sbin/crm"
	if _, err := os.Stat(crm); err != nil {
		t.Skipf("SKIPPED: crmsh is not installed: %v", err)
	}
	c := newCluster(t)
	c.form()
	const at = "litsha21"
	c.ok(at, "sh", "-c", "mkdir -p /var/lib/pacemaker/cib /var/tmp/crm /var/log/crmsh /var/cache/crm")
	passed := 0
	for _, line := range liveSteps {
		line, want, _ := strings.Cut(line, " => ")
		line, fails := strings.CutPrefix(line, "!")
		script := "export HOME=/var/tmp/crm CIB_shadow_dir=/var/tmp/crm PATH=/lab/bin:/usr/bin:/bin LC_ALL=C.UTF-8; " + strings.Replace(line, "crm ", crm+" ", 1) + " </dev/null"
		r := c.runWithin(2*time.Minute, at, "sh", "-c", script)
		switch {
		case (r.code != 0) != fails:
			t.Errorf("exit code of: %v", r)
		case want != "" && !strings.Contains(r.out, want):
			t.Errorf("%q is not in the output of: %v", want, r)
		default:
			passed++
		}
		if strings.Contains(r.err, "Traceback") {
			t.Errorf("crmsh failed: %v", r)
		}
	}
	t.Logf("%d of %d steps", passed, len(liveSteps))
	c.until("the group runs", func() (bool, string) {
		r := c.run(at, "crm_resource", "-W", "-r", "p2")
		return strings.Contains(r.out, "is running on"), r.String()
	})
	c.says(at, []string{"cibadmin", "-Q", "-o", "configuration"}, `id="g1"`, `id="ms1"`)
}
