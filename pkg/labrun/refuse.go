package labrun

import (
	"fmt"
	"strings"

	"github.com/quorate/quorate/pkg/sim"
)

// verbs that a lab can do.
var verbs = map[string]bool{"crash": true, "boot": true, "kill": true, "start": true, "stop": true, "hang": true, "cut": true,
	"isolate": true, "mend": true, "loss": true, "standby": true, "online": true, "edit": true, "set": true, "expect": true}

// Refuse names everything in a scenario that a lab cannot do.
func Refuse(sc *sim.Scenario) error {
	var bad []string
	if len(sc.Arbiters)+len(sc.Spares)+len(sc.Weights) > 0 {
		bad = append(bad, "arbiter, spare and votes")
	}
	if sc.RandomViews || sc.DirectedViews {
		bad = append(bad, "views random or directed")
	}
	if sc.Loose {
		bad = append(bad, "sessions loose")
	}
	if sc.Steady {
		bad = append(bad, "steady")
	}
	if len(sc.Models) > 0 {
		bad = append(bad, "resource (real agents take the time they take)")
	}
	for i := range sc.Steps {
		if e := &sc.Steps[i]; e.Upon != "" {
			bad = append(bad, fmt.Sprintf("line %d: upon %s", e.Line, e.Upon))
		} else if !verbs[e.Verb] {
			bad = append(bad, fmt.Sprintf("line %d: %s", e.Line, strings.TrimSpace(e.Verb+" "+e.Kind)))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%w: %s", ErrRefused, strings.Join(bad, "; "))
	}
	if len(sc.Nodes) > 20 {
		return fmt.Errorf("%w: %d nodes, at most 20 are possible here", ErrRefused, len(sc.Nodes))
	}
	return nil
}
