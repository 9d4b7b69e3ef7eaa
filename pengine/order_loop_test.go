package pengine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
)

func TestOrderLoops(t *testing.T) {
	const resources = `<primitive id="a"/><primitive id="b"/><group id="g"><primitive id="m1"/><primitive id="m2"/></group><clone id="c"><primitive id="x"/></clone>`
	for _, c := range []struct {
		name, constraints string
		want              []string // all in one sentence; nil: no loop
	}{
		{"none", `<rsc_order id="o1" first="a" then="b"/><rsc_order id="o2" first="a" then="g"/><rsc_order id="o3" first="b" then="g"/>`, nil},
		{"two", `<rsc_order id="o1" first="a" then="b"/><rsc_order id="o2" first="b" then="a"/>`, []string{"order o1", "order o2", "the start of a", "the start of b"}},
		{"itself", `<rsc_order id="o1" first="a" then="a"/>`, []string{"order o1"}},
		{"members of a group", `<rsc_order id="o1" first="m2" then="m1"/>`, []string{"order o1", "group g"}},
		{"through a group", `<rsc_order id="o1" first="a" then="g"/><rsc_order id="o2" first="m1" then="a"/>`, []string{"order o1", "order o2"}},
		{"through a clone", `<rsc_order id="o1" first="c" then="a"/><rsc_order id="o2" first="a" then="x"/>`, []string{"order o1", "order o2"}},
		{"stops the other way round", `<rsc_order id="o1" first="a" then="b"/><rsc_order id="o2" first="a" first-action="stop" then="b" then-action="stop"/>`, []string{"order o1", "order o2"}},
		{"serialized", `<rsc_order id="o1" first="a" then="b"/><rsc_order id="o2" first="b" then="a" kind="Serialize"/>`, nil},
		{"of stops only", `<rsc_order id="o1" first="c" first-action="promote" then="a" then-action="start" symmetrical="false"/><rsc_order id="o2" first="c" first-action="demote" then="a" then-action="stop" symmetrical="false"/>`, nil},
		{"start after stop", `<rsc_order id="o1" first="a" first-action="stop" then="b" then-action="start"/><rsc_order id="o2" first="b" then="a"/>`, nil},
		{"sets", `<rsc_order id="o1"><resource_set id="s1" sequential="false"><resource_ref id="a"/><resource_ref id="b"/></resource_set><resource_set id="s2"><resource_ref id="c"/></resource_set></rsc_order>` +
			`<rsc_order id="o2" first="c" then="b"/>`, []string{"order o1", "order o2"}},
		{"promotion", `<rsc_order id="o1" first="c" first-action="promote" then="a" then-action="start"/><rsc_order id="o2" first="a" then="c" then-action="promote"/>`, []string{"order o1", "order o2", "the promote of c"}},
		{"start before promotion", `<rsc_order id="o1" first="c" first-action="promote" then="a" then-action="start"/><rsc_order id="o2" first="a" then="c"/>`, []string{"order o1", "order o2"}},
	} {
		root, err := cib.Parse([]byte("<cib><configuration><resources>"+resources+"</resources><constraints>"+c.constraints+"</constraints></configuration></cib>"), "test")
		if err != nil {
			t.Fatal(err)
		}
		got := OrderLoops(root)
		ok := len(got) == min(len(c.want), 1)
		for _, w := range c.want {
			ok = ok && strings.Contains(got[0], w)
		}
		if !ok {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	// A long chain is no loop and costs no stack.
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, `<rsc_order id="o%d" first="r%d" then="r%d"/>`, i, i, i+1)
	}
	root, err := cib.Parse([]byte("<cib><configuration><resources/><constraints>"+b.String()+"</constraints></configuration></cib>"), "test")
	if err != nil {
		t.Fatal(err)
	}
	if got := OrderLoops(root); len(got) > 0 {
		t.Errorf("a chain: %q", got)
	}
}

// The recorded cases have graphs, so that they have no loops.
func TestOrderLoopsOnRecordedCases(t *testing.T) {
	files, _ := filepath.Glob("../../shared/conformance/cases/*.xml")
	if len(files) == 0 {
		t.Skip("SKIPPED: ../shared/conformance is absent, so there are no recorded cases")
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		root, err := cib.Parse(data, f)
		if err != nil {
			t.Fatal(err)
		}
		if l := OrderLoops(root); len(l) > 0 {
			t.Errorf("%s: %q", filepath.Base(f), l)
		}
	}
}
