package grammar

// resourceTable holds the resources but bundles.
const resourceTable = `
resources = element resources { (primitive | group | clone | master | [1.2-] template | [2.8-] bundle)* }

primitive = element primitive { @id=ID, ([1.2-] @template=IDREF | @class="ocf", @provider, @type | @class=otherClass, @type), resourceRest }
template = element template { @id=ID, (@class="ocf", @provider, @type | @class=templateClass, @type), resourceRest }
type otherClass = "lsb" | "heartbeat" | "stonith" | "upstart" | [1.2-] "service" | [1.2-] "systemd" | [1.2-] "nagios"
type templateClass = "lsb" | "heartbeat" | "stonith" | "upstart" | [2.7-] "service" | [2.7-] "systemd" | [2.7-] "nagios"
resourceRest = @description?, (operations? & (parameters | meta_attributes | [1.2-] utilization)*)

group = element group { @id=ID, @description?, ((parameters | meta_attributes)* & primitive+) }
clone = element clone { @id=ID, @description?, ((parameters | meta_attributes)* & (primitive | group)) }
master = element master { @id=ID, @description?, ((parameters | meta_attributes)* & (primitive | group)) }

operations = element operations { @id=ID?, @id-ref=IDREF?, op* }
op = element op {
  @id=ID, @name, @interval, @description?, (@start-delay | @interval-origin)?, @timeout?, @enabled=boolean?, @record-pending=boolean?,
  @role=role?, [-2.10] @requires=("nothing" | "quorum" | "fencing" | [1.3-] "unfencing")?,
  @on-fail=("ignore" | "block" | "stop" | "restart" | "standby" | "fence" | [1.2-] "restart-container" | [3.4-] "demote")?,
  (([-2.10] instance_attributes | [3.0] opParameters | [3.1-] instance_attributes) | ([-2.10] meta_attributes | [3.0-] opMeta))*
}
opParameters = [3.0] opParameterSet
opParameterSet = element instance_attributes { @id-ref=IDREF | @id=ID, @score=score?, (setRule? & opParameter*) }
opParameter = element nvpair { @id-ref=IDREF, @name? | @id=ID, @name=opParameterName, @value? }
type opParameterName = string except ("enabled" | "interval-origin" | "on-fail" | "record-pending" | "requires" | "start-delay")
opMeta = element meta_attributes { @id-ref=IDREF | @id=ID, @score=score?, (setRule? & opMetaPair*) }
opMetaPair = element nvpair { @id-ref=IDREF, @name? | @id=ID, @name=opMetaName, @value? }
type opMetaName = string except ("requires")
`

// bundleTable holds bundles, which appeared in 2.8.
const bundleTable = `
bundle = element bundle {
  @id=ID, @description?,
  ((parameters | meta_attributes)* & (docker | [2.10-] rkt | [3.2-] podman) & network? & storage? & primitive?)
}
docker = element docker { container }
rkt = element rkt { container }
podman = element podman { container }
container = @image, @replicas=integer?, @replicas-per-host=integer?, (@masters=integer | [3.0-] @promoted-max=integer)?,
  @run-command?, @network?, @options?
network = element network {
  @ip-range-start?, @control-port=integer?, @host-interface?, @host-netmask=integer?, [3.0-] @add-host=boolean?, port-mapping*
}
port-mapping = element port-mapping { @id=ID, (@port=integer, @internal-port=integer? | @range=chars/0-9-/) }
storage = element storage { storage-mapping* }
storage-mapping = element storage-mapping { @id=ID, (@source-dir | @source-dir-root), @target-dir, @options? }
`
