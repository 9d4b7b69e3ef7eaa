package hacf

import (
	"path"
	"strings"
)

// builtins are the programs of Heartbeat's library directory for which this
// program has an answer of its own.
var builtins = map[string]string{
	"pingd":    "",
	"ipfail":   "",
	"ccm":      "is part of the daemon: the line starts nothing",
	"cib":      "is part of the daemon: the line starts nothing",
	"crmd":     "is part of the daemon: the line starts nothing",
	"lrmd":     "is part of the daemon: the line starts nothing",
	"attrd":    "is part of the daemon: the line starts nothing",
	"stonithd": "is part of the daemon: the line starts nothing",
	"pengine":  "is part of the daemon: the line starts nothing",
	"tengine":  "is part of the daemon: the line starts nothing",
	"mgmtd":    "is not implemented yet: the line starts nothing",
	"apphbd":   "is not implemented yet: the line starts nothing",
	"ha_logd":  "is started by itself, not by respawn: the line starts nothing",
}

// Builtin returns the name of the built-in that answers for a program of the
// old tree, whatever its prefix: /usr/lib64/heartbeat/pingd is "pingd". It is
// "" for a program to execute.
func Builtin(program string) string {
	dir, base := path.Split(path.Clean(program))
	if _, ok := builtins[base]; ok && path.Base(dir) == "heartbeat" {
		return base
	}
	return ""
}

func (p *parser) child(rest string, failfast bool) {
	w := fields(rest, blanks)
	if len(w) < 2 {
		p.invalid(rest, "%s [%s] is not a user and a program", p.dir.Name, rest)
		return
	}
	if !strings.HasPrefix(w[1], "/") {
		p.invalid(rest, "Client child [%s] is not full pathname", w[1])
		return
	}
	c := Child{User: w[0], Path: w[1], Args: w[2:], Builtin: Builtin(w[1]), Failfast: failfast, Line: p.line}
	if note := builtins[c.Builtin]; c.Builtin != "" && note != "" {
		p.warnf("", "%s %s", c.Builtin, note)
	}
	if failfast && c.Builtin == "" && !p.noticed["failfast"] {
		p.noticed["failfast"] = true
		p.warnf("", "Directive failfast is not implemented yet: the program is restarted, the node is not rebooted")
	}
	p.cfg.Children = append(p.cfg.Children, c)
}

// defaultAuth are the rules that hold without apiauth lines. pingd is open to
// the account that ha.cf runs it under as well as to root.
var defaultAuth = []ClientAuth{
	{Client: "ipfail", UIDs: []string{"hacluster"}},
	{Client: "ccm", UIDs: []string{"hacluster"}},
	{Client: "ping", GIDs: []string{"haclient"}},
	{Client: "lha-snmpagent", UIDs: []string{"root"}},
	{Client: "anon", GIDs: []string{"haclient"}},
	{Client: "cib", UIDs: []string{"hacluster"}},
	{Client: "attrd", UIDs: []string{"hacluster"}},
	{Client: "crmd", UIDs: []string{"hacluster"}},
	{Client: "stonithd", UIDs: []string{"root"}},
	{Client: "mgmtd", UIDs: []string{"root"}},
	{Client: "pingd", UIDs: []string{"root", "hacluster"}, GIDs: []string{"haclient"}},
}

// Auth returns the rule for a client: its apiauth line, else its built-in
// rule, else the line for "default". ok is false when there is none.
func (c *Config) Auth(client string) (rule ClientAuth, ok bool) {
	for _, list := range [][]ClientAuth{c.Apiauth, defaultAuth} {
		for _, a := range list {
			if a.Client == client {
				return a, true
			}
		}
	}
	for _, a := range c.Apiauth {
		if a.Client == "default" {
			return a, true
		}
	}
	return ClientAuth{}, false
}

func (p *parser) apiauth(rest string) {
	w := fields(rest, blanks)
	a := ClientAuth{Client: w[0], Line: p.line}
	bad := func(why string) { p.invalid(rest, "Invalid apiauth directive [%s]: %s", rest, why) }
	for _, item := range w[1:] {
		key, list, ok := strings.Cut(item, "=")
		names := fields(list, ",")
		switch {
		case !ok || len(names) == 0 || key != "uid" && key != "gid":
			bad("[" + item + "] is neither uid=LIST nor gid=LIST")
			return
		case key == "uid" && a.UIDs != nil, key == "gid" && a.GIDs != nil:
			bad("there are two lists of " + key)
			return
		case key == "uid":
			a.UIDs = names
		default:
			a.GIDs = names
		}
	}
	if a.UIDs == nil && a.GIDs == nil {
		bad("it has neither uid=LIST nor gid=LIST")
		return
	}
	for _, o := range p.cfg.Apiauth {
		if o.Client == a.Client {
			bad("the client has a line already")
			return
		}
	}
	p.cfg.Apiauth = append(p.cfg.Apiauth, a)
}

func (p *parser) stonith(rest string) {
	w := fields(rest, blanks)
	if len(w) != 2 {
		p.invalid(rest, "Invalid Stonith config [%s]: it is not a type and a file", rest)
		return
	}
	p.cfg.Stonith = append(p.cfg.Stonith, StonithDevice{Type: w[0], ConfigFile: w[1], Line: p.line})
}

func (p *parser) stonithHost(rest string) {
	w := fields(rest, blanks)
	if len(w) < 2 {
		p.invalid(rest, "Invalid Stonith config [%s]: it has no type", rest)
		return
	}
	p.cfg.Stonith = append(p.cfg.Stonith, StonithDevice{Host: w[0], Type: w[1], Params: w[2:], Line: p.line})
}
