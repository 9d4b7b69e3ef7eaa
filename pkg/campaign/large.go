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

// detectSpread is how far, as a share of deadtime, the small and the large
// cluster may lie apart in the silence after which a node is called dead. The
// time from the death itself differs by more, by chance: nobody knows how much
// of the time between two beats is over when a node dies.
const detectSpread = 0.05

// large forms one view of many nodes, holds it, and compares how soon the death
// of a node is noticed with a cluster of three.
func (c *campaign) large(ctx context.Context, p *Part) error {
	s := setting{nodes: c.Nodes, keepalive: c.Keepalive, deadtime: c.Deadtime, initdead: "10", media: "bcast", crowd: true, patience: time.Minute}
	p.Setting = fmt.Sprintf("%v; held for %v", s, c.Hold)
	deadtime, err := cib.ParseInterval(c.Deadtime)
	if err != nil {
		return fmt.Errorf("deadtime: %w", err)
	}
	small := s
	small.nodes = 3
	few, err := c.deaths(ctx, p, small, 2*c.Deaths)
	if err != nil {
		return err
	}
	many, err := c.deaths(ctx, p, s, c.Deaths)
	if err != nil {
		return err
	}
	var median [2]float64
	for i, x := range []struct {
		nodes int
		seen  notices
	}{{3, few}, {c.Nodes, many}} {
		since, silence := distributionOf(x.seen.since), distributionOf(x.seen.silence)
		p.add(fmt.Sprintf("%d nodes: a survivor notices the death, median of %d", x.nodes, since.n), since.median, "ms")
		p.add(fmt.Sprintf("%d nodes: the last survivor notices the death, max", x.nodes), since.max, "ms")
		p.add(fmt.Sprintf("%d nodes: silence before a node is called dead, median", x.nodes), silence.median, "ms")
		median[i] = silence.median
	}
	p.below("difference of the silence, medians", math.Abs(median[1]-median[0]), "ms", detectSpread*ms(deadtime))
	return nil
}

// notices are when survivors noticed a death: since it, and since the last beat.
type notices struct{ since, silence []float64 }

// deaths forms a cluster, holds its view if it is the large one, and lets nodes
// die one after another; it returns when each survivor noticed each death.
func (c *campaign) deaths(ctx context.Context, p *Part, s setting, times int) (seen notices, err error) {
	begun := time.Now()
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return seen, err
	}
	defer k.finish(p, &err)
	started := time.Now()
	formed, err := k.whole(ctx, k.names...)
	if err != nil {
		return seen, err
	}
	if s.nodes > 3 {
		p.below(fmt.Sprintf("one view of %d nodes since the last daemon was started", s.nodes), formed.Sub(started).Seconds(), "s", formLimit)
		p.note("building the lab and starting %d daemons took %.1f s", s.nodes, started.Sub(begun).Seconds())
		if err := k.hold(ctx, p, c.Hold); err != nil {
			return seen, err
		}
	}
	for i := range times {
		victim := k.names[c.rnd.IntN(len(k.names))]
		if err := pause(ctx, time.Duration(c.rnd.Int64N(int64(400*time.Millisecond)))); err != nil {
			return seen, err
		}
		marks, at := k.logMarks(), time.Now()
		if err := k.crash(victim); err != nil {
			return seen, err
		}
		survivors := k.others(victim)
		if _, err := k.whole(ctx, survivors...); err != nil {
			return seen, err
		}
		view := time.Since(at)
		latest := 0.0
		for _, name := range survivors {
			since, silence, err := k.noticed(ctx, name, victim, marks, at)
			if err != nil {
				return seen, err
			}
			seen.since, seen.silence, latest = append(seen.since, since), append(seen.silence, silence), max(latest, since)
		}
		fmt.Fprintf(c.Out, "%3d death of %s among %d: noticed by the last after %.0f ms, view of the others after %.0f ms\n", i+1, victim, s.nodes, latest, ms(view))
		if err := k.boot(victim); err != nil {
			return seen, err
		}
		if _, err := k.whole(ctx, k.names...); err != nil {
			return seen, err
		}
	}
	return seen, nil
}

// noticed returns when a survivor's log calls the victim dead, in milliseconds
// since the fault and since the last beat.
func (k *cluster) noticed(ctx context.Context, name, victim string, marks map[string]int64, at time.Time) (since, silence float64, err error) {
	_, err = k.until(ctx, name+" calls "+victim+" dead", 20*time.Millisecond, func() (bool, string) {
		for _, line := range k.logSince(name, marks) {
			_, reason, found := strings.Cut(line, victim+" counts as dead: ")
			if t, ok := lineTime(line); ok && found {
				since = ms(t.Sub(at.Round(0)))
				if _, err := fmt.Sscanf(reason, "no beat for %f ms", &silence); err != nil {
					return false, "its log does not say for how long: " + line
				}
				return true, ""
			}
		}
		return false, "its log does not say so"
	})
	return since, silence, err
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
