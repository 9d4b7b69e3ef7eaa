package pengine

import (
	"math"
	"strconv"
	"strings"
)

// Score arithmetic saturates at infinity, and minus infinity wins.
func addScores(a, b Score) Score {
	switch {
	case a <= -Infinity || b <= -Infinity:
		return -Infinity
	case a >= Infinity || b >= Infinity:
		return Infinity
	}
	s := a + b
	if s > Infinity {
		return Infinity
	}
	if s < -Infinity {
		return -Infinity
	}
	return s
}

// parseScore reads a score; the colour names are those of node health.
func parseScore(s string) Score {
	switch s {
	case "":
		return 0
	case "INFINITY", "+INFINITY":
		return Infinity
	case "-INFINITY":
		return -Infinity
	case "red":
		return -Infinity
	case "yellow", "green":
		return 0
	}
	return clampScore(parseInt(s))
}

func clampScore(v int64) Score {
	if v > int64(Infinity) {
		return Infinity
	}
	if v < -int64(Infinity) {
		return -Infinity
	}
	return Score(v)
}

// parseInt reads the leading integer of s as strtoll does; 0 without one.
func parseInt(s string) int64 {
	s = strings.TrimLeft(s, " \t\n")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	v, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil && i > 1 {
		if s[0] == '-' {
			return -1 << 62
		}
		if len(s[:i]) > 18 {
			return 1 << 62
		}
	}
	return v
}

// String writes a score as the tools do.
func (s Score) String() string {
	switch {
	case s >= Infinity:
		return "INFINITY"
	case s <= -Infinity:
		return "-INFINITY"
	}
	return strconv.Itoa(int(s))
}

// isTrue reads a boolean as the CIB writes it.
func isTrue(s string) bool {
	b, _ := parseBool(s)
	return b
}

func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "y", "1":
		return true, true
	case "false", "off", "no", "n", "0":
		return false, true
	}
	return false, false
}

// parseMsec reads a time with unit in milliseconds; -1 when it cannot be read. A
// fraction is ignored, and a unit may go on: "5hours".
func parseMsec(s string) int64 {
	s = strings.TrimLeft(s, " \t\n")
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i == 0 {
		return -1
	}
	v, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil {
		return -1
	}
	mul, div := int64(1000), int64(1)
	unit := strings.ToLower(strings.TrimLeft(s[i:], "0123456789. \t\n"))
	switch {
	case strings.HasPrefix(unit, "ms"):
		mul = 1
	case strings.HasPrefix(unit, "us"):
		mul, div = 1, 1000
	case unit == "", unit[0] == 's':
	case unit[0] == 'm':
		mul = 60000
	case unit[0] == 'h':
		mul = 3600000
	default:
		return -1
	}
	if v > math.MaxInt64/mul {
		return math.MaxInt64 / div
	}
	return v * mul / div
}

// parseSpan reads an interval, which may be an ISO 8601 duration too.
func parseSpan(s string) int64 {
	if strings.HasPrefix(s, "P") {
		if d, ok := parseISODuration(s); ok {
			return d.Milliseconds()
		}
		return -1
	}
	return parseMsec(s)
}

// parseDelay reads a timeout or a delay, of which 32 bits count; -1 when it
// cannot be read.
func parseDelay(s string) int64 { return int64(int32(parseMsec(s))) }
