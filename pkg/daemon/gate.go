package daemon

import (
	"maps"
	"sync"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
)

// gate asks the membership layer, at the very moment of execution, whether a
// start or promotion may run (protocol rule 28). The local resource manager
// calls check from its own goroutines, hence the lock.
type gate struct {
	cluster ccm.Cluster

	mu    sync.Mutex
	views map[string]ccm.Instance // by transition key, of commands not yet begun
}

func newGate(c ccm.Cluster) *gate {
	return &gate{cluster: c, views: map[string]ccm.Instance{}}
}

// allow notes the view that commanded an operation.
func (g *gate) allow(key string, in ccm.Instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.views[key] = in
}

// prune forgets what was allowed in other views than the given one: commands
// which were withdrawn before they began. One that begins after all is refused.
func (g *gate) prune(in ccm.Instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.views, func(_ string, v ccm.Instance) bool { return v != in })
}

// check is lrm.Config.Gate.
func (g *gate) check(op lrm.Op) error {
	g.mu.Lock()
	in := g.views[op.TransitionKey]
	delete(g.views, op.TransitionKey)
	g.mu.Unlock()
	return g.cluster.MayStart(in)
}
