package member

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
)

func parse(t *testing.T, policy string) *cib.Element {
	t.Helper()
	root, err := cib.Parse([]byte(`<cib><configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="no-quorum-policy" value="`+policy+`"/></cluster_property_set></crm_config><nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes><resources>
<group id="g"><primitive id="disk" class="ocf" type="x"/><primitive id="fs" class="ocf" type="x"/></group>
<primitive id="web" class="ocf" type="x"/><primitive id="log" class="ocf" type="x"/><primitive id="s1" class="ocf" type="x"/><primitive id="s2" class="ocf" type="x"/>
<clone id="dbs"><meta_attributes id="m"><nvpair id="m1" name="promotable" value="true"/></meta_attributes>
<group id="dg"><primitive id="db" class="ocf" type="x"/><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/></group></clone>
<master id="one"><meta_attributes id="n"><nvpair id="n1" name="clone-max" value="1"/></meta_attributes><primitive id="single" class="ocf" type="x"/></master>
<clone id="plain"><primitive id="p" class="ocf" type="x"/></clone>
</resources><constraints>
<rsc_order id="1" first="g" then="web"/><rsc_order id="2" first="web" then="log" symmetrical="false"/><rsc_order id="3" first="dbs" first-action="promote" then="T"/>
<rsc_order id="4" first="fs" first-action="stop" then="p" then-action="start"/>
<rsc_order id="5"><resource_set id="q1"><resource_ref id="disk"/></resource_set><resource_set id="q2" sequential="true"><resource_ref id="s1"/><resource_ref id="s2"/></resource_set></rsc_order>
</constraints><tags><tag id="T"><obj_ref id="log"/></tag></tags></configuration></cib>`), "test")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestRequirements(t *testing.T) {
	got := Requirements(parse(t, "stop"))
	var lines []string
	for _, r := range slices.Sorted(maps.Keys(got)) {
		slices.Sort(got[r])
		lines = append(lines, r+": "+strings.Join(got[r], " "))
	}
	want := "fs: disk\nlog: db vip\ns1: disk\ns2: disk s1\nvip: db\nweb: disk fs"
	if have := strings.Join(lines, "\n"); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
	if got := Requirements(nil); len(got) != 0 {
		t.Error(got)
	}
}

func TestDemotable(t *testing.T) {
	if got := Demotable(parse(t, "demote")); !slices.Equal(got, []string{"db"}) {
		t.Errorf("%v: an address, a single instance and what is not promotable stop", got)
	}
	if got := Demotable(parse(t, "stop")); got != nil {
		t.Error(got)
	}
}

// Suicide needs a quorum that was there; then it ends a node that runs nothing, too.
func TestSuicide(t *testing.T) {
	policy := Policy(parse(t, "suicide"))
	now := time.Now()
	l := LeaseEnd{StopBound: time.Second, Deadtime: time.Second, Started: now.Add(-time.Minute)}
	idle := func() bool { return false }
	if s, due := l.Decide(now, ccm.LeaseState{}, policy, idle); due {
		t.Errorf("never had a quorum: %+v", s)
	}
	had := ccm.LeaseState{Stop: now, Release: now.Add(time.Second)}
	if s, due := l.Decide(now, had, "stop", idle); due {
		t.Errorf("nothing to stop: %+v", s)
	}
	if s, due := l.Decide(now, had, policy, idle); !due || !s.Suicide {
		t.Errorf("%+v %v", s, due)
	}
}
