package seedrow_test

import (
	"os"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// TestDocumented: what the articles only tell is told in docs/v1.md.
func TestDocumented(t *testing.T) {
	seedrow.Shows(t, "000-021", "002-002", "002-015", "002-022", "002-029", "002-034", "002-072", "004-001", "004-030")
	b, err := os.ReadFile("../../docs/v1.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(b)), " ")
	for row, sentence := range map[string]string{
		"000-021": "`quorate links` lists what reads and writes each link",
		"002-002": "A *resource* is what a node can have for clients",
		"002-015": "LRM and STONITH (cluster-glue)",
		"002-022": "resets a machine after one minute unless told otherwise; with `watchdog` in `ha.cf` the time follows `deadtime`",
		"002-029": "a watching script may stop the daemon of its node (`service heartbeat stop`)",
		"002-034": "serial /dev/ttyS0 bcast eth1",
		"002-072": "Keepalived moves addresses by VRRP",
		"004-001": "Put the names and addresses of all nodes into `/etc/hosts`",
		"004-030": "`basedir` and `datadir` belong into its init script",
	} {
		if !strings.Contains(text, sentence) {
			t.Errorf("row %s: docs/v1.md does not say %q", row, sentence)
		}
	}
}
