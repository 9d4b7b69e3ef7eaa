package campaign

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

// What can happen to the two processes of a node while its machine runs on.
const (
	killDaemon = "kill-daemon" // SIGKILL of the daemon alone
	stopDaemon = "stop-daemon" // SIGSTOP of the daemon alone
	stopGuard  = "stop-guard"  // SIGSTOP of the guard alone, then a cut of all cables
	killBoth   = "kill-both"   // SIGKILL of both
	stopBoth   = "stop-both"   // SIGSTOP of both
)

// processes ends or stops the daemon, the guard or both where the address is. One
// of the two is enough to let go in time. Without both and without a watchdog
// only the lifetime of the address, in whole seconds, bounds what is left: that
// is measured at a deadtime of a second, and must be nothing at ten.
func (c *campaign) processes(ctx context.Context, p *Part) error {
	p.Setting = fmt.Sprintf("keepalive 75ms, deadtime 300ms and others; %d of each fault at the owner", c.Faults)
	if err := c.afflict(ctx, p, fast(), c.Faults, true, killDaemon, stopDaemon, stopGuard); err != nil {
		return err
	}
	second := fast()
	second.keepalive, second.deadtime, second.initdead = "200ms", "1", "2"
	if err := c.afflict(ctx, p, second, c.Faults, false, killBoth, stopBoth); err != nil {
		return err
	}
	if !c.Classic {
		return nil
	}
	return c.afflict(ctx, p, classic(), 1, true, killBoth, stopBoth)
}

// afflict makes each fault as often as asked in one cluster. Where strict, no
// moment with two owners is allowed; otherwise it is only told.
func (c *campaign) afflict(ctx context.Context, p *Part, s setting, times int, strict bool, kinds ...string) (err error) {
	k, err := c.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	for _, kind := range kinds {
		double, wire, outages := 0.0, 0.0, []float64{}
		for range times {
			r, err := k.affliction(ctx, kind)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			p.Rounds = append(p.Rounds, r)
			double, wire, outages = max(double, r.DoubleMS), max(wire, r.WireMS), append(outages, r.OutageMS)
			fmt.Fprintf(c.Out, "    %-11s %s -> %s dc=%-5v outage %7.1f ms  double %g/%g\n", r.Kind, r.From, r.To, r.DC, r.OutageMS, r.DoubleMS, r.WireMS)
		}
		at := fmt.Sprintf("%s, deadtime %s", kind, s.deadtime)
		d := distributionOf(outages)
		p.add(fmt.Sprintf("%s: outage, median of %d", at, d.n), d.median, "ms")
		figure := p.add
		if strict {
			figure = p.zero
		}
		figure(at+": double ownership, sampled, longest", double, "ms")
		figure(at+": double ownership, on the wire, longest", wire, "ms")
	}
	return nil
}

// affliction is one such fault from a cluster at rest to a cluster at rest.
func (k *cluster) affliction(ctx context.Context, kind string) (Round, error) {
	r := Round{Kind: kind}
	owner, err := k.owner(ctx, "the address on one node before the fault", func(string) bool { return true })
	if err != nil {
		return r, err
	}
	dc, err := k.dc(ctx, owner)
	if err != nil {
		return r, err
	}
	r.From, r.DC = owner, owner == dc
	daemon := k.daemons[owner]
	who := fmt.Sprint(daemon.PID)
	switch {
	case kind == stopGuard:
		who = "$(cat /var/run/heartbeat/guard.lock)"
	case strings.HasSuffix(kind, "both"):
		who = "$(cat /var/run/heartbeat/guard.lock) " + who
	}
	sig := "-STOP"
	if strings.HasPrefix(kind, "kill") {
		sig = "-KILL"
	}
	if err := pause(ctx, time.Duration(k.c.rnd.Int64N(int64(100*time.Millisecond)))); err != nil {
		return r, err
	}
	delete(k.daemons, owner) // it may end
	at := time.Now()
	if err := k.command(ctx, owner, "sh", "-c", "kill "+sig+" "+who); err != nil {
		return r, err
	}
	if kind == stopGuard {
		if err := k.nodes[owner].Cut(); err != nil {
			return r, err
		}
	}
	if r.To, err = k.taken(ctx, owner, at); err != nil {
		return r, err
	}
	begin, end, err := k.silence(ctx, at)
	if err != nil {
		return r, err
	}
	r.OutageMS = ms(end.Sub(begin))
	// Two owners may be seen until the old one's address has gone by itself.
	if _, err := k.until(ctx, "one owner", 10*time.Millisecond, func() (bool, string) {
		o := k.sampler.Owners()
		return len(o) == 1 && o[0] == r.To, fmt.Sprintf("%s is on %v", floating, o)
	}); err != nil {
		return r, err
	}
	r.WireMS = ms(k.wire.Overlap(at, time.Now()))
	if err := k.recover(ctx, kind, owner, daemon); err != nil {
		return r, err
	}
	if _, err := k.owner(ctx, "the address at rest after the fault", func(string) bool { return true }); err != nil {
		return r, err
	}
	r.DoubleMS = ms(k.sampler.Double(at, time.Now()))
	return r, nil
}

// recover lets what was stopped go on, and starts a daemon that has ended.
func (k *cluster) recover(ctx context.Context, kind, owner string, daemon *lab.Process) error {
	if kind == stopGuard {
		if err := k.nodes[owner].Mend(); err != nil {
			return err
		}
	}
	if !strings.HasPrefix(kind, "kill") {
		// What has been killed meanwhile cannot go on, and need not.
		if _, err := k.nodes[owner].Exec(ctx, "sh", "-c", "kill -CONT $(cat /var/run/heartbeat/guard.lock)"); err != nil {
			return err
		}
		_ = daemon.Signal(syscall.SIGCONT)
	}
	started := false
	_, err := k.until(ctx, "the node with the fault in the view again", 100*time.Millisecond, func() (bool, string) {
		select {
		case <-daemon.Done():
			if !started {
				started = true
				if err := k.start(owner); err != nil {
					return false, err.Error()
				}
			}
		default:
		}
		for _, name := range k.names {
			st, err := k.status(ctx, name)
			if err != nil {
				return false, fmt.Sprintf("%s: %v", name, err)
			}
			if len(st.View.Members) != len(k.names) || !st.View.Quorum {
				return false, fmt.Sprintf("%s sees %d members", name, len(st.View.Members))
			}
		}
		return true, ""
	})
	if err == nil && !started {
		k.daemons[owner] = daemon
	}
	return err
}
