package pengine

import (
	"time"

	"github.com/quorate/quorate/cib"
)

func secondsOf(ms int64) time.Duration { return time.Duration(ms/1000) * time.Second }

// guestConnection makes the connection to the guest node that the meta
// attributes of a primitive declare; nil when they do not.
func (s *scheduler) guestConnection(e *cib.Element) *cib.Element {
	meta := map[string]string{}
	for _, set := range e.All("meta_attributes") {
		for _, nv := range s.deref(set).All("nvpair") {
			switch name := nv.Get("name"); name {
			case "remote-node", "remote-addr", "remote-port", "remote-connect-timeout", "remote-allow-migrate", "is-managed":
				meta[name] = nv.Get("value")
			}
		}
	}
	id := meta["remote-node"]
	if id == "" {
		return nil
	}
	if id == e.ID() || s.resourceExists(id) {
		s.errorf("resource %s: remote-node %s is the name of a resource already: the guest node is ignored", e.ID(), id)
		return nil
	}
	return connectionXML(e.Line, id, e.ID(), meta["remote-addr"], meta["remote-port"], meta["remote-connect-timeout"],
		meta["remote-allow-migrate"], meta["is-managed"])
}

// resourceExists reports whether a resource is configured under the id.
func (s *scheduler) resourceExists(id string) bool {
	if s.configured == nil {
		s.configured = map[string]bool{}
		var add func(e *cib.Element)
		add = func(e *cib.Element) {
			for _, c := range e.Children {
				switch c.Name {
				case "primitive", "group", "clone", "master", "bundle":
					s.configured[c.ID()] = true
					add(c)
				}
			}
		}
		add(s.root.Path("configuration", "resources"))
	}
	return s.configured[id]
}

// implicitMeta marks resources that another one implies: the status text does
// not show them.
const implicitMeta = "internal_rsc"

// noTimeout lets the start of a connection have the timeout of any operation.
const noTimeout = "-"

// connectionXML writes the primitive that connects to a node inside a
// container.
func connectionXML(line int, id, container, addr, port, timeout, migrate, managed string) *cib.Element {
	nv := func(list []*cib.Element, name, value string) []*cib.Element {
		if value == "" {
			return list
		}
		return append(list, cib.New("nvpair", "id", id+"-"+name, "name", name, "value", value))
	}
	p := cib.New("primitive", "id", id, "class", "ocf", "provider", "pacemaker", "type", "remote")
	meta := nv(nil, "container", container)
	meta = nv(meta, implicitMeta, "true")
	meta = nv(meta, "allow-migrate", migrate)
	meta = nv(meta, "is-managed", managed)
	ops := []*cib.Element{cib.New("op", "id", id+"-monitor-interval-30s", "name", tMonitor, "interval", "30s", "timeout", "30s")}
	if timeout != noTimeout {
		ops = append(ops, cib.New("op", "id", id+"-start-interval-0", "name", tStart, "interval", "0", "timeout", orDefault(timeout, "60s")))
	}
	children := []*cib.Element{cib.New("meta_attributes", "id", id+"-meta_attributes").WithChildren(meta...),
		cib.New("operations").WithChildren(ops...)}
	params := nv(nil, "addr", addr)
	if params = nv(params, "port", port); len(params) > 0 {
		children = append(children, cib.New("instance_attributes", "id", id+"-instance_attributes").WithChildren(params...))
	}
	p = p.WithChildren(children...)
	p.Line = line
	return p
}

// fenceGuest plans the event that stands for the fencing of a guest node, which
// is the recovery of its container.
func (s *scheduler) fenceGuest(n *node) {
	op := "off"
	var stop *action
	if c := n.connection.container; c != nil {
		stop = c.firstAction(tStop, nil)
		if c.firstAction(tStart, nil) != nil {
			op = "reboot"
		}
	}
	fence := s.fenceOp(n, op, false, "guest is unclean", false)
	fence.set(aPseudo | aRunnable)
	switch {
	case stop != nil && stop.is(aPseudo):
		// Its host is fenced, which ends the container.
		s.orderActions(s.fenceOp(stop.node, "", false, "", false), fence, oRunnableLeft|oImpliesThen)
	case stop != nil:
		s.orderActions(stop, fence, oRunnableLeft|oImpliesThen)
	default:
		// It may seem stopped because its history was cleaned: the probes of the
		// container come before the stop of the connection.
		if stop = n.connection.firstAction(tStop, nil); stop != nil {
			s.orderActions(stop, fence, oOptional)
		}
	}
	s.orderVsFencing(fence)
}

// orphanContainers gives the connections that only a history knows the
// containers that it names.
func (s *scheduler) orphanContainers(list []*cib.Element) {
	for _, e := range list {
		id := e.Get("container")
		if id == "" {
			continue
		}
		r, c := s.rscByID[e.ID()], s.rscByID[id]
		if r == nil || c == nil || r.container != nil || !r.is(rOrphan) {
			continue
		}
		r.container = c
		c.fillers = append(c.fillers, r)
	}
}

// inGuestOf reports whether a node is the guest inside r or inside the top of
// what r belongs to.
func (r *resource) inGuestOf(n *node) bool {
	return n != nil && n.isGuest() && r != nil && len(r.fillers) > 0 && n.connection.container == r
}

// lostInside tells that r is in a container and cannot start in it again.
func (r *resource) lostInside() bool {
	if !r.assigned.isGuest() {
		return false
	}
	start := r.firstAction(tStart, nil)
	return start != nil && !start.is(aRunnable)
}
