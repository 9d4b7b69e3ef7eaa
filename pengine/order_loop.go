package pengine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quorate/quorate/cib"
)

// OrderLoops returns a sentence for each loop that the orderings of a
// configuration form, with the constraints and groups it goes through: no
// transition can obey them all. Orderings of kind Serialize have no direction and
// form none.
func OrderLoops(root *cib.Element) []string {
	g := &orderGraph{edges: map[orderStep][]orderEdge{}}
	config := root.First("configuration")
	var members func(e *cib.Element)
	members = func(e *cib.Element) {
		last := ""
		for _, c := range e.Children {
			switch c.Name {
			case "primitive", "group", "clone", "master", "bundle":
			default:
				continue
			}
			// What contains c begins before it and ends after it.
			for _, a := range orderActions {
				g.add(orderStep{e.ID(), a, false}, orderStep{c.ID(), a, false}, "")
				g.add(orderStep{c.ID(), a, true}, orderStep{e.ID(), a, true}, "")
			}
			if ordered, err := cib.ParseBool(orderedMeta(e)); e.Name == "group" && last != "" && (err != nil || ordered) {
				g.pair(last, "start", c.ID(), "start", "group "+e.ID())
				g.pair(c.ID(), "stop", last, "stop", "group "+e.ID())
			}
			last = c.ID()
			members(c)
		}
		if e.ID() != "" {
			for _, a := range orderActions {
				g.add(orderStep{e.ID(), a, false}, orderStep{e.ID(), a, true}, "")
			}
			g.pair(e.ID(), "start", e.ID(), "promote", "")
			g.pair(e.ID(), "demote", e.ID(), "stop", "")
		}
	}
	members(config.First("resources"))
	for _, c := range config.First("constraints").All("rsc_order") {
		g.constraint(c)
	}
	return g.loops()
}

func orderedMeta(group *cib.Element) string {
	for _, m := range group.All("meta_attributes") {
		for _, nv := range m.All("nvpair") {
			if nv.Get("name") == "ordered" {
				return nv.Get("value")
			}
		}
	}
	return "true"
}

// orderStep is the begin or the end of an action of a resource.
type orderStep struct {
	resource, action string
	end              bool
}

type orderEdge struct {
	to orderStep
	by string // the constraint, or "" where it is by nature
}

type orderGraph struct {
	edges map[orderStep][]orderEdge
	order []orderStep // of the first edge from each
}

func (g *orderGraph) add(from, to orderStep, by string) {
	if len(g.edges[from]) == 0 {
		g.order = append(g.order, from)
	}
	g.edges[from] = append(g.edges[from], orderEdge{to, by})
}

// orderActions are the actions that orderings speak of, and opposite is the one
// that a symmetrical ordering has the other way round.
var (
	orderActions = []string{"start", "promote", "stop", "demote"}
	opposite     = map[string]string{"start": "stop", "stop": "start", "promote": "demote", "demote": "promote"}
)

// pair adds that an action of one resource comes before one of another.
func (g *orderGraph) pair(first, firstAction, then, thenAction, by string) {
	g.add(orderStep{first, firstAction, true}, orderStep{then, thenAction, false}, by)
}

// ordering adds what a constraint wants, and the opposite if it is symmetrical.
func (g *orderGraph) ordering(first, firstAction, then, thenAction string, symmetrical bool, by string) {
	firstAction = cmp.Or(firstAction, "start")
	thenAction = cmp.Or(thenAction, firstAction)
	g.pair(first, firstAction, then, thenAction, "order "+by)
	if symmetrical {
		g.pair(then, opposite[thenAction], first, opposite[firstAction], "order "+by)
	}
}

func (g *orderGraph) constraint(c *cib.Element) {
	if strings.EqualFold(c.Get("kind"), "Serialize") {
		return
	}
	symmetrical, err := cib.ParseBool(cmp.Or(c.Get("symmetrical"), "true"))
	symmetrical = symmetrical || err != nil
	if c.Get("first") != "" && c.Get("then") != "" {
		g.ordering(c.Get("first"), c.Get("first-action"), c.Get("then"), c.Get("then-action"), symmetrical, c.ID())
	}
	var before *cib.Element
	for _, set := range c.All("resource_set") {
		refs := set.All("resource_ref")
		if sequential, err := cib.ParseBool(cmp.Or(set.Get("sequential"), "true")); err == nil && sequential {
			for i := 1; i < len(refs); i++ {
				g.ordering(refs[i-1].ID(), set.Get("action"), refs[i].ID(), set.Get("action"), symmetrical, c.ID())
			}
		}
		if before != nil {
			for _, x := range before.All("resource_ref") {
				for _, y := range refs {
					g.ordering(x.ID(), before.Get("action"), y.ID(), set.Get("action"), symmetrical, c.ID())
				}
			}
		}
		before = set
	}
}

// loops walks the graph once; each way back to a step that is not done yet is a
// loop.
func (g *orderGraph) loops() (out []string) {
	type frame struct {
		at   orderStep
		next int
	}
	state := map[orderStep]int{} // 1: on the way, 2: done
	told := map[string]bool{}    // by the constraints: a loop of starts is one of stops too
	var way []frame
	for _, from := range g.order {
		if state[from] != 0 {
			continue
		}
		way = append(way[:0], frame{at: from})
		state[from] = 1
		for len(way) > 0 {
			f := &way[len(way)-1]
			if f.next == len(g.edges[f.at]) {
				state[f.at] = 2
				way = way[:len(way)-1]
				continue
			}
			e := g.edges[f.at][f.next]
			f.next++
			switch state[e.to] {
			case 0:
				state[e.to] = 1
				way = append(way, frame{at: e.to})
			case 1:
				i := len(way) - 1
				for way[i].at != e.to {
					i--
				}
				var steps []orderEdge
				for _, f := range way[i:] {
					steps = append(steps, g.edges[f.at][f.next-1])
				}
				if names := loopNames(steps); !told[names] {
					told[names] = true
					out = append(out, loopSentence(steps))
				}
			}
		}
	}
	return out
}

func loopNames(steps []orderEdge) string {
	var names []string
	for _, s := range steps {
		if s.by != "" {
			names = append(names, s.by)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

func loopSentence(steps []orderEdge) string {
	var b strings.Builder
	for _, s := range steps {
		if s.by == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s wants something before the %s of %s", s.by, s.to.action, s.to.resource)
	}
	return "the orderings form a loop, and no transition can obey them all: " + b.String() + "; take one of them out, or make it kind=Serialize"
}
