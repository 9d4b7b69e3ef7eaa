package cib

import (
	"slices"
	"strings"
)

// set upgrades a list of name and value pairs: its wrappers go, rules come
// before the pairs.
func (u *upgrader) set(e *Element) *Element {
	out := e
	var rules, pairs []*Element
	for _, c := range e.Children {
		switch c.Name {
		case "attributes":
			for _, a := range c.Attrs {
				u.say(c, e.ID(), Dropped, "attribute %s=%q has no equivalent: the element <attributes> itself is gone", a.Name, a.Value)
			}
			pairs = append(pairs, c.Children...)
		case "rule":
			rules = append(rules, u.rule(c))
		default:
			pairs = append(pairs, c)
		}
	}
	if v, ok := e.Lookup("score"); ok {
		out = out.WithAttr("score", u.score(e, "", "score", v))
	}
	return out.WithChildren(append(rules, pairs...)...)
}

// score writes a score in the form that is allowed today.
func (u *upgrader) score(e *Element, owner, what, v string) string {
	to := strings.ToUpper(strings.TrimSpace(v))
	if i := strings.IndexByte(to, '.'); i > 0 {
		// The old reader stopped at the point: 10.0 was 10.
		if strings.Trim(to[i+1:], "0123456789") == "" {
			to = to[:i]
		}
	}
	if _, err := ParseScore(to); err != nil {
		u.say(e, owner, Note, "%s=%q is no score; the old program read it as far as it was a number", what, v)
		return v
	}
	if to != v {
		u.say(e, owner, Changed, "%s=%q is written %q today", what, v, to)
	}
	return to
}

func (u *upgrader) crmConfig(e *Element) *Element {
	var sets, loose []*Element
	for _, c := range e.Children {
		switch c.Name {
		case "cluster_property_set":
			sets = append(sets, u.propertySet(c))
		case "nvpair":
			loose = append(loose, c)
		default:
			sets = append(sets, c)
		}
	}
	if len(loose) > 0 {
		for _, nv := range loose {
			u.say(nv, "", Moved, "option %s stood outside of any set and is now in cib-bootstrap-options", nv.Get("name"))
		}
		i := slices.IndexFunc(sets, func(s *Element) bool { return s.ID() == "cib-bootstrap-options" })
		fresh := u.propertySet(New("cluster_property_set", "id", "cib-bootstrap-options").WithChildren(loose...))
		if i < 0 {
			sets = append([]*Element{fresh}, sets...)
		} else {
			sets[i] = sets[i].WithChildren(append(slices.Clone(sets[i].Children), fresh.Children...)...)
		}
	}
	if u.whole {
		sets = u.stonithDefault(e, sets)
	}
	return e.WithChildren(sets...)
}

// stonithDefault writes down that fencing is off where nothing says otherwise:
// the old default was false, today's is true.
func (u *upgrader) stonithDefault(e *Element, sets []*Element) []*Element {
	boot, ruled := -1, false
	for i, s := range sets {
		if s.Name != "cluster_property_set" {
			continue
		}
		free := s.First("rule") == nil
		for _, nv := range s.All("nvpair") {
			if nv.Get("name") == "stonith-enabled" {
				if free {
					return sets
				}
				ruled = true
			}
		}
		if free && (boot < 0 || s.ID() == "cib-bootstrap-options") {
			boot = i
		}
	}
	u.say(e, "", Added, "stonith-enabled=\"false\" is written down: it was the default, which is true today")
	pair := func(set string) *Element {
		return New("nvpair", "id", set+"-stonith-enabled", "name", "stonith-enabled", "value", "false")
	}
	switch {
	case ruled:
		// A set which loses against those with rules.
		s := New("cluster_property_set", "id", "heartbeat-defaults", "score", "-INFINITY")
		return append(sets, s.WithChild(pair("heartbeat-defaults")))
	case boot < 0:
		s := New("cluster_property_set", "id", "cib-bootstrap-options")
		return append(sets, s.WithChild(pair("cib-bootstrap-options")))
	}
	id := sets[boot].ID()
	if id == "" {
		id = "cib-bootstrap-options"
	}
	sets[boot] = sets[boot].WithChild(pair(id))
	return sets
}

// propertySet upgrades a set of cluster options.
func (u *upgrader) propertySet(e *Element) *Element {
	s := u.set(e)
	present := map[string]bool{}
	for _, nv := range s.All("nvpair") {
		present[nv.Get("name")] = true
	}
	moved := map[string][]*Element{}
	out := u.mapChildren(s, func(nv *Element) *Element {
		if nv.Name != "nvpair" {
			return nv
		}
		name, value := nv.Get("name"), nv.Get("value")
		dashed := strings.ReplaceAll(name, "_", "-")
		if why, ok := hb2OptionDropped[dashed]; ok {
			u.say(nv, e.ID(), Dropped, "option %s=%q has no equivalent: %s", name, value, why)
			return nil
		}
		if dashed == "default-resource-failure-stickiness" {
			if u.defaults == nil {
				u.say(nv, e.ID(), Note, "option %s has no equivalent in crm_config: set migration-threshold in rsc_defaults", name)
				return nv
			}
			return u.failureStickiness(nv, e.ID(), func(n *Element) *Element {
				moved["rsc_defaults"] = append(moved["rsc_defaults"], n)
				return nil
			})
		}
		if d, ok := hb2Defaults[dashed]; ok && u.defaults != nil {
			n := nv.WithAttr("name", d.name)
			if d.name == "resource-stickiness" {
				n = n.WithAttr("value", u.score(nv, e.ID(), name, value))
			}
			moved[d.section] = append(moved[d.section], n)
			u.say(nv, e.ID(), Moved, "option %s is now %s in %s", name, d.name, d.section)
			return nil
		} else if ok {
			u.say(nv, e.ID(), Note, "option %s belongs into %s today, as %s: it has no effect in crm_config", name, d.section, d.name)
			return nv
		}
		to := hb2Options[name]
		if to == "" && strings.Contains(name, "_") && hb2KnownOption(dashed) {
			to = dashed
		}
		switch {
		case to != "" && to != name && present[to]:
			u.say(nv, e.ID(), Dropped, "option %s=%q is left out because %s is given too, which was used", name, value, to)
			return nil
		case to != "" && to != name:
			u.say(nv, e.ID(), Renamed, "option %s is now %s", name, to)
			nv = nv.WithAttr("name", to)
			present[to] = true
		case to == "" && !hb2KnownOption(name):
			u.say(nv, e.ID(), Kept, "option %s is not known: it had no effect and has none", name)
		}
		if nv.Get("name") == "stonith-action" && strings.EqualFold(value, "poweroff") {
			u.say(nv, e.ID(), Changed, "value poweroff is now off")
			nv = nv.WithAttr("value", "off")
		}
		return nv
	})
	if (present["transition_idle_timeout"] || present["transition-idle-timeout"]) && !present["default-action-timeout"] && !present["default_action_timeout"] {
		u.say(e, "", Note, "operations without a timeout get 20s; Heartbeat before 2.0.8 gave them the value of transition_idle_timeout, so write timeouts where an action takes longer")
	}
	for _, section := range []string{"rsc_defaults", "op_defaults"} {
		if pairs := moved[section]; len(pairs) > 0 {
			u.defaults[section] = append(u.defaults[section], u.defaultSet(s, section, pairs))
		}
	}
	return out
}

// defaultSet makes the set in rsc_defaults or op_defaults for options that came
// from a property set, under the same rules and score.
func (u *upgrader) defaultSet(from *Element, section string, pairs []*Element) *Element {
	id := map[string]string{"rsc_defaults": "rsc-options", "op_defaults": "op-options"}[section]
	if from.ID() != "cib-bootstrap-options" && from.ID() != "" {
		id = from.ID() + "-" + id
	}
	set := New("meta_attributes", "id", id)
	if v, ok := from.Lookup("score"); ok {
		set = set.WithAttr("score", v)
	}
	for _, r := range from.All("rule") {
		set = set.WithChild(withoutIDs(r))
	}
	for _, p := range pairs {
		set = set.WithChild(p)
	}
	return set
}

// withoutIDs returns a copy of a subtree without ids; fixIDs makes new ones.
func withoutIDs(e *Element) *Element {
	out := e.WithoutAttr("id")
	kids := make([]*Element, len(e.Children))
	for i, c := range e.Children {
		kids[i] = c
		if c.IsElement() {
			kids[i] = withoutIDs(c)
		}
	}
	if len(kids) > 0 {
		out = out.WithChildren(kids...)
	}
	return out
}

// failureStickiness translates resource_failure_stickiness where that is
// possible; put receives a migration-threshold.
func (u *upgrader) failureStickiness(nv *Element, owner string, put func(*Element) *Element) *Element {
	name, value := nv.Get("name"), nv.Get("value")
	n, err := ParseScore(value)
	switch {
	case err == nil && n == 0:
		u.say(nv, owner, Dropped, "%s=%q has no equivalent and had no effect", name, value)
	case err == nil && n == -Infinity:
		u.say(nv, owner, Renamed, "%s=%q is now migration-threshold=\"1\": the first failure moves the resource away", name, value)
		return put(nv.WithAttr("name", "migration-threshold").WithAttr("value", "1"))
	default:
		u.say(nv, owner, Dropped, "%s=%q has no equivalent: say after how many failures the resource is to move with migration-threshold, and when to forget them with failure-timeout", name, value)
	}
	return nil
}

// hb2KnownOption tells whether a cluster option has the name it has today.
func hb2KnownOption(name string) bool {
	switch name {
	case "crmd-transition-delay", "enable-acl", "enable-startup-probes", "cluster-name", "cluster-infrastructure", "stonith-timeout", "maintenance-mode", "migration-limit":
		return true
	}
	for _, to := range hb2Options {
		if to == name {
			return true
		}
	}
	return false
}
