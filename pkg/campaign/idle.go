package campaign

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

// Limits of an idle node: resident memory of daemon and guard, share of a core,
// packets a second that the node sends.
const (
	idleRSS     = 30.0
	idleCPU     = 1.0
	idlePackets = 10.0
)

// idle measures what a node of a cluster at rest uses, with default timers and
// one address that is monitored.
func (c *campaign) idle(ctx context.Context, p *Part) (err error) {
	s := setting{nodes: 3, media: "ucast", resource: true, patience: 90 * time.Second}
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; one address with a monitor, %v", s, c.Idle)
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	// Every owner of the address waits for the first placement.
	if _, err := k.until(ctx, "the address on one node", 100*time.Millisecond, func() (bool, string) {
		o := k.lab.Sample(floating)
		return len(o) == 1, fmt.Sprintf("it is on %v", o)
	}); err != nil {
		return err
	}
	// What the start brought passes.
	if err := pause(ctx, c.Idle/4); err != nil {
		return err
	}
	type sample struct {
		use     lab.Usage
		traffic map[string]lab.Traffic
		at      time.Time
	}
	take := func(name string) (s sample, err error) {
		if s.use, err = k.nodes[name].Usage(); err != nil {
			return s, err
		}
		s.traffic, err = k.nodes[name].Traffic()
		s.at = time.Now()
		return s, err
	}
	before := map[string]sample{}
	for _, name := range k.names {
		if before[name], err = take(name); err != nil {
			return err
		}
	}
	if err := pause(ctx, c.Idle); err != nil {
		return err
	}
	var rss, cpu, sent, received float64
	for _, name := range k.names {
		now, err := take(name)
		if err != nil {
			return err
		}
		old, took := before[name], now.at.Sub(before[name].at)
		rss = max(rss, float64(now.use.RSS)/(1<<20))
		cpu = max(cpu, 100*float64(now.use.CPU-old.use.CPU)/float64(took))
		out, in := uint64(0), uint64(0)
		for link, t := range now.traffic {
			if link != "lo" {
				out, in = out+t.Sent-old.traffic[link].Sent, in+t.Received-old.traffic[link].Received
			}
		}
		sent, received = max(sent, float64(out)/took.Seconds()), max(received, float64(in)/took.Seconds())
		p.note("%s: %s; %.1f MB", name, strings.Join(now.use.Commands, ", "), float64(now.use.RSS)/(1<<20))
	}
	p.below("resident memory, daemon and guard, largest node", rss, "MB", idleRSS)
	p.below("processor time, busiest node", cpu, "%", idleCPU)
	p.below("packets sent, busiest node", sent, "packets/s", idlePackets)
	p.add("packets received, busiest node", received, "packets/s")
	return nil
}
