package sim

import (
	"testing"
	"time"
)

// Messages of a session arrive once and in the order in which they were sent,
// however cables are cut and frames lost and late meanwhile. After a cut of a
// deadtime or more some never arrive; after shorter ones all do.
func TestSessionsKeepTheOrder(t *testing.T) {
	for seed := uint64(1); seed <= 300; seed++ {
		sc := NewScenario(2, time.Minute)
		s, err := newSim(sc, Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		r := newRNG(seed, 99)
		a, b := s.nodes[0], s.nodes[1]
		a.d, b.d = new(daemon), new(daemon) // they only send and receive
		longest := int64(s.timing.Deadtime) / 3
		if seed%3 == 0 {
			longest *= 12
		}
		var got [2][]int
		sent := [2]int{}
		for at := int64(0); at < int64(time.Minute); at += r.below(int64(time.Second)) {
			class := int(r.below(2))
			sent[class]++
			no := sent[class]
			s.at(at, func() {
				s.net.message(a, b, class, func(*daemon) { got[class] = append(got[class], no) })
			})
		}
		for at := int64(0); at < int64(time.Minute); {
			from, to := a, b
			if r.chance(2) {
				from, to = b, a
			}
			s.at(at, func() { s.net.cut(from, to) })
			at += 1 + r.below(longest)
			s.at(at, func() { s.net.mend(from, to) })
			at += r.below(3 * int64(time.Second))
		}
		s.net.loss, s.net.delay = r.below(400), r.below(int64(5*time.Second))
		s.at(int64(3*time.Minute), s.net.mendAll)
		s.run(int64(10 * time.Minute))
		for class := range got {
			last := 0
			for _, no := range got[class] {
				if no <= last {
					t.Fatalf("seed %d, class %d: message %d arrives after %d", seed, class, no, last)
				}
				last = no
			}
			if seed%3 != 0 && len(got[class]) != sent[class] {
				t.Fatalf("seed %d, class %d: %d of %d messages arrive", seed, class, len(got[class]), sent[class])
			}
		}
	}
}
