package sim

import (
	"slices"
	"time"
)

// Shrink takes steps out of a scenario that violates an invariant as long as it
// goes on violating one of the same name, and shortens what is left: the result
// is a scenario from which nothing can be left out. stop, if not nil, ends it early.
func Shrink(sc *Scenario, o Options, stop func() bool) (*Scenario, *Violation) {
	o.Trace, o.Tell, o.Progress = nil, nil, nil
	s := &shrinker{o: o, stop: stop}
	v := s.try(sc)
	if v == nil {
		return sc, nil
	}
	s.best, s.found, s.rule = sc, v, v.Rule
	s.cutTail()
	for {
		n := len(s.best.Steps)
		s.leaveOut()
		s.simplify()
		s.cutTail()
		if len(s.best.Steps) == n || s.over() {
			return s.best, s.found
		}
	}
}

type shrinker struct {
	o     Options
	best  *Scenario
	found *Violation
	rule  string
	tries int
	stop  func() bool
}

// maxTries bounds the runs of one Shrink.
const maxTries = 3000

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
	if s.over() {
		return false
	}
	v := s.try(sc)
	if v == nil || !sameRule(v.Rule, s.rule) {
		return false
	}
	s.best, s.found = sc, v
	return true
}

// sameRule: a start beside a running resource and two that run are one matter.
func sameRule(a, b string) bool {
	owners := []string{"I6", "I7"}
	return a == b || slices.Contains(owners, a) && slices.Contains(owners, b)
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

// simplify replaces steps by plainer ones.
func (s *shrinker) simplify() {
	for i := 0; i < len(s.best.Steps) && !s.over(); i++ {
		e := s.best.Steps[i]
		for _, f := range plainer(e) {
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
