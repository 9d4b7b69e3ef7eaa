package lrm

import (
	"maps"
	"slices"
)

// ReleaseRules say what goes when everything has to go, and in which order; each
// field is that of [Config] and may be nil.
type ReleaseRules struct {
	Managed  func(resource string) bool
	Requires func(resource string) []string
	Demotes  func(resource string) bool
}

// Release is one resource to stop when everything has to go, after its users.
type Release struct {
	// Op is the stop.
	Op Op
	// Demote tells that a demotion is enough.
	Demote bool
	Users  []string
}

// BeginRelease withdraws what waits, accepts nothing but stops from now on, and
// plans the stops of what is active or has fallen, and is managed; the caller kills what is under
// way and [Core.Spares] does not name. What stays is monitored on.
func (c *Core) BeginRelease(rules ReleaseRules) []Release {
	c.releases++
	c.sched.limit = max(c.limit, releaseParallel)
	plan := c.plan(rules)
	for _, t := range c.sched.clear(c.unplanned(plan)) {
		c.report(Result{Op: t.op, CallID: t.callID, Status: Cancelled, Refused: true,
			ExitReason: "withdrawn: all resources of this node are being released"}, t.done)
	}
	return plan
}

// unplanned tells of the active resources that stay when a plan is carried out.
func (c *Core) unplanned(plan []Release) func(resource string) bool {
	goes := map[string]bool{}
	for _, r := range plan {
		goes[r.Op.Resource] = true
	}
	return func(resource string) bool { return c.active.m[resource] != nil && !goes[resource] }
}

// Spares reports whether an operation under way goes on when a plan is carried
// out: a stop, or the monitor of what stays.
func (c *Core) Spares(plan []Release, op *Op) bool {
	return op.Name == "stop" || ownDemotion(op) || op.Interval > 0 && c.unplanned(plan)(op.Resource)
}

// ToRelease returns what BeginRelease would plan, sorted.
func (c *Core) ToRelease(rules ReleaseRules) (out []string) {
	for _, r := range c.plan(rules) {
		out = append(out, r.Op.Resource)
	}
	slices.Sort(out)
	return out
}

// plan lists the managed active resources and which of the others need each.
func (c *Core) plan(rules ReleaseRules) []Release {
	out := []Release{}
	var names []string
	for _, n := range c.active.names() {
		if rules.Managed == nil || rules.Managed(n) {
			names = append(names, n)
		}
	}
	users := c.users(names, rules.Requires)
	for _, n := range slices.Sorted(maps.Keys(c.fallen)) {
		if c.active.m[n] == nil && (rules.Managed == nil || rules.Managed(n)) {
			out = append(out, Release{Op: releaseOp(c.fallen[n])})
		}
	}
	stays := c.stays(names, users, rules.Demotes)
	for _, n := range names {
		a := c.active.m[n]
		if stays[n] && !a.promoted {
			continue
		}
		r := Release{Op: releaseOp(a.op), Demote: stays[n]}
		for _, u := range users[n] {
			if !stays[u] || c.active.m[u].promoted {
				r.Users = append(r.Users, u)
			}
		}
		out = append(out, r)
	}
	return out
}

// users returns which of the active resources need each.
func (c *Core) users(names []string, requires func(string) []string) map[string][]string {
	users := map[string][]string{}
	if requires == nil {
		for _, used := range names {
			for _, user := range names {
				u, v := c.active.m[user], c.active.m[used]
				if user != used && v.ended != 0 && u.began >= v.ended {
					users[used] = append(users[used], user)
				}
			}
		}
		return users
	}
	instances := map[string][]string{}
	for _, n := range names {
		instances[base(n)] = append(instances[base(n)], n)
	}
	for _, user := range names {
		seen := map[string]bool{base(user): true}
		for next := requires(base(user)); len(next) > 0; {
			r := next[0]
			next = next[1:]
			if seen[r] {
				continue
			}
			seen[r] = true
			if len(instances[r]) == 0 { // what it needs in turn counts
				next = append(slices.Clone(next), requires(r)...)
			}
			for _, used := range instances[r] {
				// Start order breaks a circle that the configuration might hold.
				if c.active.m[user].began > c.active.m[used].began {
					users[used] = append(users[used], user)
				}
			}
		}
	}
	return users
}

// stays returns the resources that are demoted at most: those of which the rules
// say so, if nothing goes that they need.
func (c *Core) stays(names []string, users map[string][]string, demotes func(string) bool) map[string]bool {
	stays := map[string]bool{}
	if demotes == nil {
		return stays
	}
	var going []string
	for _, n := range names {
		if stays[n] = demotes(n); !stays[n] {
			going = append(going, n)
		}
	}
	for len(going) > 0 {
		n := going[0]
		going = going[1:]
		for _, u := range users[n] {
			if stays[u] {
				stays[u] = false
				going = append(going, u)
			}
		}
	}
	return stays
}

// releaseOp is the stop of what an operation made active.
func releaseOp(op Op) Op {
	op.Params = withoutTimes(op.Params)
	op.Name, op.Interval, op.StartDelay, op.TransitionKey, op.Serial = "stop", 0, 0, "", 0
	return op
}

// ownDemotion tells the demotion of a release: no DC asked for it.
func ownDemotion(op *Op) bool { return op.Name == "demote" && op.TransitionKey == "" }
