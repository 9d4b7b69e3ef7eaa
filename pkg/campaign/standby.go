package campaign

import (
	"context"
	"fmt"
	"time"
)

// moveLimit is the longest ping gap of a planned move, in milliseconds.
const moveLimit = 40.0

// standby takes the owner out of service by crm_standby and back, again and
// again, and measures the gap each command makes for the client.
func (c *campaign) standby(ctx context.Context, p *Part) (err error) {
	k, err := c.newCluster(ctx, fast())
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %d rounds of standby and online of the owner; client every 5 ms", k.setting, c.Rounds)
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	var gaps []float64
	idle, backMoves := 0.0, 0.0
	for range c.Rounds {
		from, err := k.owner(ctx, "the address on one node", func(string) bool { return true })
		if err != nil {
			return err
		}
		dc, err := k.dc(ctx, from)
		if err != nil {
			return err
		}
		r := Round{Kind: "standby", From: from, DC: from == dc}
		at := time.Now()
		if err := k.command(ctx, from, "crm_standby", "-v", "on", "-N", from); err != nil {
			return err
		}
		if r.To, err = k.taken(ctx, from, at); err != nil {
			return err
		}
		if _, err := k.owner(ctx, "the address at rest", func(o string) bool { return o == r.To }); err != nil {
			return err
		}
		moved := time.Now()
		begin, end, err := k.silence(ctx, at)
		if err != nil {
			return err
		}
		r.OutageMS, r.WireMS = ms(end.Sub(begin)), ms(k.wire.Overlap(at, moved))
		online := time.Now()
		if err := k.command(ctx, from, "crm_standby", "-D", "-N", from); err != nil {
			return err
		}
		stays, err := k.owner(ctx, "the address at rest after online", func(string) bool { return true })
		if err != nil {
			return err
		}
		if stays != r.To {
			backMoves++
			r.Remark = "moved to " + stays + " when " + from + " was online again"
		}
		if begin, end, err = k.silence(ctx, online); err != nil {
			return err
		}
		idle = max(idle, ms(end.Sub(begin)))
		r.DoubleMS = ms(k.sampler.Double(at, time.Now()))
		p.Rounds = append(p.Rounds, r)
		gaps = append(gaps, r.OutageMS)
		fmt.Fprintf(c.Out, "%3d standby  %s -> %s dc=%-5v gap %6.1f ms, online gap %.1f ms, double %g/%g %s\n", len(gaps), r.From, r.To, r.DC,
			r.OutageMS, ms(end.Sub(begin)), r.DoubleMS, r.WireMS, r.Remark)
	}
	d := distributionOf(gaps)
	p.add(fmt.Sprintf("ping gap of a planned move, median of %d", d.n), d.median, "ms")
	p.add("ping gap of a planned move, p95", d.p95, "ms")
	p.below("ping gap of a planned move, max", d.max, "ms", moveLimit)
	p.add("ping gap when the node is online again, max", idle, "ms")
	double, wire := 0.0, 0.0
	for _, r := range p.Rounds {
		double, wire = double+r.DoubleMS, max(wire, r.WireMS)
	}
	p.zero("double ownership, sampled on all nodes, sum", double, "ms")
	p.zero("double ownership, answers on the wire, longest", wire, "ms")
	p.zero("moves when the node was online again", backMoves, "")
	p.note("gaps: %v ms", gaps)
	return nil
}

// command runs a command of the program on a node; it must succeed.
func (k *cluster) command(ctx context.Context, name string, argv ...string) error {
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	res, err := k.nodes[name].Exec(ctx, argv...)
	if err != nil {
		return err
	}
	if res.Code != 0 {
		return fmt.Errorf("%v on %s ends with code %d: %s%s", argv, name, res.Code, res.Stdout, res.Stderr)
	}
	return nil
}
