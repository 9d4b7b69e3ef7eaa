package h2c

// ocfParams are the resource types that become OCF agents, with the names of
// their parameters in the order in which haresources gives them. The last one
// takes all remaining arguments.
var ocfParams = map[string][]string{
	"AudibleAlarm": {"nodelist"},
	"Delay":        {"startdelay", "stopdelay", "mondelay"},
	"Filesystem":   {"device", "directory", "fstype", "options"},
	"ICP":          {"driveid", "device"},
	"IPaddr":       {"ip"},
	"IPaddr2":      {"ip"},
	"IPsrcaddr":    {"ipaddress"},
	"IPv6addr":     {"ipv6addr"},
	"LinuxSCSI":    {"scsi"},
	"LVM":          {"volgrpname"},
	"MailTo":       {"email", "subject"},
	"Raid1":        {"raidconf", "raiddev"},
	"ServeRAID":    {"serveraid", "mergegroup"},
	"WinPopup":     {"hostfile"},
	"Xinetd":       {"service"},
	"apache":       {"configfile", "httpd", "port", "statusurl", "options"},
	"db2":          {"instance", "admin"},
	"oracle":       {"sid", "home", "user", "ipcrm"},
	"oralsnr":      {"sid", "home", "user", "listener"},
	"portblock":    {"protocol", "portno", "action"},
}

// ocfParamsHeartbeat are those whose names were others in Heartbeat 2.0.
var ocfParamsHeartbeat = map[string][]string{
	"Delay": {"delay", "stopdelay"},
}

// addressTypes are monitored every five seconds.
var addressTypes = map[string]bool{"IPaddr": true, "IPaddr2": true, "IPsrcaddr": true, "IPv6addr": true}

var stonithParams = map[string][]string{
	"apcmaster":       {"ipaddr", "login", "password"},
	"apcmastersnmp":   {"ipaddr", "port", "community"},
	"apcsmart":        {"ttydev", "hostlist"},
	"baytech":         {"ipaddr", "login", "password"},
	"cyclades":        {"ipaddr", "login", "serialport"},
	"drac3":           {"host", "login", "password"},
	"external/ibmrsa": {"hostname", "ipaddr", "userid", "passwd"},
	"external/ipmi":   {"hostname", "ipaddr", "userid", "passwd", "interface"},
	"external/ssh":    {"hostlist"},
	"meatware":        {"hostlist"},
	"null":            {"hostlist"},
	"rps10":           {"serial_to_targets"},
	"ssh":             {"hostlist"},
	"suicide":         {},
	"wti_nps":         {"ipaddr", "password"},
	"wti_mpc":         {"ipaddr", "port", "community"},
}

// StonithParams names the parameters of the usual fencing devices, in the
// order of "stonith -t TYPE -n"; nil for others.
func StonithParams(typ string) []string { return stonithParams[typ] }
