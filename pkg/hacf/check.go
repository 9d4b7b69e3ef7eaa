package hacf

import (
	"fmt"
	"strings"
	"time"

	"github.com/quorate/quorate/pkg/diag"
)

// finish fills in what follows from other directives and makes the checks that
// need the whole file.
func (p *parser) finish() {
	c := p.cfg
	if c.Warntime < 0 {
		c.Warntime = c.Deadtime / 2
	}
	deadpingSet := c.Deadping >= 0
	if !deadpingSet {
		c.Deadping = c.Deadtime
	}
	if c.Initdead < 0 {
		c.Initdead = defaultInitdead(c.Deadtime)
	}
	at := func(directive string) int { return p.first[directive] }

	if len(c.Media) == 0 {
		p.add(Error, 0, "add a line such as: ucast eth1 192.168.68.202", "No heartbeat media defined")
	}
	if len(c.Nodes) == 0 && c.Autojoin != "any" {
		p.add(Error, 0, "add a line for each member: node NAME", "no nodes defined")
	}
	if c.Deadtime <= 2*c.Keepalive {
		p.add(Error, at("deadtime"), "deadtime must be more than twice keepalive",
			"Dead time [%d] is too small compared to keeplive [%d]", milliseconds(c.Deadtime), milliseconds(c.Keepalive))
	}
	if deadpingSet && c.Deadping <= 2*c.Keepalive {
		p.add(Error, at("deadping"), "deadping must be more than twice keepalive",
			"Ping dead time [%d] is too small compared to keeplive [%d]", milliseconds(c.Deadping), milliseconds(c.Keepalive))
	}
	if c.Initdead < c.Deadtime {
		p.add(Error, at("initdead"), "initdead must be at least deadtime",
			"Initial dead time [%d] is smaller than deadtime [%d]", milliseconds(c.Initdead), milliseconds(c.Deadtime))
	} else if c.Initdead < 10*time.Second {
		p.add(Warning, at("initdead"), "interfaces and switches often need longer after a boot",
			"Initial dead time [%d] may be too small!", milliseconds(c.Initdead))
	}
	switch set := at("warntime") != 0; {
	case set && c.Warntime >= c.Deadtime:
		p.add(Warning, at("warntime"), "warntime lies between keepalive and deadtime",
			"Warn time [%d] is not below deadtime [%d]: a node is dead before its heartbeat is late", milliseconds(c.Warntime), milliseconds(c.Deadtime))
	case c.Warntime <= c.Keepalive:
		p.add(Warning, at("warntime"), "warntime lies between keepalive and deadtime",
			"Warn time [%d] is not above keepalive [%d]: every heartbeat would be late", milliseconds(c.Warntime), milliseconds(c.Keepalive))
	}
	if !c.CRM.Enabled() && c.Autojoin != "none" {
		p.add(Error, at("autojoin"), "write autojoin none, or crm yes",
			"R1 style resource management conflicts with  autojoin set")
	}
	if !c.CRM.Enabled() && at("auto_failback") == 0 && at("nice_failback") == 0 {
		p.add(Warning, 0, "write auto_failback on or off", "Deprecated 'legacy' auto_failback option selected.")
	}
	p.checkVoters()
	p.checkSerial()
	p.checkLog()
	p.checkPing()
	diag.Sort(p.diags)
}

func defaultInitdead(deadtime time.Duration) time.Duration {
	switch {
	case deadtime > 10*time.Second:
		return deadtime
	case deadtime < 6*time.Second:
		return 12 * time.Second
	}
	return 2 * deadtime
}

// serialBits is what a heartbeat and its answer take on a serial line, in bits.
const serialBits = 4000

// checkSerial warns of lines that heartbeats alone would fill, and of rings: a
// cable reaches one other node.
func (p *parser) checkSerial() {
	for _, m := range p.cfg.Media {
		if m.Kind != Serial {
			continue
		}
		// Half of the line is for everything else.
		least := 2 * serialBits * time.Second / time.Duration(m.Baud)
		if least = least.Round(10 * time.Millisecond); p.cfg.Keepalive < least {
			p.add(Warning, m.Line, fmt.Sprintf("write keepalive %dms or more, or a higher baud", milliseconds(least)),
				"Heartbeats each %d ms take more than half of a serial line of %d baud", milliseconds(p.cfg.Keepalive), m.Baud)
		}
	}
	if len(p.cfg.Nodes) < 3 {
		return
	}
	for _, m := range p.cfg.Media {
		if m.Kind == Serial {
			p.add(Warning, m.Line, "add a network link between all nodes",
				"A serial link reaches one other node; frames are not passed on to the rest of the %d nodes", len(p.cfg.Nodes))
			return
		}
	}
}

func (p *parser) checkLog() {
	l := p.cfg.Log
	unset := l.File == "" && l.DebugFile == "" && l.Facility == ""
	switch {
	case unset && l.UseLogd == nil:
		p.add(Info, 0, "", "No log entry found in ha.cf -- use logd")
	case unset && !*l.UseLogd:
		p.add(Error, p.first["use_logd"], "add logfile, debugfile or logfacility, or write use_logd yes",
			"use_logd is off and no other place for logs is given")
	case !unset && l.Logd():
		var ignored []string
		for _, d := range []string{"logfile", "debugfile", "logfacility"} {
			if p.first[d] != 0 {
				ignored = append(ignored, d)
			}
		}
		verb := "is"
		if len(ignored) > 1 {
			verb = "are"
		}
		p.add(Warning, p.first[ignored[0]], "", "%s %s ignored: use_logd is on", strings.Join(ignored, ", "), verb)
	}
}

func (p *parser) checkPing() {
	seen := make(map[string]bool)
	check := func(name string, line int) {
		low := strings.ToLower(name)
		switch {
		case p.cfg.HasNode(name):
			p.add(Error, line, "ping a router or a switch", "Ping node [%s] is a node of the cluster", name)
		case seen[low]:
			p.add(Warning, line, "remove one of the two", "ping node %s is listed twice", name)
		}
		seen[low] = true
	}
	for _, n := range p.cfg.PingNodes {
		check(n.Host, n.Line)
	}
	for _, g := range p.cfg.PingGroups {
		check(g.Name, g.Line)
	}
}

// CheckSelf returns the remark that this node is missing, or nil.
func (c *Config) CheckSelf(self string) *Diagnostic {
	if c.HasNode(self) || c.HasArbiter(self) || c.Autojoin == "any" {
		return nil
	}
	self = strings.ToLower(self)
	remedy := "add: node " + self
	if len(c.Nodes) > 0 {
		remedy = fmt.Sprintf("uname -n says %s, the node lines say %s; make them agree", self, strings.Join(c.Nodes, ", "))
	}
	var like []string
	short, _, _ := strings.Cut(self, ".")
	for _, n := range c.Nodes {
		if s, _, _ := strings.Cut(n, "."); s == short || distance(self, n) <= 2 {
			like = append(like, n)
		}
	}
	if len(like) > 0 {
		remedy += "; is " + strings.Join(like, " or ") + " meant to be this machine?"
	}
	d := diag.New(c.File, 0, Error, remedy, fmt.Sprintf("Current node [%s] not in configuration!", self))
	return &d
}
