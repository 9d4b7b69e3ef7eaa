package demo

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/quorate/quorate/cib"
)

// The network of the article: heartbeats on 192.168.68.0/24 over eth1, clients
// and the floating address on 192.168.71.0/24 over eth0.
const (
	router  = "litrout71"
	client  = "client"
	segPub  = "public"
	segBeat = "heartbeat"
)

var (
	directors = []string{"litsha21", "litsha22", "litsha23"}
	preferred = directors[0]
	floating  = netip.MustParseAddr("192.168.71.205")
	routerIP  = netip.MustParsePrefix("192.168.71.1/24")
	clientIP  = netip.MustParsePrefix("192.168.71.10/24")
)

// publicIP and beatIP are the fixed addresses of director i.
func publicIP(i int) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf("192.168.71.%d/24", 201+i))
}

func beatIP(i int) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf("192.168.68.%d/24", 201+i))
}

// haCF is the article's file: the same directives with the same values in the
// same order, and the timers given.
func haCF(t timers) string {
	initdead := ""
	if t.initdead != "" {
		initdead = "\n# the same while a node starts\ninitdead " + t.initdead + "\n"
	}
	return `# messages go to syslog as facility daemon
use_logd on
logfacility daemon

# the members
node litsha22
node litsha23
node litsha21

# time between two beats
keepalive ` + t.keepalive + `

# a beat later than this is worth a warning
warntime ` + t.warntime + `

# a node silent for this long is dead
deadtime ` + t.deadtime + `
` + initdead + `
# beats travel on the second interface
ucast eth1 192.168.68.201
ucast eth1 192.168.68.202
ucast eth1 192.168.68.203

# attribute pingd: 100 for each ping node that answers, settled for -d
respawn hacluster /usr/lib/heartbeat/pingd -m 100 -d ` + t.dampen + `

# the router: who does not reach it has lost the public network
ping litrout71_vip

# resources are managed by the CIB
crm yes
`
}

// haresources and authkeys are the article's, too.
const (
	haresources = "litsha21 192.168.71.205/24/eth0/192.168.71.255\n"
	authkeys    = "auth 1\n\n1 sha1 ca0e08148801f55794b23461eb4106db\n"
)

// editCIB does to the converter's document what the article does by hand: the
// preferred node gets the score 200, and a second location adds each node's
// attribute pingd. It returns the document and the resource's id.
func editCIB(converted []byte) (*cib.Element, string, error) {
	root, err := cib.Parse(converted, "test.xml")
	if err != nil {
		return nil, "", fmt.Errorf("the output of haresources2cib: %w", err)
	}
	constraints := root.Path("configuration", "constraints")
	if constraints == nil {
		return nil, "", fmt.Errorf("the output of haresources2cib has no constraints")
	}
	location := constraints.First("rsc_location")
	if location == nil || location.Get("rsc") == "" {
		return nil, "", fmt.Errorf("the output of haresources2cib has no location for the address")
	}
	rsc := location.Get("rsc")
	edited := location
	if rule := location.First("rule"); rule != nil {
		edited = location.WithReplaced(rule, rule.WithAttr("score", "200"))
	} else {
		edited = location.WithAttr("score", "200")
	}
	pingd := cib.New("rsc_location", "id", "my_resource-connected", "rsc", rsc).WithChild(
		cib.New("rule", "id", "my_resource-connected-rule", "score-attribute", "pingd").WithChild(
			cib.New("expression", "id", "my_resource-connected-expr-defined", "attribute", "pingd", "operation", "defined")))
	by := constraints.WithReplaced(location, edited).WithChild(pingd)
	conf := root.First("configuration")
	return root.WithReplaced(conf, conf.WithReplaced(constraints, by)), rsc, nil
}

// pingdOf reads each node's attribute pingd from a live document; a node
// without one is not in the map.
func pingdOf(live []byte) (map[string]string, error) {
	root, err := cib.Parse(live, "cibadmin -Q")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	status := root.First("status")
	if status == nil {
		return out, nil
	}
	for _, node := range status.All("node_state") {
		node.Walk(func(e *cib.Element) bool {
			if e.Name == "nvpair" && e.Get("name") == "pingd" {
				out[strings.ToLower(node.Get("uname"))] = e.Get("value")
			}
			return true
		})
	}
	return out, nil
}
