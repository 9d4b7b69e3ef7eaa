package controller

import (
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
)

func identityOf(t *testing.T, config string) []Effect {
	t.Helper()
	root, err := cib.Parse([]byte(config), "test")
	if err != nil {
		t.Fatal(err)
	}
	m := New(Config{Self: "n1", Version: "1.2", Stack: "heartbeat"})
	m.config, m.dc, m.now = root, &dc{}, time.Unix(1000, 0)
	m.identify()
	out := m.Effects()
	m.identify()
	if again := m.Effects(); len(again) > 0 {
		t.Errorf("asked twice: %v", again)
	}
	m.now = m.now.Add(identifyRetry)
	m.identify()
	if again := m.Effects(); len(again) != len(out) {
		t.Errorf("not asked again: %v", again)
	}
	return out
}

// The DC writes what is missing or different, where it stands.
func TestIdentify(t *testing.T) {
	for _, test := range []struct{ name, options, want string }{
		{"nothing", ``, `<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-cluster-infrastructure" name="cluster-infrastructure" value="heartbeat"/>` +
			`<nvpair id="cib-bootstrap-options-dc-version" name="dc-version" value="1.2"/></cluster_property_set></crm_config>`},
		{"the same", `<cluster_property_set id="x"><nvpair id="a" name="dc-version" value="1.2"/><nvpair id="b" name="cluster-infrastructure" value="heartbeat"/></cluster_property_set>`, ""},
		{"another version", `<cluster_property_set id="x"><nvpair id="a" name="dc-version" value="1.1"/><nvpair id="b" name="cluster-infrastructure" value="heartbeat"/></cluster_property_set>`,
			`<crm_config><cluster_property_set id="x"><nvpair id="a" name="dc-version" value="1.2"/></cluster_property_set></crm_config>`},
	} {
		got := ""
		for _, e := range identityOf(t, `<cib admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config>`+test.options+`</crm_config></configuration></cib>`) {
			if i, ok := e.(Identify); ok {
				got += compact(i.Config)
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// What the DC says of itself makes no configuration: one from a disk still wins.
func TestIdentityIsNoConfiguration(t *testing.T) {
	for config, want := range map[string]bool{
		`<cluster_property_set id="cib-bootstrap-options"><nvpair id="a" name="dc-version" value="1.2"/></cluster_property_set>`:                                true,
		`<cluster_property_set id="cib-bootstrap-options"><nvpair id="a" name="stonith-enabled" value="false"/></cluster_property_set>`:                         false,
		`<cluster_property_set id="x"><nvpair id="a" name="dc-version" value="1"/><nvpair id="b" name="no-quorum-policy" value="stop"/></cluster_property_set>`: false,
	} {
		root, err := cib.Parse([]byte(`<cib><configuration><crm_config>`+config+`</crm_config></configuration></cib>`), "test")
		if err != nil {
			t.Fatal(err)
		}
		if got := isEmpty(root); got != want {
			t.Errorf("isEmpty of %s: %v, want %v", config, got, want)
		}
	}
}
