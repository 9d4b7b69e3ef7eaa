package agents

import (
	"encoding/xml"
	"slices"
	"strings"
)

// metaParam is one parameter of an agent's meta-data.
type metaParam struct {
	name, typ, def      string
	required, unique    bool
	reloadable          bool
	shortdesc, longdesc string
}

// metaAction is one action with its suggested times ("" = left out).
type metaAction struct{ name, timeout, interval, depth, role string }

// metaData is what an agent says of itself.
type metaData struct {
	name, shortdesc, longdesc string
	params                    []metaParam
	actions                   []metaAction
}

// xml prints the document in the grammar of the OCF Resource Agent API.
func (m *metaData) xml() string {
	var b strings.Builder
	esc := func(s string) string {
		var e strings.Builder
		_ = xml.EscapeText(&e, []byte(s)) // a strings.Builder does not fail
		return e.String()
	}
	flag := func(v bool) string {
		if v {
			return "1"
		}
		return "0"
	}
	b.WriteString("<?xml version=\"1.0\"?>\n<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\"" + m.newer() + ">\n")
	b.WriteString(`<resource-agent name="` + m.name + `" version="1.0">` + "\n<version>1.1</version>\n")
	desc := func(tag, text string) {
		b.WriteString("<" + tag + ` lang="en">` + esc(text) + "</" + tag + ">\n")
	}
	desc("longdesc", m.longdesc)
	desc("shortdesc", m.shortdesc)
	b.WriteString("<parameters>\n")
	for _, p := range m.params {
		reload := ""
		if p.reloadable {
			reload = ` reloadable="1"`
		}
		b.WriteString(`<parameter name="` + p.name + `" unique="` + flag(p.unique) + `" required="` + flag(p.required) + `"` + reload + ">\n")
		long := p.longdesc
		if long == "" {
			long = p.shortdesc + "."
		}
		desc("longdesc", long)
		desc("shortdesc", p.shortdesc)
		b.WriteString(`<content type="` + p.typ + `" default="` + esc(p.def) + "\"/>\n</parameter>\n")
	}
	b.WriteString("</parameters>\n<actions>\n")
	for _, a := range m.actions {
		b.WriteString(`<action name="` + a.name + `" timeout="` + a.timeout + `"`)
		for _, kv := range [][2]string{{"interval", a.interval}, {"depth", a.depth}, {"role", a.role}} {
			if kv[1] != "" {
				b.WriteString(" " + kv[0] + `="` + kv[1] + `"`)
			}
		}
		b.WriteString("/>\n")
	}
	b.WriteString("</actions>\n</resource-agent>\n")
	return b.String()
}

// newer declares, as an internal subset, what the agent uses of OCF 1.1 and the
// document type of OCF 1.0 does not know: checkers that have only that one take
// the meta-data nevertheless.
func (m *metaData) newer() string {
	var s string
	if slices.ContainsFunc(m.params, func(p metaParam) bool { return p.reloadable }) {
		s += "\n<!ATTLIST parameter reloadable (1|0) \"0\">"
	}
	if slices.ContainsFunc(m.actions, func(a metaAction) bool { return a.name == "reload-agent" }) {
		s += "\n<!ATTLIST action name (start|stop|recover|monitor|restart|migrate_to|migrate_from|promote|demote|notify|status|reload|reload-agent|meta-data|usage|methods|validate-all) #REQUIRED>"
	}
	if s == "" {
		return ""
	}
	return " [" + s + "\n]"
}
