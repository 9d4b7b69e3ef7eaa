package pengine

import "github.com/quorate/quorate/cib"

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
