package ccm

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/pkg/realtime"
)

// beater sends the beats of this node, each with the time at which it leaves. It
// has a thread of its own and waits for nobody: not for the runner, which may be
// busy with a large state, nor for the disk.
//
// It only repeats what the runner has said, and only as long as the runner is
// alive: a beat was true when the runner vouched for it, and one that nobody has
// vouched for within patience is not sent any more. So a node whose runner hangs,
// or whose disk does not answer, falls silent and is dead to the others one
// deadtime later.
type beater struct {
	send     func([]byte)
	clock    func() int64
	cluster  uint64
	period   int64
	patience int64
	alarm    alarm
	stages   *Lateness
	log      *slog.Logger

	said atomic.Pointer[vouched]
	quit atomic.Bool
	done chan struct{}
	// late is set when a beat left too late, and taken by the runner.
	late atomic.Bool

	sent, lateBeats, withheld atomic.Uint64
	worst                     atomic.Int64
}

// vouched is a beat and when the runner vouched for it.
type vouched struct {
	beat agree.Beat
	at   int64
	// news counts the beats that had to leave at once.
	news uint64
}

// BeatStats tells how well this node beats.
type BeatStats struct {
	// Period is the time between two beats.
	Period time.Duration
	// Sent counts all beats; Late those that left more than half a period after
	// they were due; Withheld those that were not sent because this node's own
	// membership layer, or its disk, had not answered for too long.
	Sent, Late, Withheld uint64
	// Worst is the longest time a beat left after it was due.
	Worst time.Duration
	// Stages tell how late what concerns beats and leases was, step by step.
	Stages []StageLateness
	// Class is the scheduling class of this process, for users.
	Class string
}

// beatPatience is how long a beat may be repeated without the runner: long
// enough for a slow disk, and no shorter than deadtime, so that the others see
// one outage of this node and not two.
func beatPatience(t agree.Timing) time.Duration { return max(t.Deadtime, time.Second) }

func newBeater(cluster uint64, t agree.Timing, a alarm, clock func() int64, send func([]byte), late *Lateness, log *slog.Logger) *beater {
	return &beater{send: send, clock: clock, cluster: cluster, period: int64(t.Beat), patience: int64(beatPatience(t)),
		alarm: a, stages: late, log: log, done: make(chan struct{})}
}

// vouch gives the beater what to repeat from now on; news leave at once. Only the
// runner calls it.
func (b *beater) vouch(beat *agree.Beat) {
	v := &vouched{beat: *beat, at: b.clock()}
	if old := b.said.Load(); old != nil {
		v.news = old.news
	}
	if !beat.Routine {
		v.news++
	}
	b.said.Store(v)
	if !beat.Routine {
		b.alarm.wake()
	}
}

// start begins to beat.
func (b *beater) start() {
	go func() {
		defer close(b.done)
		b.alarm.enter()
		b.run()
	}()
}

// stop ends the beats. None is sent after it returns.
func (b *beater) stop() {
	if b.quit.CompareAndSwap(false, true) {
		b.alarm.wake()
	}
	<-b.done
}

func (b *beater) run() {
	var buf []byte
	var news uint64
	var last int64
	silent := false
	due := b.clock()
	for !b.quit.Load() {
		v, now := b.said.Load(), b.clock()
		if v == nil {
			due = now + b.period
			b.alarm.wait(b.period)
			continue
		}
		isDue, isNews := now >= due, v.news != news
		if isDue {
			b.measure(now - due)
			b.stages.Note(StageBeat, now, now-due)
			if due += b.period; due <= now {
				due = now + b.period
			}
		}
		switch hung := now-v.at > b.patience; {
		case !isDue && !isNews:
		case hung:
			b.withheld.Add(1)
			if !silent {
				silent = true
				b.tell("this node is silent from now on: its membership layer, or its disk, has not answered for %v", time.Duration(now-v.at))
			}
		default:
			if silent {
				silent = false
				b.tell("this node beats again")
			}
			// Two beats never carry the same time, or the second would be taken for
			// the first.
			last = max(now, last+1)
			v.beat.Sent = last // v is read by this goroutine alone
			buf = agree.Append(buf[:0], b.cluster, &v.beat)
			b.send(buf)
			b.sent.Add(1)
		}
		news = v.news
		b.alarm.wait(due - b.clock())
	}
}

// measure notes how late a beat is.
func (b *beater) measure(late int64) {
	if late > b.worst.Load() {
		b.worst.Store(late)
	}
	if late > b.period/2 {
		b.lateBeats.Add(1)
		b.late.Store(true)
	}
}

// tell writes to the log, which may block, on a goroutine of its own.
func (b *beater) tell(format string, args ...any) {
	go b.log.Warn(fmt.Sprintf(format, args...))
}

func (b *beater) stats() BeatStats {
	return BeatStats{Period: time.Duration(b.period), Sent: b.sent.Load(), Late: b.lateBeats.Load(), Withheld: b.withheld.Load(),
		Worst: time.Duration(b.worst.Load()), Class: realtime.Class(), Stages: b.stages.All(b.clock())}
}
