package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/quorate/quorate/pkg/cli"
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

// Hunt plays the runs of [HuntScenario] with a planted mistake until one violates, for at
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
		sc, err := HuntScenario(seed)
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

// fewSteps is to fewer than how many steps a run that violates has to shrink.
const fewSteps = 15

// runHunt hunts for the planted mistakes that are named and prints a table.
func (f *flags) runHunt(env *cli.Env) error {
	names := PlantNames()
	if f.hunt != "all" {
		names = strings.FieldsFunc(f.hunt, func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, n := range names {
		if _, err := ParsePlant(n); err != nil {
			return &cli.Exit{Code: cli.ExitUsage, Err: err}
		}
	}
	fmt.Fprintln(env.Stdout, huntHeader)
	bad := 0
	for _, n := range names {
		h, err := Hunt(n, f.seed, f.cpu, min(f.cpu, time.Minute), processorTime)
		if err != nil {
			return err
		}
		fmt.Fprintln(env.Stdout, h)
		if h.Small == nil || len(h.Small.Steps) >= fewSteps {
			bad++
		}
		if f.trace && h.Small != nil {
			p, _ := ParsePlant(n)
			fmt.Fprintf(env.Stdout, "\n%s\n%s\n", h.Small, Story(h.Small, Options{Plant: p}))
		}
	}
	if bad > 0 {
		fmt.Fprintf(env.Stdout, "%d of %d were not found, or did not shrink to fewer than %d steps\n", bad, len(names), fewSteps)
		return errViolated
	}
	return nil
}
