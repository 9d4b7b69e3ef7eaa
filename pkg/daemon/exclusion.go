package daemon

import (
	"fmt"
	"strings"

	"github.com/quorate/quorate/pkg/guard"
	"github.com/quorate/quorate/pkg/member"
)

// guaranteed is the word for exclusion without a missing condition.
const guaranteed = "guaranteed"

// exclusion is "guaranteed", or names every condition that is known to be
// missing; layer is what the membership layer says.
func (d *Daemon) exclusion(layer string) string {
	return exclusion(layer, d.policy(), d.guard.Missing(), notEnforced(d.info.conf.Watchdog, d.opts.NoWatchdog, d.watchdog))
}

// exclusion joins what the membership layer says with the policy without quorum,
// with why there is no guard, and with why nothing resets this node ("": there
// is, something does).
func exclusion(layer, policy, noGuard, noReset string) string {
	var missing []string
	if layer != guaranteed {
		missing = append(missing, strings.TrimPrefix(layer, "not guaranteed: "))
	}
	if member.KeepsResources(policy) {
		missing = append(missing, fmt.Sprintf("no-quorum-policy=%s keeps resources when the right to run them has ended", policy))
	}
	if noGuard != "" {
		missing = append(missing, noGuard+", nobody lets go if the daemon dies")
	}
	if noReset != "" {
		missing = append(missing, noReset)
	}
	if len(missing) == 0 {
		return guaranteed
	}
	return "not guaranteed: " + strings.Join(missing, "; ")
}

// notEnforced says why nothing resets this node when something does not let go,
// or "".
func notEnforced(configured string, off bool, w *guard.Watchdog) string {
	if len(guard.Resets(w)) > 0 {
		return ""
	}
	dog := "no watchdog is configured"
	switch {
	case configured != "" && off:
		dog = fmt.Sprintf("the watchdog %s is not used (--no-watchdog)", configured)
	case w != nil && w.Stands:
		dog = w.Path + " only stands in for a watchdog"
	}
	return "not enforced: " + dog + " and sysrq is not allowed, so what cannot be stopped in time stays"
}
