package link

import "time"

// pace is how a reader rests in a flood of bad packets: it may be real-time, and
// others want the processor too.
type pace struct {
	empty int64 // when the socket was
	since int64 // when bad began to count
	bad   int   // packets
	flood bool
}

// A flood is more than floodPackets bad ones in a floodWindow. In a flood a
// reader lets some come together: to be woken for each costs more than to check
// it. And whoever never finds the socket empty rests so long after such a turn;
// the kernel's queue bears that.
const (
	floodWindow  = 10 * time.Millisecond
	floodPackets = 100
	floodGather  = time.Millisecond
	floodTurn    = 40 * time.Millisecond
	floodRest    = 10 * time.Millisecond
)

func newPace(now int64) pace { return pace{empty: now, since: now} }

// rest is how long to wait after a read: empty tells that it found the last
// packet, bad how many were dropped.
func (p *pace) rest(now int64, empty bool, bad int) time.Duration {
	if now-p.since >= int64(floodWindow) {
		p.flood = p.bad > floodPackets
		p.since, p.bad = now, 0
	}
	p.bad += bad
	switch {
	case empty:
		p.empty = now
		if p.flood || p.bad > floodPackets {
			return floodGather
		}
	case now-p.empty > int64(floodTurn):
		p.empty = now + int64(floodRest)
		return floodRest
	}
	return 0
}
