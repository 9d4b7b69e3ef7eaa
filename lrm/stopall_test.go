package lrm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/agents"
)

func TestStopAllInReverseOrderAndInParallel(t *testing.T) {
	a := &actor{act: func(string, string) (time.Duration, int) { return time.Second, 0 }}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		// disk, then fs, then two services at one time on top; ip by itself meanwhile.
		l.Execute(act("disk", "start"))
		time.Sleep(1500 * time.Millisecond)
		l.Execute(act("fs", "start"))
		time.Sleep(1500 * time.Millisecond)
		l.Execute(act("db", "start"))
		l.Execute(act("web", "start"))
		time.Sleep(3 * time.Second)
		got(l)
		a.story()
		a.began = time.Now()
		rel := l.StopAll(context.Background(), time.Now().Add(10*time.Second))
		story := a.story()
		slices.SortStableFunc(story, func(x, y string) int {
			return strings.Compare(strings.Fields(x)[0]+x, strings.Fields(y)[0]+y)
		})
		same(t, "story", story, []string{
			"0s db stop begins", "0s web stop begins", "1s db stop ends", "1s fs stop begins", "1s web stop ends",
			"2s disk stop begins", "2s fs stop ends", "3s disk stop ends",
		})
		var told []string
		for _, r := range rel {
			told = append(told, fmt.Sprintf("%s %s after %s", r.Resource, r.How, r.Took))
		}
		same(t, "told", told, []string{"db stopped after 1s", "disk stopped after 3s", "fs stopped after 2s", "web stopped after 1s"})
		same(t, "active", l.Active(), nil)
		// Afterwards everything works as before.
		l.Execute(act("disk", "start"))
		time.Sleep(2 * time.Second)
		same(t, "active", l.Active(), []string{"disk"})
	})
}

func TestStopAllByWhatResourcesRequire(t *testing.T) {
	a := &actor{act: func(string, string) (time.Duration, int) { return time.Second, 0 }}
	requires := func(r string) []string { return map[string][]string{"web": {"ip"}}[r] }
	managed := func(r string) bool { return r != "hands-off" }
	stage(t, a, func(c *Config) { c.Requires, c.Managed = requires, managed }, func(t *testing.T, l *LRM) {
		for _, n := range []string{"ip", "other", "web", "hands-off"} {
			l.Execute(act(n, "start"))
			time.Sleep(2 * time.Second)
		}
		got(l)
		began := time.Now()
		l.StopAll(context.Background(), time.Now().Add(10*time.Second))
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %s, want 2s: other is independent", took)
		}
		same(t, "active", l.Active(), []string{"hands-off"})
	})
}

func TestStopAllCutsAtTheDeadline(t *testing.T) {
	a := &actor{}
	a.act = func(action, instance string) (time.Duration, int) {
		switch {
		case action == "stop" && instance == "hangs":
			return time.Hour, 0
		case action == "stop" && instance == "fails":
			return 0, 1
		case action == "start" && instance == "starting":
			return time.Hour, 0
		case action == "reload":
			return time.Hour, 0
		}
		return 0, 0
	}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		for _, n := range []string{"below", "hangs", "fails"} {
			l.Execute(act(n, "start"))
			synctest.Wait()
		}
		l.Execute(act("starting", "start"))
		l.Execute(every("hangs", "monitor", time.Second))
		time.Sleep(1500 * time.Millisecond)
		l.Execute(act("fails", "reload"))
		l.Execute(act("fails", "notify"))
		synctest.Wait()
		got(l)
		a.story()
		a.began = time.Now()
		go func() {
			time.Sleep(time.Second)
			l.Execute(act("late", "start"))
		}()
		rel := l.StopAll(context.Background(), time.Now().Add(2*time.Second))
		var told []string
		for _, r := range rel {
			told = append(told, fmt.Sprintf("%s %s after %s (%s)", r.Resource, r.How, r.Took, r.Reason))
		}
		same(t, "told", told, []string{
			"below released by force after 2s (its stop waited for hangs)",
			"fails released by force after 0s (its stop returned 1)",
			"hangs released by force after 2s (its stop did not end in time)",
			"starting stopped after 0s ()",
		})
		same(t, "active", l.Active(), nil)
		results := got(l)
		slices.Sort(results)
		same(t, "results", results, []string{
			"below_stop_0 rc=0 status=0",
			"fails_notify_0 rc=0 status=1",
			"fails_reload_0 rc=1 status=4",
			"fails_stop_0 rc=0 status=0", // taken away by force: nothing has failed
			"hangs_stop_0 rc=0 status=0",
			"late_start_0 rc=1 status=4",
			"starting_start_0 rc=1 status=4",
			"starting_stop_0 rc=0 status=0",
		})
		if s := strings.Join(a.story(), "\n"); strings.Contains(s, "late start begins") {
			t.Error("a start was executed during the release")
		}
	})
}

// stubborn is an agent without a forced release.
type stubborn struct{ *actor }

func (s stubborn) Release() {}

func TestStopAllSaysWhatIsLeft(t *testing.T) {
	a := &actor{act: func(action, _ string) (time.Duration, int) {
		if action == "stop" {
			return time.Hour, 0
		}
		return 0, 0
	}}
	registry := func(string, string, string) (agents.Agent, bool) { return stubborn{a}, true }
	stage(t, a, func(c *Config) { c.Registry = registry }, func(t *testing.T, l *LRM) {
		l.Execute(act("a", "start"))
		synctest.Wait()
		rel := l.StopAll(context.Background(), time.Now().Add(time.Second))
		if len(rel) != 1 || rel[0].How != NotReleased || rel[0].Reason != "its stop did not end in time; nothing built in can take it away by force" {
			t.Errorf("%+v", rel)
		}
		same(t, "active", l.Active(), []string{"a"})
	})
}

func TestStopAllEndsWithItsContext(t *testing.T) {
	a := &actor{act: func(action, _ string) (time.Duration, int) {
		if action == "stop" {
			return 10 * time.Second, 0
		}
		return 0, 0
	}}
	stage(t, a, nil, func(t *testing.T, l *LRM) {
		for _, n := range []string{"a", "b"} {
			l.Execute(act(n, "start"))
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		l.StopAll(ctx, time.Now().Add(time.Minute))
		time.Sleep(20 * time.Second)
		same(t, "active", l.Active(), []string{"a"}) // the stop of b went on, that of a never began
		for _, s := range a.story() {
			if strings.Contains(s, "released") {
				t.Error(s)
			}
		}
	})
}
