package resource

import (
	"context"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// why tells why resources do not run.
func (c *call) why(context.Context) error {
	reason := cib.New("reason")
	switch {
	case c.id != "" && c.node != "":
		on := false
		for _, n := range c.rsc.Running() {
			on = on || n.Name() == c.node
		}
		reason = reason.WithAttr("running_on", c.node)
		word := "not running"
		if on {
			word = "running"
		}
		c.t.Printf("Resource %s is %s on host %s\n", c.rsc.ID(), word, c.node)
		reason.Children = append(reason.Children, c.check(c.rsc))
	case c.id != "":
		on := len(c.rsc.Running()) > 0
		reason = reason.WithAttr("running", strconv.FormatBool(on))
		word := "not running"
		if on {
			word = "running"
		}
		c.t.Printf("Resource %s is %s\n", c.rsc.ID(), word)
		reason.Children = append(reason.Children, c.check(c.rsc))
	case c.node != "":
		list := cib.New("resources")
		for _, r := range c.status.FindNode(c.node).Running() {
			c.t.Printf("Resource %s is running on host %s\n", r.ID(), c.node)
			list = list.WithChild(cib.New("resource", "id", r.ID(), "running", "true", "host", c.node).WithChild(c.check(r)))
		}
		reason = reason.WithChild(list)
	default:
		list := cib.New("resources")
		for _, r := range c.status.Top() {
			on := len(r.Running()) > 0
			word := "not running"
			if on {
				word = "running"
			}
			c.t.Printf("Resource %s is %s\n", r.ID(), word)
			list = list.WithChild(cib.New("resource", "id", r.ID(), "running", strconv.FormatBool(on)).WithChild(c.check(r)))
		}
		reason = reason.WithChild(list)
	}
	c.t.Add(reason)
	return nil
}

// check tells what in the configuration keeps a resource from running or from
// being promoted.
func (c *call) check(r pengine.Resource) *cib.Element {
	top := r.Outermost()
	e := cib.New("check", "id", top.ID())
	switch target := strings.ToLower(top.Meta()["target-role"]); {
	case target == "stopped":
		c.t.Printf("Configuration specifies '%s' should remain stopped\n", top.ID())
		e = e.WithAttr("remain_stopped", "true")
	case (target == "slave" || target == "unpromoted") && top.Promotable():
		c.t.Printf("Configuration specifies '%s' should not be promoted\n", top.ID())
		e = e.WithAttr("promotable", "false")
	}
	if !top.Managed() {
		c.t.Printf("Configuration prevents cluster from stopping or starting unmanaged '%s'\n", top.ID())
		e = e.WithAttr("unmanaged", "true")
	}
	return e
}
