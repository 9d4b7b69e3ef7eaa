package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Plan is a series of random runs: one simulated hour a seed.
type Plan struct {
	Nodes               int
	Keepalive, Deadtime time.Duration
	// Every is the mean time between two faults.
	Every time.Duration
	// Faults names their kinds; nil means all.
	Faults []string
	// CIB, if set, makes the configuration.
	CIB func(*Scenario)
}

// Length of one random run.
const runLength = time.Hour

// Scenario makes the run of one seed.
func (p Plan) Scenario(seed uint64, length time.Duration) (*Scenario, error) {
	sc := NewScenario(p.Nodes, length)
	if p.Keepalive > 0 {
		sc.Keepalive = p.Keepalive
	}
	if p.Deadtime > 0 {
		sc.Deadtime = p.Deadtime
	}
	if p.CIB != nil {
		p.CIB(sc)
	}
	if p.CIB == nil {
		Vary(sc, seed)
	}
	return sc, Generate(sc, seed, p.Every, p.Faults)
}

// campaignSizes are the clusters of a campaign, and campaignShare their parts of
// the processor time: a run of 16 nodes takes as much as forty of 2.
var (
	campaignSizes = []int{2, 3, 5, 16}
	campaignShare = map[int]float64{2: 4, 3: 4, 5: 2, 16: 1}
)

// Campaign is a long series of random runs over several sizes of clusters, which
// can be interrupted and continued: what has been run is kept by ranges of seeds.
type Campaign struct {
	// Sizes has the totals by number of nodes.
	Sizes map[int]*CampaignTotal `json:"sizes"`
}

// CampaignTotal is what has been run for one size.
type CampaignTotal struct {
	// First to Last are the seeds that have been run; Last is 0 before the first
	// run, and files that do not name the first began with 1.
	First uint64 `json:"first_seed"`
	Last  uint64 `json:"seeds"`
	// Hours are simulated, CPU are seconds.
	Hours     float64 `json:"hours"`
	CPU       float64 `json:"cpu_seconds"`
	Faults    int     `json:"faults"`
	Views     int     `json:"views"`
	Changes   int     `json:"changes"`
	Failovers int     `json:"failovers"`
	// Worst is the longest outage of a resource, Settled the longest recovery
	// after the last fault, in seconds.
	Worst   float64 `json:"worst_outage_seconds"`
	Settled float64 `json:"worst_recovery_seconds"`
	// Double is for how long a pair had two owners in full cuts, in seconds.
	Double float64 `json:"double_seconds"`
	// NeedsAdmin counts runs that ended without a quorum of stores.
	NeedsAdmin int `json:"needs_admin"`
	// Violations are the seeds that violated.
	Violations []uint64 `json:"violations"`
}

// LoadCampaign reads the state of a campaign; a file that is not there begins one.
func LoadCampaign(file string) (*Campaign, error) {
	c := &Campaign{Sizes: map[int]*CampaignTotal{}}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || file == "" {
		return c, nil
	}
	if err == nil {
		err = json.Unmarshal(b, c)
	}
	if err != nil {
		return nil, fmt.Errorf("state of the campaign %s: %w; move it away to begin anew", file, err)
	}
	return c, nil
}

// Save writes the state.
func (c *Campaign) Save(file string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// Begin makes a campaign that has run nothing begin with a seed, for every size.
// One that has run seeds already goes on with its own range: another first seed is
// an error.
func (c *Campaign) Begin(seed uint64) error {
	if seed == 0 {
		return errors.New("its seeds begin with 1 or more, not 0")
	}
	for _, n := range campaignSizes {
		if t := c.Sizes[n]; t != nil && t.Last != 0 && t.first() != seed {
			return fmt.Errorf("has run the seeds %d to %d of %d nodes: a range from %d on needs a file of its own", t.first(), t.Last, n, seed)
		}
	}
	for _, n := range campaignSizes {
		c.size(n).First = seed
	}
	return nil
}

// first is the first seed of the range.
func (t *CampaignTotal) first() uint64 { return max(t.First, 1) }

// seeds is the range that was run, as text.
func (t *CampaignTotal) seeds() string {
	if t.Last == 0 {
		return "none"
	}
	return fmt.Sprintf("%d-%d", t.first(), t.Last)
}

// size is the total of a size.
func (c *Campaign) size(n int) *CampaignTotal {
	if c.Sizes[n] == nil {
		c.Sizes[n] = &CampaignTotal{First: 1}
	}
	return c.Sizes[n]
}

// next is the size that has had the least of its share of processor time.
func (c *Campaign) next() int {
	best := 0
	for _, n := range campaignSizes {
		if best == 0 || c.size(n).CPU/campaignShare[n] < c.size(best).CPU/campaignShare[best] {
			best = n
		}
	}
	return best
}

// CampaignPlan is the plan of a campaign's runs: a fault every 30 seconds,
// keepalive 10 s.
func CampaignPlan(nodes int) Plan {
	return Plan{Nodes: nodes, Keepalive: 10 * time.Second, Deadtime: 50 * time.Second, Every: 30 * time.Second}
}

// Step runs the next seed; cpu tells the processor time used so far. The seed of
// the options is set here.
func (c *Campaign) Step(o Options, cpu func() time.Duration) (nodes int, seed uint64, r *Result, err error) {
	nodes = c.next()
	t := c.Sizes[nodes]
	if seed = t.Last + 1; t.Last == 0 {
		seed = t.first()
	}
	sc, err := CampaignPlan(nodes).Scenario(seed, runLength)
	if err != nil {
		return nodes, seed, nil, err
	}
	begun := cpu()
	o.Seed = seed
	if r, err = Run(sc, o); err != nil {
		return nodes, seed, nil, err
	}
	t.First, t.Last = t.first(), seed
	t.CPU += (cpu() - begun).Seconds()
	t.Hours += r.Time.Hours()
	t.Faults += r.Faults
	t.Views += r.Views
	t.Changes += r.Changes
	t.Failovers += r.Failovers
	t.NeedsAdmin += r.NeedsAdmin
	t.Double += r.Double.Seconds()
	_, worst := middle(r.Outages)
	t.Worst = max(t.Worst, worst.Seconds())
	_, settled := middle(r.Settled)
	t.Settled = max(t.Settled, settled.Seconds())
	if r.Violation != nil {
		t.Violations = append(t.Violations, seed)
	}
	return nodes, seed, r, nil
}

// Report is a table of what has been run.
func (c *Campaign) Report() string {
	s := fmt.Sprintf("%5s %17s %9s %9s %9s %9s %10s %10s %8s %s\n", "nodes", "seeds", "hours", "faults", "views", "failovers", "recovery", "CPU", "h/CPU-h", "violations")
	var sum CampaignTotal
	for _, n := range campaignSizes {
		t := c.Sizes[n]
		if t == nil {
			continue
		}
		s += fmt.Sprintf("%5d %17s %9.0f %9d %9d %9d %9.0fs %9.1fs %8.0f %v\n", n, t.seeds(), t.Hours, t.Faults, t.Views, t.Failovers, t.Settled, t.CPU, t.Hours/max(t.CPU/3600, 1e-9), t.Violations)
		sum.Hours += t.Hours
		sum.Faults += t.Faults
		sum.Views += t.Views
		sum.Failovers += t.Failovers
		sum.CPU += t.CPU
		sum.Violations = append(sum.Violations, t.Violations...)
	}
	return s + fmt.Sprintf("  all                   %9.0f %9d %9d %9d            %9.1fs          %d\n", sum.Hours, sum.Faults, sum.Views, sum.Failovers, sum.CPU, len(sum.Violations))
}
