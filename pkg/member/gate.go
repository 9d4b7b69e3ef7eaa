package member

import (
	"maps"

	"github.com/quorate/quorate/ccm"
)

// Gate remembers which view commanded the operations that may bring a resource
// up, until they are executed: the membership layer is asked at that very moment
// whether the command still holds (protocol rule 28). The zero value is empty.
type Gate struct {
	views map[string]ccm.Instance // by transition key, of commands not yet begun
}

// Allow notes the view that commanded an operation.
func (g *Gate) Allow(key string, in ccm.Instance) {
	if g.views == nil {
		g.views = map[string]ccm.Instance{}
	}
	g.views[key] = in
}

// Prune forgets what was allowed in other views than the given one: commands
// which were withdrawn before they began. One that begins after all is refused.
func (g *Gate) Prune(in ccm.Instance) {
	maps.DeleteFunc(g.views, func(_ string, v ccm.Instance) bool { return v != in })
}

// Take returns the view that commanded an operation and forgets it; zero, which
// no view has, if there is none.
func (g *Gate) Take(key string) ccm.Instance {
	in := g.views[key]
	delete(g.views, key)
	return in
}

// Len is how many commands have not begun.
func (g *Gate) Len() int { return len(g.views) }
