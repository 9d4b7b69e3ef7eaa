package lrm

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// defaultThreshold is load-threshold: the load of a processor beyond which a node
// takes less work on.
const defaultThreshold = 0.8

// loadEvery is how often the load is looked at.
const loadEvery = 5 * time.Second

// throttle says how many operations may run at a time, by the load of the node.
type throttle struct {
	limit     int
	threshold float64
	cpus      int
	read      func() (float64, bool)

	looked time.Time
	load   float64
}

// allowed returns the limit at a time: three quarters of it when the load is
// above the threshold, a half at one and a half times, a quarter at twice the
// threshold, and never less than two, so that one that hangs does not hold up
// all.
func (t *throttle) allowed(now time.Time) int {
	if now.Sub(t.looked) >= loadEvery {
		t.looked, t.load = now, 0
		if v, ok := t.read(); ok && t.threshold > 0 {
			t.load = v / float64(t.cpus) / t.threshold
		}
	}
	n := t.limit
	switch {
	case t.load >= 2:
		n = t.limit / 4
	case t.load >= 1.5:
		n = t.limit / 2
	case t.load >= 1:
		n = t.limit * 3 / 4
	}
	return max(n, min(2, t.limit))
}

// loadAverage returns the load of the last minute (proc(5)).
func loadAverage() (float64, bool) {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(b), " ")
	v, err := strconv.ParseFloat(first, 64)
	return v, err == nil
}

// SetLimits changes how many operations run here at a time (node-action-limit, 0:
// twice the number of processors, at least 4) and the load of a processor beyond
// which fewer do (load-threshold, 0: 0.8; negative: whatever the load).
func (l *LRM) SetLimits(parallel int, threshold float64) {
	if parallel <= 0 {
		parallel = max(4, 2*runtime.NumCPU())
	}
	if threshold == 0 {
		threshold = defaultThreshold
	}
	l.post(func() { l.load.limit, l.load.threshold, l.load.looked = parallel, threshold, time.Time{} })
}
