package cib

import (
	"slices"
	"strings"
)

// rules checks which attributes and children of an element go together.
func (c *checker) rules(e *Element, owner string) {
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { _, ok := e.Lookup(n); return !ok })
	}
	none := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { _, ok := e.Lookup(n); return ok })
	}
	fail := func(format string, args ...any) { c.add(e, owner, Error, format, args...) }
	switch e.Name {
	case "primitive":
		if !has("class", "type") && !has("template") {
			fail("%s needs a class and a type, or a template", describe(e))
		}
		c.provider(e, owner)
	case "template":
		c.provider(e, owner)
	case "op", "instance_attributes", "meta_attributes", "utilization", "cluster_property_set", "rule", "resource_set":
		if !has("id") && !has("id-ref") {
			fail("%s has no id, which it must have", place(e, owner))
		}
		if e.Name == "op" && has("id") && !has("name", "interval") {
			fail("%s needs a name and an interval", describe(e))
		}
		if e.Name == "rule" && has("id") && !slices.ContainsFunc(e.Children, (*Element).IsElement) {
			fail("%s is empty: it needs an expression", describe(e))
		}
		if e.Name == "rule" && has("score", "score-attribute") {
			fail("%s has both a score and a score-attribute", describe(e))
		}
	case "nvpair":
		if !has("id") && !has("id-ref") {
			fail("<nvpair name=%q> in %s has no id, which it must have", e.Get("name"), owner)
		}
		if e.Get("name") == "cluster-infrastructure" {
			switch v, ok := e.Lookup("value"); {
			case !ok, v == "heartbeat", v == "cman", strings.HasPrefix(v, "openais"), strings.HasPrefix(v, "classic openais"):
				fail("%s names the cluster stack %q, which the schema does not allow any more", describe(e), v)
			}
		}
		if has("id") && !has("name") && !has("id-ref") {
			fail("%s has no name, which it must have", describe(e))
		}
	case "storage-mapping":
		if none("source-dir") == none("source-dir-root") {
			fail("%s needs one of source-dir and source-dir-root", describe(e))
		}
	case "clone", "master":
		n := len(e.All("primitive")) + len(e.All("group")) + len(e.All("template"))
		if n != 1 {
			fail("%s holds %d resources, and must hold one primitive or group", describe(e), n)
		}
	case "rsc_location":
		set := e.First("resource_set") != nil
		if none("rsc", "rsc-pattern") && !set || has("rsc", "rsc-pattern") {
			fail("%s must name what it is about by one of rsc, rsc-pattern and <resource_set>", describe(e))
		}
		rule := e.First("rule") != nil
		switch {
		case rule && !none("node"):
			fail("%s has both a rule and a node, and may have one of them only", describe(e))
		case !rule && !has("node", "score"):
			fail("%s needs a node and a score, or a rule", describe(e))
		}
	case "rsc_colocation":
		if set := e.First("resource_set") != nil; !set && !has("rsc", "with-rsc") || set && !none("rsc", "with-rsc") {
			fail("%s needs rsc and with-rsc, or sets of resources", describe(e))
		}
	case "rsc_order":
		if set := e.First("resource_set") != nil; !set && !has("first", "then") || set && !none("first", "then") {
			fail("%s needs first and then, or sets of resources", describe(e))
		}
		if has("score", "kind") {
			fail("%s has both a score and a kind", describe(e))
		}
	case "rsc_ticket":
		if none("rsc") && e.First("resource_set") == nil {
			fail("%s needs rsc or a set of resources", describe(e))
		}
	case "date_expression":
		c.date(e, owner)
	case "fencing-level":
		if none("target", "target-pattern", "target-attribute") {
			fail("%s needs a target", describe(e))
		}
		for _, d := range strings.Split(e.Get("devices"), ",") {
			if x := c.ids[strings.TrimSpace(d)]; x == nil || x.Name != "primitive" {
				c.add(e, owner, Warning, "%s names the device %q, which is no resource", describe(e), strings.TrimSpace(d))
			}
		}
	case "acl_permission":
		if none("xpath", "reference", "object-type") {
			fail("%s must say by xpath, reference or object-type what it is about", describe(e))
		}
	}
}

// provider checks that exactly the agents of class ocf have a provider.
func (c *checker) provider(e *Element, owner string) {
	class, hasClass := e.Lookup("class")
	_, has := e.Lookup("provider")
	switch {
	case class == "ocf" && !has:
		c.add(e, owner, Error, "%s has class ocf and no provider, which it must have", describe(e))
	case hasClass && class != "ocf" && has:
		c.add(e, owner, Error, "%s has class %s and a provider, which only class ocf has", describe(e), class)
	}
}

func (c *checker) date(e *Element, owner string) {
	_, start := e.Lookup("start")
	_, end := e.Lookup("end")
	switch op := e.Get("operation"); op {
	case "gt":
		if !start {
			c.add(e, owner, Error, "%s with the operation gt needs a start", describe(e))
		}
	case "lt":
		if !end {
			c.add(e, owner, Error, "%s with the operation lt needs an end", describe(e))
		}
	case "date_spec":
		if e.First("date_spec") == nil {
			c.add(e, owner, Error, "%s with the operation date_spec needs a <date_spec>", describe(e))
		}
	case "", "in_range":
		if !start && !end && e.First("duration") == nil {
			c.add(e, owner, Error, "%s needs a start, an end or a <duration>", describe(e))
		}
	}
}

// optionTypes lists cluster options and meta attributes whose value has a type;
// others are texts.
var optionTypes = map[string]string{
	"symmetric-cluster": "bool", "stonith-enabled": "bool", "maintenance-mode": "bool", "start-failure-is-fatal": "bool",
	"startup-fencing": "bool", "stop-orphan-resources": "bool", "stop-orphan-actions": "bool", "remove-after-stop": "bool",
	"enable-startup-probes": "bool", "enable-acl": "bool", "concurrent-fencing": "bool", "stop-all-resources": "bool", "shutdown-lock": "bool",
	"cluster-delay": "time", "dc-deadtime": "time", "cluster-recheck-interval": "time", "election-timeout": "time", "shutdown-escalation": "time",
	"join-integration-timeout": "time", "join-finalization-timeout": "time", "stonith-timeout": "time", "transition-delay": "time",
	"batch-limit": "int", "migration-limit": "int",
	"no-quorum-policy": "stop,freeze,ignore,demote,suicide", "stonith-action": "reboot,off,poweroff", "placement-strategy": "default,utilization,minimal,balanced",
	"is-managed": "bool", "critical": "bool", "maintenance": "bool", "allow-migrate": "bool", "notify": "bool",
	"ordered": "bool", "interleave": "bool", "globally-unique": "bool", "promotable": "bool", "collocated": "bool", "container-attribute-target": "text",
	"resource-stickiness": "score", "priority": "score", "migration-threshold": "score", "failure-timeout": "time",
	"clone-max": "int", "clone-node-max": "int", "clone-min": "int", "promoted-max": "int", "promoted-node-max": "int",
	"multiple-active": "block,stop_only,stop_start,stop_unexpected", "target-role": "role", "requires": "nothing,quorum,fencing,unfencing",
}

// options warns of options of the cluster and of resources whose values cannot
// be read, since the defaults are used then.
func (c *checker) options(root *Element) {
	root.First("configuration").Walk(func(s *Element) bool {
		if s.Name == "cluster_property_set" || s.Name == "meta_attributes" {
			for _, nv := range s.All("nvpair") {
				c.option(nv, s.ID())
			}
		}
		return true
	})
}

func (c *checker) option(nv *Element, owner string) {
	name, value := nv.Get("name"), nv.Get("value")
	typ := optionTypes[name]
	if typ == "" || value == "" || value == "#default" {
		return
	}
	ok, want := true, ""
	switch typ {
	case "bool":
		_, err := ParseBool(value)
		ok, want = err == nil, "true or false"
	case "time":
		_, err := ParseInterval(value)
		ok, want = err == nil, "a time such as 30s"
	case "score", "int":
		_, err := ParseScore(value)
		ok, want = err == nil, "a whole number"
	case "role":
		_, ok = CanonicalRole(value)
		want = "a role (Started, Stopped, Promoted, Unpromoted)"
	case "text":
	default:
		ok, want = slices.Contains(strings.Split(typ, ","), value), "one of "+strings.ReplaceAll(typ, ",", ", ")
	}
	if !ok {
		c.add(nv, owner, Warning, "the option %s is %q, where %s is expected: the default is used", name, value, want)
	}
}
