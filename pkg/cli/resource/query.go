package resource

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli/result"
)

// list shows all resources.
func (c *call) list(context.Context) error {
	list := cib.New("resources")
	any := false
	for _, r := range c.status.Top() {
		if !r.Orphan() || r.Active(false) {
			list.Children = append(list.Children, r.XML())
			any = true
		}
	}
	c.t.Add(list)
	if any {
		c.t.Printf("Full List of Resources:\n")
	} else {
		c.t.Printf("No resources\n")
	}
	c.status.ResourceList(c.t.Text(), pengine.ListOptions{Inactive: true, NoNodes: true})
	return nil
}

// primitives calls f for every primitive and instance below.
func primitives(list []pengine.Resource, f func(pengine.Resource)) {
	for _, r := range list {
		if r.Kind() == pengine.Primitive {
			f(r)
		} else {
			primitives(r.Children(), f)
		}
	}
}

func (c *call) listRaw(context.Context) error {
	var items []*cib.Element
	primitives(c.status.Top(), func(r pengine.Resource) {
		c.t.Printf("%s\n", r.ID())
		items = append(items, result.Texts("item", r.ID()).WithAttr("name", "resource"))
	})
	c.t.Add(cib.New("list", "name", "resource names", "count", itoa(len(items))).WithChildren(items...))
	return nil
}

// locate tells where the resource runs.
func (c *call) locate(context.Context) error {
	list := cib.New("nodes", "resource", c.id)
	found := c.places()
	for _, p := range found {
		e := result.Texts("node", p.node)
		role := ""
		if p.promoted {
			e = e.WithAttr("state", "promoted")
			role = " Promoted"
		}
		list.Children = append(list.Children, e)
		switch {
		case c.t.Quiet:
			c.t.Printf("%s\n", p.node)
		default:
			c.t.Printf("resource %s is running on: %s%s\n", c.id, p.node, role)
		}
	}
	if len(found) == 0 && !c.t.Structured() && !c.t.Quiet {
		c.t.Say("resource %s is NOT running", c.id)
	}
	c.t.Add(list)
	return nil
}

// place is where a resource is active.
type place struct {
	node     string
	promoted bool
}

// places are the nodes of the resource; the id of what an anonymous clone copies
// means all its instances.
func (c *call) places() (out []place) {
	of := []pengine.Resource{c.rsc}
	if top := c.rsc.Outermost(); top != c.rsc && top.Kind() == pengine.Clone && !top.Unique() && c.id == c.rsc.HistoryID() {
		of = nil
		primitives(top.Children(), func(r pengine.Resource) {
			if r.HistoryID() == c.id {
				of = append(of, r)
			}
		})
		for _, g := range top.Children() {
			if g.Kind() == pengine.Group && g.XMLID() == c.id {
				of = append(of, g)
			}
		}
	}
	for _, r := range slices.Backward(of) {
		out = append(out, placesOf(r)...)
	}
	return out
}

// placesOf are the nodes of one resource or of all instances of a clone.
func placesOf(r pengine.Resource) (out []place) {
	of := []pengine.Resource{r}
	if r.Kind() == pengine.Clone {
		of = r.Children()
	}
	for _, r := range slices.Backward(of) {
		for _, n := range slices.Backward(r.Running()) {
			out = append(out, place{n.Name(), r.Promoted()})
		}
	}
	return out
}

// queryXML prints the configuration of the resource.
func (c *call) queryXML(context.Context) error {
	e := c.rsc.Config()
	if c.command == "query-xml-raw" {
		if raw := findByID(c.root.Path("configuration", "resources"), c.rsc.XMLID()); raw != nil {
			e = raw
		}
	}
	if n := c.rsc.Instance(); n >= 0 && c.rsc.Kind() == pengine.Primitive {
		e = e.WithAttr("clone", strconv.Itoa(n))
	}
	text := string(cib.Print(e.WithoutAttr("template")))
	if c.command == "query-xml-raw" {
		text = string(cib.Print(e))
	}
	c.status.OneResource(c.t.Text(), c.rsc)
	c.t.Printf("Resource XML:\n%s", text)
	c.t.Add(cib.New("resource_config").WithChildren(c.rsc.XML(), result.Texts("xml", text)))
	return nil
}

// findByID returns the element with an id below e, or nil.
func findByID(e *cib.Element, id string) (found *cib.Element) {
	e.Walk(func(x *cib.Element) bool {
		if found == nil && x.ID() == id {
			found = x
		}
		return found == nil
	})
	return found
}

// getParameter prints a value as it is in effect.
func (c *call) getParameter(context.Context) error {
	if len(c.rsc.Running()) > 1 && !c.utilization {
		c.t.Say("%s is active on more than one node, returning the default value for %s", c.rsc.ID(), c.arg)
	}
	var m map[string]string
	switch {
	case c.meta:
		m = c.rsc.Meta()
	case c.utilization:
		m = map[string]string{}
		for _, set := range c.rsc.Config().All("utilization") {
			for _, nv := range set.All("nvpair") {
				m[nv.Get("name")] = nv.Get("value")
			}
		}
	default:
		m = c.rsc.Params(c.rsc.Current())
	}
	v, ok := m[c.arg]
	if !ok {
		c.t.Say("Attribute '%s' not found for '%s'", c.arg, c.rsc.ID())
		return nil
	}
	c.t.Printf("%s\n", v)
	c.t.Add(cib.New("list", "name", "attributes", "count", "1").WithChild(result.Texts("item", v).WithAttr("name", c.arg)))
	return nil
}

// getProperty prints an attribute of the element.
func (c *call) getProperty(context.Context) error {
	v, ok := c.rsc.Config().Lookup(c.arg)
	if !ok {
		return nil
	}
	c.t.Printf("%s\n", v)
	c.t.Add(cib.New("list", "name", "properties", "count", "1").WithChild(result.Texts("item", v).WithAttr("name", c.arg)))
	return nil
}

// digests prints the digests of the parameters.
func (c *call) digests(context.Context) error {
	r := c.rsc
	if r.Kind() != pengine.Primitive {
		return plain(exitUnimplemented)
	}
	over := map[string]string{}
	for _, a := range c.args {
		name, value, ok := strings.Cut(a, "=")
		if !ok || name == "" {
			return usage("%q is not NAME=VALUE", a)
		}
		over[name] = value
	}
	e := cib.New("digests", "resource", r.ID(), "node", c.node, "task", "start", "interval", "0ms")
	hash := r.Digest(c.status.FindNode(c.node), over)
	for _, kind := range []string{"all", "nonprivate"} {
		e = e.WithChild(cib.New("digest", "type", kind, "hash", hash).WithChild(parametersOf(r, c.status.FindNode(c.node), over)))
	}
	c.t.Add(e)
	c.t.Printf("%s (all parameters)\n%s (non-private parameters)\n", hash, hash)
	return nil
}
