package hacf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxTime bounds every time of ha.cf: more is a slip, not a wish.
const maxTime = 365 * 24 * time.Hour

// parseTime reads a decimal number with an optional unit; without one it is
// seconds. The result is rounded to the nearest millisecond. extended reports
// a unit which Heartbeat's own parser did not take (s, sec, m, min, h, hr).
func parseTime(s string) (d time.Duration, extended bool, err error) {
	n := 0
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '.') {
		n++
	}
	v, err := strconv.ParseFloat(s[:n], 64)
	if err != nil {
		return 0, false, fmt.Errorf("[%s] is not a time", s)
	}
	var unit time.Duration
	switch strings.ToLower(strings.TrimLeft(s[n:], " \t")) {
	case "":
		unit = time.Second
	case "ms", "msec":
		unit = time.Millisecond
	case "us", "usec":
		unit = time.Microsecond
	case "s", "sec":
		unit, extended = time.Second, true
	case "m", "min":
		unit, extended = time.Minute, true
	case "h", "hr":
		unit, extended = time.Hour, true
	default:
		return 0, false, fmt.Errorf("[%s] is not a time", s)
	}
	ns := v * float64(unit)
	if math.IsNaN(ns) || ns > float64(maxTime) {
		return 0, false, fmt.Errorf("[%s] is more than a year", s)
	}
	return time.Duration(ns).Round(time.Millisecond), extended, nil
}

// parseBool reads true|on|yes|y|1 and false|off|no|n|0 in any case.
func parseBool(s string) (v, ok bool) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "y", "1":
		return true, true
	case "false", "off", "no", "n", "0":
		return false, true
	}
	return false, false
}

// facilities are syslog's, and "none" which turns it off.
var facilities = map[string]bool{
	"auth": true, "authpriv": true, "cron": true, "daemon": true, "ftp": true,
	"kern": true, "lpr": true, "mail": true, "mark": true, "news": true,
	"security": true, "syslog": true, "user": true, "uucp": true,
	"local0": true, "local1": true, "local2": true, "local3": true,
	"local4": true, "local5": true, "local6": true, "local7": true,
	"none": true,
}

// baudRates are the speeds of a serial link that ha.cf knows.
var baudRates = map[int]bool{
	9600: true, 19200: true, 38400: true, 57600: true,
	115200: true, 230400: true, 460800: true,
}

// validNodeName accepts what uname -n can sensibly print: letters, digits,
// dots, hyphens and underscores, under 100 characters.
func validNodeName(s string) bool {
	if s == "" || len(s) >= 100 {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case r == '.', r == '-', r == '_':
		default:
			return false
		}
	}
	return s[0] != '-' && s[0] != '.'
}

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }

func milliseconds(d time.Duration) int64 { return d.Milliseconds() }
