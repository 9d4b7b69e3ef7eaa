package pengine

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

func (s *scheduler) unpackResources() {
	s.rscByID = map[string]*resource{}
	s.templates = map[string]*cib.Element{}
	s.templUse = map[string][]string{}
	section := s.root.Path("configuration", "resources")
	if section == nil {
		return
	}
	s.unfencing = unfencingConfigured(section)
	if s.unfencing && s.opts.LocalOnly {
		s.warnf("unfencing is configured but this program does not execute it yet: fencing is required instead, and no node is unfenced")
		s.unfencing = false
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
	for _, e := range s.guestXML {
		if r := s.unpackResource(e, nil, -1); r != nil {
			s.resources = append(s.resources, r)
		}
	}
	for _, r := range s.resources {
		s.linkContainers(r)
		s.linkConnection(r)
	}
	sort.SliceStable(s.resources, func(i, j int) bool { return s.resources[i].priority > s.resources[j].priority })
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
		if s.opts.LocalOnly {
			s.warnf("bundle %s is left as it is: this program does not execute bundles yet", id)
			s.leaveAlone(e)
			return nil
		}
		r.variant = bundleVariant
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
	}
	r.flags = rProvisional | flags
	if r.variant == primitiveVariant && isRemoteAgent(r.class, r.provider, r.typ) {
		r.set(rConnection)
	}
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
		if !isTrue(v) {
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
		s.warnf("resource %s: the meta attribute restart-type is deprecated", id)
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
		if ms := parseSpan(v); ms > 0 {
			r.failureTimeout = time.Duration(ms/1000) * time.Second
		}
	}
	if t, ok := s.targetRole(r); ok {
		r.next, r.nextReason = t, "target-role"
	}
	s.refuseRemote(r)
	if r.is(rConnection) {
		s.readReconnect(r)
	}
	r.needs = s.unpackAmounts(e, &ruleData{now: s.now, changes: &s.nextChange}, nil)
	ok := true
	switch r.variant {
	case primitiveVariant:
		s.unpackPrimitive(r)
	case groupVariant:
		ok = s.unpackGroup(r, instance)
	case cloneVariant:
		ok = s.unpackClone(r)
	case bundleVariant:
		ok = s.unpackBundle(r)
	}
	if !ok {
		s.forget(r)
		return nil
	}
	r.allowed = make([]cand, len(s.nodes))
	switch {
	case s.cfg.symmetric:
		s.locationScore(r, nil, 0, "symmetric_default")
	case r.is(rConnection) && r.meta["container"] != "":
		// It is where its container is, which has to be allowed there.
		s.locationScore(r, nil, 0, "remote_connection_default")
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

func (s *scheduler) unpackPrimitive(r *resource) {
	if v, ok := r.meta["allow-migrate"]; isTrue(v) || !ok && r.is(rConnection) && r.meta["container"] == "" {
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
			p.cloneMax = min(p.cloneMax, s.bornNodes())
		}
		if p.is(rPromotable) && r.class != "ocf" {
			s.warnf("promotable of %s is ignored because %s resources such as %s do not support it", p.id, r.class, r.id)
			p.clear(rPromotable)
		}
	}
}

func agentUnique(class string) bool { return class == "ocf" || class == "stonith" }
