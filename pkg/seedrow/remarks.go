package seedrow

// Remarks say of rows without a test why they have none.
var Remarks = map[string]string{
	"000-023": "no load of that kind runs in a test",
	"001-027": "the lines are logged, by the daemon itself: it has no child for this",
	"002-020": "devices of ha.cf fence nothing yet",
	"002-035": "devices of ha.cf fence nothing yet",
	"002-057": "the line is parsed; the file of parameters is not read yet",
	"003-090": "a line of another program",
	"003-100": "lines of the kernel of that time",
	"004-010": "no bonding interface in a test",
	"004-022": "no bonding interface in a test",
}
