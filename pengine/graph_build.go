package pengine

import (
	"cmp"
	"slices"
	"strings"
)

// buildGraph chooses the actions that are to be done and their inputs.
func (s *scheduler) buildGraph() {
	inf := "INFINITY"
	if !s.cfg.startFatal {
		inf = "1"
	}
	g := &Graph{TransitionID: s.opts.TransitionID}
	g.Params = append(g.Params, Param{"cluster-delay", s.cfg.clusterDelay},
		Param{"stonith-timeout", s.option("stonith-timeout", "60s")},
		Param{"failed-stop-offset", "INFINITY"}, Param{"failed-start-offset", inf})
	g.Params = append(g.Params, Param{"batch-limit", s.cfg.batchLimit}, Param{"transition_id", itoa(s.opts.TransitionID)})
	if v := parseInt(s.cfg.migrationLimit); v > 0 {
		g.Params = append(g.Params, Param{"migration-limit", s.cfg.migrationLimit})
	}
	s.graph = g
	if len(s.maintenanceChanges()) > 0 {
		s.newGlobal(tMaintenanceNodes, tMaintenanceNodes, nil, false).set(aPseudo | aRunnable | aPrintAlways)
	}
	for _, r := range s.resources {
		s.graphResource(r)
	}
	for i := len(s.actions) - 1; i >= 0; i-- {
		s.graphAction(s.actions[i])
	}
	for _, a := range s.dumped {
		if len(a.inputs) == 0 {
			continue
		}
		slices.SortFunc(a.inputs, func(x, y *action) int { return cmp.Compare(x.id, y.id) })
		in := make([]int, 0, len(a.inputs))
		for _, x := range a.inputs {
			if x.graph != nil {
				in = append(in, x.graph.ID)
			}
		}
		a.graph.Inputs = in
	}
}

func (s *scheduler) graphResource(r *resource) {
	if r.isBundle() {
		s.graphBundle(r)
		return
	}
	if r.isClone() {
		for i := len(r.actions) - 1; i >= 0; i-- {
			s.actionFlags(r.actions[i], nil)
		}
		for _, d := range []*notifyData{r.notifyStart, r.notifyStop, r.notifyPromote, r.notifyDemote} {
			s.createNotifications(r, d)
		}
		for _, c := range r.children {
			s.graphResource(c)
		}
	}
	for i := len(r.actions) - 1; i >= 0; i-- {
		s.graphAction(r.actions[i])
	}
	if !r.isClone() {
		for _, c := range r.children {
			s.graphResource(c)
		}
	}
}

// inGraph reports whether an action is to be done.
func (s *scheduler) inGraph(a *action) bool {
	if !a.is(aRunnable) || a.is(aOptional) && !a.is(aPrintAlways) {
		return false
	}
	if a.rsc != nil && !a.rsc.is(rManaged) && a.task != tMonitor && a.interval == 0 {
		return false
	}
	if a.is(aPseudo) || a.task == tStonith || a.task == tShutdown || a.task == tLRMDelete {
		return true
	}
	if a.node == nil {
		return false
	}
	if a.node.isGuest() && !a.node.reset {
		return true
	}
	return a.node.online && !a.node.unclean
}

// apart reports whether the ordering serves only to keep two resources apart
// whose nodes differ anyway; then is the later action.
func (e *edge) apart(then *action) bool {
	return e.t == oAntiColocation && e.a.node != nil && then.node != nil && e.a.node != then.node
}

// inputCounts reports whether an ordering becomes an input of the graph.
func (s *scheduler) inputCounts(a *action, e *edge) bool {
	x := e.a
	switch {
	case e.t&oPreserve == 0 && x.rsc != nil && a.rsc.inGuestOf(x.node):
		return false // nothing inside a guest comes before what the guest is
	case e.used:
		return true
	case e.t == oNone:
		return false
	case !x.is(aRunnable) && e.t&^(oImpliesFirstPrinted|oImpliesThenPrinted|oOptional) == 0:
		return false
	case !x.is(aRunnable) && e.t&oOneOrMore != 0:
		return false
	case e.t&oImpliesFirstMigr != 0 && !x.is(aRunnable):
		return false
	case e.t&oApplyFirstNonMigr != 0 && x.is(aMigratable):
		return false
	case e.t == oOptional && x.is(aMigratable) && x.kt == tStop && !x.custom:
		return false
	case e.t == oLoad && !loadCounts(a, x):
		return false
	case e.apart(a) || e.t == oAntiColocation && x.is(aOptional):
		return false
	case x.rsc != nil && x.rsc != a.rsc && x.rsc.is(rFailed) && !x.rsc.is(rManaged) && x.kt == tStop && a.rsc.isClone():
		return false
	case x.is(aOptional) && !x.is(aPrintAlways) && !x.is(aDumped) && !s.inGraph(x):
		return false
	}
	return true
}

func (s *scheduler) graphAction(a *action) {
	if a.is(aDumped) || !s.inGraph(a) {
		return
	}
	a.set(aDumped)
	// Orderings of the same pair count as one.
	s.stamp++
	merged := s.merged[:0]
	for i := len(a.before) - 1; i >= 0; i-- {
		e := a.before[i]
		if e.a.stamp == s.stamp {
			merged[e.a.slot].t |= e.t
			continue
		}
		e.a.stamp, e.a.slot = s.stamp, int32(len(merged))
		merged = append(merged, e)
	}
	s.merged = merged
	for i := range merged {
		if s.inputCounts(a, &merged[i]) {
			a.inputs = append(a.inputs, merged[i].a)
		}
	}
	ga := s.graphElement(a)
	ga.ID = len(s.graph.Actions)
	a.graph = ga
	s.graph.Actions = append(s.graph.Actions, ga)
	s.dumped = append(s.dumped, a)
}

func (s *scheduler) graphElement(a *action) *GraphAction {
	if len(s.graphSlab) == 0 {
		s.graphSlab = make([]GraphAction, min(256, 16+len(s.graph.Actions)))
	}
	g := &s.graphSlab[0]
	s.graphSlab = s.graphSlab[1:]
	*g = GraphAction{Kind: RscOp, Operation: a.task, Key: a.uuid(), Cause: a.cause}
	switch {
	case a.is(aPseudo):
		// the fencing of a guest node too
		g.Kind = PseudoEvent
	case a.task == tStonith, a.task == tShutdown, a.task == tClearFail, a.task == tRefresh:
		g.Kind = CRMEvent
	case a.task == tLRMDelete:
		g.Kind, g.Mode = CRMEvent, "cib"
	}
	r := a.rsc
	prio := a.priority
	if r != nil {
		prio = max(prio, Score(r.priority))
	}
	g.Priority = max(0, prio)
	if r != nil && r.lrmID != "" {
		key := ""
		switch {
		case a.task == tNotify && a.notifyKey != nil:
			key = notifyKey(r.lrmID, a.notifyKey.kind, a.notifyKey.op)
		case a.cancel != "":
			key = opKeyString(r.lrmID, a.cancel, a.interval)
		default:
			key = opKeyString(r.lrmID, a.task, a.interval)
		}
		if !a.is(aPseudo) || r.variant == primitiveVariant {
			g.InternalKey, g.Key = g.Key, key
		}
	}
	if a.node != nil && (g.Kind != PseudoEvent || a.task == tStonith) {
		g.Node, g.NodeID = a.node.uname, a.node.id
		if g.Kind == RscOp || a.task == tClearFail {
			if at := a.router(); at != nil {
				g.RouterNode = at.uname
			}
		}
	}
	if r != nil && g.Kind != PseudoEvent {
		if r.ref == nil {
			r.ref = r.primitiveRef()
		}
		g.Primitive = r.ref
	}
	s.graphParams(a, g)
	if a.targetRC >= 0 {
		g.TargetRC = a.targetRC
	}
	g.Downed = s.goesDown(a, g)
	g.ShutdownLock = a.keepsLock()
	if a.task == tMaintenanceNodes {
		g.Maintenance = s.maintenanceChanges()
	}
	return g
}

// primitiveRef names a resource and its agent in the graph.
func (r *resource) primitiveRef() *PrimitiveRef {
	p := &PrimitiveRef{ID: r.id, Class: r.class, Provider: r.provider, Type: r.typ}
	switch {
	case r.is(rOrphan) && r.lrmID != "":
		p.ID, p.LongID = r.lrmID, r.id
	case !r.is(rUnique):
		p.ID, p.LongID = r.xml.ID(), r.id
		if r.lrmID != "" && r.lrmID != p.ID {
			p.LongID = r.lrmID
		}
	}
	return p
}

func metaName(k string) string { return "CRM_meta_" + strings.ReplaceAll(k, "-", "_") }

// graphParams fills the attributes of an action. Actions of one resource share
// what does not depend on the action.
func (s *scheduler) graphParams(a *action, g *GraphAction) {
	r := a.rsc
	base := s.graphBase(a)
	out := s.params[:0]
	if a.cancel != "" {
		out = append(out, Param{"CRM_meta_operation", a.cancel})
		if a.op == nil || a.op.meta["interval"] == "" {
			out = append(out, Param{"CRM_meta_interval", itoa(int(a.interval))})
		}
	}
	if r == nil && a.is(aPseudo) {
		out = append(out, Param{"CRM_meta_timeout", "20000"})
	}
	if a.targetRC >= 0 {
		out = append(out, Param{"CRM_meta_op_target_rc", itoa(a.targetRC)})
	}
	if a.migrate[0] != nil {
		out = append(out, Param{"CRM_meta_migrate_source", a.migrate[0].uname}, Param{"CRM_meta_migrate_target", a.migrate[1].uname})
	}
	out = append(out, a.extra...)
	if a.notifyKey != nil {
		out = append(out, Param{"CRM_meta_notify_key_operation", a.notifyKey.keyTask}, Param{"CRM_meta_notify_key_type", a.notifyKey.kind},
			Param{"CRM_meta_notify_operation", a.notifyKey.op}, Param{"CRM_meta_notify_type", strings.TrimPrefix(a.notifyKey.kind, "confirmed-")})
	}
	for _, p := range a.notifyEnv {
		out = append(out, Param{"CRM_meta_" + p.Name, p.Value})
	}
	if g.Node != "" {
		out = append(out, Param{"CRM_meta_on_node", g.Node}, Param{"CRM_meta_on_node_uuid", g.NodeID})
	}
	for p := r; p != nil; p = p.parent {
		if p.instance >= 0 && r.variant == primitiveVariant {
			out = append(out, Param{"CRM_meta_clone", itoa(p.instance)})
		}
		if p.isClone() {
			out = append(out, p.cloneMeta()...)
		}
	}
	if r == nil && a.task == tStonith && a.node != nil {
		for k, v := range a.node.attrs {
			if xmlName(k) && !strings.Contains(k, ":") {
				out = append(out, Param{metaName(k), v})
			}
		}
	}
	out = s.remoteParams(a, out)
	sortParams(out)
	s.params = out
	g.Params = mergeParams(base, out)
}

// graphBase returns the parameters that the configuration of the resource and
// of the operation gives an action, sorted; they are read only.
func (s *scheduler) graphBase(a *action) []Param {
	if a.op == nil {
		return nil
	}
	r := a.rsc
	primitive := r != nil && r.variant == primitiveVariant
	var params map[string]string
	if primitive {
		params = r.withAddress(s.parameters(r, a.node))
		if a.op.base != nil && !r.dynamicParams {
			return a.op.base
		}
	}
	out := make([]Param, 0, len(params)+len(a.op.params)+len(a.op.meta))
	if primitive {
		for k, v := range a.op.params {
			out = append(out, Param{k, v})
		}
		for k, v := range params {
			if _, ok := a.op.params[k]; !ok {
				out = append(out, Param{k, v})
			}
		}
	}
	for k, v := range a.op.meta {
		if k != "OCF_CHECK_LEVEL" {
			out = append(out, Param{metaName(k), v})
		}
	}
	sortParams(out)
	if primitive {
		a.op.base = out
	}
	return out
}

// sortParams sorts by name and, to be the same every time, by value.
func sortParams(list []Param) {
	slices.SortFunc(list, func(x, y Param) int {
		if c := strings.Compare(x.Name, y.Name); c != 0 {
			return c
		}
		return strings.Compare(x.Value, y.Value)
	})
}

// mergeParams merges two sorted lists into a new one; of equal names the first
// counts.
func mergeParams(a, b []Param) []Param {
	out := make([]Param, 0, len(a)+len(b))
	for len(a)+len(b) > 0 {
		var p Param
		if len(b) == 0 || len(a) > 0 && a[0].Name <= b[0].Name {
			p, a = a[0], a[1:]
		} else {
			p, b = b[0], b[1:]
		}
		if n := len(out); n == 0 || out[n-1].Name != p.Name {
			out = append(out, p)
		}
	}
	return out
}

func (r *resource) cloneMeta() []Param {
	if r.metaFlat == nil {
		b := func(f uint32) string {
			if r.is(f) {
				return "true"
			}
			return "false"
		}
		r.metaFlat = []Param{{"CRM_meta_globally_unique", b(rUnique)}, {"CRM_meta_notify", b(rNotify)},
			{"CRM_meta_clone_max", itoa(r.cloneMax)}, {"CRM_meta_clone_node_max", itoa(r.cloneNodeMax)}}
		if r.is(rPromotable) {
			r.metaFlat = append(r.metaFlat, Param{"CRM_meta_promoted_max", itoa(r.promotedMax)},
				Param{"CRM_meta_promoted_node_max", itoa(r.promotedNodeMax)},
				Param{"CRM_meta_master_max", itoa(r.promotedMax)}, Param{"CRM_meta_master_node_max", itoa(r.promotedNodeMax)})
		}
	}
	return r.metaFlat
}
