package hacf

import "sort"

// Support tells what this program makes of a directive.
type Support uint8

const (
	// Supported directives do what they say.
	Supported Support = iota
	// NotYet directives are understood and checked, and have no effect yet.
	NotYet
	// NoEffect directives tune a mechanism that this program does not have.
	NoEffect
)

// Directive describes one word of ha.cf.
type Directive struct {
	// Name is the first word of the line; Syntax is what follows it.
	Name, Syntax string
	// Default is what holds without the line, "" for nothing.
	Default string
	// Summary is one line of help.
	Summary string
	Support Support
	// Note completes the warning of a directive without effect.
	Note string

	// whole directives get the rest of the line, others one value at a time.
	whole bool
	// many directives may be repeated; others warn when they are.
	many bool
	set  func(p *parser, value string)
}

// Directives returns every known directive, sorted by name.
func Directives() []Directive {
	out := append([]Directive(nil), directives...)
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

var byName = make(map[string]*Directive)

// The table is filled at init, because its functions use byName.
var directives []Directive

func init() {
	directives = []Directive{
		{Name: "node", Syntax: "NAME...", Summary: "members of the cluster, as uname -n has them", many: true, set: (*parser).node},
		{Name: "arbiter", Syntax: "NAME...", Summary: "voters that run nothing: started there by quorate arbiter", many: true, set: (*parser).arbiter},
		{Name: "weight", Syntax: "NAME VOTES", Default: "100", Summary: "votes of a node or arbiter in the first electorate", whole: true, many: true, set: (*parser).weight},
		{Name: "cluster", Syntax: "NAME", Default: DefaultCluster, Summary: "name of the cluster", set: func(p *parser, v string) { p.cfg.Cluster = v }},
		{Name: "keepalive", Syntax: "TIME", Default: "1", Summary: "interval of heartbeats", set: positiveTime(func(c *Config) *dur { return &c.Keepalive })},
		{Name: "deadtime", Syntax: "TIME", Default: "30", Summary: "silence after which a node is dead", set: anyTime(func(c *Config) *dur { return &c.Deadtime })},
		{Name: "warntime", Syntax: "TIME", Default: "deadtime/2", Summary: "interval from which a heartbeat is late", set: positiveTime(func(c *Config) *dur { return &c.Warntime })},
		{Name: "initdead", Syntax: "TIME", Default: "from deadtime", Summary: "deadtime during the start", set: anyTime(func(c *Config) *dur { return &c.Initdead })},
		{Name: "deadping", Syntax: "TIME", Default: "deadtime", Summary: "silence after which a ping node is dead", set: anyTime(func(c *Config) *dur { return &c.Deadping })},
		{Name: "hopfudge", Syntax: "N", Default: "1", Summary: "cables that a frame may travel in a serial ring beyond the number of nodes", set: intIn(0, 255, func(c *Config) *int { return &c.HopFudge })},
		{Name: "udpport", Syntax: "PORT", Default: "694", Summary: "port of the bcast and ucast lines after it", many: true, set: (*parser).udpport},
		{Name: "baud", Syntax: "RATE", Default: "19200", Summary: "speed of the serial lines after it", set: (*parser).baud},

		{Name: "serial", Syntax: "DEVICE...", Summary: "serial link", many: true, set: (*parser).serial},
		{Name: "bcast", Syntax: "INTERFACE...", Summary: "UDP broadcast link", many: true, set: (*parser).bcast},
		{Name: "udp", Syntax: "INTERFACE...", Summary: "old name of bcast", many: true, set: (*parser).udp},
		{Name: "ucast", Syntax: "INTERFACE PEER", Summary: "UDP unicast link to one peer", whole: true, many: true, set: (*parser).ucast},
		{Name: "mcast", Syntax: "INTERFACE GROUP PORT TTL LOOP", Summary: "UDP multicast link", whole: true, many: true, set: (*parser).mcast},
		{Name: "ucast6", Syntax: "INTERFACE PEER", Summary: "UDP unicast link over IPv6", whole: true, many: true, set: (*parser).ucast},
		{Name: "mcast6", Syntax: "INTERFACE GROUP PORT HOPS LOOP", Summary: "UDP multicast link over IPv6", whole: true, many: true, set: (*parser).mcast},
		{Name: "tipc", Syntax: "...", Summary: "TIPC link (experimental in Heartbeat)", whole: true, many: true, Support: NotYet, Note: "the link is not opened", set: ignore},
		{Name: "openais", Syntax: "...", Summary: "openais link (experimental in Heartbeat)", whole: true, many: true, Support: NotYet, Note: "the link is not opened", set: ignore},
		{Name: "ping", Syntax: "HOST...", Summary: "pseudo-node that answers ICMP echo", many: true, set: (*parser).ping},
		{Name: "ping_group", Syntax: "NAME HOST...", Summary: "one pseudo-node, up while any host answers", whole: true, many: true, set: (*parser).pingGroup},
		{Name: "ping6", Syntax: "HOST...", Summary: "ping over IPv6", many: true, set: (*parser).ping},
		{Name: "hbaping", Syntax: "CARD", Summary: "ping of a Fibre Channel adapter", many: true, Support: NotYet, Note: "the adapter is not pinged", set: ignore},

		{Name: "auto_failback", Syntax: "on|off|legacy", Default: "legacy", Summary: "whether resources return to a preferred owner (haresources only)", set: (*parser).autoFailback},
		{Name: "takeover", Syntax: "auto|manual", Default: "auto", Summary: "whether the resources of a lost node wait for hb_takeover (haresources only)", set: func(p *parser, v string) {
			if v != "auto" && v != "manual" {
				p.invalid(v, "Invalid takeover [%s]: it is neither auto nor manual", v)
			}
			p.cfg.ManualTakeover = v == "manual"
		}},
		{Name: "nice_failback", Syntax: "on|off", Summary: "old inverse of auto_failback", set: (*parser).niceFailback},
		{Name: "crm", Syntax: "yes|no|respawn|manual", Default: "no", Summary: "whether the cluster resource manager replaces haresources", set: (*parser).crm},
		{Name: "autojoin", Syntax: "none|other|any", Default: "none", Summary: "who may join without a node line", set: (*parser).autojoin},
		{Name: "uuidfrom", Syntax: "file|nodename", Default: "file", Summary: "where the node's UUID comes from", Support: NoEffect, Note: "nodes are known by their names", set: oneOf(func(c *Config) *string { return &c.UUIDFrom }, "file", "nodename")},
		{Name: "hbgenmethod", Syntax: "file|time", Default: "file", Summary: "where the generation number comes from", Support: NoEffect, Note: "each start draws its own number", set: oneOf(func(c *Config) *string { return &c.HBGenMethod }, "file", "time")},

		{Name: "compression", Syntax: "zlib|bz2", Summary: "compression of large messages", Support: NoEffect, Note: "the frames are this program's own", set: oneOf(nil, "zlib", "bz2")},
		{Name: "compression_threshold", Syntax: "KB", Default: "2", Summary: "size from which messages are compressed", Support: NoEffect, Note: "the frames are this program's own", set: intIn(1, 1<<30, nil)},
		{Name: "traditional_compression", Syntax: "on|off", Default: "off", Summary: "compress whole packets", Support: NoEffect, Note: "the frames are this program's own", set: boolean(nil)},
		{Name: "msgfmt", Syntax: "classic|netstring", Default: "classic", Summary: "wire format", Support: NoEffect, Note: "the frames are this program's own", set: oneOf(nil, "classic", "netstring")},
		{Name: "max_rexmit_delay", Syntax: "MS", Default: "250", Summary: "upper bound of the delay of a retransmit request", Support: NoEffect, Note: "the links pace retransmissions themselves", set: intIn(1, 1<<30, nil)},

		{Name: "realtime", Syntax: "on|off", Default: "on", Summary: "locked memory and a real-time class for the daemon and its guard; agents never have it", set: boolean(func(c *Config) *bool { return &c.Realtime })},
		{Name: "rtprio", Syntax: "N", Default: "1", Summary: "real-time priority of the daemon, 1 to 99; the guard has the next", set: (*parser).rtprio},
		{Name: "memreserve", Syntax: "KB", Default: "6500", Summary: "memory allocated in advance", Support: NoEffect, Note: "the runtime manages memory", set: intIn(1, 1<<40, nil)},
		{Name: "coredumps", Syntax: "on|off", Default: "on", Summary: "whether core files are written", Support: NotYet, Note: "the machine's own limit holds", set: boolean(func(c *Config) *bool { return &c.CoreDumps })},
		{Name: "coreroot", Syntax: "DIRECTORY", Default: "/var/lib/heartbeat/cores", Summary: "where core files go", Support: NotYet, Note: "the machine's own setting holds", set: absolutePath(func(c *Config) *string { return &c.CoreRoot })},

		{Name: "debug", Syntax: "LEVEL", Default: "0", Summary: "debug level: more than 0 logs the lines of debug", set: intIn(0, 255, func(c *Config) *int { return &c.Log.Debug })},
		{Name: "debugfile", Syntax: "FILE", Summary: "file for debug messages", set: absolutePath(func(c *Config) *string { return &c.Log.DebugFile })},
		{Name: "logfile", Syntax: "FILE", Summary: "file for messages", set: absolutePath(func(c *Config) *string { return &c.Log.File })},
		{Name: "logfacility", Syntax: "FACILITY|none", Summary: "syslog facility", set: (*parser).logfacility},
		{Name: "use_logd", Syntax: "on|off", Summary: "log through ha_logd", set: func(p *parser, v string) {
			if b, ok := p.bool(v); ok {
				p.cfg.Log.UseLogd = &b
			}
		}},
		{Name: "conn_logd_time", Syntax: "TIME", Default: "60", Summary: "how often a lost ha_logd is looked for", set: positiveTime(func(c *Config) *dur { return &c.Log.ReconnectInterval })},
		{Name: "syslogmsgfmt", Syntax: "on|off", Default: "off", Summary: "write log files in the format of syslog", set: boolean(func(c *Config) *bool { return &c.Log.SyslogFormat })},
		{Name: "log_badpack", Syntax: "on|off", Default: "on", Summary: "warn about malformed packets", Support: NotYet, Note: "malformed packets are always counted", set: boolean(func(c *Config) *bool { return &c.Log.BadPackets })},

		{Name: "watchdog", Syntax: "DEVICE", Summary: "watchdog device, petted while this node may run resources", set: (*parser).watchdog},
		{Name: "use_apphbd", Syntax: "on|off", Default: "off", Summary: "register with apphbd", Support: NotYet, set: boolean(nil)},
		{Name: "apiauth", Syntax: "CLIENT [uid=LIST] [gid=LIST]", Summary: "who may use the client interface, besides root and the group haclient: the lines of cib, crmd, anon and default open the socket of commands to more", whole: true, many: true, set: (*parser).apiauth},
		{Name: "respawn", Syntax: "USER /PATH ARGS", Summary: "program to run and restart", whole: true, many: true, set: func(p *parser, v string) { p.child(v, false) }},
		{Name: "failfast", Syntax: "USER /PATH ARGS", Summary: "program whose abnormal death reboots the node", whole: true, many: true, set: func(p *parser, v string) { p.child(v, true) }},
		{Name: "stonith", Syntax: "TYPE FILE", Summary: "fencing device of the whole cluster (haresources only)", whole: true, many: true, Support: NotYet, Note: "no node is fenced by it; haresources2cib makes a resource of stonith_host lines", set: (*parser).stonith},
		{Name: "stonith_host", Syntax: "HOST TYPE PARAMETERS", Summary: "fencing device attached to a node (haresources only)", whole: true, many: true, Support: NotYet, Note: "no node is fenced by it; haresources2cib makes a resource of it", set: (*parser).stonithHost},
		{Name: "env", Syntax: "NAME=VALUE", Summary: "HA_NAME=VALUE in the environment of children", many: true, set: (*parser).env},
		{Name: "quorum_server", Syntax: "HOST", Summary: "host of the quorum server", Support: NotYet, Note: "the server is not asked", set: ignore},
		{Name: "normalpoll", Syntax: "on|off", Default: "on", Summary: "how the main loop waits", Support: NoEffect, Note: "there is no such loop", set: boolean(nil)},
		{Name: "record_config_changes", Syntax: "on|off", Default: "on", Summary: "log changes of the CIB", Support: NotYet, Note: "every change is kept", set: boolean(nil)},
		{Name: "record_pengine_inputs", Syntax: "on|off", Default: "on", Summary: "keep inputs of the policy engine", set: boolean(func(c *Config) *bool { return &c.RecordInputs })},
		{Name: "enable_config_writes", Syntax: "on|off", Default: "on", Summary: "write the CIB to disk", Support: NoEffect, Note: "an acknowledged change is always on disk", set: boolean(nil)},
	}
	for i := range directives {
		byName[directives[i].Name] = &directives[i]
	}
}
