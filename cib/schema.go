package cib

import (
	"fmt"
	"strings"
)

// schemaSource is the grammar of the configuration, schema pacemaker-3.9, one
// element a line: name | attributes | children. An attribute is name=type, with
// "!" where it must be given; a child has "?", "*" or "+" as in a pattern, none
// for exactly one. Which of several attributes belong together is in
// checkRules.
const schemaSource = `
cib | admin_epoch=count! epoch=count! num_updates=count! validate-with=text crm_feature_set=text have-quorum=bool dc-uuid=text cib-last-written=text update-origin=text update-client=text update-user=text execution-date=text no-quorum-panic=bool remote-tls-port=count remote-clear-port=count | configuration status?
configuration | | crm_config nodes resources constraints rsc_defaults? op_defaults? acls? fencing-topology? tags? alerts?
crm_config | | cluster_property_set*
cluster_property_set | id=id id-ref=idref score=score | rule? nvpair*
nodes | | node*
node | id=text! uname=text! type=(member,ping,remote) description=text score=score | instance_attributes* utilization*
resources | | primitive* template* group* clone* master* bundle*
primitive | id=id! class=class provider=text type=text template=ref description=text | operations? instance_attributes* meta_attributes* utilization*
template | id=id! class=class! provider=text type=text! description=text | operations? instance_attributes* meta_attributes* utilization*
group | id=id! description=text | primitive+ instance_attributes* meta_attributes*
clone | id=id! description=text | primitive? group? template? instance_attributes* meta_attributes*
master | id=id! description=text | primitive? group? instance_attributes* meta_attributes*
bundle | id=id! description=text | docker? podman? rkt? network? storage? primitive? meta_attributes* instance_attributes*
docker | image=text! replicas=int replicas-per-host=int masters=int promoted-max=int run-command=text network=text options=text |
podman | image=text! replicas=int replicas-per-host=int masters=int promoted-max=int run-command=text network=text options=text |
rkt | image=text! replicas=int replicas-per-host=int masters=int promoted-max=int run-command=text network=text options=text |
network | ip-range-start=text control-port=int host-interface=text host-netmask=text add-host=bool | port-mapping*
port-mapping | id=id! port=int internal-port=int range=text |
storage | | storage-mapping*
storage-mapping | id=id! source-dir=text source-dir-root=text target-dir=text! options=text |
operations | id=id id-ref=idref | op*
op | id=id id-ref=idref name=text interval=time description=text timeout=time start-delay=time interval-origin=text enabled=bool record-pending=bool role=role on-fail=(ignore,block,demote,stop,restart,standby,fence,restart-container) | instance_attributes* meta_attributes*
constraints | | rsc_location* rsc_colocation* rsc_order* rsc_ticket*
rsc_location | id=id! rsc=ref rsc-pattern=text node=text score=score role=role resource-discovery=(always,never,exclusive) | lifetime? rule* resource_set*
rsc_colocation | id=id! rsc=ref with-rsc=ref score=score score-attribute=text score-attribute-mangle=text node-attribute=text rsc-role=role with-rsc-role=role rsc-instance=int with-rsc-instance=int influence=text | lifetime? resource_set*
rsc_order | id=id! first=ref then=ref first-action=action then-action=action first-instance=int then-instance=int kind=(Optional,Mandatory,Serialize) score=score symmetrical=bool require-all=bool | lifetime? resource_set*
rsc_ticket | id=id! rsc=ref rsc-role=role ticket=text! loss-policy=(stop,demote,fence,freeze) | resource_set*
resource_set | id=id id-ref=idref sequential=bool require-all=bool ordering=text action=action role=role score=score kind=(Optional,Mandatory,Serialize) | resource_ref*
resource_ref | id=ref! |
lifetime | | rule+
rule | id=id id-ref=idref score=score score-attribute=text boolean-op=(or,and) role=role | expression* date_expression* rsc_expression* op_expression* rule*
expression | id=id! attribute=text! operation=(lt,gt,lte,gte,eq,ne,defined,not_defined)! value=text type=(string,integer,number,version) value-source=(literal,param,meta) |
date_expression | id=id! operation=(in_range,date_spec,gt,lt)! start=text end=text | duration? date_spec?
date_spec | id=id! seconds=span minutes=span hours=span monthdays=span weekdays=span yeardays=span yearsdays=span months=span weeks=span weekyears=span years=span moon=span |
duration | id=id! seconds=count minutes=count hours=count days=count weeks=count months=count years=count monthdays=count weekdays=count yearsdays=count weekyears=count moon=count |
rsc_expression | id=id! class=text provider=text type=text |
op_expression | id=id! name=text! interval=time |
instance_attributes | id=id id-ref=idref score=score | rule? nvpair*
meta_attributes | id=id id-ref=idref score=score | rule? nvpair*
utilization | id=id id-ref=idref score=score | rule? nvpair*
nvpair | id=id id-ref=idref name=text value=text |
rsc_defaults | | meta_attributes*
op_defaults | | meta_attributes*
acls | | acl_target* acl_group* acl_role*
acl_target | id=text! name=text | role*
acl_group | id=text! name=text | role*
role | id=idref! |
acl_role | id=id! description=text | acl_permission*
acl_permission | id=id! kind=(read,write,deny)! xpath=text reference=idref object-type=text attribute=text description=text |
fencing-topology | | fencing-level*
fencing-level | id=id! target=text target-pattern=text target-attribute=text target-value=text index=count! devices=text! |
tags | | tag*
tag | id=id! | obj_ref+
obj_ref | id=idref! |
alerts | | alert*
alert | id=id! description=text path=text! | meta_attributes* instance_attributes* select? recipient*
select | | select_attributes? select_fencing? select_nodes? select_resources?
select_attributes | | attribute*
select_fencing | |
select_nodes | |
select_resources | |
attribute | id=id! name=text! |
recipient | id=id! description=text value=text! | meta_attributes* instance_attributes* select?
`

// attrSpec says what an attribute must be like.
type attrSpec struct {
	typ      string
	enum     []string
	required bool
}

// elemSpec says what an element may hold.
type elemSpec struct {
	attrs map[string]attrSpec
	// names of the attributes and children in the order of the source.
	attrNames, childNames []string
	// children maps a name to '1', '?', '*' or '+'.
	children map[string]byte
}

var schema = readSchema(schemaSource)

func readSchema(src string) map[string]*elemSpec {
	out := map[string]*elemSpec{}
	for line := range strings.Lines(strings.TrimSpace(src)) {
		part := strings.Split(strings.TrimSpace(line), "|")
		if len(part) != 3 {
			panic(fmt.Sprintf("schema line %q has no three parts", line))
		}
		s := &elemSpec{attrs: map[string]attrSpec{}, children: map[string]byte{}}
		for _, f := range strings.Fields(part[1]) {
			f, required := strings.CutSuffix(f, "!")
			name, typ, _ := strings.Cut(f, "=")
			a := attrSpec{typ: typ, required: required}
			if strings.HasPrefix(typ, "(") {
				a.typ, a.enum = "enum", strings.Split(strings.Trim(typ, "()"), ",")
			}
			s.attrs[name] = a
			s.attrNames = append(s.attrNames, name)
		}
		for _, f := range strings.Fields(part[2]) {
			how := byte('1')
			if i := strings.IndexByte("?*+", f[len(f)-1]); i >= 0 {
				how, f = f[len(f)-1], f[:len(f)-1]
			}
			s.children[f] = how
			s.childNames = append(s.childNames, f)
		}
		out[strings.TrimSpace(part[0])] = s
	}
	return out
}
