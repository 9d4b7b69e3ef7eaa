package agree

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
)

var (
	seedFlag  = flag.Int64("seed", -1, "replay one seed of the random test")
	scaleFlag = flag.Int("scale", 0, "multiplies the seeds of the random tests (env QUORATE_SCALE)")
	traceFlag = flag.Bool("story", false, "with -seed: tell the story")
)

func scale() int {
	if *scaleFlag > 0 {
		return *scaleFlag
	}
	if n, err := strconv.Atoi(os.Getenv("QUORATE_SCALE")); err == nil && n > 0 {
		return n
	}
	return 1
}

// campaign runs seeds until one fails; it returns the violation.
func campaign(plant Plant, seeds int64, seconds int64, disks bool, setup func(*sim)) (string, *sim) {
	lo, hi := int64(0), seeds
	if *seedFlag >= 0 {
		lo, hi = *seedFlag, *seedFlag+1
	}
	sum := &sim{}
	for sd := lo; sd < hi; sd++ {
		s := newSim(sd, 3+2*int(sd%2), plant, true)
		s.disks, s.trace, s.tear = disks, *traceFlag, true
		if setup != nil {
			setup(s)
		}
		s.start().run(s.now + seconds*1000*msec)
		sum.opens += s.opens
		sum.commits += s.commits
		sum.starts += s.starts
		sum.steps += s.steps
		sum.readmits += s.readmits
		sum.tears += s.tears
		sum.elected += s.elected
		if s.viol != "" {
			return s.viol, sum
		}
	}
	return "", sum
}

// Invariants I1 to I7 under random faults, with views by failure detection and
// with views at random.
func TestRandomFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		plant Plant
		seeds int64
		disks bool
		setup func(*sim)
	}{
		{"detector", 0, 15, false, nil},
		{"detector, lost disks", 0, 10, true, nil},
		{"random views", PlantAnyTarget, 20, false, nil},
		{"random views, lost disks", PlantAnyTarget, 10, true, nil},
		{"changing voters", 0, 15, false, setElections},
		{"changing voters, random views", PlantAnyTarget, 15, false, setElections},
		{"changing voters, lost disks", 0, 10, true, setElections},
	} {
		t.Run(c.name, func(t *testing.T) {
			viol, sum := campaign(c.plant, c.seeds*int64(scale()), 20, c.disks, c.setup)
			t.Logf("%d views, %d changes, %d starts, %d lost disks, %d torn writes, %d changes of voters, %d steps",
				sum.opens, sum.commits, sum.starts, sum.readmits, sum.tears, sum.elected, sum.steps)
			if viol != "" {
				t.Fatalf("%s\nreplay: go test ./ccm/agree -run '%s' -seed N -story", viol, t.Name())
			}
			if *seedFlag < 0 && (sum.opens == 0 || sum.commits == 0 || sum.starts == 0) {
				t.Fatal("nothing happened")
			}
		})
	}
}

// The test of the test: rules left out are noticed at random, too. The rest is in
// TestDirectedSchedules, and here with a higher scale.
func TestPlantedBugsAreFound(t *testing.T) {
	type bug struct {
		name  string
		plant Plant
		seeds int64
		setup func(*sim)
	}
	bugs := []bug{
		{"nostamp", PlantNoStamp, 200, nil},
		{"hearlease", PlantHearLease, 200, nil},
		{"recvbase", PlantRecvBase, 200, nil},
		{"dconly", PlantDCOnly, 200, nil},
		{"tokeninstalled", PlantTokenInstalled, 300, nil},
		{"noinflight", 0, 200, func(s *sim) { s.noInFlight = true }},
		{"torn writes", 0, 200, func(s *sim) { s.tearParts = true }},
	}
	if scale() > 1 {
		bugs = append(bugs, bug{"nojoint", PlantNoJoint, 400, setElections}, bug{"nobind", PlantNoBind, 2000, nil}, bug{"nocert", PlantNoCert, 2000, nil}, bug{"nocheck", PlantNoCheck, 2000, nil})
	}
	for _, c := range bugs {
		t.Run(c.name, func(t *testing.T) {
			viol, sum := campaign(c.plant|PlantAnyTarget, c.seeds, 20, false, c.setup)
			if viol == "" {
				t.Fatalf("not found in %d seeds (%d views, %d starts)", c.seeds, sum.opens, sum.starts)
			}
			t.Log(viol)
		})
	}
}

// I8: after the last fault one whole view, and then no more changes.
func TestSettlesAfterFaults(t *testing.T) {
	t.Run("same voters", func(t *testing.T) { settles(t, nil, (*sim).whole, (*sim).oneView) })
	t.Run("other voters", func(t *testing.T) { settles(t, setElections, (*sim).majorityView, (*sim).majorityView) })
}

func settles(t *testing.T, setup func(*sim), whole, stays func(*sim) bool) {
	var took []int64
	seeds := int64(10 * scale())
	for sd := range seeds {
		if *seedFlag >= 0 && sd != *seedFlag {
			continue
		}
		s := newSim(sd, 3+2*int(sd%2), 0, true)
		s.trace = *traceFlag && *seedFlag >= 0
		if setup != nil {
			setup(s)
		}
		s.start().run(s.now + 10_000*msec)
		s.quiet()
		t0 := s.now
		for !whole(s) && s.viol == "" && s.now < t0+20_000*msec {
			s.run(s.now + 10*msec)
		}
		if s.viol != "" {
			t.Fatal(s.viol)
		}
		if !whole(s) {
			t.Fatalf("seed %d: never whole after the last fault\n%s", sd, s.story(t))
		}
		took = append(took, (s.now-t0)/msec)
		// What was lost or cut just before the end is noticed a deadtime later,
		// an answer that got lost half a second later; then nothing moves.
		s.run(max(s.now, t0+1500*msec))
		opens := s.opens
		s.run(s.now + 10_000*msec)
		if s.viol != "" || s.opens > opens || !stays(s) {
			t.Fatalf("seed %d: %d more views although nothing fails %s\n%s", sd, s.opens-opens, s.viol, s.story(t))
		}
	}
	slices.Sort(took)
	if len(took) > 0 {
		t.Log(fmt.Sprintf("whole and running after the last fault, ms: p50 %d, max %d", took[len(took)/2], took[len(took)-1]))
	}
}

// One cable between two of three nodes breaks: the views settle on a largest
// connected set, after few changes, and stay.
func TestPartialCutSettles(t *testing.T) {
	views, most, slowest := 0, 0, int64(0)
	runs := 0
	for sd := range int64(8 * scale()) {
		for pair := range 3 {
			for _, oneWay := range []bool{false, true} {
				s := newSim(sd, 3, 0, false)
				s.start().run(s.now + 3000*msec)
				a, b := pair, (pair+1)%3
				s.cut[a][b], s.cut[b][a] = true, !oneWay
				at, before, last := s.now, s.opens, s.now
				for s.now < at+10_000*msec {
					n := s.opens
					s.run(s.now + 10*msec)
					if s.opens != n {
						last = s.now
					}
				}
				if s.viol != "" {
					t.Fatal(s.viol)
				}
				quorate := 0
				for _, x := range s.nodes {
					if x.m.view.Quorum {
						quorate++
					}
				}
				if quorate != 2 || s.opens-before > 7 || last-at > 1500*msec {
					t.Fatalf("seed %d, cut %d-%d, one way %v: %d nodes in a view, %d views, the last after %d ms\n%s",
						sd, a, b, oneWay, quorate, s.opens-before, (last-at)/msec, s.story(t))
				}
				runs++
				views += s.opens - before
				most = max(most, s.opens-before)
				slowest = max(slowest, last-at)
			}
		}
	}
	t.Logf("%d cuts: %.2f views in the mean, %d at most, settled within %d ms", runs, float64(views)/float64(runs), most, slowest/msec)
}
