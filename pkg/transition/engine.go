package transition

import (
	"fmt"

	"github.com/quorate/quorate/pengine"
)

type state uint8

const (
	waiting state = iota
	fired
	confirmed
	failed
)

// Engine runs one graph.
type Engine struct {
	graph   *pengine.Graph
	byID    map[int]int
	state   []state
	missing []int   // unconfirmed inputs of each action
	next    [][]int // actions which an action is an input of
	ready   []int   // indices with no missing input, not fired
	running int
	limit   int
	// migrations bounds the migrations a node takes part in at a time, -1: no
	// bound; migrating counts them.
	migrations int
	migrating  map[string]int
	done       int
	failed     int

	aborted  bool
	priority pengine.Score
	reason   string
}

// New returns an engine for a graph. At most batchLimit actions run at a time;
// 0 means no limit. An input that names no action of the graph is ignored: it
// was satisfied before the graph was made.
func New(g *pengine.Graph, batchLimit int) *Engine {
	e := &Engine{
		graph:   g,
		byID:    make(map[int]int, len(g.Actions)),
		state:   make([]state, len(g.Actions)),
		missing: make([]int, len(g.Actions)),
		next:    make([][]int, len(g.Actions)),
		limit:   batchLimit,

		migrations: -1,
		migrating:  map[string]int{},
	}
	for i, a := range g.Actions {
		e.byID[a.ID] = i
	}
	for i, a := range g.Actions {
		for _, in := range a.Inputs {
			if j, ok := e.byID[in]; ok && j != i {
				e.missing[i]++
				e.next[j] = append(e.next[j], i)
			}
		}
		if e.missing[i] == 0 {
			e.ready = append(e.ready, i)
		}
	}
	return e
}

// LimitMigrations bounds how many migrations a node may take part in at a time,
// as their source or target (migration-limit); n <= 0 means no limit.
func (e *Engine) LimitMigrations(n int) {
	if e.migrations = n; n <= 0 {
		e.migrations = -1
	}
}

// migration returns the nodes that an action of a live migration burdens.
func migration(a *pengine.GraphAction) []string {
	if a.Operation != "migrate_to" && a.Operation != "migrate_from" {
		return nil
	}
	nodes := []string{a.Node}
	for _, name := range []string{"CRM_meta_migrate_source", "CRM_meta_migrate_target"} {
		if n := a.Param(name); n != "" && n != a.Node {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// migrationWaits tells whether one of the nodes migrates as much as it may.
func (e *Engine) migrationWaits(nodes []string) bool {
	for _, n := range nodes {
		if e.migrations >= 0 && e.migrating[n] >= e.migrations {
			return true
		}
	}
	return false
}

// Fire returns the actions to start now, in the order of the graph. Pseudo
// events complete by themselves and are returned too, for the log.
func (e *Engine) Fire() []*pengine.GraphAction {
	var out []*pengine.GraphAction
	var kept []int
	for len(e.ready) > 0 {
		i := e.ready[0]
		e.ready = e.ready[1:]
		a := e.graph.Actions[i]
		if e.aborted && a.Priority < e.priority {
			continue
		}
		if a.Kind == pengine.PseudoEvent {
			out = append(out, a)
			e.state[i] = fired
			e.running++
			e.confirm(i, true)
			continue
		}
		nodes := migration(a)
		if e.limit > 0 && e.running >= e.limit || e.migrationWaits(nodes) {
			kept = append(kept, i)
			continue
		}
		for _, n := range nodes {
			e.migrating[n]++
		}
		e.state[i] = fired
		e.running++
		out = append(out, a)
	}
	e.ready = kept
	return out
}

// Confirm takes the result of a fired action and reports whether it was one of
// this graph still running. After a failure nothing that depends on the action
// is fired.
func (e *Engine) Confirm(id int, ok bool) bool {
	i, found := e.byID[id]
	if !found || e.state[i] != fired {
		return false
	}
	e.confirm(i, ok)
	return true
}

func (e *Engine) confirm(i int, ok bool) {
	e.running--
	for _, n := range migration(e.graph.Actions[i]) {
		e.migrating[n]--
	}
	if !ok {
		e.state[i] = failed
		e.failed++
		return
	}
	e.state[i] = confirmed
	e.done++
	for _, j := range e.next[i] {
		if e.missing[j]--; e.missing[j] == 0 {
			e.ready = append(e.ready, j)
		}
	}
}

// Abort stops the firing of actions below the given priority; the first reason
// of the highest priority is kept.
func (e *Engine) Abort(priority pengine.Score, reason string) {
	if !e.aborted || priority > e.priority {
		e.aborted, e.priority, e.reason = true, priority, reason
	}
}

// Aborted returns the reason of an abort.
func (e *Engine) Aborted() (reason string, aborted bool) { return e.reason, e.aborted }

// Over reports whether nothing runs and nothing more can be fired. Call it
// after Fire.
func (e *Engine) Over() bool { return e.running == 0 && len(e.ready) == 0 }

// Complete reports whether every action was confirmed.
func (e *Engine) Complete() bool { return e.done == len(e.graph.Actions) }

// Running returns the fired, unconfirmed actions in the order of the graph.
func (e *Engine) Running() []*pengine.GraphAction {
	var out []*pengine.GraphAction
	for i, s := range e.state {
		if s == fired {
			out = append(out, e.graph.Actions[i])
		}
	}
	return out
}

// Graph returns the graph being run.
func (e *Engine) Graph() *pengine.Graph { return e.graph }

// String is the progress line that users know.
func (e *Engine) String() string {
	skipped := 0
	for i, s := range e.state {
		if s == waiting && e.missing[i] == 0 {
			skipped++
		}
	}
	return fmt.Sprintf("Transition %d: (Complete=%d, Pending=%d, Fired=%d, Skipped=%d, Incomplete=%d)",
		e.graph.TransitionID, e.done, e.running, e.done+e.running+e.failed, skipped,
		len(e.state)-e.done-e.running-skipped)
}
