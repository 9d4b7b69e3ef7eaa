package lrm

import (
	"fmt"
	"testing"
	"time"
)

func TestThrottle(t *testing.T) {
	load := 0.0
	th := throttle{limit: 8, threshold: 0.8, cpus: 2, read: func() (float64, bool) { return load, true }}
	now := time.Unix(1000, 0)
	for _, c := range []struct {
		load float64
		want int
	}{{0.5, 8}, {1.7, 6}, {2.5, 4}, {3.3, 2}, {100, 2}, {0, 8}} {
		load, now = c.load, now.Add(loadEvery)
		if got := th.allowed(now); got != c.want {
			t.Errorf("load %v: %d, want %d", c.load, got, c.want)
		}
	}
	if th.limit = 1; th.allowed(now) != 1 {
		t.Error("a limit of one is not kept")
	}
}

// Operations that hang hold their slots for some seconds only.
func TestHangingOperationsHoldUpNobody(t *testing.T) {
	a := &actor{act: func(action, instance string) (time.Duration, int) {
		if instance[0] == 's' {
			return 3 * time.Minute, 0
		}
		return 10 * time.Millisecond, 0
	}}
	stage(t, a, func(c *Config) { c.MaxParallel = 4 }, func(t *testing.T, l *LRM) {
		for i := range 8 {
			o := act(fmt.Sprintf("s%d", i), "start")
			o.Timeout = 5 * time.Minute
			l.Execute(o)
		}
		l.Execute(act("quick", "start"))
		began := time.Now()
		r := <-l.Results()
		if took := time.Since(began); r.Op.Resource != "quick" || took > 11*time.Second {
			t.Errorf("%s first, after %v", r.Op.Key(), took)
		}
		for range 8 {
			<-l.Results()
		}
		if took := time.Since(began); took > 200*time.Second {
			t.Errorf("all ended after %v", took)
		}
	})
}
