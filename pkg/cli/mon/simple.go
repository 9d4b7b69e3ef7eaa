package mon

import (
	"fmt"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// Simple returns the state in one line (crm_mon -s) for monitoring systems,
// and whether all is well: there is a DC, and no node is offline.
func Simple(root *cib.Element, now time.Time) (line string, ok bool) {
	c := newCluster(root, now)
	var problems []string
	if c.node(root.Get("dc-uuid")) == nil {
		problems = append(problems, "No DC")
	}
	online, standby := 0, 0
	for _, n := range c.nodes {
		switch {
		case n.online && n.standby:
			standby++
		case n.online:
			online++
		case n.kind == member:
			problems = append(problems, "offline node: "+n.name)
		}
	}
	if len(problems) > 0 {
		return "CLUSTER WARN: " + strings.Join(problems, " "), false
	}
	line = fmt.Sprintf("CLUSTER OK: %d node%s online", online, plural(online))
	if standby > 0 {
		line += fmt.Sprintf(", %d standby node%s", standby, plural(standby))
	}
	return line + fmt.Sprintf(", %d resource instance%s configured", c.instanceCount, plural(c.instanceCount)), true
}
