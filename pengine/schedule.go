package pengine

import (
	"errors"
	"fmt"
	"time"

	"github.com/quorate/quorate/cib"
)

// ErrNoConfiguration tells that a document is not a CIB that can be scheduled.
var ErrNoConfiguration = errors.New("the document is not a CIB with a configuration")

// Result is what Schedule makes of a CIB.
type Result struct {
	// Graph is the transition that leads to the wanted state.
	Graph *Graph
	// Scores are the allocation scores in the order of their computation.
	Scores []ScoreLine
	// Capacity are the lines about capacities, in the same order.
	Capacity []CapacityLine
	// Warnings and Errors tell what is wrong in the CIB or the cluster, one
	// sentence each.
	Warnings, Errors []string
	// Notes tell what is worth knowing though nothing is wrong.
	Notes []string
	// NextChange is the earliest time at which the same CIB may give another
	// result, zero when there is none.
	NextChange time.Time
	// Now is the time the result holds for.
	Now time.Time

	s *scheduler
}

// Schedule computes the transition that a CIB calls for at the given time. The
// CIB is not changed. It never panics on bad input: what cannot be used is
// reported in Result.Errors by id and left out.
func Schedule(root *cib.Element, now time.Time, opts Options) (*Result, error) {
	if root == nil || root.Name != "cib" || root.First("configuration") == nil {
		return nil, fmt.Errorf("schedule: %w", ErrNoConfiguration)
	}
	s := &scheduler{root: root, now: now, opts: opts, seenMsg: map[string]bool{}, nodeActions: map[string]*action{}}
	s.unpack()
	switch {
	case !opts.StatusOnly:
		s.plan()
	case opts.Constraints:
		s.unpackConstraints()
	}
	return &Result{Graph: s.graph, Scores: s.scores, Capacity: s.capacity, Warnings: s.warnings, Errors: s.errors, Notes: s.notes,
		NextChange: s.nextChange, Now: now, s: s}, nil
}

func (s *scheduler) unpack() {
	s.unpackConfig()
	s.unpackTags()
	s.unpackNodes()
	s.unpackResources()
	s.checkFencing()
	s.unpackStatus()
	for _, n := range s.nodes {
		if n.state != nil && !n.overConnection() && (!n.online || n.shutdown) {
			n.score = -Infinity
		}
	}
}

func (s *scheduler) plan() {
	s.applyHealth()
	s.unpackConstraints()
	s.nodeCriteria()
	for _, r := range s.resources {
		s.internalConstraints(r)
	}
	s.sortColocations()
	s.configChanges()
	s.sortByPreference()
	s.scores = make([]ScoreLine, 0, len(s.all)*len(s.nodes))
	s.showCapacities("Original")
	for _, r := range s.resources {
		if s.hasRemotes && r.is(rConnection) {
			// Those of a migration under way go where it leads to.
			s.assign(r, r.migrateTo)
		}
	}
	for _, r := range s.resources {
		s.assign(r, nil)
	}
	s.checkLate()
	s.showCapacities("Remaining")
	if s.cfg.probes {
		s.scheduleProbes()
	}
	s.clearOrphanFailures()
	for _, r := range s.resources {
		s.createActions(r)
	}
	s.orderConnections()
	s.fencingAndShutdowns()
	s.applyOrders()
	s.breakLoadLoops()
	s.buildGraph()
	s.explainActions()
}

// clearOrphanFailures forgets the failures of resources that no longer exist.
func (s *scheduler) clearOrphanFailures() {
	if !s.cfg.stopOrphans {
		return
	}
	for _, r := range s.resources {
		if !r.is(rOrphan) || r.variant != primitiveVariant {
			continue
		}
		for _, n := range s.nodes {
			if !n.online {
				continue
			}
			if c, _ := s.failCount(n, r, true, nil); c == 0 {
				continue
			}
			a := s.clearFailCount(r, n, "it is orphaned")
			s.addOrder(&order{act1: a, rsc1: r, rsc2: r, task2: tStop, flags: oOptional})
		}
	}
}

// Maintenance reports whether the cluster is in maintenance mode.
func (r *Result) Maintenance() bool { return r.s.cfg.maintenance }
