package daemon

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/hacf"
)

// NewTimingCommand returns "quorate timing".
func NewTimingCommand(env *cli.Env) *cobra.Command {
	var keepalive, deadtime time.Duration
	var watchdog bool
	dir := DefaultConfigDir
	c := &cobra.Command{
		Use:   "timing [--keepalive TIME --deadtime TIME [--watchdog]]",
		Short: "the time budget that keepalive and deadtime leave",
		Long: `timing prints the periods that follow from keepalive and deadtime, of ha.cf or as
given: how long a right to run lasts, how much of deadtime is left to stop
resources, and when another node takes over. Values that cannot work are refused.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var t agree.Timing
			var err error
			if cmd.Flags().Changed("deadtime") || cmd.Flags().Changed("keepalive") {
				t, err = agree.NewTiming(agree.TimingOptions{Keepalive: keepalive, Deadtime: deadtime, Watchdog: watchdog})
			} else {
				t, err = timingOf(dir)
			}
			if err != nil {
				return &cli.Exit{Code: cli.ExitConfig, Err: err}
			}
			return printTiming(env.Stdout, t)
		},
	}
	f := c.Flags()
	f.DurationVar(&keepalive, "keepalive", hacf.DefaultKeepalive, "interval of heartbeats")
	f.DurationVar(&deadtime, "deadtime", hacf.DefaultDeadtime, "silence after which a node is dead")
	f.BoolVar(&watchdog, "watchdog", false, "with a watchdog")
	f.StringVar(&dir, "config-dir", dir, "directory of ha.cf")
	return c
}

// timingOf reads the timers of an ha.cf; which node reads it does not matter.
func timingOf(dir string) (agree.Timing, error) {
	file := filepath.Join(dir, "ha.cf")
	f, err := os.Open(file)
	if err != nil {
		return agree.Timing{}, hacf.OpenError("config", file, hacf.Sample, err)
	}
	defer f.Close()
	conf, _, err := hacf.Parse(f, file)
	if err != nil {
		return agree.Timing{}, err
	}
	return newTiming(conf)
}

// printTiming prints the budget as a table and in words.
func printTiming(w io.Writer, t agree.Timing) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name, sign string, d time.Duration, what string) {
		fmt.Fprintf(tw, "%s\t%s\t%v\t%s\n", name, sign, d, what)
	}
	row("keepalive", "", t.Keepalive, "as configured")
	row("deadtime", "", t.Deadtime, "as configured: silence after which a node is dead")
	row("beat", "k", t.Beat, "between two beats")
	row("echo age", "a", t.EchoAge, "how late an echo may be")
	row("lease", "L", t.Lease, "right to run, from the send time of the newest beat that a quorum has echoed")
	row("stop bound", "S", t.StopBound, "from the end of the lease until everything is released")
	if t.Watchdog > 0 {
		row("watchdog", "W", t.Watchdog, "from its last pet until it fires")
	}
	row("takeover", "T", t.Takeover, "from its last echo until another node takes over")
	row("drift", "", t.Drift(), fmt.Sprintf("of it for clocks that differ in their rates by %g %%", agree.MaxDrift*100))
	row("left", "", t.Slack(), "T - (L + S)(1 + drift): for timers that fire late")
	row("lifetime", "", time.Duration(addressLifetime(t, 0))*time.Second, "of an address in the kernel, should daemon and guard both be gone")
	if err := tw.Flush(); err != nil {
		return err
	}
	if over := lifetimeOver(t); over > 0 {
		fmt.Fprintf(w, "An address may outlast the takeover by up to %v if daemon and guard are both gone: the kernel counts in whole seconds.\n", over)
	}
	if s := t.Warning(); s != "" {
		fmt.Fprintln(w, "Warning:", s)
	}
	return nil
}

// lifetimeOver is by how much an address may outlast the takeover when daemon
// and guard are gone, 0: not at all.
func lifetimeOver(t agree.Timing) time.Duration {
	return max(0, time.Duration(addressLifetime(t, 0))*time.Second+kernelSlack+t.EchoAge-t.Takeover)
}
