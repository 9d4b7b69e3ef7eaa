package mon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
)

// What has failed shows when it is tried again, and how long that is.
func TestRetries(t *testing.T) {
	now := time.Unix(1700000000, 0).UTC()
	for _, c := range []struct {
		meta, count string
		ago         time.Duration
		want        string
	}{
		{`<nvpair id="a" name="failure-timeout" value="60s"/><nvpair id="b" name="migration-threshold" value="3"/>`, "3", 18 * time.Second,
			"ip is tried again on n1 in 42s, at 22:14:02 (failure-timeout 1m0s) after 3 failures"},
		{`<nvpair id="a" name="failure-timeout" value="60s"/><nvpair id="b" name="migration-threshold" value="3"/>`, "1", 18 * time.Second,
			"ip on n1: 1 failure of 3, forgotten in 42s, at 22:14:02 (failure-timeout 1m0s)"},
		{`<nvpair id="b" name="migration-threshold" value="3"/>`, "4", 18 * time.Second,
			"ip is not tried again on n1 after 4 failures until: crm_resource --cleanup --resource ip --node n1"},
		{``, "INFINITY", 18 * time.Second,
			"ip is not tried again on n1 after a failure that counts as INFINITY until: crm_resource --cleanup --resource ip --node n1"},
		{`<nvpair id="b" name="migration-threshold" value="3"/>`, "1", 18 * time.Second, ""},
		{`<nvpair id="a" name="failure-timeout" value="60s"/>`, "1", 90 * time.Second, ""},
	} {
		text := strings.Replace(small, `type="IPaddr"/>`, `type="IPaddr"><meta_attributes id="m">`+c.meta+`</meta_attributes></primitive>`, 1)
		text = strings.Replace(text, `<cib `, `<cib crm_feature_set="3.16.1" `, 1)
		text = strings.Replace(text, `<lrm id="1">`, fmt.Sprintf(`<transient_attributes id="1"><instance_attributes id="t"><nvpair id="t1" name="fail-count-ip#monitor_5000" value="%s"/>
<nvpair id="t2" name="last-failure-ip#monitor_5000" value="%d"/></instance_attributes></transient_attributes><lrm id="1">`, c.count, now.Add(-c.ago).Unix()), 1)
		root, err := cib.Parse([]byte(text), "test")
		if err != nil {
			t.Fatal(err)
		}
		got := Render(root, Options{Now: now, Extra: []Section{{"Quorum", []string{"here"}}}})
		if c.want == "" {
			if strings.Contains(got, "Retries") {
				t.Errorf("%s %s: %s", c.meta, c.count, got)
			}
			continue
		}
		if !strings.Contains(got, "Retries:\n  * "+c.want+"\n") {
			t.Errorf("%q is not in\n%s", c.want, got)
		}
		if got := Render(root, Options{Now: now}); strings.Contains(got, "Retries") {
			t.Errorf("on a file: %s", got)
		}
	}
}
