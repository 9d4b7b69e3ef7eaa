package daemon

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
)

// Who joins a view with quorum has the others announce their addresses; a view
// without, the first one and one that only lost a member do not.
func TestJoinAnnouncesAddresses(t *testing.T) {
	var log bytes.Buffer
	a := newAddresses(nil, agree.Timing{}, slog.New(slog.NewTextHandler(&log, nil)))
	a.held["ip"] = netip.MustParseAddr("192.0.2.77") // nobody has it: nothing is sent
	view := func(quorum bool, members ...string) bool {
		log.Reset()
		v := ccm.View{Quorum: quorum}
		for _, m := range members {
			v.Members = append(v.Members, ccm.Member{Name: m})
		}
		a.view(v)
		return strings.Contains(log.String(), "are announced again")
	}
	for i, c := range []struct {
		quorum  bool
		members string
		want    bool
	}{{true, "a b c", false}, {true, "a b", false}, {false, "a", false}, {true, "a b", false}, {true, "a b c", true}, {true, "a b c", false}} {
		if got := view(c.quorum, strings.Fields(c.members)...); got != c.want {
			t.Errorf("view %d, %s: announced %v", i, c.members, got)
		}
	}
	a.held = map[string]netip.Addr{}
	view(true, "a")
	if view(true, "a", "b") {
		t.Error("announced without an address")
	}
}
