package mon

import (
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
)

// outcome is what a history adds up to.
type outcome struct {
	role                     role
	failed, blocked, ignored bool
	pending                  string
	// monitoring tells that a recurring monitor is in progress, notInstalled
	// that a probe did not find the agent's program.
	monitoring, notInstalled bool
}

// pendingWords are the roles shown for operations in progress.
var pendingWords = map[string]string{
	"start": "Starting", "stop": "Stopping", "promote": "Promoting", "demote": "Demoting",
	"migrate_to": "Migrating", "migrate_from": "Migrating",
}

// replay goes through the operations of one resource on one node.
func (c *cluster) replay(r *resource, n *node, id string, recs []record) outcome {
	var o outcome
	promotable := false
	if cl := cloneOf(r); cl != nil {
		promotable = cl.promotable
	}
	up := started
	if promotable {
		up = unpromoted
	}
	for _, rec := range recs {
		o.pending, o.monitoring = "", false
		switch {
		case rec.status == int(lrm.Cancelled):
			continue
		case rec.status == int(lrm.Pending) || rec.rc == 193:
			c.inProgress(&o, rec, n, up)
			continue
		}
		if !c.isFailure(r, rec) {
			if rec.rc == lrm.Degraded || rec.rc == lrm.DegradedPromoted {
				c.note(failure{key: opName(rec, id), node: n, op: rec.e})
			}
			c.success(&o, rec, up, r, n)
			continue
		}
		if c.expired(r, rec) && c.onFail(r, rec) != "block" {
			continue
		}
		c.failure(&o, rec, up, r, n, id)
	}
	return o
}

func (c *cluster) inProgress(o *outcome, rec record, n *node, up role) {
	o.pending = pendingWords[rec.task]
	o.monitoring = rec.task == "monitor" && rec.interval > 0
	switch rec.task {
	case "start":
		o.role = max(o.role, started)
	case "promote":
		o.role = promoted
	}
}

func (c *cluster) success(o *outcome, rec record, up role, r *resource, n *node) {
	switch rec.task {
	case "start", "migrate_from":
		*o = outcome{role: up}
	case "promote":
		*o = outcome{role: promoted}
	case "demote":
		*o = outcome{role: unpromoted}
	case "stop":
		*o = outcome{}
	case "migrate_to":
		*o = outcome{role: up}
		if c.arrived(r, rec) {
			*o = outcome{}
		}
	case "monitor":
		switch rec.rc {
		case lrm.NotRunning:
			*o = outcome{}
		case lrm.ErrInstalled:
			*o = outcome{notInstalled: true}
		case lrm.RunningPromoted, lrm.DegradedPromoted:
			o.role = promoted
		case lrm.OK, lrm.Degraded:
			if o.role == stopped || rec.probe() {
				o.role = up
			}
		}
	}
}

// arrived reports whether the target of a migration reports its success.
func (c *cluster) arrived(r *resource, rec record) bool {
	target := rec.e.Get("migrate_target")
	for _, s := range c.root.First("status").All("node_state") {
		if s.Get("uname") != target && s.ID() != target {
			continue
		}
		for _, e := range s.Path("lrm", "lrm_resources").All("lrm_resource") {
			if e.ID() != r.id {
				continue
			}
			for _, op := range e.All("lrm_rsc_op") {
				if op.Get("operation") == "migrate_from" && op.Get("rc-code") == "0" && op.Get("migrate_source") == rec.e.Get("migrate_source") {
					return true
				}
			}
		}
	}
	return false
}

// isFailure compares a result with what was expected. Older feature sets mark
// any unexpected code as status 4, so the code decides for it.
func (c *cluster) isFailure(r *resource, rec record) bool {
	switch lrm.Status(rec.status) {
	case lrm.Done, lrm.Failed:
	case lrm.NotSupported:
		return !rec.probe() && rec.interval == 0
	case lrm.TimedOut:
		return true
	default:
		return rec.status != 7 || !rec.probe() // 7: not installed
	}
	rc := rec.rc
	switch rc {
	case lrm.Degraded:
		rc = lrm.OK
	case lrm.DegradedPromoted:
		rc = lrm.RunningPromoted
	}
	switch {
	case rec.probe():
		switch rc {
		case lrm.OK, lrm.NotRunning, lrm.RunningPromoted, lrm.ErrInstalled:
			return false
		}
		return true
	case rec.target >= 0:
		return rc != rec.target
	case rec.task == "monitor":
		return rc != lrm.OK && rc != lrm.RunningPromoted
	}
	return rc != lrm.OK
}

// expired reports whether a failure is older than failure-timeout.
func (c *cluster) expired(r *resource, rec record) bool {
	d, err := cib.ParseInterval(r.meta["failure-timeout"])
	if err != nil || d == 0 || rec.change == 0 {
		return false
	}
	return time.Unix(rec.change, 0).Add(d).Before(c.now)
}

// onFail returns the policy for a failed operation.
func (c *cluster) onFail(r *resource, rec record) string {
	for _, op := range r.ops {
		if op.Get("name") != rec.task {
			continue
		}
		d, _ := cib.ParseInterval(op.Get("interval"))
		if d != rec.interval {
			continue
		}
		v := op.Get("on-fail")
		if v == "" {
			m := make(map[string]string)
			nvset(c, op, "meta_attributes", "", m)
			v = m["on-fail"]
		}
		if v != "" {
			return strings.ToLower(v)
		}
	}
	if rec.task == "stop" {
		if c.flag("stonith-enabled", true) {
			return "fence"
		}
		return "block"
	}
	return "restart"
}

func (c *cluster) failure(o *outcome, rec record, up role, r *resource, n *node, id string) {
	if rec.rc != lrm.ErrUnimplemented || rec.interval == 0 {
		c.note(failure{key: opName(rec, id), node: n, op: rec.e})
	}
	policy := c.onFail(r, rec)
	if policy == "ignore" {
		if o.role == stopped && rec.rc != lrm.NotRunning && rec.task != "stop" {
			o.role = up
		}
		o.ignored = true
		return
	}
	o.failed = true
	switch rec.task {
	case "promote":
		if o.role == stopped {
			o.role = promoted
		}
	case "demote":
		o.role = up
	case "monitor":
		if rec.rc == lrm.RunningPromoted || rec.rc == lrm.FailedPromoted {
			o.role = promoted
		} else if o.role == stopped && rec.rc != lrm.NotRunning {
			o.role = up
		}
		if rec.target == lrm.RunningPromoted {
			o.role = promoted
		}
	default:
		if o.role == stopped {
			o.role = up
		}
	}
	switch policy {
	case "block":
		// The node is going to be fenced: that is the recovery.
		o.failed, o.blocked = !n.unclean, !n.unclean
	case "fence":
		if rec.task == "stop" || rec.task != "start" {
			n.unclean = true
		}
	case "standby":
		n.standbyOnFail = true
	}
}

// note adds to the list of failed actions. The same one may be in a history
// twice: as the last operation, and as the last failure. What a lost node did
// wrong is no matter any more.
func (c *cluster) note(f failure) {
	if !f.node.online && f.node.kind == member {
		return
	}
	for _, o := range c.failures {
		if o.node == f.node && o.key == f.key && o.op.Get("operation") == f.op.Get("operation") &&
			o.op.Get("interval") == f.op.Get("interval") && o.op.Get("call-id") == f.op.Get("call-id") {
			return
		}
	}
	c.failures = append(c.failures, f)
}

// finish settles what depends on the whole picture.
func (c *cluster) finish() {
	for _, r := range c.resources {
		c.count(r)
	}
	for _, n := range c.nodes {
		if n.kind == member {
			continue
		}
		r := c.byID[n.name]
		if n.kind == guest {
			for _, o := range c.byID {
				if o.meta["remote-node"] == n.name {
					r = o
				}
			}
		}
		for _, in := range r.all() {
			n.online = n.online || in.role > stopped && !in.failed
		}
	}
}

func (r *resource) all() []*instance {
	if r == nil {
		return nil
	}
	return r.instances
}

func (c *cluster) count(r *resource) {
	for _, in := range r.instances {
		if len(in.nodes) > 1 && strings.EqualFold(r.meta["multiple-active"], "block") {
			in.blocked = true
		}
		in.unmanaged = !r.managed
		for _, n := range in.nodes {
			in.unmanaged = in.unmanaged || n.maintenance
		}
		c.instanceCount++
		if r.disabled {
			c.disabledCount++
		}
		if in.blocked {
			c.blockedCount++
		}
	}
	if r.kind == group {
		c.blockGroup(r)
	}
	for _, ch := range r.children {
		c.count(ch)
	}
}

// blockGroup blocks all members of a group instance when one of them is.
func (c *cluster) blockGroup(g *resource) {
	for _, m := range g.children {
		for i, in := range m.instances {
			if len(in.nodes) < 2 || !strings.EqualFold(m.meta["multiple-active"], "block") {
				continue
			}
			for _, sib := range g.children {
				if i < len(sib.instances) {
					sib.instances[i].blocked = true
				}
			}
		}
	}
}

// opName is the name of the resource in the key of an operation, RSC_TASK_MS.
func opName(rec record, id string) string {
	key := rec.e.Get("operation_key")
	if key == "" {
		key = rec.e.ID()
	}
	if i := strings.LastIndexByte(key, '_'); i > 0 {
		if name, ok := strings.CutSuffix(key[:i], "_"+rec.task); ok && name != "" {
			return name
		}
	}
	return id
}
