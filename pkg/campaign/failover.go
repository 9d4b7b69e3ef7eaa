package campaign

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Limits of the fail-over at 75 ms / 300 ms, in milliseconds, and of a mended
// cable.
const (
	outageMedian = 316.0
	outageP95    = 380.0
	wholeLimit   = 2000.0
)

// The kinds of faults.
const (
	crash   = "crash"    // the power cord of the owner
	cut     = "cut"      // all cables of the owner
	cutBeat = "cut-beat" // the heartbeat cable of the owner alone
)

// failover hits the owner of the address again and again: crashes and cuts in
// turn, every second pair when the owner is the DC. One cut more in six is of
// the heartbeat cable alone: then both sides can be heard on the wire.
func (c *campaign) failover(ctx context.Context, p *Part) (err error) {
	k, err := c.newCluster(ctx, fast())
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %d crashes, %d cuts of the owner, half of them the DC; client every 5 ms", k.setting, c.Crashes, c.Cuts)
	if err := k.hit(ctx, p, plan(c.Crashes, c.Cuts, (c.Cuts+5)/6)); err != nil {
		return err
	}
	k.faults(p, outageMedian, outageP95)
	return nil
}

// seed does the same with the timers of a classic set-up: the outage is
// bounded by deadtime and 300 ms.
func (c *campaign) seed(ctx context.Context, p *Part) (err error) {
	s := classic()
	n := max(1, c.Crashes/10)
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %d crashes and %d cuts", s, n, n)
	if err := k.hit(ctx, p, plan(n, n, 0)); err != nil {
		return err
	}
	k.faults(p, 10_300, 10_300)
	return nil
}

// fault is one thing to do to the owner.
type fault struct {
	kind string
	dc   bool
}

// plan orders the faults: crashes and cuts in turn, every second of each kind
// hits the DC.
func plan(crashes, cuts, beats int) (out []fault) {
	left := map[string]int{crash: crashes, cut: cuts, cutBeat: beats}
	for i := 0; left[crash]+left[cut]+left[cutBeat] > 0; i++ {
		for _, kind := range []string{crash, cut, cutBeat} {
			if left[kind] > 0 && (kind != cutBeat || i%6 == 0 || left[crash]+left[cut] == 0) {
				left[kind]--
				out = append(out, fault{kind, left[kind]%2 == 0})
			}
		}
	}
	return out
}

// hit makes the faults, one round each, and stops at the first state that is
// not reached.
func (k *cluster) hit(ctx context.Context, p *Part, faults []fault) error {
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	for i, f := range faults {
		r, err := k.round(ctx, f)
		if err != nil {
			return fmt.Errorf("round %d (%s): %w", i+1, f.kind, err)
		}
		p.Rounds = append(p.Rounds, r)
		fmt.Fprintf(k.c.Out, "%3d %-8s %s -> %s dc=%-5v outage %7.1f ms  double %g/%g  whole %.0f ms %s %s\n", i+1, r.Kind, r.From, r.To, r.DC,
			r.OutageMS, r.DoubleMS, r.WireMS, r.WholeMS, phaseText(r.Phases), r.Remark)
	}
	return nil
}

// round is one fault from a cluster at rest to a cluster at rest.
func (k *cluster) round(ctx context.Context, f fault) (Round, error) {
	r := Round{Kind: f.kind, DC: f.dc}
	owner, err := k.owner(ctx, "the address on one node before the fault", func(string) bool { return true })
	if err != nil {
		return r, err
	}
	dc, err := k.dc(ctx, owner)
	if err != nil {
		return r, err
	}
	if (owner == dc) != f.dc {
		victim := dc
		if !f.dc {
			others := k.others(dc)
			victim = others[k.c.rnd.IntN(len(others))]
		}
		if err := k.place(ctx, victim); err != nil {
			return r, err
		}
		owner = victim
	}
	r.From = owner
	if now, err := k.dc(ctx, owner); err != nil || now != dc {
		return r, fmt.Errorf("the DC was %s and is %s (%v) although nothing happened", dc, now, err)
	}
	// How much of deadtime is over since the last beat is a matter of luck.
	if err := pause(ctx, time.Duration(k.c.rnd.Int64N(int64(100*time.Millisecond)))); err != nil {
		return r, err
	}
	marks := k.logMarks()
	at := time.Now()
	switch f.kind {
	case crash:
		err = k.crash(owner)
	case cut:
		err = k.nodes[owner].Cut()
	default:
		err = k.nodes[owner].Cut("eth1")
	}
	if err != nil {
		return r, err
	}
	if r.To, err = k.taken(ctx, owner, at); err != nil {
		return r, err
	}
	if _, err := k.whole(ctx, k.others(owner)...); err != nil {
		return r, err
	}
	settled := time.Now()
	begin, end, err := k.silence(ctx, at)
	if err != nil {
		return r, err
	}
	r.OutageMS = ms(end.Sub(begin))
	r.Phases = k.phases(marks, at, r.To, begin, end)
	r.WireMS = ms(k.wire.Overlap(at, settled))
	if err := k.mend(ctx, f, owner, &r); err != nil {
		return r, err
	}
	r.DoubleMS = ms(k.sampler.Double(at, time.Now()))
	return r, nil
}

// taken waits until another node holds the address and answers.
func (k *cluster) taken(ctx context.Context, from string, at time.Time) (string, error) {
	to := ""
	_, err := k.until(ctx, "the address on another node than "+from, 2*time.Millisecond, func() (bool, string) {
		o := k.sampler.Owners()
		if len(o) != 1 || o[0] == from {
			return false, fmt.Sprintf("it is on %v", o)
		}
		to = o[0]
		// The sampler knows it before the client has an answer from it.
		mac := k.nodes[to].MAC("eth0")
		ok := slices.ContainsFunc(k.wire.Answers(at, time.Now()), func(a wireAnswer) bool { return !a.ARP && a.MAC == mac })
		return ok, "the client has no answer from " + to
	})
	return to, err
}

// silence waits for an answer that comes from now on and returns the client's
// longest silence since a moment, from answer to answer.
func (k *cluster) silence(ctx context.Context, since time.Time) (begin, end time.Time, err error) {
	now := time.Now()
	if _, err = k.until(ctx, "an answer for the client", time.Millisecond, func() (bool, string) {
		return k.probe.LastReply().After(now), "none since " + time.Since(k.probe.LastReply()).String()
	}); err != nil {
		return begin, end, err
	}
	begin, end, _ = k.probe.Outage(since, k.probe.LastReply())
	return begin, end, nil
}

// mend undoes the fault and watches that nothing moves which no rule asks for.
func (k *cluster) mend(ctx context.Context, f fault, owner string, r *Round) error {
	mended := time.Now()
	if f.kind == crash {
		if err := k.boot(owner); err != nil {
			return err
		}
	} else if err := k.nodes[owner].Mend(); err != nil {
		return err
	}
	whole, err := k.whole(ctx, k.names...)
	if err != nil {
		return err
	}
	if f.kind != crash {
		r.WholeMS = ms(whole.Sub(mended))
	}
	// The join of a node runs its probes; what moves then moves for no rule.
	stays, err := k.owner(ctx, "the address at rest after the fault", func(string) bool { return true })
	if err != nil {
		return err
	}
	if stays != r.To {
		r.Remark = fmt.Sprintf("moved from %s to %s when %s came back", r.To, stays, owner)
	}
	for _, h := range k.sampler.History() {
		if h.At.After(mended) && (len(h.Owners) != 1 || h.Owners[0] != r.To) {
			r.Remark = fmt.Sprintf("after the mend the address was on %v, not on %s alone", h.Owners, r.To)
		}
	}
	return nil
}

// faults turns the rounds into figures.
func (k *cluster) faults(p *Part, median, p95 float64) {
	of := func(match func(Round) bool) (out []float64) {
		for _, r := range p.Rounds {
			if match(r) {
				out = append(out, r.OutageMS)
			}
		}
		return out
	}
	show := func(name string, values []float64) {
		d := distributionOf(values)
		if d.n == 0 {
			return
		}
		p.below(fmt.Sprintf("outage, %s, median of %d", name, d.n), d.median, "ms", median)
		p.below(fmt.Sprintf("outage, %s, p95", name), d.p95, "ms", p95)
		p.add(fmt.Sprintf("outage, %s, max", name), d.max, "ms")
	}
	full := func(r Round) bool { return r.Kind != cutBeat }
	show("crashes and cuts", of(full))
	show("the DC hit", of(func(r Round) bool { return full(r) && r.DC }))
	show("the DC not hit", of(func(r Round) bool { return full(r) && !r.DC }))
	show("crashes", of(func(r Round) bool { return r.Kind == crash }))
	show("cuts of all cables", of(func(r Round) bool { return r.Kind == cut }))
	show("cuts of the heartbeat cable", of(func(r Round) bool { return r.Kind == cutBeat }))
	double, wire, moves, whole := 0.0, 0.0, 0.0, []float64{}
	for _, r := range p.Rounds {
		double, wire = double+r.DoubleMS, math.Max(wire, r.WireMS)
		if r.Remark != "" {
			moves++
			p.note("%s of %s: %s", r.Kind, r.From, r.Remark)
		}
		if r.WholeMS > 0 {
			whole = append(whole, r.WholeMS)
		}
	}
	p.zero("double ownership, sampled on all nodes, sum", double, "ms")
	p.zero("double ownership, answers on the wire, longest", wire, "ms")
	p.zero("moves after a mend that no rule asks for", moves, "")
	if d := distributionOf(whole); d.n > 0 {
		p.add("quorum whole after a mend, median", d.median, "ms")
		p.below("quorum whole after a mend, max", d.max, "ms", wholeLimit)
	}
	n, gap := k.sampler.Quality()
	p.note("%d samples of all nodes, the longest pause between two %.1f ms", n, ms(gap))
}
