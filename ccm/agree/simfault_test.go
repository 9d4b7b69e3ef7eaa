package agree

import (
	"fmt"
	"strings"
	"testing"
)

func (s *sim) fault() {
	if !s.faults {
		return
	}
	x := s.nodes[s.r.Intn(len(s.nodes))]
	if s.elections && s.r.Intn(3) == 0 {
		s.electRandom()
	}
	switch s.r.Intn(10) {
	case 0, 1, 2:
		i, j := s.r.Intn(len(s.nodes)), s.r.Intn(len(s.nodes))
		s.cut[i][j] = !s.cut[i][j]
		s.logf("cut %d->%d %v", i, j, s.cut[i][j])
	case 3:
		i, v := s.r.Intn(len(s.nodes)), s.r.Intn(2) == 0
		for j := range s.cut {
			if s.r.Intn(4) > 0 {
				s.cut[i][j] = v
			}
			if s.r.Intn(4) > 0 {
				s.cut[j][i] = v
			}
		}
		s.logf("isolate %d %v", i, v)
	case 4, 5:
		s.heal()
	case 6:
		if x.up && s.r.Intn(2) == 0 {
			s.logf("%s machine crash", x.name)
			x.up, x.running, x.inflight = false, false, false
			x.bootgen++
			lost := s.disks && s.r.Intn(4) == 0 && s.mayLoseDisk(x)
			s.at(s.r.Int63n(800*msec), func() {
				if x.up {
					return
				}
				if lost {
					s.logf("%s lost its disk", x.name)
					s.readmits++
					x.disk, x.st = s.newDisk(), Stored{}
				}
				x.boot(true)
			})
		}
	case 7:
		if x.up {
			s.logf("%s daemon crash", x.name)
			x.up = false
			s.at(s.r.Int63n(150*msec), func() {
				if !x.up {
					x.boot(false)
				}
			})
		}
	case 9: // a planned stop: everything is released, then announced
		if x.up && x.frozen <= s.now && x.m.leaving == nil {
			released := s.r.Intn(4) > 0
			s.logf("%s leaves, released=%v", x.name, released)
			if released {
				x.running, x.inflight = false, false
				x.opgen++
			}
			x.m.Leave(x.local(), released)
			x.pump()
			inc := x.inc
			s.at(s.r.Int63n(100*msec), func() {
				if x.up && x.inc == inc {
					s.logf("%s stops", x.name)
					x.up = false
				}
			})
			s.at(100*msec+s.r.Int63n(500*msec), func() {
				if !x.up {
					x.boot(false)
				}
			})
		}
	case 8:
		x.frozen = s.now + s.r.Int63n(900*msec)
		s.logf("%s frozen until %.3f", x.name, float64(x.frozen)/1e6)
	}
	s.at(20*msec+s.r.Int63n(300*msec), s.fault)
}

// mayLoseDisk: a quorum of recorded disks must survive, or nothing can be
// promised. All nodes hold a state and record every disk as it is now.
func (s *sim) mayLoseDisk(x *simNode) bool {
	for _, o := range s.nodes {
		if o != x && !o.up || o.m.stamped.IsZero() || o.m.rep.diverged {
			return false
		}
		for _, p := range s.nodes {
			if o.m.rep.meta.Voters[p.name].Disk != p.disk {
				return false
			}
		}
	}
	return true
}

func (s *sim) heal() {
	for i := range s.cut {
		clear(s.cut[i])
	}
	s.logf("heal")
}

// oneView reports whether all nodes have one view of all.
func (s *sim) oneView() bool {
	for _, x := range s.nodes {
		if !x.up || !x.m.view.Quorum || len(x.m.view.Members) != len(s.nodes) || x.m.view.Ballot != s.nodes[0].m.view.Ballot {
			return false
		}
	}
	return true
}

// whole reports whether there is one view, and one node runs the resource.
func (s *sim) whole() bool {
	run := 0
	for _, x := range s.nodes {
		if x.running {
			run++
		}
	}
	return run == 1 && s.oneView()
}

// quiet ends all faults.
func (s *sim) quiet() {
	s.faults = false
	s.heal()
	for _, x := range s.nodes {
		x.frozen = 0
	}
}

func (s *sim) story(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for _, x := range s.nodes {
		fmt.Fprintf(&b, "%s up=%v joined=%v promised=%v stamped=%v inst=%v row=%v view=%+v\n", x.name, x.up, x.m.joined, x.m.promised, x.m.stamped, x.m.inst, x.m.list(x.m.row()), x.m.view)
	}
	return b.String()
}
