package mon

import (
	"fmt"
	"time"

	"github.com/quorate/quorate/pengine"
)

// retries tells for each failure that counts when it stops to do so, with the
// time that is left, or that only the administrator can end that.
func (p *printer) retries() {
	titled := false
	for _, n := range p.c.StateOrder() {
		if !n.Online() || !p.c.onNode(n.Name()) {
			continue
		}
		for _, h := range p.c.historyOf(n, false) {
			text := p.c.retry(n, p.c.Find(h.id), p.o.Now)
			if text == "" {
				continue
			}
			if !titled {
				titled = true
				p.title("Retries")
			}
			p.item(1, text)
		}
	}
}

// retry is the sentence on one resource on a node, or "": its failures neither
// keep it away nor will be forgotten.
func (c *cluster) retry(n pengine.Node, r pengine.Resource, now time.Time) string {
	if !r.OK() {
		return ""
	}
	count, last := r.FailCount(n, true)
	if count <= 0 {
		return ""
	}
	what := fmt.Sprintf("%d failures", count)
	switch {
	case count >= pengine.Infinity:
		what = "a failure that counts as INFINITY"
	case count == 1:
		what = "1 failure"
	}
	limit := r.MigrationThreshold()
	banned := count >= pengine.Infinity || limit > 0 && count >= limit
	timeout := r.FailureTimeout()
	if timeout == 0 || last.IsZero() {
		if !banned {
			return ""
		}
		return fmt.Sprintf("%s is not tried again on %s after %s until: crm_resource --cleanup --resource %s --node %s", r.ID(), n.Name(), what, r.ID(), n.Name())
	}
	at := last.Add(timeout)
	left := max(0, at.Sub(now)).Round(time.Second)
	when := fmt.Sprintf("in %v, at %s (failure-timeout %v)", left, at.In(now.Location()).Format("15:04:05"), timeout)
	if banned {
		return fmt.Sprintf("%s is tried again on %s %s after %s", r.ID(), n.Name(), when, what)
	}
	allowed := ""
	if limit > 0 && limit < pengine.Infinity {
		allowed = fmt.Sprintf(" of %d", limit)
	}
	return fmt.Sprintf("%s on %s: %s%s, forgotten %s", r.ID(), n.Name(), what, allowed, when)
}
