package sim

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	seedFlag    = flag.Uint64("seed", 1, "first seed of the random runs")
	runsFlag    = flag.Int("runs", 0, "how many seeds of each size (default: a few)")
	nodesFlag   = flag.Int("nodes", 0, "only this number of nodes")
	storyFlag   = flag.Bool("story", false, "tell the story of each run")
	rewriteFlag = flag.Bool("rewrite", false, "write the traces of testdata anew")
)

// Nothing fails: the cluster forms, and stays.
func TestNothingHappens(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5} {
		sc := NewScenario(n, 5*time.Minute)
		sc.Settle = true
		r, err := Run(sc, Options{Seed: 1, Verify: true})
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 { // one node is a majority of one
			n = 1
		}
		if r.Violation != nil || r.Views != 1 || r.Failovers != 0 || r.Starts != 5 {
			t.Errorf("%d nodes: %v\n%s", n, r.Violation, r.Summary())
		}
	}
}

// The same input gives the same run, to the byte; another seed another one.
func TestSameSeedSameRun(t *testing.T) {
	trace := func(seed uint64, verify bool) string {
		sc, err := CampaignPlan(3).Scenario(3, 20*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := Run(sc, Options{Seed: seed, Verify: verify, Trace: func(l string) { fmt.Fprintln(&b, l) }}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	a := trace(3, true)
	for range 3 {
		if b := trace(3, false); a != b {
			x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
			for i := range x {
				if i >= len(y) || x[i] != y[i] {
					t.Fatalf("line %d differs:\n%s\n%s", i, x[i], strings.Join(y[min(i, len(y)):min(i+1, len(y))], ""))
				}
			}
		}
	}
	if a == trace(4, false) {
		t.Error("the seed changes nothing")
	}
}

// Random faults on clusters of several sizes, votes, arbiters and nodes that come
// and go. More: go test ./pkg/sim -run Random -seed 100 -runs 50 -nodes 5.
func TestRandomFaults(t *testing.T) {
	for nodes, runs := range map[int]int{2: 4, 3: 8, 5: 2, 16: 1} {
		if *nodesFlag != 0 && *nodesFlag != nodes {
			continue
		}
		if *runsFlag > 0 {
			runs = *runsFlag
		}
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			var sum Result
			for seed := *seedFlag; seed < *seedFlag+uint64(runs); seed++ {
				sc, err := CampaignPlan(nodes).Scenario(seed, runLength)
				if err != nil {
					t.Fatal(err)
				}
				o := Options{Seed: seed, Verify: seed%4 == 0}
				if *storyFlag {
					o.Tell = func(l string) { t.Log(l) }
				}
				r, err := Run(sc, o)
				if err != nil {
					t.Fatal(err)
				}
				if r.Violation != nil {
					t.Errorf("%v\nreplay: quorate sim --nodes %d --seed %d --hours 1 --every 30s --keepalive 10s --deadtime 50s", r.Violation, nodes, seed)
				}
				sum.Add(r)
			}
			if sum.Faults == 0 || sum.Views == 0 || sum.Failovers == 0 || sum.Changes == 0 {
				t.Error("nothing happened")
			}
			t.Log("\n" + sum.Summary())
		})
	}
}

// Mistakes that are planted are found soon, and the runs shrink to a few steps. All
// of them: make sim-plants.
func TestPlantedFaultsAreFound(t *testing.T) {
	for _, name := range []string{"forgetpromise", "votetwice", "dupcmd", "nouniq", "earlyack", "nojoint", "noinflight", "restartage", "anyballot"} {
		t.Run(name, func(t *testing.T) {
			h, err := Hunt(name, 1, time.Minute, 20*time.Second, processorTime)
			switch {
			case err != nil:
				t.Fatal(err)
			case h.Innocent != nil:
				t.Errorf("seed %d violates without it: %v", h.Seed, h.Innocent)
			case h.Small == nil:
				t.Errorf("not found in %d runs", h.Runs)
			case len(h.Small.Steps) >= fewSteps:
				t.Errorf("shrunk from %d to %d steps", len(h.From.Steps), len(h.Small.Steps))
			}
			t.Logf("\n%s\n%s", huntHeader, h)
			if h.Small == nil {
				return
			}
			// The scenario that is left replays from its file.
			p, _ := ParsePlant(name)
			back, err := Parse([]byte(h.Small.String()), name, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := Run(back, Options{Plant: p}); err != nil || r.Violation == nil || *r.Violation != *h.Violation {
				t.Errorf("the file that is left violates otherwise: %v %v, not %v", err, r.Violation, h.Violation)
			}
		})
	}
}

// The runs of the hunt without any plant are clean.
func TestSwarmIsClean(t *testing.T) {
	kinds := map[string]bool{}
	for seed := *seedFlag; seed < *seedFlag+uint64(max(12, *runsFlag)); seed++ {
		sc, err := Swarm(seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range sc.Steps {
			kinds[e.Verb+" "+e.Kind] = true
			kinds["upon "+e.Upon] = true
		}
		isClean(t, sc, seed)
	}
	for _, want := range []string{"crash ", "cut ", "disk torn", "disk lost", "clock jump", "agent hangs", "votes ", "upon sync", "upon write", "edit "} {
		if !kinds[want] {
			t.Errorf("no step %q was made", want)
		}
	}
}

// isClean plays a run of the hunt as it is read back from its file.
func isClean(t *testing.T, sc *Scenario, seed uint64) *Result {
	t.Helper()
	back, err := Parse([]byte(sc.String()), "printed", nil)
	if err != nil || back.String() != sc.String() {
		t.Fatalf("seed %d is read back otherwise: %v", seed, err)
	}
	r, err := Run(back, Options{Seed: seed, Verify: seed%4 == 0})
	if err != nil || r.Violation != nil {
		t.Fatalf("seed %d: %v %v", seed, err, r.Violation)
	}
	return r
}

// So are those of the families, and something happens in each of them.
func TestFamiliesAreClean(t *testing.T) {
	for i := range families {
		f := &families[i]
		t.Run(f.name, func(t *testing.T) {
			var sum Result
			for seed := *seedFlag; seed < *seedFlag+uint64(max(4, *runsFlag)); seed++ {
				sum.Add(isClean(t, f.scenario(seed), seed))
			}
			if sum.Faults == 0 || sum.Views < 8 || sum.Starts == 0 {
				t.Errorf("%d faults, %d views, %d starts", sum.Faults, sum.Views, sum.Starts)
			}
		})
	}
}

// The examples of the manual hold what they say.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../docs/scenarios/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, f := range files {
		sc, err := Load(f)
		if err != nil {
			t.Error(err)
			continue
		}
		for seed := uint64(1); seed <= 3; seed++ {
			r, err := Run(sc, Options{Seed: seed})
			if err != nil {
				t.Error(err)
			} else if r.Violation != nil {
				t.Errorf("%s, seed %d: %v", filepath.Base(f), seed, r.Violation)
			} else if strings.Contains(f, "cable-cut") && (r.Doubles != 5 || r.Double < time.Minute) {
				t.Errorf("%s: two owners %d times, %v", f, r.Doubles, r.Double)
			}
		}
	}
}

// Scripts with their full traces, in testdata: one for each known trap of the
// protocol. -rewrite makes them anew; read the difference.
func TestTraps(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) < 6 {
		t.Fatalf("%d scripts", len(files))
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		script, want, _ := strings.Cut(string(b), traceMark)
		sc, err := Parse([]byte(script), f, os.ReadFile)
		if err != nil {
			t.Error(err)
			continue
		}
		var got strings.Builder
		r, err := Run(sc, Options{Seed: 1, Verify: true, Trace: func(l string) { got.WriteString(strings.TrimRight(l, " ") + "\n") }})
		if err != nil {
			t.Error(err)
			continue
		}
		if r.Violation != nil {
			t.Errorf("%s: %v", f, r.Violation)
		}
		if *rewriteFlag {
			if err := os.WriteFile(f, []byte(script+traceMark+got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got.String() != want {
			t.Errorf("%s: the trace is another one from line %s on (-rewrite, and read the difference)", f, firstDifference(got.String(), want))
		}
	}
}

// firstDifference is the first line in which two traces differ.
func firstDifference(got, want string) string {
	x, y := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return fmt.Sprintf("%d (%s)", i+1, x[i])
		}
	}
	return fmt.Sprint(len(x) + 1)
}

// traceMark divides a script from its trace.
const traceMark = "\n---- what happens, seed 1\n"

// A scenario printed and read again is the same; the sentences for what is wrong
// name the line.
func TestParse(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		sc, err := CampaignPlan(3).Scenario(seed, 3*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse([]byte(sc.String()), "printed", os.ReadFile)
		if err != nil {
			t.Fatalf("%v in\n%s", err, sc)
		}
		if back.String() != sc.String() {
			t.Fatalf("read back otherwise:\n%s\n%s", sc, back)
		}
	}
	for text, want := range map[string]string{
		"":                                            "the last line is missing",
		"nodes 65":                                    "x:1: a cluster has 1 to 64 nodes, not 65",
		"nodes 2\nat 1s crash n3\nend at 5s":          `x:2: crash: there is no node "n3"`,
		"at 1s explode n1\nend at 5s":                 "this verb is not known",
		"at 1s freeze n1\nend at 5s":                  "say for how long",
		"at 1s cut n1 n1\nend at 5s":                  "one node",
		"at 9s crash n1\nend at 5s":                   "line 1 is at 9s, after the end at 5s",
		"at 1s loss 300%\nend at 5s":                  "no percentage",
		"at 1s agent ip on n1 sulks start\nend at 5s": "none of fails, hangs and lies",
		"at 1s expect ip on\nend at 5s":               `write "ip on NODE"`,
		"at 1s crash n1 for x\nend at 5s":             "is no duration",
		"at 1s crash n1\nnodes 3\nend at 5s":          `"nodes" describes the cluster`,
		"cib none.xml\nend at 5s":                     "none.xml",
		"votes n1 many\nend at 5s":                    "no number of votes",
		"sessions tight\nend at 5s":                   "only \"sessions loose\" is known",
		"seed x\nend at 5s":                           "no number above 0",
		"resources 0\nend at 5s":                      "no number between 1 and 1000",
		"resources 3 start-delay 1us\nend at 5s":      "whole milliseconds",
		"at 1s upon lunch crash n1\nend at 5s":        "the moments are propose",
		"at 1s upon sync of n9 crash n1\nend at 5s":   "no node \"n9\"",
		"at 1s upon sync expect whole\nend at 5s":     "cannot wait for a moment",
	} {
		if _, err := Parse([]byte(text), "x", os.ReadFile); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for seed := uint64(1); seed < 5; seed++ {
		sc, err := CampaignPlan(3).Scenario(seed, time.Hour)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sc.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		sc, err := Parse([]byte(text), "fuzz", func(string) ([]byte, error) { return nil, os.ErrNotExist })
		if err != nil {
			return
		}
		back, err := Parse([]byte(sc.String()), "printed", os.ReadFile)
		if err != nil || back.String() != sc.String() {
			t.Fatalf("%v\n%s\n%s", err, sc, back)
		}
	})
}

// Queue and clocks, against the obvious.
func TestQueueAndClock(t *testing.T) {
	r := newRNG(1)
	var q queue
	for range 2000 {
		q.push(r.below(500), func() {})
	}
	var last event
	for len(q.list) > 0 {
		e := q.pop()
		if e.before(&last) {
			t.Fatal("events out of order")
		}
		last = e
	}
	for range 10000 {
		c := clock{offset: r.below(1e15), since: r.below(1e12), ppm: r.between(-5000, 5000)}
		now := c.since + r.below(1e12)
		want := c.local(now) + r.below(1e12)
		wait := c.until(now, want)
		if got := c.local(now + wait); got < want || got > want+100 {
			t.Fatalf("a timer for %d fires at %d", want, got)
		}
	}
}
