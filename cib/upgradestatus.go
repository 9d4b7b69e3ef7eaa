package cib

import (
	"fmt"
	"strings"
)

// status upgrades the status section. Its many renamed attributes are reported
// once per kind, not for each operation.
func (u *upgrader) status(e *Element) *Element {
	return u.mapChildren(e, func(c *Element) *Element {
		if c.Name == "node_state" {
			return u.nodeState(c)
		}
		return c
	})
}

func (u *upgrader) nodeState(e *Element) *Element {
	out := e
	if e.Get("ha") == "dead" && e.Get("in_ccm") != "false" {
		u.say(e, "", Changed, "in_ccm is now false: ha=\"dead\" alone means nothing today")
		out = out.WithAttr("in_ccm", "false")
	}
	counts := map[string]int{}
	var order []string
	out = u.history(out, e.ID(), func(old, to string) {
		key := old + " to " + to
		if counts[key]++; counts[key] == 1 {
			order = append(order, key)
		}
	})
	if len(order) > 0 {
		var parts []string
		for _, k := range order {
			parts = append(parts, fmt.Sprintf("%s (%d times)", k, counts[k]))
		}
		u.say(e, "", Renamed, "attributes of the history: %s", strings.Join(parts, ", "))
	}
	if v := e.Get("shutdown"); v != "" && v != "0" {
		u.say(e, "", Moved, "shutdown=%q is now a transient attribute", v)
		out = addTransient(out.WithoutAttr("shutdown"), e.ID(), "shutdown", v)
	}
	return out
}

// history upgrades what is inside of a node_state.
func (u *upgrader) history(e *Element, node string, renamed func(from, to string)) *Element {
	return u.mapChildren(e, func(c *Element) *Element {
		switch c.Name {
		case "transient_attributes":
			c = needID(c, node)
			return u.mapChildren(c, func(s *Element) *Element {
				if s.Name != "instance_attributes" {
					return s
				}
				s = needID(u.set(s), "status-"+node)
				return u.mapChildren(s, func(nv *Element) *Element {
					if nv.Name != "nvpair" {
						return nv
					}
					return needID(nv, s.ID()+"-"+nv.Get("name"))
				})
			})
		case "lrm":
			c = needID(c, node)
		case "lrm_rsc_op":
			c = u.operation(c)
		}
		for _, a := range c.Attrs {
			if to := hb2Status[c.Name][a.Name]; to != "" {
				c = renameAttr(c, a.Name, to)
				renamed(a.Name, to)
			}
		}
		return u.history(c, node, renamed)
	})
}

func needID(e *Element, id string) *Element {
	if e.ID() == "" {
		return e.WithAttr("id", id)
	}
	return e
}

// operation brings the transition key of an operation into the form
// action:transition:expected-rc:uuid.
func (u *upgrader) operation(e *Element) *Element {
	rc := "0"
	if e.Get("operation") == "monitor" && e.Get("interval") == "0" {
		rc = "7"
	}
	if k, ok := e.Lookup("transition_key"); ok {
		e = e.WithAttr("transition_key", hb2Key(k, rc))
	}
	if m := e.Get("transition_magic"); m != "" {
		head, key, ok := strings.Cut(m, ";")
		if !ok {
			// Before 2.0.8: op_status:rc:key.
			if p := strings.SplitN(m, ":", 3); len(p) == 3 {
				head, key, ok = p[0]+":"+p[1], p[2], true
			}
		}
		if ok {
			e = e.WithAttr("transition_magic", head+";"+hb2Key(key, rc))
		}
	}
	return e
}

func hb2Key(key, rc string) string {
	switch p := strings.Split(key, ":"); len(p) {
	case 1:
		return "0:0:" + rc + ":" + p[0]
	case 2:
		return "0:" + p[0] + ":" + rc + ":" + p[1]
	case 3:
		return p[0] + ":" + p[1] + ":" + rc + ":" + p[2]
	}
	return key
}

// addTransient returns a node_state with a transient attribute added.
func addTransient(state *Element, node, name, value string) *Element {
	ta := state.First("transient_attributes")
	fresh := ta
	if ta == nil {
		fresh = New("transient_attributes", "id", node)
	}
	set := fresh.First("instance_attributes")
	freshSet := set
	if set == nil {
		freshSet = New("instance_attributes", "id", "status-"+node)
	}
	freshSet = freshSet.WithChild(New("nvpair", "id", "status-"+node+"-"+name, "name", name, "value", value))
	if set == nil {
		fresh = fresh.WithChild(freshSet)
	} else {
		fresh = fresh.WithReplaced(set, freshSet)
	}
	if ta == nil {
		return state.WithChild(fresh)
	}
	return state.WithReplaced(ta, fresh)
}
