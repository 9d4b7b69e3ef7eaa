package cib

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Infinity is the score that nothing outweighs.
const Infinity = 1000000

// ErrValue is wrapped by the errors of the value parsers.
var ErrValue = errors.New("invalid value")

// ParseScore reads a score: an integer, INFINITY, +INFINITY or -INFINITY in
// upper or lower case. Numbers beyond Infinity are clamped to it.
func ParseScore(s string) (int, error) {
	t := strings.TrimSpace(s)
	switch strings.ToUpper(t) {
	case "INFINITY", "+INFINITY":
		return Infinity, nil
	case "-INFINITY":
		return -Infinity, nil
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		if !errors.Is(err, strconv.ErrRange) {
			return 0, fmt.Errorf("%w: %q is no score: an integer, INFINITY or -INFINITY is expected", ErrValue, s)
		}
		if n = Infinity; strings.HasPrefix(t, "-") {
			n = -Infinity
		}
	}
	return int(min(max(n, -Infinity), Infinity)), nil
}

// FormatScore returns the text of a score.
func FormatScore(n int) string {
	switch {
	case n >= Infinity:
		return "INFINITY"
	case n <= -Infinity:
		return "-INFINITY"
	}
	return strconv.Itoa(n)
}

// ParseBool reads a boolean as Pacemaker does: true, on, yes, y, 1 and their
// opposites, in upper or lower case.
func ParseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "y", "1":
		return true, nil
	case "false", "off", "no", "n", "0":
		return false, nil
	}
	return false, fmt.Errorf("%w: %q is neither true nor false", ErrValue, s)
}

// maxInterval keeps intervals far from overflow of time.Duration.
const maxInterval = 250 * 365 * 24 * time.Hour

// ParseInterval reads a duration: a number with an optional unit (ms, msec, us,
// usec, s, sec, m, min, h, hr; seconds without one, white space is allowed between),
// or an ISO 8601 duration such as PT5S or P1DT2H. In the latter a month counts
// 30 days and a year 365. The result is never negative and at most 250 years.
func ParseInterval(s string) (time.Duration, error) {
	t := strings.TrimSpace(s)
	if t != "" && (t[0] == 'P' || t[0] == 'p') {
		return parseISODuration(s, t[1:])
	}
	i := 0
	for i < len(t) && t[i] >= '0' && t[i] <= '9' {
		i++
	}
	unit, ok := intervalUnits[strings.ToLower(strings.TrimSpace(t[i:]))]
	if i == 0 || !ok {
		return 0, fmt.Errorf("%w: %q is no time: a number with one of the units ms, us, s, min, h, or an ISO 8601 duration such as PT5S is expected", ErrValue, s)
	}
	n, err := strconv.ParseInt(t[:i], 10, 64)
	if err != nil || time.Duration(n) > maxInterval/unit {
		return maxInterval, nil
	}
	return time.Duration(n) * unit, nil
}

var intervalUnits = map[string]time.Duration{
	"": time.Second, "s": time.Second, "sec": time.Second,
	"ms": time.Millisecond, "msec": time.Millisecond,
	"us": time.Microsecond, "usec": time.Microsecond,
	"m": time.Minute, "min": time.Minute,
	"h": time.Hour, "hr": time.Hour,
}

func parseISODuration(whole, t string) (time.Duration, error) {
	const day = 24 * time.Hour
	units := map[byte]time.Duration{'Y': 365 * day, 'M': 30 * day, 'W': 7 * day, 'D': day}
	sum, found, inTime := time.Duration(0), false, false
	for t = strings.ToUpper(t); t != ""; {
		if t[0] == 'T' && !inTime {
			inTime, t = true, t[1:]
			units = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
			continue
		}
		i := 0
		for i < len(t) && t[i] >= '0' && t[i] <= '9' {
			i++
		}
		n, err := strconv.ParseInt(t[:i], 10, 64)
		if i == 0 || i == len(t) || units[t[i]] == 0 {
			return 0, fmt.Errorf("%w: %q is no ISO 8601 duration such as PT5S or P1DT2H", ErrValue, whole)
		}
		if unit := units[t[i]]; err != nil || time.Duration(n) > maxInterval/unit {
			sum = maxInterval
		} else {
			sum = min(sum+time.Duration(n)*unit, maxInterval)
		}
		found, t = true, t[i+1:]
	}
	if !found {
		return 0, fmt.Errorf("%w: %q is no ISO 8601 duration such as PT5S or P1DT2H", ErrValue, whole)
	}
	return sum, nil
}

// CanonicalRole returns today's name of a role (Started, Stopped, Promoted,
// Unpromoted) for it or the old ones Master and Slave in any case; other texts
// come back as they are, with false.
func CanonicalRole(s string) (string, bool) {
	switch strings.ToLower(s) {
	case "started":
		return "Started", true
	case "stopped":
		return "Stopped", true
	case "promoted", "master":
		return "Promoted", true
	case "unpromoted", "slave":
		return "Unpromoted", true
	}
	return s, false
}
