package alert

import (
	"fmt"
	"time"

	"github.com/quorate/quorate/cib"
)

// Kind is the type of an event, as CRM_alert_kind has it.
type Kind string

// Kinds of events.
const (
	Node      Kind = "node"
	Fencing   Kind = "fencing"
	Resource  Kind = "resource"
	Attribute Kind = "attribute"
)

// Defaults of the meta-attributes of an alert.
const (
	DefaultTimeout = 30 * time.Second
	DefaultFormat  = "%H:%M:%S.%06N"
)

// Agent is one alert agent with one recipient or none.
type Agent struct {
	ID, Path string
	// Recipient is the value of the recipient; HasRecipient tells whether there
	// is one.
	Recipient    string
	HasRecipient bool
	Timeout      time.Duration
	// Format is timestamp-format, as of date(1).
	Format string
	// Options are the instance attributes, in order, as NAME=VALUE.
	Options []string
	// Kinds are the selected kinds; Attributes the names of attributes, all when
	// empty.
	Kinds      map[Kind]bool
	Attributes map[string]bool
}

// wants tells whether the agent is to be called.
func (a *Agent) wants(e *Event) bool {
	return a.Kinds[e.Kind] && (e.Kind != Attribute || len(a.Attributes) == 0 || a.Attributes[e.AttributeName])
}

// Parse returns the agents of a configuration, and remarks about what is left
// out of it.
func Parse(root *cib.Element) (agents []Agent, remarks []string) {
	for _, e := range root.Path("configuration", "alerts").All("alert") {
		a := Agent{ID: e.ID(), Path: e.Get("path"), Timeout: DefaultTimeout, Format: DefaultFormat,
			Kinds: map[Kind]bool{Node: true, Fencing: true, Resource: true}}
		if a.Path == "" {
			remarks = append(remarks, fmt.Sprintf("alert %s has no path and is left out", a.ID))
			continue
		}
		if sel := e.First("select"); sel != nil {
			a.selects(sel)
		}
		remarks = append(remarks, a.sets(e)...)
		recipients := e.All("recipient")
		if len(recipients) == 0 {
			agents = append(agents, a)
		}
		for _, r := range recipients {
			b := a
			b.Options = append([]string(nil), a.Options...)
			b.ID, b.Recipient, b.HasRecipient = r.ID(), r.Get("value"), true
			remarks = append(remarks, b.sets(r)...)
			agents = append(agents, b)
		}
	}
	return agents, remarks
}

// selects reads a select element.
func (a *Agent) selects(sel *cib.Element) {
	a.Kinds = map[Kind]bool{}
	for _, c := range sel.Children {
		switch c.Name {
		case "select_nodes":
			a.Kinds[Node] = true
		case "select_fencing":
			a.Kinds[Fencing] = true
		case "select_resources":
			a.Kinds[Resource] = true
		case "select_attributes":
			a.Kinds[Attribute] = true
			a.Attributes = map[string]bool{}
			for _, at := range c.All("attribute") {
				a.Attributes[at.Get("name")] = true
			}
		}
	}
}

// sets reads the attribute sets of an alert or a recipient.
func (a *Agent) sets(e *cib.Element) (remarks []string) {
	each := func(name string, take func(name, value string)) {
		for _, set := range e.All(name) {
			if set.First("rule") != nil {
				remarks = append(remarks, fmt.Sprintf("alert %s: %s %s has a rule, which is not evaluated for alerts: the set is left out", a.ID, name, set.ID()))
				continue
			}
			for _, nv := range set.All("nvpair") {
				take(nv.Get("name"), nv.Get("value"))
			}
		}
	}
	each("meta_attributes", func(name, value string) {
		switch name {
		case "timeout":
			d, err := cib.ParseInterval(value)
			if err != nil || d <= 0 {
				remarks = append(remarks, fmt.Sprintf("alert %s: timeout=%q is no time: %v is used", a.ID, value, a.Timeout))
				return
			}
			a.Timeout = d
		case "timestamp-format":
			a.Format = value
		}
	})
	each("instance_attributes", func(name, value string) {
		if !variable(name) {
			remarks = append(remarks, fmt.Sprintf("alert %s: %q cannot be the name of a variable and is left out", a.ID, name))
			return
		}
		a.Options = append(a.Options, name+"="+value)
	})
	return remarks
}

// variable tells names that an environment can hold, and that are no part of
// what the agent relies on.
func variable(name string) bool {
	if name == "" || name == "PATH" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for _, c := range name {
		if !(c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return len(name) < 3 || name[:3] != "LD_"
}
