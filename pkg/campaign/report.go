package campaign

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// Figure is one measured number.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Unit is ms, s, %, MB, packets/s or empty for a count.
	Unit string `json:"unit"`
	// Limit is the value it must stay below, or equal to where Inclusive; nil
	// where nothing is asked.
	Limit     *float64 `json:"limit,omitempty"`
	Inclusive bool     `json:"inclusive,omitempty"`
}

// OK reports whether the figure keeps its limit.
func (f Figure) OK() bool {
	return f.Limit == nil || f.Value < *f.Limit || f.Inclusive && f.Value == *f.Limit
}

// Part is the outcome of one measurement.
type Part struct {
	Name    string   `json:"name"`
	Setting string   `json:"setting"`
	Seconds float64  `json:"seconds"`
	Figures []Figure `json:"figures"`
	// Rounds are the single measurements behind the figures.
	Rounds []Round `json:"rounds,omitempty"`
	// Notes are sentences on what was seen.
	Notes []string `json:"notes,omitempty"`
	// Error is the state that was not reached, or "".
	Error string `json:"error,omitempty"`
}

// Round is one fault or move and what it cost.
type Round struct {
	Kind string `json:"kind"`
	From string `json:"from"`
	To   string `json:"to"`
	// DC tells whether the node hit was the DC.
	DC bool `json:"dc"`
	// OutageMS is the longest silence for the client, from answer to answer.
	OutageMS float64 `json:"outage_ms"`
	// DoubleMS is for how long two nodes held the address by the samples of all
	// nodes, WireMS by the answers on the wire.
	DoubleMS float64 `json:"double_ms"`
	WireMS   float64 `json:"wire_double_ms"`
	// WholeMS is the time from the mended cable to the whole view with quorum
	// on every node; 0 where no cable was cut.
	WholeMS float64 `json:"whole_ms,omitempty"`
	// Phases are the moments of a fail-over, in milliseconds since the fault.
	Phases map[string]float64 `json:"phases_ms,omitempty"`
	// Remark is what was wrong, or "".
	Remark string `json:"remark,omitempty"`
}

// Report is the outcome of a campaign.
type Report struct {
	Version string    `json:"version"`
	Seed    uint64    `json:"seed"`
	Started time.Time `json:"started"`
	CPUs    int       `json:"cpus"`
	// Load is the load average of the computer at the start.
	Load  string  `json:"load"`
	Parts []*Part `json:"parts"`
}

// OK reports whether every part ran to its end and kept its limits.
func (r *Report) OK() bool {
	return !slices.ContainsFunc(r.Parts, func(p *Part) bool { return !p.OK() })
}

// OK reports whether the part ran to its end and kept its limits.
func (p *Part) OK() bool {
	return p.Error == "" && !slices.ContainsFunc(p.Figures, func(f Figure) bool { return !f.OK() })
}

// JSON writes the report as a document.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// text prints the figures of a part.
func (p *Part) text(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s (%.0f s)\n", p.Name, p.Setting, p.Seconds)
	for _, f := range p.Figures {
		limit := ""
		if f.Limit != nil {
			sign, verdict := "<", "ok"
			if f.Inclusive {
				sign = "<="
			}
			if !f.OK() {
				verdict = "MISSED"
			}
			limit = fmt.Sprintf("%2s %g  %s", sign, *f.Limit, verdict)
		}
		fmt.Fprintf(w, "  %-58s %10s %-9s %s\n", f.Name, number(f.Value), f.Unit, limit)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(w, "  %s\n", n)
	}
	if p.Error != "" {
		fmt.Fprintf(w, "  FAILED: %s\n", p.Error)
	}
}

func number(v float64) string {
	if v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// add appends a figure without a limit.
func (p *Part) add(name string, v float64, unit string) {
	p.Figures = append(p.Figures, Figure{Name: name, Value: v, Unit: unit})
}

// below appends a figure that must be below the limit.
func (p *Part) below(name string, v float64, unit string, limit float64) {
	p.Figures = append(p.Figures, Figure{Name: name, Value: v, Unit: unit, Limit: &limit})
}

// zero appends a figure that must be zero.
func (p *Part) zero(name string, v float64, unit string) {
	none := 0.0
	p.Figures = append(p.Figures, Figure{Name: name, Value: v, Unit: unit, Limit: &none, Inclusive: true})
}

func (p *Part) note(format string, a ...any) { p.Notes = append(p.Notes, fmt.Sprintf(format, a...)) }

// distribution of a set of values; the percentiles are values that occurred
// (nearest rank).
type distribution struct {
	n                int
	median, p95, max float64
}

func distributionOf(values []float64) distribution {
	d := distribution{n: len(values)}
	if d.n == 0 {
		return d
	}
	s := slices.Sorted(slices.Values(values))
	rank := func(q float64) float64 { return s[max(0, int(math.Ceil(q*float64(d.n)))-1)] }
	d.median, d.p95, d.max = rank(0.5), rank(0.95), s[d.n-1]
	return d
}

// ms is a duration in milliseconds with one decimal.
func ms(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*10) / 10
}
