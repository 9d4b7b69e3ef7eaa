package resource

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
)

// constraints lists the constraints on the resource, and with --recursive those
// on all that colocations lead to.
func (c *call) constraints(context.Context) error {
	// Constraints are understood in a whole computation only.
	res, err := pengine.Schedule(c.root, time.Now(), pengine.Options{})
	if err != nil {
		return &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	r := res.Find(c.id)
	if !c.force {
		r = r.Outermost()
	}
	w := &constraintWalk{c: c, list: cib.New("constraints"), seen: map[pengine.Resource]bool{r: true}, recursive: c.recursive || c.command == "stack"}
	w.locations(r, 0)
	w.colocations(r, 0)
	c.t.Add(w.list)
	return nil
}

type constraintWalk struct {
	c         *call
	list      *cib.Element
	seen      map[pengine.Resource]bool
	recursive bool
}

func (w *constraintWalk) line(depth int, format string, a ...any) {
	w.c.t.Printf(strings.Repeat("  ", depth)+format+"\n", a...)
}

func (w *constraintWalk) locations(r pengine.Resource, depth int) {
	list := slices.DeleteFunc(r.Locations(), func(a pengine.Attachment) bool { return a.ID == healthStrategy })
	if len(list) == 0 {
		return
	}
	title := "Locations:"
	if depth > 0 {
		title = "* Locations:"
	}
	w.line(depth, "%s", title)
	for _, l := range list {
		score := cib.FormatScore(int(l.Score))
		w.line(depth+1, "* Node %s (score=%s, id=%s, rsc=%s)", l.Node.Name(), score, l.ID, r.ID())
		w.list.Children = append(w.list.Children, cib.New("rsc_location", "node", l.Node.Name(), "rsc", r.ID(), "id", l.ID, "score", score))
	}
}

// Both directions are followed from the resource that was asked for, and then
// each on its own way.
func (w *constraintWalk) colocations(r pengine.Resource, depth int) {
	w.dependents(r, depth)
	w.primaries(r, depth)
}

func (w *constraintWalk) dependents(r pengine.Resource, depth int) {
	w.side(r, depth, r.Withs(), w.dependents, "Resources colocated with %s:", "needs role=", func(a pengine.Attachment) (string, string) { return a.Other.ID(), r.ID() })
}

func (w *constraintWalk) primaries(r pengine.Resource, depth int) {
	w.side(r, depth, r.With(), w.primaries, "Resources %s is colocated with:", "with role=", func(a pengine.Attachment) (string, string) { return r.ID(), a.Other.ID() })
}

// withContainer is the id of the tie between a guest node's connection and what it
// runs in, which no administrator has written.
const withContainer = "resource-with-container"

// healthStrategy is the id of what the health of nodes makes.
const healthStrategy = "node-health-strategy"

// side shows the colocations in one direction.
func (w *constraintWalk) side(r pengine.Resource, depth int, list []pengine.Attachment, follow func(pengine.Resource, int), title, role string, ends func(pengine.Attachment) (string, string)) {
	titled := false
	for _, a := range list {
		if w.seen[a.Other] && depth > 0 || a.ID == withContainer {
			continue
		}
		if !titled {
			titled = true
			if depth > 0 {
				title = "* " + title
			}
			w.line(depth, title, r.ID())
		}
		score := cib.FormatScore(int(a.Score))
		first := !w.seen[a.Other]
		words := "score=" + score
		if a.Role != "" {
			words += ", " + role + a.Role
		}
		if first || !w.recursive {
			w.line(depth+1, "* %s (%s, id=%s)", a.Other.ID(), words, a.ID)
		} else {
			w.line(depth+1, "* %s (id=%s - loop)", a.Other.ID(), a.ID)
		}
		dependent, primary := ends(a)
		e := cib.New("rsc_colocation", "id", a.ID, "rsc", dependent, "with-rsc", primary, "score", score)
		if a.NodeAttr != "" {
			e = e.WithAttr("node-attribute", a.NodeAttr)
		}
		if a.OwnRole != "" {
			e = e.WithAttr("rsc-role", a.OwnRole)
		}
		if a.Role != "" {
			e = e.WithAttr("with-rsc-role", a.Role)
		}
		w.list.Children = append(w.list.Children, e)
		if !first && w.recursive {
			continue
		}
		w.seen[a.Other] = true
		w.locations(a.Other, depth+2)
		if w.recursive {
			follow(a.Other, depth+2)
		}
	}
}
