package sim

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/cli"
)

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// runCampaign begins or continues a campaign and prints its table.
func (f *flags) runCampaign(env *cli.Env, o Options) error {
	c, err := LoadCampaign(f.campaign)
	if err != nil {
		return &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	if f.seeded {
		if err := c.Begin(f.seed); err != nil {
			return &cli.Exit{Code: cli.ExitUsage, Err: fmt.Errorf("--campaign %s: %w", f.campaign, err)}
		}
	}
	bar := newBar(env.Stderr)
	for end := processorTime() + f.cpu; processorTime() < end; {
		nodes, seed, r, err := c.Step(o, processorTime)
		if err != nil {
			return err
		}
		if err := c.Save(f.campaign); err != nil {
			return &cli.Exit{Code: cli.ExitCantCreate, Err: err}
		}
		bar.show(1-float64(end-processorTime())/float64(f.cpu), nil)
		if r.Violation != nil {
			bar.clear()
			p := CampaignPlan(nodes)
			fmt.Fprintf(env.Stdout, "%v\nreplay: quorate sim --nodes %d --seed %d --hours 1 --every %s --keepalive %s --deadtime %s\n\n",
				r.Violation, nodes, seed, p.Every, p.Keepalive, p.Deadtime)
			sc, err := p.Scenario(seed, runLength)
			if err == nil && !f.noShrink {
				o.Seed = seed
				f.shrink(env, sc, o)
			}
			fmt.Fprint(env.Stdout, c.Report())
			return errViolated
		}
	}
	bar.clear()
	fmt.Fprint(env.Stdout, c.Report())
	return nil
}
