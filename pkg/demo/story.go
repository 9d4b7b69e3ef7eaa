package demo

import (
	"fmt"
	"io"
	"time"
)

// story tells what happens, each line with the time since the begin, and
// remembers the moments for the drawing.
type story struct {
	out    io.Writer
	begin  time.Time
	powers []power
	marks  []mark
}

// power is a moment at which a director went up or down.
type power struct {
	at   time.Time
	node string
	up   bool
}

// mark is the moment of a fault.
type mark struct {
	at   time.Time
	name string
}

func newStory(out io.Writer) *story { return &story{out: out, begin: time.Now()} }

// tell prints one line with the time at which it happened.
func (s *story) tell(at time.Time, format string, args ...any) {
	fmt.Fprintf(s.out, "%8.3f s  %s\n", at.Sub(s.begin).Seconds(), fmt.Sprintf(format, args...))
}

// chapter prints a heading.
func (s *story) chapter(title string) { fmt.Fprintf(s.out, "\n%s\n", title) }

func (s *story) power(at time.Time, node string, up bool) {
	s.powers = append(s.powers, power{at, node, up})
}

func (s *story) mark(at time.Time, name string) { s.marks = append(s.marks, mark{at, name}) }

// isUp tells whether a director was powered at a time.
func (s *story) isUp(node string, at time.Time) bool {
	up := false
	for _, p := range s.powers {
		if p.node == node && !p.at.After(at) {
			up = p.up
		}
	}
	return up
}
