package ccm

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// logView writes the lines on membership that users know, under the names of
// the parts that once wrote them. On a view that is about to be replaced
// (NOT_PRIMARY) it shows the old one, as ever.
func logView(log *slog.Logger, self string, old, v View) {
	joined, lost := without(v.Members, old.Members), without(old.Members, v.Members)
	if old.Instance == v.Instance && old.Event == v.Event && len(joined)+len(lost) == 0 {
		return // only the reason is another one
	}
	crmd, cib := log.With("component", "crmd"), log.With("component", "cib")
	all := everybody(v)
	// The members come first, then those that joined, then room for all that
	// could have left.
	indices := fmt.Sprintf("n_idx=0, new_idx=%d, old_idx=%d", len(v.Members), len(v.Members)+len(all))
	if v.Quorum && v.DC != "" && v.DC != self && v.Instance != old.Instance {
		crmd.Info("do_election_count_vote: Election check: vote from " + v.DC) // its ballot was promised
	}
	crmd.Info("mem_handle_event: Got an event " + v.Event + " from ccm")
	crmd.Info(fmt.Sprintf("mem_handle_event: instance=%d, nodes=%d, new=%d, lost=%d, %s",
		v.Instance.Number, len(v.Members), len(joined), len(lost), indices))
	short := strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(v.Event, "OC_EV_MS_"), "OC_EV_"), "_", " ")
	switch {
	case old.Quorum && !v.Quorum:
		crmd.Info(fmt.Sprintf("crmd_ccm_msg_callback: Quorum lost after event=%s (id=%d)", short, v.Instance.Number), "reason", v.Reason)
	case !old.Quorum && v.Quorum:
		crmd.Info(fmt.Sprintf("crmd_ccm_msg_callback: Quorum (re)attained after event=%s (id=%d)", short, v.Instance.Number), "reason", v.Reason)
	}
	if v.Event == "OC_EV_MS_NOT_PRIMARY" {
		return
	}
	crmd.Info(fmt.Sprintf("ccm_event_detail: %s: trans=%d, nodes=%d, new=%d, lost=%d %s",
		short, v.Instance.Number, len(v.Members), len(joined), len(lost), indices))
	for _, list := range []struct {
		what    string
		members []Member
	}{{"CURRENT:", v.Members}, {"NEW:    ", joined}, {"LOST:   ", lost}} {
		for _, x := range list.members {
			crmd.Info(fmt.Sprintf("ccm_event_detail:     %s %s [nodeid=%d, born=%d]", list.what, x.Name, slices.Index(all, x.Name), x.BornOn))
		}
	}
	for _, x := range lost {
		cib.Info("cib_ccm_msg_callback: LOST: " + x.Name)
	}
	for _, x := range v.Members {
		cib.Info("cib_ccm_msg_callback: PEER: " + x.Name)
	}
	client := func(x Member, with, without string) {
		if x.Name != self {
			cib.Info(fmt.Sprintf("cib_client_status_callback: Status update: Client %s/cib now has status [%s]", x.Name, with))
			crmd.Info(fmt.Sprintf("crmd_client_status_callback: Status update: Client %s/crmd now has status [%s]", x.Name, without))
		}
	}
	for _, x := range lost {
		client(x, "leave", "offline")
	}
	for _, x := range joined {
		client(x, "join", "online")
	}
}

// without returns the members of one view that are not, in the same life, in
// the other.
func without(of, other []Member) (out []Member) {
	for _, x := range of {
		if !slices.ContainsFunc(other, func(y Member) bool { return x.Name == y.Name && x.Incarnation == y.Incarnation }) {
			out = append(out, x)
		}
	}
	return out
}

// everybody returns the names of all nodes that a view knows, sorted: a node's
// place among them is its nodeid.
func everybody(v View) []string {
	var all []string
	for _, x := range v.Members {
		all = append(all, x.Name)
	}
	all = append(append(all, v.Lost...), v.Arbiters...)
	slices.Sort(all)
	return slices.Compact(all)
}
