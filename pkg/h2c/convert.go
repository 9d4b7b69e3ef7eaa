package h2c

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/diag"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/haresources"
)

type converter struct {
	o     Options
	diags []diag.Diagnostic
	// used are the ids of the document so far.
	used map[string]bool
	// index numbers resources; group numbers groups and clones, in tens.
	index, group           int
	resources, constraints []*cib.Element
	stonith                bool
}

// Convert makes the document. What needed a decision or could not be carried
// over is among the diagnostics, all of them warnings.
func Convert(entries []haresources.Entry, o Options) (*cib.Element, []diag.Diagnostic) {
	c := &converter{o: o, used: make(map[string]bool), index: 1, group: 1}
	for _, e := range entries {
		if e.Group != nil {
			c.line(e)
		}
	}
	for _, d := range o.Stonith {
		if d.Host != "" {
			c.device(d)
		}
	}
	c.explicit(entries)
	if o.Failback == hacf.FailbackOff && (o.Stickiness == "" || o.Stickiness == "0") {
		c.diags = append(c.diags, diag.New(o.HACF, 0, diag.Warning, "--stickiness INFINITY keeps resources where they are",
			"auto_failback off is not carried over: the stickiness is 0, resources return to the preferred node"))
	}
	return c.document(), c.diags
}

// unique returns the id, or one made from it when it is taken.
func (c *converter) unique(line int, id string) string {
	id = validID(id)
	fresh := id
	for n := 2; c.used[fresh]; n++ {
		fresh = id + "_" + strconv.Itoa(n)
	}
	if fresh != id {
		c.warnf(line, "give the line a name of its own by a last word #NAME", fmt.Sprintf("id %s is taken: this one becomes %s", id, fresh))
	}
	c.used[fresh] = true
	return fresh
}

// validID makes a valid XML ID of a name.
func validID(s string) string {
	var b strings.Builder
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if i == 0 && !letter {
			b.WriteByte('_')
		}
		if letter || r >= '0' && r <= '9' || r == '.' || r == '-' {
			b.WriteRune(r)
		} else if i > 0 {
			b.WriteByte('_')
		}
	}
	return b.String()
}

// line converts a node and its resources: one of them is a primitive, more are
// a group.
func (c *converter) line(e haresources.Entry) {
	list := e.Group.Resources
	switch {
	case e.Clone:
		id := e.ID
		if id == "" {
			id = fmt.Sprintf("clone_%d", c.group)
		}
		id = c.unique(e.Line, id)
		child := c.primitive(e.Line, list[0], "", c.group)
		if len(list) > 1 {
			child = c.members(e, c.unique(e.Line, fmt.Sprintf("group_%d", c.group)))
		}
		c.resources = append(c.resources, c.clone(id, child))
		c.index++
		c.group += 10
		return // a clone has no preferred node
	case len(list) == 1:
		id := e.ID
		if id == "" {
			id = c.contentID(e.Group, list[0])
		}
		p := c.primitive(e.Line, list[0], id, c.index)
		c.resources = append(c.resources, p)
		c.prefer(p.ID(), e.Group.Node)
		c.index++
	default:
		id := e.ID
		switch {
		case id != "":
		case c.o.ContentIDs:
			id = "group_" + plain(e.Group.Key())
		default:
			id = fmt.Sprintf("group_%d", c.group)
		}
		g := c.members(e, c.unique(e.Line, id))
		c.resources = append(c.resources, g)
		c.prefer(g.ID(), e.Group.Node)
		c.index += e.Words
		c.group += 10
	}
}

func (c *converter) members(e haresources.Entry, id string) *cib.Element {
	g := cib.New("group", "id", id)
	for i, r := range e.Group.Resources {
		g = g.WithChild(c.primitive(e.Line, r, c.contentID(e.Group, r), c.group+i))
	}
	return g
}

// contentID names a resource by its word and by its line, "" where resources are
// numbered. An address is named as it is with numbers.
func (c *converter) contentID(g *haresources.Group, r haresources.Resource) string {
	switch {
	case !c.o.ContentIDs || r.Script == "IPaddr" && len(r.Args) > 0:
		return ""
	case r.Text == g.Key():
		return plain(r.Text)
	}
	return plain(r.Text) + "_" + plain(g.Key())
}

// plain makes a part of an id of a word: runs of other characters than letters
// and digits become one underscore.
func plain(word string) string {
	return strings.Join(strings.FieldsFunc(word, func(r rune) bool {
		return r == '_' || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	}), "_")
}

func (c *converter) clone(id string, child *cib.Element) *cib.Element {
	e := cib.New("clone", "id", id)
	n := strconv.Itoa(max(c.o.Nodes, 1))
	if c.o.Dialect == Heartbeat {
		e = e.WithChild(c.params(id, "instance_attributes", []param{{1, "clone_max", n}, {2, "clone_node_max", "1"}}))
	} else {
		e = e.WithChild(c.params(id, "meta_attributes", []param{{1, "clone-max", n}, {2, "clone-node-max", "1"}}))
	}
	return e.WithChild(child)
}

// primitive converts one resource. Without an id of the user's it is named by
// its address or by its type and number.
func (c *converter) primitive(line int, r haresources.Resource, id string, number int) *cib.Element {
	class := c.class(line, r.Script)
	switch {
	case id != "":
	case r.Script == "IPaddr" && len(r.Args) > 0:
		addr, _, _ := strings.Cut(r.Args[0], "/")
		id = "IPaddr_" + strings.ReplaceAll(addr, ".", "_")
	default:
		id = fmt.Sprintf("%s_%d", r.Script, number)
	}
	id = c.unique(line, id)
	p := c.element(id, class, r.Script)
	interval, timeout := "120s", "60s"
	if addressTypes[r.Script] {
		interval, timeout = "5s", "5s"
	}
	if !c.o.NoMonitor {
		p = p.WithChild(cib.New("operations").WithChild(
			cib.New("op", "id", id+"_mon", "name", "monitor", "interval", interval, "timeout", timeout)))
	}
	if ps := c.arguments(line, class, r); len(ps) > 0 {
		p = p.WithChild(c.params(id, "instance_attributes", ps))
	}
	return p
}

// element returns an empty primitive. The old dialect wrote a provider for
// every class; today only OCF agents have one.
func (c *converter) element(id, class, typ string) *cib.Element {
	if c.o.Dialect == Heartbeat {
		return cib.New("primitive", "id", id, "type", typ, "class", class, "provider", "heartbeat")
	}
	e := cib.New("primitive", "id", id, "class", class)
	if class == "ocf" {
		e = e.WithAttr("provider", "heartbeat")
	}
	return e.WithAttr("type", typ)
}

// class chooses what executes a resource.
func (c *converter) class(line int, typ string) string {
	_, ocf := ocfParams[typ]
	switch {
	case ocf && !c.o.NoOCF:
		return "ocf"
	case has(c.o.HeartbeatScript, typ):
		return "heartbeat"
	case has(c.o.LSBScript, typ):
		return "lsb"
	case c.o.Dialect == Current && has(c.o.SystemdUnit, typ):
		return "systemd"
	case c.o.Dialect == Current:
		c.warnf(line, "install it, or correct the name", typ+" is an unknown Resource Agent: neither an OCF agent nor a script of that name is here; class lsb is assumed")
		return "lsb"
	}
	c.warnf(line, "install it, or correct the name", typ+" is an unknown Resource Agent")
	return "UNKNOWN"
}

// param is one nvpair; its id ends in the number.
type param struct {
	number      int
	name, value string
}

// arguments gives the words behind the type their names.
func (c *converter) arguments(line int, class string, r haresources.Resource) []param {
	if class == "ocf" && (r.Script == "IPaddr" || r.Script == "IPaddr2") && len(r.Args) > 0 {
		return c.address(line, r)
	}
	names := ocfParams[r.Script]
	if old, ok := ocfParamsHeartbeat[r.Script]; ok && c.o.Dialect == Heartbeat {
		names = old
	}
	var out []param
	if class != "ocf" {
		for i, a := range r.Args {
			out = append(out, param{i + 1, strconv.Itoa(i + 1), a})
		}
		return out
	}
	for i, a := range r.Args {
		if i == len(names)-1 {
			return append(out, param{i, names[i], strings.Join(r.Args[i:], " ")})
		}
		out = append(out, param{i, names[i], a})
	}
	return out
}

// address takes IP[/BITS[/IFACE]][/BROADCAST] apart.
func (c *converter) address(line int, r haresources.Resource) []param {
	// The old agent took the mask under the old name; IPaddr still does.
	mask := "netmask"
	if c.o.Dialect == Current && r.Script == "IPaddr2" {
		mask = "cidr_netmask"
	}
	spec, err := haresources.ParseIPSpec(r.Args[0])
	if err != nil {
		c.warnf(line, "correct the address", err.Error()+": it is taken over as it is")
		return []param{{0, "ip", r.Args[0]}}
	}
	out := []param{{0, "ip", spec.Address.String()}}
	if spec.Bits >= 0 {
		out = append(out, param{1, mask, strconv.Itoa(spec.Bits)})
	}
	if spec.Iface != "" {
		out = append(out, param{2, "nic", spec.Iface})
	}
	if spec.Broadcast != "" {
		out = append(out, param{3, "broadcast", spec.Broadcast})
	}
	return out
}

// params makes a set of nvpairs for the object id.
func (c *converter) params(id, tag string, ps []param) *cib.Element {
	set := cib.New(tag, "id", id+"_inst_attr")
	if tag == "meta_attributes" {
		set = cib.New(tag, "id", id+"_meta_attr")
	}
	var pairs []*cib.Element
	for _, p := range ps {
		pairs = append(pairs, cib.New("nvpair", "id", fmt.Sprintf("%s_attr_%d", id, p.number), "name", p.name, "value", p.value))
	}
	return c.wrap(set, pairs)
}

// wrap puts nvpairs into their set, in the old dialect with the element
// between them.
func (c *converter) wrap(set *cib.Element, pairs []*cib.Element) *cib.Element {
	if c.o.Dialect == Heartbeat {
		return set.WithChild(cib.New("attributes").WithChildren(pairs...))
	}
	return set.WithChildren(pairs...)
}
