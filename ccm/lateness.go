package ccm

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// Stage is a step of a beat and its confirmation that a busy machine can hold up.
type Stage uint8

// Values of Stage, in the order of a beat's way.
const (
	// StageBeat: a beat leaves after it was due.
	StageBeat Stage = iota
	// StageRead: a frame lies in the kernel until it is read.
	StageRead
	// StageHear: a frame that was read waits until the machine takes it in.
	StageHear
	// StageThink: the machine is run later than its timer asked.
	StageThink
	// StageConfirm: a confirmation of the machine waits until it is sent.
	StageConfirm
	stages
)

// String is the stage for users.
func (s Stage) String() string {
	return [...]string{"own beats sent", "frames read", "frames taken in", "membership run", "confirmations sent"}[s]
}

// Lateness measures how late this node itself is, stage by stage. Anybody may
// note and read; a nil one takes nothing. Times are nanoseconds.
type Lateness struct{ by [stages]lateWindow }

// lateWindow is the worst of the present and of the last second, and ever.
type lateWindow struct {
	second     atomic.Int64
	now, last  atomic.Int64
	everything atomic.Int64
}

// Note tells that a stage was late by so much; now is in the clock of the node.
// Two that note at the turn of a second may lose one of both.
func (l *Lateness) Note(s Stage, now, late int64) {
	if l == nil {
		return
	}
	w := &l.by[s]
	w.turn(now)
	raise(&w.now, late)
	raise(&w.everything, late)
}

func (w *lateWindow) turn(now int64) {
	second := now / int64(time.Second)
	was := w.second.Load()
	if second == was || !w.second.CompareAndSwap(was, second) {
		return
	}
	last := w.now.Swap(0)
	if second != was+1 {
		last = 0
	}
	w.last.Store(last)
}

func raise(to *atomic.Int64, v int64) {
	for old := to.Load(); v > old && !to.CompareAndSwap(old, v); old = to.Load() {
	}
}

// StageLateness is how late one stage was.
type StageLateness struct {
	Stage string
	// Recent is the worst of the last one to two seconds, Worst of this life.
	Recent, Worst time.Duration
}

// All returns every stage.
func (l *Lateness) All(now int64) (out []StageLateness) {
	if l == nil {
		return nil
	}
	for s := range stages {
		w := &l.by[s]
		w.turn(now)
		out = append(out, StageLateness{s.String(), time.Duration(max(w.now.Load(), w.last.Load())), time.Duration(w.everything.Load())})
	}
	return out
}

// Recent is one phrase on the last two seconds, with the worst stage.
func (l *Lateness) Recent(now int64) (phrase string, worst time.Duration) {
	var parts []string
	for _, s := range l.All(now) {
		parts = append(parts, fmt.Sprintf("%s %v", s.Stage, s.Recent.Round(100*time.Microsecond)))
		worst = max(worst, s.Recent)
	}
	return strings.Join(parts, ", "), worst
}

// manyPeers is how many nodes a sentence names.
const manyPeers = 8

// whyUnconfirmed is one sentence on the end of a lease that nobody has given up:
// who has not confirmed this node, and how late this node itself was.
func (n *Node) whyUnconfirmed() string {
	now := n.clock()
	ago := func(t int64) time.Duration { return time.Duration(now - t).Round(time.Millisecond) }
	var parts []string
	more := 0
	for _, p := range n.m.Peers() {
		switch {
		case p.Confirmed != 0 && now-p.Confirmed < int64(n.cfg.Timing.Lease):
		case len(parts) == manyPeers:
			more++
		case p.Heard == 0:
			parts = append(parts, p.Name+" was never heard")
		case p.Confirmed == 0:
			parts = append(parts, fmt.Sprintf("%s was heard %v ago and never confirmed a beat", p.Name, ago(p.Heard)))
		default:
			parts = append(parts, fmt.Sprintf("%s was heard %v ago and confirmed a beat of %v ago", p.Name, ago(p.Heard), ago(p.Confirmed)))
		}
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	phrase, _ := n.late.Recent(now)
	return fmt.Sprintf("No confirmation came in time: %s; in the last two seconds this node itself was late by up to: %s", strings.Join(parts, "; "), phrase)
}
