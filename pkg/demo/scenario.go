package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

// Run plays the demo. The report is never nil and holds what was measured up to
// the end or the failure. The error says in one sentence which state was not
// reached, or that two nodes held the address at once, and where the logs lie.
func Run(ctx context.Context, o Options) (*Report, error) {
	o = o.withDefaults()
	r := &Report{DeadtimeMS: o.timers().dead.Milliseconds(), Faults: []Fault{}}
	s := newStory(o.Out)
	s.chapter("A network of three directors, a router and a client")
	c, err := newCluster(o, s)
	if err != nil {
		return r, err
	}
	defer c.close() // also when a panic passes
	err = c.play(ctx, o, r)
	end := time.Now()
	if err == nil && c.sampler.Double(s.begin, end) > 0 {
		err = fmt.Errorf("two nodes held %s at once, for %.1f ms in all", floating, ms(c.sampler.Double(s.begin, end)))
	}
	r.OK = err == nil
	if c.sampler != nil && c.probe != nil {
		r.table(o.Out, c, end)
		c.draw(o.Out, o.Width, end)
	}
	if err != nil {
		if ctx.Err() != nil {
			return r, fmt.Errorf("the demo was interrupted: %w", context.Cause(ctx))
		}
		c.evidence(ctx)
		return r, fmt.Errorf("%w; the logs of the nodes lie in %s", err, c.lab.Keep())
	}
	return r, nil
}

func (c *cluster) play(ctx context.Context, o Options, r *Report) error {
	c.tell(time.Now(), "litsha21, litsha22, litsha23: eth0 on 192.168.71.0/24, eth1 on 192.168.68.0/24 for heartbeats")
	rsc, err := c.configure(ctx)
	if err != nil {
		return err
	}
	c.tell(time.Now(), "haresources2cib made %s of \"litsha21 %s/24/eth0/…\"; the edit adds score 200 and pingd", rsc, floating)
	c.sampler = c.lab.NewSampler(floating, time.Millisecond)
	if c.probe, err = c.client.NewProbe(floating, o.Probe); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *Report) error{
		c.form, func(ctx context.Context, r *Report) error { return c.idle(ctx, o.Idle, r) },
		c.crashOwner, c.loseQuorum, c.regainQuorum, c.failback, c.killDaemon, c.stopDaemon, c.leave,
	} {
		if err := step(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// form starts the three daemons and waits for quorum and the address.
func (c *cluster) form(ctx context.Context, _ *Report) error {
	c.chapter("The cluster forms")
	begun := time.Now()
	for _, name := range directors {
		if err := c.startDaemon(name); err != nil {
			return err
		}
		c.power(begun, name, true)
	}
	c.tell(begun, "three daemons start: keepalive %s, deadtime %s", c.timers.keepalive, c.timers.deadtime)
	if err := c.quorate(ctx, preferred, true, slices.Clone(directors)...); err != nil {
		return err
	}
	seen := time.Now()
	at, err := c.owned(ctx, "the address on "+preferred, only(preferred))
	if err != nil {
		return err
	}
	// The commands are slower than the cluster.
	quorum := func() { c.tell(seen, "quorum: %s sees three members of three", preferred) }
	if seen.Before(at) {
		quorum()
		quorum = func() {}
	}
	c.tell(at, "%s is on %s", floating, preferred)
	first, err := c.answered(ctx, at)
	if err != nil {
		return err
	}
	c.tell(first, "the client has an answer from %s", floating)
	quorum()
	if err := c.connected(ctx, preferred, directors...); err != nil {
		return err
	}
	c.tell(time.Now(), "pingd is 100 on every director: %s has 200 + 100, the others 100", preferred)
	// The attribute must not have moved the address.
	_, err = c.owned(ctx, "the address on "+preferred, only(preferred))
	return err
}

// idle measures what a director uses when nothing happens. It lets the work
// pass that the last changes brought, and the commands that asked for them.
func (c *cluster) idle(ctx context.Context, window time.Duration, r *Report) error {
	if err := pause(ctx, window/4); err != nil {
		return err
	}
	before := map[string]lab.Usage{}
	begun := time.Now()
	for _, name := range directors {
		u, err := c.nodes[name].Usage()
		if err != nil {
			return err
		}
		before[name] = u
	}
	if err := pause(ctx, window); err != nil {
		return err
	}
	for _, name := range directors {
		u, err := c.nodes[name].Usage()
		if err != nil {
			return err
		}
		r.Idle.RSS = max(r.Idle.RSS, round1(float64(u.RSS)/(1<<20)))
		share := float64(u.CPU-before[name].CPU) / float64(time.Since(begun))
		r.Idle.CPU = max(r.Idle.CPU, round2(share*100))
	}
	c.tell(time.Now(), "idle for %.0f s: the busiest director uses %.1f MB and %.2f %% of a core", window.Seconds(), r.Idle.RSS, r.Idle.CPU)
	return nil
}

// settled waits until the preferred node holds the address and the client has
// answers. It tells what moved the address while nothing was done to it: a
// computer too busy to let the daemons run looks like that.
func (c *cluster) settled(ctx context.Context) error {
	for i, h := range c.sampler.History() {
		if i > 0 && len(h.Owners) == 0 {
			c.tell(h.At, "%s left its node, and no fault was made", floating)
		}
	}
	if _, err := c.owned(ctx, "the address on "+preferred, only(preferred)); err != nil {
		return err
	}
	_, err := c.answered(ctx, time.Now())
	return err
}

// crashOwner kills the node that holds the address.
func (c *cluster) crashOwner(ctx context.Context, r *Report) error {
	if err := c.settled(ctx); err != nil {
		return err
	}
	c.chapter("Fault 1: the owner dies")
	at, err := c.fault(ctx, "crash-owner")
	if err != nil {
		return err
	}
	if err := c.crash(preferred); err != nil {
		return err
	}
	c.power(at, preferred, false)
	c.tell(at, "%s dies: cables cut, every process killed", preferred)
	moved, err := c.owned(ctx, "the address on another node", func(o []string) bool { return len(o) == 1 && o[0] != preferred })
	if err != nil {
		return err
	}
	to := c.sampler.Owners()[0]
	c.tell(moved, "%s is on %s, %.0f ms after the crash", floating, to, ms(moved.Sub(at)))
	if _, err := c.answered(ctx, moved); err != nil {
		return err
	}
	others := []string{directors[1], directors[2]}
	if err := c.quorate(ctx, to, true, others...); err != nil {
		return err
	}
	begin, end, _ := c.probe.Outage(at, time.Now())
	c.tell(end, "the client has answers again: an outage of %.0f ms", ms(end.Sub(begin)))
	r.add(Fault{Name: "crash-owner", Outage: duration(end.Sub(begin)), From: node(preferred), To: node(to)}, c, at)
	return nil
}

// loseQuorum kills the node that does not hold the address: the last one must
// let go by itself.
func (c *cluster) loseQuorum(ctx context.Context, r *Report) error {
	c.chapter("Fault 2: a second node dies, the last one has no quorum")
	last := c.sampler.Owners()[0]
	second := other(last)
	at, err := c.fault(ctx, "lose-quorum")
	if err != nil {
		return err
	}
	if err := c.crash(second); err != nil {
		return err
	}
	c.power(at, second, false)
	c.tell(at, "%s dies; %s holds the address and is alone", second, last)
	gone, err := c.owned(ctx, "the address released by "+last, nobody)
	if err != nil {
		return err
	}
	c.tell(gone, "%s releases %s by itself, %.0f ms after the death", last, floating, ms(gone.Sub(at)))
	if err := c.quorate(ctx, last, false); err != nil {
		return err
	}
	c.tell(time.Now(), "%s reports that it has no quorum", last)
	r.add(Fault{Name: "lose-quorum", From: node(last), released: gone.Sub(at)}, c, at)
	return nil
}

// regainQuorum boots the second node again.
func (c *cluster) regainQuorum(ctx context.Context, r *Report) error {
	c.chapter("Fault 3: a node returns, and with it the quorum")
	second := ""
	for _, n := range directors[1:] {
		if !c.nodes[n].Up() {
			second = n
		}
	}
	at, err := c.fault(ctx, "regain-quorum")
	if err != nil {
		return err
	}
	if owners := c.sampler.Owners(); len(owners) > 0 {
		return fmt.Errorf("without quorum %s came back on %s", floating, ownersText(owners))
	}
	if err := c.boot(second); err != nil {
		return err
	}
	c.power(at, second, true)
	c.tell(at, "%s is powered on", second)
	placed, err := c.owned(ctx, "the address on a node again", func(o []string) bool { return len(o) == 1 })
	if err != nil {
		return err
	}
	to := c.sampler.Owners()[0]
	c.tell(placed, "%s is on %s, %.0f ms after power-on", floating, to, ms(placed.Sub(at)))
	first, err := c.answered(ctx, placed)
	if err != nil {
		return err
	}
	if err := c.quorate(ctx, to, true, directors[1], directors[2]); err != nil {
		return err
	}
	if err := c.connected(ctx, to, directors[1], directors[2]); err != nil {
		return err
	}
	c.tell(time.Now(), "quorum: two members of three, pingd is 100 on both")
	r.add(Fault{Name: "regain-quorum", Outage: duration(first.Sub(at)), To: node(to)}, c, at)
	return nil
}

// failback boots the preferred node again.
func (c *cluster) failback(ctx context.Context, r *Report) error {
	c.chapter("Fault 4: the preferred node returns")
	from := c.sampler.Owners()[0]
	at, err := c.fault(ctx, "failback")
	if err != nil {
		return err
	}
	if err := c.boot(preferred); err != nil {
		return err
	}
	c.power(at, preferred, true)
	c.tell(at, "%s is powered on", preferred)
	moved, err := c.owned(ctx, "the address back on "+preferred, only(preferred))
	if err != nil {
		return err
	}
	c.tell(moved, "%s moves back to %s, %.0f ms after power-on", floating, preferred, ms(moved.Sub(at)))
	if _, err := c.answered(ctx, moved); err != nil {
		return err
	}
	if err := c.quorate(ctx, preferred, true, slices.Clone(directors)...); err != nil {
		return err
	}
	if err := c.connected(ctx, preferred, directors...); err != nil {
		return err
	}
	if _, err := c.owned(ctx, "the address on "+preferred, only(preferred)); err != nil {
		return err
	}
	begin, end, _ := c.probe.Outage(at, time.Now())
	c.tell(end, "the client missed %.0f ms of answers by the move", ms(end.Sub(begin)))
	r.add(Fault{Name: "failback", Outage: duration(end.Sub(begin)), From: node(from), To: node(preferred)}, c, at)
	return nil
}

// leave stops the cluster in order.
func (c *cluster) leave(ctx context.Context, _ *Report) error {
	c.chapter("The cluster stops")
	begun := time.Now()
	c.tell(begun, "every daemon is asked to stop")
	if err := c.stop(ctx); err != nil {
		return err
	}
	if _, err := c.owned(ctx, "the address released by the stop", nobody); err != nil {
		return err
	}
	now := time.Now()
	for _, name := range directors {
		c.power(now, name, false)
	}
	c.tell(now, "all have left, and %s is on no node", floating)
	return nil
}

// fault marks the begin of a fault. It comes at a random moment between two
// beats: how much of deadtime is over since the last beat is a matter of luck.
func (c *cluster) fault(ctx context.Context, name string) (time.Time, error) {
	if err := pause(ctx, rand.N(c.timers.beat)); err != nil {
		return time.Time{}, err
	}
	now := time.Now()
	c.mark(now, name)
	return now, nil
}

// pause lets time pass where time itself is what is measured.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func only(name string) func([]string) bool {
	return func(o []string) bool { return len(o) == 1 && o[0] == name }
}

func nobody(o []string) bool { return len(o) == 0 }

// other is the second of the two directors that are not preferred.
func other(name string) string {
	if name == directors[1] {
		return directors[2]
	}
	return directors[1]
}
