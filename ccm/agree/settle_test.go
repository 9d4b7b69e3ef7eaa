package agree

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
)

// steady waits until nothing has been opened for a while, and returns when the
// last view opened; it fails if views never end.
func (s *sim) steady(t *testing.T, within, calm int64) (last int64) {
	t.Helper()
	begin, opens := s.now, s.opens
	last = s.now
	for s.now < last+calm {
		s.run(s.now + 5*msec)
		if s.viol != "" {
			t.Fatal(s.viol)
		}
		if s.opens != opens {
			opens, last = s.opens, s.now
		}
		if last > begin+within {
			t.Fatalf("a view opens %d ms after the last change of a link, at most %d are allowed\n%s", (last-begin)/msec, within/msec, s.story(t))
		}
	}
	return last
}

// reachable returns the largest weight of nodes that all hear one another.
func (s *sim) largestClique() int {
	n, best := len(s.nodes), 0
	for set := 1; set < 1<<n; set++ {
		size, full := 0, true
		for i := range n {
			if set>>i&1 == 0 {
				continue
			}
			size++
			for j := range n {
				if i != j && set>>j&1 == 1 && s.cut[i][j] {
					full = false
				}
			}
		}
		if full {
			best = max(best, size)
		}
	}
	return best
}

// Cuts of every kind, partial and in one direction, several at random times:
// four deadtimes after the last change of a link the view is the last one, and
// it holds a quorum whenever some nodes that all hear one another are one.
func TestCutsSettleWithinFourDeadtimes(t *testing.T) {
	slowest, views, most := int64(0), 0, 0
	runs := 0
	for seed := range int64(20 * scale()) {
		if *seedFlag >= 0 && seed != *seedFlag {
			continue
		}
		r := rand.New(rand.NewSource(seed))
		n := 3 + r.Intn(5)
		s := newSim(seed, n, 0, false)
		s.manual = true
		s.trace = *traceFlag && *seedFlag >= 0
		s.start().run(s.now + 1000*msec)
		for range 1 + r.Intn(4) {
			for range 1 + r.Intn(n) {
				i, j := r.Intn(n), r.Intn(n)
				switch v := r.Intn(3) > 0; r.Intn(3) {
				case 0:
					s.cut[i][j] = v
				case 1:
					s.cut[i][j], s.cut[j][i] = v, v
				case 2:
					for k := range n {
						s.cut[i][k] = v && r.Intn(4) > 0
					}
				}
			}
			s.run(s.now + r.Int63n(600*msec))
		}
		for i := range n {
			s.cut[i][i] = false
		}
		at, before := s.now, s.opens
		last := s.steady(t, 4*int64(s.t.Deadtime), 30*int64(s.t.Deadtime))
		slowest = max(slowest, last-at)
		views += s.opens - before
		most = max(most, s.opens-before)
		runs++
		in := 0
		for _, x := range s.nodes {
			if x.m.view.Quorum {
				in++
			}
		}
		if best := s.largestClique(); 2*best > n && in < best {
			t.Errorf("seed %d: %d nodes are in a view, %d hear one another\n%s", seed, in, best, s.story(t))
		}
		// The cut mends: all are in one view within two seconds, and then nothing
		// moves.
		s.heal()
		at = s.now
		for !s.oneView() && s.now < at+2000*msec {
			s.run(s.now + 5*msec)
		}
		if !s.oneView() {
			t.Fatalf("seed %d: not whole within 2 s after the cuts mend\n%s", seed, s.story(t))
		}
		s.steady(t, 4*int64(s.t.Deadtime), 10*int64(s.t.Deadtime))
	}
	t.Logf("%d runs: settled within %d ms, %.2f views in the mean, %d at most", runs, slowest/msec, float64(views)/float64(max(runs, 1)), most)
}

// A daemon that restarts in the middle of a view change, at any moment of it,
// is let in, and the views end.
func TestRestartDuringAViewChange(t *testing.T) {
	for step := range 24 {
		s := newSim(int64(step), 3, 0, false)
		s.manual = true
		s.start().run(s.now + 1000*msec)
		s.node("c").up = false
		s.run(s.now + 400*msec)
		s.node("c").boot(false)
		s.run(s.now + int64(step)*msec/2) // the view with c is being made
		x := s.node(string(rune('a' + step%3)))
		x.up = false
		s.run(s.now + 3*msec)
		x.boot(false)
		at := s.now
		for !s.oneView() && s.now < at+2000*msec {
			s.run(s.now + 5*msec)
		}
		if !s.oneView() {
			t.Fatalf("step %d: not whole\n%s", step, s.story(t))
		}
		s.steady(t, 4*int64(s.t.Deadtime), 10*int64(s.t.Deadtime))
	}
}

// An outage of any length ends the same way: who was away for ten minutes is back
// as fast as who was away for a second.
func TestRejoinForEver(t *testing.T) {
	for _, away := range []int64{1000, 600_000} {
		s := newSim(1, 3, 0, false)
		s.manual = true
		s.start().run(s.now + 1000*msec)
		s.cutBoth("a", "c", true)
		s.cutBoth("b", "c", true)
		s.run(s.now + away*msec)
		s.heal()
		at := s.now
		for !s.oneView() && s.now < at+2000*msec {
			s.run(s.now + msec)
		}
		if !s.oneView() || s.now-at > int64(s.t.Deadtime) {
			t.Fatalf("after %d s: one view %v, after %d ms\n%s", away/1000, s.oneView(), (s.now-at)/msec, s.story(t))
		}
	}
}

// Detection takes as long with 32 nodes as with 3, and so does the view without
// the dead node; all 32 form one view at once and hold it.
func TestDetectionIsTheSameWith32Nodes(t *testing.T) {
	const deaths = 3
	measure := func(n int) (detect, view int64) {
		s := newSim(1, n, 0, false)
		s.manual = true
		s.start()
		at := s.now
		for !s.oneView() && s.now < at+5000*msec {
			s.run(s.now + msec)
		}
		if !s.oneView() {
			t.Fatalf("%d nodes do not form a view", n)
		}
		formed, opens := s.now-at, s.opens
		s.run(s.now + 1000*msec)
		if s.opens != opens {
			t.Fatalf("%d nodes: %d more views", n, s.opens-opens)
		}
		var took, opened []int64
		for i := range deaths {
			x := s.nodes[(i*7+1)%n]
			s.run(s.now + int64(i)*13*msec)
			x.up = false
			died := s.now
			s.listen = func(y *simNode, e Event) {
				switch e := e.(type) {
				case PeerEvent:
					if !e.Alive && e.Name == x.name {
						took = append(took, s.now-died)
					}
				case OpenedEvent:
					opened = append(opened, s.now-died)
				}
			}
			s.run(s.now + 400*msec)
			s.listen = nil
			x.boot(true)
			s.run(s.now + 200*msec)
			if !s.oneView() {
				t.Fatalf("%d nodes: not whole again", n)
			}
		}
		if len(took) != deaths*(n-1) || len(opened) < deaths {
			t.Fatalf("%d nodes: %d detections, %d views", n, len(took), len(opened))
		}
		t.Logf("%d nodes: one view after %d ms; a death is known after %d to %d ms; the view after it opens after %d to %d ms",
			n, formed/msec, slices.Min(took)/msec, slices.Max(took)/msec, slices.Min(opened)/msec, slices.Max(opened)/msec)
		return slices.Max(took), slices.Max(opened)
	}
	d3, v3 := measure(3)
	d32, v32 := measure(32)
	if d32 > d3+60*msec/2 || v32 > v3+60*msec {
		t.Errorf("with 32 nodes detection takes %s, with 3 %s; views %s and %s", ms(d32), ms(d3), ms(v32), ms(v3))
	}
}

func ms(d int64) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }
