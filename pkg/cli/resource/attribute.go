package resource

import (
	"context"
	"fmt"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
)

// setTag is the tag of the sets that the options mean.
func (c *call) setTag() string {
	switch {
	case c.meta:
		return "meta_attributes"
	case c.utilization:
		return "utilization"
	}
	return "instance_attributes"
}

// holder is the id of the element whose attributes are meant: a clone's meta
// attributes are changed at the clone, unless --force or a value of its own at what
// it copies says otherwise.
func (c *call) holder(r pengine.Resource) string {
	id := r.XMLID()
	parent := r.Parent()
	if !c.meta || c.force || !parent.OK() || parent.Kind() != pengine.Clone {
		return id
	}
	if found := c.values(id); len(found) > 0 {
		return id
	}
	verb := "update"
	if c.command == "delete-parameter" {
		verb = "deletion"
	}
	c.t.Printf("Performing %s of '%s' on '%s', the parent of '%s'\n", verb, c.arg, parent.XMLID(), id)
	return parent.XMLID()
}

// value is an nvpair that was found.
type value struct{ set, nv *cib.Element }

// values returns the nvpairs of the name in the sets of an element, or those of
// the options -s and -i.
func (c *call) values(id string) (out []value) {
	e := findByID(c.root.Path("configuration", "resources"), id)
	for _, set := range e.All(c.setTag()) {
		if c.set != "" && set.ID() != c.set {
			continue
		}
		for _, nv := range set.All("nvpair") {
			if nv.Get("name") == c.arg && (c.nvpair == "" || nv.ID() == c.nvpair) {
				out = append(out, value{set, nv})
			}
		}
	}
	return out
}

// exitMultiple is the code for more than one match.
const exitMultiple = 109

// one tells of values that cannot be told apart.
func (c *call) one(id string, found []value) error {
	if len(found) < 2 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Multiple attributes match name=%s", c.arg)
	for _, v := range found {
		fmt.Fprintf(&b, "\n  Value: %s \t(set=%s, id=%s)", v.nv.Get("value"), v.set.ID(), v.nv.ID())
	}
	return cli.Exitf(exitMultiple, "%s", b.String())
}

// setParameter gives a parameter its value.
func (c *call) setParameter(ctx context.Context) error {
	done := map[string]bool{}
	return c.setOf(ctx, c.rsc, done)
}

func (c *call) setOf(ctx context.Context, r pengine.Resource, done map[string]bool) error {
	id := c.holder(r)
	if done[id] {
		return nil
	}
	done[id] = true
	found := c.values(id)
	if err := c.one(id, found); err != nil {
		return err
	}
	e := findByID(c.root.Path("configuration", "resources"), id)
	set, nv := c.set, c.nvpair
	if len(found) == 1 {
		set, nv = found[0].set.ID(), found[0].nv.ID()
		c.t.Printf("Set '%s' option: id=%s", id, nv)
		if c.set != "" {
			c.t.Printf(" set=%s", c.set)
		}
		c.t.Printf(" name=%s value=%s\n", c.arg, c.value)
	} else {
		if set == "" {
			set = id + "-" + c.setTag()
		}
		if nv == "" {
			nv = strings.Map(idRune, set+"-"+c.arg)
		}
		c.t.Printf("Set '%s' option: id=%s set=%s name=%s value=%s\n", id, nv, set, c.arg, c.value)
	}
	xml := cib.New(e.Name, "id", id).WithChild(cib.New(c.setTag(), "id", set).WithChild(
		cib.New("nvpair", "id", nv, "name", c.arg, "value", c.value)))
	if err := c.edit(ctx, cib.Op{Verb: cib.VerbModify, Scope: "resources", AllowCreate: true, XML: xml}); err != nil {
		return err
	}
	if !c.recursive || !c.meta {
		return nil
	}
	return c.followers(ctx, r, done)
}

// followers sets the parameter of all that is placed with the resource.
func (c *call) followers(ctx context.Context, r pengine.Resource, done map[string]bool) error {
	for _, k := range c.root.Path("configuration", "constraints").All("rsc_colocation") {
		if k.Get("with-rsc") != r.XMLID() {
			continue
		}
		if score, err := cib.ParseScore(k.Get("score")); err != nil || score <= 0 {
			continue
		}
		if peer := c.status.Find(k.Get("rsc")); peer.OK() {
			if err := c.setOf(ctx, peer, done); err != nil {
				return err
			}
		}
	}
	return nil
}

// idRune keeps what an XML id may have.
func idRune(r rune) rune {
	if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f {
		return r
	}
	return '.'
}

// deleteParameter deletes a parameter; one that is not there is no error.
func (c *call) deleteParameter(ctx context.Context) error {
	id := c.holder(c.rsc)
	found := c.values(id)
	if err := c.one(id, found); err != nil {
		return err
	}
	if len(found) == 0 {
		return nil
	}
	v := found[0]
	op := cib.Op{Verb: cib.VerbDelete, Scope: "resources", XML: cib.New("nvpair", "id", v.nv.ID())}
	if err := c.edit(ctx, op); err != nil {
		return err
	}
	c.t.Printf("Deleted '%s' option: id=%s", id, v.nv.ID())
	if c.set != "" {
		c.t.Printf(" set=%s", c.set)
	}
	c.t.Printf(" name=%s\n", c.arg)
	return nil
}

// setProperty sets an attribute of the element itself.
func (c *call) setProperty(ctx context.Context) error {
	switch {
	case c.elem == "":
		return failedf(cli.ExitNoSuchObject, "You need to specify a resource type with -t")
	case !c.hasValue:
		return usage("You need to supply a value with the -v option")
	}
	return c.edit(ctx, cib.Op{Verb: cib.VerbModify, Scope: "resources", XML: cib.New(c.elem, "id", c.id, c.arg, c.value)})
}

// remove deletes the resource from the configuration.
func (c *call) remove(ctx context.Context) error {
	if c.elem == "" {
		return failedf(cli.ExitNoSuchObject, "You need to specify a resource type with -t")
	}
	if !c.status.Find(c.id).OK() {
		return failedf(cli.ExitNoSuchObject, "Resource '%s' not found", c.id)
	}
	return c.edit(ctx, cib.Op{Verb: cib.VerbDelete, Scope: "resources", XML: cib.New(c.elem, "id", c.id)})
}
