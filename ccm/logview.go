package ccm

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// logView writes the lines on membership that users know.
func logView(log *slog.Logger, self string, old, v View) {
	short := strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(v.Event, "OC_EV_MS_"), "OC_EV_"), "_", " ")
	var joined, lost []Member
	for _, x := range v.Members {
		if !slices.ContainsFunc(old.Members, func(y Member) bool { return x.Name == y.Name && x.Incarnation == y.Incarnation }) {
			joined = append(joined, x)
		}
	}
	for _, x := range old.Members {
		if !slices.ContainsFunc(v.Members, func(y Member) bool { return x.Name == y.Name && x.Incarnation == y.Incarnation }) {
			lost = append(lost, x)
		}
	}
	if old.Instance == v.Instance && old.Event == v.Event && len(joined)+len(lost) == 0 {
		return // only the reason is another one
	}
	log.Info("mem_handle_event: Got an event " + v.Event + " from ccm")
	log.Info(fmt.Sprintf("mem_handle_event: instance=%d, nodes=%d, new=%d, lost=%d, n_idx=0, new_idx=%d, old_idx=%d",
		v.Instance.Number, len(v.Members), len(joined), len(lost), len(v.Members), len(v.Members)+len(joined)))
	switch {
	case old.Quorum && !v.Quorum:
		log.Warn(fmt.Sprintf("Quorum lost after event=%s (id=%d)", short, v.Instance.Number), "reason", v.Reason)
	case !old.Quorum && v.Quorum:
		log.Info(fmt.Sprintf("Quorum (re)attained after event=%s (id=%d)", short, v.Instance.Number), "reason", v.Reason)
	}
	if v.Quorum {
		who := "this node is not the DC, " + v.DC + " is"
		if v.DC == self {
			who = "this node is the DC"
		}
		log.Info(fmt.Sprintf("ccm_event_detail: %s: trans=%d, nodes=%d: %s", short, v.Instance.Number, len(v.Members), who))
		for _, x := range v.Members {
			log.Info(fmt.Sprintf("    CURRENT: %s [born=%d]", x.Name, x.BornOn))
		}
	}
	for _, x := range joined {
		log.Info("    NEW:     " + x.Name)
	}
	for _, x := range lost {
		log.Info("    LOST:    " + x.Name)
	}
}
