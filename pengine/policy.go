package pengine

type variant uint8

const (
	primitiveVariant variant = iota
	groupVariant
	cloneVariant
	bundleVariant
)

// onFail is what a failure of an operation leads to, in growing severity.
type onFail int8

const (
	failIgnore onFail = iota
	failDemote
	failRecover
	failRestartContainer
	failResetRemote
	failBlock
	failStop
	failBan
	failStandby
	failFence
)

var onFailNames = [...]string{"ignore", "demote", "recover", "restart-container", "reset-remote", "block", "stop", "migrate", "standby", "fence"}

// multiPolicy is the meta attribute multiple-active.
type multiPolicy uint8

const (
	multiStopStart multiPolicy = iota
	multiStopOnly
	multiBlock
	multiStopUnexpected
)

// quorumPolicy is the cluster option no-quorum-policy.
type quorumPolicy uint8

const (
	quorumStop quorumPolicy = iota
	quorumFreeze
	quorumIgnore
	quorumSuicide
	quorumDemote
)

// discovery is the attribute resource-discovery of a location constraint.
type discovery uint8

const (
	discoverAlways discovery = iota
	discoverNever
	discoverExclusive
)
