package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// TestService: the init script starts, asks, reloads and stops the daemon with
// the lines that administrators know, and the log goes where ha.cf says.
func TestService(t *testing.T) {
	t.Parallel()
	seedrow.Shows(t, "000-014", "000-033", "000-034", "001-029", "002-047", "004-008", "001-015", "001-016", "002-010", "002-045", "002-046", "004-035", "004-037")
	script, err := os.ReadFile("../../docs/examples/heartbeat.init")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"# chkconfig: 35 ", "### BEGIN INIT INFO", "# Default-Start:     3 5"} {
		if !strings.Contains(string(script), line) {
			t.Errorf("the script lacks %q", line)
		}
	}
	hacf := "logfacility local0\nlogfile /var/log/ha-log\ndebugfile /var/log/ha-debug\nuse_logd off\n" + strings.Replace(lanHaCf, "serial /dev/ttyS0\n", "", 1)
	hacf = strings.Replace(hacf, "initdead 3", "initdead 1", 1)
	p := newV1Pair(t, [2]string{slave5, slave6}, "192.168.10", hacf, "slave6 192.168.10.51 mark\n",
		map[string]string{"/etc/init.d/heartbeat": string(script)})
	p.write(slave6, "/etc/ha.d/resource.d/mark", strings.Replace(markScript, "exit 0", "echo Starting\nexit 0", 1), 0o755)
	if _, err := p.nodes[slave6].Start("/lab/bin/"+pageArg, syslogArg, "/dev/log", "/var/log/syslog"); err != nil {
		t.Fatal(err)
	}
	p.until("syslog listens", func() (bool, string) { r := p.run(slave6, "test", "-S", "/dev/log"); return r.code == 0, r.String() })
	service := func(action string) result { return p.run(slave6, "/etc/init.d/heartbeat", action) }
	want := func(action string, code int, pattern string) {
		t.Helper()
		if r := service(action); r.code != code || !regexp.MustCompile(pattern).MatchString(r.out) {
			t.Errorf("want %d and %s: %v", code, pattern, r)
		}
	}
	want("status", 3, `^heartbeat is stopped. No process\n$`)
	p.write(slave6, "/etc/ha.d/authkeys", "auth 1\n", 0o600)
	want("start", 6, `^Starting High-Availability services:  Heartbeat failure \[rc=6\]. Failed.\n$`)
	p.write(slave6, "/etc/ha.d/authkeys", "auth 1\n1 crc\n", 0o600)
	want("start", 0, `^Starting High-Availability services: Done.\n$`)
	want("status", 0, `^heartbeat OK \[pid \d+ et al\] is running on slave6 \[slave6\]\.\.\.\n$`)
	want("start", 0, `Done.\n$`)
	p.ok(slave6, "ha_logd", "-s")
	p.holds(slave6, "all")
	log := func() string { return p.ok(slave6, "cat", "/var/log/ha-log") }
	line := regexp.MustCompile(`(?m)^heartbeat\[\d+\]: \d{4}/\d\d/\d\d_\d\d:\d\d:\d\d info: Configuration validated\. Starting heartbeat`)
	if text := log(); !line.MatchString(text) || strings.Contains(text, " debug: ") {
		t.Errorf("ha-log:\n%s", text)
	}
	if text := p.ok(slave6, "cat", "/var/log/ha-debug"); !line.MatchString(text) || !strings.Contains(text, " debug: /etc/ha.d/resource.d/mark: Starting\n") {
		t.Errorf("ha-debug:\n%s", text)
	}

	// local0 is 16: 134 is info.
	message := regexp.MustCompile(`(?m)^<134>[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d heartbeat: \[\d+\]: info: Configuration validated\. Starting heartbeat`)
	p.until("syslog has the log", func() (bool, string) {
		text := p.ok(slave6, "cat", "/var/log/syslog")
		return message.MatchString(text) && strings.Contains(text, "ResourceManager: ["), text
	})

	want("reload", 0, `^Reloading High-Availability services: Done.\n$`)
	// A bad file is refused, and the old one stays in force.
	p.write(slave6, "/etc/ha.d/haresources", "nobody 192.168.10.51 mark\n", 0o644)
	want("reload", 1, `Failed.\n$`)
	p.owned(first51, slave6)
	// A good one is taken, and what it still names stays.
	p.write(slave6, "/etc/ha.d/haresources", "slave6 192.168.10.51 mark\nslave6 192.168.10.52\n", 0o644)
	sampler := p.lab.NewSampler(first51, pollEvery/10)
	want("reload", 0, `Done.\n$`)
	p.owned(second52, slave6)
	sampler.Stop()
	for _, h := range sampler.History() {
		if len(h.Owners) != 1 {
			t.Errorf("the address was gone during the reload: %v", sampler.History())
			break
		}
	}
	want("nonsense", 1, "^Usage: ")
	want("stop", 0, `^Stopping High-Availability services: Done.\n$`)
	want("status", 3, `No process`)
	if got := p.lab.Sample(first51); len(got) > 0 {
		t.Errorf("after the stop %v hold the address", got)
	}
	if text := log(); !strings.Contains(text, "Heartbeat shutdown complete.") {
		t.Errorf("ha-log after the stop:\n%s", text)
	}
	if calls := p.calls(slave6, "mark"); calls[len(calls)-1] != "slave6 stop" {
		t.Errorf("calls of mark: %q", calls)
	}
}
