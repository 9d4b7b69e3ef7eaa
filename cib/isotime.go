package cib

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The forms of a date, the first that fits counts: calendar, week, day of the
// year, calendar without dashes. What follows a date is a time or is ignored.
var (
	calendarDate = regexp.MustCompile(`^(\d{1,4})-(\d{1,2})-(\d{1,2})`)
	weekDate     = regexp.MustCompile(`^(\d{1,4})-W(\d{1,2})-(\d)`)
	ordinalDate  = regexp.MustCompile(`^(\d{1,4})-(\d{1,3})`)
	compactDate  = regexp.MustCompile(`^(\d{4})(\d{2})(\d{1,2})`)
	clockTime    = regexp.MustCompile(`^\s*\+?(\d{1,2})(?::?(\d{1,2})(?::?(\d{1,2}))?)?(?:[.,]\d+)?`)
	clockOffset  = regexp.MustCompile(`^\s+([+-])(\d{1,2})(?::?(\d{1,2}))?`)
)

// ParseTime reads a date and time of ISO 8601 as Pacemaker 2.1 does: calendar
// (2026-11-21, 20261121), ordinal (2026-325) and week dates (2026-W47-6), with a
// time behind T or a blank, or a time alone, which is today's by now. An offset
// counts only behind a blank; without Z or an offset the time is in the location of
// now. The word epoch is 1970. The error wraps ErrValue.
func ParseTime(v string, now time.Time) (time.Time, error) {
	if v == "epoch" {
		return time.Unix(0, 0).UTC(), nil
	}
	t, ok := parseTime(v, now)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: %q is no date and time of ISO 8601", ErrValue, v)
	}
	return t, nil
}

func parseTime(v string, now time.Time) (time.Time, bool) {
	year, month, day := now.Date()
	rest, ok := v, v != ""
	if v != "" && v[0] != 'T' && v[0] != ' ' && !(len(v) > 2 && v[2] == ':') {
		year, month, day, rest, ok = parseDay(v)
	}
	if !ok {
		return time.Time{}, false
	}
	if rest == "" || rest != v && rest[0] != 'T' && rest[0] != ' ' {
		return time.Date(year, month, day, 0, 0, 0, 0, now.Location()), true
	}
	h, m, s, loc, ok := parseClock(strings.TrimPrefix(rest, "T"), now.Location())
	if !ok {
		return time.Time{}, false
	}
	return time.Date(year, month, day, h, m, s, 0, loc), true
}

// numbers returns the submatches of a match as numbers; what is absent is 0.
func numbers(m []string) (out [3]int) {
	for i, s := range m[1:] {
		out[i], _ = strconv.Atoi(s)
	}
	return out
}

func parseDay(v string) (year int, month time.Month, day int, rest string, ok bool) {
	if m := weekDate.FindStringSubmatch(v); m != nil {
		n := numbers(m)
		_, weeks := time.Date(n[0], 12, 28, 0, 0, 0, 0, time.UTC).ISOWeek()
		jan4 := time.Date(n[0], 1, 4, 0, 0, 0, 0, time.UTC)
		monday := 4 - (int(jan4.Weekday())+6)%7
		d := time.Date(n[0], 1, monday+7*(n[1]-1)+n[2]-1, 0, 0, 0, 0, time.UTC)
		return d.Year(), d.Month(), d.Day(), v[len(m[0]):], n[1] <= weeks && n[2] >= 1 && n[2] <= 7
	}
	for _, form := range []*regexp.Regexp{calendarDate, compactDate} {
		if m := form.FindStringSubmatch(v); m != nil {
			n := numbers(m)
			return n[0], time.Month(n[1]), n[2], v[len(m[0]):], n[1] >= 1 && n[1] <= 12 && n[2] <= monthDays(n[0], n[1])
		}
	}
	if m := ordinalDate.FindStringSubmatch(v); m != nil {
		n := numbers(m)
		return n[0], 1, n[1], v[len(m[0]):], n[1] >= 1 && n[1] <= yearDays(n[0])
	}
	return 0, 0, 0, "", false
}

func parseClock(v string, local *time.Location) (h, m, s int, loc *time.Location, ok bool) {
	loc = local
	if v == "" {
		return 0, 0, 0, loc, true
	}
	c := clockTime.FindStringSubmatch(v)
	if c == nil {
		return 0, 0, 0, nil, false
	}
	n := numbers(c)
	if n[0] > 24 || n[1] > 59 || n[2] > 59 || n[0] == 24 && n[1]+n[2] > 0 {
		return 0, 0, 0, nil, false
	}
	rest := v[len(c[0]):]
	if strings.HasPrefix(strings.TrimLeft(rest, " \t"), "Z") {
		loc = time.UTC
	} else if o := clockOffset.FindStringSubmatch(rest); o != nil {
		at := numbers([]string{"", o[2], o[3]})
		seconds := at[0]*3600 + at[1]*60
		if at[0] > 24 || at[1] > 59 {
			return 0, 0, 0, nil, false
		}
		if o[1] == "-" {
			seconds = -seconds
		}
		loc = time.FixedZone("", seconds)
	}
	return n[0], n[1], n[2], loc, true
}

func monthDays(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func yearDays(year int) int { return time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay() }

// Span is a duration of ISO 8601 whose years and months have no fixed length.
type Span struct{ Years, Months, Days, Seconds int }

// maxSpan bounds each number of a Span.
const maxSpan = 1<<31 - 1

// ParseSpan reads a duration such as P1DT2H: years, months, weeks, days, hours,
// minutes (behind T) and seconds. The error wraps ErrValue.
func ParseSpan(v string) (Span, error) {
	bad := fmt.Errorf("%w: %q is no duration of ISO 8601 such as P1DT2H", ErrValue, v)
	t, ok := strings.CutPrefix(v, "P")
	if !ok || t == "" {
		return Span{}, bad
	}
	var s Span
	for inTime := false; t != "" && t[0] != ' '; {
		if t[0] == 'T' {
			inTime, t = true, t[1:]
			continue
		}
		i := 0
		for i < len(t) && t[i] >= '0' && t[i] <= '9' {
			i++
		}
		n, err := strconv.Atoi(t[:i])
		if err != nil || i == len(t) || n > maxSpan/(7*86400) {
			return Span{}, bad
		}
		switch unit := t[i]; {
		case unit == 'Y':
			s.Years = n
		case unit == 'M' && inTime:
			s.Seconds += 60 * n
		case unit == 'M':
			s.Months = n
		case unit == 'W':
			s.Days += 7 * n
		case unit == 'D':
			s.Days += n
		case unit == 'H':
			s.Seconds += 3600 * n
		case unit == 'S':
			s.Seconds += n
		default:
			return Span{}, bad
		}
		t = t[i+1:]
	}
	return s, nil
}

// After returns the time at the end of a span that begins at t, Before that at
// the beginning of one that ends at t. A year leads to the same day of the year, a
// month to the same day of the month or the month's last.
func (s Span) After(t time.Time) time.Time { return s.move(t, 1) }

// Before is told of at After.
func (s Span) Before(t time.Time) time.Time { return s.move(t, -1) }

func (s Span) move(t time.Time, sign int) time.Time {
	h, m, sec := t.Clock()
	year, day := t.Year(), t.YearDay()
	if s.Years != 0 {
		year += sign * s.Years
		day = min(day, yearDays(year))
	}
	t = time.Date(year, 1, day, h, m, sec, 0, t.Location())
	if s.Months != 0 {
		first := time.Date(t.Year(), t.Month()+time.Month(sign*s.Months), 1, h, m, sec, 0, t.Location())
		t = first.AddDate(0, 0, min(t.Day(), monthDays(first.Year(), int(first.Month())))-1)
	}
	return t.AddDate(0, 0, sign*s.Days).Add(time.Duration(sign*s.Seconds) * time.Second)
}
