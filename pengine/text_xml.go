package pengine

import (
	"strconv"

	"github.com/quorate/quorate/cib"
)

// oldFeatureSet stands for a node that does not tell its feature set.
const oldFeatureSet = "<3.15.1"

// StatusXML returns the nodes and the resources in the XML form of the tools:
// the elements <nodes> and, if there are any, <resources>.
func (r *Result) StatusXML() []*cib.Element {
	nodes, resources := cib.New("nodes"), cib.New("resources")
	for _, n := range r.s.nodes {
		nodes.Children = append(nodes.Children, r.s.nodeXML(n))
	}
	for _, x := range r.s.resources {
		if x.shownAsXML() {
			resources.Children = append(resources.Children, r.s.resourceXML(x))
		}
	}
	if len(resources.Children) == 0 {
		return []*cib.Element{nodes}
	}
	return []*cib.Element{nodes, resources}
}

func (s *scheduler) nodeXML(n *node) *cib.Element {
	b := strconv.FormatBool
	e := cib.New("node", "name", n.uname, "id", n.id, "online", b(n.online), "standby", b(n.standby), "standby_onfail", b(n.standbyOnFail),
		"maintenance", b(n.maintenance), "pending", b(n.pending), "unclean", b(n.unclean), "health", orDefault(s.healthText(n), "green"))
	if n.online && n.kind != remoteNode {
		fs := n.featureSet
		if fs == "" {
			fs = oldFeatureSet
		}
		e = e.WithAttr("feature_set", fs)
	}
	kind := "member"
	if n.kind == "ping" || n.kind == remoteNode {
		kind = n.kind
	}
	for _, a := range [][2]string{{"shutdown", b(n.shutdown)}, {"expected_up", b(n.expectedUp)}, {"is_dc", b(n.isDC)},
		{"resources_running", strconv.Itoa(len(n.running))}, {"type", kind}} {
		e = e.WithAttr(a[0], a[1])
	}
	if n.isGuest() {
		e = e.WithAttr("id_as_resource", n.connection.container.id)
	}
	return e
}

func (s *scheduler) resourceXML(r *resource) *cib.Element {
	if r.bundle != nil {
		return s.bundleXML(r)
	}
	b := strconv.FormatBool
	var e *cib.Element
	target, hasTarget := r.meta["target-role"]
	if !hasTarget && r.isClone() && len(r.children) > 0 {
		target, hasTarget = r.children[0].meta["target-role"]
	}
	switch r.variant {
	case primitiveVariant:
		return s.primitiveXML(r)
	case groupVariant:
		e = cib.New("group", "id", r.id, "number_resources", strconv.Itoa(len(r.children)), "managed", b(r.is(rManaged)), "disabled", b(r.disabled()))
	default:
		e = cib.New("clone", "id", r.id, "multi_state", b(r.is(rPromotable)), "unique", b(r.is(rUnique)), "managed", b(r.is(rManaged)),
			"disabled", b(r.disabled()), "failed", b(r.is(rFailed)), "failure_ignored", b(r.is(rFailureIgnored)))
		if hasTarget {
			e = e.WithAttr("target_role", target)
		}
	}
	for _, c := range r.children {
		if !c.elsewhere() {
			e.Children = append(e.Children, s.resourceXML(c))
		}
	}
	return e
}

// bundleXML lists what each container of a bundle is made of and what runs in it.
func (s *scheduler) bundleXML(r *resource) *cib.Element {
	b := strconv.FormatBool
	e := cib.New("bundle", "id", r.id, "type", r.bundle.kind, "image", r.bundle.image, "unique", b(r.is(rUnique)), "managed", b(r.is(rManaged)), "failed", b(r.is(rFailed)))
	for _, rep := range r.bundle.replicas {
		x := cib.New("replica", "id", strconv.Itoa(rep.offset))
		for _, part := range []*resource{rep.addr, rep.child, rep.container, rep.conn} {
			if part != nil {
				x.Children = append(x.Children, s.resourceXML(part))
			}
		}
		e.Children = append(e.Children, x)
	}
	return e
}

func (s *scheduler) primitiveXML(r *resource) *cib.Element {
	b := strconv.FormatBool
	agent := r.class + ":" + r.typ
	if r.provider != "" {
		agent = r.class + ":" + r.provider + ":" + r.typ
	}
	role := r.displayRole().String()
	if st := pendingStates[r.pendingTask]; st != "" && s.opts.ShowPending {
		role = st
	}
	e := cib.New("resource", "id", r.displayName(), "resource_agent", agent, "role", role)
	if t, ok := r.meta["target-role"]; ok {
		e = e.WithAttr("target_role", t)
	}
	for _, a := range [][2]string{{"active", b(r.active(true))}, {"orphaned", b(r.is(rOrphan))}, {"blocked", b(r.is(rBlocked))},
		{"managed", b(r.is(rManaged))}, {"failed", b(r.is(rFailed))}, {"failure_ignored", b(r.is(rFailureIgnored))},
		{"nodes_running_on", strconv.Itoa(len(r.running))}} {
		e = e.WithAttr(a[0], a[1])
	}
	if r.pendingTask == tMonitor && s.opts.ShowPending {
		e = e.WithAttr("pending", "Monitoring")
	}
	for _, n := range r.running {
		e.Children = append(e.Children, cib.New("node", "name", n.uname, "id", n.id, "cached", b(n.online)))
	}
	return e
}
