package ccm

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder keeps the messages of a log.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, string(b))
	return len(b), nil
}

// find returns the last line with the text, or "".
func (r *recorder) find(text string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range slices.Backward(r.lines) {
		if strings.Contains(l, text) {
			return l
		}
	}
	return ""
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = nil
}

// TestLateness: the worst of the last seconds is kept, and then forgotten.
func TestLateness(t *testing.T) {
	const s, ms = int64(time.Second), int64(time.Millisecond)
	var l Lateness
	l.Note(StageRead, 10*s, 40*ms)
	l.Note(StageRead, 10*s+1, 3*ms)
	l.Note(StageBeat, 10*s, 1*ms)
	recent := func(now int64) time.Duration { return l.All(now)[StageRead].Recent }
	for _, now := range []int64{10*s + 900*ms, 11 * s, 11*s + 900*ms} {
		if got := recent(now); got != 40*time.Millisecond {
			t.Errorf("at %d: %v", now, got)
		}
	}
	if phrase, worst := l.Recent(11 * s); worst != 40*time.Millisecond || !strings.Contains(phrase, "own beats sent 1ms, frames read 40ms, frames taken in 0s") {
		t.Errorf("%q %v", phrase, worst)
	}
	if recent(12*s) != 0 || recent(20*s) != 0 || l.All(20 * s)[StageRead].Worst != 40*time.Millisecond {
		t.Error("it is not forgotten")
	}
	(*Lateness)(nil).Note(StageBeat, s, s)
}

// TestWhyTheLeaseIsOver: the log names who has not confirmed, and how late this
// node itself was.
func TestWhyTheLeaseIsOver(t *testing.T) {
	l := newLab(t, "a", "b", "c")
	synctest.Test(t, func(t *testing.T) {
		log := &recorder{}
		l.logs = map[string]*recorder{"a": log}
		l.start(l.names...)
		l.formed()
		// One direction: a hears both, but nobody hears a.
		l.net.Cut("a", "b", true)
		l.net.Cut("a", "c", true)
		_, ch := l.nodes["a"].Lease()
		<-ch
		time.Sleep(time.Millisecond)
		line := log.find("No confirmation came in time: ")
		for _, want := range []string{"b was heard ", " ago and confirmed a beat of ", "; c was heard ", "in the last two seconds this node itself was late by up to: own beats sent 0s"} {
			if !strings.Contains(line, want) {
				t.Errorf("%q is missing in: %q", want, line)
			}
		}
		// A runner that does not run is named as what was late.
		l.net.Cut("a", "b", false)
		l.net.Cut("a", "c", false)
		l.await("a", "view of all again", quorate(l.names...))
		time.Sleep(4 * time.Second)
		log.reset()
		_, ch = l.nodes["a"].Lease()
		inRunner(l.nodes["a"], func() { time.Sleep(l.timing.Lease + 10*time.Millisecond) })
		<-ch
		time.Sleep(time.Millisecond)
		if line := log.find("No confirmation came in time: "); !strings.Contains(line, "membership run 5") {
			t.Errorf("the hanging runner is not named: %q", line)
		}
		l.stopAll()
	})
}
