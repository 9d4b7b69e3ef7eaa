package sim

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/cli"
)

// A campaign begins where --seed says for every size, goes on from there, and
// keeps to its range.
func TestCampaignBeginsWithTheSeed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	play := func(want ...uint64) {
		t.Helper()
		c, err := LoadCampaign(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Begin(5000); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{5, 16} { // take too long here
			c.size(n).CPU = 1e9
		}
		for _, w := range want {
			nodes, seed, r, err := c.Step(Options{}, processorTime)
			if err != nil || seed != w || r.Faults == 0 {
				t.Fatalf("%d nodes run seed %d, want %d; %d faults, %v", nodes, seed, w, r.Faults, err)
			}
			c.size(nodes).CPU = float64(seed) * campaignShare[nodes] // by turns
		}
		if err := c.Save(file); err != nil {
			t.Fatal(err)
		}
	}
	play(5000, 5000, 5001)
	play(5001, 5002)
	c, err := LoadCampaign(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Report(); !strings.Contains(got, " 5000-5002 ") || !strings.Contains(got, " none ") {
		t.Errorf("the table does not name the ranges:\n%s", got)
	}
	for seed, want := range map[uint64]string{
		1: "has run the seeds 5000 to 5002 of 2 nodes: a range from 1 on needs a file of its own",
		0: "its seeds begin with 1 or more, not 0",
	} {
		if err := c.Begin(seed); err == nil || err.Error() != want {
			t.Errorf("Begin(%d): %v, want %q", seed, err, want)
		}
	}
}

// The state of a campaign from before ranges had a first seed began with 1.
func TestCampaignOfOldFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(file, []byte(`{"sizes":{"2":{"seeds":7}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadCampaign(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Begin(1); err != nil {
		t.Error(err)
	}
	if err := c.Begin(2); err == nil {
		t.Error("another range is accepted")
	}
	if got := c.size(2).seeds(); got != "1-7" {
		t.Errorf("seeds %s, want 1-7", got)
	}
}

// command runs "quorate sim" with arguments.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := NewCommand(&cli.Env{Stdout: &out, Stderr: &out})
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.Execute()
	return out.String(), err
}

// What would be ignored is refused by name.
func TestFlagsThatSayNothingAreRefused(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	for _, c := range []struct{ args, want string }{
		{"--campaign " + state + " --nodes 3", "--nodes says nothing about --campaign: leave it out; it takes --seed, --cpu, --verify, --no-shrink"},
		{"--scenario x --every 5s", "--every says nothing about --scenario: leave it out; it takes --seed, --verify, --trace, --print-scenario, --no-shrink, --plant"},
		{"--hunt all --hours 3", "--hours says nothing about --hunt: leave it out; it takes --seed, --cpu, --trace"},
		{"--hours 3 --cpu 3s", "--cpu bounds --campaign and --hunt; random runs have --hours"},
		{"--campaign " + state + " --seed 0", "--campaign " + state + ": its seeds begin with 1 or more, not 0"},
	} {
		if out, err := command(t, strings.Fields(c.args)...); err == nil || err.Error() != c.want || out != "" {
			t.Errorf("%s: %v, want %q; it said %q", c.args, err, c.want, out)
		}
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("a campaign that was refused left a file")
	}
	if out, err := command(t, "--campaign", state, "--seed", "70", "--cpu", "50ms"); err != nil || !strings.Contains(out, " 70-70 ") {
		t.Errorf("%v\n%s", err, out)
	}
}
