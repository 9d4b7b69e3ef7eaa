package cib

// Tables of the Heartbeat 2 dialect: which name became which.

// hb2Schema is the schema that an upgraded document declares.
const hb2Schema = "pacemaker-3.9"

// hb2CIB lists attributes of the root; "" means there is no equivalent.
var hb2CIB = map[string]string{
	"have_quorum": "have-quorum", "dc_uuid": "dc-uuid", "remote_access_port": "remote-tls-port",
}

var hb2CIBDropped = map[string]string{
	"generated":            "it said whether the document was made by the program, which nobody asks any more",
	"ccm_transition":       "the membership has its own numbers",
	"num_peers":            "the number of peers is known from the membership",
	"cib_feature_revision": "the feature set is in crm_feature_set",
	"crm-debug-origin":     "it named a function of the old program",
}

// hb2Options maps the underscored cluster options. Those that became defaults
// of resources or operations are in hb2Defaults.
var hb2Options = map[string]string{
	"transition_idle_timeout":   "cluster-delay",
	"transition-idle-timeout":   "cluster-delay",
	"no_quorum_policy":          "no-quorum-policy",
	"symmetric_cluster":         "symmetric-cluster",
	"stonith_enabled":           "stonith-enabled",
	"stonith_action":            "stonith-action",
	"cluster_delay":             "cluster-delay",
	"batch_limit":               "batch-limit",
	"stop_orphan_resources":     "stop-orphan-resources",
	"stop_orphan_actions":       "stop-orphan-actions",
	"remove_after_stop":         "remove-after-stop",
	"pe_error_series_max":       "pe-error-series-max",
	"pe_warn_series_max":        "pe-warn-series-max",
	"pe_input_series_max":       "pe-input-series-max",
	"startup_fencing":           "startup-fencing",
	"start_failure_is_fatal":    "start-failure-is-fatal",
	"dc_deadtime":               "dc-deadtime",
	"cluster_recheck_interval":  "cluster-recheck-interval",
	"election_timeout":          "election-timeout",
	"shutdown_escalation":       "shutdown-escalation",
	"crmd_integration_timeout":  "join-integration-timeout",
	"crmd-integration-timeout":  "join-integration-timeout",
	"crmd_finalization_timeout": "join-finalization-timeout",
	"crmd-finalization-timeout": "join-finalization-timeout",
	"last_lrm_refresh":          "last-lrm-refresh",
	"dc_version":                "dc-version",
}

// hb2OptionDropped gives the reason for options without equivalent.
var hb2OptionDropped = map[string]string{
	"short-resource-names": "it was obsolete and without effect already",
}

// hb2Default is an option that became a default of another section.
type hb2Default struct{ section, name string }

var hb2Defaults = map[string]hb2Default{
	"default-resource-stickiness": {"rsc_defaults", "resource-stickiness"},
	"is-managed-default":          {"rsc_defaults", "is-managed"},
	"default-action-timeout":      {"op_defaults", "timeout"},
}

// hb2Meta maps the options of resources to meta attributes.
var hb2Meta = map[string]string{
	"target_role": "target-role", "is_managed": "is-managed", "resource_stickiness": "resource-stickiness",
	"multiple_active": "multiple-active", "restart_type": "restart-type", "start_prereq": "requires",
	"clone_max": "clone-max", "clone_node_max": "clone-node-max", "globally_unique": "globally-unique",
	"master_max": "promoted-max", "master_node_max": "promoted-node-max", "allow_migrate": "allow-migrate",
	"priority": "priority", "ordered": "ordered", "interleave": "interleave", "notify": "notify", "collocated": "collocated",
	"resource_failure_stickiness": "migration-threshold",
}

// hb2Inside tells for which resources an option without underscore counts as an
// option when it stands among the instance attributes; elsewhere such a name
// is a parameter of the agent.
var hb2Inside = map[string]map[string]bool{
	"primitive":    {"priority": true, "notify": true},
	"group":        {"priority": true, "ordered": true, "collocated": true},
	"clone":        {"priority": true, "ordered": true, "interleave": true, "notify": true},
	"master_slave": {"priority": true, "ordered": true, "interleave": true, "notify": true},
}

// hb2Status maps the attributes of the status section.
var hb2Status = map[string]map[string]string{
	"lrm_rsc_op": {
		"transition_key": "transition-key", "transition_magic": "transition-magic", "call_id": "call-id",
		"rc_code": "rc-code", "op_status": "op-status", "op_digest": "op-digest",
		"op_restart_digest": "op-restart-digest", "op_force_restart": "op-force-restart", "migrate_from": "migrate_source",
	},
	"lrm_resource": {"last_op": "last-op", "op_status": "op-status", "rc_code": "rc-code"},
}

// hb2Tags are the elements whose presence alone tells the old dialect.
var hb2Tags = map[string]bool{"attributes": true, "master_slave": true}

// hb2Attrs are attributes, by element, which only the old dialect has.
var hb2Attrs = map[string][]string{
	"cib":            {"have_quorum", "dc_uuid", "cib_feature_revision", "ignore_dtd", "generated", "num_peers", "ccm_transition", "remote_access_port"},
	"primitive":      {"is_managed", "restart_type", "multiple_active", "resource_stickiness", "target_role"},
	"group":          {"is_managed", "restart_type", "multiple_active", "resource_stickiness", "ordered", "collocated"},
	"clone":          {"is_managed", "globally_unique", "ordered", "interleave", "notify", "resource_stickiness"},
	"op":             {"prereq", "on_fail", "start_delay", "disabled", "role_after_failure"},
	"rule":           {"boolean_op", "score_attribute", "score_attribute_mangled"},
	"rsc_order":      {"from", "to", "to_action"},
	"rsc_colocation": {"from", "to", "from_role", "to_role", "node_attribute"},
	"lrm_rsc_op":     {"transition_key", "transition_magic", "call_id", "rc_code", "op_status", "op_digest"},
}
