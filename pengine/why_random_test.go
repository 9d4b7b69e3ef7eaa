package pengine_test

import (
	"fmt"
	"testing"

	"github.com/quorate/quorate/pengine/oraclefuzz"
)

// TestContributionsAddUpInRandomDocuments does the same as the conformance test
// for documents nobody has seen; a failure names the seed.
func TestContributionsAddUpInRandomDocuments(t *testing.T) {
	for seed := range uint64(400) {
		root, err := oraclefuzz.Generate(seed)
		if err != nil {
			t.Fatal(err)
		}
		res := explained(t, root)
		for i, l := range res.Scores {
			addsUp(t, fmt.Sprintf("seed %d: %v", seed, l), res.LineWhy(i), l.Score)
		}
		for _, a := range res.Graph.Actions {
			if a.Cause == "" {
				t.Errorf("seed %d: no cause for action %s on %s", seed, a.Key, a.Node)
			}
		}
		for _, id := range res.Resources() {
			if w := res.Why(id); w == nil || w.Sentence == "" {
				t.Errorf("seed %d: no explanation for resource %s", seed, id)
			}
		}
		if t.Failed() {
			return
		}
	}
}
