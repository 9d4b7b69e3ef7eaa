package lrm

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/agents"
)

// actor is a built-in agent whose operations take virtual time and are written down.
type actor struct {
	mu    sync.Mutex
	began time.Time
	log   []string
	// act decides how long an operation takes and what it returns.
	act func(action, instance string) (time.Duration, int)
	// freed are the instances released by force.
	freed []string
}

func (a *actor) MetaData() string { return "" }

func (a *actor) Run(ctx context.Context, action string, env agents.Env) int {
	a.note("%s %s begins", env.Instance, action)
	took, rc := time.Duration(0), 0
	if a.act != nil {
		took, rc = a.act(action, env.Instance)
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		a.note("%s %s is interrupted", env.Instance, action)
		return 1
	}
	if took > 0 {
		a.note("%s %s ends", env.Instance, action)
	}
	return rc
}

func (a *actor) Release(env agents.Env) error {
	a.note("%s is released", env.Instance)
	return nil
}

func (a *actor) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log = append(a.log, fmt.Sprintf("%v ", time.Since(a.began))+fmt.Sprintf(format, args...))
}

// story returns what was written down and forgets it.
func (a *actor) story() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.log
	a.log = nil
	return l
}

// stage runs a test in virtual time with an LRM whose agents are the actor.
func stage(t *testing.T, a *actor, change func(*Config), f func(t *testing.T, l *LRM)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a.began = time.Now()
		cfg := Config{RunDir: dir, OCFRoot: dir, MaxParallel: 10, LoadThreshold: -1, Registry: func(class, _, _ string) (agents.Agent, bool) { return a, class == "ocf" }}
		if change != nil {
			change(&cfg)
		}
		l := New(cfg)
		defer l.Close()
		f(t, l)
	})
}

func act(resource, name string) Op {
	return Op{Resource: resource, Class: "ocf", Provider: "quorate", Type: "actor", Name: name, Timeout: time.Minute}
}

func every(resource, name string, interval time.Duration) Op {
	o := act(resource, name)
	o.Interval = interval
	return o
}

// got returns the results that are there now, as "KEY rc status".
func got(l *LRM) (out []string) {
	for {
		synctest.Wait()
		select {
		case r := <-l.Results():
			s := fmt.Sprintf("%s rc=%d status=%d", r.Op.Key(), r.RC, r.Status)
			if r.Recurring {
				s += " again"
			}
			out = append(out, s)
		default:
			return out
		}
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestOneAtATimePerResourceAndParallelAcross(t *testing.T) {
	a := &actor{act: func(string, string) (time.Duration, int) { return time.Second, 0 }}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		l.Execute(act("a", "start"))
		l.Execute(act("a", "monitor"))
		l.Execute(act("a", "stop"))
		l.Execute(act("b", "start"))
		time.Sleep(5 * time.Second)
		story := a.story()
		slices.Sort(story) // at one time the order across resources is open
		same(t, "story", story, []string{
			"0s a start begins", "0s b start begins", "1s a monitor begins", "1s a start ends", "1s b start ends",
			"2s a monitor ends", "2s a stop begins", "3s a stop ends",
		})
		same(t, "active", l.Active(), []string{"b"})
	})
}

func TestMaxParallel(t *testing.T) {
	a := &actor{act: func(string, string) (time.Duration, int) { return time.Second, 0 }}
	stage(t, a, func(c *Config) { c.MaxParallel = 3 }, func(t *testing.T, l *LRM) {
		for i := range 10 {
			l.Execute(act(fmt.Sprintf("r%d", i), "start"))
		}
		time.Sleep(10 * time.Second)
		at := map[string]int{}
		for _, s := range a.story() {
			if strings.HasSuffix(s, "begins") {
				at[strings.Fields(s)[0]]++
			}
		}
		if want := map[string]int{"0s": 3, "1s": 3, "2s": 3, "3s": 1}; !reflect.DeepEqual(at, want) {
			t.Errorf("starts at %v, want %v", at, want)
		}
	})
}

func TestRecurringReportsTheFirstAndEachChange(t *testing.T) {
	n := 0
	a := &actor{act: func(string, string) (time.Duration, int) {
		n++
		return 0, map[int]int{4: 7, 5: 7, 6: 0}[n]
	}}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		began := time.Now()
		o := every("a", "monitor", 10*time.Second)
		o.StartDelay = 5 * time.Second
		l.Execute(o)
		time.Sleep(4 * time.Second)
		same(t, "before the start delay", got(l), nil)
		time.Sleep(2 * time.Second) // at 6 s
		same(t, "first", got(l), []string{"a_monitor_10000 rc=0 status=0"})
		time.Sleep(20 * time.Second) // at 26 s, after the runs at 15 and 25
		same(t, "unchanged", got(l), nil)
		time.Sleep(10 * time.Second) // at 36 s, after 35
		same(t, "changed", got(l), []string{"a_monitor_10000 rc=7 status=0 again"})
		time.Sleep(10 * time.Second) // at 46 s, after 45
		same(t, "unchanged", got(l), nil)
		h := l.History()
		if len(h) != 1 || h[0].RC != 7 || h[0].LastRCChange.Sub(began) != 35*time.Second || h[0].LastRun.Sub(began) != 45*time.Second {
			t.Errorf("history %+v", h)
		}
		time.Sleep(10 * time.Second)
		same(t, "changed", got(l), []string{"a_monitor_10000 rc=0 status=0 again"})
		if n != 6 {
			t.Errorf("%d runs", n)
		}
		h = l.History()
		if len(h) != 2 || h[0].RC != 7 || h[1].RC != 0 {
			t.Errorf("history with its failure: %+v", h)
		}
	})
}

func TestRecurringWaitsBehindQueuedOperations(t *testing.T) {
	a := &actor{act: func(action, _ string) (time.Duration, int) {
		return map[string]time.Duration{"monitor": time.Second, "reload": 12 * time.Second}[action], 0
	}}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		l.Execute(every("a", "monitor", 10*time.Second))
		time.Sleep(9 * time.Second)
		l.Execute(act("a", "reload"))
		time.Sleep(time.Second)
		l.Execute(act("a", "notify"))
		time.Sleep(20 * time.Second)
		same(t, "story", a.story(), []string{
			"0s a monitor begins", "1s a monitor ends",
			"9s a reload begins", "21s a reload ends",
			"21s a monitor begins", "22s a monitor ends", "22s a notify begins",
		})
	})
}

func TestAMonitorLongerThanItsIntervalLeavesRoom(t *testing.T) {
	a := &actor{act: func(string, string) (time.Duration, int) { return 3 * time.Second, 0 }}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		l.Execute(every("a", "monitor", 2*time.Second))
		time.Sleep(9 * time.Second)
		same(t, "story", a.story(), []string{
			"0s a monitor begins", "3s a monitor ends", "5s a monitor begins", "8s a monitor ends",
		})
	})
}

func TestStateChangeEndsRecurringOperations(t *testing.T) {
	a := &actor{act: func(action, _ string) (time.Duration, int) { return time.Second, 0 }}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		l.Execute(act("a", "start"))
		l.Execute(every("a", "monitor", 10*time.Second))
		time.Sleep(3 * time.Second)
		got(l)
		l.Execute(act("a", "stop"))
		time.Sleep(time.Minute)
		same(t, "results", got(l), []string{"a_stop_0 rc=0 status=0"})
		var keys []string
		for _, r := range l.History() {
			keys = append(keys, r.Op.Key())
		}
		same(t, "history", keys, []string{"a_start_0", "a_stop_0"})
		// One that never ran is answered, so that nobody waits for it.
		l.Execute(act("a", "start"))
		l.Execute(every("a", "monitor", 10*time.Second))
		l.Execute(act("a", "stop"))
		time.Sleep(time.Minute)
		same(t, "results", got(l), []string{"a_monitor_10000 rc=0 status=1", "a_start_0 rc=0 status=0", "a_stop_0 rc=0 status=0"})
	})
}

func TestCancel(t *testing.T) {
	a := &actor{act: func(action, _ string) (time.Duration, int) { return 3 * time.Second, 0 }}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		l.Execute(every("a", "monitor", 10*time.Second))
		time.Sleep(5 * time.Second)
		got(l)
		time.Sleep(6 * time.Second) // at 11 s, in the second run
		l.Cancel("a", "monitor", 10*time.Second)
		l.Cancel("a", "monitor", 10*time.Second)
		l.Execute(act("a", "reload"))
		l.Execute(act("a", "notify"))
		synctest.Wait()
		l.Cancel("a", "notify", 0)
		time.Sleep(time.Minute)
		same(t, "results", got(l), []string{
			"a_monitor_10000 rc=0 status=1", "a_monitor_10000 rc=0 status=1", "a_notify_0 rc=0 status=1", "a_reload_0 rc=0 status=0",
		})
		same(t, "story", a.story(), []string{
			"0s a monitor begins", "3s a monitor ends", "10s a monitor begins", "13s a monitor ends", "13s a reload begins", "16s a reload ends",
		})
	})
}

func TestTimeoutOfABuiltinAgent(t *testing.T) {
	a := &actor{act: func(action, _ string) (time.Duration, int) { return time.Hour, 0 }}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		began := time.Now()
		l.Execute(act("a", "start"))
		r := <-l.Results()
		if r.Status != TimedOut || time.Since(began) != time.Minute || r.ExitReason != "start of a did not end within 1m0s and was killed" {
			t.Errorf("after %s: %+v", time.Since(began), r)
		}
		same(t, "active", l.Active(), []string{"a"}) // it may have got somewhere
	})
}

func TestGateRefusesAtTheMomentOfExecution(t *testing.T) {
	var mu sync.Mutex
	var refuse error
	a := &actor{act: func(action, _ string) (time.Duration, int) { return time.Second, 0 }}
	gate := func(Op) error { mu.Lock(); defer mu.Unlock(); return refuse }
	stage(t, a, func(c *Config) { c.Gate = gate }, func(t *testing.T, l *LRM) {
		l.Execute(act("a", "monitor"))
		l.Execute(act("a", "start")) // is allowed now, and not when its turn comes
		synctest.Wait()
		mu.Lock()
		refuse = errors.New("lease not valid")
		mu.Unlock()
		time.Sleep(5 * time.Second)
		<-l.Results()
		r := <-l.Results()
		if !r.Refused || r.Status != Failed || r.ExitReason != "start of a refused: lease not valid" {
			t.Errorf("%+v", r)
		}
		same(t, "story", a.story(), []string{"0s a monitor begins", "1s a monitor ends"})
		l.Execute(act("a", "stop")) // needs no right
		if r := <-l.Results(); r.RC != OK || r.Refused {
			t.Errorf("%+v", r)
		}
		same(t, "active", l.Active(), nil)
	})
}

func TestActiveIsBelievedCautiously(t *testing.T) {
	rc := map[string]int{}
	a := &actor{act: func(action, instance string) (time.Duration, int) { return 0, rc[action+" "+instance] }}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		do := func(resource, action string, code int) {
			synctest.Wait()
			rc[action+" "+resource] = code
			l.Execute(act(resource, action))
			<-l.Results()
		}
		do("probed", "monitor", OK)
		do("idle", "monitor", NotRunning)
		do("missing", "monitor", ErrInstalled)
		do("halfway", "start", ErrGeneric)
		do("stuck", "start", OK)
		do("stuck", "stop", ErrGeneric)
		do("fine", "start", OK)
		do("died", "start", OK)
		do("died", "monitor", NotRunning)
		do("lostagent", "start", OK)
		do("lostagent", "monitor", ErrInstalled)
		same(t, "active", l.Active(), []string{"probed", "halfway", "stuck", "fine", "lostagent"})
		l.Forget("stuck")
		same(t, "active", l.Active(), []string{"probed", "halfway", "stuck", "fine", "lostagent"})
		for _, r := range l.History() {
			if r.Op.Resource == "stuck" {
				t.Errorf("forgotten, but in the history: %+v", r)
			}
		}
	})
}

func TestResultsWaitForAReader(t *testing.T) {
	a := &actor{}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		for i := range 1000 {
			l.Execute(act(fmt.Sprintf("r%d", i), "start"))
		}
		synctest.Wait()
		if n := len(l.Active()); n != 1000 {
			t.Errorf("%d started while nobody reads results", n)
		}
		if n := len(got(l)); n != 1000 {
			t.Errorf("%d results", n)
		}
	})
}
