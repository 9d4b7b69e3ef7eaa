package demo

import (
	"fmt"
	"io"
	"math"
	"time"
)

// Report is the result of a demo, as --json writes it.
type Report struct {
	OK         bool    `json:"ok"`
	DeadtimeMS int64   `json:"deadtime_ms"`
	Faults     []Fault `json:"faults"`
	Idle       Idle    `json:"idle"`
}

// Fault is what one fault cost.
type Fault struct {
	// Name is crash-owner, lose-quorum, regain-quorum, failback, kill-daemon or
	// stop-daemon.
	Name string `json:"name"`
	// Outage is the time without an answer for the client, in milliseconds: the
	// longest silence since the fault, from answer to answer; for
	// regain-quorum, the time from power-on to the first answer; nil where no
	// node may hold the address.
	Outage *float64 `json:"outage_ms"`
	// Double is for how long two nodes held the address, in milliseconds.
	Double float64 `json:"double_ownership_ms"`
	// From and To are the owners before and after; nil means no node.
	From *string `json:"from"`
	To   *string `json:"to"`

	// released is the time from the death to the address gone, for lose-quorum.
	released time.Duration
}

// Idle is what the busiest director uses when nothing happens, all processes of
// the program together.
type Idle struct {
	RSS float64 `json:"rss_mb"`
	CPU float64 `json:"cpu_percent"`
}

// add completes a fault with its double ownership, from its moment to now.
func (r *Report) add(f Fault, c *cluster, since time.Time) {
	f.Double = ms(c.sampler.Double(since, time.Now()))
	r.Faults = append(r.Faults, f)
}

// table prints the faults, the changes of the address and the quality of the
// measurement.
func (r *Report) table(w io.Writer, c *cluster, end time.Time) {
	fmt.Fprintf(w, "\n%-14s %-9s %-9s %9s %9s %7s   %s\n", "fault", "from", "to", "outage", "deadtime", "double", "")
	for _, f := range r.Faults {
		outage, note := "none", ""
		if f.Outage != nil {
			outage = fmt.Sprintf("%.0f ms", *f.Outage)
		} else {
			outage, note = "-", fmt.Sprintf("released after %.0f ms", ms(f.released))
		}
		if f.Name == "regain-quorum" {
			note = "from power-on to the first answer"
		}
		fmt.Fprintf(w, "%-14s %-9s %-9s %9s %9s %7s   %s\n", f.Name, text(f.From), text(f.To), outage,
			fmt.Sprintf("%d ms", r.DeadtimeMS), fmt.Sprintf("%.0f ms", f.Double), note)
	}
	fmt.Fprintf(w, "\naddress changes of %s\n", floating)
	for i, h := range c.sampler.History() {
		if i == 0 && len(h.Owners) == 0 {
			continue
		}
		fmt.Fprintf(w, "%8.3f s  %s\n", h.At.Sub(c.begin).Seconds(), ownersText(h.Owners))
	}
	n, gap := c.sampler.Quality()
	fmt.Fprintf(w, "double ownership %.0f ms in all, by %d samples of all nodes, at most %.1f ms apart\n",
		ms(c.sampler.Double(c.begin, end)), n, ms(gap))
}

func text(s *string) string {
	if s == nil {
		return "no node"
	}
	return *s
}

func node(name string) *string { return &name }

func duration(d time.Duration) *float64 {
	v := ms(d)
	return &v
}

// ms is a duration in milliseconds with one decimal.
func ms(d time.Duration) float64 { return round1(float64(d) / float64(time.Millisecond)) }

func round1(v float64) float64 { return math.Round(v*10) / 10 }

func round2(v float64) float64 { return math.Round(v*100) / 100 }
