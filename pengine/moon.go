package pengine

import "time"

// moonPhase is the phase of the moon, 0 (new) to 7, by the age that it has in
// its cycle of 19 years.
func moonPhase(t time.Time) int {
	golden := t.Year()%19 + 1
	epact := (11*golden + 18) % 30
	if epact == 25 && golden > 11 || epact == 24 {
		epact++
	}
	return ((t.YearDay()+epact)*6 + 11) % 177 / 22 & 7
}
