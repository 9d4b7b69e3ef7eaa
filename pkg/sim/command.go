package sim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/cli"
)

// flags are those of the command.
type flags struct {
	nodes               int
	seed                uint64
	seeded              bool // --seed was given
	faults              string
	hours               float64
	cib, scenario       string
	verify              string
	trace               bool
	every               time.Duration
	keepalive, deadtime time.Duration
	plant               string
	noShrink            bool
	dump                bool
	campaign            string
	cpu                 time.Duration
	hunt                string
}

// NewCommand returns "quorate sim".
func NewCommand(env *cli.Env) *cobra.Command {
	f := new(flags)
	c := &cobra.Command{
		Use:   "sim",
		Short: "simulate a whole cluster in virtual time, with faults",
		Long: `sim runs a whole cluster in virtual time: the code of the daemon on a modelled
network, disks, clocks and agents. Years of faults take minutes, and the same
seed gives the same run. Invariants are checked all along; on a violation the
run is shrunk, told as a story, and the exit code is 1.

  quorate sim                             10 hours of faults on three nodes
  quorate sim --nodes 5 --seed 7 --hours 100
  quorate sim --cib cib.xml               your configuration
  quorate sim --scenario cable-cut.txt    your story; docs/simulator.md has ten

Kinds of faults for --faults: ` + strings.Join(FaultNames(), ", ") + ".",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var given []string
			cmd.Flags().Visit(func(fl *pflag.Flag) { given = append(given, fl.Name) })
			if err := f.usable(given); err != nil {
				return &cli.Exit{Code: cli.ExitUsage, Err: err}
			}
			f.seeded = slices.Contains(given, "seed")
			return f.run(env)
		},
	}
	fl := c.Flags()
	fl.IntVar(&f.nodes, "nodes", 3, "number of nodes (where the CIB names none)")
	fl.Uint64Var(&f.seed, "seed", 1, "first seed; each simulated hour has a seed of its own, in a campaign each for every number of nodes")
	fl.StringVar(&f.faults, "faults", "all", "kinds of faults, separated by commas, or none")
	fl.Float64Var(&f.hours, "hours", 10, "simulated hours")
	fl.DurationVar(&f.every, "every", 30*time.Second, "mean time between two faults")
	fl.DurationVar(&f.keepalive, "keepalive", defaultKeepalive, "keepalive of ha.cf")
	fl.DurationVar(&f.deadtime, "deadtime", defaultDeadtime, "deadtime of ha.cf")
	fl.StringVar(&f.cib, "cib", "", "file of the configuration, in either dialect")
	fl.StringVar(&f.scenario, "scenario", "", "file of a scenario, in place of random faults")
	fl.StringVar(&f.verify, "verify", "", "all: also encode and decode every message and write")
	fl.BoolVar(&f.trace, "trace", false, "print every event")
	fl.BoolVar(&f.dump, "print-scenario", false, "print the scenario of the first seed and end")
	fl.BoolVar(&f.noShrink, "no-shrink", false, "do not shrink a run that violates")
	fl.StringVar(&f.campaign, "campaign", "", "file that holds the state of a long campaign over 2, 3, 5 and 16 nodes; continues it")
	fl.DurationVar(&f.cpu, "cpu", 10*time.Minute, "processor time for --campaign, and for each plant of --hunt")
	fl.StringVar(&f.hunt, "hunt", "", "see that planted mistakes (names of --plant, or all) are found and shrink; prints a table")
	fl.StringVar(&f.plant, "plant", "", "leave rules out, to see that it is noticed: "+strings.Join(PlantNames(), ", "))
	return c
}

// usable refuses flags that would be ignored: which of them say something depends
// on what is run. given are the flags on the command line.
func (f *flags) usable(given []string) error {
	mode, takes := "", "nodes seed faults hours every keepalive deadtime cib verify trace print-scenario no-shrink plant"
	switch {
	case f.hunt != "":
		mode, takes = "hunt", "hunt seed cpu trace"
	case f.campaign != "":
		mode, takes = "campaign", "campaign seed cpu verify no-shrink"
	case f.scenario != "":
		mode, takes = "scenario", "scenario seed verify trace print-scenario no-shrink plant"
	}
	own := strings.Fields(takes)
	for _, n := range given {
		switch {
		case n == "help" || slices.Contains(own, n):
		case mode == "" && n == "cpu":
			return errors.New("--cpu bounds --campaign and --hunt; random runs have --hours")
		case mode != "":
			return fmt.Errorf("--%s says nothing about --%s: leave it out; it takes --%s", n, mode, strings.Join(own[1:], ", --"))
		}
	}
	return nil
}

// errViolated makes the exit code; everything was said before.
var errViolated = &cli.Exit{Code: cli.ExitError}

func (f *flags) run(env *cli.Env) error {
	if os.Getenv("GOGC") == "" {
		// A run leaves much behind and keeps little: collecting it later takes a
		// third less time.
		debug.SetGCPercent(1000)
	}
	o := Options{}
	var err error
	if o.Plant, err = ParsePlant(f.plant); err != nil {
		return &cli.Exit{Code: cli.ExitUsage, Err: err}
	}
	switch f.verify {
	case "", "all":
		o.Verify = f.verify == "all" || os.Getenv("QUORATE_VERIFY") == "all"
	default:
		return cli.Exitf(cli.ExitUsage, "--verify knows only \"all\", not %q", f.verify)
	}
	if f.trace {
		o.Trace = func(l string) { fmt.Fprintln(env.Stdout, l) }
	}
	if f.hunt != "" {
		return f.runHunt(env)
	}
	if f.campaign != "" {
		return f.runCampaign(env, o)
	}
	if f.scenario != "" {
		return f.runScenario(env, o)
	}
	return f.runRandom(env, o)
}

func (f *flags) runScenario(env *cli.Env, o Options) error {
	sc, err := Load(f.scenario)
	if err != nil {
		return &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	if f.dump {
		fmt.Fprint(env.Stdout, sc)
		return nil
	}
	o.Seed = f.seed
	if !f.trace {
		o.Tell = func(l string) { fmt.Fprintln(env.Stdout, l) }
	}
	r, err := Run(sc, o)
	if err != nil {
		return &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	fmt.Fprint(env.Stdout, "\n", r.Summary())
	if r.Violation == nil {
		return nil
	}
	fmt.Fprintf(env.Stdout, "\n%v\nreplay: quorate sim --scenario %s --seed %d\n", r.Violation, f.scenario, f.seed)
	if r.Violation.Rule != "expect" && !f.noShrink {
		f.shrink(env, sc, o)
	}
	return errViolated
}

// plan is what the flags ask for.
func (f *flags) plan() (Plan, error) {
	p := Plan{Nodes: f.nodes, Keepalive: f.keepalive, Deadtime: f.deadtime, Every: f.every}
	if f.nodes < 1 || f.nodes > 64 {
		return p, fmt.Errorf("--nodes %d: a cluster has 1 to 64 nodes", f.nodes)
	}
	if f.every <= 0 || f.hours <= 0 {
		return p, errors.New("--every and --hours must be more than 0")
	}
	switch f.faults {
	case "all":
	case "none":
		p.Every = 1 << 60
	default:
		p.Faults = strings.FieldsFunc(f.faults, func(r rune) bool { return r == ',' || r == ' ' })
	}
	if f.cib == "" {
		return p, nil
	}
	b, err := os.ReadFile(f.cib)
	if err != nil {
		return p, err
	}
	root, err := ReadCIB(b, f.cib)
	if err != nil {
		return p, err
	}
	p.CIB = func(sc *Scenario) { sc.SetCIB(root, f.cib) }
	return p, nil
}

func (f *flags) runRandom(env *cli.Env, o Options) error {
	p, err := f.plan()
	if err != nil {
		return &cli.Exit{Code: cli.ExitUsage, Err: err}
	}
	bar := newBar(env.Stderr)
	sum := new(Result)
	total := time.Duration(f.hours * float64(time.Hour))
	for seed, left := f.seed, total; left > 0; seed, left = seed+1, left-runLength {
		length := min(left, runLength)
		sc, err := p.Scenario(seed, length)
		if err != nil {
			return &cli.Exit{Code: cli.ExitUsage, Err: err}
		}
		if f.dump {
			fmt.Fprint(env.Stdout, sc)
			return nil
		}
		o.Seed = seed
		done := total - left
		o.Progress = func(at, end time.Duration) {
			bar.show(float64(done)/float64(total)+float64(length)/float64(total)*float64(at)/float64(max(end, at, 1)), sum)
		}
		r, err := Run(sc, o)
		if err != nil {
			return &cli.Exit{Code: cli.ExitDataErr, Err: err}
		}
		sum.Add(r)
		if r.Violation != nil {
			bar.clear()
			fmt.Fprintf(env.Stdout, "%v\nreplay: %s\n\n", r.Violation, f.replay(seed, length))
			if !f.noShrink {
				f.shrink(env, sc, o)
			}
			break
		}
	}
	bar.clear()
	fmt.Fprint(env.Stdout, sum.Summary())
	if sum.Violation != nil {
		return errViolated
	}
	return nil
}

// replay is the command that gives this run again.
func (f *flags) replay(seed uint64, length time.Duration) string {
	s := fmt.Sprintf("quorate sim --nodes %d --seed %d --hours %g --every %s --keepalive %s --deadtime %s", f.nodes, seed, length.Hours(), f.every, f.keepalive, f.deadtime)
	if f.faults != "all" {
		s += " --faults " + f.faults
	}
	if f.cib != "" {
		s += " --cib " + f.cib
	}
	if f.plant != "" {
		s += " --plant " + f.plant
	}
	return s
}

// shrink makes the run that violates small, and tells it.
func (f *flags) shrink(env *cli.Env, sc *Scenario, o Options) {
	begun := time.Now()
	small, v := Shrink(sc, o, func() bool { return time.Since(begun) > 2*time.Minute })
	if v == nil {
		return
	}
	fmt.Fprintf(env.Stdout, "shrunk from %d to %d steps. The story:\n\n%s\n", len(sc.Steps), len(small.Steps), Story(small, o))
	name := fmt.Sprintf("violation-%d.txt", o.Seed)
	if err := os.WriteFile(name, []byte(small.String()), 0o644); err != nil {
		fmt.Fprintf(env.Stdout, "the scenario (%v):\n\n%s\n", err, small)
		return
	}
	plant := ""
	if f.plant != "" {
		plant = " --plant " + f.plant
	}
	fmt.Fprintf(env.Stdout, "replay: quorate sim --scenario %s --seed %d%s\n\n", name, o.Seed, plant)
}

// Story tells a run: what was done to the cluster, its views, leases and
// resources, and how it ended.
func Story(sc *Scenario, o Options) string {
	var b strings.Builder
	o.Trace, o.Progress = nil, nil
	o.Tell = func(l string) { fmt.Fprintln(&b, l) }
	if _, err := Run(sc, o); err != nil {
		return err.Error()
	}
	return b.String()
}

// bar is a line of progress on a terminal.
type bar struct {
	w     io.Writer
	shown time.Time
}

func newBar(w io.Writer) *bar {
	if file, ok := w.(*os.File); ok {
		if _, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS); err == nil {
			return &bar{w: w}
		}
	}
	return &bar{}
}

func (b *bar) show(part float64, sum *Result) {
	if b.w == nil || time.Since(b.shown) < 200*time.Millisecond {
		return
	}
	b.shown = time.Now()
	const width = 40
	n := int(min(max(part, 0), 1) * width)
	fmt.Fprintf(b.w, "\r[%s%s] %3.0f %%", strings.Repeat("#", n), strings.Repeat(".", width-n), 100*part)
	if sum != nil {
		fmt.Fprintf(b.w, "  %.1f h, %d faults, %d views, %d failovers ", sum.Time.Hours(), sum.Faults, sum.Views, sum.Failovers)
	}
}

func (b *bar) clear() {
	if b.w != nil {
		fmt.Fprintf(b.w, "\r%s\r", strings.Repeat(" ", 110))
	}
}
