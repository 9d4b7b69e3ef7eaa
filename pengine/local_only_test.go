package pengine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pengine/oraclefuzz"
)

// TestLocalOnlyRefusesByName: what the daemon cannot execute is not planned, and
// a warning says so.
func TestLocalOnlyRefusesByName(t *testing.T) {
	device := `<primitive id="dev" class="stonith" type="fence_dummy">` + nvSet("meta_attributes", "dev-m", "provides=unfencing") + `</primitive>`
	for _, m := range []struct {
		manual
		warning string
	}{
		{manual{says: "unfencing", options: "stonith-enabled=true", nodes: "n1", resources: prim("a", "", "") + device, want: "a_start_0 on n1, dev_start_0 on n1"}, "unfencing is configured but"},
		{manual{says: "shutdown locks", options: "shutdown-lock=true", nodes: "n1- n2", resources: "a", history: "n1:a=locked", want: "a_start_0 on n2"}, "shutdown-lock is ignored"},
	} {
		res, err := pengine.Schedule(m.document(t), time.Unix(oraclefuzz.Now, 0), pengine.Options{LocalOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := planned(t, res.Graph.XML()); got != m.want {
			t.Errorf("%s: planned %q, not %q", m.says, got, m.want)
		}
		if all := strings.Join(res.Warnings, "\n"); !strings.Contains(all, m.warning) {
			t.Errorf("%s: no warning with %q among %q", m.says, m.warning, all)
		}
	}
}
