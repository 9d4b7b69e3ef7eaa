package demo

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// killDaemon kills the daemon alone: its node stays up with the address on it,
// and the guard has to let go.
func (c *cluster) killDaemon(ctx context.Context, r *Report) error {
	return c.daemonFault(ctx, r, "Fault 5: the daemon alone is killed where the address is", "kill-daemon", syscall.SIGKILL,
		"the daemon of %s is killed; its node and its guard live on")
}

// stopDaemon stops the daemon alone, as if it hung.
func (c *cluster) stopDaemon(ctx context.Context, r *Report) error {
	return c.daemonFault(ctx, r, "Fault 6: the daemon alone hangs where the address is", "stop-daemon", syscall.SIGSTOP,
		"the daemon of %s is stopped (SIGSTOP), as if it hung")
}

// daemonFault sends a signal to the daemon of the preferred node, and starts it
// again once the address has moved.
func (c *cluster) daemonFault(ctx context.Context, r *Report, title, name string, sig syscall.Signal, told string) error {
	if _, err := c.owned(ctx, "the address on "+preferred, only(preferred)); err != nil {
		return err
	}
	if _, err := c.answered(ctx, time.Now()); err != nil {
		return err
	}
	c.chapter(title)
	at, err := c.fault(ctx, name)
	if err != nil {
		return err
	}
	p := c.daemons[preferred]
	delete(c.daemons, preferred)
	if err := p.Signal(sig); err != nil {
		return err
	}
	c.tell(at, told, preferred)
	moved, err := c.owned(ctx, "the address on another node", func(o []string) bool { return len(o) == 1 && o[0] != preferred })
	if err != nil {
		return err
	}
	to := c.sampler.Owners()[0]
	c.tell(moved, "%s is on %s, %.0f ms after the signal", floating, to, ms(moved.Sub(at)))
	if _, err := c.answered(ctx, moved); err != nil {
		return err
	}
	begin, end, _ := c.probe.Outage(at, time.Now())
	c.tell(end, "the client has answers again: an outage of %.0f ms", ms(end.Sub(begin)))
	r.add(Fault{Name: name, Outage: duration(end.Sub(begin)), From: node(preferred), To: node(to)}, c, at)

	// The guard ends a daemon that hangs.
	gone := time.NewTimer(c.timers.patience)
	defer gone.Stop()
	select {
	case <-p.Done():
	case <-gone.C:
		return fmt.Errorf("the daemon on %s was to end after %s: not within %v", preferred, name, c.timers.patience)
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := c.startDaemon(preferred); err != nil {
		return err
	}
	c.tell(time.Now(), "the daemon of %s is started again", preferred)
	back, err := c.owned(ctx, "the address back on "+preferred, only(preferred))
	if err != nil {
		return err
	}
	c.tell(back, "%s moves back to %s", floating, preferred)
	if err := c.quorate(ctx, preferred, true, directors[0], directors[1], directors[2]); err != nil {
		return err
	}
	return c.connected(ctx, preferred, directors...)
}
