package v1

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/controller"
	"github.com/quorate/quorate/pkg/h2c"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/haresources"
)

// Scores of the rules; see the package's remarks.
const (
	scoreBase      = 600000
	scorePreferred = 100
	scoreStay      = 1000
	scoreStandby   = -500000
)

// opTimeout is how long a script may take: the scripts of haresources have no
// time of their own, and a database may need minutes to recover.
const opTimeout = "300s"

// Line is one line of haresources as the engine knows it.
type Line struct {
	haresources.Group
	// ID is that of the group, or of the only resource, in the configuration.
	ID string
	// Members are the ids of the resources, in order.
	Members []string
}

// Text is the line as the log shows it: node and resources.
func (l *Line) Text() string {
	words := []string{l.Node}
	for _, r := range l.Resources {
		words = append(words, r.Text)
	}
	return strings.Join(words, " ")
}

// Plan is haresources as a configuration.
type Plan struct {
	Lines []Line
	// Digest identifies the meaning of the file: it must be the same everywhere.
	Digest string
	// Failback and Manual are auto_failback and takeover of ha.cf.
	Failback hacf.Failback
	Manual   bool

	sections []*cib.Element
}

// NewPlan makes the plan of the lines.
func NewPlan(groups []haresources.Group, conf *hacf.Config) *Plan {
	p := &Plan{Failback: conf.AutoFailback, Manual: conf.ManualTakeover}
	entries := make([]haresources.Entry, len(groups))
	sum := sha256.New()
	for i := range groups {
		entries[i] = haresources.Entry{Line: groups[i].Line, Group: &groups[i], Words: len(groups[i].Resources) + 1}
		p.Lines = append(p.Lines, Line{Group: groups[i]})
		fmt.Fprintln(sum, p.Lines[i].Text())
	}
	p.Digest = hex.EncodeToString(sum.Sum(nil))[:16]
	// Which script a word means is looked up where it runs, and when.
	anything := func(string) bool { return true }
	doc, _ := h2c.Convert(entries, h2c.Options{NoOCF: true, NoMonitor: true, ContentIDs: true, HeartbeatScript: anything, Nodes: len(conf.Nodes)})
	resources := doc.Path("configuration", "resources")
	constraints := cib.New("constraints")
	for i, e := range elements(resources) {
		l := &p.Lines[i]
		l.ID, l.Members = e.ID(), []string{e.ID()}
		if e.Name == "group" {
			l.Members = nil
			for _, m := range e.All("primitive") {
				l.Members = append(l.Members, m.ID())
			}
		}
		constraints = constraints.WithChild(p.location(l))
	}
	p.sections = []*cib.Element{p.options(), resources, constraints, p.defaults("rsc_defaults", "rsc-options", "resource-stickiness", p.stay()),
		p.defaults("op_defaults", "op-options", "timeout", opTimeout)}
	return p
}

func elements(e *cib.Element) (out []*cib.Element) {
	for _, c := range e.Children {
		if c.IsElement() {
			out = append(out, c)
		}
	}
	return out
}

// stay is the stickiness: none where lines go back to the node they prefer.
func (p *Plan) stay() string {
	if p.Failback == hacf.FailbackOff {
		return strconv.Itoa(scoreStay)
	}
	return "0"
}

// StandbyAttribute is the attribute of a node that went standby for a line, and
// TakeAttribute that of one that may hold it where takeover is manual.
func StandbyAttribute(id string) string { return "standby-" + id }

// TakeAttribute is explained at [StandbyAttribute].
func TakeAttribute(id string) string { return "take-" + id }

// location makes the rules of a line.
func (p *Plan) location(l *Line) *cib.Element {
	id := "rsc_location_" + l.ID
	loc := cib.New("rsc_location", "id", id, "rsc", l.ID)
	rule := func(name string, score string, attribute, operation, value string) {
		r := id + "-" + name
		x := cib.New("expression", "id", r+"-expr", "attribute", attribute, "operation", operation)
		if value != "" {
			x = x.WithAttr("value", value)
		}
		loc = loc.WithChild(cib.New("rule", "id", r, "score", score).WithChild(x))
	}
	rule("any", strconv.Itoa(scoreBase), "#uname", "defined", "")
	rule("preferred", strconv.Itoa(scorePreferred), "#uname", "eq", l.Node)
	rule("standby", strconv.Itoa(scoreStandby), StandbyAttribute(l.ID), "eq", "1")
	if p.Manual {
		rule("manual", "-INFINITY", TakeAttribute(l.ID), "not_defined", "")
	}
	return loc
}

// Names by which a configuration is known to be made from haresources.
const (
	optionSet    = "haresources"
	digestOption = controller.OptionHaresources
)

func (p *Plan) options() *cib.Element {
	set := cib.New("cluster_property_set", "id", optionSet)
	for _, o := range [][2]string{{digestOption, p.marker()}, {"stonith-enabled", "false"}, {"no-quorum-policy", "stop"}, {"symmetric-cluster", "true"}} {
		set = set.WithChild(cib.New("nvpair", "id", optionSet+"-"+o[0], "name", o[0], "value", o[1]))
	}
	return cib.New("crm_config").WithChild(set)
}

// marker is the digest with what of ha.cf the configuration depends on.
func (p *Plan) marker() string { return fmt.Sprintf("%s-%s-%t", p.Digest, p.Failback, p.Manual) }

func (p *Plan) defaults(section, set, name, value string) *cib.Element {
	return cib.New(section).WithChild(cib.New("meta_attributes", "id", set).WithChild(
		cib.New("nvpair", "id", set+"-"+name, "name", name, "value", value)))
}

// Marker returns what [Plan.Apply] wrote into a configuration, "" for one that was not
// made from haresources.
func Marker(root *cib.Element) string {
	for _, set := range root.Path("configuration", "crm_config").All("cluster_property_set") {
		for _, nv := range set.All("nvpair") {
			if set.ID() == optionSet && nv.Get("name") == digestOption {
				return nv.Get("value")
			}
		}
	}
	return ""
}

// Holds reports whether the configuration is this plan's.
func (p *Plan) Holds(root *cib.Element) bool { return Marker(root) == p.marker() }

// Apply returns the document with the plan in place of what it held, but for the nodes
// and for what the cluster says of itself.
func (p *Plan) Apply(root *cib.Element) *cib.Element {
	old := root.First("configuration")
	conf := cib.New("configuration")
	for _, s := range p.sections {
		if s.Name == "crm_config" {
			for _, set := range old.First("crm_config").All("cluster_property_set") {
				if own := identity(set); own != nil {
					s = s.WithChild(own)
				}
			}
			conf = conf.WithChild(s)
			nodes := old.First("nodes")
			if nodes == nil {
				nodes = cib.New("nodes")
			}
			s = nodes
		}
		conf = conf.WithChild(s)
	}
	if root.Get("validate-with") == "" {
		root = root.WithAttr("validate-with", h2c.Schema)
	}
	return root.WithReplaced(old, conf)
}

// identity returns what the DC writes of itself from a set of options, or nil.
func identity(set *cib.Element) *cib.Element {
	out := cib.New(set.Name, "id", set.ID())
	for _, nv := range set.All("nvpair") {
		switch nv.Get("name") {
		case "cluster-infrastructure", "dc-version", "cluster-name":
			out = out.WithChild(nv)
		}
	}
	if len(out.Children) == 0 || set.ID() == optionSet {
		return nil
	}
	return out
}

// line returns the line that a resource belongs to, and its place there; nil for
// none.
func (p *Plan) line(resource string) (*Line, int) {
	for i := range p.Lines {
		for k, m := range p.Lines[i].Members {
			if m == resource {
				return &p.Lines[i], k
			}
		}
	}
	return nil, 0
}
