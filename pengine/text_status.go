package pengine

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// StatusText writes the node list and the resources as crm_simulate shows
// them.
func (r *Result) StatusText(w io.Writer) { r.s.statusText(w) }

// Knows tells whether a resource has the name, by its id or because the history
// of a node calls it so.
func (r *Result) Knows(name string) bool {
	return r.s.rscByID[name] != nil || r.s.byHistory(name) != nil
}

// Counts returns how many resource instances there are, and how many are
// disabled or blocked by failures.
func (r *Result) Counts() (total, disabled, blocked int) {
	var count func(x *resource)
	count = func(x *resource) {
		if len(x.children) > 0 {
			for _, c := range x.children {
				count(c)
			}
			return
		}
		if x.is(rOrphan) && x.role == roleStopped {
			return
		}
		total++
		if x.disabled() {
			disabled++
		}
		if x.is(rBlocked) {
			blocked++
		}
	}
	for _, x := range r.s.resources {
		count(x)
	}
	return total, disabled, blocked
}

func (r *resource) disabled() bool {
	v, ok := r.meta["target-role"]
	if !ok {
		return false
	}
	t := parseRole(v)
	return t == roleStopped || t == roleUnpromoted && r.top().is(rPromotable)
}

func (n *node) statusText() string {
	text := ""
	switch {
	case n.unclean && n.online:
		text = "UNCLEAN (online)"
	case n.unclean && n.pending:
		text = "UNCLEAN (pending)"
	case n.unclean:
		text = "UNCLEAN (offline)"
	case n.pending:
		text = "pending"
	case n.standbyOnFail && n.online:
		text = "standby (on-fail)"
	case n.standby && n.online:
		text = "standby"
		if len(n.running) > 0 {
			text = "standby (with active resources)"
		}
	case n.standby:
		text = "OFFLINE (standby)"
	case n.maintenance && n.online:
		text = "maintenance"
	case n.maintenance:
		text = "OFFLINE (maintenance)"
	case n.online:
		text = "online"
	default:
		text = "OFFLINE"
	}
	return text
}

func (s *scheduler) statusText(w io.Writer) {
	if len(s.nodes) > 0 {
		fmt.Fprintf(w, "  * Node List:\n")
		lists := map[string][]string{}
		for _, n := range s.nodes {
			kind := ""
			switch {
			case n.isGuest():
				kind = "Guest"
			case n.overConnection():
				kind = "Remote"
			}
			t := n.statusText()
			if h := s.healthText(n); h != "" {
				t += " (health is " + strings.ToUpper(h) + ")"
			}
			switch t {
			case "online":
				lists[kind+"Online"] = append(lists[kind+"Online"], n.uname)
			case "OFFLINE":
				lists[kind+"OFFLINE"] = append(lists[kind+"OFFLINE"], n.uname)
			default:
				fmt.Fprintf(w, "    * %sNode %s: %s\n", kind, n.uname, t)
			}
		}
		// That a guest is off says the state of its container.
		for _, k := range []string{"Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline"} {
			if len(lists[k]) > 0 {
				fmt.Fprintf(w, "    * %s: [ %s ]\n", k, strings.Join(lists[k], " "))
			}
		}
		fmt.Fprintln(w)
	}
	var b strings.Builder
	l := &lister{s, &b, ListOptions{Inactive: true}}
	if !l.list() {
		b.WriteString("  * No resources\n")
	}
	fmt.Fprintf(w, "  * Full List of Resources:\n")
	for line := range strings.Lines(b.String()) {
		fmt.Fprintf(w, "  %s", line)
	}
}

// listed reports whether a resource is in the list of resources. An orphan that
// is not active is not, nor is a collective resource that is active only where
// it does not count, because it is unmanaged and its node is offline.
func (r *resource) listed() bool { return !isTrue(r.meta[implicitMeta]) && r.shownAsXML() }

// shownAsXML is listed for the XML form, which has the connections into
// containers too.
func (r *resource) shownAsXML() bool {
	if r.is(rOrphan) {
		return r.active(true)
	}
	return !r.elsewhere()
}

// elsewhere reports whether a collective resource is active only where it does
// not count.
func (r *resource) elsewhere() bool { return len(r.running) == 0 && r.active(false) }

// resource writes a resource and returns whether there was anything to write.
func (l *lister) resource(r *resource, indent string) bool {
	switch r.variant {
	case groupVariant:
		return l.group(r, indent)
	case cloneVariant:
		return l.clone(r, indent)
	case bundleVariant:
		return l.bundle(r, indent)
	}
	fmt.Fprintf(l.w, "%s* %s\n", indent, l.primitiveText(r, !l.o.NoNodes))
	return true
}

func (l *lister) group(g *resource, indent string) bool {
	var shown []*resource
	inactive := 0
	for _, m := range g.children {
		switch {
		case l.o.Resource != nil && !l.named(m):
		case !l.o.Inactive && !m.active(false):
			inactive++
		default:
			shown = append(shown, m)
		}
	}
	if len(shown) == 0 {
		return false
	}
	var flags []string
	if inactive > 0 {
		plural := "s"
		if inactive == 1 {
			plural = ""
		}
		flags = append(flags, fmt.Sprintf("%d member%s inactive", inactive, plural))
	}
	fmt.Fprintf(l.w, "%s* Resource Group: %s%s:\n", indent, g.id, listFlags(append(flags, g.managementFlags()...)))
	if l.o.Brief || l.o.BriefGroups {
		l.brief(g.children, indent+"  ", false)
		return true
	}
	for _, m := range shown {
		l.resource(m, indent+"  ")
	}
	return true
}

func listFlags(flags []string) string {
	if len(flags) == 0 {
		return ""
	}
	return " (" + strings.Join(flags, ", ") + ")"
}

func (r *resource) managementFlags() []string {
	var f []string
	if !r.is(rManaged) {
		f = append(f, "unmanaged")
	}
	if r.disabled() {
		f = append(f, "disabled")
	}
	return f
}

func (r *resource) displayRole() role {
	if r.role == roleStarted && r.top().is(rPromotable) {
		return roleUnpromoted
	}
	return r.role
}

var pendingStates = map[string]string{tStart: "Starting", tStop: "Stopping", tMigrateTo: "Migrating",
	tMigrateFrom: "Migrating", tPromote: "Promoting", tDemote: "Demoting"}

// displayName is the name of a resource in the status text.
func (r *resource) displayName() string {
	if r.lrmID != "" && !r.is(rUnique) && false {
		return r.lrmID
	}
	if r.is(rUnique) || r.top() == r {
		return r.id
	}
	return r.xml.ID()
}

// primitiveText is the line of a primitive, with the nodes where it runs or not.
func (s *scheduler) primitiveText(r *resource, where bool) string {
	n := r.current()
	if n == nil {
		n = r.pendingNode
	}
	return s.primitiveLine(r, r.displayName(), n, where)
}

// primitiveLine is the line of a primitive under a name and on a node that may
// not be its own: a bundle shows where its containers are.
func (s *scheduler) primitiveLine(r *resource, name string, n *node, where bool) string {
	if n == nil {
		n = r.lockNode
	}
	var b strings.Builder
	b.WriteString(name)
	b.WriteString("\t(" + r.class)
	if r.provider != "" {
		b.WriteString(":" + r.provider)
	}
	b.WriteString(":" + r.typ + "):\t")
	if r.is(rOrphan) {
		b.WriteString(" ORPHANED")
	}
	role := r.displayRole()
	if r.is(rFailed) {
		b.WriteString(" FAILED")
		if role > roleUnpromoted {
			b.WriteString(" " + role.String())
		}
	} else {
		st := pendingStates[r.pendingTask]
		if st == "" || !s.opts.ShowPending {
			st = role.String()
		}
		b.WriteString(" " + st)
	}
	multiple := len(r.running) > 1
	if n != nil && !multiple && where {
		b.WriteString(" " + n.uname)
	}
	if role == roleStopped {
		id := r.id
		if r.parent.isClone() {
			id = baseID(id)
		}
		// The members of a cloned group are known by numbers that no probe has.
		cloned := r.parent.isGroup() && r.parent.parent.isClone()
		if rc, ok := s.failedProbe(id, n); ok && !cloned {
			b.WriteString(" (" + rcText(rc) + ") ")
		}
	}
	var flags []string
	if n != nil && where && !multiple && !n.online && n.unclean {
		flags = append(flags, "UNCLEAN")
	}
	if n != nil && !multiple && n == r.lockNode {
		flags = append(flags, "LOCKED")
	}
	if r.pendingTask == tMonitor && s.opts.ShowPending {
		flags = append(flags, "Monitoring")
	}
	if v, ok := r.meta["target-role"]; ok {
		switch parseRole(v) {
		case roleStopped:
			flags = append(flags, "disabled")
		case roleUnpromoted:
			if r.top().is(rPromotable) {
				flags = append(flags, "target-role:"+v)
			}
		}
	}
	switch {
	case r.is(rBlocked):
		flags = append(flags, "blocked")
	case !r.is(rManaged):
		flags = append(flags, "unmanaged")
	}
	if r.is(rFailureIgnored) {
		flags = append(flags, "failure ignored")
	}
	b.WriteString(listFlags(flags))
	if multiple && where {
		b.WriteString(" [")
		for _, x := range r.running {
			b.WriteString(" " + x.uname)
		}
		b.WriteString(" ]")
	}
	return b.String()
}

// failedProbe returns the result of a probe which found out that the resource
// called id in its history cannot be on a node; any node when n is nil. Probes
// that do not name their node, or whose node is offline, do not count.
func (s *scheduler) failedProbe(id string, n *node) (int, bool) {
	for _, f := range s.failed {
		on := f.op.Get("on_node")
		if !readOp(f.op).absent() || on == "" || !f.node.online || n != nil && on != n.uname {
			continue
		}
		if rsc, _, _ := strings.Cut(f.op.Get("operation_key"), "_"+tMonitor+"_"); rsc == id {
			return atoiOr(f.op.Get("rc-code"), rcUnknown), true
		}
	}
	return 0, false
}

var rcTexts = map[int]string{0: "ok", 1: "error", 2: "invalid parameter", 3: "unimplemented feature",
	4: "insufficient privileges", 5: "not installed", 6: "not configured", 7: "not running", 8: "promoted",
	9: "promoted (failed)", 189: "unknown", 190: "OCF_DEGRADED", 191: "promoted (degraded)",
	193: "unknown", 194: "no pending action", 195: "no reply", 196: "not supported", 197: "cancelled", 198: "other timeout"}

func rcText(rc int) string {
	if t, ok := rcTexts[rc]; ok {
		return t
	}
	return "unknown error"
}

func (r *resource) allSet(f uint32) bool {
	if len(r.children) == 0 {
		return r.is(f)
	}
	for _, c := range r.children {
		if !c.allSet(f) {
			return false
		}
	}
	return true
}

func (r *resource) anySet(f uint32) bool {
	if r.is(f) {
		return true
	}
	for _, c := range r.children {
		if c.anySet(f) {
			return true
		}
	}
	return false
}

// configuredRole is the target role of a clone or of what it copies.
func (r *resource) configuredRole() role {
	v, ok := r.meta["target-role"]
	if !ok && len(r.children) > 0 {
		v = r.children[0].meta["target-role"]
	}
	return parseRole(v)
}

func (l *lister) clone(r *resource, indent string) bool {
	s, w := l.scheduler, l.w
	var flags []string
	if r.is(rPromotable) {
		flags = append(flags, "promotable")
	}
	if r.is(rUnique) {
		flags = append(flags, "unique")
	}
	flags = append(flags, r.managementFlags()...)
	fmt.Fprintf(w, "%s* Clone Set: %s [%s]%s:\n", indent, r.id, r.template.ID(), listFlags(flags))
	indent += "  "
	var promoted, started []string
	active := 0
	for _, c := range r.children {
		partly := c.active(false)
		full := false
		switch {
		case r.is(rUnique):
			full = l.o.Inactive || partly || c.variant == primitiveVariant
		case l.o.Detail:
			full = true
		case !partly && c.is(rOrphan):
			continue
		case s.opts.ShowPending && c.pendingTask != "":
			full = true
		case !partly:
		case c.anySet(rOrphan) || !c.allSet(rManaged) || c.anySet(rFailed):
			full = true
		case c.active(true):
			l := c.location()
			if len(l) != 1 {
				full = true
				break
			}
			switch {
			case !l[0].online && l[0].unclean:
				full = true
			case c.state(true) > roleUnpromoted:
				promoted = append(promoted, l[0].uname)
			default:
				started = append(started, l[0].uname)
			}
			if !full {
				active++
			}
		default:
			full = true
		}
		if full && !c.elsewhere() {
			l.resource(c, indent)
		}
	}
	list := func(name string, names []string) {
		if l.o.Node != nil {
			names = slices.DeleteFunc(names, func(n string) bool { return !l.o.Node(n) })
		}
		if len(names) > 0 {
			slices.SortFunc(names, compareNatural)
			fmt.Fprintf(w, "%s* %s: [ %s ]\n", indent, name, strings.Join(names, " "))
		}
	}
	list("Promoted", promoted)
	if r.is(rPromotable) {
		name := "Unpromoted"
		if r.configuredRole() == roleUnpromoted {
			name = "Unpromoted (target-role)"
		}
		list(name, started)
	} else {
		list("Started", started)
	}
	if r.is(rUnique) || r.cloneMax <= active || !l.o.Inactive || l.o.Detail {
		return true
	}
	name := "Stopped"
	if r.configuredRole() == roleStopped {
		name = "Stopped (disabled)"
	}
	known := true
	for _, n := range s.nodes {
		known = known && !r.allowed[n.idx].present
	}
	var stopped []string
	byProbe := map[string][]string{}
	var order []string
	for _, n := range s.nodes {
		// Without candidates (asymmetric cluster) those that answered count.
		if !r.allowed[n.idx].present && !(known && r.known[n.idx]) || slices.Contains(r.running, n) {
			continue
		}
		label := name
		if rc, ok := s.failedProbe(baseID(r.children[0].id), n); ok {
			label = "Stopped (" + rcText(rc) + ")"
		}
		if byProbe[label] == nil {
			order = append(order, label)
		}
		byProbe[label] = append(byProbe[label], n.uname)
		stopped = append(stopped, n.uname)
	}
	slices.Sort(order)
	for _, label := range order {
		list(label, byProbe[label])
	}
	return true
}
