package lrm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Under the policy demote what is promoted is demoted, what is not stays, both
// with their monitors' say, and what uses either goes first. A demotion that
// fails is followed by a stop, and what stands on something that goes, goes.
func TestStopAllDemotes(t *testing.T) {
	a := &actor{act: func(action, instance string) (time.Duration, int) {
		if action == "demote" && instance == "fails" {
			return 0, 1
		}
		if action == "monitor" && instance == "db:0" {
			return time.Second, RunningPromoted
		}
		return time.Second, 0
	}}
	demotes := func(r string) bool { return slices.Contains([]string{"db", "idle", "fails", "above"}, base(r)) }
	requires := func(r string) []string { return map[string][]string{"vip": {"db"}, "above": {"disk"}}[r] }
	refuse := false
	gate := func(Op) error {
		if refuse {
			return errors.New("no lease")
		}
		return nil
	}
	stage(t, a, func(c *Config) { c.Requires, c.Demotes, c.Gate = requires, demotes, gate }, func(t *testing.T, l *LRM) {
		for _, o := range []Op{act("disk", "start"), act("db:0", "start"), act("idle", "start"), act("fails", "start")} {
			l.Execute(o)
		}
		time.Sleep(2 * time.Second)
		for _, o := range []Op{act("db:0", "promote"), act("fails", "promote"), act("vip", "start"), act("above", "start")} {
			l.Execute(o)
		}
		time.Sleep(2 * time.Second)
		l.Execute(every("db:0", "monitor", 10*time.Second))
		l.Execute(every("idle", "monitor", 10*time.Second))
		time.Sleep(2 * time.Second)
		got(l)
		same(t, "to release", l.ToRelease(), []string{"above", "db:0", "disk", "fails", "vip"})
		var told []string
		for _, r := range l.StopAll(context.Background(), time.Now().Add(10*time.Second)) {
			told = append(told, fmt.Sprintf("%s %s after %s", r.Resource, r.How, r.Took))
		}
		same(t, "told", told, []string{"above stopped after 1s", "db:0 demoted after 2s", "disk stopped after 2s", "fails stopped after 1s", "vip stopped after 1s"})
		same(t, "active", l.Active(), []string{"db:0", "idle"})
		same(t, "to release", l.ToRelease(), nil)
		results := got(l)
		slices.Sort(results)
		same(t, "results", results, []string{"above_stop_0 rc=0 status=0", "db:0_demote_0 rc=0 status=0", "disk_stop_0 rc=0 status=0", "fails_stop_0 rc=0 status=0", "vip_stop_0 rc=0 status=0"})
		a.story()
		time.Sleep(11 * time.Second)
		story := fmt.Sprint(a.story())
		if !strings.Contains(story, "idle monitor begins") || strings.Contains(story, "db:0 monitor begins") {
			t.Errorf("monitors after the release: %s", story)
		}
		// The journal knows the roles: a guard demotes no more.
		left, err := ReadJournal(JournalFile(l.cfg.RunDir))
		if err != nil || len(left) != 2 || left[0].Promoted || left[1].Promoted {
			t.Errorf("%+v %v", left, err)
		}
		// A promotion that is refused changes nothing.
		refuse = true
		l.Execute(act("db:0", "promote"))
		time.Sleep(time.Second)
		same(t, "to release", l.ToRelease(), nil)
		refuse = false
		l.Execute(act("db:0", "promote"))
		time.Sleep(500 * time.Millisecond)
		left, _ = ReadJournal(JournalFile(l.cfg.RunDir))
		if !slices.ContainsFunc(left, func(f Leftover) bool { return f.Promoted && f.InFlight }) {
			t.Errorf("a promotion under way: %+v", left)
		}
	})
}
