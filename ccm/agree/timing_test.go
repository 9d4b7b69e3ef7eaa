package agree

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// The table of docs/protocol.md.
func TestTimingTable(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		keepalive, deadtime                time.Duration
		k, a, lease, stop, margin, w, take time.Duration
	}{
		{75 * ms, 300 * ms, 60 * ms, 15 * ms, 195 * ms, 90 * ms, 15 * ms, 1000 * ms, 1030 * ms},
		{200 * ms, 1000 * ms, 200 * ms, 50 * ms, 650 * ms, 300 * ms, 50 * ms, 1000 * ms, 1100 * ms},
		{3000 * ms, 10000 * ms, 2000 * ms, 300 * ms, 6300 * ms, 3000 * ms, 700 * ms, 9000 * ms, 10000 * ms},
		{2000 * ms, 5000 * ms, 1000 * ms, 300 * ms, 3300 * ms, 1000 * ms, 700 * ms, 4000 * ms, 5000 * ms},
	} {
		x, err := NewTiming(TimingOptions{Keepalive: c.keepalive, Deadtime: c.deadtime})
		if err != nil {
			t.Fatal(err)
		}
		if x.Beat != c.k || x.EchoAge != c.a || x.Lease != c.lease || x.StopBound != c.stop || x.Margin != c.margin || x.Takeover != c.deadtime {
			t.Errorf("%v/%v: %+v", c.keepalive, c.deadtime, x)
		}
		if x.Warning() != "" {
			t.Errorf("%v/%v: %s", c.keepalive, c.deadtime, x.Warning())
		}
		w, err := NewTiming(TimingOptions{Keepalive: c.keepalive, Deadtime: c.deadtime, Watchdog: true})
		if err != nil {
			t.Fatal(err)
		}
		if w.Watchdog != c.w || w.Takeover != c.take {
			t.Errorf("%v/%v with a watchdog: W %v takeover %v", c.keepalive, c.deadtime, w.Watchdog, w.Takeover)
		}
		if (w.Takeover > c.deadtime) != strings.Contains(w.Warning(), "watchdog") {
			t.Errorf("%v/%v: warning %q", c.keepalive, c.deadtime, w.Warning())
		}
	}
}

// Rule 31 holds for every pair of timers, and takeover is deadtime unless the
// user asks for more.
func TestTimingKeepsRule31(t *testing.T) {
	for _, d := range []time.Duration{100, 300, 700, 1000, 1500, 2000, 3000, 5000, 8000, 10000, 30000, 120000} {
		for _, share := range []time.Duration{3, 5, 10, 50} {
			for _, stop := range []time.Duration{0, d / 2, 3 * d} {
				d := d * time.Millisecond
				x, err := NewTiming(TimingOptions{Keepalive: d / share, Deadtime: d, StopBound: stop * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				if need := time.Duration(float64(x.Lease+x.StopBound) * (1 + MaxDrift)); x.Takeover <= need || x.StopBound <= 0 {
					t.Errorf("%v/%v: takeover %v, needs more than %v", d/share, d, x.Takeover, need)
				}
				if stop == 0 && x.Takeover != d {
					t.Errorf("%v/%v: takeover %v", d/share, d, x.Takeover)
				}
				if stop > 0 && x.Takeover > d && !strings.Contains(x.Warning(), "stop bound") {
					t.Errorf("%v/%v: no warning for %v", d/share, d, x.Takeover)
				}
				if x.Initdead < x.Takeover || x.Beat > d/5 {
					t.Errorf("%+v", x)
				}
			}
		}
	}
}

func TestTimingRefusals(t *testing.T) {
	for _, o := range []TimingOptions{{}, {Keepalive: time.Second}, {Keepalive: time.Second, Deadtime: 2 * time.Second}, {Keepalive: time.Millisecond, Deadtime: 20 * time.Millisecond}} {
		if _, err := NewTiming(o); !errors.Is(err, ErrTiming) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	x, err := NewTiming(TimingOptions{Keepalive: 3 * time.Second, Deadtime: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"beats every 2s", "after 10s of silence", "lease ends 6.3s", "released 3s later", "take over 10s"} {
		if !strings.Contains(x.Sentence(), s) {
			t.Errorf("%q is not in %q", s, x.Sentence())
		}
	}
}
