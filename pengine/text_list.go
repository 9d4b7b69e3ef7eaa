package pengine

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/quorate/quorate/cib"
)

// ListOptions choose what the list of resources shows.
type ListOptions struct {
	// Inactive shows what does not run.
	Inactive bool
	// OnlyInactive leaves out what runs wholly, for a list below one by nodes.
	OnlyInactive bool
	// NoNodes leaves the nodes of primitives out.
	NoNodes bool
	// Brief counts primitives by agent and node.
	Brief bool
	// BriefGroups does so within groups only.
	BriefGroups bool
	// Detail shows each instance of a clone.
	Detail bool
	// Node and Resource tell whether something on a node, and a resource, is
	// wanted, by name and id; nil means everything.
	Node     func(name string) bool
	Resource func(id string) bool
}

// lister writes a list of resources.
type lister struct {
	*scheduler
	w io.Writer
	o ListOptions
}

// ResourceList writes the resources, one item each and without a heading, and
// returns whether there was any.
func (r *Result) ResourceList(w io.Writer, o ListOptions) bool {
	l := &lister{r.s, w, o}
	return l.list()
}

// OneResource writes one resource as the list has it, at the left margin.
func (r *Result) OneResource(w io.Writer, x Resource) {
	var b strings.Builder
	l := &lister{r.s, &b, ListOptions{Inactive: x.r.variant == primitiveVariant}}
	l.resource(x.r, "")
	// What is collective has no heading here, and nothing is an item.
	text, indent := b.String(), ""
	if x.r.variant != primitiveVariant {
		_, text, _ = strings.Cut(text, "\n")
		indent = "  "
	}
	for line := range strings.Lines(text) {
		fmt.Fprint(w, strings.TrimPrefix(strings.TrimPrefix(line, indent), "* "))
	}
}

// ResourceXML returns the resources that the options want in the XML form.
func (r *Result) ResourceXML(o ListOptions) (out []*cib.Element) {
	l := &lister{scheduler: r.s, o: o}
	for _, x := range l.resources {
		if x.listed() && l.shows(x) {
			out = append(out, l.resourceXML(x))
		}
	}
	return out
}

func (l *lister) list() bool {
	any := l.o.Brief && l.brief(l.wanted(l.resources), "  ", true)
	for _, r := range l.resources {
		if r.listed() && l.shows(r) && !(l.o.Brief && r.variant == primitiveVariant) {
			any = l.resource(r, "  ") || any
		}
	}
	return any
}

// shows reports whether the options want a resource of the top level.
func (l *lister) shows(r *resource) bool {
	switch {
	case !l.matches(r), !l.o.Inactive && !r.active(false):
		return false
	case l.o.OnlyInactive && r.variant == primitiveVariant:
		return !r.active(false)
	case l.o.OnlyInactive:
		return !r.active(true)
	}
	return true
}

// matches reports whether the filters let a resource through: itself, what
// contains it or anything in it.
func (l *lister) matches(r *resource) bool {
	if l.o.Node != nil {
		on := r.location()
		if len(on) == 0 && (r.variant != primitiveVariant || r.pendingNode != nil) {
			return false
		}
		if len(on) > 0 && !slices.ContainsFunc(on, func(n *node) bool { return l.o.Node(n.uname) }) {
			return false
		}
	}
	return l.o.Resource == nil || l.named(r)
}

func (l *lister) named(r *resource) bool {
	for p := r; p != nil; p = p.parent {
		if l.o.Resource(p.id) || l.o.Resource(p.xml.ID()) || p.lrmID != "" && l.o.Resource(p.lrmID) {
			return true
		}
	}
	return slices.ContainsFunc(r.children, l.below)
}

// below is named without the resources around it.
func (l *lister) below(r *resource) bool {
	return l.o.Resource(r.id) || l.o.Resource(r.xml.ID()) || slices.ContainsFunc(r.children, l.below)
}

func (l *lister) wanted(list []*resource) (out []*resource) {
	for _, r := range list {
		if r.listed() && l.matches(r) {
			out = append(out, r)
		}
	}
	return out
}

// brief counts the primitives of a list by agent and node.
func (l *lister) brief(list []*resource, indent string, top bool) (any bool) {
	type place struct {
		agent string
		n     *node
	}
	active, total := map[place]int{}, map[string]int{}
	for _, r := range list {
		if r.variant != primitiveVariant {
			continue
		}
		a := Resource{l.scheduler, r}.Agent()
		total[a]++
		for _, n := range r.running {
			active[place{a, n}]++
		}
	}
	for _, a := range slices.Sorted(maps.Keys(total)) {
		of := ""
		if l.o.Inactive || !top {
			of = fmt.Sprintf("/%d", total[a])
		}
		sum := 0
		for _, n := range l.nodes {
			if v := active[place{a, n}]; v > 0 && (l.o.Node == nil || l.o.Node(n.uname)) {
				fmt.Fprintf(l.w, "%s* %d%s\t(%s):\tActive %s\n", indent, v, of, a, n.uname)
				sum += v
			}
		}
		if sum == 0 && of != "" {
			fmt.Fprintf(l.w, "%s* 0%s\t(%s):\tActive\n", indent, of, a)
			sum = 1
		}
		any = any || sum > 0
	}
	return any
}
