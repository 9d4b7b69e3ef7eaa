package daemon

import (
	"sync"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/member"
)

// gate asks the membership layer, at the very moment of execution, whether a
// start or promotion may run (protocol rule 28). The local resource manager
// calls check from its own goroutines, hence the lock.
type gate struct {
	cluster ccm.Cluster

	mu    sync.Mutex
	views member.Gate
}

func newGate(c ccm.Cluster) *gate {
	return &gate{cluster: c}
}

// allow notes the view that commanded an operation.
func (g *gate) allow(key string, in ccm.Instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.views.Allow(key, in)
}

// prune forgets what was allowed in other views than the given one.
func (g *gate) prune(in ccm.Instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.views.Prune(in)
}

// check is lrm.Config.Gate.
func (g *gate) check(op lrm.Op) error {
	g.mu.Lock()
	in := g.views.Take(op.TransitionKey)
	g.mu.Unlock()
	return g.cluster.MayStart(in)
}
