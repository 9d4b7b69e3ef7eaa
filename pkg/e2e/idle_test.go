package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestIdleCost measures what a node of an idle cluster of three costs with
// keepalive and deadtime as they are without a line in ha.cf.
func TestIdleCost(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	var conf strings.Builder
	for line := range strings.Lines(hacf) {
		switch strings.Fields(line)[0] {
		case "keepalive", "warntime", "deadtime", "respawn", "ping":
		case "initdead":
			conf.WriteString("initdead 30\n")
		default:
			conf.WriteString(line)
		}
	}
	for _, name := range directors {
		c.write(name, "/etc/ha.d/ha.cf", conf.String(), 0o600)
	}
	c.form()
	// What the start has left behind is collected by and by.
	c.beats("litsha23", 5)
	type cost struct {
		cpu     time.Duration
		packets int
	}
	now := func(name string) (cost, float64) {
		u, err := c.nodes[name].Usage()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(c.ok(name, "cat", "/proc/net/dev"), "eth1:")
		f := strings.Fields(rest)
		in, _ := strconv.Atoi(f[1])
		out, _ := strconv.Atoi(f[9])
		return cost{u.CPU, max(in, out)}, float64(u.RSS) / (1 << 20)
	}
	before := map[string]cost{}
	begin := time.Now()
	quiet := directors[:2] // the commands of this test are at work on the third
	for _, name := range quiet {
		before[name], _ = now(name)
	}
	c.beats("litsha23", 10)
	window := time.Since(begin).Seconds()
	for _, name := range quiet {
		after, rss := now(name)
		cpu := 100 * (after.cpu - before[name].cpu).Seconds() / window
		packets := float64(after.packets-before[name].packets) / window
		t.Logf("%s: %.1f MB, %.2f %% of a core, %.1f packets a second", name, rss, cpu, packets)
		if rss > 30 || packets > 10 || cpu > 1 {
			t.Errorf("%s costs too much", name)
		}
	}
}
