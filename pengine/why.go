package pengine

import "slices"

// Kinds of contributions as they are recorded.
const (
	kindLocation   = "location"
	kindColocation = "colocation"
	kindColocated  = "colocated"
	kindStickiness = "stickiness"
	kindThreshold  = "migration-threshold"
	kindTargetRole = "target-role"
	kindPromotion  = "promotion score"
	kindClone      = "clone"
	kindGroup      = "group"
	kindTicket     = "ticket"
	kindRemote     = "remote node"
	kindBundle     = "bundle"
	kindCapacity   = "capacity"
	// kindUnexplained fills up what no recorded contribution accounts for: an
	// explanation never claims more than it knows.
	kindUnexplained = "unexplained"
)

// internalColocation is the id of the colocations that a group makes.
const internalColocation = "group:internal_colocation"

// Contribution is one addend of a score. Scores at or beyond [Infinity] are
// absolute: minus infinity wins over everything, then infinity.
type Contribution struct {
	// Kind says what it comes from: location, colocation (the resource follows
	// another), colocated (another one follows it), stickiness,
	// migration-threshold, target-role, promotion score, clone, node state, …
	Kind string `json:"kind"`
	// ID is the XML id of the constraint, rule or nvpair behind it, "" where
	// there is none.
	ID string `json:"id,omitempty"`
	// Option is the option, meta attribute or node attribute behind it.
	Option string `json:"option,omitempty"`
	// With is the other resource of a colocation.
	With string `json:"with,omitempty"`
	// Value is what is added; Sum is the score so far, this one included.
	Value Score `json:"value"`
	Sum   Score `json:"sum"`
	// Replaces tells that the value takes the place of the sum so far.
	Replaces bool `json:"replaces,omitempty"`
}

// Deciding is the contribution that made the difference, and its node.
type Deciding struct {
	Node string `json:"node"`
	Contribution
}

// NodeWhy explains the score of a resource on one node.
type NodeWhy struct {
	Resource string `json:"resource"`
	Node     string `json:"node"`
	// Step is the computation that printed the score (see ScoreLine).
	Step  string `json:"step,omitempty"`
	Score Score  `json:"score"`
	// Chosen tells that the resource is to run there.
	Chosen bool `json:"chosen"`
	// State is why nothing can run there (offline, standby, …), or "".
	State string `json:"state,omitempty"`
	// Load is the number of resources that had been given to the node before;
	// it decides between equal scores.
	Load int `json:"load"`
	// Capacity is what was left of the node's capacity at that time, by name; nil
	// with the default placement strategy.
	Capacity map[string]int `json:"capacity,omitempty"`
	// Contributions add up to Score, in the order in which they came.
	Contributions []Contribution `json:"contributions"`
	// Deciding is what spoke for the node if it was chosen, against it
	// otherwise; nil where no score decided.
	Deciding *Deciding `json:"deciding,omitempty"`
	// Sentence says the same in words.
	Sentence string `json:"sentence"`
}

// ActionWhy is a planned action with its cause.
type ActionWhy struct {
	Key       string `json:"key"`
	Operation string `json:"operation"`
	Node      string `json:"node,omitempty"`
	Cause     string `json:"cause"`
}

// Why explains where a resource is placed.
type Why struct {
	Resource string `json:"resource"`
	// Kind is primitive, group, clone or, for a name that several instances
	// share, instances.
	Kind string `json:"kind"`
	// Running and Nodes name where it is active and where it is to be.
	Running []string `json:"running"`
	Nodes   []string `json:"nodes"`
	// Role and NextRole are the present and the planned role of a primitive.
	Role     string `json:"role,omitempty"`
	NextRole string `json:"next_role,omitempty"`
	// Sentence is the decision and what made it; Deciding is nil where no
	// score decided.
	Sentence string    `json:"sentence"`
	Deciding *Deciding `json:"deciding,omitempty"`
	// Scores has one entry for each node that was considered.
	Scores []NodeWhy `json:"scores"`
	// Actions are those planned for the resource itself.
	Actions []ActionWhy `json:"actions,omitempty"`
	// Members are the members of a group or the instances of a clone.
	Members []*Why `json:"members,omitempty"`
}

// Why explains the placement of a resource, an instance or a name that several
// instances share. It returns nil for an unknown resource and when the result
// was computed without Options.Explain.
func (r *Result) Why(rsc string) *Why {
	s := r.s
	if !s.opts.Explain || s.opts.StatusOnly {
		return nil
	}
	var found []*resource
	for _, x := range s.all {
		if x.id == rsc {
			return s.why(x)
		}
		if x.variant == primitiveVariant && (baseID(x.id) == rsc || x.lrmID == rsc) || x.variant == groupVariant && baseID(x.id) == rsc {
			found = append(found, x)
		}
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return s.why(found[0])
	}
	w := &Why{Resource: rsc, Kind: "instances", Running: []string{}, Nodes: []string{}, Scores: []NodeWhy{}}
	for _, x := range found {
		m := s.why(x)
		w.Members = append(w.Members, m)
		w.Running = union(w.Running, m.Running)
		w.Nodes = union(w.Nodes, m.Nodes)
	}
	w.Sentence = s.cloneSentence(rsc, w)
	return w
}

// Resources returns the names of all resources that Why knows, in the order of
// the configuration; children follow their parents.
func (r *Result) Resources() []string {
	var out []string
	var add func(*resource)
	add = func(x *resource) {
		out = append(out, x.id)
		for _, c := range x.children {
			add(c)
		}
	}
	for _, x := range r.s.resources {
		add(x)
	}
	return out
}

// NodeNames returns the names of all nodes.
func (r *Result) NodeNames() []string {
	out := make([]string, len(r.s.nodes))
	for i, n := range r.s.nodes {
		out[i] = n.uname
	}
	return out
}

// LineWhy returns the contributions that add up to Result.Scores[i]; nil
// without Options.Explain.
func (r *Result) LineWhy(i int) []Contribution {
	if i >= len(r.s.stepOfLine) {
		return nil
	}
	l := r.s.stepOfLine[i]
	if l.node < 0 {
		return r.s.sum(l.r, nil, l.contributions, r.Scores[i].Score)
	}
	return r.s.sum(l.r, r.s.nodes[l.node], l.contributions, r.Scores[i].Score)
}

func union(a, b []string) []string {
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}

// sum lists the contributions to the score of r on a node (nil: to its
// promotion score) with the running sum.
func (s *scheduler) sum(r *resource, n *node, list []contribution, score Score) []Contribution {
	out := []Contribution{}
	total := Score(0)
	for _, c := range list {
		if n != nil && int(c.node) != n.idx {
			continue
		}
		if c.set {
			total = max(-Infinity, min(Infinity, c.value))
		} else {
			total = addScores(total, c.value)
		}
		x := Contribution{Kind: c.kind, ID: c.id, Value: c.value, Sum: total, Replaces: c.set}
		s.attribute(r, n, &x)
		out = append(out, x)
	}
	// Beyond infinity there is nothing more.
	score = max(-Infinity, min(Infinity, score))
	if total != score {
		c := changeOf(s.nodes[0], total, score, kindUnexplained, "")
		out = append(out, Contribution{Kind: c.kind, Value: c.value, Sum: score, Replaces: c.set})
	}
	return out
}

// tableOf returns the table of scores by which r was placed, with its
// explanation: the last one printed, or the present one of what is not printed.
func (s *scheduler) tableOf(r *resource) *step {
	if st := s.steps[r]; st != nil {
		return st
	}
	return &step{r: r, contributions: r.contributions, table: r.allowed, load: make([]int, len(s.nodes))}
}

func names(nodes []*node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.uname
	}
	return out
}

func (s *scheduler) why(r *resource) *Why {
	w := &Why{Resource: r.id, Running: names(r.location()), Nodes: names(r.nextNodes()), Scores: []NodeWhy{}}
	switch r.variant {
	case groupVariant:
		w.Kind = "group"
	case cloneVariant:
		w.Kind = "clone"
	case bundleVariant:
		w.Kind = "bundle"
	default:
		w.Kind, w.Role, w.NextRole = "primitive", r.role.String(), r.next.String()
	}
	st := s.tableOf(r)
	for i, n := range s.nodes {
		if !st.table[i].present {
			continue
		}
		one := NodeWhy{Resource: r.id, Node: n.uname, Step: st.name, Score: st.table[i].w,
			Chosen: slices.Contains(w.Nodes, n.uname), State: n.excluded(), Load: st.load[i],
			Contributions: s.sum(r, n, st.contributions, st.table[i].w)}
		if st.room != nil {
			one.Capacity = st.room[i]
		}
		w.Scores = append(w.Scores, one)
	}
	for _, c := range r.children {
		w.Members = append(w.Members, s.why(c))
	}
	var dumped []*GraphAction
	for _, a := range r.actions {
		if a.graph != nil {
			dumped = append(dumped, a.graph)
		}
	}
	slices.SortFunc(dumped, func(x, y *GraphAction) int { return x.ID - y.ID })
	for _, g := range dumped {
		w.Actions = append(w.Actions, ActionWhy{g.Key, g.Operation, g.Node, g.Cause})
	}
	s.decide(r, w)
	return w
}

// excluded says why nothing can run on a node, "" if something can.
func (n *node) excluded() string {
	switch {
	case n.unclean && !n.online:
		return "offline and unclean"
	case !n.online && n.pending:
		return "joining"
	case !n.online:
		return "offline"
	case n.unclean:
		return "unclean"
	case n.shutdown:
		return "shutting down"
	case n.standbyOnFail:
		return "in standby after a failure"
	case n.standby:
		return "in standby"
	case n.maintenance:
		return "in maintenance mode"
	}
	return ""
}
