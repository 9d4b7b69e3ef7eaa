package cib

import (
	"slices"
	"strings"
)

// Downgrade rewrites a document from today's names to the dialect of Heartbeat
// 2.0.7, for printing, and reports by id what that dialect cannot say. What is
// in the old dialect already comes back as it is. Upgrade of the result means
// the same as root, but for what the report lists as dropped.
func Downgrade(root *Element) (*Element, Report, error) {
	if root == nil {
		return nil, nil, ErrNoDocument
	}
	if IsHeartbeat2(root) {
		return root, nil, nil
	}
	d := &downgrader{}
	return d.element(root, ""), d.report, nil
}

type downgrader struct {
	reporter
	// defaults holds the pairs of rsc_defaults and op_defaults as options.
	defaults []*Element
}

// downNames maps attributes back, by element.
var downNames = map[string]map[string]string{
	"cib":            invert(hb2CIB),
	"op":             {"on-fail": "on_fail", "start-delay": "start_delay"},
	"rule":           {"boolean-op": "boolean_op", "score-attribute": "score_attribute"},
	"rsc_colocation": {"rsc": "from", "with-rsc": "to", "rsc-role": "from_role", "with-rsc-role": "to_role", "node-attribute": "node_attribute"},
	"lrm_rsc_op":     invert(hb2Status["lrm_rsc_op"]),
	"lrm_resource":   invert(hb2Status["lrm_resource"]),
}

var downMeta = func() map[string]string {
	m := invert(hb2Meta)
	delete(m, "migration-threshold")
	return m
}()

// downOptions prefers the names that Heartbeat 2.0.7 knew.
var downOptions = func() map[string]string {
	m := map[string]string{}
	for from, to := range hb2Options {
		if old := m[to]; old == "" || strings.Count(from, "_") > strings.Count(old, "_") || strings.Count(from, "_") == strings.Count(old, "_") && from > old {
			m[to] = from
		}
	}
	return m
}()

var downDefaults = map[string]string{
	"rsc_defaults resource-stickiness": "default_resource_stickiness",
	"rsc_defaults is-managed":          "is_managed_default",
	"op_defaults timeout":              "default_action_timeout",
}

// downUnknown lists elements without equivalent.
var downUnknown = map[string]bool{"acls": true, "alerts": true, "tags": true, "fencing-topology": true, "utilization": true, "bundle": true,
	"template": true, "rsc_ticket": true, "rsc_expression": true, "op_expression": true, "resource_set": true, "tickets": true}

func invert(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[v] = k
	}
	return out
}

func (d *downgrader) element(e *Element, owner string) *Element {
	if downUnknown[e.Name] {
		if len(e.Children) > 0 || e.ID() != "" {
			d.say(e, owner, Dropped, "Heartbeat 2 has nothing like it: %s", e)
		}
		return nil
	}
	out := e
	for _, a := range e.Attrs {
		if to := downNames[e.Name][a.Name]; to != "" {
			out = renameAttr(out, a.Name, to)
		}
	}
	switch e.Name {
	case "cib":
		return d.cib(out)
	case "configuration":
		return d.configuration(out)
	case "cluster_property_set":
		return d.wrap(d.children(out), downOptions, "")
	case "instance_attributes":
		return d.wrap(d.children(out), nil, "")
	case "meta_attributes":
		return d.wrap(d.children(out), downMeta, owner)
	case "node":
		if t := out.Get("type"); t == "" || t == "member" {
			out = out.WithAttr("type", "normal")
		}
	case "primitive", "group", "clone", "master":
		return d.resource(out)
	case "op":
		return d.op(out, owner)
	case "rsc_location":
		return d.location(out)
	case "rsc_order":
		return d.order(out)
	case "rsc_colocation":
		if _, ok := e.Lookup("rsc"); !ok {
			d.say(e, owner, Dropped, "Heartbeat 2 has no sets of resources: %s", e)
			return nil
		}
		for _, a := range []string{"from_role", "to_role"} {
			out = oldRole(out, a)
		}
	case "rule":
		out = oldRole(out, "role")
	case "expression":
		if out.Get("type") == "integer" {
			out = out.WithAttr("type", "number")
		}
		if v, ok := out.Lookup("value-source"); ok {
			if v != "literal" {
				d.say(e, owner, Dropped, "value-source=%q has no equivalent", v)
			}
			out = out.WithoutAttr("value-source")
		}
	}
	return d.children(out)
}

func (d *downgrader) children(e *Element) *Element {
	owner := e.ID()
	out := make([]*Element, 0, len(e.Children))
	for _, c := range e.Children {
		if c.IsElement() {
			c = d.element(c, owner)
		}
		if c != nil {
			out = append(out, c)
		}
	}
	if len(out) == 0 && len(e.Children) == 0 {
		return e
	}
	return e.WithChildren(out...)
}

func oldRole(e *Element, attr string) *Element {
	switch v, _ := CanonicalRole(e.Get(attr)); v {
	case "Promoted":
		return e.WithAttr(attr, "Master")
	case "Unpromoted":
		return e.WithAttr(attr, "Slave")
	}
	return e
}

func (d *downgrader) cib(e *Element) *Element {
	out := e
	for _, a := range e.Attrs {
		switch a.Name {
		case "validate-with":
			out = out.WithoutAttr(a.Name)
			if a.Value == "none" {
				out = out.WithAttr("ignore_dtd", "true")
			}
		case "update-origin", "update-client", "update-user", "execution-date", "no-quorum-panic", "remote-clear-port":
			d.say(e, "", Dropped, "attribute %s=%q has no equivalent", a.Name, a.Value)
			out = out.WithoutAttr(a.Name)
		case "have_quorum":
			if b, err := ParseBool(a.Value); err == nil {
				out = out.WithAttr(a.Name, boolText(b))
			}
		}
	}
	return d.children(out)
}

// configuration turns the defaults of resources and operations into options
// before the options are written.
func (d *downgrader) configuration(e *Element) *Element {
	out := e
	for _, name := range []string{"rsc_defaults", "op_defaults"} {
		section := e.First(name)
		if section == nil {
			continue
		}
		out = out.WithReplaced(section, nil)
		for _, set := range section.All("meta_attributes") {
			for _, nv := range set.All("nvpair") {
				to := downDefaults[name+" "+nv.Get("name")]
				if nv.Get("name") == "migration-threshold" && nv.Get("value") == "1" {
					to, nv = "default_resource_failure_stickiness", nv.WithAttr("value", "-INFINITY")
				}
				if to == "" || set.First("rule") != nil {
					d.say(nv, set.ID(), Dropped, "%s=%q in %s has no equivalent", nv.Get("name"), nv.Get("value"), name)
					continue
				}
				d.defaults = append(d.defaults, nv.WithAttr("name", to))
			}
		}
	}
	crm := out.First("crm_config")
	if crm == nil {
		return d.children(out)
	}
	sets := crm.All("cluster_property_set")
	fencing := false
	for _, s := range sets {
		fencing = fencing || slices.ContainsFunc(s.Children, func(nv *Element) bool { return nv.Get("name") == "stonith-enabled" })
	}
	add := d.defaults
	if !fencing {
		d.say(crm, "", Added, "stonith_enabled=\"true\" is written down: it is the default today, and was false")
		add = append(add, New("nvpair", "id", "cib-bootstrap-options-stonith_enabled", "name", "stonith_enabled", "value", "true"))
	}
	if len(add) > 0 {
		i := max(0, slices.IndexFunc(sets, func(s *Element) bool { return s.ID() == "cib-bootstrap-options" }))
		if len(sets) == 0 {
			crm2 := crm.WithChild(New("cluster_property_set", "id", "cib-bootstrap-options").WithChildren(add...))
			out = out.WithReplaced(crm, crm2)
		} else {
			out = out.WithReplaced(crm, crm.WithReplaced(sets[i], sets[i].WithChildren(append(slices.Clone(sets[i].Children), add...)...)))
		}
	}
	return d.children(out)
}

// wrap puts the pairs of a set into the element attributes, with old names.
// For meta attributes owner is the id of the resource.
func (d *downgrader) wrap(s *Element, names map[string]string, owner string) *Element {
	var rules, pairs []*Element
	for _, c := range s.Children {
		if c.Name == "rule" {
			rules = append(rules, c)
			continue
		}
		if owner != "" && c.Get("name") == "migration-threshold" && c.Get("value") == "1" {
			c = c.WithAttr("name", "resource_failure_stickiness").WithAttr("value", "-INFINITY")
		}
		if to := names[c.Get("name")]; c.Name == "nvpair" && to != "" {
			c = c.WithAttr("name", to)
			switch v, _ := CanonicalRole(c.Get("value")); {
			case to == "target_role" && v == "Promoted":
				c = c.WithAttr("value", "Master")
			case to == "target_role" && v == "Unpromoted":
				c = c.WithAttr("value", "Slave")
			case to == "stonith_action" && c.Get("value") == "off":
				c = c.WithAttr("value", "poweroff")
			}
		}
		pairs = append(pairs, c)
	}
	if owner != "" {
		for _, nv := range pairs {
			if n := nv.Get("name"); strings.Contains(n, "-") && names[n] == "" {
				d.say(nv, owner, Note, "the meta attribute %s has no equivalent and no effect in Heartbeat 2", n)
			}
		}
	}
	return s.WithChildren(append(rules, New("attributes").WithChildren(pairs...))...)
}
