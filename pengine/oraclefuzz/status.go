package oraclefuzz

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
)

const transitionUUID = "11111111-2222-3333-4444-555555555555"

// digest is the digest of agent parameters as histories hold it: the MD5 sum
// of the sorted parameters written as one element, with the timeout in
// milliseconds for a recurring operation.
func digest(params []pair, recurringTimeout int) string {
	var a []string
	if recurringTimeout > 0 {
		a = append(a, fmt.Sprintf(`CRM_meta_timeout="%d"`, recurringTimeout))
	}
	for _, p := range params {
		a = append(a, fmt.Sprintf(`%s="%s"`, p.name, p.value))
	}
	slices.Sort(a)
	var b strings.Builder
	b.WriteString(" <parameters")
	for _, s := range a {
		b.WriteString(" " + s)
	}
	b.WriteString("/>\n")
	sum := md5.Sum([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// placeAll decides where each resource is before anything goes wrong.
func (g *gen) placeAll() {
	fresh := g.chance(0.12)
	for _, r := range g.rscs {
		switch {
		case r.bundle != nil:
			g.placeBundle(r, fresh)
		case r.isClone():
			g.placeClone(r, fresh)
		default:
			g.placeSingle(r, fresh)
		}
	}
}

// withLRM are the nodes that have a history.
func (g *gen) withLRM() []*node {
	var out []*node
	for _, n := range g.nodes {
		if !n.absent && !n.noLRM {
			out = append(out, n)
		}
	}
	return out
}

// idle is the state of a resource where it does not run.
func (g *gen) idle(fresh bool) string {
	switch {
	case fresh && g.chance(0.8), g.chance(0.05):
		return "unprobed"
	case g.chance(0.15):
		return "stopped" // by an operation stop
	}
	return "probed"
}

func (g *gen) put(leaf *rsc, lrmID string, n *node, state string) *place {
	p := &place{leaf: leaf, lrmID: lrmID, node: n, state: state, digest: "good"}
	if g.chance(0.01) {
		p.digest = "none"
	}
	g.places = append(g.places, p)
	return p
}

// placeSingle places a primitive or a group.
func (g *gen) placeSingle(r *rsc, fresh bool) {
	ns := hosts(r, g.withLRM())
	if len(ns) == 0 {
		return
	}
	home := ns[g.r.IntN(len(ns))]
	leaves := r.leaves()
	running := len(leaves)
	if fresh || r.neverRunning || g.chance(0.2) {
		running = 0
	} else if g.chance(0.15) {
		running = g.r.IntN(len(leaves) + 1)
	}
	for i, l := range leaves {
		for _, n := range ns {
			if n == home && i < running {
				g.put(l, l.id, n, "started")
			} else {
				g.put(l, l.id, n, g.idle(fresh))
			}
		}
	}
}

// placeClone places the instances of a clone.
func (g *gen) placeClone(c *rsc, fresh bool) {
	ns := hosts(c, g.withLRM())
	maxInst := len(g.nodes)
	if v, err := strconv.Atoi(get(c.meta, "clone-max")); err == nil {
		maxInst = v
	}
	promoted := map[*node]bool{}
	if c.promotable() && !fresh && g.chance(0.7) && len(ns) > 0 {
		promoted[ns[g.r.IntN(len(ns))]] = true
		if get(c.meta, "promoted-max") > "1" && g.chance(0.5) {
			promoted[ns[g.r.IntN(len(ns))]] = true
		}
	}
	inst := 0
	if c.unique() {
		perNode := max(1, atoi(get(c.meta, "clone-node-max")))
		for _, n := range ns {
			for range perNode {
				if inst >= maxInst {
					break
				}
				for _, l := range c.leaves() {
					st := "started"
					if fresh || g.chance(0.15) {
						st = g.idle(fresh)
					} else if promoted[n] {
						st = "promoted"
					}
					g.put(l, fmt.Sprintf("%s:%d", l.id, inst), n, st)
				}
				inst++
			}
		}
		return
	}
	numbered := g.chance(0.05)
	for i, n := range ns {
		run := !fresh && inst < maxInst && g.chance(0.85)
		if run {
			inst++
		}
		part := len(c.leaves())
		if g.chance(0.08) {
			part = g.r.IntN(part + 1)
		}
		for k, l := range c.leaves() {
			id := l.id
			if numbered {
				id += ":" + strconv.Itoa(i)
			}
			switch {
			case !run || k >= part:
				g.put(l, id, n, g.idle(fresh))
			case promoted[n]:
				g.put(l, id, n, "promoted")
			default:
				g.put(l, id, n, "started")
			}
		}
	}
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }

// opRecord is what distinguishes one history entry.
type opRecord struct {
	id, task   string
	ms, rc     int
	target     int
	status     int
	call       int
	age        int // seconds before Now
	more       []pair
	paramsFrom []pair // parameters at that time, for the digest
	timeout    int    // of a recurring operation
}

func (g *gen) record(p *place, o opRecord) *cib.Element {
	key := fmt.Sprintf("%d:%d:%d:%s", 1+g.r.IntN(40), 1+g.r.IntN(9), o.target, transitionUUID)
	e := cib.New("lrm_rsc_op", "id", p.lrmID+"_"+o.id, "operation_key", fmt.Sprintf("%s_%s_%d", p.lrmID, o.task, o.ms),
		"operation", o.task, "crm_feature_set", "3.16.1", "transition-key", key,
		"transition-magic", fmt.Sprintf("%d:%d;%s", o.status, o.rc, key), "on_node", p.node.name,
		"call-id", strconv.Itoa(o.call), "rc-code", strconv.Itoa(o.rc), "op-status", strconv.Itoa(o.status),
		"interval", strconv.Itoa(o.ms), "last-rc-change", strconv.Itoa(Now-o.age), "exec-time", "10", "queue-time", "0")
	add := func(n, v string) { e.Attrs = append(e.Attrs, cib.Attr{Name: n, Value: v}) }
	for _, m := range o.more {
		add(m.name, m.value)
	}
	ps := slices.Clone(o.paramsFrom)
	to := 0
	if o.ms > 0 {
		to = o.timeout
	}
	switch p.digest {
	case "none":
	case "changed":
		ps = set(ps, "state", "/run/old")
		add("crm-debug-origin", "old-parameters")
		add("op-digest", digest(ps, to))
	case "reload":
		keep := []pair{}
		if v := get(ps, "state"); v != "" {
			keep = append(keep, pair{"state", v})
		}
		add("op-digest", digest(append(ps, pair{"reloadable", "old"}), to))
		if o.ms == 0 {
			add("op-force-restart", " state ")
			add("op-restart-digest", digest(keep, 0))
		}
	default:
		add("op-digest", digest(ps, to))
	}
	return e
}

// roleMonitors are the configured recurring operations that run in the state.
func (p *place) roleMonitors() []*op {
	var out []*op
	for _, o := range p.leaf.ops {
		if o.ms == 0 || get(o.attrs, "enabled") == "false" {
			continue
		}
		switch get(o.attrs, "role") {
		case "Promoted":
			if p.state == "promoted" {
				out = append(out, o)
			}
		case "Stopped":
		case "Unpromoted":
			if p.state == "started" {
				out = append(out, o)
			}
		default:
			if p.state != "promoted" || !p.leaf.top().promotable() {
				out = append(out, o)
			}
		}
	}
	return out
}

// history writes what the LRM of the node knows about a place.
func (g *gen) history(p *place) *history {
	h := &history{lrmID: p.lrmID, class: p.leaf.class, provider: p.leaf.provider, typ: p.leaf.typ, container: p.leaf.container}
	params := p.leaf.params
	n := p.node
	next := func() int { n.call++; return n.call }
	add := func(o opRecord) {
		o.paramsFrom = params
		if o.age == 0 {
			o.age = 3600 + g.r.IntN(3600)
		}
		h.ops = append(h.ops, g.record(p, o))
	}
	up := map[bool]int{false: 0, true: 8}[p.state == "promoted"]
	fail := func(task string, ms, target int) {
		rc, st := pick(g, 1, 1, 7, 6, 5), pick(g, 0, 0, 4)
		switch {
		case task != "monitor":
			rc = pick(g, 1, 1, 5, 2)
		case target == 7:
			rc = pick(g, 1, 1, 6, 5)
		}
		if g.chance(0.15) {
			rc, st = 1, 2
		}
		if p.fate == "not-installed" {
			rc, st = 5, pick(g, 0, 7)
		}
		if p.rc != 0 {
			rc, st = p.rc, p.status
		}
		o := opRecord{id: "last_failure_0", task: task, ms: ms, rc: rc, target: target, status: st, call: next(), age: 60 + g.r.IntN(1500)}
		if p.reason != "" {
			o.more = append(o.more, pair{"exit-reason", p.reason})
		}
		if ms == 0 {
			l := o
			l.id = "last_0"
			add(l)
		}
		add(o)
		p.failed = h.ops[len(h.ops)-1]
	}
	monitors := func() {
		for _, o := range p.roleMonitors() {
			add(opRecord{id: fmt.Sprintf("monitor_%d", o.ms), task: "monitor", ms: o.ms, rc: up, target: up, call: next(), timeout: o.timeout()})
		}
	}
	mark := []pair{{"exit-reason", "older"}}
	switch p.older { // the present comes after it, under ids of its own
	case "stop", "start":
		add(opRecord{id: "last_1", task: p.older, call: next(), age: 9000, more: mark})
	case "failed-start":
		add(opRecord{id: "last_failure_0", task: "start", rc: 1, call: next(), age: 9000, more: mark})
	case "failed-monitor":
		add(opRecord{id: "last_failure_0", task: "monitor", ms: 10000, rc: pick(g, 1, 7), target: up, call: next(), age: pick(g, 60, 9000), more: mark, timeout: 20000})
	case "probe":
		add(opRecord{id: "monitor_0", task: "monitor", rc: pick(g, 0, 7, 5), target: 7, call: next(), age: 9000, more: mark})
	}
	pending := func(id, task string, ms, target int, more ...pair) {
		add(opRecord{id: id, task: task, ms: ms, rc: 193, target: target, status: -1, call: -1, age: 5, more: more})
	}
	switch p.fate {
	case "failed-probe", "not-installed":
		fail("monitor", 0, 7)
		return h
	case "failed-start":
		fail("start", 0, 0)
		return h
	case "failed-stop":
		monitors()
		fail("stop", 0, 0)
		return h
	case "failed-promote":
		fail("promote", 0, 0)
		return h
	case "failed-demote":
		fail("demote", 0, 0)
		return h
	case "pending-start":
		pending("last_0", "start", 0, 0)
		return h
	case "pending-probe":
		pending("last_0", "monitor", 0, 7)
		return h
	case "pending-stop":
		monitors()
		pending("last_0", "stop", 0, 0)
		return h
	case "pending-promote":
		pending("last_0", "promote", 0, 0)
		return h
	case "demoted":
		add(opRecord{id: "last_0", task: "demote", call: next()})
		p.state = "started"
		up = 0
		if g.chance(0.5) {
			monitors()
		}
		return h
	case "migrate-to", "migrate-to-pending", "migrate-to-failed":
		m := []pair{{"migrate_source", p.node.name}, {"migrate_target", p.other.name}}
		switch p.fate {
		case "migrate-to":
			add(opRecord{id: "last_0", task: "migrate_to", call: next(), age: 120, more: m})
		case "migrate-to-pending":
			pending("last_0", "migrate_to", 0, 0, m...)
		default:
			c := next()
			add(opRecord{id: "last_0", task: "migrate_to", rc: 1, call: c, age: 120, more: m})
			add(opRecord{id: "last_failure_0", task: "migrate_to", rc: 1, call: c, age: 120, more: m})
			p.failed = h.ops[len(h.ops)-1]
		}
		return h
	case "migrate-from", "migrate-from-pending", "migrate-from-failed":
		m := []pair{{"migrate_source", p.other.name}, {"migrate_target", p.node.name}}
		switch p.fate {
		case "migrate-from":
			add(opRecord{id: "last_0", task: "migrate_from", call: next(), age: 100, more: m})
			if g.chance(0.5) {
				monitors()
			}
		case "migrate-from-pending":
			pending("last_0", "migrate_from", 0, 0, m...)
		default:
			c := next()
			add(opRecord{id: "last_0", task: "migrate_from", rc: 1, call: c, age: 100, more: m})
			add(opRecord{id: "last_failure_0", task: "migrate_from", rc: 1, call: c, age: 100, more: m})
			p.failed = h.ops[len(h.ops)-1]
		}
		return h
	case "stopped-after-start":
		add(opRecord{id: "last_0", task: "stop", call: next()})
		return h
	}

	switch p.state {
	case "probed":
		add(opRecord{id: "last_0", task: "monitor", rc: 7, target: 7, call: next()})
	case "stopped":
		add(opRecord{id: "last_0", task: "stop", call: next()})
		if g.chance(0.3) { // left over from before the stop
			h.ops[0] = h.ops[0].WithAttr("call-id", strconv.Itoa(n.call+1))
			for _, o := range p.leaf.ops {
				if o.ms > 0 && get(o.attrs, "role") == "" {
					add(opRecord{id: fmt.Sprintf("monitor_%d", o.ms), task: "monitor", ms: o.ms, call: n.call, timeout: o.timeout()})
				}
			}
			n.call++
		}
	case "started", "promoted":
		task, rc, target := "start", 0, 0
		if p.state == "promoted" {
			task = "promote"
		}
		if p.fate == "found-running" {
			task, rc, target = "monitor", up, 7
		}
		add(opRecord{id: "last_0", task: task, rc: rc, target: target, call: next()})
		if p.fate != "found-running" && p.fate != "no-monitor" {
			monitors()
		}
	}
	switch p.fate {
	case "failed-monitor":
		ms := 10000
		if os := p.roleMonitors(); len(os) > 0 {
			ms = pick(g, os...).ms
		}
		fail("monitor", ms, up)
	case "degraded":
		add(opRecord{id: "monitor_10000", task: "monitor", ms: 10000, rc: 190 + up/8, target: up, call: next(), timeout: 20000})
	case "cancelled":
		add(opRecord{id: "monitor_7000", task: "monitor", ms: 7000, rc: up, target: up, call: next(), timeout: 20000})
	case "pending-monitor":
		pending("monitor_10000", "monitor", 10000, up)
	}
	// One entry per id: the later replaces the earlier.
	seen := map[string]int{}
	out := h.ops[:0]
	for _, e := range h.ops {
		if i, ok := seen[e.ID()]; ok {
			out[i] = e
			continue
		}
		seen[e.ID()] = len(out)
		out = append(out, e)
	}
	h.ops = out
	return h
}

// writeHistories turns the places into histories, and adds the orphans.
func (g *gen) writeHistories() {
	for _, p := range g.places {
		if p.state == "unprobed" && p.fate == "" {
			continue
		}
		if h := g.history(p); len(h.ops) > 0 {
			if p.drop != "" {
				for i, e := range h.ops {
					h.ops[i] = e.WithoutAttr(p.drop)
				}
			}
			p.node.hist = append(p.node.hist, h)
		}
	}
}

// running returns a random place that is up, or brings one up; promoted asks
// for a promotable resource.
func (g *gen) running(promoted bool) *place {
	fit := func(p *place) bool {
		if p.fate != "" || p.leaf.stonith() {
			return false
		}
		if promoted {
			return p.leaf.top().promotable()
		}
		return p.state == "started" || p.state == "promoted"
	}
	var p *place
	if g.chance(0.7) { // one that has options for failures, if any
		p = g.place(func(p *place) bool {
			return fit(p) && (get(p.leaf.meta, "failure-timeout") != "" || get(p.leaf.meta, "migration-threshold") != "" ||
				get(p.leaf.top().meta, "failure-timeout") != "" || get(p.leaf.top().meta, "migration-threshold") != "" ||
				slices.ContainsFunc(p.leaf.ops, func(o *op) bool { return get(o.attrs, "on-fail") != "" }))
		})
	}
	if p == nil {
		p = g.place(fit)
	}
	if p == nil {
		p = g.place(func(p *place) bool { return p.fate == "" && (!promoted || p.leaf.top().promotable()) })
	}
	if p != nil && p.state != "started" && p.state != "promoted" {
		p.state = "started"
	}
	return p
}

// place returns a random place that fits, or nil.
func (g *gen) place(fits func(*place) bool) *place {
	var fit []*place
	for _, p := range g.places {
		if fits(p) {
			fit = append(fit, p)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return fit[g.r.IntN(len(fit))]
}

// ruin gives a running place a fate, and mostly a fail count.
func (g *gen) ruin(fate string, promoted bool) *place {
	p := g.running(promoted)
	if p == nil {
		return nil
	}
	p.fate = fate
	if g.chance(0.6) {
		g.failCount(p, "", pick(g, "1", "1", "2", "3", "INFINITY"))
	}
	return p
}

// failCount writes the fail count of a place as the cluster would.
func (g *gen) failCount(p *place, task, value string) {
	id := p.lrmID
	if task == "" {
		task = map[string]string{"failed-start": "start_0", "failed-stop": "stop_0", "failed-promote": "promote_0", "failed-demote": "demote_0"}[p.fate]
	}
	if task == "" {
		task = "monitor_10000"
	}
	if g.chance(0.05) { // as older versions wrote it
		p.node.transient = set(p.node.transient, "fail-count-"+id, value)
		p.node.transient = set(p.node.transient, "last-failure-"+id, strconv.Itoa(Now-60))
		return
	}
	p.node.transient = set(p.node.transient, "fail-count-"+id+"#"+task, value)
	if g.chance(0.9) {
		p.node.transient = set(p.node.transient, "last-failure-"+id+"#"+task, strconv.Itoa(Now-30-g.r.IntN(1200)))
	}
}
