package campaign

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// formLimit is how long 32 nodes may take to be one view, in seconds.
const formLimit = 10.0

// detectSpread is how far, as a share of keepalive, the median detection times
// of the small and the large cluster may lie apart: how much of the time between
// two beats is over when a node dies is chance.
const detectSpread = 0.5

// large forms one view of many nodes, holds it, and compares how soon the death
// of a node is noticed with a cluster of three.
func (c *campaign) large(ctx context.Context, p *Part) error {
	s := setting{nodes: c.Nodes, keepalive: c.Keepalive, deadtime: c.Deadtime, initdead: "10", media: "bcast", patience: time.Minute}
	p.Setting = fmt.Sprintf("%v; held for %v", s, c.Hold)
	keepalive, err := cib.ParseInterval(c.Keepalive)
	if err != nil {
		return fmt.Errorf("keepalive: %w", err)
	}
	small := s
	small.nodes = 3
	few, _, err := c.deaths(ctx, p, small, 2*c.Deaths)
	if err != nil {
		return err
	}
	many, last, err := c.deaths(ctx, p, s, c.Deaths)
	if err != nil {
		return err
	}
	a, b := distributionOf(few), distributionOf(many)
	p.add(fmt.Sprintf("death noticed by a survivor, 3 nodes, median of %d", a.n), a.median, "ms")
	p.add("death noticed by a survivor, 3 nodes, max", a.max, "ms")
	p.add(fmt.Sprintf("death noticed by a survivor, %d nodes, median of %d", c.Nodes, b.n), b.median, "ms")
	p.add(fmt.Sprintf("death noticed by the last survivor, %d nodes, max", c.Nodes), distributionOf(last).max, "ms")
	p.below("difference of the medians", math.Abs(b.median-a.median), "ms", detectSpread*ms(keepalive))
	return nil
}

// deaths forms a cluster, holds its view if it is the large one, and lets nodes
// die one after another; it returns when each survivor noticed each death.
func (c *campaign) deaths(ctx context.Context, p *Part, s setting, times int) (each, last []float64, err error) {
	begun := time.Now()
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	defer k.finish(p, &err)
	started := time.Now()
	formed, err := k.whole(ctx, k.names...)
	if err != nil {
		return nil, nil, err
	}
	if s.nodes > 3 {
		p.below(fmt.Sprintf("one view of %d nodes since the last daemon was started", s.nodes), formed.Sub(started).Seconds(), "s", formLimit)
		p.note("building the lab and starting %d daemons took %.1f s", s.nodes, started.Sub(begun).Seconds())
		if err := k.hold(ctx, p, c.Hold); err != nil {
			return nil, nil, err
		}
	}
	for i := range times {
		victim := k.names[c.rnd.IntN(len(k.names))]
		if err := pause(ctx, time.Duration(c.rnd.Int64N(int64(400*time.Millisecond)))); err != nil {
			return nil, nil, err
		}
		marks, at := k.logMarks(), time.Now()
		if err := k.crash(victim); err != nil {
			return nil, nil, err
		}
		survivors := k.others(victim)
		if _, err := k.whole(ctx, survivors...); err != nil {
			return nil, nil, err
		}
		view := time.Since(at)
		latest := 0.0
		for _, name := range survivors {
			noticed, err := k.noticed(ctx, name, victim, marks, at)
			if err != nil {
				return nil, nil, err
			}
			each, latest = append(each, noticed), max(latest, noticed)
		}
		last = append(last, latest)
		fmt.Fprintf(c.Out, "%3d death of %s among %d: noticed by the last after %.0f ms, view of the others after %.0f ms\n", i+1, victim, s.nodes, latest, ms(view))
		if err := k.boot(victim); err != nil {
			return nil, nil, err
		}
		if _, err := k.whole(ctx, k.names...); err != nil {
			return nil, nil, err
		}
	}
	return each, last, nil
}

// noticed returns when a survivor's log calls the victim dead, in milliseconds
// since the fault.
func (k *cluster) noticed(ctx context.Context, name, victim string, marks map[string]int64, at time.Time) (float64, error) {
	since := 0.0
	_, err := k.until(ctx, name+" calls "+victim+" dead", 20*time.Millisecond, func() (bool, string) {
		for _, line := range k.logSince(name, marks) {
			if t, ok := lineTime(line); ok && strings.Contains(line, victim+" counts as dead: ") {
				since = ms(t.Sub(at.Round(0)))
				return true, ""
			}
		}
		return false, "its log does not say so"
	})
	return since, err
}

// hold watches that the view stays.
func (k *cluster) hold(ctx context.Context, p *Part, d time.Duration) error {
	// The join of so many nodes writes each into the configuration; the view is
	// the same all the time.
	views := map[string]string{}
	for _, name := range k.names {
		st, err := k.status(ctx, name)
		if err != nil {
			return err
		}
		views[name] = fmt.Sprint(st.View.Instance)
	}
	used := func() (sum time.Duration, err error) {
		for _, name := range k.names {
			u, err := k.nodes[name].Usage()
			if err != nil {
				return 0, err
			}
			sum += u.CPU
		}
		return sum, nil
	}
	before, err := used()
	if err != nil {
		return err
	}
	begun, changed := time.Now(), 0
	for end := time.Now().Add(d); time.Now().Before(end); {
		if err := pause(ctx, min(time.Second, time.Until(end))); err != nil {
			return err
		}
		for _, name := range k.names {
			st, err := k.status(ctx, name)
			if err != nil {
				return err
			}
			if view := fmt.Sprint(st.View.Instance); view != views[name] || !st.View.Quorum {
				changed++
				views[name] = view
			}
		}
	}
	after, err := used()
	if err != nil {
		return err
	}
	p.add(fmt.Sprintf("processor time of a node among %d", k.setting.nodes), 100*float64(after-before)/float64(time.Since(begun))/float64(k.setting.nodes), "%")
	p.zero(fmt.Sprintf("changes of the view of %d nodes while it is held", k.setting.nodes), float64(changed), "")
	return nil
}
