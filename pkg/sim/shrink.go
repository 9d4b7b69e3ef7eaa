package sim

import (
	"slices"
	"time"
)

// Shrink makes a scenario that violates an invariant small as long as it goes on
// violating one of the same kind: it leaves out steps, kinds of steps, nodes and
// what is special about the cluster, makes durations even and the time between
// steps short. Where a run without a step happens not to violate, it is tried with
// other seeds too; the result names its own. stop, if not nil, ends it early.
func Shrink(sc *Scenario, o Options, stop func() bool) (*Scenario, *Violation) {
	o.Trace, o.Tell, o.Progress = nil, nil, nil
	s := &shrinker{o: o, stop: stop}
	first := *sc
	if first.Seed == 0 {
		first.Seed = o.Seed
	}
	v := s.try(&first)
	if v == nil {
		return sc, nil
	}
	s.best, s.found, s.rule = &first, v, v.Rule
	s.cutTail()
	s.lastFew()
	for {
		before := s.best.String()
		s.leaveOutKinds()
		s.leaveOut()
		s.leaveOutNodes()
		s.plainCluster()
		s.simplify()
		s.hurry()
		s.cutTail()
		if s.over() || s.best.String() == before && s.reseeds == maxReseeds {
			return s.best, s.found
		}
		if s.best.String() == before {
			s.reseeds = maxReseeds
		}
	}
}

type shrinker struct {
	o     Options
	best  *Scenario
	found *Violation
	rule  string
	tries int
	// reseeds is with how many other seeds a candidate is tried.
	reseeds int
	stop    func() bool
}

const (
	// maxTries bounds the runs of one Shrink.
	maxTries = 20000
	// maxReseeds is how many other seeds are tried once one alone leads nowhere.
	maxReseeds = 8
)

func (s *shrinker) over() bool { return s.tries > maxTries || s.stop != nil && s.stop() }

func (s *shrinker) try(sc *Scenario) *Violation {
	s.tries++
	r, err := Run(sc, s.o)
	if err != nil {
		return nil
	}
	return r.Violation
}

// keep takes a candidate over if it violates the same rule.
func (s *shrinker) keep(sc *Scenario) bool {
	r := newRNG(sc.Seed, 17)
	for i := 0; i <= s.reseeds && !s.over(); i++ {
		c := *sc
		if i > 0 {
			c.Seed = 1 + r.next()>>44
		}
		if v := s.try(&c); v != nil && sameRule(v.Rule, s.rule) {
			s.best, s.found = &c, v
			return true
		}
	}
	return false
}

// sameRule: a start beside a running resource and two that run are one matter, and
// so are two states of one number and a change that is lost.
func sameRule(a, b string) bool {
	for _, one := range [][]string{{"I6", "I7"}, {"I2", "I4"}} {
		if slices.Contains(one, a) && slices.Contains(one, b) {
			return true
		}
	}
	return a == b
}

func (s *shrinker) with(steps []Step) *Scenario {
	c := *s.best
	c.Steps = steps
	return &c
}

// cutTail ends the scenario where the violation is.
func (s *shrinker) cutTail() {
	at := s.found.At
	if at > s.best.Length {
		return // it is one of the end
	}
	var steps []Step
	for _, e := range s.best.Steps {
		if e.At <= at {
			steps = append(steps, e)
		}
	}
	c := s.with(steps)
	c.Length, c.Settle = at+time.Second, false
	if c.Length < s.best.Length || s.best.Settle {
		s.keep(c)
	}
}

// lastFew keeps the last one, two, four … steps alone, early in the run: most
// violations have no long history, and what is left takes little time to play. A
// few seeds are worth trying for that.
func (s *shrinker) lastFew() {
	all := s.best.Steps
	s.reseeds = maxReseeds
	defer func() { s.reseeds = 0 }()
	for n := 1; n < len(all) && !s.over(); n *= 2 {
		steps := slices.Clone(all[len(all)-n:])
		early := steps[0].At - 5*s.best.Deadtime
		if early <= 0 {
			return
		}
		for i := range steps {
			steps[i].At -= early
		}
		c := s.with(steps)
		if c.Length -= early; s.keep(c) {
			s.cutTail()
			return
		}
	}
}

// leaveOutKinds takes all steps of one verb out.
func (s *shrinker) leaveOutKinds() {
	kinds := map[string]bool{}
	for _, e := range s.best.Steps {
		kinds[e.Verb+" "+e.Kind] = true
	}
	for _, k := range sortedNames(kinds) {
		s.without(func(e Step) bool { return e.Verb+" "+e.Kind == k })
	}
}

func (s *shrinker) without(drop func(e Step) bool) {
	if s.over() {
		return
	}
	if left := slices.DeleteFunc(slices.Clone(s.best.Steps), drop); len(left) < len(s.best.Steps) {
		s.keep(s.with(left))
	}
}

// leaveOut takes steps out, in large pieces first.
func (s *shrinker) leaveOut() {
	for size := max(1, len(s.best.Steps)/2); size >= 1; size /= 2 {
		for i := len(s.best.Steps) - size; i > -size && !s.over(); i -= size {
			lo, hi := max(0, i), min(i+size, len(s.best.Steps))
			if lo >= hi {
				continue
			}
			s.keep(s.with(slices.Concat(s.best.Steps[:lo], s.best.Steps[hi:])))
		}
	}
}

// leaveOutNodes takes machines out with all that happens to them.
func (s *shrinker) leaveOutNodes() {
	for _, name := range slices.Backward(s.best.all()) {
		c := s.with(slices.DeleteFunc(slices.Clone(s.best.Steps), func(e Step) bool { return e.Node == name || e.Peer == name || e.Of == name }))
		drop := func(list []string) []string {
			return slices.DeleteFunc(slices.Clone(list), func(n string) bool { return n == name })
		}
		c.Nodes, c.Arbiters, c.Spares = drop(c.Nodes), drop(c.Arbiters), drop(c.Spares)
		if len(c.Nodes) < 2 || len(c.Nodes) == 2 && len(s.best.Nodes) > 2 && len(c.Quorum) == 0 {
			continue // a pair goes by another rule
		}
		if c.Weights != nil {
			w := map[string]int{}
			for n, v := range c.Weights {
				if n != name {
					w[n] = v
				}
			}
			c.Weights = w
		}
		s.keep(c)
	}
}

// plainCluster makes the cluster as plain as possible.
func (s *shrinker) plainCluster() {
	for _, f := range []func(c *Scenario) bool{
		func(c *Scenario) bool { was := c.RandomViews; c.RandomViews = false; return was },
		func(c *Scenario) bool { was := c.Loose; c.Loose = false; return was },
		func(c *Scenario) bool { was := c.Steady; c.Steady = true; return !was },
		func(c *Scenario) bool { was := len(c.Weights) > 0; c.Weights = nil; return was },
		func(c *Scenario) bool { was := len(c.Models) > 0; c.Models = nil; return was },
		func(c *Scenario) bool { was := c.StartDelay > 0; c.SetResources(max(1, c.Resources), 0); return was },
		func(c *Scenario) bool {
			was := c.CIBFile == "" && c.Resources != 1 && !slices.ContainsFunc(c.Steps, func(e Step) bool { return e.Resource != "" })
			c.SetResources(1, c.StartDelay)
			return was
		},
	} {
		if c := s.with(s.best.Steps); !s.over() && f(c) {
			s.keep(c)
		}
	}
}

// simplify replaces steps by plainer ones.
func (s *shrinker) simplify() {
	for i := 0; i < len(s.best.Steps) && !s.over(); i++ {
		for _, f := range plainer(s.best.Steps[i]) {
			steps := slices.Clone(s.best.Steps)
			steps[i] = f
			if s.keep(s.with(steps)) {
				break
			}
		}
	}
}

// plainer are steps that do less than e, or are told in fewer words.
func plainer(e Step) (out []Step) {
	if e.Upon != "" {
		f := e
		f.Upon, f.Of = "", ""
		out = append(out, f)
	}
	if e.Verb == "cut" && e.OneWay {
		f := e
		f.OneWay = false
		out = append(out, f)
	}
	if round := e.For.Round(time.Second); round > 0 && round != e.For {
		f := e
		f.For = round
		out = append(out, f)
	}
	if round := e.At.Round(time.Second); round > 0 && round != e.At {
		f := e
		f.At = round
		out = append(out, f)
	}
	return out
}

// hurry takes time out between the steps.
func (s *shrinker) hurry() {
	for i := 0; i < len(s.best.Steps) && !s.over(); i++ {
		before := 4 * s.best.Deadtime // the cluster forms first
		if i > 0 {
			before = s.best.Steps[i-1].At
		}
		gap := s.best.Steps[i].At - before
		for _, left := range []time.Duration{0, s.best.Deadtime, gap / 2} {
			if left >= gap || gap-left < time.Second {
				continue
			}
			steps := slices.Clone(s.best.Steps)
			for j := i; j < len(steps); j++ {
				steps[j].At -= gap - left
			}
			c := s.with(steps)
			if c.Length -= gap - left; s.keep(c) {
				break
			}
		}
	}
}
