package attr

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

// place is where named values live in a document.
type place struct {
	// scope is what queries print: crm_config, nodes, status, …
	scope string
	// path leads to the parent of the sets, each step a tag and an id or "".
	path [][2]string
	// setTag is the tag of a set, and setID its id where a new one is needed.
	setTag, setID string
	// node is the node whose attributes are meant, "" for options.
	node string
}

// value is a named value found at a place.
type value struct {
	set, nvpair *cib.Element
}

// optionPlaces are the places of options by the name that -t gives them.
var optionPlaces = map[string]place{
	"crm_config":   {"crm_config", [][2]string{{"configuration", ""}, {"crm_config", ""}}, "cluster_property_set", "cib-bootstrap-options", ""},
	"rsc_defaults": {"rsc_defaults", [][2]string{{"configuration", ""}, {"rsc_defaults", ""}}, "meta_attributes", "rsc-options", ""},
	"op_defaults":  {"op_defaults", [][2]string{{"configuration", ""}, {"op_defaults", ""}}, "meta_attributes", "op-options", ""},
	"tickets":      {"tickets", [][2]string{{"status", ""}, {"tickets", ""}}, "instance_attributes", "status-tickets", ""},
}

// nodePlace returns where a node keeps its permanent attributes.
func nodePlace(id, name string, utilization bool) place {
	p := place{"nodes", [][2]string{{"configuration", ""}, {"nodes", ""}, {"node", id}}, "instance_attributes", "nodes-" + id, name}
	if utilization {
		p.setTag, p.setID = "utilization", p.setID+"-utilization"
	}
	return p
}

// statusPlace returns where a document shows a node's transient attributes.
func statusPlace(id, name string) place {
	return place{"status", [][2]string{{"status", ""}, {"node_state", id}, {"transient_attributes", id}}, "instance_attributes", "status-" + id, name}
}

// parent returns the element that holds the sets, or nil.
func (p place) parent(root *cib.Element) *cib.Element {
	at := root
	for _, s := range p.path {
		var next *cib.Element
		for _, c := range at.All(s[0]) {
			if s[1] == "" || c.ID() == s[1] {
				next = c
				break
			}
		}
		if next == nil {
			return nil
		}
		at = next
	}
	return at
}

// pick says which values are meant; empty fields do not count.
type pick struct {
	name, id, set string
	pattern       *regexp.Regexp
}

// find returns the values that are meant, in the order of the document.
func (p place) find(root *cib.Element, which pick) []value {
	var out []value
	for _, set := range p.parent(root).All(p.setTag) {
		if which.set != "" && set.ID() != which.set {
			continue
		}
		for _, nv := range set.All("nvpair") {
			name := nv.Get("name")
			if which.name != "" && name != which.name || which.id != "" && nv.ID() != which.id ||
				which.pattern != nil && !which.pattern.MatchString(name) {
				continue
			}
			out = append(out, value{set, nv})
		}
	}
	return out
}

// update returns the change that gives a name a value: in place where there is
// one, otherwise in the set that is meant or the first one without a rule.
func (p place) update(root *cib.Element, which pick, val string) (cib.Op, error) {
	found := p.find(root, which)
	nv := cib.New("nvpair")
	setID := which.set
	switch {
	case len(found) > 1:
		return cib.Op{}, ambiguous(which, found)
	case len(found) == 1:
		setID = found[0].set.ID()
		nv = nv.WithAttr("id", found[0].nvpair.ID())
	default:
		if setID == "" {
			setID = p.setID
			for _, set := range p.parent(root).All(p.setTag) {
				if set.First("rule") == nil {
					setID = set.ID()
					break
				}
			}
		}
		id := which.id
		if id == "" {
			id = strings.Map(idRune, setID+"-"+which.name)
		}
		nv = nv.WithAttr("id", id)
	}
	if which.name != "" {
		nv = nv.WithAttr("name", which.name)
	}
	e := cib.New(p.setTag, "id", setID).WithChild(nv.WithAttr("value", val))
	for i := len(p.path) - 1; i >= 0; i-- {
		up := cib.New(p.path[i][0])
		if p.path[i][1] != "" {
			up = up.WithAttr("id", p.path[i][1])
		}
		e = up.WithChild(e)
	}
	return cib.Op{Verb: cib.VerbModify, AllowCreate: true, XML: cib.New("cib").WithChild(e)}, nil
}

// idRune keeps what an XML id may have.
func idRune(r rune) rune {
	if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f {
		return r
	}
	return '.'
}

// remove returns the change that deletes one value.
func (p place) remove(v value) cib.Op {
	return cib.Op{Verb: cib.VerbDelete, XPath: fmt.Sprintf("//%s[@id=%s]/nvpair[@id=%s]", p.setTag, quoted(v.set.ID()), quoted(v.nvpair.ID()))}
}

// quoted returns a string as XPath has it; an id never holds both quotes.
func quoted(s string) string {
	if strings.Contains(s, "'") {
		return `"` + s + `"`
	}
	return "'" + s + "'"
}

// exitMultiple is the code for more than one match.
const exitMultiple = 109

// ambiguous is the error of more than one match, with what to choose from.
func ambiguous(which pick, found []value) error {
	what := "name=" + which.name
	if which.name == "" {
		what = "id=" + which.id
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Multiple attributes match %s", what)
	for _, v := range found {
		fmt.Fprintf(&b, "\n  Value: %s \t(id=%s)", v.nvpair.Get("value"), v.nvpair.ID())
	}
	b.WriteString("\nPlease choose from one of the matches and supply its 'id' with --id")
	return cli.Exitf(exitMultiple, "%s", b.String())
}
