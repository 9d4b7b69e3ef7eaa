package pengine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
)

// The placement strategies (Pacemaker Explained, "Utilization and Placement
// Strategy").
const (
	placeDefault     = "default"     // by number of resources
	placeUtilization = "utilization" // where there is room, by number of resources
	placeBalanced    = "balanced"    // where there is most room
	placeMinimal     = "minimal"     // where there is room, on few nodes
)

// amounts are capacities or requirements by name.
type amounts map[string]int

// names returns the names in order.
func (a amounts) names() []string {
	out := make([]string, 0, len(a))
	for k := range a {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// String writes amounts as crm_simulate does: each with a blank before it.
func (a amounts) String() string {
	var b strings.Builder
	for _, k := range a.names() {
		b.WriteString(" " + k + "=" + strconv.Itoa(a[k]))
	}
	return b.String()
}

// list writes amounts for a sentence.
func (a amounts) list() string {
	if len(a) == 0 {
		return "none"
	}
	return strings.TrimPrefix(a.String(), " ")
}

// unpackAmounts reads the utilization sets of a node or a resource.
func (s *scheduler) unpackAmounts(e *cib.Element, d *ruleData, into amounts) amounts {
	found := false
	for _, c := range e.Children {
		found = found || c.Name == "utilization"
	}
	if !found {
		return into
	}
	if into == nil {
		into = amounts{}
	}
	s.unpackSets(e, "utilization", "", d, func(k, v string) {
		if _, ok := into[k]; !ok {
			into[k] = int(clampScore(parseInt(v)))
		}
	})
	return into
}

// placementStrategy reads the option placement-strategy.
func (s *scheduler) placementStrategy() string {
	switch v := s.option("placement-strategy", placeDefault); v {
	case placeDefault, placeUtilization, placeBalanced, placeMinimal:
		return v
	default:
		s.errorf("placement-strategy has the unknown value %q: the default is used", v)
		return placeDefault
	}
}

// placed reports whether capacities count.
func (s *scheduler) placed() bool { return s.cfg.placement != placeDefault }

// CapacityLine is one line about capacities that crm_simulate -U shows.
type CapacityLine struct {
	// At is the number of scores shown before it.
	At int
	// Comment is "Original" or "Remaining" for the capacity of a node, "" for
	// what a resource takes of it.
	Comment  string
	Resource string
	Node     string
	// Amounts are capacities by name.
	Amounts map[string]int
}

// String writes the line as the tools do.
func (l CapacityLine) String() string {
	if l.Comment != "" {
		return l.Comment + ": " + l.Node + " capacity:" + amounts(l.Amounts).String()
	}
	return "pcmk__finalize_assignment: " + l.Resource + " utilization on " + l.Node + ":" + amounts(l.Amounts).String()
}

// showCapacities records the capacity of all nodes.
func (s *scheduler) showCapacities(comment string) {
	for _, n := range s.nodes {
		left := amounts{}
		for k, v := range n.capacity {
			left[k] = v
		}
		s.capacity = append(s.capacity, CapacityLine{At: len(s.scores), Comment: comment, Node: n.uname, Amounts: left})
	}
}

// consume takes what a resource needs from the capacity of a node.
func (s *scheduler) consume(r *resource, n *node) {
	for k, v := range r.needs {
		if _, ok := n.capacity[k]; ok {
			n.capacity[k] -= v
		}
	}
	s.capacity = append(s.capacity, CapacityLine{At: len(s.scores), Resource: r.id, Node: n.uname, Amounts: r.needs})
}

// release gives it back.
func release(r *resource, n *node) {
	for k, v := range r.needs {
		if _, ok := n.capacity[k]; ok {
			n.capacity[k] += v
		}
	}
}

// compareCapacity is negative when a has more room than b: each capacity is a
// vote.
func compareCapacity(a, b *node) int { return compareAmounts(a.capacity, b.capacity) }

func compareAmounts(a, b amounts) int {
	votes := 0
	for k, v := range a {
		switch w := b[k]; {
		case v > w:
			votes--
		case v < w:
			votes++
		}
	}
	for k, w := range b {
		if _, both := a[k]; !both && w > 0 {
			votes++
		}
	}
	return votes
}

// room reports whether a node has room for the amounts.
func (n *node) room(need amounts) bool {
	for k, v := range need {
		if v > n.capacity[k] {
			return false
		}
	}
	return true
}

// limitByCapacity refuses the nodes without room for r and what must run with
// it; where none has room for all of it, those without room for r alone, and
// then the node with the most room is returned.
func (s *scheduler) limitByCapacity(r *resource) *node {
	if !s.placed() {
		return nil
	}
	together := s.colocatedResources(r, r, nil)
	need := amounts{}
	for _, x := range together {
		s.addNeeds(x, together, need)
	}
	var roomiest *node
	capable := false
	for _, n := range s.nodesByHash() {
		if c := &r.allowed[n.idx]; !c.present || !available(n, c, true) {
			continue
		}
		capable = capable || n.room(need)
		if roomiest == nil || compareCapacity(n, roomiest) < 0 {
			roomiest = n
		}
	}
	if !capable {
		need = r.needs
	}
	s.eachCandidate(r, func(n *node, c *cand) {
		if available(n, c, true) && !n.room(need) {
			s.addTo(r, n, -Infinity, kindCapacity)
		}
	})
	s.explainAgain(r)
	if capable {
		return nil
	}
	return roomiest
}

// colocatedResources adds r, and all that has to be on the same node as r, to a
// list that began with start.
func (s *scheduler) colocatedResources(r, start *resource, list []*resource) []*resource {
	if slices.Contains(list, r) {
		return list
	}
	if r.isGroup() {
		members := r.children
		if !r.collocated && !r.parent.isClone() {
			members = members[:1]
		}
		for _, m := range members {
			list = s.colocatedResources(m, start, list)
		}
	}
	list = append(list, r)
	for _, c := range r.thisWith {
		if c.primary != start && c.score >= Infinity && s.colocAffects(r, c.primary, c, true) == affectsLocation {
			list = s.colocatedResources(c.primary, start, list)
		}
	}
	for _, c := range r.withThis {
		if c.dependent == start || r.isClone() && !c.dependent.isClone() {
			continue
		}
		if c.score >= Infinity && s.colocAffects(c.dependent, r, c, true) == affectsLocation {
			list = s.colocatedResources(c.dependent, start, list)
		}
	}
	return list
}

// addNeeds adds what r still needs to a sum; what is in the list itself counts
// there.
func (s *scheduler) addNeeds(r *resource, list []*resource, sum amounts) {
	if !r.is(rProvisional) {
		return
	}
	switch r.variant {
	case groupVariant:
		members := r.children
		if !r.collocated && !r.parent.isClone() {
			members = members[:1]
		}
		for _, m := range members {
			if m.is(rProvisional) && !slices.Contains(list, m) {
				s.addNeeds(m, list, sum)
			}
		}
	case cloneVariant:
		for _, c := range r.children {
			if slices.Contains(list, c) {
				return
			}
			for _, m := range c.children {
				if slices.Contains(list, m) {
					return
				}
			}
		}
		if len(r.children) > 0 {
			s.addNeeds(r.children[0], list, sum)
		}
	default:
		for k, v := range r.needs {
			sum[k] += v
		}
	}
}

// loadOrders keeps a resource that needs room from starting before what leaves
// the node has made it.
func (s *scheduler) loadOrders(r *resource) {
	if !s.placed() || len(r.needs) == 0 {
		return
	}
	for _, n := range r.running {
		s.addOrder(&order{rsc1: r, task1: tStop, act2: s.loadStopped(n), flags: oLoad})
	}
	for i := range r.allowed {
		if !r.allowed[i].present {
			continue
		}
		a := s.loadStopped(s.nodes[i])
		s.addOrder(&order{act1: a, rsc2: r, task2: tStart, flags: oLoad})
		s.addOrder(&order{act1: a, rsc2: r, task2: tMigrateTo, flags: oLoad})
	}
}

// loadStopped is the moment at which all that leaves a node has left it.
func (s *scheduler) loadStopped(n *node) *action {
	key := "load_stopped_" + n.uname
	a := s.nodeActions[key]
	if a == nil {
		a = s.newGlobal(key, key, n, false)
		a.set(aPseudo | aRunnable)
	}
	return a
}

// loadCounts reports whether an ordering that makes room is about one node.
func loadCounts(a, first *action) bool {
	at := a.node
	if a.rsc != nil && a.task == tMigrateTo {
		at = a.rsc.assigned // it takes the room there
	}
	return first.node != nil && at == first.node && !first.is(aOptional)
}

// breakLoadLoops lets migrations that wait for one another's room go on without
// it: of the orderings in a loop those of the newest actions are dropped.
func (s *scheduler) breakLoadLoops() {
	if !s.placed() {
		return
	}
	for i := len(s.actions) - 1; i >= 0; i-- {
		a := s.actions[i]
		if a.rsc == nil || a.task != tMigrateTo {
			continue
		}
		for k := range a.before {
			if e := &a.before[k]; e.t == oLoad && s.inputCounts(a, e) {
				s.stamp++
				if s.comesBefore(a, e.a) {
					e.t = oNone
				}
			}
		}
	}
}

// comesBefore reports whether a is to be done before x. What was looked at has
// the stamp of the search.
func (s *scheduler) comesBefore(a, x *action) bool {
	if a == x {
		return true
	}
	if x.stamp == s.stamp {
		return false
	}
	x.stamp = s.stamp
	for k := range x.before {
		if e := &x.before[k]; s.inputCounts(x, e) && s.comesBefore(a, e.a) {
			return true
		}
	}
	return false
}

// sortByPreference puts the resources in the order in which they are assigned
// where capacities count: by priority, by the score on the node where they are,
// then by the scores on the nodes, best node first.
func (s *scheduler) sortByPreference() {
	if !s.placed() || len(s.resources) < 2 {
		return
	}
	nodes := slices.Clone(s.nodes)
	table := make([]cand, len(s.nodes))
	for i, n := range s.nodes {
		table[i].w = n.score
	}
	mergeSort(nodes, func(a, b *node) int { return s.compareNodes(table, nil, a, b) })
	scores := map[*resource][]cand{}
	at := func(r *resource, n *node) Score {
		if n == nil {
			return -Infinity
		}
		t := scores[r]
		if t == nil {
			t = s.addColocated(r, nil, "#uname", 1, selectThisWith)
			scores[r] = t
		}
		if !t[n.idx].present {
			return -Infinity
		}
		return t[n.idx].w
	}
	slices.SortStableFunc(s.resources, func(a, b *resource) int {
		if a.priority != b.priority {
			return b.priority - a.priority
		}
		if x, y := at(a, a.current()), at(b, b.current()); x != y {
			return sign(int(y - x))
		}
		for _, n := range nodes {
			if x, y := at(a, n), at(b, n); x != y {
				return sign(int(y - x))
			}
		}
		return 0
	})
}

// balancedNodes appends the nodes of a table in the order of preference.
func (s *scheduler) balancedNodes(table []cand, active *node, out []*node) []*node {
	all := s.nodesByHash()
	for i := len(all) - 1; i >= 0; i-- {
		if table[all[i].idx].present {
			out = append(out, all[i])
		}
	}
	mergeSort(out, func(a, b *node) int { return s.compareNodes(table, active, a, b) })
	return out
}

func (s *scheduler) compareNodes(table []cand, active, a, b *node) int {
	switch {
	case s.nodeLess(table, active, a, b):
		return -1
	case s.nodeLess(table, active, b, a):
		return 1
	}
	return 0
}

func sign(v int) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}
