package controller

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/transition"
)

// dc is what only the DC knows. It is made anew with each view.
type dc struct {
	view    ccm.View
	nodes   map[string]*nodeStatus
	waiting map[string]bool // members that have not answered the join offer
	offered time.Time
	began   time.Time // when members began not to answer
	best    candidate
	// importing tells that best was handed on and the configuration has not
	// changed since: members are written into the result.
	importing bool

	// identified is when the configuration was last asked to say who the DC is.
	identified time.Time

	peRunning  bool
	wanted     string // why the policy engine must run again, or ""
	notBefore  time.Time
	scheduled  time.Time
	nextChange time.Time // when time alone may change the policy engine's answer
	engine     *transition.Engine
	deadline   map[int]time.Time // of fired actions
	adopted    map[string]int    // actions by the key of an older command that is in flight
	// carried are the commands in flight that belong to no transition of now, by
	// their keys: those of a transition that was given up, and of an older DC.
	carried map[string]carriedOp
	aborted time.Time // when the running transition was aborted
	// ignored counts the answers of the policy engine in a row that were old when
	// they came; stubborn is until when a decision made all the same holds.
	ignored  int
	stubborn time.Time
	// knownStops are the members' own stops that the policy engine was told of.
	knownStops map[string]uint64
	gate       gate

	numUpdates uint64
	changed    map[string]bool // nodes whose status the members do not know yet
	told       time.Time       // when the members were told last
	pause      time.Duration   // until they are told again
}

// candidate is a configuration found on a member's disk.
type candidate struct {
	from string
	root *cib.Element
}

func (d *dc) elements() []*cib.Element {
	names := make([]string, 0, len(d.nodes))
	for n := range d.nodes {
		names = append(names, n)
	}
	sort.Strings(names)
	out := make([]*cib.Element, len(names))
	for i, n := range names {
		out[i] = d.nodes[n].element()
	}
	return out
}

func (d *dc) idOf(name string) string {
	if n := d.nodes[name]; n != nil {
		return n.id
	}
	return ""
}

// inFlight returns the transition key of an operation that a member reported as
// begun for an older DC and not ended, or "".
func (d *dc) inFlight(node, resource, key string) string {
	n := d.nodes[node]
	if n == nil || n.hist.rsc[resource] == nil {
		return ""
	}
	for _, op := range n.hist.rsc[resource].Children {
		if op.Get("op-status") == "-1" && op.Get("operation_key") == key {
			return op.Get("transition-key")
		}
	}
	return ""
}

// byName returns the status of a node, nil when unknown.
func (d *dc) byName(name string) *nodeStatus { return d.nodes[name] }

func (m *Machine) becomeDC() {
	old := m.dc
	d := &dc{view: m.view, nodes: map[string]*nodeStatus{}, waiting: map[string]bool{},
		deadline: map[int]time.Time{}, adopted: map[string]int{}, carried: map[string]carriedOp{}, changed: map[string]bool{}}
	m.dc = d
	m.refreshNodes()
	if old != nil {
		for name, n := range old.nodes {
			if now := d.nodes[name]; now != nil && n.leaving && !now.member {
				now.leaving = true
			}
		}
	}
	for _, mem := range m.view.Members {
		d.waiting[mem.Name] = true
	}
	m.elect()
	m.to(Integration, "I_ELECTION_DC", "C_FSA_INTERNAL", "do_election_check")
	m.offer()
}

func (m *Machine) offer() {
	m.dc.offered = m.now
	for _, mem := range m.view.Members {
		if m.dc.waiting[mem.Name] {
			m.send(mem.Name, &message{Kind: msgJoinOffer})
		}
	}
}

// How long a member may leave a join offer unanswered, unless the option
// join-integration-timeout says otherwise, and how long it is left out of the view
// then; twice as long the next time.
const (
	joinBound   = 15 * time.Second
	shunFirst   = time.Minute
	shunLongest = 16 * time.Minute
)

// shunSilent leaves members out that beat and do not answer: nothing could be
// decided while they are members. What they run ends with their lease.
func (m *Machine) shunSilent() {
	d := m.dc
	if d.began.IsZero() {
		d.began = m.now
	}
	bound := m.interval("join-integration-timeout", joinBound)
	if bound <= 0 || m.now.Sub(d.began) < bound {
		return
	}
	d.began = m.now
	for _, mem := range m.view.Members {
		if !d.waiting[mem.Name] || mem.Name == m.cfg.Self {
			continue
		}
		long := min(shunFirst<<min(m.shunned[mem.Name], 10), shunLongest)
		m.shunned[mem.Name]++
		m.warn("crmd", "%s beats, but has not answered the join offer for %v: it is left out of the view for %v, or until it restarts; its resources are taken over once it has provably let go", mem.Name, bound, long)
		m.do(Shun{mem.Name, long})
	}
}

// refreshNodes brings the table of nodes in line with the configuration, the
// voters and the members.
func (m *Machine) refreshNodes() {
	d := m.dc
	ids := nodeIDs(m.config)
	add := func(name string, member bool) {
		n := d.nodes[name]
		if n == nil {
			n = newNodeStatus(name, idOr(ids, name, name))
			d.nodes[name] = n
		}
		if id := ids[name]; id != "" && id != n.id || n.member != member {
			n.id, n.member = idOr(ids, name, n.id), member
			n.dirty()
			d.changed[name] = true
		}
	}
	for name := range ids {
		add(name, m.view.Has(name))
	}
	for _, name := range m.view.Lost {
		add(name, false)
	}
	for _, mem := range m.view.Members {
		add(mem.Name, true)
	}
	removed := false
	for name := range d.nodes {
		if ids[name] == "" && !m.view.Has(name) && !slices.Contains(m.view.Lost, name) {
			delete(d.nodes, name)
			removed = true
		}
	}
	if removed {
		m.broadcast(true)
	}
}

// fromMember takes a message of a member to the DC.
func (m *Machine) fromMember(from string, msg *message) {
	d := m.dc
	n := d.byName(from)
	if n == nil || !n.member {
		return
	}
	switch msg.Kind {
	case msgJoinRequest:
		n.ownStops = msg.OwnStops
		m.joined(n, msg)
		return
	case msgShutdown:
		if n.attrs["shutdown"] == "" {
			m.info("crmd", "handle_shutdown_request: %s wants to leave: its resources move away first", from)
			m.dcAttr(n, "shutdown", ptr(itoa64(m.now.Unix())))
			n.leaving = true
			m.setAttrOn(n, map[string]*string{"shutdown": ptr(n.attrs["shutdown"])})
		}
		return
	case msgAttr:
		for k, v := range msg.Attrs {
			m.dcAttr(n, k, v)
		}
		return
	case msgResult:
		n.ownStops = max(n.ownStops, msg.OwnStops)
		m.result(n, msg)
	}
}

func (m *Machine) joined(n *nodeStatus, msg *message) {
	d := m.dc
	if !d.waiting[n.uname] {
		return
	}
	delete(d.waiting, n.uname)
	delete(m.shunned, n.uname)
	if n.uname != m.cfg.Self && m.newcomer(n.uname) {
		m.info("cib", "sync_our_cib: Syncing CIB to %s", n.uname)
	}
	n.online, n.leaving, n.hist, n.attrs = true, msg.Leaving, newHistory(), map[string]string{}
	for _, text := range msg.Resources {
		if e, err := cib.Parse([]byte(text), "history of "+n.uname); err == nil {
			n.hist.merge(e)
		} else {
			m.warn("crmd", "%v", err)
		}
	}
	m.inherit(n, msg.Timeouts)
	for k, v := range msg.Attrs {
		if v != nil {
			n.attrs[k] = *v
		}
	}
	if nodeIDs(m.config)[n.uname] == "" {
		n.id = msg.UUID
	}
	n.dirty()
	d.changed[n.uname] = true
	m.consider(n.uname, msg.Candidate)
	if len(d.waiting) > 0 {
		return
	}
	m.to(FinalizeJoin, "I_INTEGRATED", "C_FSA_INTERNAL", "check_join_state")
	m.info("crmd", "do_state_transition: All %d cluster nodes responded to the join offer.", len(m.view.Members))
	for _, mem := range m.view.Members {
		m.send(mem.Name, &message{Kind: msgJoinAck})
	}
	if d.best.root != nil {
		m.info("cib", "configuration %s found on %s becomes the cluster's", versionOf(d.best.root), d.best.from)
		m.do(Import{d.best.from, d.best.root})
		d.best = candidate{}
		d.importing = true
		d.offered = m.now
	} else {
		m.addNodes()
	}
	m.info("crmd", "update_attrd: Connecting to attrd...")
	m.info("cib", "sync_our_cib: Syncing CIB to all peers")
	m.refreshed()
	m.broadcast(true)
	m.want("members joined")
}

// newcomer reports whether a member was in no view before this one.
func (m *Machine) newcomer(name string) bool {
	return slices.ContainsFunc(m.view.Members, func(x ccm.Member) bool { return x.Name == name && x.BornOn == m.view.Instance.Number })
}

// consider remembers the newest configuration found on the members' disks that
// the cluster does not have.
func (m *Machine) consider(from, text string) {
	if text == "" {
		return
	}
	root, err := cib.Parse([]byte(text), "configuration of "+from)
	if err != nil {
		m.warn("cib", "%v: ignored", err)
		return
	}
	than := m.config
	if m.dc.best.root != nil {
		than = m.dc.best.root
	}
	switch {
	case (isEmpty(than) || fromHaresources(than)) && !isEmpty(root), older(than, root):
		m.dc.best = candidate{from, root}
	case older(root, than):
		m.warn("cib", "the configuration %s found on %s is older than the cluster's %s: not used", versionOf(root), from, versionOf(than))
	case !cib.Equal(root.First("configuration"), than.First("configuration")):
		m.dc.best = candidate{from, root} // a hand edit that did not raise the version
	}
}

// addRetry is how long the DC waits before it tries again to write a member
// into the configuration.
const addRetry = 10 * time.Second

// addNodes writes the members that the configuration lacks into it.
func (m *Machine) addNodes() {
	if m.dc.importing {
		return
	}
	ids := nodeIDs(m.config)
	for _, mem := range m.view.Members {
		n := m.dc.nodes[mem.Name]
		switch {
		case ids[mem.Name] != "":
			n.added = time.Time{} // an edit may take it out again
		case n.online && (n.added.IsZero() || m.now.Sub(n.added) >= addRetry):
			n.added = m.now
			m.do(AddNode{n.uname, n.id})
		}
	}
}

// addingNodes reports whether members are about to be written into the
// configuration; what is decided before knows nothing of them.
func (m *Machine) addingNodes() bool {
	ids := nodeIDs(m.config)
	for _, mem := range m.view.Members {
		n := m.dc.nodes[mem.Name]
		if ids[mem.Name] == "" && n != nil && m.now.Sub(n.added) < addRetry {
			return true
		}
	}
	return false
}

func (m *Machine) dcConfiguration() {
	m.refreshNodes()
	m.dc.numUpdates = 0
	m.dc.importing = false
	if len(m.dc.waiting) == 0 {
		m.addNodes()
	}
	m.want("configuration changed to " + versionOf(m.config))
}

// dcAttr sets an attribute in the table of the DC.
func (m *Machine) dcAttr(n *nodeStatus, name string, value *string) {
	old, had := n.attrs[name]
	if value == nil {
		if !had {
			return
		}
		delete(n.attrs, name)
	} else {
		if had && old == *value {
			return
		}
		n.attrs[name] = *value
	}
	m.touched(n)
	m.want("attribute " + name + " of " + n.uname + " changed")
}

// setAttrOn makes the node itself remember attributes.
func (m *Machine) setAttrOn(n *nodeStatus, attrs map[string]*string) {
	m.send(n.uname, &message{Kind: msgAttrSet, Attrs: attrs})
}

func (m *Machine) touched(n *nodeStatus) {
	n.dirty()
	m.dc.numUpdates++
	m.dc.changed[n.uname] = true
	m.do(StatusChanged{})
}

// How often the members are told what is new: whole node_state elements go out,
// so that with thousands of results each would otherwise carry all before it.
const (
	tellPause    = 40 * time.Millisecond
	tellPerByte  = time.Microsecond
	tellPauseMax = 2 * time.Second
)

// broadcast tells the members what is new in the status.
func (m *Machine) broadcast(whole bool) {
	d := m.dc
	if len(d.waiting) > 0 || !whole && (len(d.changed) == 0 || m.now.Sub(d.told) < d.pause) {
		return
	}
	msg := &message{Kind: msgStatus, Whole: whole, NumUpdates: d.numUpdates, Config: versionOf(m.config)}
	var names []string
	for name := range d.nodes {
		if whole || d.changed[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		msg.Nodes = append(msg.Nodes, compact(d.nodes[name].element()))
	}
	d.changed = map[string]bool{}
	size := 0
	for _, text := range msg.Nodes {
		size += len(text)
	}
	d.told, d.pause = m.now, min(tellPause+time.Duration(size)*tellPerByte, tellPauseMax)
	for _, mem := range m.view.Members {
		if mem.Name != m.cfg.Self {
			m.send(mem.Name, msg)
		}
	}
}

// minRecheck bounds how often time alone makes the policy engine run, and how
// far beyond the second that is named.
const minRecheck = time.Second

func (m *Machine) dcTick() {
	d := m.dc
	if len(d.waiting) > 0 {
		if m.now.Sub(d.offered) >= time.Second {
			m.offer()
			m.shunSilent()
		}
		return
	}
	m.finalize()
	m.addNodes()
	m.expireActions()
	if !d.stubborn.IsZero() && !m.now.Before(d.stubborn) {
		d.stubborn = time.Time{}
		m.withdrawAborted()
	}
	m.gateTick()
	if resting := d.engine == nil || len(d.gate.parked) > 0; resting && !d.peRunning {
		recheck := m.interval("cluster-recheck-interval", 15*time.Minute)
		switch {
		case recheck > 0 && m.now.Sub(d.scheduled) >= recheck:
			m.want("cluster-recheck-interval")
		case !d.nextChange.IsZero() && m.now.Sub(d.nextChange) >= minRecheck && m.now.Sub(d.scheduled) >= minRecheck:
			d.nextChange = time.Time{}
			m.want("a time has come that a rule or a failure-timeout names")
		}
	}
	m.advance()
	if _, aborted := d.aborting(); d.engine != nil && !aborted && m.now.Sub(d.scheduled) >= identifyAfter && !d.importing && !m.addingNodes() {
		m.identify() // a slow start must not keep the configuration from saying who the DC is
	}
	m.broadcast(false)
}

// identifyAfter is how long a transition takes before the configuration is asked
// to say who the DC is without waiting for its end.
const identifyAfter = 10 * time.Second

// aborting returns why the running transition was aborted, if it was.
func (d *dc) aborting() (reason string, aborted bool) {
	if d.engine == nil {
		return "", false
	}
	return d.engine.Aborted()
}

// Option returns the value of a cluster option of a document, or "".
func Option(root *cib.Element, name string) string {
	for _, set := range root.Path("configuration", "crm_config").All("cluster_property_set") {
		for _, nv := range set.All("nvpair") {
			if nv.Get("name") == name {
				return nv.Get("value")
			}
		}
	}
	return ""
}

func (m *Machine) option(name string) string { return Option(m.config, name) }

func (m *Machine) interval(option string, def time.Duration) time.Duration {
	s := m.option(option)
	if s == "" {
		return def
	}
	d, err := cib.ParseInterval(s)
	if err != nil {
		return def
	}
	return d
}

// attributeName strips what an operation adds to the name of a resource
// instance: fail counts are kept by the resource's configured name.
func attributeName(resource string) string {
	if i := strings.LastIndexByte(resource, ':'); i > 0 {
		return resource[:i]
	}
	return resource
}
