package campaign

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Options say what is measured and how often.
type Options struct {
	// Binary is the program under test.
	Binary string
	// Parts are names of [Parts]; empty means all.
	Parts []string
	// Seed decides when faults come; 0 draws one.
	Seed uint64
	// Crashes and Cuts are the numbers of faults of the part failover, Rounds
	// that of standby.
	Crashes, Cuts, Rounds int
	// Faults is how often each fault of the part processes comes; Classic adds
	// those at a deadtime of ten seconds.
	Faults  int
	Classic bool
	// Steady is how long steady watches, Calm how long steady-fast and flood
	// do, Idle how long idle does and Hold how long nodes32 holds its view.
	Steady, Calm, Flood, Idle, Hold time.Duration
	// Edits is how long each number of clients of edits writes, Commands how many
	// whole commands it times, Kills how many daemons kills ends.
	Edits time.Duration
	// LargeEdits is how many changes large-cib makes of a configuration of LargeSize
	// bytes, LargePace the time between two.
	LargeEdits, LargeSize int
	LargePace             time.Duration
	Commands, Kills       int
	// Addresses and Dummies are the numbers of resources of the parts of these
	// names, Watch how long dummies counts monitors.
	Addresses, Dummies int
	Watch              time.Duration
	// Nodes is the size of the large cluster of nodes32, Keepalive and Deadtime
	// its timers as ha.cf has them, and Deaths how many nodes die one after
	// another in it; twice as many do in the small one.
	Nodes               int
	Keepalive, Deadtime string
	Deaths              int
	// Rate is the number of bad packets a second of flood.
	Rate int
	// TempDir is where the labs lie; empty means the system's.
	TempDir string
	// Keep leaves the logs of the nodes behind although all went well.
	Keep bool
	// Out takes the text.
	Out io.Writer
}

// Default are the numbers of the full campaign.
func Default() Options {
	return Options{Crashes: 30, Cuts: 30, Rounds: 20, Faults: 5, Classic: true, Steady: 30 * time.Minute, Calm: 30 * time.Minute, Flood: time.Minute,
		Idle: time.Minute, Hold: time.Minute, Nodes: 32, Keepalive: "1", Deadtime: "5", Deaths: 4, Rate: 100_000, Edits: 10 * time.Second, Commands: 100, Kills: 500, LargeEdits: 100, LargeSize: 5 << 20, LargePace: 400 * time.Millisecond, Addresses: 300, Dummies: 2000, Watch: time.Minute, Out: io.Discard}
}

// Short are numbers that find a broken thing in about a minute and a half.
func Short() Options {
	o := Default()
	o.Crashes, o.Cuts, o.Rounds, o.Faults, o.Classic = 4, 4, 3, 1, false
	o.Steady, o.Calm, o.Flood, o.Idle, o.Hold = time.Minute, 5*time.Second, 5*time.Second, 4*time.Second, 3*time.Second
	o.Nodes, o.Keepalive, o.Deadtime, o.Deaths, o.Rate = 8, "200ms", "1", 1, 20_000
	o.LargeEdits = 10
	o.Edits, o.Commands, o.Kills = time.Second, 10, 30
	o.Addresses, o.Dummies, o.Watch = 100, 150, 20*time.Second
	return o
}

// campaign is a run: the options and the source of chance.
type campaign struct {
	Options
	rnd *rand.Rand
}

// part is a measurement: it fills p in.
type part struct {
	name, about string
	run         func(c *campaign, ctx context.Context, p *Part) error
}

var parts = []part{
	{"failover", "crashes and cuts of the owner at 75 ms / 300 ms", (*campaign).failover},
	{"standby", "planned moves by crm_standby", (*campaign).standby},
	{"processes", "the daemon, the guard or both are killed or stopped", (*campaign).processes},
	{"seed", "crashes and cuts at the classic timers 3 s / 10 s", (*campaign).seed},
	{"steady", "load on all processors and 2 % loss at 200 ms / 1 s", (*campaign).steady},
	{"steady-fast", "nothing happens at 75 ms / 300 ms", (*campaign).steadyFast},
	{"flood", "bad packets at 75 ms / 300 ms", (*campaign).flood},
	{"nodes32", "one view of 32 nodes, and the death of one", (*campaign).large},
	{"edits", "how fast changes are durable on a quorum", (*campaign).edits},
	{"large-cib", "what a small change of a CIB of 5 MB costs", (*campaign).largeCIB},
	{"kills", "SIGKILL of daemons while clients write", (*campaign).kills},
	{"addresses", "how fast hundreds of addresses move from node to node", (*campaign).addresses},
	{"dummies", "thousands of resources with monitors on three nodes", (*campaign).dummies},
	{"idle", "what an idle cluster of three costs", (*campaign).idle},
}

// Parts returns the names of all parts with what they measure.
func Parts() (out []string) {
	for _, p := range parts {
		out = append(out, fmt.Sprintf("%-12s %s", p.name, p.about))
	}
	return out
}

// Run measures. The report is never nil; the error says that nothing could be
// measured. A limit that was missed is no error: ask the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	for o.Seed == 0 {
		o.Seed = uint64(rand.Uint32()) // short enough to be typed, and exact in any reader of JSON
	}
	what, err := exec.Command(o.Binary, "--version").Output()
	if err != nil {
		return &Report{Seed: o.Seed}, fmt.Errorf("the program under test, %s --version: %w", o.Binary, err)
	}
	r := &Report{Version: strings.TrimSpace(string(what)), Seed: o.Seed, Started: time.Now().UTC(), CPUs: runtime.NumCPU(), Load: load()}
	for _, name := range o.Parts {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return r, fmt.Errorf("there is no part %q; the parts are:\n  %s", name, strings.Join(Parts(), "\n  "))
		}
	}
	fmt.Fprintf(o.Out, "campaign: %s, seed %d, %d processors, load average %s\n", r.Version, r.Seed, r.CPUs, r.Load)
	for _, p := range parts {
		if len(o.Parts) > 0 && !slices.Contains(o.Parts, p.name) {
			continue
		}
		// Each part has chance of its own: one alone repeats as in the whole.
		seed := [2]uint64{o.Seed, 0}
		for _, b := range []byte(p.name) {
			seed[1] = seed[1]*131 + uint64(b)
		}
		c := &campaign{Options: o, rnd: rand.New(rand.NewPCG(seed[0], seed[1]))}
		out := &Part{Name: p.name, Setting: p.about, Figures: []Figure{}}
		begun := time.Now()
		if err := p.run(c, ctx, out); err != nil {
			out.Error = err.Error()
		}
		out.Seconds = time.Since(begun).Seconds()
		r.Parts = append(r.Parts, out)
		out.text(o.Out)
		if ctx.Err() != nil {
			return r, fmt.Errorf("the campaign was interrupted: %w", context.Cause(ctx))
		}
	}
	return r, nil
}

func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	f := strings.Fields(string(b))
	if len(f) < 3 {
		return "unknown"
	}
	return strings.Join(f[:3], " ")
}
