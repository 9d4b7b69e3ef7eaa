package sim

import (
	"fmt"
	"time"
)

// Hunted is what came of hunting for one planted mistake.
type Hunted struct {
	Plant string
	// Runs is how many runs it took, CPU the processor time, and Seed that of the
	// run that violated; 0: none did.
	Runs int
	CPU  time.Duration
	Seed uint64
	// Violation is the one found, in From, which has shrunk to Small, in ShrinkCPU
	// of processor time.
	Violation *Violation
	From      *Scenario
	Small     *Scenario
	ShrinkCPU time.Duration
	// Innocent is a violation that is there without the plant, too: a mistake of the
	// product or of the model. It ends the hunt.
	Innocent *Violation
}

// Hunt plays the runs of [Swarm] with a planted mistake until one violates, for at
// most so much processor time, of which cpu tells how much was used so far; then
// the run is shrunk, for at most as much again. That the plant is the cause is
// checked: the same run without it must be clean.
func Hunt(name string, first uint64, bound, shrinkFor time.Duration, cpu func() time.Duration) (*Hunted, error) {
	p, err := ParsePlant(name)
	if err != nil {
		return nil, err
	}
	h := &Hunted{Plant: name}
	begun := cpu()
	for seed := first; cpu()-begun < bound; seed++ {
		sc, err := Swarm(seed)
		if err != nil {
			return nil, err
		}
		r, err := Run(sc, Options{Seed: seed, Plant: p})
		if err != nil {
			return nil, err
		}
		h.Runs++
		if r.Violation == nil {
			continue
		}
		clean, err := Run(sc, Options{Seed: seed})
		if err != nil {
			return nil, err
		}
		h.Seed, h.From, h.Violation, h.Innocent, h.CPU = seed, sc, r.Violation, clean.Violation, cpu()-begun
		if h.Innocent != nil || shrinkFor <= 0 {
			return h, nil
		}
		begun = cpu()
		h.Small, h.Violation = Shrink(sc, Options{Seed: seed, Plant: p}, func() bool { return cpu()-begun > shrinkFor })
		h.ShrinkCPU = cpu() - begun
		return h, nil
	}
	h.CPU = cpu() - begun
	return h, nil
}

// huntHeader and String make a table.
var huntHeader = fmt.Sprintf("%-15s %6s %9s  %-7s %6s %7s %9s", "plant", "runs", "CPU", "found", "steps", "shrunk", "CPU")

// String is a line of a table of hunts.
func (h *Hunted) String() string {
	cpu := func(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
	switch {
	case h.Seed == 0:
		return fmt.Sprintf("%-15s %6d %9s  not found", h.Plant, h.Runs, cpu(h.CPU))
	case h.Innocent != nil:
		return fmt.Sprintf("%-15s %6d %9s  seed %d violates without it: %v", h.Plant, h.Runs, cpu(h.CPU), h.Seed, h.Innocent)
	case h.Small == nil:
		return fmt.Sprintf("%-15s %6d %9s  %-7s %6d", h.Plant, h.Runs, cpu(h.CPU), h.Violation.Rule, len(h.From.Steps))
	}
	return fmt.Sprintf("%-15s %6d %9s  %-7s %6d %7d %9s", h.Plant, h.Runs, cpu(h.CPU), h.Violation.Rule, len(h.From.Steps), len(h.Small.Steps), cpu(h.ShrinkCPU))
}
