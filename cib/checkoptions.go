package cib

import (
	"slices"
	"strings"
)

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

// option warns of an option of the cluster or of resources whose value cannot be
// read, since the default is used then.
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
