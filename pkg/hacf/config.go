package hacf

import (
	"slices"
	"strings"
	"time"
)

// Defaults of Heartbeat 2.1.3.
const (
	DefaultKeepalive = time.Second
	DefaultDeadtime  = 30 * time.Second
	DefaultPort      = 694
	DefaultBaud      = 19200
	DefaultCluster   = "linux-ha"
	// MaxNodes and MaxMedia are Heartbeat's fixed limits.
	MaxNodes = 100
	MaxMedia = 64
)

// Config is the meaning of one ha.cf.
type Config struct {
	// File is the name under which the text was read.
	File string
	// Cluster is the cluster's name, "linux-ha" by default.
	Cluster string
	// Nodes are the members named by "node", lower-cased, in file order.
	Nodes []string
	// Arbiters are the voters that run nothing, lower-cased, in file order.
	Arbiters []string
	// Weights are the votes of the nodes and arbiters named by "weight", 0 to
	// 10000; the others have 100.
	Weights map[string]int
	// Media are the links of the cluster in file order. A ucast line with an
	// address of this machine is kept: whoever opens the links skips it.
	Media []Medium

	// Keepalive is the interval of heartbeats (default 1 s).
	Keepalive time.Duration
	// Deadtime is the silence after which a node is dead (default 30 s). It
	// exceeds twice Keepalive.
	Deadtime time.Duration
	// Warntime is the interval from which a heartbeat is late (default
	// Deadtime/2).
	Warntime time.Duration
	// Initdead is Deadtime during the start. Default: Deadtime if that is over
	// 10 s, 12 s if it is under 6 s, twice Deadtime otherwise.
	Initdead time.Duration
	// Deadping is Deadtime for ping nodes (default Deadtime).
	Deadping time.Duration

	// PingNodes and PingGroups are the pseudo-nodes that answer ICMP echo.
	PingNodes  []PingNode
	PingGroups []PingGroup

	// Children are the programs of "respawn" and "failfast", in file order.
	Children []Child
	// Apiauth are the explicit apiauth lines; see [Config.Auth].
	Apiauth []ClientAuth
	// CRM tells who manages resources.
	CRM CRMMode
	// AutoFailback tells what happens when a preferred owner returns. It matters
	// for haresources only.
	AutoFailback Failback
	// ManualTakeover leaves what a lost node ran to the operator (hb_takeover). It
	// matters for haresources only.
	ManualTakeover bool
	// Autojoin tells who may join without a node line: none; other: others than
	// this node; any: this node, too.
	Autojoin string

	Log Log
	// Watchdog is the path of the watchdog device, or "".
	Watchdog string
	// Stonith are the fencing devices of ha.cf, used without crm and by
	// haresources2cib.
	Stonith []StonithDevice
	// Env are the "env" lines as NAME and VALUE; children see HA_NAME=VALUE.
	Env []EnvVar
	// UUIDFrom is "file" or "nodename", HBGenMethod "file" or "time".
	UUIDFrom, HBGenMethod string
	// HopFudge is how many serial lines a frame may travel beyond the number of
	// nodes (1 by default).
	HopFudge int
	// Realtime asks for locked memory and a real-time class, with priority
	// RTPrio (1 by default).
	Realtime bool
	RTPrio   int
	// CoreDumps and CoreRoot govern core files.
	CoreDumps bool
	CoreRoot  string
	// RecordInputs keeps the inputs of the policy engine.
	RecordInputs bool

	// params holds what each directive was set to, for [Config.Param].
	params map[string]string
}

// MediumKind is the directive that defines a link.
type MediumKind string

// Kinds of media. ucast6 and mcast6 of ha.cf are Ucast and Mcast.
const (
	Serial MediumKind = "serial"
	Bcast  MediumKind = "bcast"
	Ucast  MediumKind = "ucast"
	Mcast  MediumKind = "mcast"
)

// Medium is one link.
type Medium struct {
	Kind MediumKind
	// Iface is the network interface of bcast, ucast and mcast.
	Iface string
	// Address is the peer of ucast: an address or a host name.
	Address string
	// Group, TTL and Loop belong to mcast. Group is in 224.0.0.0/4 or ff00::/8.
	Group string
	TTL   int
	Loop  bool
	// Port is the UDP port.
	Port int
	// Device and Baud belong to serial. Device is an absolute path.
	Device string
	Baud   int
	// Line is the line of ha.cf.
	Line int
}

// Name returns the name under which the link is known in logs and to
// cl_status: the interface, or the device.
func (m Medium) Name() string {
	if m.Kind == Serial {
		return m.Device
	}
	return m.Iface
}

// PingNode is a host of a "ping" line; its name is also its link's name.
type PingNode struct {
	Host string
	Line int
}

// PingGroup is one pseudo-node that is up while any of its hosts answers.
type PingGroup struct {
	Name  string
	Hosts []string
	Line  int
}

// Child is a program that the daemon starts and watches.
type Child struct {
	// User is the account, Path the absolute path, Args the rest of the line.
	User, Path string
	Args       []string
	// Builtin is the name of the part of this program that answers for Path
	// ("pingd", "ipfail", "ccm", …), or "" for a program to execute.
	Builtin string
	// Failfast asks for a reboot when the program dies abnormally.
	Failfast bool
	Line     int
}

// ClientAuth says which processes may speak under a client's name: those with
// one of the UIDs or one of the GIDs (names or numbers).
type ClientAuth struct {
	Client     string
	UIDs, GIDs []string
	// Line is 0 for a built-in default.
	Line int
}

// CRMMode is the value of "crm".
type CRMMode uint8

const (
	// CRMOff leaves resources to haresources.
	CRMOff CRMMode = iota
	// CRMOn starts the cluster resource manager; a death of its vital parts
	// reboots the node.
	CRMOn
	// CRMRespawn is CRMOn without reboots.
	CRMRespawn
	// CRMManual starts membership, CIB and controller only.
	CRMManual
)

// Enabled reports whether the cluster resource manager runs.
func (m CRMMode) Enabled() bool { return m != CRMOff }

// String returns the word of ha.cf.
func (m CRMMode) String() string { return [...]string{"no", "yes", "respawn", "manual"}[m] }

// Failback is the value of "auto_failback".
type Failback uint8

const (
	// FailbackLegacy is the default: a starting node requests its resources.
	FailbackLegacy Failback = iota
	// FailbackOn hands resources back to a preferred owner that returned.
	FailbackOn
	// FailbackOff leaves them where they are.
	FailbackOff
)

// String returns the word of ha.cf.
func (f Failback) String() string { return [...]string{"legacy", "on", "off"}[f] }

// Log says where log lines go.
type Log struct {
	// File and DebugFile are paths, or "".
	File, DebugFile string
	// Facility is a syslog facility in lower case, "" when unset; "none" turns
	// syslog off.
	Facility string
	// UseLogd is nil when ha.cf does not say. When logd is used the three fields
	// above are ignored.
	UseLogd *bool
	// Debug is the debug level, 0 to 255.
	Debug int
	// SyslogFormat writes files in the format of syslog.
	SyslogFormat bool
	// BadPackets asks for a warning for each malformed packet (default true).
	BadPackets bool
	// ReconnectInterval is how often a lost logd is looked for (default 60 s).
	ReconnectInterval time.Duration
}

// Logd reports whether the logging daemon is used: as ha.cf says, or when it
// names no place for logs at all.
func (l Log) Logd() bool {
	if l.UseLogd != nil {
		return *l.UseLogd
	}
	return l.File == "" && l.DebugFile == "" && l.Facility == ""
}

// StonithDevice is a "stonith" or "stonith_host" line.
type StonithDevice struct {
	// Host is the node the device is attached to, "*" for all; "" for a
	// "stonith" line, whose parameters are in ConfigFile.
	Host, Type string
	ConfigFile string
	Params     []string
	Line       int
}

// EnvVar is one "env" line.
type EnvVar struct{ Name, Value string }

// HasNode reports whether the name (any case) is one of the nodes.
func (c *Config) HasNode(name string) bool {
	for _, n := range c.Nodes {
		if equalFold(n, name) {
			return true
		}
	}
	return false
}

// HasArbiter reports whether the name (any case) is one of the arbiters.
func (c *Config) HasArbiter(name string) bool {
	return slices.Contains(c.Arbiters, strings.ToLower(name))
}

// Param returns the value of a directive as ha.cf set it, for "cl_status
// hbparameter", and whether it was set. Values of repeatable directives are
// joined by blanks.
func (c *Config) Param(directive string) (string, bool) {
	v, ok := c.params[directive]
	return v, ok
}
