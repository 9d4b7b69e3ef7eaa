package pengine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// Node is a node as the engine understood it: a handle on a Result for the
// programs that show it. Handles of one Result are comparable; the zero value
// is no node.
type Node struct {
	s *scheduler
	n *node
}

// Resource is a resource, or an instance of one, as the engine understood it: a
// handle on a Result for the programs that show it. Handles of one Result are
// comparable; the zero value is no resource.
type Resource struct {
	s *scheduler
	r *resource
}

// Kind is what a resource is made of.
type Kind uint8

// The kinds of resources.
const (
	Primitive Kind = iota
	Group
	Clone
)

// Failure is an entry of the list of failed actions: an operation of the
// history, and the node and resource that it concerns.
type Failure struct {
	Op       *cib.Element
	Node     Node
	Resource Resource
}

// Nodes returns all nodes, in the order in which they are shown.
func (r *Result) Nodes() []Node {
	out := make([]Node, len(r.s.nodes))
	for i, n := range r.s.nodes {
		out[i] = Node{r.s, n}
	}
	return out
}

// FindNode returns the node with a name or an id, letters of any case.
func (r *Result) FindNode(name string) Node {
	for _, n := range r.s.nodes {
		if strings.EqualFold(n.uname, name) || n.id == name {
			return Node{r.s, n}
		}
	}
	return Node{}
}

// Top returns the resources outside of groups and clones, in the order in which
// they are shown. Orphans are among them.
func (r *Result) Top() []Resource { return handles(r.s, r.s.resources) }

func handles(s *scheduler, list []*resource) []Resource {
	out := make([]Resource, len(list))
	for i, x := range list {
		out[i] = Resource{s, x}
	}
	return out
}

// Find returns the resource or instance with an id; the id of what an anonymous
// clone copies, and the names that a node's history has for an instance, mean
// the first instance of that name.
func (r *Result) Find(id string) Resource {
	if x := r.s.rscByID[id]; x != nil {
		return Resource{r.s, x}
	}
	var found *resource
	var find func(list []*resource)
	find = func(list []*resource) {
		for _, x := range list {
			if found == nil && (x.id == id || x.lrmID == id || baseID(x.id) == id) {
				found = x
			}
			find(x.children)
		}
	}
	find(r.s.resources)
	if found == nil {
		return Resource{}
	}
	return Resource{r.s, found}
}

// FindHistory returns the first resource or instance that has this id or that a
// history knows by this name; Find where there is none.
func (r *Result) FindHistory(id string) Resource {
	var found *resource
	var find func(list []*resource)
	find = func(list []*resource) {
		for _, x := range list {
			if found == nil && (x.id == id || x.lrmID == id) {
				found = x
			}
			find(x.children)
		}
	}
	if find(r.s.resources); found == nil {
		return r.Find(id)
	}
	return Resource{r.s, found}
}

// Failures returns the failed actions in the order of the nodes' histories.
func (r *Result) Failures() []Failure {
	out := make([]Failure, len(r.s.failed))
	for i, f := range r.s.failed {
		out[i] = Failure{f.op, Node{r.s, f.node}, Resource{r.s, f.rsc}}
	}
	return out
}

// Option returns a cluster option as the configuration has it now, "" if unset.
func (r *Result) Option(name string) string { return r.s.options[name] }

// OK tells whether the handle is a node.
func (n Node) OK() bool { return n.n != nil }

// Name and ID are those of the configuration.
func (n Node) Name() string { return n.n.uname }

// ID is the id of the node.
func (n Node) ID() string { return n.n.id }

// Kind is "", member, normal, ping or remote, as the configuration has it.
func (n Node) Kind() string { return n.n.kind }

// Guest tells of a node that lives in a resource of the cluster.
func (n Node) Guest() bool { return n.n.isGuest() }

// Host is the name of the node where what a guest lives in runs, or "".
func (n Node) Host() string {
	if !n.n.isGuest() || len(n.n.connection.container.running) == 0 {
		return ""
	}
	return n.n.connection.container.running[0].uname
}

// Online, and the other conditions, are those of the present.
func (n Node) Online() bool { return n.n.online }

// Unclean tells that nobody knows what the node does: it must be fenced.
func (n Node) Unclean() bool { return n.n.unclean }

// Standby tells that the node may run nothing.
func (n Node) Standby() bool { return n.n.standby }

// Maintenance tells that nothing is started or stopped on the node.
func (n Node) Maintenance() bool { return n.n.maintenance }

// IsDC tells whether the document names the node as the DC.
func (n Node) IsDC() bool { return n.n.isDC }

// Status is the word for the node's state: online, OFFLINE, standby, ...
func (n Node) Status() string {
	text := n.n.statusText()
	if h := n.s.healthText(n.n); h != "" {
		text += " (health is " + strings.ToUpper(h) + ")"
	}
	return text
}

// FeatureSet is what the node said it speaks, or "".
func (n Node) FeatureSet() string { return n.n.featureSet }

// Attrs are the node's attributes, permanent and transient; the map must not be
// changed. Names with # are the engine's own.
func (n Node) Attrs() map[string]string { return n.n.attrs }

// Running are the instances active on the node.
func (n Node) Running() []Resource { return handles(n.s, n.n.running) }

// History is the lrm element of the node, or nil.
func (n Node) History() *cib.Element { return n.n.lrm }

// State is the node_state element of the node, or nil.
func (n Node) State() *cib.Element { return n.n.state }

// XML is the element of a node as --output-as=xml has it.
func (n Node) XML() *cib.Element { return n.s.nodeXML(n.n) }

// OK tells whether the handle is a resource.
func (r Resource) OK() bool { return r.r != nil }

// ID is the id; instances of clones have a number behind a colon.
func (r Resource) ID() string { return r.r.id }

// Name is the id as it is shown: without the number of an anonymous instance.
func (r Resource) Name() string { return r.r.displayName() }

// HistoryID is the name under which histories have it.
func (r Resource) HistoryID() string { return r.r.historyID() }

// XMLID is the id of the element that configures it.
func (r Resource) XMLID() string { return r.r.xml.ID() }

// Kind tells primitives, groups and clones apart.
func (r Resource) Kind() Kind { return Kind(r.r.variant) }

// Agent is CLASS:PROVIDER:TYPE, or CLASS:TYPE where there is no provider.
func (r Resource) Agent() string {
	if r.r.provider == "" {
		return r.r.class + ":" + r.r.typ
	}
	return r.r.class + ":" + r.r.provider + ":" + r.r.typ
}

// Class, provider and type of a primitive.
func (r Resource) Class() string { return r.r.class }

// Provider of a primitive's agent, or "".
func (r Resource) Provider() string { return r.r.provider }

// Type of a primitive's agent.
func (r Resource) Type() string { return r.r.typ }

// Parent is the group or clone around it, or the zero value.
func (r Resource) Parent() Resource { return Resource{r.s, r.r.parent}.orNone() }

func (r Resource) orNone() Resource {
	if r.r == nil {
		return Resource{}
	}
	return r
}

// Outermost is the resource that no other contains: itself at least.
func (r Resource) Outermost() Resource { return Resource{r.s, r.r.top()} }

// Children are the members of a group or the instances of a clone.
func (r Resource) Children() []Resource { return handles(r.s, r.r.children) }

// Config is the element of the configuration, templates expanded. It must not be
// changed.
func (r Resource) Config() *cib.Element { return r.r.xml }

// Instance is the number of the instance of a clone that it is in, or -1.
func (r Resource) Instance() int { return r.r.instance }

// Running are the nodes on which it, or anything in it, is active.
func (r Resource) Running() []Node {
	l := r.r.running
	if r.r.variant != primitiveVariant {
		l = r.r.location()
	}
	out := make([]Node, len(l))
	for i, n := range l {
		out[i] = Node{r.s, n}
	}
	return out
}

// Pending is the node on which an operation is under way while it is active
// nowhere, or the zero value.
func (r Resource) Pending() Node {
	if r.r.pendingNode == nil {
		return Node{}
	}
	return Node{r.s, r.r.pendingNode}
}

// Current is the node on which it is considered to run, or the zero value.
func (r Resource) Current() Node {
	if n := r.r.current(); n != nil {
		return Node{r.s, n}
	}
	return Node{}
}

// Role is the word for what it does: Stopped, Started, Unpromoted, Promoted.
func (r Resource) Role() string { return r.r.role.String() }

// ShownRole is Role, with Unpromoted for what is started in a promotable clone.
func (r Resource) ShownRole() string { return r.r.displayRole().String() }

// Promoted tells whether it runs as the promoted one.
func (r Resource) Promoted() bool { return r.r.role == rolePromoted }

// Active tells whether all of it, or with any anything of it, is active.
func (r Resource) Active(any bool) bool { return r.r.active(!any) }

// Managed tells whether the cluster starts and stops it.
func (r Resource) Managed() bool { return r.r.is(rManaged) }

// Orphan tells that it is in a history and not in the configuration.
func (r Resource) Orphan() bool { return r.r.is(rOrphan) }

// Failed tells that its last result was a failure.
func (r Resource) Failed() bool { return r.r.is(rFailed) }

// Unique tells that its copies are told apart by their numbers.
func (r Resource) Unique() bool { return r.r.is(rUnique) }

// Promotable tells whether it is a promotable clone.
func (r Resource) Promotable() bool { return r.r.is(rPromotable) }

// PromotedMax is how many copies of a promotable clone may be promoted.
func (r Resource) PromotedMax() int { return r.r.promotedMax }

// Disabled tells that the configuration keeps it from running or promotion.
func (r Resource) Disabled() bool { return r.r.disabled() }

// Meta are its meta attributes, inherited ones included; the map must not be
// changed.
func (r Resource) Meta() map[string]string { return r.r.meta }

// Params are its parameters on a node; on none if n is the zero value. The map
// must not be changed.
func (r Resource) Params(n Node) map[string]string { return r.s.parameters(r.r, n.n) }

// FailCount is how often it failed on a node, expired failures included or not,
// and when it did so last; the zero time means that this is not known.
func (r Resource) FailCount(n Node, effective bool) (count Score, last time.Time) {
	return r.s.failCount(n.n, r.r, effective, nil)
}

// MigrationThreshold is how many failures drive it away; 0 means never.
func (r Resource) MigrationThreshold() Score { return r.r.migrationThreshold }

// FailureTimeout is how long a failure counts; 0 means for ever.
func (r Resource) FailureTimeout() time.Duration { return r.r.failureTimeout }

// XML is the element of a resource as --output-as=xml has it.
func (r Resource) XML() *cib.Element { return r.s.resourceXML(r.r) }

// Digest returns the digest of the parameters of its start on a node, with
// some of them replaced.
func (r Resource) Digest(n Node, overrides map[string]string) string {
	var params []Param
	for _, p := range r.s.digestParams(r.r, n.n, tStart, 0) {
		if _, ok := overrides[p.Name]; !ok {
			params = append(params, p)
		}
	}
	for k, v := range overrides {
		params = append(params, Param{k, v})
	}
	slices.SortFunc(params, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	return paramDigest(params)
}

// Attachment is a location or colocation constraint on a resource.
type Attachment struct {
	ID    string
	Score Score
	// Node is the node of a location constraint.
	Node Node
	// Other is the resource at the other end of a colocation, and Role, if it is
	// not "", the role that the constraint asks of its primary; OwnRole is that of
	// its dependent.
	Other         Resource
	Role, OwnRole string
	// NodeAttr is the attribute that a colocation is about, "" for the node.
	NodeAttr string
}

// Locations are the location constraints on a resource, one for each node, as
// they are in effect now, in the order of AllLocations. The Result must know the
// constraints.
func (r Resource) Locations() []Attachment { return r.s.attachments(r.r.locations) }

// AllLocations are the location constraints in effect now, one for each node;
// Other is the resource, Role its role if they are about one. The last of the
// configuration comes first, and so do its nodes, but for those that a rule with
// boolean-op="or" has found one by one: the order in which the tools show them.
// The Result must know the constraints.
func (r *Result) AllLocations() []Attachment { return r.s.attachments(r.s.locations) }

func (s *scheduler) attachments(list []*location) (out []Attachment) {
	for _, l := range slices.Backward(list) {
		a := Attachment{ID: l.id, Other: Resource{s, l.rsc}}
		if l.role != roleUnknown {
			a.Role = l.role.String()
		}
		nodes := slices.Clone(l.nodes)
		if !l.anyOf {
			slices.Reverse(nodes)
		}
		for _, w := range nodes {
			a.Score, a.Node = w.w, Node{s, w.n}
			out = append(out, a)
		}
	}
	return out
}

// Tickets are the ids of the tickets that the status or a constraint names.
func (r *Result) Tickets() []string { return slices.Sorted(maps.Keys(r.s.tickets)) }

// With are the colocations that place this resource with another one, and
// Withs those that place another one with it, by configuration. The Result must
// be of a whole computation.
func (r Resource) With() []Attachment { return r.attached(r.r.thisWith, false) }

// Withs is told of at With.
func (r Resource) Withs() []Attachment { return r.attached(r.r.withThis, true) }

func (r Resource) attached(list []*colocation, primary bool) (out []Attachment) {
	for _, c := range list {
		if c.id == internalColocation {
			continue
		}
		a := Attachment{ID: c.id, Score: c.score, Other: Resource{r.s, c.primary}, NodeAttr: strings.TrimPrefix(c.attr, "#uname")}
		if primary {
			a.Other = Resource{r.s, c.dependent}
		}
		if c.primaryRole != roleUnknown {
			a.Role = c.primaryRole.String()
		}
		if c.dependentRole != roleUnknown {
			a.OwnRole = c.dependentRole.String()
		}
		out = append(out, a)
	}
	return out
}

// HistoryOps returns the operations of an lrm_resource element in the order in
// which they were made; with active, those since the last start only, and none if
// it was stopped after that.
func HistoryOps(e *cib.Element, active bool) (out []*cib.Element) {
	var ops []*opEntry
	for _, x := range e.All("lrm_rsc_op") {
		ops = append(ops, readOp(x))
	}
	sortOps(ops)
	from := 0
	if active {
		start, stop := activeOps(ops)
		if start < stop {
			return nil
		}
		from = max(start, 0)
	}
	for _, h := range ops[from:] {
		out = append(out, h.xml)
	}
	return out
}

// StateOrder returns the nodes in the order of their states in the status
// section; nodes without a state are not among them.
func (r *Result) StateOrder() (out []Node) {
	for _, e := range r.s.root.First("status").All("node_state") {
		if n := r.s.findNode(e.ID(), e.Get("uname")); n != nil && n.state == e {
			out = append(out, Node{r.s, n})
		}
	}
	return out
}

// LineOf is the line of a primitive in the list of resources, with the nodes
// where it runs or without.
func (r *Result) LineOf(x Resource, where bool) string { return r.s.primitiveText(x.r, where) }
