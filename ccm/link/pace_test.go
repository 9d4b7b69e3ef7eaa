package link

import (
	"testing"
	"time"
)

// TestPace: a reader rests in a flood only, and never for long.
func TestPace(t *testing.T) {
	const ms = int64(time.Millisecond)
	// step reads for a second: rate packets a millisecond, of which bad are bad; per
	// is how many a reader can check in a millisecond.
	run := func(rate, bad, per int) (rested, worst time.Duration, reads int) {
		p := newPace(0)
		queue := 0
		for now := int64(0); now < 1000*ms; {
			n := min(queue, 32)
			d := p.rest(now, n < 32, n*bad/100)
			rested, worst = rested+d, max(worst, d)
			reads++
			step := max(int64(d), int64(n)*ms/int64(per), ms/100)
			before := now / (ms / 10)
			now += step
			queue += int(now/(ms/10)-before)*rate/10 - n
			queue = max(queue, 0)
		}
		return rested, worst, reads
	}
	for _, c := range []struct {
		name               string
		rate, bad, per     int
		least, most, worst time.Duration
	}{
		{"beats", 10, 0, 400, 0, 0, 0},
		{"a bulk transfer", 100, 0, 400, 0, 0, 0},
		{"some bad ones", 20, 20, 400, 0, 0, 0},
		{"a flood", 100, 99, 400, 500 * time.Millisecond, 950 * time.Millisecond, time.Millisecond},
		{"more than it can check", 1000, 99, 400, 180 * time.Millisecond, 210 * time.Millisecond, 10 * time.Millisecond},
	} {
		rested, worst, reads := run(c.rate, c.bad, c.per)
		t.Logf("%s: rested %v of a second, %v at once; %d reads", c.name, rested, worst, reads)
		if rested < c.least || rested > c.most || worst > c.worst {
			t.Errorf("%s: rested %v of a second, %v at once", c.name, rested, worst)
		}
	}
}
