package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

// Signs of the drawing.
const (
	signOwner = '█' // the node holds the address; the client has every answer
	signPart  = '▒' // the client has some answers
	signUp    = '─' // the node is up; the client has no answer
	signDown  = ' '
)

// late is how long an answer may take. The client's kernel keeps questions while
// it looks for the address, and sends them all when it is found.
const late = 100 * time.Millisecond

// draw prints the run as one line per director and one for the client.
func (c *cluster) draw(w io.Writer, width int, end time.Time) {
	const label = 10
	columns := max(width-label-1, 20)
	span := end.Sub(c.begin)
	if span <= 0 {
		return
	}
	at := func(col int) time.Time { return c.begin.Add(span * time.Duration(col) / time.Duration(columns)) }
	history, echoes := c.sampler.History(), c.probe.Echoes()

	fmt.Fprintf(w, "\n%*s %s\n", -label, "", faultLine(c.story, columns, span))
	for _, name := range directors {
		line := make([]rune, columns)
		for i := range line {
			line[i] = nodeSign(c.story, history, name, at(i), at(i+1))
		}
		fmt.Fprintf(w, "%*s %s\n", -label, name, strings.TrimRight(string(line), " "))
	}
	line := make([]rune, columns)
	for i := range line {
		line[i] = clientSign(echoes, at(i), at(i+1))
	}
	fmt.Fprintf(w, "%*s %s\n", -label, "answers", strings.TrimRight(string(line), " "))
	fmt.Fprintf(w, "%*s %s\n", -label, "seconds", axis(columns, span))
	fmt.Fprintf(w, "%*s %c holds the address, or every answer  %c some answers  %c up, or no answer\n", -label, "", signOwner, signPart, signUp)
}

// faultLine puts the number of each fault above its moment.
func faultLine(s *story, columns int, span time.Duration) string {
	line := slices.Repeat([]rune{' '}, columns)
	for i, m := range s.marks {
		col := int(m.at.Sub(s.begin) * time.Duration(columns) / span)
		line[min(col, columns-1)] = rune('1' + i)
	}
	return strings.TrimRight(string(line), " ")
}

func nodeSign(s *story, history []lab.Change, name string, from, to time.Time) rune {
	for i, h := range history {
		ends := i+1 == len(history) || history[i+1].At.After(from)
		if h.At.Before(to) && ends && slices.Contains(h.Owners, name) {
			return signOwner
		}
	}
	if s.isUp(name, from) {
		return signUp
	}
	return signDown
}

func clientSign(echoes []lab.Echo, from, to time.Time) rune {
	i, _ := slices.BinarySearchFunc(echoes, from, func(e lab.Echo, t time.Time) int { return e.Sent.Compare(t) })
	asked, got := 0, 0
	for ; i < len(echoes) && echoes[i].Sent.Before(to); i++ {
		asked++
		if a := echoes[i].Answered; !a.IsZero() && a.Sub(echoes[i].Sent) < late {
			got++
		}
	}
	switch {
	case asked == 0:
		return signDown
	case got == asked:
		return signOwner
	case got > 0:
		return signPart
	}
	return signUp
}

// axis writes the seconds under the columns, as many as fit.
func axis(columns int, span time.Duration) string {
	step := time.Second
	for span/step > time.Duration(columns/8) {
		switch {
		case step < 2*time.Second:
			step = 2 * time.Second
		case step < 5*time.Second:
			step = 5 * time.Second
		default:
			step *= 2
		}
	}
	line := slices.Repeat([]rune{' '}, columns+8)
	for t := time.Duration(0); t <= span; t += step {
		col := int(t * time.Duration(columns) / span)
		copy(line[col:], []rune(fmt.Sprintf("%d", int(t.Seconds()))))
	}
	return strings.TrimRight(string(line[:columns+4]), " ")
}
