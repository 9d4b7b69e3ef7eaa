package pengine_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

const casesDir = "../../shared/conformance/cases"

// add is the arithmetic of scores as the manual defines it, written again here.
func add(a, b pengine.Score) pengine.Score {
	switch {
	case a <= -pengine.Infinity || b <= -pengine.Infinity:
		return -pengine.Infinity
	case a >= pengine.Infinity || b >= pengine.Infinity:
		return pengine.Infinity
	}
	return max(-pengine.Infinity, min(pengine.Infinity, a+b))
}

// addsUp checks that contributions lead to a score, step by step.
func addsUp(t *testing.T, what string, list []pengine.Contribution, score pengine.Score) {
	t.Helper()
	sum := pengine.Score(0)
	score = max(-pengine.Infinity, min(pengine.Infinity, score))
	for _, c := range list {
		if c.Replaces {
			sum = c.Value
		} else {
			sum = add(sum, c.Value)
		}
		if c.Sum != sum {
			t.Errorf("%s: after %+v the sum is %v", what, c, sum)
		}
		if c.Kind == "unexplained" {
			t.Errorf("%s: %v of the score %v is not explained: %+v", what, c.Value, score, list)
		}
	}
	if sum != score {
		t.Errorf("%s: the contributions add up to %v, not to %v: %+v", what, sum, score, list)
	}
}

// explained schedules a document with explanations at its recorded time.
func explained(t *testing.T, root *cib.Element) *pengine.Result {
	t.Helper()
	now := time.Unix(1700000000, 0)
	if sec, err := strconv.ParseInt(root.Get("execution-date"), 10, 64); err == nil {
		now = time.Unix(sec, 0)
	}
	res, err := pengine.Schedule(root, now, pengine.Options{Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestContributionsAddUpInEveryConformanceCase(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(casesDir, "*.xml"))
	if len(files) == 0 {
		t.Skipf("NOT TESTED: the conformance cases are not at %s", casesDir)
	}
	lines, terms, replaced, actions := 0, 0, 0, 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".xml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			root, err := cib.Parse(data, file)
			if err != nil {
				t.Fatal(err)
			}
			res := explained(t, root)
			plain, err := pengine.Schedule(root, res.Now, pengine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if a, b := len(res.Scores), len(plain.Scores); a != b {
				t.Fatalf("%d scores with explanation, %d without", a, b)
			}
			for i, l := range res.Scores {
				if l != plain.Scores[i] {
					t.Errorf("explaining changes a score: %v, not %v", l, plain.Scores[i])
				}
				list := res.LineWhy(i)
				if list == nil {
					t.Fatalf("no explanation for the line %v", l)
				}
				addsUp(t, l.String(), list, l.Score)
				lines++
				terms += len(list)
				for _, c := range list {
					if c.Replaces {
						replaced++
					}
				}
			}
			for _, id := range res.Resources() {
				w := res.Why(id)
				if w == nil || w.Sentence == "" {
					t.Fatalf("no explanation for resource %s", id)
				}
				for _, n := range w.Scores {
					addsUp(t, id+" on "+n.Node, n.Contributions, n.Score)
					if n.Sentence == "" {
						t.Errorf("no sentence for %s on %s", id, n.Node)
					}
				}
			}
			for _, a := range res.Graph.Actions {
				actions++
				if a.Cause == "" {
					t.Errorf("no cause for action %s on %s", a.Key, a.Node)
				}
			}
		})
	}
	t.Logf("%d cases, %d score lines, %d contributions (%d replace the sum), %d actions", len(files), lines, terms, replaced, actions)
}
