package oraclefuzz

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
)

// Graph is a transition graph in the form in which two are compared: actions
// under names that do not depend on numbering.
type Graph struct {
	// Actions are all actions by name; names of actions which are equal but
	// for their number end in "#1", "#2", ….
	Actions map[string]*Action
	// ordered holds the names in order.
	ordered []string
}

// Action is one action of a graph.
type Action struct {
	// Name identifies the action: task, resource and node, with a number when
	// there are several.
	Name string
	// Real is false for pseudo events, whose names and number do not matter.
	Real bool
	// Params holds what the executor would see: the primitive's identity with
	// a leading "@", the agent's parameters, meta-attributes.
	Params map[string]string
	// Inputs are the names of the direct predecessors.
	Inputs []string
	kind   string // rsc_op, crm_event or pseudo_event
}

var (
	// aliases and bookkeeping among the parameters, which are not compared
	dropParam = regexp.MustCompile(`^(crm_feature_set|CRM_meta_on_node|CRM_meta_on_node_uuid|CRM_meta_master_(max|node_max)|CRM_meta_notify_(slave|master)_(resource|uname)|CRM_meta_digests_.*|CRM_meta_call_id)$`)
	instance  = regexp.MustCompile(`:\d+_`)
)

// ReadGraph reads a transition graph in its XML form. It returns an error when
// the document is none.
func ReadGraph(data []byte) (*Graph, error) {
	root, err := cib.Parse(data, "transition graph")
	if err != nil {
		return nil, fmt.Errorf("reading a transition graph: %w", err)
	}
	if root.Name != "transition_graph" {
		return nil, fmt.Errorf("reading a transition graph: the root is <%s>", root.Name)
	}
	type raw struct {
		el       *cib.Element
		act      *Action
		key      string
		internal string
		triggers []string
	}
	byID := map[string]*raw{}
	var raws []*raw
	for _, syn := range root.All("synapse") {
		var triggers []string
		for _, t := range syn.First("inputs").All("trigger") {
			for _, c := range t.Children {
				if c.IsElement() {
					triggers = append(triggers, c.ID())
					break
				}
			}
		}
		set := syn.First("action_set")
		if set == nil {
			return nil, fmt.Errorf("reading a transition graph: line %d: a synapse has no <action_set>", syn.Line)
		}
		for _, e := range set.Children {
			if e.Name != "rsc_op" && e.Name != "crm_event" && e.Name != "pseudo_event" {
				continue
			}
			r := &raw{el: e, act: &Action{Real: e.Name != "pseudo_event", Params: params(e), kind: e.Name}, key: actionKey(e), triggers: triggers,
				internal: e.Get("internal_operation_key")}
			if r.internal == "" {
				r.internal = e.Get("operation_key")
			}
			if byID[e.ID()] != nil {
				return nil, fmt.Errorf("reading a transition graph: two actions have the id %s", e.ID())
			}
			byID[e.ID()] = r
			raws = append(raws, r)
		}
	}
	// Twins are told apart by what is around them, as far as that goes.
	around := func(ids []string) string {
		var ks []string
		for _, id := range ids {
			if t := byID[id]; t != nil {
				ks = append(ks, t.key)
			} else {
				ks = append(ks, "dangling "+id)
			}
		}
		slices.Sort(ks)
		return strings.Join(ks, "\n")
	}
	succ := map[string][]string{}
	for _, r := range raws {
		for _, t := range r.triggers {
			succ[t] = append(succ[t], r.el.ID())
		}
	}
	groups := map[string][]*raw{}
	for _, r := range raws {
		groups[r.key] = append(groups[r.key], r)
	}
	g := &Graph{Actions: map[string]*Action{}}
	for key, rs := range groups {
		sortKey := func(r *raw) string {
			return strings.Join([]string{r.internal, fmt.Sprint(sorted(r.act.Params)), around(r.triggers), around(succ[r.el.ID()])}, "\x00")
		}
		slices.SortStableFunc(rs, func(a, b *raw) int { return strings.Compare(sortKey(a), sortKey(b)) })
		for i, r := range rs {
			r.act.Name = key
			if i > 0 {
				r.act.Name = key + "#" + strconv.Itoa(i)
			}
			g.Actions[r.act.Name] = r.act
		}
	}
	for _, r := range raws {
		for _, t := range r.triggers {
			if p := byID[t]; p != nil {
				r.act.Inputs = append(r.act.Inputs, p.act.Name)
				continue
			}
			name := "dangling input " + t
			g.Actions[name] = &Action{Name: name, Params: map[string]string{}}
			r.act.Inputs = append(r.act.Inputs, name)
		}
	}
	g.ordered = slices.Sorted(maps.Keys(g.Actions))
	return g, nil
}

// actionKey names an action in words: "stop rsc1 on node1".
func actionKey(e *cib.Element) string {
	key := e.Get("operation_key")
	if key == "" {
		key = e.ID()
	}
	if e.Name == "pseudo_event" {
		return "pseudo " + instance.ReplaceAllString(key, "_") + " (" + e.Get("operation") + ")"
	}
	s := key + " on " + e.Get("on_node")
	if op := e.Get("operation"); e.Name == "crm_event" || !strings.Contains(key, "_"+op+"_") {
		s += " (" + op + ")"
	}
	return s
}

func params(e *cib.Element) map[string]string {
	m := map[string]string{}
	if p := e.First("primitive"); p != nil {
		for _, n := range []string{"id", "class", "provider", "type"} {
			if v := p.Get(n); v != "" {
				m["@"+n] = v
			}
		}
	}
	if as := e.First("attributes"); as != nil {
		for _, a := range as.Attrs {
			if dropParam.MatchString(a.Name) {
				continue
			}
			v := a.Value
			if strings.HasPrefix(a.Name, "CRM_meta_notify_") {
				f := strings.Fields(v) // a list, whose order is that of the author
				slices.Sort(f)
				v = strings.Join(f, " ")
			}
			m[a.Name] = v
		}
	}
	if d := e.First("downed"); d != nil {
		var ids []string
		for _, n := range d.Children {
			ids = append(ids, n.ID())
		}
		slices.Sort(ids)
		m["@downed"] = strings.Join(ids, " ")
	}
	for _, n := range []string{"shutdown-lock", "mode", "router_node"} {
		if v := e.Get(n); v != "" {
			m["@"+n] = v
		}
	}
	return m
}

// sorted lists a map as "name=value" in order.
func sorted(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return out
}

// Real are the names of the real actions in order.
func (g *Graph) Real() []string {
	var out []string
	for _, n := range g.ordered {
		if g.Actions[n].Real {
			out = append(out, n)
		}
	}
	return out
}

// before returns for each real action the set of the real actions that precede
// it, through anything. Loops are harmless.
func (g *Graph) before() map[string]map[string]bool {
	preds := map[string]map[string]bool{}
	for _, n := range g.Real() {
		set := map[string]bool{}
		seen := map[string]bool{n: true}
		stack := []string{n}
		for len(stack) > 0 {
			a := g.Actions[stack[len(stack)-1]]
			stack = stack[:len(stack)-1]
			for _, p := range a.Inputs {
				if seen[p] {
					continue
				}
				seen[p] = true
				if g.Actions[p].Real {
					set[p] = true
				}
				stack = append(stack, p)
			}
		}
		preds[n] = set
	}
	return preds
}

// CompareGraphs compares the real actions, their parameters and their partial
// order. The kinds are "actions", "params" and "order".
func CompareGraphs(want, got *Graph) []Difference {
	var out []Difference
	a, b := want.Real(), got.Real()
	d := Difference{Kind: "actions"}
	for _, n := range a {
		if got.Actions[n] == nil {
			d.Only(oracleSide, n)
		}
	}
	for _, n := range b {
		if want.Actions[n] == nil {
			d.Only(ourSide, n)
		}
	}
	out = d.appendTo(out)

	d = Difference{Kind: "params"}
	for _, n := range a {
		x, y := want.Actions[n], got.Actions[n]
		if y == nil {
			continue
		}
		names := maps.Clone(x.Params)
		maps.Copy(names, y.Params)
		for _, k := range slices.Sorted(maps.Keys(names)) {
			p, pok := x.Params[k]
			q, qok := y.Params[k]
			if pok != qok || p != q {
				d.Words = append(d.Words, fmt.Sprintf("%s: %s is %s in the oracle's graph, %s in ours", n, k, quote(p, pok), quote(q, qok)))
				d.parts = append(d.parts, task(n)+" "+k)
			}
		}
	}
	out = d.appendTo(out)

	d = Difference{Kind: "order"}
	wb, gb := want.before(), got.before()
	for _, n := range a {
		if got.Actions[n] == nil {
			continue
		}
		for _, p := range slices.Sorted(maps.Keys(wb[n])) {
			if got.Actions[p] != nil && !gb[n][p] {
				d.Words = append(d.Words, fmt.Sprintf("only the oracle runs %q before %q", p, n))
				d.parts = append(d.parts, "lost "+task(p)+"→"+task(n))
			}
		}
		for _, p := range slices.Sorted(maps.Keys(gb[n])) {
			if want.Actions[p] != nil && !wb[n][p] {
				d.Words = append(d.Words, fmt.Sprintf("only we run %q before %q", p, n))
				d.parts = append(d.parts, "extra "+task(p)+"→"+task(n))
			}
		}
	}
	return d.appendTo(out)
}

func quote(s string, present bool) string {
	if !present {
		return "absent"
	}
	return strconv.Quote(s)
}

var taskOf = regexp.MustCompile(`_(?:pre_notify_|post_notify_|confirmed-pre_notify_|confirmed-post_notify_)?([a-z]+(?:_to|_from|_failcount)?)_(\d+)(?:#\d+)? on `)

// task is what is done in an action, without the resource and node.
func task(name string) string {
	if i := strings.LastIndex(name, " ("); i >= 0 {
		return strings.Trim(name[i:], " ()#0123456789")
	}
	m := taskOf.FindStringSubmatch(name)
	if m == nil {
		return name
	}
	if m[1] == "monitor" && m[2] == "0" {
		return "probe"
	}
	return m[1]
}
