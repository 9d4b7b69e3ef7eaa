package grammar

// constraintTable holds the constraints.
const constraintTable = `
constraints = element constraints { (rsc_location | rsc_colocation | rsc_order | [1.2-] rsc_ticket)* }

rsc_location = element rsc_location {
  @id=ID, (@rsc=IDREF, [1.2-] @role=role? | [2.6-] (@rsc-pattern, @role=role?) | [1.2-] resource_set+),
  (@score=score, @node | rule+), lifetime?, [2.2-] @resource-discovery=("always" | "never" | "exclusive")?
}
rsc_colocation = element rsc_colocation {
  @id=ID, lifetime?, (@score=score | [-2.10] @score-attribute | [-2.10] @score-attribute-mangle)?, [3.6-] @influence?,
  (resource_set+ | @rsc=IDREF, @with-rsc=IDREF, @node-attribute?, @rsc-role=role?, @with-rsc-role=role?)
}
rsc_order = element rsc_order {
  @id=ID, lifetime?, (@score=score | @kind=kind)?, @symmetrical=boolean?, [2.3-] @require-all=boolean?,
  (resource_set+ | @first=IDREF, @then=IDREF, @first-action=action?, @then-action=action?)
}
rsc_ticket = element rsc_ticket {
  @id=ID, (resource_set+ | @rsc=IDREF, @rsc-role=role?), @ticket, @loss-policy=("stop" | "demote" | "fence" | "freeze")?
}
type kind = "Optional" | "Mandatory" | "Serialize"
type action = "start" | "promote" | "demote" | "stop"

resource_set = element resource_set {
  @id-ref=IDREF
  | @id=ID, @sequential=boolean?, [1.2-] @require-all=boolean?, [2.1-] @ordering=("group" | "listed")?, @action=action?, @role=role?,
    (@score=score | [3.0-] @kind=kind)?, resource_ref+
}
resource_ref = element resource_ref { @id=IDREF }
lifetime = element lifetime { rule+ }
`

// sectionTable holds the sections that came later: fencing levels, access
// control, tags and alerts.
const sectionTable = `
fencing-topology = element fencing-topology { fencing-level* }
fencing-level = element fencing-level {
  @id=ID, (@target | @target-pattern | [2.4-] (@target-attribute, @target-value)), @index=positiveInteger, @devices=words/a-zA-Z0-9_.-/
}

acls = element acls { ([1.2-1.3] (acl_user | oldRole) | [2.0-] (acl_target | acl_group | acl_role))* }
acl_user = element acl_user { @id=ID, (role_ref+ | oldPermission*) }
oldRole = element acl_role { @id=ID, oldPermission* }
role_ref = element role_ref { @id=IDREF }
oldPermission = read | write | deny
read = element read { permitted }
write = element write { permitted }
deny = element deny { permitted }
permitted = @id=ID, (@xpath | @tag, @ref=IDREF? | @ref=IDREF), @attribute?

acl_target = element acl_target { @id, [3.8-] @name?, aclRoleRef* }
acl_group = element acl_group { @id=ID, [3.8-] @name?, aclRoleRef* }
aclRoleRef = element role { @id=IDREF }
acl_role = element acl_role { @id=ID, @description?, acl_permission* }
acl_permission = element acl_permission {
  @id=ID, @kind=("read" | "write" | "deny"), @description?, (@xpath | @reference=IDREF | @object-type, @attribute?)
}

tags = element tags { tag* }
tag = element tag { @id=ID, obj_ref+ }
obj_ref = element obj_ref { ([-3.2] @id=IDREF | [3.3-] @id) }

alerts = element alerts { alert* }
alert = element alert { @id=ID, @description?, @path,
  ([-2.9] (alertSet*, recipient*) | [2.10-] (alertSet* & select? & recipient*)) }
recipient = element recipient { @id=ID, @description?, @value, alertSet* }
alertSet = instance_attributes | meta_attributes
select = element select { select_nodes? & select_fencing? & select_resources? & select_attributes? }
select_nodes = element select_nodes { empty }
select_fencing = element select_fencing { empty }
select_resources = element select_resources { empty }
select_attributes = element select_attributes { attribute* }
attribute = element attribute { @id=ID, @name }
`
