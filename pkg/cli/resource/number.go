package resource

import (
	"maps"
	"slices"
	"strconv"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

func itoa(n int) string { return strconv.Itoa(n) }

// parametersOf is the element of the parameters of a resource on a node, with
// some replaced, by name.
func parametersOf(r pengine.Resource, n pengine.Node, over map[string]string) *cib.Element {
	e := cib.New("parameters")
	params := r.Params(n)
	for _, k := range sortedKeys(params, over) {
		v, ok := over[k]
		if !ok {
			v = params[k]
		}
		e = e.WithAttr(k, v)
	}
	return e
}

// sortedKeys returns the keys of maps in order, each once.
func sortedKeys(ms ...map[string]string) []string {
	all := map[string]string{}
	for _, m := range ms {
		maps.Copy(all, m)
	}
	return slices.Sorted(maps.Keys(all))
}
