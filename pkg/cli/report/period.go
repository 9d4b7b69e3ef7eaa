package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// period is what is asked about; both ends belong to it.
type period struct{ from, to time.Time }

// has tells whether a time is in the period.
func (p period) has(t time.Time) bool { return !t.Before(p.from) && !t.After(p.to) }

func (p period) String() string {
	return p.from.Format(time.DateTime) + " to " + p.to.Format(time.DateTime+" MST")
}

// layouts are the forms of a time with its date.
var layouts = []string{"2006-1-2 15:4:5", "2006-1-2 15:4", "2006-1-2T15:4:5", "2006-1-2T15:4", "2006-1-2", time.RFC3339, "2006/1/2_15:4:5"}

// parseTime reads a time as an administrator writes it: "YYYY-M-D H:M:S", parts
// of it ("2026-11-21", "13:05" of today), "now", or @SECONDS since 1970.
func parseTime(s string, now time.Time) (time.Time, error) {
	s = strings.Join(strings.Fields(s), " ")
	if s == "now" {
		return now, nil
	}
	if n, ok := strings.CutPrefix(s, "@"); ok {
		if sec, err := strconv.ParseInt(n, 10, 40); err == nil {
			return time.Unix(sec, 0), nil
		}
	}
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, s, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, l := range []string{"15:4:5", "15:4"} {
		if t, err := time.ParseInLocation(l, s, now.Location()); err == nil {
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, fmt.Errorf(`%q is no time: "2026-11-21 13:05:00", 2026-11-21 and 13:05 are`, s)
}

var (
	heartbeatTime = regexp.MustCompile(`^\S*\s?(\d{4}/\d\d/\d\d_\d\d:\d\d:\d\d)\s`)
	isoTime       = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)?`)
)

// lineTime returns the time of a line of a log: in Heartbeat's form, in that of
// syslog (which has no year: the last such time that is not after the end), or
// in ISO 8601; ok is false for a line without.
func lineTime(line string, end time.Time) (t time.Time, ok bool) {
	loc := end.Location()
	if m := heartbeatTime.FindStringSubmatch(line); m != nil {
		t, err := time.ParseInLocation("2006/01/02_15:04:05", m[1], loc)
		return t, err == nil
	}
	if m := isoTime.FindStringSubmatch(line); m != nil {
		if m[3] == "" {
			t, err := time.ParseInLocation(time.DateTime, m[1]+" "+m[2], loc)
			return t, err == nil
		}
		zone := strings.ReplaceAll(m[3], ":", "")
		t, err := time.Parse("2006-01-02 15:04:05Z0700", m[1]+" "+m[2]+zone)
		return t.In(loc), err == nil
	}
	if len(line) < len(time.Stamp) {
		return t, false
	}
	// A leap day is none in the year 0 of a time without a year: the year goes in
	// before it is read.
	stamp := line[:len(time.Stamp)]
	for back := range 5 {
		t, err := time.ParseInLocation("2006 "+time.Stamp, fmt.Sprint(end.Year()+1-back, " ", stamp), loc)
		if err == nil && !t.After(end.Add(24*time.Hour)) {
			return t, true
		}
	}
	return t, false
}
