package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/cib"
)

// sim is one run.
type sim struct {
	sc     *Scenario
	opts   Options
	now    int64
	q      queue
	nodes  []*node
	byName map[string]*node
	net    network
	timing agree.Timing
	quorum agree.Quorum
	config string // the first configuration, as text
	rsc    map[string]*resource
	order  []string // names of rsc, sorted

	// ops draws durations of operations, disks and the policy engine.
	ops *rng
	// armed are the steps that wait for a moment.
	armed []*Step
	// quiet: all faults are over.
	quiet  bool
	lives  uint64
	disks  int
	checks checker
	stats  Result
}

// Options say how a scenario is run.
type Options struct {
	// Seed feeds everything random: latencies, durations, back-offs.
	Seed uint64
	// Trace, if set, gets every event as a line.
	Trace func(line string)
	// Tell, if set, gets the lines that make a story.
	Tell func(line string)
	// Verify encodes and decodes every message and write, and compares.
	Verify bool
	// Plant leaves rules out. For tests of tests.
	Plant Plant
	// Progress, if set, is called now and then with the virtual time.
	Progress func(at, end time.Duration)
	// Stop, if set, is asked now and then; true ends the run early.
	Stop func() bool
}

func newSim(sc *Scenario, o Options) (*sim, error) {
	s := &sim{sc: sc, opts: o, byName: map[string]*node{}, rsc: map[string]*resource{}, ops: newRNG(o.Seed, 1)}
	var err error
	s.timing, err = agree.NewTiming(agree.TimingOptions{Keepalive: sc.Keepalive, Deadtime: sc.Deadtime, Initdead: sc.Initdead})
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	if s.quorum, err = agree.NewQuorum(sc.quorumPlugins()...); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	s.config = string(cib.PrintCompact(sc.CIB))
	if err := s.readResources(sc.CIB); err != nil {
		return nil, err
	}
	s.net.init(s, len(sc.all()))
	s.checks.init(s)
	for i, name := range sc.all() {
		n := &node{s: s, id: i, name: name, r: newRNG(o.Seed, 2, uint64(i)), res: map[string]*instance{}, faults: map[agentFault]int64{}}
		n.clk = clock{offset: n.r.below(1e15), ppm: n.r.between(-4000, 4000)}
		n.disk = disk{n: n, id: s.newDisk()}
		for _, name := range s.order {
			n.res[name] = &instance{n: n, rsc: s.rsc[name]}
		}
		n.hacf = slices.Concat(sc.Nodes, sc.Arbiters)
		n.arbiter, n.out = slices.Contains(sc.Arbiters, name), slices.Contains(sc.Spares, name)
		s.nodes = append(s.nodes, n)
		s.byName[name] = n
	}
	return s, nil
}

func (s *sim) newDisk() string { s.disks++; return fmt.Sprintf("disk-%d", s.disks) }

// at runs f after a delay.
func (s *sim) at(delay int64, f func()) { s.q.push(s.now+max(0, delay), f) }

// logf writes a line of the trace.
func (s *sim) logf(n *node, format string, a ...any) {
	if s.opts.Trace != nil {
		s.opts.Trace(s.line(n, format, a...))
	}
}

// tell writes a line of the trace that belongs to the story, too.
func (s *sim) tell(n *node, format string, a ...any) {
	if s.opts.Trace == nil && s.opts.Tell == nil {
		return
	}
	l := s.line(n, format, a...)
	if s.opts.Trace != nil {
		s.opts.Trace(l)
	}
	if s.opts.Tell != nil {
		s.opts.Tell(l)
	}
}

func (s *sim) line(n *node, format string, a ...any) string {
	who := "-"
	if n != nil {
		who = n.name
	}
	return fmt.Sprintf("%12.6f %s %s", float64(s.now)/1e9, who, fmt.Sprintf(format, a...))
}

// traced reports whether anybody reads the trace.
func (s *sim) traced() bool { return s.opts.Trace != nil }

// fail notes the first violation of an invariant; the run ends with it.
func (s *sim) fail(rule, format string, a ...any) {
	if s.stats.Violation != nil {
		return
	}
	s.stats.Violation = &Violation{Rule: rule, At: time.Duration(s.now), Text: fmt.Sprintf(format, a...)}
	s.tell(nil, "VIOLATION %s: %s", rule, s.stats.Violation.Text)
}

// run lets time pass.
func (s *sim) run(until int64) {
	for i := 0; len(s.q.list) > 0 && s.stats.Violation == nil; i++ {
		if s.q.list[0].at > until {
			break
		}
		if i%65536 == 65535 {
			if s.opts.Progress != nil {
				s.opts.Progress(time.Duration(s.now), s.sc.length())
			}
			if s.opts.Stop != nil && s.opts.Stop() {
				s.stats.Stopped = true
				return
			}
		}
		e := s.q.pop()
		s.now = e.at
		s.stats.Steps++
		e.f()
	}
	if s.stats.Violation == nil {
		s.now = until
	}
}
