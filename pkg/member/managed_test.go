package member

import (
	"testing"

	"github.com/quorate/quorate/cib"
)

func TestManaged(t *testing.T) {
	doc := func(options, meta string) *cib.Element {
		root, err := cib.Parse([]byte(`<cib><configuration><crm_config><cluster_property_set id="o">`+options+`</cluster_property_set></crm_config>
<nodes/><resources><clone id="c">`+meta+`<group id="g"><primitive id="p" class="ocf" provider="heartbeat" type="Dummy"/></group></clone></resources><constraints/></configuration></cib>`), "test")
		if err != nil {
			t.Fatal(err)
		}
		return root
	}
	set := func(name, value string) string {
		return `<meta_attributes id="m"><nvpair id="m1" name="` + name + `" value="` + value + `"/></meta_attributes>`
	}
	for _, c := range []struct {
		options, meta, rsc string
		want               bool
	}{
		{"", "", "p", true},
		{"", "", "p:1", true},
		{"", "", "unknown", true},
		{`<nvpair id="x" name="maintenance-mode" value="true"/>`, "", "p", false},
		{"", set("is-managed", "false"), "p", false},
		{"", set("maintenance", "true"), "p:0", false},
		{"", set("is-managed", "true"), "p", true},
	} {
		if got := Managed(doc(c.options, c.meta), c.rsc); got != c.want {
			t.Errorf("options %q meta %q resource %s: managed %v, want %v", c.options, c.meta, c.rsc, got, c.want)
		}
	}
}
