package pengine

import (
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
)

// defaultTimeout of an operation in milliseconds.
const defaultTimeout = 20000

// opInfo is the configuration of one operation of a resource, evaluated once.
type opInfo struct {
	xml        *cib.Element
	meta       map[string]string
	onFail     onFail
	failRole   role
	startDelay int64
	params     map[string]string
	key        string  // of the actions of a primitive
	base       []Param // of the actions of a primitive in the graph
}

// findOp returns the op element for a task and interval, disabled ones too
// when asked.
func (s *scheduler) findOp(r *resource, task string, interval int64, disabled bool) *cib.Element {
	find := func(task string) *cib.Element {
		for _, i := range r.opsNamed(task, interval) {
			op := r.opsXML[i]
			if e, ok := parseBool(op.Get("enabled")); ok && !e && !disabled {
				continue
			}
			return op
		}
		return nil
	}
	if op := find(task); op != nil {
		return op
	}
	if interval == 0 && (task == tMigrateTo || task == tMigrateFrom) {
		return find("migrate")
	}
	return nil
}

// operation evaluates the configuration of an operation.
func (s *scheduler) operation(r *resource, task string, interval int64) *opInfo {
	k := opKey{task, interval}
	if o := r.ops[k]; o != nil {
		return o
	}
	o := s.evaluateOp(r, task, task, interval)
	if r.ops == nil {
		r.ops = map[opKey]*opInfo{}
	}
	r.ops[k] = o
	return o
}

// evaluateOp evaluates the configuration of an operation for a task, which the
// rules see by the name of what is going to be executed.
func (s *scheduler) evaluateOp(r *resource, task, executed string, interval int64) *opInfo {
	o := &opInfo{meta: map[string]string{}}
	o.xml = s.findOp(r, task, interval, true) // by the key, whatever is executed
	m := o.meta
	d := &ruleData{now: s.now, changes: &s.nextChange, hasRsc: true, class: r.class, provider: r.provider,
		typ: r.typ, hasOp: true, opName: executed, opInterval: interval}
	probe := task == tMonitor && interval == 0
	if s.opDefaults != nil {
		s.unpackSets(s.opDefaults, "meta_attributes", "", d, putInto(m))
	}
	if probe {
		if t := s.shortestMonitor(r); t != nil {
			if v, ok := t.Lookup("timeout"); ok {
				m["timeout"] = v
			}
		}
	}
	if o.xml != nil {
		own := map[string]string{}
		s.unpackSetsOrder(o.xml, "meta_attributes", "", d, false, putInto(own))
		for k, v := range own {
			m[k] = v
		}
		for _, a := range o.xml.Attrs {
			m[a.Name] = a.Value
		}
		o.params = map[string]string{}
		s.unpackSets(o.xml, "instance_attributes", "", d, putInto(o.params))
	}
	delete(m, "id")
	if interval > 0 {
		m["interval"] = strconv.FormatInt(interval, 10)
	} else {
		delete(m, "interval")
	}
	if r.class == "stonith" && (task == tStart || probe) {
		if v, ok := s.parameters(r, nil)["pcmk_monitor_timeout"]; ok {
			m["timeout"] = v
		}
	}
	timeout := int64(-1)
	if v, ok := m["timeout"]; ok {
		timeout = parseDelay(v)
	}
	if timeout < 0 {
		timeout = defaultTimeout
	}
	m["timeout"] = strconv.FormatInt(timeout, 10)
	s.readOnFail(r, o, task, interval)
	if v, ok := m["start-delay"]; ok {
		o.startDelay = max(0, parseDelay(v))
		m["start-delay"] = strconv.FormatInt(o.startDelay, 10)
	} else if v, ok := m["interval-origin"]; ok && interval > 0 {
		o.startDelay = s.originDelay(v, interval)
		m["start-delay"] = strconv.FormatInt(o.startDelay, 10)
	}
	return o
}

// originDelay returns the time in ms until the next multiple of an interval
// counted from an origin.
func (s *scheduler) originDelay(v string, interval int64) int64 {
	t, ok := parseDate(v, s.now.Location())
	if !ok {
		s.errorf("interval-origin %q cannot be read and is ignored", v)
		return 0
	}
	sec := s.now.Unix() - t.Unix()
	isec := interval / 1000
	if isec <= 0 {
		return 0
	}
	delay := sec % isec
	if delay == 0 {
		return 0
	}
	if sec > 0 {
		return (isec - delay) * 1000
	}
	return -delay * 1000
}

// shortestMonitor returns the monitor with the shortest interval.
func (s *scheduler) shortestMonitor(r *resource) *cib.Element {
	var best *cib.Element
	var bestMS int64
	for _, op := range r.opsXML {
		if op.Get("name") != tMonitor {
			continue
		}
		if e, ok := parseBool(op.Get("enabled")); ok && !e {
			continue
		}
		ms := parseInterval(op)
		if ms > 0 && (best == nil || ms < bestMS) {
			best, bestMS = op, ms
		}
	}
	return best
}

func (s *scheduler) readOnFail(r *resource, o *opInfo, task string, interval int64) {
	v, ok := o.meta["on-fail"]
	if task == tDelete {
		v, ok = "ignore", true
	}
	if ok && task == tStop && (v == "standby" || v == "stop" || v == "demote") {
		s.errorf("resource %s: on-fail %s of its stop operation is not allowed: the default is used", r.id, v)
		ok = false
	}
	if !ok && task == tDemote {
		for _, op := range r.opsXML {
			of := op.Get("on-fail")
			if e, known := parseBool(op.Get("enabled")); known && !e {
				continue
			}
			if op.Get("name") == tMonitor && parseRole(op.Get("role")) == rolePromoted && parseInterval(op) > 0 &&
				of != "" && of != "demote" {
				v, ok = of, true
				break
			}
		}
	} else if ok && v == "demote" {
		monitor := task == tMonitor && interval > 0 && parseRole(o.meta["role"]) == rolePromoted
		if task != tPromote && !monitor {
			s.errorf("resource %s: on-fail demote of its %s operation is not allowed: the default is used", r.id, task)
			ok = false
		}
	}
	o.failRole = roleUnknown
	if ok {
		switch strings.ToLower(v) {
		case "block":
			o.onFail = failBlock
			o.meta["on-fail"] = "block"
		case "fence":
			if s.cfg.fencing {
				o.onFail = failFence
			} else {
				s.errorf("resource %s: on-fail fence of its %s operation is not valid without fencing: stop is used", r.id, task)
				o.onFail, o.failRole = failStop, roleStopped
			}
		case "standby":
			o.onFail = failStandby
		case "ignore", "nothing":
			o.onFail = failIgnore
		case "migrate":
			o.onFail = failBan
		case "stop":
			o.onFail, o.failRole = failStop, roleStopped
		case "restart":
			o.onFail = failRecover
		case "restart-container":
			if ok = r.container != nil; ok {
				o.onFail = failRestartContainer
			}
		case "demote":
			o.onFail = failDemote
		default:
			s.errorf("resource %s: on-fail of its %s operation has the unknown value %q: the default is used", r.id, task, v)
			ok = false
		}
	}
	if !ok {
		switch {
		case r.container != nil:
			o.onFail = failRestartContainer
		case r.remoteConnection() && task != tStart && (task != tMonitor || interval > 0):
			// The node is out of reach.
			o.onFail = failResetRemote
			if !r.is(rManaged) {
				o.onFail = failStop
			}
			if !r.is(rManaged) || r.reconnect > 0 {
				o.failRole = roleStopped
			}
		case task != tStop:
			o.onFail = failRecover
		case s.cfg.fencing:
			o.onFail = failFence
		default:
			o.onFail = failBlock
		}
	}
	if v, ok := o.meta["role_after_failure"]; ok && o.failRole == roleUnknown {
		o.failRole = parseRole(v)
	}
	if o.failRole == roleUnknown {
		o.failRole = roleStarted
		if task == tPromote {
			o.failRole = roleUnpromoted
		}
	}
}

// newAction returns the action of a resource for a task on a node, which is
// created when it does not exist yet. n may be nil: any node matches.
func (s *scheduler) newAction(r *resource, task string, interval int64, n *node, optional bool) *action {
	return s.newKeyed(r, "", task, interval, n, optional)
}

func (s *scheduler) newKeyed(r *resource, key, task string, interval int64, n *node, optional bool) *action {
	var a *action
	if key == "" {
		a = r.find(task, interval, n)
	}
	for i := len(r.actions) - 1; key != "" && i >= 0; i-- {
		x := r.actions[i]
		if x.uuid() != key {
			continue
		}
		if n != nil && x.node == nil {
			x.node = n
		}
		if n == nil || x.node == n {
			a = x
			break
		}
	}
	if a == nil {
		a = s.addAction(r, key, task, interval, n, optional)
	}
	s.actionOptional(a, optional)
	s.actionRunnable(a, true)
	return a
}

// addAction creates an action without looking for an existing one.
func (s *scheduler) addAction(r *resource, key, task string, interval int64, n *node, optional bool) *action {
	if len(s.actionSlab) == 0 {
		s.actionSlab = make([]action, min(256, 16+len(s.actions)))
	}
	a := &s.actionSlab[0]
	s.actionSlab = s.actionSlab[1:]
	*a = action{id: s.nextAction, task: task, kt: task, interval: interval, key: key, rsc: r, node: n, targetRC: -1, flags: aRunnable, custom: key != ""}
	s.nextAction++
	if optional {
		a.flags |= aOptional
	}
	s.actions = append(s.actions, a)
	if r == nil {
		return a
	}
	r.index(a, len(s.nodes))
	opTask := task
	if r.variant == primitiveVariant {
		a.op = s.operation(r, opTask, interval)
	} else {
		a.op = emptyOp
	}
	a.onFail, a.failRole = a.op.onFail, a.op.failRole
	if task == tStart || task == tPromote {
		switch {
		case r.is(rNeedsFencing):
			a.needs = needsFencing
		case r.is(rNeedsQuorum):
			a.needs = needsQuorum
		}
	}
	return a
}

var emptyOp = &opInfo{meta: map[string]string{"timeout": "20000"}, onFail: failRecover, failRole: roleStarted}

// actionOptional makes an action required unless its resource is unmanaged.
func (s *scheduler) actionOptional(a *action, optional bool) {
	if a.rsc != nil && a.node != nil && !a.is(aPseudo) && !a.rsc.is(rManaged) && a.interval == 0 {
		a.set(aOptional)
	} else if !optional {
		a.clear(aOptional)
	}
}

func (s *scheduler) actionRunnable(a *action, forGraph bool) {
	if a.is(aPseudo) || a.rsc == nil {
		return
	}
	switch {
	case a.node == nil:
		a.clear(aRunnable)
	case a.task == tLRMDelete:
		// It changes the CIB only.
	case !a.node.online && !(a.node.isGuest() && !a.node.reset):
		a.clear(aRunnable)
		if a.rsc.is(rManaged) && forGraph && a.task == tStop && !a.node.unclean {
			s.fenceNode(a.node, a.task+" is unrunnable", false)
		}
	case a.node.pending:
		a.clear(aRunnable)
	case a.needs == needsNothing:
		a.reason = ""
		if a.node.isGuest() && !s.canFence(a.node) {
			// Its host is lost and cannot be fenced.
			a.clear(aRunnable)
		} else {
			a.set(aRunnable)
		}
	default:
		switch s.quorumFor(a.rsc) {
		case quorumStop, quorumSuicide:
			a.clear(aRunnable)
			a.reason = "no quorum"
		case quorumFreeze:
			if !a.rsc.active(true) || a.rsc.next > a.rsc.role {
				a.clear(aRunnable)
				a.reason = "quorum freeze"
			}
		default:
			a.set(aRunnable)
		}
	}
}

// quorumFor returns the quorum policy in force for a resource; ignore with
// quorum.
func (s *scheduler) quorumFor(r *resource) quorumPolicy {
	if s.haveQuorum {
		return quorumIgnore
	}
	if s.cfg.quorum == quorumSuicide {
		return quorumIgnore
	}
	if s.cfg.quorum == quorumDemote {
		if r.role == rolePromoted || r.role == roleUnpromoted {
			if r.next > roleUnpromoted {
				s.setNext(r, roleUnpromoted, "no-quorum-policy=demote")
			}
			return quorumIgnore
		}
		return quorumStop
	}
	return s.cfg.quorum
}

func (s *scheduler) setNext(r *resource, to role, why string) {
	r.next = to
	if to == roleUnknown {
		why = ""
	}
	r.nextReason = why
}

// setReason gives an action a reason if it has none or if overwrite is set.
func (a *action) setReason(reason string, overwrite bool) {
	if overwrite || a.reason == "" {
		a.reason = reason
	}
}

// clearBecause clears a flag of a and remembers the action that caused it.
func (a *action) clearBecause(flag uint32, by *action) {
	if a.flags&flag == 0 {
		return
	}
	a.flags &^= flag
	if a.rsc != by.rsc {
		change := "required"
		switch flag {
		case aRunnable, aMigratable:
			change = "unrunnable"
		}
		text := change + " " + by.task
		if by.rsc != nil {
			text = change + " " + by.rsc.id + " " + by.task
		}
		a.setReason(text, flag == aMigratable)
	}
}

// active reports whether a resource is active; all asks it of every child.
func (r *resource) active(all bool) bool {
	switch r.variant {
	case primitiveVariant:
		for _, n := range r.running {
			if n.unclean {
				return true
			}
			if !n.online && r.is(rManaged) {
				continue
			}
			return true
		}
		return false
	case groupVariant:
		act, inactive := false, false
		for _, c := range r.children {
			if c.active(all) {
				act = true
			} else {
				inactive = true
			}
		}
		if all {
			return act && !inactive
		}
		return act
	}
	for _, c := range r.children {
		a := c.active(all)
		if !all && a {
			return true
		}
		if all && !a {
			return false
		}
	}
	return all
}

// state returns the role of the resource now or, for groups and clones, the
// highest of their children.
func (r *resource) state(current bool) role {
	if r.isBundle() {
		return roleUnknown
	}
	if r.variant == primitiveVariant {
		if current {
			return r.role
		}
		return r.next
	}
	best := roleUnknown
	for _, c := range r.children {
		best = max(best, c.state(current))
	}
	return best
}

// firstAction returns the newest action of r (not of its children) with the
// task, on the node if given.
func (r *resource) firstAction(task string, n *node) *action {
	list := r.others
	if task == tMonitor {
		list = r.actions
	}
	for i := len(list) - 1; i >= 0; i-- {
		a := list[i]
		if a.task != task {
			continue
		}
		if n == nil || a.node == n {
			return a
		}
	}
	return nil
}

// findKeyed returns the actions of r with task and interval; a nil node matches
// any, and an action without node gets the node.
func (r *resource) findKeyed(task string, interval int64, n *node) []*action {
	var out []*action
	list := r.withKey(task, interval)
	for i := len(list) - 1; i >= 0; i-- {
		a := list[i]
		if a.kt != task || a.interval != interval || a.custom {
			continue
		}
		if n != nil && a.node == nil {
			a.node = n
		}
		if n == nil || a.node == n {
			out = append(out, a)
		}
	}
	return out
}

// findExact returns the actions of r with task and interval planned exactly on
// the node.
func (r *resource) findExact(task string, interval int64, n *node) []*action {
	var out []*action
	if n == nil {
		return nil
	}
	list := r.withKey(task, interval)
	for i := len(list) - 1; i >= 0; i-- {
		a := list[i]
		if a.kt == task && a.interval == interval && a.node == n && !a.custom {
			out = append(out, a)
		}
	}
	return out
}

// pseudo returns a pseudo action of a collective resource.
func (s *scheduler) pseudo(r *resource, task string, optional, runnable bool) *action {
	a := s.newAction(r, task, 0, nil, optional)
	a.set(aPseudo)
	if runnable {
		a.set(aRunnable)
	} else {
		a.clear(aRunnable)
	}
	return a
}

// newGlobal returns the cluster action with the key.
func (s *scheduler) newGlobal(key, task string, n *node, optional bool) *action {
	a := s.nodeActions[key]
	if a == nil {
		a = s.addAction(nil, key, task, 0, n, optional)
		s.nodeActions[key] = a
		if n != nil {
			n.acts = append(n.acts, a)
		}
	}
	if !optional {
		a.clear(aOptional)
	}
	return a
}

func (s *scheduler) startAction(r *resource, n *node, optional bool) *action {
	return s.newAction(r, tStart, 0, n, optional)
}

func (s *scheduler) stopAction(r *resource, n *node, optional bool) *action {
	return s.newAction(r, tStop, 0, n, optional)
}

func (s *scheduler) promoteAction(r *resource, n *node, optional bool) *action {
	return s.newAction(r, tPromote, 0, n, optional)
}

func (s *scheduler) demoteAction(r *resource, n *node, optional bool) *action {
	return s.newAction(r, tDemote, 0, n, optional)
}
