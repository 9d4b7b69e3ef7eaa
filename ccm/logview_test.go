package ccm

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// lineLog keeps "component: text" of each line.
type lineLog struct {
	lines     *[]string
	component string
}

func (h lineLog) Enabled(context.Context, slog.Level) bool { return true }
func (h lineLog) WithGroup(string) slog.Handler            { return h }
func (h lineLog) WithAttrs(as []slog.Attr) slog.Handler {
	for _, a := range as {
		if a.Key == "component" {
			h.component = a.Value.String()
		}
	}
	return h
}
func (h lineLog) Handle(_ context.Context, r slog.Record) error {
	*h.lines = append(*h.lines, h.component+": "+r.Message)
	return nil
}

// The events of three nodes, as an administrator has read them for years: one
// node dies, then the next, then one returns.
func TestLogView(t *testing.T) {
	seedrow.Shows(t, "003-071", "003-072", "003-073", "003-092", "003-093", "003-107", "003-109", "003-110")
	members := func(text string) (out []Member) {
		for i, name := range strings.Fields(text) {
			out = append(out, Member{Name: name, Incarnation: 1, BornOn: uint64(13 + i)})
		}
		return out
	}
	three := View{Instance: Instance{13, "litsha21"}, Quorum: true, DC: "litsha21", Event: "OC_EV_MS_NEW_MEMBERSHIP", Members: members("litsha21 litsha22 litsha23")}
	flux := three
	flux.Quorum, flux.DC, flux.Event = false, "", "OC_EV_MS_NOT_PRIMARY"
	two := View{Instance: Instance{14, "litsha21"}, Quorum: true, DC: "litsha21", Event: "OC_EV_MS_NEW_MEMBERSHIP",
		Members: members("litsha21 litsha22"), Lost: []string{"litsha23"}}
	one := View{Instance: Instance{15, ""}, Event: "OC_EV_MS_INVALID", Members: members("litsha21 litsha22")[1:], Lost: []string{"litsha21", "litsha23"}}
	back := View{Instance: Instance{16, "litsha22"}, Quorum: true, DC: "litsha22", Event: "OC_EV_MS_NEW_MEMBERSHIP", Lost: []string{"litsha23"},
		Members: []Member{{Name: "litsha21", Incarnation: 2, BornOn: 16}, {Name: "litsha22", Incarnation: 1, BornOn: 13}}}
	for _, step := range []struct {
		name    string
		old, to View
		want    string
	}{
		{"a death is noticed", three, flux, `
crmd: mem_handle_event: Got an event OC_EV_MS_NOT_PRIMARY from ccm
crmd: mem_handle_event: instance=13, nodes=3, new=0, lost=0, n_idx=0, new_idx=3, old_idx=6
crmd: crmd_ccm_msg_callback: Quorum lost after event=NOT PRIMARY (id=13)`},
		{"the view without it", flux, two, `
crmd: do_election_count_vote: Election check: vote from litsha21
crmd: mem_handle_event: Got an event OC_EV_MS_NEW_MEMBERSHIP from ccm
crmd: mem_handle_event: instance=14, nodes=2, new=0, lost=1, n_idx=0, new_idx=2, old_idx=5
crmd: crmd_ccm_msg_callback: Quorum (re)attained after event=NEW MEMBERSHIP (id=14)
crmd: ccm_event_detail: NEW MEMBERSHIP: trans=14, nodes=2, new=0, lost=1 n_idx=0, new_idx=2, old_idx=5
crmd: ccm_event_detail:     CURRENT: litsha21 [nodeid=0, born=13]
crmd: ccm_event_detail:     CURRENT: litsha22 [nodeid=1, born=14]
crmd: ccm_event_detail:     LOST:    litsha23 [nodeid=2, born=15]
cib: cib_ccm_msg_callback: LOST: litsha23
cib: cib_ccm_msg_callback: PEER: litsha21
cib: cib_ccm_msg_callback: PEER: litsha22
cib: cib_client_status_callback: Status update: Client litsha23/cib now has status [leave]
crmd: crmd_client_status_callback: Status update: Client litsha23/crmd now has status [offline]`},
		{"the quorum is lost", two, one, `
crmd: mem_handle_event: Got an event OC_EV_MS_INVALID from ccm
crmd: mem_handle_event: instance=15, nodes=1, new=0, lost=1, n_idx=0, new_idx=1, old_idx=4
crmd: crmd_ccm_msg_callback: Quorum lost after event=INVALID (id=15)
crmd: ccm_event_detail: INVALID: trans=15, nodes=1, new=0, lost=1 n_idx=0, new_idx=1, old_idx=4
crmd: ccm_event_detail:     CURRENT: litsha22 [nodeid=1, born=14]
crmd: ccm_event_detail:     LOST:    litsha21 [nodeid=0, born=13]
cib: cib_ccm_msg_callback: LOST: litsha21
cib: cib_ccm_msg_callback: PEER: litsha22
cib: cib_client_status_callback: Status update: Client litsha21/cib now has status [leave]
crmd: crmd_client_status_callback: Status update: Client litsha21/crmd now has status [offline]`},
		{"a node returns", one, back, `
crmd: mem_handle_event: Got an event OC_EV_MS_NEW_MEMBERSHIP from ccm
crmd: mem_handle_event: instance=16, nodes=2, new=1, lost=0, n_idx=0, new_idx=2, old_idx=5
crmd: crmd_ccm_msg_callback: Quorum (re)attained after event=NEW MEMBERSHIP (id=16)
crmd: ccm_event_detail: NEW MEMBERSHIP: trans=16, nodes=2, new=1, lost=0 n_idx=0, new_idx=2, old_idx=5
crmd: ccm_event_detail:     CURRENT: litsha21 [nodeid=0, born=16]
crmd: ccm_event_detail:     CURRENT: litsha22 [nodeid=1, born=13]
crmd: ccm_event_detail:     NEW:     litsha21 [nodeid=0, born=16]
cib: cib_ccm_msg_callback: PEER: litsha21
cib: cib_ccm_msg_callback: PEER: litsha22
cib: cib_client_status_callback: Status update: Client litsha21/cib now has status [join]
crmd: crmd_client_status_callback: Status update: Client litsha21/crmd now has status [online]`},
		{"only the reason changes", two, two, ""},
	} {
		var lines []string
		logView(slog.New(lineLog{lines: &lines}).With("component", "ccm"), "litsha22", step.old, step.to)
		if got := strings.Join(lines, "\n"); got != strings.TrimPrefix(step.want, "\n") {
			t.Errorf("%s:\n%s\nwant%s", step.name, got, step.want)
		}
	}
}
