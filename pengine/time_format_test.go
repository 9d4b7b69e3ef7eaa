package pengine

import (
	"testing"
	"time"
)

// The values are those of Pacemaker 2.1.5.
func TestParseDelay(t *testing.T) {
	for in, want := range map[string]int64{"30": 30000, "1min": 60000, "45000ms": 45000, "60 s": 60000, "999us": 0, "1500000us": 1500, "0.5h": 0,
		"1.5s": 1000, "5hours": 18000000, "1minute": 60000, "0": 0, "1H": 3600000, "2Ms": 2, "PT90S": -1, "1d": -1, "5x": -1, "-5s": -1, "+5": -1,
		"": -1, "3000000000s": 2112827392, "2147483648ms": -2147483648, "5 ms x": 5} {
		if got := parseDelay(in); got != want && (want >= 0 || got >= 0) {
			t.Errorf("parseDelay(%q) is %d, not %d", in, got, want)
		}
	}
	for in, want := range map[string]int64{"PT90S": 90000, "P1D": 86400000, "10": 10000} {
		if got := parseSpan(in); got != want {
			t.Errorf("parseSpan(%q) is %d, not %d", in, got, want)
		}
	}
}

func TestMoonPhase(t *testing.T) {
	for day, want := range map[string]int{"2024-06-15": 2, "2024-06-06": 0, "2024-01-01": 5, "2000-01-06": 0, "1999-05-30": 4} {
		d, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := moonPhase(d); got != want {
			t.Errorf("the phase of the moon on %s is %d, not %d", day, got, want)
		}
	}
}

func TestParseDateOffset(t *testing.T) {
	for in, want := range map[string]string{"2024-06-15T14:00 +02:00": "12:00", "2024-06-15T14:00+02:00": "14:00", "2024-06-15 07:30:00 -05:00": "12:30", "2024-06-15T07:30Z": "07:30"} {
		got, ok := parseDate(in, time.UTC)
		if !ok || got.UTC().Format("15:04") != want {
			t.Errorf("parseDate(%q) is %v, not at %s", in, got.UTC(), want)
		}
	}
}
