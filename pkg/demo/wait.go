package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// until asks for a state until it is there. The look function returns what it
// saw, for the sentence that is the error.
func (c *cluster) until(ctx context.Context, what string, look func(context.Context) (ok bool, seen string)) error {
	deadline := time.Now().Add(c.timers.patience)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, seen := look(ctx)
		if ok {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.fallen(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not reached within %v; at the end: %s", what, c.timers.patience, seen)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// quorate waits until a director sees exactly these members, and quorum or not.
func (c *cluster) quorate(ctx context.Context, on string, quorum bool, members ...string) error {
	what, want := fmt.Sprintf("quorum of %s on %s", strings.Join(members, ", "), on), "1"
	if !quorum {
		what, want = "no quorum on "+on, "0"
	}
	slices.Sort(members)
	return c.until(ctx, what, func(ctx context.Context) (bool, string) {
		q, err := c.ask(ctx, on, "crm_node", "-q")
		if err != nil {
			return false, err.Error()
		}
		p, err := c.ask(ctx, on, "crm_node", "-p")
		if err != nil {
			return false, err.Error()
		}
		got := strings.Fields(p)
		slices.Sort(got)
		return q == want && (!quorum || slices.Equal(got, members)), fmt.Sprintf("crm_node -q says %q, crm_node -p says %q", q, p)
	})
}

// connected waits until each of these directors has its attribute pingd.
func (c *cluster) connected(ctx context.Context, on string, names ...string) error {
	return c.until(ctx, "attribute pingd 100 of "+strings.Join(names, ", "), func(ctx context.Context) (bool, string) {
		live, err := c.ask(ctx, on, "cibadmin", "-Q")
		if err != nil {
			return false, err.Error()
		}
		values, err := pingdOf([]byte(live))
		if err != nil {
			return false, err.Error()
		}
		for _, n := range names {
			if values[n] != "100" {
				return false, fmt.Sprintf("pingd is %v", values)
			}
		}
		return true, ""
	})
}

// owned waits until the owners of the address satisfy the condition, by the
// sampler alone: no process disturbs the measurement. It returns since when.
func (c *cluster) owned(ctx context.Context, what string, cond func(owners []string) bool) (time.Time, error) {
	deadline := time.Now().Add(c.timers.patience)
	for {
		at, err := c.waitOwners(ctx, cond)
		if err == nil {
			return at, nil
		}
		if err := ctx.Err(); err != nil {
			return at, err
		}
		if err := c.fallen(); err != nil {
			return at, fmt.Errorf("%s: %w", what, err)
		}
		if time.Now().After(deadline) {
			return at, fmt.Errorf("%s: not reached within %v; at the end it is on %s", what, c.timers.patience, ownersText(c.sampler.Owners()))
		}
	}
}

func (c *cluster) waitOwners(ctx context.Context, cond func([]string) bool) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, pollEvery)
	defer cancel()
	return c.sampler.Wait(ctx, cond)
}

// answered waits until the client has an answer that came after the time, and
// returns when it came.
func (c *cluster) answered(ctx context.Context, after time.Time) (time.Time, error) {
	deadline := time.Now().Add(c.timers.patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if last := c.probe.LastReply(); last.After(after) {
			return last, nil
		}
		if time.Now().After(deadline) {
			return time.Time{}, fmt.Errorf("the client has no answer from %s within %v, though it is on %s",
				floating, c.timers.patience, ownersText(c.sampler.Owners()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}
