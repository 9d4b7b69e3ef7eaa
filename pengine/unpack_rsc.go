package pengine

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// maxInstances bounds what a clone-max of the CIB may make us allocate.
const maxInstances = 5000

const stickinessMeta = "resource-stickiness"

func (s *scheduler) unpackResources() {
	s.rscByID = map[string]*resource{}
	s.templates = map[string]*cib.Element{}
	s.templUse = map[string][]string{}
	section := s.root.Path("configuration", "resources")
	if section == nil {
		return
	}
	for _, e := range section.All("template") {
		if e.ID() != "" {
			s.templates[e.ID()] = e
			if s.templUse[e.ID()] == nil {
				s.templUse[e.ID()] = []string{}
			}
		}
	}
	for _, e := range section.Children {
		if e.Name == "template" || !e.IsElement() {
			continue
		}
		if r := s.unpackResource(e, nil, -1); r != nil {
			s.resources = append(s.resources, r)
		}
	}
	sort.SliceStable(s.resources, func(i, j int) bool { return s.resources[i].priority > s.resources[j].priority })
}

// expandTemplate merges a resource with the template it names.
func (s *scheduler) expandTemplate(e *cib.Element) *cib.Element {
	name := e.Get("template")
	if name == "" {
		return e
	}
	t := s.templates[name]
	if t == nil || t == e {
		s.errorf("resource %s uses template %s, which does not exist", e.ID(), name)
		return nil
	}
	merged := *t
	merged.Name = e.Name
	merged.Line = e.Line
	merged.Attrs = append([]cib.Attr(nil), t.Attrs...)
	out := &merged
	for _, a := range e.Attrs {
		out = out.WithAttr(a.Name, a.Value)
	}
	own := map[string]bool{}
	var ownOps *cib.Element
	for _, c := range e.Children {
		if c.Name == "operations" {
			ownOps = s.deref(c)
			for _, op := range c.All("op") {
				own[templateOpKey(op)] = true
			}
		}
	}
	var children []*cib.Element
	for _, c := range t.Children {
		if c.Name == "operations" {
			if ownOps == nil {
				children = append(children, c)
				continue
			}
			c = s.deref(c)
			ops := append([]*cib.Element(nil), ownOps.Children...)
			for _, op := range c.All("op") {
				if !own[templateOpKey(op)] {
					ops = append(ops, op)
				}
			}
			children = append(children, ownOps.WithChildren(ops...))
			ownOps = nil
			continue
		}
		children = append(children, c)
	}
	for _, c := range e.Children {
		if c.Name == "operations" && ownOps == nil {
			continue
		}
		children = append(children, c)
	}
	if e.ID() != name {
		used := false
		for _, u := range s.templUse[name] {
			used = used || u == e.ID()
		}
		if !used {
			s.templUse[name] = append(s.templUse[name], e.ID())
		}
	}
	return out.WithChildren(children...)
}

// templateOpKey tells which operations of a resource replace which of its
// template: those of the same name and role, whatever their interval.
func templateOpKey(op *cib.Element) string {
	r := parseRole(op.Get("role"))
	if r == roleStarted || r == roleUnpromoted {
		r = roleUnknown
	}
	return op.Get("name") + "-" + r.String()
}

// leaveAlone remembers what a bundle consists of, so that its history does not
// look like that of an orphan, which would be stopped.
func (s *scheduler) leaveAlone(bundle *cib.Element) {
	if s.foreign == nil {
		s.foreign = map[string]bool{}
	}
	id := bundle.ID()
	for _, kind := range []string{"docker", "podman", "rkt", "ip"} {
		s.foreign[id+"-"+kind+"-"] = true
	}
	s.foreign[id+"-"] = true
	if p := bundle.First("primitive"); p != nil {
		s.foreign[p.ID()] = true
	}
}

// isForeign reports whether a history belongs to something that is left alone.
func (s *scheduler) isForeign(id string) bool {
	if len(s.foreign) == 0 {
		return false
	}
	if s.foreign[baseID(id)] {
		return true
	}
	for p := range s.foreign {
		if strings.HasSuffix(p, "-") && strings.HasPrefix(id, p) {
			return true
		}
	}
	return false
}

// unpackResource makes a resource and its children; instance is the number of
// a clone instance or -1.
func (s *scheduler) unpackResource(e *cib.Element, parent *resource, instance int) *resource {
	return s.unpackResourceFlags(e, parent, instance, 0)
}

func (s *scheduler) unpackResourceFlags(e *cib.Element, parent *resource, instance int, flags uint32) *resource {
	id := e.ID()
	if id == "" {
		s.errorf("line %d: a %s without id is ignored", e.Line, e.Name)
		return nil
	}
	if e = s.expandTemplate(e); e == nil {
		return nil
	}
	r := &resource{idx: len(s.all), id: id, xml: e, parent: parent, instance: instance, migrationThreshold: Infinity, role: roleStopped}
	switch e.Name {
	case "primitive", "lrm_resource":
		r.class, r.provider, r.typ = e.Get("class"), e.Get("provider"), e.Get("type")
	case "group":
		r.variant = groupVariant
	case "clone", "master", "master_slave":
		r.variant = cloneVariant
	case "bundle":
		s.warnf("bundle %s is not scheduled yet: bundles are not supported; it is left as it is", id)
		s.leaveAlone(e)
		return nil
	default:
		s.errorf("line %d: the resource element %s %s is unknown and ignored", e.Line, e.Name, id)
		return nil
	}
	if instance >= 0 {
		r.id = id + ":" + strconv.Itoa(instance)
	}
	if s.rscByID[r.id] != nil && flags&rOrphan == 0 {
		s.errorf("line %d: resource %s is defined twice: the second definition is ignored", e.Line, r.id)
		return nil
	}
	s.all = append(s.all, r)
	if s.rscByID[r.id] == nil {
		s.rscByID[r.id] = r
	}
	r.known = make([]bool, len(s.nodes))
	for _, c := range e.Children {
		if c.Name == "operations" {
			r.opsXML = s.deref(c).All("op")
		}
		if c.Name == "utilization" && s.cfg.placement != "default" {
			s.warnf("resource %s: its utilization is not taken into account: placement strategies are not supported yet", id)
		}
	}
	r.flags = rProvisional | flags
	s.unpackMeta(r)
	r.set(rManaged | rCritical)
	m := r.meta
	r.priority = int(parseScore(m["priority"]))
	if v, ok := parseBool(m["critical"]); ok && !v {
		r.clear(rCritical)
	}
	if isTrue(m["notify"]) {
		r.set(rNotify)
	}
	if v, ok := m["is-managed"]; ok && !strings.EqualFold(v, "default") {
		if b, ok := parseBool(v); ok && !b {
			r.clear(rManaged)
		}
	}
	if isTrue(m["maintenance"]) {
		r.clear(rManaged)
		r.set(rMaintenance)
	}
	if s.cfg.maintenance {
		r.clear(rManaged)
		r.set(rMaintenance)
	}
	if r.isClone() || parent != nil && parent.top().isClone() {
		if isTrue(m["globally-unique"]) {
			r.set(rUnique)
		}
	} else {
		r.set(rUnique)
	}
	if m["restart-type"] == "restart" {
		r.restartWithDep = true
	}
	switch m["multiple-active"] {
	case "stop_only":
		r.multi = multiStopOnly
	case "block":
		r.multi = multiBlock
	case "stop_unexpected":
		r.multi = multiStopUnexpected
	}
	if v, ok := m[stickinessMeta]; ok && !strings.EqualFold(v, "default") {
		r.stickiness = parseScore(v)
	}
	if v, ok := m["migration-threshold"]; ok && !strings.EqualFold(v, "default") {
		if r.migrationThreshold = parseScore(v); r.migrationThreshold < 0 {
			s.warnf("resource %s: the negative migration-threshold %s is ignored", id, v)
			r.migrationThreshold = Infinity
		}
	}
	if r.class == "stonith" {
		s.haveFenceDevice = true
		r.set(rFenceDevice)
	}
	s.unpackRequires(r)
	if v, ok := m["failure-timeout"]; ok {
		if ms := parseMsec(v); ms > 0 {
			r.failureTimeout = time.Duration(ms/1000) * time.Second
		}
	}
	if t, ok := s.targetRole(r); ok {
		r.next, r.nextReason = t, "target-role"
	}
	if m["remote-node"] != "" || r.typ == "remote" && r.provider == "pacemaker" {
		s.warnf("resource %s is a remote or guest node: the resource is scheduled, the node is not supported yet", id)
	}
	ok := true
	switch r.variant {
	case primitiveVariant:
		s.unpackPrimitive(r)
	case groupVariant:
		ok = s.unpackGroup(r, instance)
	case cloneVariant:
		ok = s.unpackClone(r)
	}
	if !ok {
		s.forget(r)
		return nil
	}
	r.allowed = make([]cand, len(s.nodes))
	if s.cfg.symmetric {
		s.locationScore(r, nil, 0, "symmetric_default")
	}
	return r
}

// forget removes a resource that turned out to be unusable.
func (s *scheduler) forget(r *resource) {
	delete(s.rscByID, r.id)
	for i, x := range s.all {
		if x == r {
			s.all = append(s.all[:i], s.all[i+1:]...)
			break
		}
	}
	for _, c := range r.children {
		s.forget(c)
	}
}

func (s *scheduler) unpackMeta(r *resource) {
	m := map[string]string{}
	r.meta = m
	put := putInto(m)
	for _, a := range r.xml.Attrs {
		put(a.Name, a.Value)
	}
	d := &ruleData{now: s.now, changes: &s.nextChange, hasRsc: r.variant == primitiveVariant,
		class: r.class, provider: r.provider, typ: r.typ}
	s.unpackSets(r.xml, "meta_attributes", "", d, put)
	if p := r.parent; p != nil {
		for k, v := range p.meta {
			if k != stickinessMeta || !p.defaultStickiness {
				put(k, v)
			}
		}
	}
	if s.rscDefaults != nil {
		s.unpackSets(s.rscDefaults, "meta_attributes", "", d, put)
	}
	// The stickiness that clones have by default gives way to rsc_defaults.
	if _, ok := m[stickinessMeta]; !ok && (r.isClone() || r.parent != nil && r.parent.defaultStickiness) {
		m[stickinessMeta] = "1"
		r.defaultStickiness = true
	}
}

func (s *scheduler) unpackRequires(r *resource) {
	v := r.meta["requires"]
	switch v {
	case "nothing":
		return
	case "quorum":
		r.set(rNeedsQuorum)
		return
	case "fencing":
		r.set(rNeedsFencing)
		if !s.cfg.fencing {
			s.warnf("resource %s requires fencing but fencing is disabled", r.id)
		}
		return
	case "unfencing":
		if !r.is(rFenceDevice) && s.cfg.fencing {
			s.warnf("resource %s requires unfencing, which is not supported yet: fencing is required", r.id)
			r.set(rNeedsFencing)
			return
		}
		r.set(rNeedsQuorum)
		return
	case "":
	default:
		s.errorf("resource %s: requires has the unknown value %q: the default is used", r.id, v)
	}
	switch {
	case r.is(rFenceDevice):
		r.set(rNeedsQuorum)
	case s.cfg.fencing:
		r.set(rNeedsFencing)
	case s.cfg.quorum == quorumIgnore:
	default:
		r.set(rNeedsQuorum)
	}
}

// targetRole reads target-role; Promoted means what the engine does anyway.
func (s *scheduler) targetRole(r *resource) (role, bool) {
	v, ok := r.meta["target-role"]
	if !ok || strings.EqualFold(v, "started") || strings.EqualFold(v, "default") {
		return 0, false
	}
	t := parseRole(v)
	switch {
	case t == roleUnknown:
		s.errorf("resource %s: target-role has the unknown value %q and is ignored", r.id, v)
		return 0, false
	case t > roleStarted:
		if !r.top().is(rPromotable) {
			if x := r.top(); x.isClone() && x.xml.Name != "clone" || isTrue(x.meta["promotable"]) {
				return 0, false // a clone that is still being read
			}
			s.errorf("resource %s: target-role %s makes no sense because the resource is not promotable", r.id, v)
			return 0, false
		}
		if t > roleUnpromoted {
			return 0, false
		}
	}
	return t, true
}

func (s *scheduler) unpackPrimitive(r *resource) {
	if isTrue(r.meta["allow-migrate"]) && !r.parentOf(func(p *resource) bool { return p.isClone() }) {
		r.set(rMigratable)
	}
	if p := r.top(); p.isClone() && r.parent != nil {
		if r.is(rUnique) && !agentUnique(r.class) {
			s.warnf("globally-unique of %s is ignored because %s resources such as %s can be used only as anonymous clones", p.id, r.class, r.id)
			// What the instances unpacked so far consist of is anonymous from
			// now on; the rest of this instance stays unique until the next.
			p.clearAll(rUnique)
			r.clear(rUnique)
			p.cloneNodeMax = 1
			p.cloneMax = min(p.cloneMax, len(s.nodes))
		}
		if p.is(rPromotable) && r.class != "ocf" {
			s.warnf("promotable of %s is ignored because %s resources such as %s do not support it", p.id, r.class, r.id)
			p.clear(rPromotable)
		}
	}
}

func (r *resource) parentOf(f func(*resource) bool) bool {
	for p := r.parent; p != nil; p = p.parent {
		if f(p) {
			return true
		}
	}
	return false
}

func agentUnique(class string) bool { return class == "ocf" || class == "stonith" }

func (s *scheduler) unpackGroup(r *resource, instance int) bool {
	r.ordered, r.collocated = true, true
	if v, ok := parseBool(r.meta["ordered"]); ok {
		r.ordered = v
	}
	if v, ok := parseBool(r.meta["collocated"]); ok {
		r.collocated = v
	}
	for _, c := range r.xml.Children {
		if c.Name != "primitive" {
			continue
		}
		if m := s.unpackResource(c, r, instance); m != nil {
			r.children = append(r.children, m)
		}
	}
	if len(r.children) == 0 {
		s.warnf("group %s has no members and is ignored", r.id)
		return false
	}
	return true
}

func (s *scheduler) unpackClone(r *resource) bool {
	m := r.meta
	if r.xml.Name != "clone" || isTrue(m["promotable"]) {
		r.set(rPromotable)
	}
	num := func(name, old string, def int) int {
		v, ok := m[name]
		if !ok && old != "" {
			v, ok = m[old]
		}
		if !ok {
			return def
		}
		return int(clampScore(parseInt(v)))
	}
	if r.is(rPromotable) {
		r.promotedMax = num("promoted-max", "master-max", 1)
		r.promotedNodeMax = num("promoted-node-max", "master-node-max", 1)
		m["promoted-max"] = strconv.Itoa(r.promotedMax)
		m["promoted-node-max"] = strconv.Itoa(r.promotedNodeMax)
	}
	r.cloneNodeMax = num("clone-node-max", "", 1)
	def := max(1, len(s.nodes))
	r.cloneMax = num("clone-max", "", def)
	if r.cloneMax < 0 {
		r.cloneMax = def
	}
	if r.cloneMax > maxInstances {
		s.errorf("clone %s: clone-max %d is more than this program allows, %d is used", r.id, r.cloneMax, maxInstances)
		r.cloneMax = maxInstances
	}
	r.cloneMin = num("clone-min", "", 0)
	r.ordered = isTrue(m["ordered"])
	r.interleave = isTrue(m["interleave"])
	if !r.is(rUnique) && r.cloneNodeMax > 1 {
		s.warnf("clone %s: clone-node-max is 1 because the clone is anonymous", r.id)
		r.cloneNodeMax = 1
	}
	for _, c := range r.xml.Children {
		if c.Name == "primitive" || c.Name == "group" {
			r.template = c
			break
		}
	}
	if r.template == nil {
		s.errorf("clone %s has nothing to clone and is ignored", r.id)
		return false
	}
	m["globally-unique"] = strconv.FormatBool(r.is(rUnique))
	m["notify"] = strconv.FormatBool(r.is(rNotify))
	if r.cloneMax <= 0 {
		return s.addInstance(r) != nil
	}
	for i := 0; i < r.cloneMax; i++ {
		if s.addInstance(r) == nil {
			return false
		}
	}
	return true
}

// addInstance adds the next instance to a clone; beyond clone-max it is an
// orphan.
func (s *scheduler) addInstance(r *resource) *resource {
	n := r.totalClones
	orphan := n >= r.cloneMax
	c := s.unpackResource(r.template, r, n)
	if c == nil {
		return nil
	}
	r.totalClones++
	r.children = append(r.children, c)
	if orphan {
		c.setAll(rOrphan)
	}
	return c
}

// setAll sets flags on the resource and everything below.
func (r *resource) setAll(f uint32) {
	r.set(f)
	for _, c := range r.children {
		c.setAll(f)
	}
}

func (r *resource) clearAll(f uint32) {
	r.clear(f)
	for _, c := range r.children {
		c.clearAll(f)
	}
}

// locationScore adds a score to the table of r and of everything below, on one
// node or, with nil, on all.
func (s *scheduler) locationScore(r *resource, n *node, score Score, tag string) {
	for _, c := range r.children {
		s.locationScore(c, n, score, tag)
	}
	if n != nil {
		s.nodeScore(r, n, score, tag)
		return
	}
	for _, n := range s.nodes {
		s.nodeScore(r, n, score, tag)
	}
	if score == -Infinity {
		for i := range r.allowed {
			r.allowed[i].w = -Infinity
		}
	}
}

func (s *scheduler) nodeScore(r *resource, n *node, score Score, tag string) {
	c := &r.allowed[n.idx]
	if !c.present {
		c.present = true
		c.w = n.score
		if n.score != 0 {
			s.note(r, n, n.score, "node score", n.id)
		}
	}
	s.addTo(r, n, score, tag)
}

func parseInterval(op *cib.Element) int64 {
	v := op.Get("interval")
	if v == "" {
		return 0
	}
	ms := parseMsec(v)
	if ms < 0 {
		return 0
	}
	return ms
}

// parameters returns the agent parameters of a resource as rules see them from
// a node; n may be nil.
func (s *scheduler) parameters(r *resource, n *node) map[string]string {
	if !r.dynamicParams && r.params != nil {
		return r.params
	}
	if r.params != nil {
		idx := -1
		if n != nil {
			idx = n.idx
		}
		if p := r.paramsByNode[idx]; p != nil {
			return p
		}
	}
	d := &ruleData{now: s.now, changes: &s.nextChange, node: n, hasNode: n != nil, hasRsc: true,
		class: r.class, provider: r.provider, typ: r.typ}
	m := map[string]string{}
	dynamic := false
	for p := r; p != nil; p = p.parent {
		s.unpackSets(p.xml, "instance_attributes", "", d, putInto(m))
		for _, c := range p.xml.Children {
			if c.Name == "instance_attributes" && s.deref(c).First("rule") != nil {
				dynamic = true
			}
		}
	}
	r.dynamicParams = dynamic
	r.params = m
	if dynamic {
		if r.paramsByNode == nil {
			r.paramsByNode = map[int]map[string]string{}
		}
		idx := -1
		if n != nil {
			idx = n.idx
		}
		r.paramsByNode[idx] = m
	}
	return m
}
