package pengine

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
)

// Agent return codes.
const (
	rcOK                 = 0
	rcUnknownError       = 1
	rcInvalidParam       = 2
	rcUnimplemented      = 3
	rcInsufficientPriv   = 4
	rcNotInstalled       = 5
	rcNotConfigured      = 6
	rcNotRunning         = 7
	rcRunningPromoted    = 8
	rcFailedPromoted     = 9
	rcDegraded           = 190
	rcDegradedPromoted   = 191
	rcUnknown            = 193
	rcOtherNotSpecified  = -1
	operationStatusFirst = -2
)

// Execution status of an operation (op-status).
const (
	stUnknown      = -2
	stPending      = -1
	stDone         = 0
	stCancelled    = 1
	stTimeout      = 2
	stNotSupported = 3
	stError        = 4
	stErrorHard    = 5
	stErrorFatal   = 6
	stNotInstalled = 7
	stNotConnected = 8
	stInvalid      = 9
	stNoDevice     = 10
	stNoSecrets    = 11
)

// failedOp is an entry of the list of failed resource actions.
type failedOp struct {
	op   *cib.Element
	node *node
	rsc  *resource
}

// opEntry is one operation of a history while it is judged.
type opEntry struct {
	xml      *cib.Element
	id, task string
	interval int64
	callID   int
	status   int
	rc       int
	expected int // -1 when unknown
	uuid     string
	actionID int
	transID  int
	changed  int64 // last-rc-change
	expired  bool
}

// transitionKey splits "action:transition:targetrc:uuid".
func transitionKey(op *cib.Element) (actionID, transition int, uuid string, target int, ok bool) {
	k := op.Get("transition-key")
	p := strings.SplitN(k, ":", 4)
	if len(p) != 4 {
		return -1, -1, "", -1, false
	}
	a, e1 := strconv.Atoi(p[0])
	t, e2 := strconv.Atoi(p[1])
	g, e3 := strconv.Atoi(p[2])
	if e1 != nil || e2 != nil || e3 != nil {
		return -1, -1, "", -1, false
	}
	return a, t, p[3], g, true
}

// atoiOr reads an integer or returns def.
func atoiOr(v string, def int) int {
	if v == "" {
		return def
	}
	if n, err := strconv.Atoi(v); err == nil {
		return n
	}
	return def
}

func readOp(e *cib.Element) *opEntry {
	h := &opEntry{xml: e, id: e.ID(), task: e.Get("operation")}
	h.interval = parseInt(e.Get("interval"))
	if h.interval < 0 {
		h.interval = 0
	}
	h.callID = atoiOr(e.Get("call-id"), -1)
	h.status = atoiOr(e.Get("op-status"), stUnknown)
	h.rc = atoiOr(e.Get("rc-code"), rcUnknown)
	var ok bool
	h.actionID, h.transID, h.uuid, h.expected, ok = transitionKey(e)
	if !ok {
		h.expected = -1
	}
	h.changed = parseInt(e.Get("last-rc-change"))
	return h
}

// probe reports whether the operation is a one-time monitor.
func (h *opEntry) probe() bool { return h.task == tMonitor && h.interval == 0 }

// opBefore compares two operations of one resource on one node by age.
func opBefore(a, b *opEntry) int {
	if a.id == b.id {
		return 0
	}
	switch {
	case a.callID == -1 && b.callID == -1:
		return 0
	case a.callID >= 0 && a.callID < b.callID:
		return -1
	case b.callID >= 0 && a.callID > b.callID:
		return 1
	case b.callID >= 0 && a.callID == b.callID:
		switch {
		case a.changed < b.changed && a.changed >= 0:
			return -1
		case b.changed >= 0 && a.changed > b.changed:
			return 1
		}
		return 0
	}
	return pendingBefore(a, b)
}

// pendingBefore compares two operations, one of which is under way and has
// neither a call nor a time: by the transitions that asked for them.
func pendingBefore(a, b *opEntry) int {
	if a.callID == -1 && b.callID == -1 || a.uuid == "" || b.uuid == "" {
		return 0
	}
	if a.uuid != b.uuid || a.transID == b.transID {
		if b.callID == -1 {
			return -1
		}
		if a.callID == -1 {
			return 1
		}
		return 0
	}
	if a.transID >= 0 && a.transID < b.transID || b.transID == -1 {
		return -1
	}
	if b.transID >= 0 && a.transID > b.transID || a.transID == -1 {
		return 1
	}
	return 0
}

// newerOp compares the age of two operations of possibly different nodes: 1
// when a is newer.
func newerOp(a, b *opEntry, sameNode bool) int {
	if a.callID == b.callID && a.id == b.id && sameNode && a.xml == b.xml {
		return 0
	}
	if sameNode {
		return opBefore(a, b)
	}
	switch {
	case a.callID < 0 || b.callID < 0:
		return pendingBefore(a, b)
	case a.changed > 0 && b.changed > 0:
		return cmp.Compare(a.changed, b.changed)
	}
	return 0
}

// sortOps puts operations in the order of their age. opBefore is not transitive
// where pending operations are among them, so that the result depends on the
// algorithm: a merge sort of the reversed list.
func sortOps(ops []*opEntry) {
	slices.Reverse(ops)
	mergeSort(ops, opBefore)
}

// historyOf returns the lrm_resource of a resource on a node, or nil.
func (s *scheduler) historyOf(n *node, id string) *cib.Element {
	if n == nil || n.state == nil {
		return nil
	}
	if n.history == nil {
		n.history = map[string]*cib.Element{}
		for _, e := range n.state.Path("lrm", "lrm_resources").All("lrm_resource") {
			n.history[e.ID()] = e
		}
	}
	return n.history[id]
}

// unpackHistory reads what ran on a node.
func (s *scheduler) unpackHistory(n *node, resources *cib.Element) {
	if resources == nil {
		return
	}
	for _, e := range resources.All("lrm_resource") {
		if e.ID() == "" {
			s.errorf("line %d: a resource history without id is ignored", e.Line)
			continue
		}
		s.unpackResourceHistory(n, e)
	}
	s.orphanContainers(resources.All("lrm_resource"))
}

func (s *scheduler) unpackResourceHistory(n *node, e *cib.Element) {
	var ops []*opEntry
	for _, c := range e.Children {
		// Notifications say nothing about the state.
		if c.Name == "lrm_rsc_op" && c.Get("operation") != tNotify {
			ops = append(ops, readOp(c))
		}
	}
	if len(ops) == 0 && !(s.cfg.shutdownLock && parseInt(e.Get(lockAttr)) > 0) {
		return
	}
	if s.isForeign(e) {
		return
	}
	r := s.findHistoryResource(n, e.ID())
	if r == nil {
		if len(ops) == 0 {
			return
		}
		if r = s.orphan(e, n); r == nil {
			return
		}
	}
	s.readLock(r, n, e)
	if len(ops) == 0 {
		return
	}
	saved := r.role
	r.role = roleUnknown
	of := failIgnore
	var lastFailure *opEntry
	if len(ops) > 1 {
		sortOps(ops)
	}
	// What recurs follows from the results as they were recorded.
	start, stop := activeOps(ops)
	for _, h := range ops {
		s.unpackOp(r, n, h, &lastFailure, &of)
	}
	s.recurringHistory(r, n, ops, start, stop)
	s.resourceState(r, n, of)
	if want, ok := s.targetRole(r); ok {
		if r.next == roleUnknown || want < r.next {
			s.setNext(r, want, "target-role")
		}
	}
	if saved > r.role {
		r.role = saved
	}
}

// activeOps finds the last start and stop among the operations of a history.
func activeOps(ops []*opEntry) (start, stop int) {
	start, stop = -1, -1
	monitor, clone := -1, -1
	for i, h := range ops {
		switch {
		case h.task == tStop && h.status == stDone:
			stop = i
		case h.task == tStart || h.task == tMigrateFrom:
			start = i
		case h.task == tMonitor && monitor <= stop:
			switch h.rc {
			case rcOK, rcRunningPromoted, rcDegraded, rcDegradedPromoted:
				monitor = i
			}
		case h.task == tPromote || h.task == tDemote:
			clone = i
		}
	}
	if start == -1 {
		if clone != -1 {
			start = clone
		} else {
			start = monitor
		}
	}
	return start, stop
}

// recurringHistory remembers the recurring operations that are running.
func (s *scheduler) recurringHistory(r *resource, n *node, ops []*opEntry, start, stop int) {
	if !n.online {
		return
	}
	for i, h := range ops {
		if start < stop && i <= stop || i < start || h.interval == 0 || h.status == stPending {
			continue
		}
		s.newAction(r, h.task, h.interval, n, true)
	}
}

// findHistoryResource returns the resource to which a history entry belongs.
func (s *scheduler) findHistoryResource(n *node, id string) *resource {
	r := s.rscByID[id]
	var parent *resource
	if r == nil {
		if c := s.rscByID[baseID(id)+":0"]; c != nil && !c.is(rUnique) {
			r, parent = c, c.top()
		}
	} else if r.variant != primitiveVariant {
		// The id is that of a group or clone now: the history is an orphan.
		return nil
	} else {
		parent = r.top()
	}
	if parent.isAnonClone() && parent.parent != nil {
		r = nil
		if rep := parent.parent.bundle.replicaOn(n); rep != nil {
			r = rep.child
		}
	} else if parent.isAnonClone() {
		r = s.findAnonymous(n, parent, baseID(id))
	}
	if r != nil && id != r.id && id != r.lrmID {
		r.lrmID = id
	}
	return r
}

// member returns the resource below instance c (or c) with the base id.
func member(c *resource, base string) *resource {
	if c.variant == primitiveVariant {
		if baseID(c.id) == base {
			return c
		}
		return nil
	}
	for _, m := range c.children {
		if x := member(m, base); x != nil {
			return x
		}
	}
	return nil
}

// pendingElsewhere reports whether an operation of the instance is under way on
// another node.
func (r *resource) pendingElsewhere(n *node) bool {
	for _, c := range r.children {
		if c.pendingElsewhere(n) {
			return true
		}
	}
	return r.pendingNode != nil && r.pendingNode != n
}

// findAnonymous assigns an instance of an anonymous clone to the history on a
// node.
func (s *scheduler) findAnonymous(n *node, parent *resource, base string) *resource {
	var r, inactive *resource
	skip := false
	// The node remembers the instance it used last, so that this stays linear.
	start := 0
	if parent.scanFrom != nil {
		start = parent.scanFrom[base]
	}
	if len(parent.children) > 0 && parent.children[0].variant == primitiveVariant {
		for start < len(parent.children) && len(parent.children[start].running) > 0 && parent.children[start].running[0] != n {
			start++
		}
		if parent.scanFrom == nil {
			parent.scanFrom = map[string]int{}
		}
	} else {
		start = 0
	}
	for _, c := range parent.children[start:] {
		places := c.location()
		if len(places) > 0 {
			if places[0] == n {
				r = member(c, base)
				if r != nil && len(r.running) > 0 {
					s.notef("anonymous clone %s has more than one history on %s", parent.id, n.uname)
					skip, r = true, nil
				}
			}
		} else if !skip && inactive == nil && !c.is(rBlocked) {
			inactive = member(c, base)
			if inactive != nil && c.pendingElsewhere(n) {
				inactive = nil
			}
		}
		if r != nil {
			break
		}
	}
	if r == nil && !skip {
		r = inactive
	}
	if r != nil && !r.is(rNeedsFencing) && (!n.online || n.unclean) && !s.universal(parent) {
		r = nil
	}
	if r == nil {
		if top := s.addInstance(parent); top != nil {
			r = member(top, base)
		}
	}
	return r
}

// universal reports whether a clone has one instance for every node, no more
// and no less.
func (s *scheduler) universal(r *resource) bool { return r.cloneMax == s.bornNodes() }

// orphan makes a resource for a history without configuration.
func (s *scheduler) orphan(e *cib.Element, n *node) *resource {
	x := cib.New("primitive", "id", e.ID(), "class", e.Get("class"), "provider", e.Get("provider"), "type", e.Get("type"))
	x.Line = e.Line
	r := s.unpackResourceFlags(x, nil, -1, rOrphan)
	if r == nil {
		return nil
	}
	s.linkConnection(r)
	s.resources = append(s.resources, r)
	if s.orphans == nil {
		s.orphans = map[string][]*resource{}
	}
	s.orphans[r.id] = append(s.orphans[r.id], r)
	if !s.cfg.stopOrphans {
		r.clear(rManaged)
	} else {
		s.locationScore(r, nil, -Infinity, "orphan")
	}
	return r
}
