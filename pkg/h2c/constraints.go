package h2c

import (
	"fmt"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/diag"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/haresources"
)

// prefer makes the rule that a resource runs on a node if it can.
func (c *converter) prefer(id, node string) {
	rule := "prefered_location_" + id
	c.constraints = append(c.constraints,
		cib.New("rsc_location", "id", "rsc_location_"+id, "rsc", id).WithChild(
			cib.New("rule", "id", rule, "score", "100").WithChild(
				cib.New("expression", "id", rule+"_expr", "attribute", "#uname", "operation", "eq", "value", node))))
}

// explicit converts the constraints that a user wrote into remarks.
func (c *converter) explicit(entries []haresources.Entry) {
	for _, e := range entries {
		if o := e.Order; o != nil && c.exist(e.Line, o.From, o.To) {
			id := c.unique(e.Line, fmt.Sprintf("rsc_order_%s_%s", o.From, o.To))
			if c.o.Dialect == Heartbeat {
				c.constraints = append(c.constraints, cib.New("rsc_order", "id", id, "from", o.From, "action", o.Action, "type", o.Type, "to", o.To, "symmetrical", "true"))
				continue
			}
			first, then := o.From, o.To
			if o.Type == "after" {
				first, then = then, first
			}
			c.constraints = append(c.constraints, cib.New("rsc_order", "id", id, "first", first, "first-action", o.Action, "then", then, "then-action", o.Action, "symmetrical", "true"))
		}
	}
	for _, e := range entries {
		if o := e.Colocation; o != nil && c.exist(e.Line, o.From, o.To) {
			id := c.unique(e.Line, fmt.Sprintf("rsc_colocation_%s_%s", o.From, o.To))
			if c.o.Dialect == Heartbeat {
				c.constraints = append(c.constraints, cib.New("rsc_colocation", "id", id, "from", o.From, "to", o.To, "score", o.Score))
				continue
			}
			c.constraints = append(c.constraints, cib.New("rsc_colocation", "id", id, "rsc", o.From, "with-rsc", o.To, "score", o.Score))
		}
	}
}

// exist reports whether both resources of a constraint are in the document:
// one that names nothing would make it invalid.
func (c *converter) exist(line int, ids ...string) bool {
	for _, id := range ids {
		if !c.used[id] {
			c.warnf(line, "the names are the ids of the result", fmt.Sprintf("There is no resource %s: the constraint is left out", id))
			return false
		}
	}
	return true
}

// device converts a stonith_host line: "*" is a clone on all nodes, otherwise
// the device prefers its host.
func (c *converter) device(d hacf.StonithDevice) {
	c.stonith = true
	id := c.unique(0, fmt.Sprintf("stonith_%d", c.index))
	p := cib.New("primitive", "id", id, "class", "stonith", "type", d.Type)
	if c.o.Dialect == Heartbeat {
		p = c.element(id, "stonith", d.Type)
	}
	if !c.o.NoMonitor {
		mon := cib.New("op", "id", id+"_mon", "name", "monitor", "interval", "5s", "timeout", "20s")
		start := cib.New("op", "id", id+"_start", "name", "start")
		if c.o.Dialect == Heartbeat {
			mon, start = mon.WithAttr("prereq", "nothing"), start.WithAttr("timeout", "20s").WithAttr("prereq", "nothing")
		} else {
			start = start.WithAttr("interval", "0").WithAttr("timeout", "20s")
		}
		p = p.WithChild(cib.New("operations").WithChildren(mon, start))
	}
	if ps := c.deviceParams(d); len(ps) > 0 {
		p = p.WithChild(c.params(id, "instance_attributes", ps))
	}
	if d.Host == "*" {
		p = c.clone(c.unique(0, fmt.Sprintf("clone_%d", c.index)), p)
	} else {
		c.prefer(id, d.Host)
	}
	c.resources = append(c.resources, p)
	c.index++
}

func (c *converter) deviceParams(d hacf.StonithDevice) []param {
	var names []string
	if c.o.StonithParams != nil {
		names = c.o.StonithParams(d.Type)
	}
	if names == nil && len(d.Params) > 0 {
		c.diags = append(c.diags, diag.New(c.o.HACF, d.Line, diag.Warning, "rename them: stonith -t "+d.Type+" -n prints the names",
			"The parameters of stonith type "+d.Type+" are not known: they are numbered"))
	}
	var out []param
	for i, v := range d.Params {
		name := fmt.Sprint(i + 1)
		if names != nil {
			if i >= len(names) {
				c.diags = append(c.diags, diag.New(c.o.HACF, d.Line, diag.Warning, "remove it",
					fmt.Sprintf("stonith type %s has no parameter for [%s]", d.Type, v)))
				break
			}
			name = names[i]
		}
		out = append(out, param{i + 2, name, v})
	}
	return out
}
