package cib

import (
	"errors"
	"testing"
	"time"
)

func TestParseInterval(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"5": 5 * time.Second, "5s": 5 * time.Second, " 5 sec ": 5 * time.Second, "5min": 5 * time.Minute, "5m": 5 * time.Minute,
		"2h": 2 * time.Hour, "2hr": 2 * time.Hour, "100ms": 100 * time.Millisecond, "100msec": 100 * time.Millisecond,
		"7us": 7 * time.Microsecond, "7usec": 7 * time.Microsecond, "0": 0, "10S": 10 * time.Second,
		"PT5S": 5 * time.Second, "PT1H30M": 90 * time.Minute, "P1D": 24 * time.Hour, "P2W": 14 * 24 * time.Hour, "P1M": 30 * 24 * time.Hour,
		"P1YT1S": 365*24*time.Hour + time.Second, "99999999999999999999": maxInterval, "PT99999999999999H": maxInterval,
	} {
		if got, err := ParseInterval(s); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "s", "5x", "-5", "5.5s", "P", "PT", "P5", "PT5D", "PTT5S", "P5S", "1 2"} {
		if got, err := ParseInterval(s); !errors.Is(err, ErrValue) {
			t.Errorf("%q: %v, %v; want an error", s, got, err)
		}
	}
}

func TestParseScore(t *testing.T) {
	for s, want := range map[string]int{"0": 0, "+5": 5, "-5": -5, "INFINITY": Infinity, "+infinity": Infinity, "-INFINITY": -Infinity,
		"1000001": Infinity, "-99999999999999999999999": -Infinity, "99999999999999999999999": Infinity} {
		if got, err := ParseScore(s); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "x", "1.5", "--1", "INF", "INFINITYX"} {
		if got, err := ParseScore(s); !errors.Is(err, ErrValue) {
			t.Errorf("%q: %v, %v; want an error", s, got, err)
		}
	}
	for n, want := range map[int]string{Infinity: "INFINITY", -Infinity - 1: "-INFINITY", 7: "7"} {
		if got := FormatScore(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestParseBool(t *testing.T) {
	for s, want := range map[string]bool{"true": true, "ON": true, "yes": true, "y": true, "1": true, "False": false, "off": false, "no": false, "n": false, "0": false} {
		if got, err := ParseBool(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	if _, err := ParseBool("maybe"); !errors.Is(err, ErrValue) {
		t.Errorf("maybe: %v", err)
	}
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"5s", "PT5S", "P1Y2M3DT4H", "INFINITY", "-1", "10.0", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseInterval(s); err == nil && (d < 0 || d > maxInterval) {
			t.Fatalf("%q is %v", s, d)
		}
		if n, err := ParseScore(s); err == nil {
			if back, err := ParseScore(FormatScore(n)); err != nil || back != n {
				t.Fatalf("%q is %d, and back %d (%v)", s, n, back, err)
			}
		}
	})
}
