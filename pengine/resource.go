package pengine

import (
	"time"

	"github.com/quorate/quorate/cib"
)

// Flags of a resource.
const (
	rManaged uint32 = 1 << iota
	rBlocked
	rOrphan
	rUnique
	rNotify
	rFailed
	rStop
	rMaintenance
	rCritical
	rFenceDevice
	rNeedsQuorum
	rNeedsFencing
	rMigratable
	rProvisional
	rAssigning
	rMerging
	rStartPending
	rFailureIgnored
	rReload
	rRestarting
	rStopUnexpected
	rPromotable
	rDisabled
	rPromotableScored
	rExclusiveDiscovery
	rPromotedAssigned
	rRemovedFromGroup
	// rConnection: it connects to a remote or guest node.
	rConnection
	// rAllowRemotes: it may lead from one remote node to another.
	rAllowRemotes
	// rNeedsUnfencing: it runs only on nodes that were unfenced.
	rNeedsUnfencing
)

// resource is a primitive, a group, a clone or an instance of one.
type resource struct {
	idx    int
	id     string
	lrmID  string // the name under which a node's history knows it, or ""
	xml    *cib.Element
	opsXML []*cib.Element

	variant   variant
	class     string
	provider  string
	typ       string
	parent    *resource
	children  []*resource
	instance  int // number of a clone instance, -1 otherwise
	flags     uint32
	meta      map[string]string
	metaOrder []string

	priority           int
	stickiness         Score
	defaultStickiness  bool // the stickiness is that of clones without any
	failureTimeout     time.Duration
	migrationThreshold Score
	multi              multiPolicy
	restartWithDep     bool // restart-type=restart

	role, next    role
	nextReason    string
	running       []*node
	known         []bool // by node index
	allowed       []cand
	assigned      *node
	assignedScore Score
	actions       []*action
	others        []*action           // actions but for probes and recurring monitors
	monitors      map[int64][]*action // recurring monitors by interval
	opIndex       map[opKey][]int
	probes        []*action
	probeAt       []*action // the newest probe on each node
	looseProbes   bool      // a probe was planned without node
	dangling      []*node   // nodes where a migration left it
	migrateTo     *node     // partial migration target
	migrateFrom   *node     // partial migration source
	pendingTask   string
	pendingNode   *node
	lockNode      *node       // to which it is locked by shutdown-lock
	lockTime      int64       // since when, in seconds of the epoch
	container     *resource   // what it is inside of, or nil
	fillers       []*resource // what is inside of it
	bundle        *bundleData
	reconnect     int64 // reconnect_interval of a connection, in ms

	thisWith, withThis []*colocation
	locations          []*location
	contributions      []contribution
	promotion          []contribution // to the promotion score
	cloneMax           int
	cloneNodeMax       int
	cloneMin           int
	promotedMax        int
	promotedNodeMax    int
	interleave         bool
	ordered            bool
	collocated         bool
	totalClones        int
	template           *cib.Element // the child a clone copies
	promotionSum       Score        // of an instance
	sortIndex          Score
	notifyStart        *notifyData
	notifyPromote      *notifyData
	notifyDemote       *notifyData
	notifyStop         *notifyData
	params             map[string]string
	needs              amounts // of the capacity of its node
	paramsByNode       map[int]map[string]string

	metaFlat      []Param
	ref           *PrimitiveRef
	promoteDone   bool
	numbered      bool
	instanceAt    []*resource
	scanFrom      map[string]int
	ops           map[opKey]*opInfo
	opByNodeMeta  bool
	dynamicParams bool
}

func (r *resource) is(f uint32) bool { return r.flags&f != 0 }
func (r *resource) set(f uint32)     { r.flags |= f }
func (r *resource) clear(f uint32)   { r.flags &^= f }

// top returns the outermost ancestor that is no bundle, the resource itself at
// least.
func (r *resource) top() *resource {
	for r.parent != nil && r.parent.variant != bundleVariant {
		r = r.parent
	}
	return r
}

func (r *resource) isClone() bool      { return r != nil && r.variant == cloneVariant }
func (r *resource) isAnonClone() bool  { return r.isClone() && !r.is(rUnique) }
func (r *resource) isGroup() bool      { return r != nil && r.variant == groupVariant }
func (r *resource) inGroup() bool      { return r.parent.isGroup() }
func (r *resource) isPrimitive() bool  { return r.variant == primitiveVariant }
func (r *resource) isPromotable() bool { return r.is(rPromotable) }

// inPromotable reports whether an ancestor is a promotable clone.
func (r *resource) inPromotable() bool { return r.top().is(rPromotable) }

// historyID is the name under which the LRM knows the resource.
func (r *resource) historyID() string {
	if r.lrmID != "" {
		return r.lrmID
	}
	return r.id
}

// current returns the node on which the resource is considered to run now: the
// source of a partial migration if any, otherwise the first running node,
// preferring clean ones where it must be chosen.
func (r *resource) current() *node {
	n, _, _ := r.activeNodes()
	return n
}

// activeNodes returns the current node, and how many nodes it is active on,
// all and clean ones.
func (r *resource) activeNodes() (active *node, all, clean int) {
	// A collective resource lists a node once, but once for each of its members
	// that is not managed.
	for _, n := range r.running {
		active = r.countActive(active, n, &all, &clean)
	}
	return active, all, clean
}

// multiplyActive reports whether it is active on more than one node. What does
// not require fencing is, where a node is unclean or offline, not active for sure.
func (r *resource) multiplyActive() bool {
	_, all, clean := r.activeNodes()
	if r.is(rNeedsFencing) {
		return all > 1
	}
	return clean > 1
}

func (r *resource) countActive(active, n *node, all, clean *int) *node {
	*all++
	happy := n.online && !n.unclean
	keep := false
	if happy {
		*clean++
	}
	// A partial migration is considered active on its source.
	switch {
	case r.migrateFrom != nil && r.migrateFrom == n:
		keep = true
	case !r.is(rNeedsFencing):
		// Without fencing a resource on an unclean node may still run:
		// prefer a clean node.
		keep = happy && (active == nil || !active.online || active.unclean)
	default:
		keep = active == nil
	}
	if keep || active == nil {
		if r.migrateFrom != nil && active == r.migrateFrom {
			return active
		}
		return n
	}
	return active
}

// location returns the nodes on which the resource (or any child) is active.
func (r *resource) location() []*node {
	if r.variant == primitiveVariant {
		return r.running
	}
	var out []*node
	seen := map[*node]bool{}
	for _, c := range r.children {
		for _, n := range c.location() {
			if !seen[n] {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	return out
}
