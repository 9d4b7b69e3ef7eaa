package member

import (
	"testing"

	"github.com/quorate/quorate/cib"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		limit, load string
		n           int
		f           float64
	}{{"", "", 0, 0}, {"6", "50%", 6, 0.5}, {"-1", "0%", 0, -1}, {"x", "y", 0, 0}} {
		root, err := cib.Parse([]byte(`<cib><configuration><crm_config><cluster_property_set id="s"><nvpair id="a" name="node-action-limit" value="`+c.limit+
			`"/><nvpair id="b" name="load-threshold" value="`+c.load+`"/></cluster_property_set></crm_config></configuration></cib>`), "test")
		if err != nil {
			t.Fatal(err)
		}
		if n, f := ActionLimit(root), LoadThreshold(root); n != c.n || f != c.f {
			t.Errorf("%+v: %d and %v", c, n, f)
		}
	}
}
