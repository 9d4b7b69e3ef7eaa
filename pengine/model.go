package pengine

import (
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// role is the state of a resource on a node, ordered by how active it is.
type role uint8

const (
	roleUnknown role = iota
	roleStopped
	roleStarted
	roleUnpromoted
	rolePromoted
)

var roleNames = [...]string{"Unknown", "Stopped", "Started", "Unpromoted", "Promoted"}

func (r role) String() string { return roleNames[r] }

// parseRole reads a role as written in a CIB; the old names are accepted.
func parseRole(s string) role {
	switch strings.ToLower(s) {
	case "stopped":
		return roleStopped
	case "started":
		return roleStarted
	case "slave", "unpromoted":
		return roleUnpromoted
	case "master", "promoted":
		return rolePromoted
	}
	return roleUnknown
}

type variant uint8

const (
	primitiveVariant variant = iota
	groupVariant
	cloneVariant
)

// onFail is what a failure of an operation leads to, in growing severity.
type onFail int8

const (
	failIgnore onFail = iota
	failDemote
	failRecover
	failRestartContainer
	failBlock
	failStop
	failBan
	failStandby
	failFence
)

var onFailNames = [...]string{"ignore", "demote", "recover", "restart-container", "block", "stop", "migrate", "standby", "fence"}

// multiPolicy is the meta attribute multiple-active.
type multiPolicy uint8

const (
	multiStopStart multiPolicy = iota
	multiStopOnly
	multiBlock
	multiStopUnexpected
)

// quorumPolicy is the cluster option no-quorum-policy.
type quorumPolicy uint8

const (
	quorumStop quorumPolicy = iota
	quorumFreeze
	quorumIgnore
	quorumSuicide
	quorumDemote
)

// discovery is the attribute resource-discovery of a location constraint.
type discovery uint8

const (
	discoverAlways discovery = iota
	discoverNever
	discoverExclusive
)

// node is one cluster node.
type node struct {
	idx       int
	id, uname string
	kind      string
	attrs     map[string]string
	xml       *cib.Element
	state     *cib.Element
	lrm       *cib.Element
	history   map[string]*cib.Element
	failNames int8 // whether it has fail counts: 0 not looked, 1 no, 2 yes
	score     Score

	online, standby, standbyOnFail, pending, unclean, unseen bool
	shutdown, expectedUp, isDC, maintenance                  bool
	noDiscovery                                              bool
	remote                                                   bool
	running                                                  []*resource
	assigned                                                 []*resource
	numResources                                             int
	priority                                                 int
	fence                                                    *action
	acts                                                     []*action
	// healthy is false for a node that cannot get resources at all.
	featureSet string
}

// attr returns a node attribute; #uname and the like are in the table.
func (n *node) attr(name string) string { return n.attrs[name] }

// canRun reports whether resources may run on the node at all.
func (n *node) canRun() bool {
	return n != nil && n.online && !n.shutdown && !n.unclean && !n.standby && !n.maintenance
}

// canKeep is canRun that tolerates maintenance mode.
func (n *node) canKeep() bool {
	return n != nil && n.online && !n.shutdown && !n.unclean && !n.standby
}

// cand is the candidacy of a node for a resource.
type cand struct {
	w        Score
	count    int32
	present  bool
	discover discovery
}

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
	lockNode      *node

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

type opKey struct {
	task     string
	interval int64
}

func (r *resource) is(f uint32) bool { return r.flags&f != 0 }
func (r *resource) set(f uint32)     { r.flags |= f }
func (r *resource) clear(f uint32)   { r.flags &^= f }

// top returns the outermost ancestor, the resource itself at least.
func (r *resource) top() *resource {
	for r.parent != nil {
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

// action is one planned or possible operation.
type action struct {
	id       int
	task     string
	kt       string // task of the key; a cancel keeps that of what it cancels
	interval int64
	key      string // overrides the key made of resource, task and interval
	rsc      *resource
	node     *node
	flags    uint32
	priority Score
	reason   string
	cause    string
	needs    uint8
	onFail   onFail
	failRole role
	cancel   string // task that a cancel operation cancels
	op       *opInfo
	targetRC int // -1 when none is expected
	extra    []Param
	before   []edge // actions that come before this one
	after    []edge
	// required counts the unsatisfied-able members of a one-or-more set.
	runnableBefore, requiredBefore int
	status                         uint8
	graph                          *GraphAction
	inputs                         []*action
	notifyKey                      *notifyData
	notifyEnv                      []Param
	prio                           bool
	custom                         bool // key does not follow from resource, task and interval
	stamp                          uint32
	slot                           int32    // place among the merged orderings while the graph is built
	migrate                        [2]*node // source and target
}

// Flags of an action.
const (
	aPseudo uint32 = 1 << iota
	aRunnable
	aOptional
	aPrintAlways
	aImpliedByStonith // cleared when it is implied by fencing
	aMigratable
	aDumped
	aProcessed
	aTracking
	aDedup
	aMigrateAllowed
	aRequiresAny
	aReschedule
	aDangling
	aFailureIsFatal
	aMinRunnable
	aDoneByStonith
)

// Requirements of an action.
const (
	needsNothing uint8 = iota
	needsQuorum
	needsFencing
)

func (a *action) is(f uint32) bool { return a.flags&f == f }
func (a *action) set(f uint32)     { a.flags |= f }
func (a *action) clear(f uint32)   { a.flags &^= f }

// edge is one ordering between two actions.
type edge struct {
	a *action
	t uint32
	// used is set when the edge became an input of the graph.
	used bool
}

// Kinds of orderings, combined as bits.
const (
	oOptional             uint32 = 1 << iota // pure ordering, nothing implied
	oApplyFirstNonMigr                       // only if 'first' is not migrated
	oImpliesFirst                            // if 'then' is required, so is 'first'
	oImpliesThen                             // if 'first' is required, so is 'then'
	oPromotedImpliesFirst                    // as oImpliesFirst for a promoted 'then'
	oImpliesFirstMigr                        // as oImpliesFirst, only for a migratable 'first'
	oRunnableLeft                            // 'then' requires 'first' to be runnable
	oPseudoLeft                              // 'then' may be pseudo only if 'first' is
	oImpliesThenOnNode                       // as oImpliesThen, same node only
	oProbe                                   // a probe comes first
	oRestart                                 // 'then' is half of a restart
	oStonithStop                             // only if 'first' is fencing
	oSerialize                               // just avoid doing both at once
	oSameNode                                // if both are on one node
	oImpliesFirstPrinted                     // show 'first' though optional
	oImpliesThenPrinted                      // show 'then' though optional
	oAsymmetrical                            // no reverse of this ordering
	oLoad                                    // only to have room
	oOneOrMore                               // 'then' needs some of its 'first's
	oAntiColocation                          // from a negative colocation
	oPreserve                                // keeps an ordering through translations
	oThenCancelsFirst                        // a required 'then' cancels 'first'
)

const oNone uint32 = 0

// Operation names.
const (
	tStart       = "start"
	tStop        = "stop"
	tRunning     = "running"
	tStopped     = "stopped"
	tMonitor     = "monitor"
	tPromote     = "promote"
	tPromoted    = "promoted"
	tDemote      = "demote"
	tDemoted     = "demoted"
	tMigrateTo   = "migrate_to"
	tMigrateFrom = "migrate_from"
	tNotify      = "notify"
	tNotified    = "notified"
	tCancel      = "cancel"
	tDelete      = "delete"
	tReload      = "reload"
	tReloadAgent = "reload-agent"
	tStonith     = "stonith"
	tShutdown    = "do_shutdown"
	tClearFail   = "clear_failcount"
	tRefresh     = "lrm_refresh"
)

func opKeyString(rsc, task string, interval int64) string {
	return rsc + "_" + task + "_" + strconv.FormatInt(interval, 10)
}

// uuid returns the operation key.
func (a *action) uuid() string {
	if a.key == "" {
		if a.rsc == nil {
			return a.task
		}
		if a.op == nil || a.rsc.variant != primitiveVariant {
			a.key = opKeyString(a.rsc.id, a.kt, a.interval)
			return a.key
		}
		if a.op.key == "" {
			a.op.key = opKeyString(a.rsc.id, a.kt, a.interval)
		}
		a.key = a.op.key
	}
	return a.key
}

// Score arithmetic saturates at infinity, and minus infinity wins.
func addScores(a, b Score) Score {
	switch {
	case a <= -Infinity || b <= -Infinity:
		return -Infinity
	case a >= Infinity || b >= Infinity:
		return Infinity
	}
	s := a + b
	if s > Infinity {
		return Infinity
	}
	if s < -Infinity {
		return -Infinity
	}
	return s
}

// parseScore reads a score; the colour names are those of node health.
func parseScore(s string) Score {
	switch s {
	case "":
		return 0
	case "INFINITY", "+INFINITY":
		return Infinity
	case "-INFINITY":
		return -Infinity
	case "red":
		return -Infinity
	case "yellow", "green":
		return 0
	}
	return clampScore(parseInt(s))
}

func clampScore(v int64) Score {
	if v > int64(Infinity) {
		return Infinity
	}
	if v < -int64(Infinity) {
		return -Infinity
	}
	return Score(v)
}

// parseInt reads the leading integer of s as strtoll does; 0 without one.
func parseInt(s string) int64 {
	s = strings.TrimLeft(s, " \t\n")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	v, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil && i > 1 {
		if s[0] == '-' {
			return -1 << 62
		}
		if len(s[:i]) > 18 {
			return 1 << 62
		}
	}
	return v
}

// String writes a score as the tools do.
func (s Score) String() string {
	switch {
	case s >= Infinity:
		return "INFINITY"
	case s <= -Infinity:
		return "-INFINITY"
	}
	return strconv.Itoa(int(s))
}

// isTrue reads a boolean as the CIB writes it.
func isTrue(s string) bool {
	b, _ := parseBool(s)
	return b
}

func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "y", "1":
		return true, true
	case "false", "off", "no", "n", "0":
		return false, true
	}
	return false, false
}

// parseMsec reads a time with unit in milliseconds; -1 when it cannot be read.
func parseMsec(s string) int64 {
	s = strings.TrimSpace(s)
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 {
		if strings.HasPrefix(s, "P") {
			if d, ok := parseISODuration(s); ok {
				return d.Milliseconds()
			}
		}
		return -1
	}
	v, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil {
		return -1
	}
	mul := int64(1000)
	switch strings.ToLower(strings.TrimSpace(s[i:])) {
	case "ms", "msec":
		mul = 1
	case "us", "usec":
		return v / 1000
	case "", "s", "sec":
	case "m", "min":
		mul = 60000
	case "h", "hr":
		mul = 3600000
	default:
		return -1
	}
	if v > (1<<62)/mul {
		return 1<<31 - 1
	}
	return v * mul
}
