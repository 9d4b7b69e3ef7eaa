package sim

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// Run plays a scenario. An error tells that it cannot be played; what went wrong
// in it is the Violation of the Result.
func Run(sc *Scenario, o Options) (*Result, error) {
	if sc.Seed != 0 {
		o.Seed = sc.Seed
	}
	s, err := newSim(sc, o)
	if err != nil {
		return nil, err
	}
	s.play()
	return &s.stats, nil
}

// play runs it to its end. A panic of the code that is simulated is a violation.
func (s *sim) play() {
	defer func() {
		if p := recover(); p != nil {
			s.fail("panic", "%v\n%s", p, debug.Stack())
			s.end()
		}
	}()
	sc := s.sc
	for _, n := range s.nodes {
		// The first boot: one after another, within a keepalive.
		if !n.out {
			s.at(n.r.below(int64(sc.Keepalive)), n.boot)
		}
	}
	for i := range sc.Steps {
		e := &sc.Steps[i]
		s.at(int64(e.At), func() {
			switch {
			case s.quiet:
			case e.Upon != "":
				s.arm(e)
			default:
				s.apply(e)
			}
		})
	}
	s.run(int64(sc.Length))
	if sc.Settle && !sc.RandomViews && !sc.DirectedViews && s.stats.Violation == nil && !s.stats.Stopped {
		s.settle()
	}
	s.end()
}

// settle repairs everything; then the cluster has to become whole within its
// bound, all members have to be equal, and nothing may move any more (I8).
func (s *sim) settle() {
	s.tell(nil, "* the faults are over")
	s.repair()
	begun, bound := s.now, int64(s.sc.bound())
	why, excused := "", false
	for step := int64(s.timing.Beat); ; {
		s.run(s.now + step)
		if s.stats.Violation != nil || s.stats.Stopped {
			return
		}
		if why = s.checks.whole(); why == "" {
			break
		}
		if s.now-begun > bound {
			if admin := s.needsAdmin(); admin != "" && !excused {
				s.stats.NeedsAdmin++
				s.tell(nil, "* this needs the administrator, for no view can be agreed on: %s", admin)
				if left := s.idle(); left != "" {
					s.fail("I8", "nothing can be agreed on, and %s", left)
					return
				}
				excused, begun = true, s.now
				s.checks.excuse("", s.sc.bound())
				s.putBack()
				continue
			}
			s.fail("I8", "not whole %s after the last fault: %s", seconds(time.Duration(s.now-begun)), why)
			return
		}
	}
	s.stats.Settled = append(s.stats.Settled, time.Duration(s.now-begun))
	s.tell(nil, "* the cluster is whole")
	// What was lost just before is noticed a deadtime later, a result that got
	// lost after a minute and the operation's timeout; failures expire.
	calm := max(s.now, begun+int64(4*s.sc.Deadtime+2*time.Minute))
	s.run(calm)
	if why := s.checks.whole(); why != "" && s.stats.Violation == nil {
		s.fail("I8", "not whole any more although nothing fails: %s", why)
		return
	}
	views, starts := s.stats.Views, s.stats.Starts
	s.run(s.now + int64(settleTail))
	switch {
	case s.stats.Violation != nil || s.stats.Stopped:
	case s.stats.Views != views:
		s.fail("I8", "%d more views although nothing fails", s.stats.Views-views)
	case s.stats.Starts != starts:
		s.fail("I8", "%d more starts although nothing fails", s.stats.Starts-starts)
	default:
		if why := s.checks.equal(); why != "" {
			s.fail("equal", "after quiet %s", why)
		}
		s.keptPromises()
	}
}

// keptPromises checks that every change whose client was told "done" is there.
func (s *sim) keptPromises() {
	if s.checks.unsafe {
		return
	}
	for _, n := range s.nodes {
		if n.d == nil || n.out {
			continue
		}
		for id := range s.checks.acked {
			if !slices.ContainsFunc(n.d.app.log, func(l logged) bool { return l.id == id }) {
				s.fail("I4", "a change that was acknowledged to its client is not in the configuration of %s", n.name)
			}
		}
		return
	}
}

// repair ends every fault, starts what is down and undoes what the operator did.
func (s *sim) repair() {
	s.quiet = true
	s.checks.excuse("", s.sc.bound())
	s.net.mendAll()
	for _, n := range s.nodes {
		clear(n.faults)
		n.fill(false)
		n.disk.slow, n.disk.torn = 0, 0
		for _, name := range s.order {
			if i := n.res[name]; i.rogue {
				i.set(false)
			}
			if o := n.res[name].op; o != nil && !o.over && o.exec.Op().Timeout == 0 {
				o.done(false) // it would hang for ever
			}
		}
		n.absent, n.stopped = false, false
		switch {
		case n.out:
		case !n.up:
			n.boot()
		case n.d == nil:
			n.machineAfter(int64(time.Second), func() {
				if n.d == nil {
					n.startDaemon()
				}
			})
		case n.d.ending || n.d.asked:
			n.startWhenGone(n.d, int64(time.Second))
		}
	}
	s.tidy(0)
}

// tidy is what an operator does when all is repaired: nodes leave standby, and
// failures are forgotten. It waits until somebody answers.
func (s *sim) tidy(tries int) {
	s.at(int64(s.timing.Deadtime), func() {
		s.reconcile()
		n := s.anyDaemon()
		if n == nil || s.checks.members(n) < s.present() {
			if tries < 100 {
				s.tidy(tries + 1)
			}
			return
		}
		for _, x := range s.nodes {
			s.operator(n, standbyOff(x))
		}
		set := s.sc.optionsSet()
		for _, name := range sortedNames(set) {
			if set[name] == "" {
				s.operator(n, unset(name))
				continue
			}
			s.operator(n, option(name, set[name]))
		}
		for _, name := range s.order {
			s.cleanup(name)
		}
		s.logf(n, "the operator tidies up")
	})
}

// end closes what is counted.
func (s *sim) end() {
	for _, name := range s.order {
		r := s.rsc[name]
		if since, ok := s.checks.doubled[name]; ok {
			s.stats.Double += time.Duration(s.now - since)
		}
		if r.everRan && r.downAt >= 0 && s.stats.Violation == nil && s.sc.Settle {
			s.stats.Outages = append(s.stats.Outages, time.Duration(s.now-r.downAt))
		}
	}
	s.stats.Time = time.Duration(s.now)
	s.stats.Runs = 1
	if o := s.opts.Progress; o != nil {
		o(time.Duration(s.now), time.Duration(s.now))
	}
	if s.stats.Violation != nil {
		s.tell(nil, "%s", fmt.Sprint("ended: ", s.stats.Violation.Error()))
	}
}
