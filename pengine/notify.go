package pengine

import (
	"slices"
	"strings"
)

// notifyKey is the key of a notification event.
func notifyKey(id, kind, task string) string { return id + "_" + kind + "_notify_" + task + "_0" }

type notifyEntry struct {
	rsc  *resource
	node *node
}

// notifyData holds the events of the notifications around one task of a clone.
type notifyData struct {
	task              string
	action            *action // the event that is announced
	pre, preDone      *action
	post, postDone    *action
	start, stop       []notifyEntry
	promote, demote   []notifyEntry
	active, inactive  []notifyEntry
	promoted, unprom  []notifyEntry
	env               []Param
	done              bool
	kind, op, keyTask string
}

func (s *scheduler) notifyPseudo(r *resource, a *action, task, kind string, d *notifyData) *action {
	n := s.newKeyed(r, notifyKey(r.id, kind, a.task), task, 0, nil, a.is(aOptional))
	n.set(aPseudo)
	n.notifyKey = &notifyData{kind: kind, op: d.task, keyTask: a.task, action: a}
	return n
}

// notifyPseudos makes the events before and after a task of a clone.
func (s *scheduler) notifyPseudos(r *resource, task string, a, complete *action) *notifyData {
	if !r.is(rNotify) {
		return nil
	}
	d := &notifyData{task: task, action: a}
	if a != nil {
		d.pre = s.notifyPseudo(r, a, tNotify, "pre", d)
		d.pre.set(aRunnable)
		d.preDone = s.notifyPseudo(r, a, tNotified, "confirmed-pre", d)
		d.preDone.set(aRunnable)
		s.orderActions(d.pre, d.preDone, oOptional)
		s.orderActions(d.preDone, a, oOptional)
	}
	if complete != nil {
		d.post = s.notifyPseudo(r, complete, tNotify, "post", d)
		d.postDone = s.notifyPseudo(r, complete, tNotified, "confirmed-post", d)
		for _, x := range []*action{d.post, d.postDone} {
			x.priority = Infinity
			if complete.is(aRunnable) {
				x.set(aRunnable)
			} else {
				x.clear(aRunnable)
			}
		}
		s.orderActions(complete, d.post, oImpliesThen)
		s.orderActions(d.post, d.postDone, oImpliesThen)
	}
	if a != nil && complete != nil {
		s.orderActions(d.preDone, d.post, oOptional)
	}
	return d
}

func (s *scheduler) collectNotify(r *resource, activity bool, d *notifyData) {
	if len(r.children) > 0 {
		for _, c := range r.children {
			s.collectNotify(c, activity, d)
		}
		return
	}
	e := notifyEntry{rsc: r}
	if len(r.running) > 0 {
		e.node = r.running[0]
	}
	switch r.role {
	case roleStopped:
		d.inactive = append(d.inactive, e)
	case roleStarted:
		d.active = append(d.active, e)
	case roleUnpromoted:
		d.unprom = append(d.unprom, e)
		d.active = append(d.active, e)
	case rolePromoted:
		d.promoted = append(d.promoted, e)
		d.active = append(d.active, e)
	}
	if !activity {
		return
	}
	for _, a := range r.actions {
		if a.is(aOptional) || a.node == nil {
			continue
		}
		if !(a.task == tStop && a.node.unclean) && !a.is(aRunnable) {
			continue
		}
		e := notifyEntry{r, a.node}
		switch a.task {
		case tStart:
			d.start = append(d.start, e)
		case tStop:
			d.stop = append(d.stop, e)
		case tPromote:
			d.promote = append(d.promote, e)
		case tDemote:
			d.demote = append(d.demote, e)
		}
	}
}

func (d *notifyData) list(name string, l []notifyEntry, nodes bool) {
	slices.SortStableFunc(l, func(a, b notifyEntry) int {
		if c := strings.Compare(a.rsc.id, b.rsc.id); c != 0 {
			return c
		}
		x, y := "", ""
		if a.node != nil {
			x = a.node.id
		}
		if b.node != nil {
			y = b.node.id
		}
		return strings.Compare(x, y)
	})
	var rs, ns strings.Builder
	last := ""
	for _, e := range l {
		if e.node == nil && nodes {
			continue
		}
		if e.rsc.id == last {
			continue
		}
		last = e.rsc.id
		if rs.Len() > 0 {
			rs.WriteByte(' ')
			ns.WriteByte(' ')
		}
		rs.WriteString(e.rsc.id)
		if e.node != nil {
			ns.WriteString(e.node.uname)
		}
	}
	put := func(n, v string) {
		if v == "" {
			v = " "
		}
		d.env = append(d.env, Param{n, v})
	}
	put("notify_"+name+"_resource", rs.String())
	if nodes {
		put("notify_"+name+"_uname", ns.String())
	}
	old := ""
	switch name {
	case "promoted":
		old = "master"
	case "unpromoted":
		old = "slave"
	}
	if old != "" {
		put("notify_"+old+"_resource", rs.String())
		put("notify_"+old+"_uname", ns.String())
	}
}

// notifyEnv fills the variables of the notifications and tells which are
// needed.
func (s *scheduler) notifyEnv(r *resource, d *notifyData) {
	required := false
	for _, l := range []struct {
		task string
		list []notifyEntry
	}{{tStart, d.start}, {tStop, d.stop}, {tPromote, d.promote}, {tDemote, d.demote}} {
		d.list(l.task, l.list, true)
		if len(l.list) > 0 && d.task == l.task {
			required = true
		}
	}
	d.list("active", d.active, true)
	d.list("unpromoted", d.unprom, true)
	d.list("promoted", d.promoted, true)
	d.list("inactive", d.inactive, false)
	var allowed, all []string
	for _, n := range s.nodes {
		all = append(all, n.uname)
		if r.allowed[n.idx].present {
			allowed = append(allowed, n.uname)
		}
	}
	slices.Sort(allowed)
	slices.Sort(all)
	if r.meta[attributeTarget] == "host" {
		hosts := make([]string, len(all))
		for i, name := range all {
			hosts[i] = name
			if n := s.byName[name]; n.isGuest() && len(n.connection.container.running) > 0 {
				hosts[i] = n.connection.container.running[0].uname
			}
		}
		d.env = append(d.env, Param{"notify_all_hosts", strings.Join(hosts, " ")})
	}
	d.env = append(d.env, Param{"notify_available_uname", strings.Join(allowed, " ")},
		Param{"notify_all_uname", strings.Join(all, " ")})
	if !required {
		// They are as optional as the event was when it was planned.
		return
	}
	for _, a := range []*action{d.pre, d.preDone, d.post, d.postDone} {
		if a != nil {
			a.clear(aOptional)
		}
	}
}

// createNotifications makes the notify operations of one task of a clone.
func (s *scheduler) createNotifications(r *resource, d *notifyData) {
	if d == nil || d.done {
		return
	}
	d.done = true
	s.collectNotify(r, true, d)
	s.notifyEnv(r, d)
	s.notifyActions(r, d)
}

// addNotifyEnv gives an action the variables of one more notification; what it
// has already, after fencing, stays.
func (a *action) addNotifyEnv(env []Param) {
	if a.notifyEnv == nil {
		a.notifyEnv = env
		return
	}
	all := slices.Clip(a.notifyEnv)
	for _, p := range env {
		if !slices.ContainsFunc(a.notifyEnv, func(q Param) bool { return q.Name == p.Name }) {
			all = append(all, p)
		}
	}
	a.notifyEnv = all
}

func (s *scheduler) notifyActions(r *resource, d *notifyData) {
	if len(r.children) > 0 {
		for _, c := range r.children {
			s.notifyActions(c, d)
		}
		return
	}
	for _, a := range r.actions {
		if a.is(aOptional) || a.node == nil {
			continue
		}
		switch a.task {
		case tStart, tStop, tPromote, tDemote:
			a.addNotifyEnv(d.env)
		}
	}
	switch {
	case d.task == tStart && len(d.start) == 0, d.task == tPromote && len(d.promote) == 0,
		d.task == tDemote && len(d.demote) == 0:
		return
	}
	if r.role != roleStopped && (d.task == tStop || d.task == tDemote) {
		for _, n := range r.running {
			if n.reset && n.isGuest() {
				continue // nobody is there any more
			}
			var stop *action
			if d.task == tStop {
				stop = r.firstAction(tStop, n)
				if stop != nil && stop.is(aPseudo) && n.unclean {
					continue
				}
			}
			s.notifyAction(r, n, d.pre, d.preDone, d)
			if d.task == tDemote || stop == nil || stop.is(aOptional) {
				s.postNotify(r, n, d)
			}
		}
	}
	if r.next != roleStopped && (d.task == tStart || d.task == tPromote) {
		var start *action
		if d.task == tStart {
			if start = r.firstAction(tStart, nil); start != nil && start.is(aOptional) {
				start = nil
			}
		}
		if r.assigned == nil || r.lostInside() {
			return
		}
		if d.task != tStart || start == nil {
			s.notifyAction(r, r.assigned, d.pre, d.preDone, d)
		}
		s.postNotify(r, r.assigned, d)
	}
}

func (s *scheduler) notifyAction(r *resource, n *node, op, done *action, d *notifyData) *action {
	if op == nil || done == nil || n == nil || !n.online || !op.is(aRunnable) {
		return nil
	}
	k := op.notifyKey
	a := s.newKeyed(r, notifyKey(r.id, k.kind, k.op), tNotify, 0, n, op.is(aOptional))
	if a.notifyKey == nil {
		a.notifyKey = k
	}
	a.addNotifyEnv(d.env)
	if op.rsc.variant == primitiveVariant {
		// After fencing one instance announces to the others, with the options
		// of its own notify operation where they have none.
		for k, v := range op.op.meta {
			a.extra = append(a.extra, Param{metaName(k), v})
		}
	}
	s.orderActions(op, a, oOptional)
	s.orderActions(a, done, oOptional)
	return a
}

func (s *scheduler) postNotify(r *resource, n *node, d *notifyData) {
	if a := s.notifyAction(r, n, d.post, d.postDone, d); a != nil {
		a.priority = Infinity
	}
	if d.postDone == nil {
		return
	}
	for _, m := range r.actions {
		if m.interval > 0 && m.task != tCancel {
			s.orderActions(d.postDone, m, oOptional)
		}
	}
}

// notifyAfterFencing announces the stop that fencing implies.
func (s *scheduler) notifyAfterFencing(stop *action, r *resource, op *action) {
	d := s.notifyPseudos(r, tStop, nil, op)
	if d == nil {
		return
	}
	s.collectNotify(r, false, d)
	d.env = append(d.env, Param{"notify_stop_resource", r.id}, Param{"notify_stop_uname", stop.node.uname})
	s.notifyActions(r.top(), d)
}
