package main

import (
	"strings"
	"testing"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/client"
)

// TestMembershipSection sees that the end of crm_mon tells who decides, who is
// outside, and which links are down.
func TestMembershipSection(t *testing.T) {
	st := &client.Status{Node: "a", State: "S_NOT_DC", View: ccm.View{Quorum: true, DC: "b", Reason: "quorum: 200 of 300 votes", Lost: []string{"c"}},
		Peers: []ccm.PeerStatus{{Name: "b", Links: []ccm.LinkStatus{{Name: "eth0", Up: true}, {Name: "eth1"}}}, {Name: "a", Links: []ccm.LinkStatus{{Name: "lo", Up: true}}}, {Name: "c", Links: []ccm.LinkStatus{{Name: "eth0"}}}}}
	text := func() string {
		var b strings.Builder
		for _, s := range sections(st) {
			b.WriteString(s.Title + "\n" + strings.Join(s.Lines, "\n") + "\n")
		}
		return b.String()
	}
	got := text()
	for _, want := range []string{"quorum: 200 of 300 votes\n", "DC: b (a is in state S_NOT_DC); outside of the view: c\n", "Links: 1 of 3 to other nodes are up\n", "Links\neth1 to b is dead\neth0 to c is dead\n", "Lease: not valid", "Watchdog: none in ha.cf\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	st.View = ccm.View{Reason: "no quorum: 100 of 300 votes", Lost: []string{"b", "c"}}
	if got, want := text(), "DC: none, nothing is decided here without quorum; outside of the view: b, c\n"; !strings.Contains(got, want) {
		t.Errorf("%q is not in\n%s", want, got)
	}
}
