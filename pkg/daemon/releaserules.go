package daemon

import (
	"slices"
	"sync/atomic"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/member"
)

// releaseRules are what the configuration says about a release of everything.
type releaseRules struct {
	root     *cib.Element
	demote   []string
	requires map[string][]string
}

// releaseCache keeps the rules of the newest configuration: they are asked for
// when there is no time.
type releaseCache struct{ p atomic.Pointer[releaseRules] }

func (c *releaseCache) of(root *cib.Element) *releaseRules {
	if r := c.p.Load(); r != nil && r.root == root {
		return r
	}
	r := &releaseRules{root: root, demote: member.Demotable(root), requires: member.Requirements(root)}
	c.p.Store(r)
	return r
}

// configure sets up what the local resource manager asks.
func (c *releaseCache) configure(cfg *lrm.Config, root func() *cib.Element) {
	cfg.Managed = func(resource string) bool { return member.Managed(root(), resource) }
	cfg.Requires = func(resource string) []string { return c.of(root()).requires[resource] }
	cfg.Demotes = func(resource string) bool { return slices.Contains(c.of(root()).demote, member.Base(resource)) }
}
