package pengine

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// scheduler is the state of one computation. Nothing in it outlives Schedule.
type scheduler struct {
	root *cib.Element
	now  time.Time
	opts Options
	byID map[string]*cib.Element

	cfg      config
	options  map[string]string
	nodes    []*node
	hashed   []*node // see nodesByHash
	nodeByID map[string]*node
	byName   map[string]*node
	dc       *node

	resources []*resource // top level, in the order of assignment
	all       []*resource // every resource, in the order of creation
	rscByID   map[string]*resource
	templates map[string]*cib.Element
	// rscByHistory finds instances by the names that histories have for them;
	// nil until a constraint asks.
	rscByHistory map[string]*resource
	templUse     map[string][]string
	tags         map[string][]string
	tickets      map[string]*ticket
	ticketDeps   map[*resource][]*ticketDep

	actions     []*action
	nodeActions map[string]*action // cluster actions by key
	nextAction  int
	locations   []*location
	colocations []*colocation
	orders      []*order
	orderSeq    int
	orphans     map[string][]*resource
	guestXML    []*cib.Element // connections to guest nodes
	configured  map[string]bool
	foreign     map[string]bool // what is left alone: ids, and prefixes that end in "-"
	lateChecks  []lateCheck
	stopNeeded  []*resource // containers of failed bundle connections
	hasRemotes  bool
	failed      []failedOp
	rescheduled []reschedule
	digests     map[digestKey]digestBasis
	stamp       uint32
	updateDepth int
	mergeWork   int // spent of mergeBudget

	haveQuorum, haveFenceDevice bool
	unfencing                   bool // some resource provides or requires it
	clusterName                 string
	disabled, blocked, ninst    int
	warnings, errors, notes     []string
	seenMsg                     map[string]bool
	nextChange                  time.Time
	scores                      []ScoreLine
	capacity                    []CapacityLine
	rscDefaults, opDefaults     *cib.Element
	featureSet                  string
	graph                       *Graph
	dumped                      []*action
	actionSlab                  []action      // room for the next actions
	graphSlab                   []GraphAction // room for the next elements of the graph
	merged                      []edge        // buffers
	params                      []Param
	locationsByRsc              map[*resource][]*location
	steps                       map[*resource]*step
	stepOfLine                  []lineStep
}

// config holds the cluster options that the engine reads.
type config struct {
	fencing, startupFencing, concurrentFencing bool
	fenceAction                                string
	fenceTimeout                               int64 // ms
	quorum                                     quorumPolicy
	symmetric, stopAll, stopOrphans            bool
	stopOrphanActions                          bool
	maintenance, startFatal                    bool
	probes, removeAfterStop                    bool
	watchdog                                   bool
	watchdogTimeout                            int64
	placement                                  string
	priorityDelay                              int64
	clusterDelay                               string
	batchLimit, migrationLimit                 string
	shutdownLock                               bool
	lockLimit                                  int64 // ms
	healthStrategy                             string
	health                                     healthScores
}

// Options change how Schedule works; the zero value is the normal way.
type Options struct {
	// TransitionID is written into the graph.
	TransitionID int
	// StatusOnly unpacks the status and plans nothing.
	StatusOnly bool
	// Constraints has them understood with StatusOnly too: what a lost ticket
	// means for nodes is in the status then.
	Constraints bool
	// ShowPending lets the status text name operations that are under way.
	ShowPending bool
	// LocalOnly tells that nothing can be executed over connections to remote
	// nodes and in bundles: they are left as they are, with a warning by id.
	// Nor can unfencing and shutdown locks be: a warning says so.
	LocalOnly bool
	// Sanitized tells that secrets in the CIB may have been hidden: parameters
	// that a history calls private are not compared with it.
	Sanitized bool
	// Explain keeps the contributions behind every score and the cause of
	// every action.
	Explain bool
}

func (s *scheduler) errorf(format string, a ...any) {
	m := fmt.Sprintf(format, a...)
	if !s.seenMsg["E"+m] {
		s.seenMsg["E"+m] = true
		s.errors = append(s.errors, m)
	}
}

func (s *scheduler) warnf(format string, a ...any) {
	m := fmt.Sprintf(format, a...)
	if !s.seenMsg["W"+m] {
		s.seenMsg["W"+m] = true
		s.warnings = append(s.warnings, m)
	}
}

// notef records what is worth knowing and nothing wrong.
func (s *scheduler) notef(format string, a ...any) {
	m := fmt.Sprintf(format, a...)
	if !s.seenMsg["N"+m] {
		s.seenMsg["N"+m] = true
		s.notes = append(s.notes, m)
	}
}

// option returns a cluster option or its default.
func (s *scheduler) option(name, def string) string {
	if v, ok := s.options[name]; ok && v != "" {
		return v
	}
	return def
}

func (s *scheduler) boolOption(name string, def bool) bool {
	v, ok := s.options[name]
	if !ok {
		return def
	}
	b, ok := parseBool(v)
	if !ok {
		s.warnf("cluster option %s has the value %q, which is not a boolean: the default %t is used", name, v, def)
		return def
	}
	return b
}

func (s *scheduler) msOption(name, def string) int64 {
	ms := parseSpan(s.option(name, def))
	if ms < 0 {
		s.warnf("cluster option %s has the value %q, which is not a time: the default %s is used", name, s.options[name], def)
		ms = parseSpan(def)
	}
	return ms
}

func (s *scheduler) unpackConfig() {
	s.options = map[string]string{}
	d := &ruleData{now: s.now, changes: &s.nextChange}
	if cc := s.root.Path("configuration", "crm_config"); cc != nil {
		s.unpackSets(cc, "cluster_property_set", "cib-bootstrap-options", d, putInto(s.options))
	}
	s.rscDefaults = s.root.Path("configuration", "rsc_defaults")
	s.opDefaults = s.root.Path("configuration", "op_defaults")
	s.haveQuorum = isTrue(s.root.Get("have-quorum"))
	s.clusterName = s.options["cluster-name"]
	s.featureSet = s.root.Get("crm_feature_set")
	c := &s.cfg
	c.fencing = s.boolOption("stonith-enabled", true)
	c.startupFencing = s.boolOption("startup-fencing", true)
	c.concurrentFencing = s.boolOption("concurrent-fencing", false)
	c.fenceAction = s.option("stonith-action", "reboot")
	if c.fenceAction == "poweroff" {
		c.fenceAction = "off"
	}
	c.fenceTimeout = s.msOption("stonith-timeout", "60s")
	c.priorityDelay = s.msOption("priority-fencing-delay", "0")
	c.symmetric = s.boolOption("symmetric-cluster", true)
	c.stopAll = s.boolOption("stop-all-resources", false)
	c.stopOrphans = s.boolOption("stop-orphan-resources", true)
	c.stopOrphanActions = s.boolOption("stop-orphan-actions", true)
	c.removeAfterStop = s.boolOption("remove-after-stop", false)
	c.maintenance = s.boolOption("maintenance-mode", false)
	c.startFatal = s.boolOption("start-failure-is-fatal", true)
	c.probes = s.boolOption("enable-startup-probes", true)
	c.watchdog = s.boolOption("have-watchdog", false)
	c.watchdogTimeout = parseSpan(s.option("stonith-watchdog-timeout", "0"))
	c.shutdownLock = s.boolOption("shutdown-lock", false)
	c.placement = s.placementStrategy()
	c.clusterDelay = s.option("cluster-delay", "60s")
	c.batchLimit = s.option("batch-limit", "0")
	c.migrationLimit = s.option("migration-limit", "-1")
	s.unpackHealth()
	if c.fencing && c.watchdog {
		s.haveFenceDevice = true
	}
	if !c.startupFencing {
		s.notef("startup-fencing is false: nodes that were never seen are not fenced, whatever they may run")
	}
	switch p := s.option("no-quorum-policy", "stop"); p {
	case "ignore":
		c.quorum = quorumIgnore
	case "freeze":
		c.quorum = quorumFreeze
	case "demote":
		c.quorum = quorumDemote
	case "suicide":
		switch {
		case !c.fencing:
			s.errorf("no-quorum-policy suicide needs fencing, which is disabled: nodes without quorum stop everything, none is fenced")
		case isTrue(s.root.Get("no-quorum-panic")) || s.haveQuorum:
			c.quorum = quorumSuicide
		default:
			s.notef("no-quorum-policy suicide is not used because the cluster never had quorum: stop is used")
		}
	case "stop":
	default:
		s.errorf("no-quorum-policy has the unknown value %q: stop is used", p)
	}
	if c.shutdownLock && s.opts.LocalOnly {
		s.warnf("cluster option shutdown-lock is ignored: this program does not execute shutdown locks yet")
		c.shutdownLock = false
	}
	if c.shutdownLock {
		c.lockLimit = s.msOption("shutdown-lock-limit", "0")
	}
}

// unpackTags reads tags and remembers templates, so that constraints may name
// them.
func (s *scheduler) unpackTags() {
	s.tags = map[string][]string{}
	tags := s.root.Path("configuration", "tags")
	if tags == nil {
		return
	}
	for _, t := range tags.All("tag") {
		for _, o := range t.All("obj_ref") {
			if o.ID() != "" && t.ID() != "" {
				s.tags[t.ID()] = append(s.tags[t.ID()], o.ID())
			}
		}
	}
}

// eachCandidate calls f for every node in the table of r.
func (s *scheduler) eachCandidate(r *resource, f func(n *node, c *cand)) {
	for i := range r.allowed {
		if r.allowed[i].present {
			f(s.nodes[i], &r.allowed[i])
		}
	}
}

// available reports whether the node with candidacy c may get resources.
func available(n *node, c *cand, considerScore bool) bool {
	if considerScore && c.w < 0 {
		return false
	}
	return n.canRun()
}

// anyAvailable reports whether a table has a node on which resources may run.
func (s *scheduler) anyAvailable(table []cand) bool {
	for i := range table {
		if table[i].present && table[i].w >= 0 && s.nodes[i].canRun() {
			return true
		}
	}
	return false
}

// sortedNodes returns the nodes of a table in the order of preference. active
// is preferred among equals.
func (s *scheduler) sortedNodes(table []cand, active *node) []*node {
	out := make([]*node, 0, len(table))
	if s.cfg.placement == placeBalanced {
		return s.balancedNodes(table, active, out)
	}
	for i := range table {
		if table[i].present {
			out = append(out, s.nodes[i])
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return s.nodeLess(table, active, out[i], out[j]) })
	return out
}

func (s *scheduler) nodeLess(table []cand, active, a, b *node) bool {
	wa, wb := table[a.idx].w, table[b.idx].w
	if !a.canRun() {
		wa = -Infinity
	}
	if !b.canRun() {
		wb = -Infinity
	}
	if wa != wb {
		return wa > wb
	}
	if s.cfg.placement == placeBalanced {
		if v := compareCapacity(a, b); v != 0 {
			return v < 0
		}
	}
	if s.cfg.placement != placeMinimal {
		if a.numResources != b.numResources {
			return a.numResources < b.numResources
		}
		if active == a && a != b {
			return true
		}
		if active == b && a != b {
			return false
		}
	}
	return strings.Compare(a.uname, b.uname) < 0
}
