package lrm

import (
	"testing"
	"time"
)

// A monitor that has to wait for a slot begins late, and is counted as missed
// when that is a whole interval.
func TestRepeats(t *testing.T) {
	a := &actor{act: func(action, _ string) (time.Duration, int) {
		if action == "start" {
			return 4 * time.Second, 0
		}
		return 0, 0
	}}
	stage(t, a, func(c *Config) { c.MaxParallel = 1 }, func(t *testing.T, l *LRM) {
		l.Execute(every("watched", "monitor", time.Second))
		time.Sleep(3500 * time.Millisecond)
		if r := l.Repeats(); r != (Repeats{Active: 1, Runs: 3}) {
			t.Errorf("%+v", r)
		}
		l.Execute(act("slow", "start"))
		time.Sleep(5 * time.Second)
		if r := l.Repeats(); r.Missed != 1 || r.Late != 3500*time.Millisecond {
			t.Errorf("%+v", r)
		}
	})
}
