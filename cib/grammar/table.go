package grammar

// sources are the tables, which together define the schemas of all versions:
//
//	name = element tag { ... }   what an element holds, where name is used
//	name = ...                   a part with a name
//	type name = ...              values of attributes
//	@name  @name=type  @name=(type | "literal")
//	a, b   a | b   a & b   a?  a*  a+
//	[2.8-]  [-2.10]  [1.2-1.3]   the part after it exists in these versions
//
// Attributes have no order; children have that of "," and any order with "&".
var sources = []string{documentTable, setTable, ruleTable, resourceTable, bundleTable, constraintTable, sectionTable}

// documentTable is the skeleton of a document, with the nodes.
const documentTable = `
type score = integer | "INFINITY" | "+INFINITY" | "-INFINITY"
type role = "Started" | "Stopped" | "Master" | "Slave" | [3.7-] "Promoted" | [3.7-] "Unpromoted"
type schema = "none" | "pacemaker-0.6" | "transitional-0.6" | "pacemaker-0.7" | "pacemaker-next"
type schema = "pacemaker-1.0" | "pacemaker-1.1" | "pacemaker-1.2" | "pacemaker-1.3"
type schema = "pacemaker-2.0" | "pacemaker-2.1" | "pacemaker-2.2" | "pacemaker-2.3" | "pacemaker-2.4" | "pacemaker-2.5"
type schema = "pacemaker-2.6" | "pacemaker-2.7" | "pacemaker-2.8" | "pacemaker-2.9" | "pacemaker-2.10"
type schema = "pacemaker-3.0" | "pacemaker-3.1" | "pacemaker-3.2" | "pacemaker-3.3" | "pacemaker-3.4"
type schema = "pacemaker-3.5" | "pacemaker-3.6" | "pacemaker-3.7" | "pacemaker-3.8" | "pacemaker-3.9"

cib = element cib {
  @validate-with=schema?, version,
  @crm_feature_set?, @dc-uuid?, @have-quorum=boolean?, @no-quorum-panic=boolean?, @cib-last-written?,
  @remote-tls-port=nonNegativeInteger?, @remote-clear-port=nonNegativeInteger?,
  [1.2-] (@update-origin?, @update-client?, @update-user?, @execution-date?),
  configuration, status?
}
version = @admin_epoch=nonNegativeInteger, @epoch=nonNegativeInteger, @num_updates=nonNegativeInteger

configuration = element configuration {
  crm_config & nodes & resources & constraints & rsc_defaults? & op_defaults?
  & [1.2-] fencing-topology? & [1.2-] acls? & [1.3-] tags? & [2.5-] alerts?
}
status = element status { anything }

nodes = element nodes { node* }
node = element node {
  @id, @uname, @description?,
  ([1.0] @type=nodeType | [1.2-] (@type=nodeType?, @score=score?)),
  (instance_attributes | [1.2-] utilization)*
}
type nodeType = [-2.10] "normal" | "member" | "ping" | [1.3-] "remote"
`

// setTable holds the sets of name and value pairs, in all their places.
const setTable = `
crm_config = element crm_config { cluster_property_set* }
cluster_property_set = element cluster_property_set { @id-ref=IDREF | @id=ID, @score=score?, (setRule? & property*) }
property = [-2.10] plainPair | [3.0-] clusterOption
clusterOption = element nvpair { @id-ref=IDREF, @name? | @id=ID, (@name=optionName, @value? | @name="cluster-infrastructure", @value=stack) }
# Names of Heartbeat's days, and options which have moved to other sections.
type optionName = string except ("cluster-infrastructure" | "cluster_recheck_interval" | "dc_deadtime" | "default-action-timeout"
  | "default_action_timeout" | "default-migration-threshold" | "default_migration_threshold" | "default-resource-failure-stickiness"
  | "default_resource_failure_stickiness" | "default-resource-stickiness" | "default_resource_stickiness" | "election_timeout"
  | "expected-quorum-votes" | "is-managed-default" | "is_managed_default" | "no_quorum_policy" | "notification-agent"
  | "notification-recipient" | "remove_after_stop" | "shutdown_escalation" | "startup_fencing" | "stonith_action" | "stonith_enabled"
  | "stop_orphan_actions" | "stop_orphan_resources" | "symmetric_cluster" | "transition_idle_timeout")
type stack = string except ("heartbeat" | "openais" | "classic openais" | "classic openais (with plugin)" | "cman")

rsc_defaults = element rsc_defaults { defaults* }
op_defaults = element op_defaults { defaults* }
defaults = element meta_attributes { @id-ref=IDREF | @id=ID, @score=score?, (setRule? & ([-2.10] plainPair | [3.0-] nvpair)*) }

plainPair = element nvpair { @id=ID, @name, @value? }
nvpair = element nvpair { [1.3-] @id-ref=IDREF, @name? | @id=ID, @name, @value? }
set = @id-ref=IDREF | @id=ID, @score=score?, (setRule? & nvpair*)

instance_attributes = element instance_attributes { set }
utilization = element utilization { set }
meta_attributes = element meta_attributes { @id-ref=IDREF | @id=ID, @score=score?, (setRule? & metaPair*) }
metaPair = [-2.10] nvpair | [3.0-] metaOption
metaOption = element nvpair { @id-ref=IDREF, @name? | @id=ID, @name=metaName, @value? }
type metaName = string except ("isolation" | "isolation-host" | "isolation-instance" | "isolation-wrapper")

# Parameters of a resource: schema 3.0 alone refused the old names of those of fencing agents.
parameters = element instance_attributes { @id-ref=IDREF | @id=ID, @score=score?, (setRule? & ([-2.10] nvpair | [3.0] parameter | [3.1-] nvpair)*) }
parameter = element nvpair { @id-ref=IDREF, @name? | @id=ID, @name=parameterName, @value? }
type parameterName = string except ("pcmk_arg_map" | "pcmk_list_cmd" | "pcmk_monitor_cmd" | "pcmk_off_cmd" | "pcmk_on_cmd"
  | "pcmk_reboot_cmd" | "pcmk_status_cmd")
`

// ruleTable holds rules, of sets and of constraints.
const ruleTable = `
weight = @score=score | @score-attribute
setRule = element rule { @id-ref=IDREF | @id=ID, ([-3.8] weight | [3.9] weight?), @boolean-op=("or" | "and")?, @role?,
  (expression | date_expression | setRule | [3.4-] rsc_expression | [3.4-] op_expression)+ }
rule = element rule { @id-ref=IDREF | @id=ID, ([-3.8] weight | [3.9] weight?), @boolean-op=("or" | "and")?, @role?,
  (expression | date_expression | rule | [3.5-] rsc_expression | [3.5-] op_expression)+ }

expression = element expression {
  @id=ID, @attribute, @operation=("lt" | "gt" | "lte" | "gte" | "eq" | "ne" | "defined" | "not_defined"), @value?,
  @type=("string" | [3.5-] "integer" | "number" | "version")?, [2.9-] @value-source=("literal" | "param" | "meta")?
}
date_expression = element date_expression {
  @id=ID,
  ( @operation="in_range", ([-3.8] (@start, (@end | duration) | @end) | [3.9] ((@start, @end? | @end), duration?))
  | @operation="gt", @start
  | @operation="lt", @end
  | @operation="date_spec", date_spec )
}
fields = @hours? , @monthdays?, @weekdays?, @yearsdays?, @months?, @weeks?, @weekyears?, @years?, @moon?, [3.9] (@seconds?, @minutes?)
date_spec = element date_spec { @id=ID, fields, [3.9] @yeardays? }
duration = element duration { @id=ID, fields, [3.9] @days? }
rsc_expression = element rsc_expression { @id=ID, @class?, @provider?, @type? }
op_expression = element op_expression { @id=ID, @name, @interval? }
`
