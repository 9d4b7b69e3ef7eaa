package mon

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// agent is CLASS:PROVIDER:TYPE.
func (r *resource) agent() string {
	if r.class == "ocf" {
		return r.class + ":" + r.provider + ":" + r.typ
	}
	return r.class + ":" + r.typ
}

// title is the name of an instance: the number counts where instances differ.
func (in *instance) title() string {
	if cl := cloneOf(in.rsc); cl != nil && cl.unique && in.num >= 0 {
		return fmt.Sprintf("%s:%d", in.rsc.id, in.num)
	}
	return in.rsc.id
}

func (in *instance) active() bool { return len(in.nodes) > 0 }

// line is what is said about one instance.
func (p *printer) line(in *instance, where bool) string {
	r := in.rsc
	var b strings.Builder
	fmt.Fprintf(&b, "%s\t(%s):\t", in.title(), r.agent())
	if in.orphan {
		b.WriteString(" ORPHANED")
	}
	word := in.role.String()
	if in.pending != "" {
		word = in.pending
	}
	switch {
	case in.failed && in.role == promoted:
		b.WriteString(" FAILED Promoted")
	case in.failed:
		b.WriteString(" FAILED")
	default:
		b.WriteString(" " + word)
	}
	if !in.active() && len(r.notInstalled) > 0 && cloneOf(r) == nil {
		b.WriteString(" (not installed) ")
	}
	if where && len(in.nodes) == 1 {
		b.WriteString(" " + in.nodes[0].name)
	}
	var flags []string
	if in.monitoring {
		flags = append(flags, "Monitoring")
	}
	if where && len(in.nodes) > 0 && !in.nodes[0].online && in.nodes[0].unclean {
		flags = append(flags, "UNCLEAN")
	}
	if r.disabled {
		flags = append(flags, "disabled")
	}
	if in.blocked {
		flags = append(flags, "blocked")
	} else if in.unmanaged {
		flags = append(flags, "unmanaged")
	}
	if in.ignored {
		flags = append(flags, "failure ignored")
	}
	if len(flags) > 0 {
		b.WriteString(" (" + strings.Join(flags, ", ") + ")")
	}
	if where && len(in.nodes) > 1 {
		var names []string
		for _, n := range in.nodes {
			names = append(names, n.name)
		}
		b.WriteString(" [ " + strings.Join(names, " ") + " ]")
	}
	return b.String()
}

func (p *printer) resourceList() {
	heading := "Active Resources"
	if p.o.Inactive {
		heading = "Full List of Resources"
	}
	p.title(heading)
	start := p.b.Len()
	if p.o.Brief {
		p.briefList(p.c.resources, 1, true)
	}
	for _, r := range p.c.resources {
		if p.o.Brief && r.kind == primitive {
			continue
		}
		p.resource(r, 1)
	}
	if p.b.Len() == start {
		if p.o.Inactive {
			p.item(1, "No resources")
		} else {
			p.item(1, "No active resources")
		}
	}
}

func (p *printer) inactiveList() {
	p.title("Inactive Resources")
	start := p.b.Len()
	for _, r := range p.c.resources {
		if r.kind == primitive && anyActive(r) {
			continue
		}
		if r.kind != primitive && allActive(r) {
			continue
		}
		p.resource(r, 1)
	}
	if p.b.Len() == start {
		p.item(1, "No inactive resources")
	}
}

func leaves(r *resource) []*resource {
	if r.kind == primitive {
		return []*resource{r}
	}
	var out []*resource
	for _, ch := range r.children {
		out = append(out, leaves(ch)...)
	}
	return out
}

func anyActive(r *resource) bool {
	for _, l := range leaves(r) {
		if slices.ContainsFunc(l.instances, (*instance).active) {
			return true
		}
	}
	return false
}

func allActive(r *resource) bool {
	for _, l := range leaves(r) {
		if slices.ContainsFunc(l.instances, func(in *instance) bool { return !in.active() }) {
			return false
		}
	}
	return true
}

// briefList counts primitives by agent and node.
func (p *printer) briefList(list []*resource, depth int, top bool) {
	type key struct{ agent, node string }
	active, total := make(map[key]int), make(map[string]int)
	for _, r := range list {
		if r.kind != primitive {
			continue
		}
		for _, in := range r.instances {
			total[r.agent()]++
			for _, n := range in.nodes {
				active[key{r.agent(), n.name}]++
			}
		}
	}
	for _, a := range sortedKeys(total) {
		count := func(n int) string {
			if p.o.Inactive || !top {
				return fmt.Sprintf("%d/%d", n, total[a])
			}
			return fmt.Sprint(n)
		}
		sum := 0
		for _, n := range p.c.nodes {
			if v := active[key{a, n.name}]; v > 0 {
				p.itemf(depth, "%s\t(%s):\tActive %s", count(v), a, n.name)
				sum += v
			}
		}
		if sum == 0 && (p.o.Inactive || !top) {
			p.itemf(depth, "%s\t(%s):\tActive", count(0), a)
		}
	}
}

func (p *printer) resource(r *resource, depth int) {
	switch r.kind {
	case primitive:
		for _, in := range r.instances {
			if in.active() || p.o.Inactive && !in.orphan {
				p.item(depth, p.line(in, true))
			}
		}
	case group:
		p.group(r, 0, depth)
	case clone:
		p.clone(r, depth)
	case bundle:
		p.itemf(depth, "Container bundle: %s: its replicas are not shown", r.id)
	}
}

// group prints the instance number i of a group; in a clone its name has the
// number.
func (p *printer) group(g *resource, i, depth int) {
	var ins []*instance
	inactive := 0
	for _, ch := range g.children {
		if i < len(ch.instances) {
			ins = append(ins, ch.instances[i])
			if !ch.instances[i].active() {
				inactive++
			}
		}
	}
	if inactive == len(ins) && !p.o.Inactive {
		return
	}
	name := g.id
	if cloneOf(g) != nil {
		name = fmt.Sprintf("%s:%d", g.id, i)
	}
	var notes []string
	if !p.o.Inactive && inactive > 0 {
		notes = append(notes, fmt.Sprintf("%d member%s inactive", inactive, plural(inactive)))
	}
	if !g.managed {
		notes = append(notes, "unmanaged")
	}
	if g.disabled {
		notes = append(notes, "disabled")
	}
	text := "Resource Group: " + name
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	p.item(depth, text+":")
	if p.o.Brief {
		var list []*resource
		for _, in := range ins {
			one := *in.rsc
			one.instances = []*instance{in}
			list = append(list, &one)
		}
		p.briefList(list, depth+1, false)
		return
	}
	for _, in := range ins {
		if in.active() || p.o.Inactive {
			p.item(depth+1, p.line(in, true))
		}
	}
}

// clone prints instances with something to say alone, and the others in one
// list for each role.
func (p *printer) clone(r *resource, depth int) {
	if !p.o.Inactive && !anyActive(r) || len(r.children) == 0 {
		return
	}
	child := r.children[0]
	var flags []string
	if r.promotable {
		flags = append(flags, "promotable")
	}
	if r.unique {
		flags = append(flags, "unique")
	}
	if !r.managed {
		flags = append(flags, "unmanaged")
	}
	if r.disabled {
		flags = append(flags, "disabled")
	}
	text := fmt.Sprintf("Clone Set: %s [%s]", r.id, child.id)
	if len(flags) > 0 {
		text += " (" + strings.Join(flags, ", ") + ")"
	}
	p.item(depth, text+":")
	members := leaves(child)
	count := 0
	for _, m := range members {
		count = max(count, len(m.instances))
	}
	lists := make(map[role][]string)
	here := make(map[string]bool)
	listed := 0
	for i := 0; i < count; i++ {
		var ins []*instance
		for _, m := range members {
			if i < len(m.instances) {
				ins = append(ins, m.instances[i])
			}
		}
		n, ro, plain := same(ins)
		if plain && n != nil && !r.unique && !p.o.Detail {
			lists[ro] = append(lists[ro], n.name)
			here[n.name] = true
			listed++
			continue
		}
		if plain && n == nil && !r.unique && !p.o.Detail {
			continue // stopped
		}
		for _, in := range ins {
			for _, x := range in.nodes {
				here[x.name] = here[x.name] || x.online
			}
		}
		if child.kind == group {
			p.group(child, i, depth+1)
		} else if in := ins[0]; in.active() || p.o.Inactive || r.unique {
			p.item(depth+1, p.line(in, true))
		}
	}
	for _, ro := range []role{promoted, started, unpromoted} {
		if l := lists[ro]; len(l) > 0 {
			sort.Slice(l, func(i, j int) bool { return lessName(l[i], l[j]) })
			word := ro.String()
			if ro == unpromoted && r.disabled == false && strings.EqualFold(r.meta["target-role"], "Unpromoted") {
				word += " (target-role)"
			}
			p.itemf(depth+1, "%s: [ %s ]", word, strings.Join(l, " "))
		}
	}
	if p.o.Inactive && !r.unique && !p.o.Detail && listed < r.max {
		p.idle(r, members, here, depth+1)
	}
}

// idle lists the nodes without an instance by the reason, as far as one is
// known.
func (p *printer) idle(r *resource, members []*resource, here map[string]bool, depth int) {
	lists := make(map[string][]string)
	for _, n := range p.c.nodes {
		word := "Stopped"
		switch {
		case here[n.name]:
			continue
		case r.disabled:
			word = "Stopped (disabled)"
		case members[0].notInstalled[n.name]:
			word = "Stopped (not installed)"
		}
		lists[word] = append(lists[word], n.name)
	}
	for _, word := range sortedKeys(lists) {
		p.itemf(depth, "%s: [ %s ]", word, strings.Join(lists[word], " "))
	}
}

// same reports whether all members of an instance are alike: on one node, in
// one role, with nothing else to say. n is nil when all are stopped.
func same(ins []*instance) (n *node, ro role, plain bool) {
	for i, in := range ins {
		if in.failed || in.blocked || in.unmanaged && in.active() || in.pending != "" || in.orphan && in.active() || len(in.nodes) > 1 {
			return nil, 0, false
		}
		var x *node
		if len(in.nodes) == 1 {
			x = in.nodes[0]
			if x.unclean && !x.online {
				return nil, 0, false
			}
		}
		if i > 0 && x != n {
			return nil, 0, false
		}
		if i == 0 {
			n, ro = x, in.role
		}
		ro = max(ro, in.role)
	}
	return n, ro, true
}
