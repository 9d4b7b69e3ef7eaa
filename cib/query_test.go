package cib

import (
	"errors"
	"testing"
)

func TestQuery(t *testing.T) {
	root := mustParse(sample)
	for _, c := range []struct {
		scope, xpath string
		bare         bool
		want         string
		err          error
	}{
		{"resources", "", true, "<resources/>", nil},
		{"constraints", "", false, "<constraints/>", nil},
		{"", "", true, `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" admin_epoch="1" epoch="5" num_updates="7"/>`, nil},
		{"", "//op", false, `<op id="a-mon" name="monitor" interval="10s"/>`, nil},
		{"", "//group/primitive", false, `<xpath-query><primitive id="b" class="ocf" provider="heartbeat" type="Dummy"/><primitive id="c" class="lsb" type="x"/></xpath-query>`, nil},
		{"", "//nope", false, "", ErrNoSuchObject},
		{"alerts", "", false, "", ErrNoSuchObject},
		{"bogus", "", false, "", ErrUsage},
		{"", "//[", false, "", ErrUsage},
	} {
		found, err := Query(root, c.scope, c.xpath, c.bare)
		if !errors.Is(err, c.err) {
			t.Errorf("%s%s: %v, want %v", c.scope, c.xpath, err, c.err)
			continue
		}
		if err == nil && QueryResult(found).String() != c.want {
			t.Errorf("%s%s: %s", c.scope, c.xpath, QueryResult(found))
		}
	}
}
