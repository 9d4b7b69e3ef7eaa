package sim

import "time"

// epoch is the calendar time at which every simulation begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// clock is the clock of a machine. Its rate is off by ppm parts in a million;
// its calendar is off by jump besides, which nothing that measures time sees.
type clock struct {
	offset int64 // what it showed at its last change
	since  int64 // when that was
	ppm    int64
	jump   time.Duration
}

// local is what the clock shows at the time now.
func (c *clock) local(now int64) int64 {
	d := now - c.since
	return c.offset + d + d/1_000_000*c.ppm + d%1_000_000*c.ppm/1_000_000
}

// until is how long it takes from now until the clock has passed the given
// time; not negative.
func (c *clock) until(now, local int64) int64 {
	d := local - c.local(now)
	if d <= 0 {
		return 0
	}
	// A timer never fires early; the rest makes up for divisions.
	rate := 1_000_000 + c.ppm
	return d/rate*1_000_000 + d%rate*1_000_000/rate + 4
}

// setRate changes the rate from now on.
func (c *clock) setRate(now, ppm int64) {
	c.offset, c.since, c.ppm = c.local(now), now, ppm
}

// steady is the time for what only measures durations; wall is the calendar's.
func (c *clock) steady(now int64) time.Time { return epoch.Add(time.Duration(c.local(now))) }
func (c *clock) wall(now int64) time.Time   { return c.steady(now).Add(c.jump) }
