package seedrow

// Remarks say of rows without a test why they have none.
var Remarks = map[string]string{
	"001-027": "the lines are logged, by the daemon itself: it has no child for this",
	"002-001": "the pair runs; a table of real servers needs IPVS",
	"002-013": "needs a stonith device",
	"002-018": "mon is another program; nothing here runs it",
	"002-019": "needs IPVS",
	"002-020": "devices of ha.cf fence nothing yet",
	"002-021": "needs a watchdog",
	"002-035": "devices of ha.cf fence nothing yet",
	"002-057": "the line is parsed; the file of parameters is not read yet",
	"002-058": "needs a watchdog",
	"003-090": "a line of another program",
	"003-100": "lines of the kernel of that time",
	"004-004": "programs, agents, unit and documents follow the prefix; configuration and state lie in /etc/ha.d and /var/lib/heartbeat, unless --config-dir and --state-dir say otherwise",
	"004-010": "no bonding interface in a test",
	"004-022": "no bonding interface in a test",
}
