// Package times holds the commands about time: iso8601, which reads and prints
// dates, durations and periods as the cluster understands them, and crm_rule, which
// tells whether a rule of the configuration is in effect.
package times

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/tool"
)

// exitInvalid is the exit code for a time that is none.
const exitInvalid = 2

// form says how a time is printed.
type form struct{ seconds, epoch, local, ordinal, week bool }

// yearOne is the time from which -s counts.
var yearOne = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

func (f form) text(t time.Time) string {
	switch {
	case f.seconds:
		return fmt.Sprint(t.Unix() - yearOne)
	case f.epoch:
		return fmt.Sprint(t.Unix())
	}
	if !f.local {
		t = t.UTC()
	}
	date := t.Format("2006-01-02")
	switch {
	case f.ordinal:
		date = fmt.Sprintf("%04d-%03d", t.Year(), t.YearDay())
	case f.week:
		year, week := t.ISOWeek()
		date = fmt.Sprintf("%04d-W%02d-%d", year, week, (int(t.Weekday())+6)%7+1)
	}
	zone := "Z"
	if _, off := t.Zone(); off != 0 {
		zone = t.Format(" -07:00")
	}
	return date + t.Format(" 15:04:05") + zone
}

// spanText is a duration in words.
func spanText(s cib.Span) string {
	plural := func(n int) string {
		if n == 1 {
			return ""
		}
		return "s"
	}
	var b strings.Builder
	for _, x := range []struct {
		n     int
		form  string
		empty bool
	}{{s.Years, "%4d year%s ", true}, {s.Months, "%2d month%s ", true}, {s.Days, "%2d day%s ", true}} {
		if x.n != 0 {
			fmt.Fprintf(&b, x.form, x.n, plural(x.n))
		}
	}
	if s.Seconds == 0 {
		if b.Len() == 0 {
			return "0 seconds"
		}
		return b.String()
	}
	fmt.Fprintf(&b, "%d second%s", s.Seconds, plural(s.Seconds))
	if s.Seconds < 60 {
		return b.String()
	}
	var parts []string
	for _, x := range []struct {
		n    int
		unit string
	}{{s.Seconds / 3600, "hour"}, {s.Seconds / 60 % 60, "minute"}, {s.Seconds % 60, "second"}} {
		if x.n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s%s", x.n, x.unit, plural(x.n)))
		}
	}
	return b.String() + " (" + strings.Join(parts, " ") + ")"
}

// isoFlags are the options of one call.
type isoFlags struct {
	form
	now                              bool
	date, period, duration, expected string
}

// NewISO8601 returns the command iso8601.
func NewISO8601(env *cli.Env) *cobra.Command {
	f := new(isoFlags)
	c, _ := tool.Command(env, "iso8601", "iso8601 {-n | -d DATE | -p PERIOD | -D DURATION}", "read and print dates, durations and periods",
		`iso8601 prints a date, a duration or a period as the cluster understands it; with a
date and a duration, also when the duration ends.`,
		func(_ context.Context, t *tool.Tool, _ []string) error { return f.run(t) })
	p := c.Flags()
	p.BoolVarP(&f.now, "now", "n", false, "the present date and time")
	p.StringVarP(&f.date, "date", "d", "", "a date and time")
	p.StringVarP(&f.period, "period", "p", "", "a period: BEGIN/END, BEGIN/DURATION or DURATION/END")
	p.StringVarP(&f.duration, "duration", "D", "", "a duration")
	p.StringVarP(&f.expected, "expected", "E", "", "exit with 1 if the date is not this text")
	p.BoolVarP(&f.seconds, "seconds", "s", false, "as seconds since the year 1")
	p.BoolVarP(&f.epoch, "epoch", "S", false, "as seconds since 1970")
	p.BoolVarP(&f.local, "local", "L", false, "in the zone that was given")
	p.BoolVarP(&f.ordinal, "ordinal", "O", false, "as year and day of the year")
	p.BoolVarP(&f.week, "week", "W", false, "as year, week and day of the week")
	return c
}

func (f *isoFlags) run(t *tool.Tool) error {
	now := time.Now().Truncate(time.Second)
	var at time.Time
	var shown string
	print := func(title, text string) {
		t.Printf("%s: %s\n", title, text)
		t.Add(cib.New("time", "what", strings.ToLower(title), "value", text))
	}
	if f.now {
		at, shown = now, f.text(now)
		print("Current date/time", shown)
	} else if f.date != "" {
		d, err := cib.ParseTime(f.date, now)
		if err != nil {
			return cli.Exitf(exitInvalid, "Invalid date/time specified: %s", f.date)
		}
		at, shown = d, f.text(d)
		print("Date", shown)
	}
	var span cib.Span
	if f.duration != "" {
		s, err := cib.ParseSpan(f.duration)
		if err != nil {
			return cli.Exitf(exitInvalid, "Invalid duration specified: %s", f.duration)
		}
		span = s
		print("Duration", spanText(s))
	}
	if f.period != "" {
		from, to, ok := period(f.period, now)
		if !ok {
			return cli.Exitf(exitInvalid, "Invalid interval specified: %s", f.period)
		}
		print("Period", f.text(from)+" to "+f.text(to))
	}
	if f.duration != "" && !at.IsZero() {
		shown = f.text(span.After(at))
		print("Duration ends at", shown)
	}
	if f.expected != "" && f.expected != shown {
		return &cli.Exit{Code: cli.ExitError}
	}
	return nil
}

func period(v string, now time.Time) (from, to time.Time, ok bool) {
	a, b, found := strings.Cut(v, "/")
	if !found {
		return from, to, false
	}
	var err, err2 error
	switch {
	case strings.HasPrefix(a, "P"):
		var s cib.Span
		s, err = cib.ParseSpan(a)
		to, err2 = cib.ParseTime(b, now)
		from = s.Before(to)
	case strings.HasPrefix(b, "P"):
		var s cib.Span
		from, err = cib.ParseTime(a, now)
		s, err2 = cib.ParseSpan(b)
		to = s.After(from)
	default:
		from, err = cib.ParseTime(a, now)
		to, err2 = cib.ParseTime(b, now)
	}
	return from, to, err == nil && err2 == nil
}
