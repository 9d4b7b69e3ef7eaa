package pengine_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pengine/oraclefuzz"
)

// hangAfter is the time after which a computation counts as hung; documents of
// the fuzz target are small.
const hangAfter = 20 * time.Second

// scheduleAll does with a document all that the commands do and fails when it
// takes too long.
func scheduleAll(tb testing.TB, name string, root *cib.Element) *pengine.Result {
	tb.Helper()
	begin := time.Now()
	timer := time.AfterFunc(hangAfter, func() {
		f := filepath.Join(os.TempDir(), "schedule-hang.xml")
		_ = os.WriteFile(f, cib.Print(root), 0o600)
		panic(fmt.Sprintf("%s: not finished after %v; the document is in %s", name, hangAfter, f))
	})
	defer timer.Stop()
	defer func() {
		if e := recover(); e != nil {
			f := filepath.Join(os.TempDir(), "schedule-panic.xml")
			_ = os.WriteFile(f, cib.Print(root), 0o600)
			panic(fmt.Sprintf("%s: %v; the document is in %s", name, e, f))
		}
	}()
	now := time.Unix(oraclefuzz.Now, 0).UTC()
	status, err := pengine.Schedule(root, now, pengine.Options{StatusOnly: true, ShowPending: true})
	if err != nil {
		return nil
	}
	status.StatusText(io.Discard)
	res, err := pengine.Schedule(root, now, pengine.Options{Explain: true})
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	res.SummaryText(io.Discard)
	if err := res.WriteDOT(io.Discard, true); err != nil {
		tb.Fatal(err)
	}
	for i, a := range res.Graph.Actions {
		if a.ID != i {
			tb.Fatalf("%s: action %d has the id %d", name, i, a.ID)
		}
		for _, in := range a.Inputs {
			if in < 0 || in >= len(res.Graph.Actions) || in == i {
				tb.Fatalf("%s: action %d has the input %d of %d actions", name, i, in, len(res.Graph.Actions))
			}
		}
	}
	if d := time.Since(begin); d > hangAfter/4 {
		tb.Logf("%s took %v", name, d)
	}
	return res
}

// oddValues are what a hand or a program may have left in an attribute.
var oddValues = []string{"", "0", "1", "-1", "3", "true", "false", "yes", "INFINITY", "-INFINITY", "+INFINITY", "99999999999999999999",
	"-99999999999999999999", "1000001", "nonsense", ":", ":0", "a:b:c:d", "#default", " ", "10s", "PT1H", "Promoted", "Stopped",
	"Started", "start", "stop", "promote", "monitor", "block", "fence", "demote", "standby", "ignore", "stonith", "ocf", "é",
	"2024-13-45", "193", "8", "7", "-2", "4294967296", "0:0;", "1:2:3:x", "0:0;1:2:0:x", "exclusive", "never"}

// oddNames are elements that may stand where others are expected.
var oddNames = []string{"primitive", "group", "clone", "master", "template", "bundle", "rsc_order", "rsc_colocation", "rsc_location",
	"resource_set", "resource_ref", "rule", "expression", "date_expression", "op_expression", "meta_attributes", "instance_attributes",
	"nvpair", "op", "operations", "node", "node_state", "lrm", "lrm_resources", "lrm_resource", "lrm_rsc_op", "transient_attributes",
	"tag", "obj_ref", "fencing-topology", "fencing-level", "utilization", "status", "configuration", "#comment", "#text", "x"}

// oddAttrs are attributes that change what an element means.
var oddAttrs = []string{"id", "id-ref", "name", "value", "score", "rsc", "with-rsc", "first", "then", "role", "node", "template",
	"rsc-pattern", "kind", "symmetrical", "sequential", "require-all", "action", "interval", "timeout", "enabled", "on-fail",
	"operation", "operation_key", "call-id", "rc-code", "op-status", "transition-key", "transition-magic", "last-rc-change",
	"uname", "type", "class", "provider", "crmd", "join", "in_ccm", "expected", "have-quorum", "boolean-op", "attribute",
	"migrate_source", "migrate_target", "exit-reason", "ordering", "first-action", "then-action", "score-attribute",
	"score-attribute-mangled", "resource-discovery", "no-quorum-panic", "start", "end"}

// mutate changes a document at random: elements are removed, doubled, moved
// and renamed; attributes get odd values, those of other elements or go.
func mutate(root *cib.Element, r *rand.Rand, changes int) *cib.Element {
	for range changes {
		var all []*cib.Element
		var ids []string
		root.Walk(func(e *cib.Element) bool {
			all = append(all, e)
			if id := e.ID(); id != "" {
				ids = append(ids, id)
			}
			return true
		})
		target, other := all[r.IntN(len(all))], all[r.IntN(len(all))]
		if target == root {
			continue
		}
		value := func() string {
			if len(ids) > 0 && r.IntN(3) == 0 {
				return ids[r.IntN(len(ids))]
			}
			return oddValues[r.IntN(len(oddValues))]
		}
		changed := target
		var more []*cib.Element
		switch r.IntN(12) {
		case 0:
			changed = nil
		case 1:
			more = append(more, target)
		case 2, 3, 4, 5:
			if len(target.Attrs) > 0 {
				changed = target.WithAttr(target.Attrs[r.IntN(len(target.Attrs))].Name, value())
			}
		case 6:
			changed = target.WithAttr(oddAttrs[r.IntN(len(oddAttrs))], value())
		case 7:
			if len(target.Attrs) > 0 {
				changed = target.WithoutAttr(target.Attrs[r.IntN(len(target.Attrs))].Name)
			}
		case 8:
			c := *target
			c.Name = oddNames[r.IntN(len(oddNames))]
			changed = &c
		case 9:
			more = append(more, other)
		case 10:
			changed = target.WithChild(other)
		case 11:
			changed = target.WithChildren()
		}
		root = replaceElement(root, target, changed, more)
		if size(root) > 5000 {
			break
		}
	}
	return root
}

func size(e *cib.Element) int {
	n := 1
	for _, c := range e.Children {
		n += size(c)
	}
	return n
}

// replaceElement returns a copy of e in which old is replaced and followed by
// more.
func replaceElement(e, old, by *cib.Element, more []*cib.Element) *cib.Element {
	children := make([]*cib.Element, 0, len(e.Children)+1)
	done := false
	for _, c := range e.Children {
		if c == old {
			if by != nil {
				children = append(children, by)
			}
			children = append(children, more...)
			done = true
			continue
		}
		if !done && len(c.Children) > 0 {
			n := replaceElement(c, old, by, more)
			done = n != c
			c = n
		}
		children = append(children, c)
	}
	if !done {
		return e
	}
	return e.WithChildren(children...)
}

// FuzzSchedule schedules documents of the generator of the differential tests
// after random damage: there is always a result, never a panic or a hang.
func FuzzSchedule(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, seed*7919, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, document, damage uint64, changes uint8) {
		root, err := oraclefuzz.Generate(document)
		if err != nil {
			t.Skip(err)
		}
		root = mutate(root, rand.New(rand.NewPCG(damage, 1)), int(changes%64))
		scheduleAll(t, fmt.Sprintf("document %d, damage %d, changes %d", document, damage, changes), root)
	})
}

// FuzzScheduleText schedules whatever parses.
func FuzzScheduleText(f *testing.F) {
	for seed := range uint64(20) {
		root, err := oraclefuzz.Generate(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(cib.Print(root))
	}
	f.Add([]byte(`<cib><configuration/></cib>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		root, err := cib.Parse(text, "fuzz")
		if err != nil {
			return
		}
		scheduleAll(t, "the text", root)
	})
}

// badCIB puts resources, constraints and status into a small CIB of two nodes.
func badCIB(tb testing.TB, resources, constraints, status string) *cib.Element {
	tb.Helper()
	text := `<cib have-quorum="1" crm_feature_set="3.16.1" validate-with="pacemaker-3.9"><configuration><crm_config>` +
		`<cluster_property_set id="c"><nvpair id="c1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config><nodes>` +
		`<node id="1" uname="n1"/><node id="2" uname="n2"/></nodes><resources>` + resources + `</resources><constraints>` + constraints +
		`</constraints></configuration><status>` +
		`<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">` + status + `</node_state>` +
		`<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`
	root, err := cib.Parse([]byte(text), "test")
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

func many(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

func dummy(id string) string {
	return `<primitive id="` + id + `" class="ocf" provider="pacemaker" type="Dummy"/>`
}

// TestScheduleBadInput schedules documents that are wrong or excessive.
func TestScheduleBadInput(t *testing.T) {
	rscs := func(n int) string { return many(n, func(i int) string { return dummy(fmt.Sprintf("r%d", i)) }) }
	nested := func(n int, open, end, inner string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for _, c := range []struct {
		name, resources, constraints, status string
		errors, warnings                     string // what one of Errors, of Warnings has in it
		starts                               int
	}{
		{name: "reference to nothing", resources: rscs(2), constraints: `<rsc_order id="o" first="r0" then="nobody"/>` +
			`<rsc_colocation id="k" rsc="ghost" with-rsc="r0"/><rsc_location id="l" rsc="ghost" node="n1" score="1"/>`,
			errors: "nobody", starts: 2},
		{name: "order loop of two", resources: rscs(2), constraints: `<rsc_order id="a" first="r0" then="r1"/><rsc_order id="b" first="r1" then="r0"/>`, starts: -1},
		{name: "order loop of 2000", resources: rscs(2000), constraints: many(2000, func(i int) string {
			return fmt.Sprintf(`<rsc_order id="o%d" first="r%d" then="r%d"/>`, i, i, (i+1)%2000)
		}), starts: -1},
		{name: "order chain of 3000", resources: rscs(3000), constraints: many(2999, func(i int) string {
			return fmt.Sprintf(`<rsc_order id="o%d" first="r%d" then="r%d"/>`, i, i, i+1)
		}), starts: 3000},
		{name: "order chain of 3000 backwards, first unable", resources: rscs(3000), constraints: `<rsc_location id="l" rsc="r2999" node="n1" score="-INFINITY"/>` +
			`<rsc_location id="l2" rsc="r2999" node="n2" score="-INFINITY"/>` + many(2999, func(i int) string {
			return fmt.Sprintf(`<rsc_order id="o%d" first="r%d" then="r%d"/>`, i, i+1, i)
		}), starts: 0},
		{name: "colocation loop of 500", resources: rscs(500), constraints: many(500, func(i int) string {
			return fmt.Sprintf(`<rsc_colocation id="k%d" rsc="r%d" with-rsc="r%d" score="INFINITY"/>`, i, i, (i+1)%500)
		}), starts: -1},
		{name: "colocation chain of 1000", resources: rscs(1000), constraints: many(999, func(i int) string {
			return fmt.Sprintf(`<rsc_colocation id="k%d" rsc="r%d" with-rsc="r%d" score="100"/>`, i, i, i+1)
		}), starts: 1000},
		{name: "each of 40 with each other", resources: rscs(40), constraints: many(1600, func(i int) string {
			return fmt.Sprintf(`<rsc_colocation id="k%d" rsc="r%d" with-rsc="r%d" score="5"/>`, i, i/40, i%40)
		}), warnings: "too many colocations depend on one another", starts: 40},
		{name: "colocation with itself", resources: rscs(1), constraints: `<rsc_colocation id="k" rsc="r0" with-rsc="r0" score="1"/>`, errors: "itself", starts: 1},
		{name: "order with itself", resources: rscs(1), constraints: `<rsc_order id="k" first="r0" then="r0"/>`, starts: -1},
		{name: "duplicate ids", resources: dummy("r0") + dummy("r0") + `<group id="r0">` + dummy("r0") + `</group>`, errors: "twice", starts: 1},
		{name: "scores out of range", resources: rscs(1), constraints: `<rsc_location id="l" rsc="r0" node="n1" score="99999999999999999999999"/>` +
			`<rsc_location id="m" rsc="r0" node="n2" score="-99999999999999999999999"/>`, starts: 1},
		{name: "10000 locations of one resource", resources: rscs(1), constraints: many(10000, func(i int) string {
			return fmt.Sprintf(`<rsc_location id="l%d" rsc="r0" node="n%d" score="%d"/>`, i, 1+i%2, i)
		}), starts: 1},
		{name: "10000 orders of one resource", resources: rscs(10001), constraints: many(10000, func(i int) string {
			return fmt.Sprintf(`<rsc_order id="o%d" first="r0" then="r%d"/>`, i, i+1)
		}), starts: 10001},
		{name: "10000 orders to one resource", resources: rscs(10001), constraints: many(10000, func(i int) string {
			return fmt.Sprintf(`<rsc_order id="o%d" first="r%d" then="r0"/>`, i, i+1)
		}), starts: 10001},
		{name: "10000 colocations of one resource", resources: rscs(10001), constraints: many(10000, func(i int) string {
			return fmt.Sprintf(`<rsc_colocation id="k%d" rsc="r%d" with-rsc="r0" score="%d"/>`, i, i+1, 1+i%100)
		}), starts: 10001},
		{name: "10000 colocations to others", resources: rscs(10001), constraints: many(10000, func(i int) string {
			return fmt.Sprintf(`<rsc_colocation id="k%d" rsc="r0" with-rsc="r%d" score="%d"/>`, i, i+1, 1+i%100)
		}), starts: 10001},
		{name: "10000 times the same order", resources: rscs(2), constraints: many(10000, func(i int) string {
			return fmt.Sprintf(`<rsc_order id="o%d" first="r0" then="r1"/>`, i)
		}), starts: 2},
		{name: "nested groups", resources: nested(500, `<group id="g">`, `</group>`, dummy("r0")), starts: -1},
		{name: "nested clones", resources: nested(500, `<clone id="g">`, `</clone>`, dummy("r0")), starts: -1},
		{name: "nested rules", resources: rscs(1), constraints: `<rsc_location id="l" rsc="r0">` +
			nested(900, `<rule id="x" boolean-op="or" score="1">`, `</rule>`, `<expression id="e" attribute="a" operation="defined"/>`) + `</rsc_location>`, starts: 1},
		{name: "templates of each other", resources: `<template id="t1" template="t2"/><template id="t2" template="t1"/><primitive id="r0" template="t1"/>`, starts: -1},
		{name: "tags of each other", resources: rscs(1), constraints: `<rsc_location id="l" rsc="t1" node="n1" score="1"/>`, starts: 1},
		{name: "id-ref to itself", resources: `<primitive id="r0" class="ocf" provider="x" type="y"><meta_attributes id-ref="m"/>` +
			`<instance_attributes id="ia"><nvpair id-ref="m"/><rule id-ref="q"/></instance_attributes></primitive>`, starts: 1},
		{name: "clone-max out of range", resources: `<clone id="c"><meta_attributes id="m"><nvpair id="v" name="clone-max" value="999999999"/></meta_attributes>` +
			dummy("r0") + `</clone>`, errors: "clone-max", starts: 2},
		{name: "unique clone of 2000", resources: `<clone id="c"><meta_attributes id="m"><nvpair id="v" name="clone-max" value="2000"/>` +
			`<nvpair id="w" name="globally-unique" value="true"/><nvpair id="x" name="clone-node-max" value="1000"/></meta_attributes>` + dummy("r0") + `</clone>`, starts: 2000},
		{name: "history of nothing", resources: rscs(1), status: `<lrm><lrm_resources><lrm_resource/><lrm_resource id="ghost"><lrm_rsc_op/></lrm_resource>` +
			`<lrm_resource id="r0:x"><lrm_rsc_op id="r0_last_0" operation="start" rc-code="-5" op-status="99" call-id="x" transition-key="::::"/></lrm_resource></lrm_resources></lrm>`, starts: -1},
		{name: "history of 10000 operations", resources: rscs(1), status: `<lrm><lrm_resources><lrm_resource id="r0" class="ocf" provider="pacemaker" type="Dummy">` +
			many(10000, func(i int) string {
				return fmt.Sprintf(`<lrm_rsc_op id="r0_monitor_%d" operation="monitor" interval="%d" call-id="%d" rc-code="%d" op-status="0" transition-key="1:1:0:x"/>`, i, i, i, i%9)
			}) + `</lrm_resource></lrm_resources></lrm>`, starts: -1},
		{name: "10000 operations", resources: `<primitive id="r0" class="ocf" provider="pacemaker" type="Dummy"><operations>` + many(10000, func(i int) string {
			return fmt.Sprintf(`<op id="o%d" name="monitor" interval="%ds"/>`, i, i/2)
		}) + `</operations></primitive>`, errors: "duplicate", starts: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			res := scheduleAll(t, c.name, badCIB(t, c.resources, c.constraints, c.status))
			starts := 0
			for _, a := range res.Graph.Actions {
				if a.Kind == pengine.RscOp && a.Operation == "start" {
					starts++
				}
			}
			if c.starts >= 0 && starts != c.starts {
				t.Errorf("%d resources are started, %d were expected", starts, c.starts)
			}
			if c.errors != "" && !strings.Contains(strings.Join(res.Errors, "\n"), c.errors) {
				t.Errorf("no error has %q in it: %.500q", c.errors, res.Errors)
			}
			if c.warnings != "" && !strings.Contains(strings.Join(res.Warnings, "\n"), c.warnings) {
				t.Errorf("no warning has %q in it: %.500q", c.warnings, res.Warnings)
			}
			t.Logf("%v", time.Since(begin).Round(time.Millisecond))
		})
	}
}
