package sim

import (
	"flag"
	"strings"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 1, "first seed of the random runs")
	runsFlag  = flag.Int("runs", 3, "how many seeds")
	nodesFlag = flag.Int("nodes", 3, "nodes of the random runs")
	hoursFlag = flag.Float64("hours", 1, "length of the random runs")
	storyFlag = flag.Bool("story", false, "tell the story")
	traceFlag = flag.Bool("events", false, "print the trace")
)

func TestQuiet(t *testing.T) {
	var lines []string
	sc := NewScenario(3, 5*time.Minute)
	sc.Settle = true
	r, err := Run(sc, Options{Seed: 1, Verify: true, Tell: func(l string) { lines = append(lines, l) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r.Summary())
	if r.Violation != nil {
		t.Fatal(r.Violation, "\n", strings.Join(lines, "\n"))
	}
}

func TestRandom(t *testing.T) {
	var sum Result
	for seed := *seedFlag; seed < *seedFlag+uint64(*runsFlag); seed++ {
		sc, err := CampaignPlan(*nodesFlag).Scenario(seed, time.Duration(*hoursFlag*float64(time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Seed: seed}
		if *storyFlag {
			o.Tell = func(l string) { t.Log(l) }
		}
		if *traceFlag {
			o.Trace = func(l string) { t.Log(l) }
		}
		r, err := Run(sc, o)
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(r)
		if r.Violation != nil {
			t.Errorf("seed %d: %v", seed, r.Violation)
		}
	}
	t.Log(sum.Summary())
}
