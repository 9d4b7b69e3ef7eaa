package cib

import (
	"strings"
)

// renamedOptions are cluster options which have another name since schema 3.0.
var renamedOptions = map[string]string{
	"cluster_recheck_interval": "cluster-recheck-interval", "dc_deadtime": "dc-deadtime", "election_timeout": "election-timeout",
	"no_quorum_policy": "no-quorum-policy", "remove_after_stop": "remove-after-stop", "shutdown_escalation": "shutdown-escalation",
	"startup_fencing": "startup-fencing", "stonith_action": "stonith-action", "stonith_enabled": "stonith-enabled",
	"stop_orphan_actions": "stop-orphan-actions", "stop_orphan_resources": "stop-orphan-resources",
	"symmetric_cluster": "symmetric-cluster", "transition_idle_timeout": "cluster-delay",
}

// movedOptions went from crm_config to a section of defaults.
var movedOptions = map[string][2]string{
	"default-action-timeout": {"op_defaults", "timeout"}, "default_action_timeout": {"op_defaults", "timeout"},
	"default-resource-stickiness": {"rsc_defaults", "resource-stickiness"}, "default_resource_stickiness": {"rsc_defaults", "resource-stickiness"},
	"is-managed-default": {"rsc_defaults", "is-managed"}, "is_managed_default": {"rsc_defaults", "is-managed"},
}

// goneOptions have no successor.
var goneOptions = map[string]bool{
	"default-migration-threshold": true, "default_migration_threshold": true, "default-resource-failure-stickiness": true,
	"default_resource_failure_stickiness": true, "expected-quorum-votes": true, "notification-agent": true, "notification-recipient": true,
}

// goneStacks are values of cluster-infrastructure which no schema since 3.0 allows.
var goneStacks = map[string]bool{"heartbeat": true, "openais": true, "classic openais": true, "classic openais (with plugin)": true, "cman": true}

// options upgrades one set of cluster options.
func (u *schemaUpgrader) options(set *Element) *Element {
	if set.Name != "cluster_property_set" {
		return set
	}
	return u.set(set, u.optionSet)
}

func (u *schemaUpgrader) optionSet(set *Element) *Element {
	ruled := set.First("rule") != nil
	return u.each(set, func(nv *Element) *Element {
		name := nv.Get("name")
		to, moved := movedOptions[name]
		switch {
		case nv.Name != "nvpair":
			return nv
		case renamedOptions[name] != "":
			u.say(nv, set.ID(), Renamed, "the option %s is now %s", name, renamedOptions[name])
			return nv.WithAttr("name", renamedOptions[name])
		case moved && ruled:
			u.say(nv, set.ID(), Dropped, "the option %s=%q is now %s in %s, where it cannot have the rule that it has here", name, nv.Get("value"), to[1], to[0])
			return nil
		case moved:
			u.say(nv, set.ID(), Moved, "the option %s is now %s in %s", name, to[1], to[0])
			u.defaults[to[0]] = append(u.defaults[to[0]], nv.WithAttr("name", to[1]))
			return nil
		case goneOptions[name], name == "cluster-infrastructure" && goneStacks[nv.Get("value")]:
			u.say(nv, set.ID(), Dropped, "the option %s=%q has no equivalent", name, nv.Get("value"))
			return nil
		}
		return nv
	})
}

// addDefaults puts the options for a section of defaults there: into its first
// set without a rule, unless the section says something about them already.
func (u *schemaUpgrader) addDefaults(conf *Element, section, id string) *Element {
	list := u.defaults[section]
	if len(list) == 0 {
		return conf
	}
	at := conf.First(section)
	if at == nil {
		return conf.WithChild(New(section).WithChildren(New("meta_attributes", "id", id).WithChildren(list...)))
	}
	have := map[string]bool{}
	var into *Element
	for _, set := range at.All("meta_attributes") {
		for _, nv := range set.All("nvpair") {
			have[nv.Get("name")] = true
		}
		if _, ref := set.Lookup("id-ref"); into == nil && !ref && set.First("rule") == nil {
			into = set
		}
	}
	fresh := into
	for _, nv := range list {
		switch {
		case have[nv.Get("name")]:
			u.say(nv, "", Dropped, "%s=%q is left out because %s has a value for it", nv.Get("name"), nv.Get("value"), section)
		case into == nil:
			u.say(nv, "", Dropped, "%s=%q is left out because %s has no set without a rule", nv.Get("name"), nv.Get("value"), section)
		default:
			fresh = fresh.WithChild(nv)
		}
	}
	if fresh == into {
		return conf
	}
	return substitute(conf, into, fresh)
}

// resource upgrades a resource with what is in it.
func (u *schemaUpgrader) resource(r *Element) *Element {
	r = u.each(r, func(c *Element) *Element {
		switch c.Name {
		case "primitive", "group": // in a group, clone, master or bundle
			return u.resource(c)
		}
		return c
	})
	if r.Name != "primitive" && r.Name != "template" {
		return r
	}
	var requires *Element
	r = u.each(r, func(c *Element) *Element {
		switch c.Name {
		case "instance_attributes":
			return u.set(c, u.parameters)
		case "meta_attributes":
			return u.set(c, u.isolation)
		case "operations":
			return u.each(c, func(op *Element) *Element {
				if op.Name != "op" {
					return op
				}
				op, req := u.operation(op, r.ID())
				if req != nil {
					requires = req
				}
				return op
			})
		}
		return c
	})
	if requires == nil {
		return r
	}
	for _, set := range r.All("meta_attributes") {
		for _, nv := range set.All("nvpair") {
			if nv.Get("name") == "requires" {
				u.say(requires, r.ID(), Dropped, "requires of an operation is left out because the resource has requires=%q", nv.Get("value"))
				return r
			}
		}
	}
	return r.WithChild(requires)
}

// parameters renames those of fence devices.
func (u *schemaUpgrader) parameters(set *Element) *Element {
	return u.each(set, func(nv *Element) *Element {
		name := nv.Get("name")
		verb, isCmd := strings.CutPrefix(name, "pcmk_")
		verb, cmd := strings.CutSuffix(verb, "_cmd")
		switch {
		case nv.Name != "nvpair":
		case name == "pcmk_arg_map":
			if v, ok := strings.CutPrefix(nv.Get("value"), "port:"); ok {
				u.say(nv, set.ID(), Renamed, "pcmk_arg_map is now pcmk_host_argument")
				return nv.WithAttr("name", "pcmk_host_argument").WithAttr("value", v)
			}
			u.say(nv, set.ID(), Dropped, "pcmk_arg_map=%q has no equivalent: only port has one, pcmk_host_argument", nv.Get("value"))
			return nil
		case isCmd && cmd && strings.Contains(" list monitor off on reboot status ", " "+verb+" "):
			u.say(nv, set.ID(), Renamed, "%s is now pcmk_%s_action", name, verb)
			return nv.WithAttr("name", "pcmk_"+verb+"_action")
		}
		return nv
	})
}

// isolation takes options of containers away that were wrapped around a resource
// by the daemon itself; such a resource must not run without, so it is stopped.
func (u *schemaUpgrader) isolation(set *Element) *Element {
	first := true
	return u.each(set, func(nv *Element) *Element {
		if nv.Name != "nvpair" {
			return nv
		}
		leads := first
		first = false
		name := nv.Get("name")
		switch {
		case name != "isolation" && name != "isolation-host" && name != "isolation-instance" && name != "isolation-wrapper":
			return nv
		case leads:
			u.say(nv, set.ID(), Changed, "%s has no equivalent: the resource is to be stopped (target-role), make it a bundle", name)
			return nv.WithAttr("name", "target-role").WithAttr("value", "Stopped")
		}
		u.say(nv, set.ID(), Dropped, "%s=%q has no equivalent: a bundle has", name, nv.Get("value"))
		return nil
	})
}

// operationOptions are options of an operation, no parameters of its agent.
var operationOptions = map[string]bool{"interval-origin": true, "start-delay": true, "timeout": true, "enabled": true,
	"record-pending": true, "role": true, "on-fail": true}

// operation upgrades one operation. It returns the set with the option requires
// that the resource gets from it, or nil.
func (u *schemaUpgrader) operation(op *Element, resource string) (*Element, *Element) {
	var requires *Element
	counts := op.Get("name") == "start" || op.Get("name") == "promote"
	given, has := op.Lookup("requires")
	if has {
		op = op.WithoutAttr("requires")
		if counts {
			u.say(op, "", Moved, "requires is now an option of the resource")
			requires = New("meta_attributes", "id", "_2TO3_"+resource+"-meta").WithChildren(
				New("nvpair", "id", "_2TO3_"+op.ID()+"-meta-requires", "name", "requires", "value", given))
		} else {
			u.say(op, "", Dropped, "requires=%q counted for start and promote only", given)
		}
	}
	var options []*Element
	take := func(set *Element) *Element {
		var found []*Element
		rest := u.each(set, func(nv *Element) *Element {
			if nv.Name == "nvpair" && nv.Get("name") == "requires" {
				found = append(found, nv)
				return nil
			}
			return nv
		})
		if len(found) > 0 && counts && !has {
			u.say(set, op.ID(), Moved, "requires is now an option of the resource")
			requires = set.WithAttr("id", "_2TO3_"+set.ID()).WithChildren(append(set.All("rule"), found...)...)
		} else if len(found) > 0 {
			u.say(set, op.ID(), Dropped, "requires has no effect here")
		}
		return rest
	}
	op = u.each(op, func(set *Element) *Element {
		switch set.Name {
		case "meta_attributes":
			return u.set(set, take)
		case "instance_attributes":
			return u.set(set, func(set *Element) *Element { return u.operationSet(op, take(set), &options) })
		}
		return set
	})
	if len(options) == 0 {
		return op, requires
	}
	for _, set := range op.All("meta_attributes") {
		if _, ref := set.Lookup("id-ref"); !ref && set.First("rule") == nil {
			return substitute(op, set, set.WithChildren(append(set.Children[:len(set.Children):len(set.Children)], options...)...)), requires
		}
	}
	return op.WithChild(New("meta_attributes", "id", "_2TO3_"+op.ID()+"-meta").WithChildren(options...)), requires
}

// operationSet takes the options of an operation out of its parameters. A set
// with a rule becomes a set of options as a whole.
func (u *schemaUpgrader) operationSet(op, set *Element, options *[]*Element) *Element {
	var found []*Element
	rest := u.each(set, func(nv *Element) *Element {
		if nv.Name == "nvpair" && operationOptions[nv.Get("name")] {
			found = append(found, nv)
			return nil
		}
		return nv
	})
	if len(found) == 0 {
		return set
	}
	u.say(set, op.ID(), Moved, "options of the operation are now in its meta_attributes")
	if rules := set.All("rule"); len(rules) > 0 && pairs(rest) == 0 {
		out := set.WithAttr("id", "_2TO3_"+set.ID()).WithChildren(append(rules, found...)...)
		out.Name = "meta_attributes"
		return out
	}
	*options = append(*options, found...)
	return rest
}
