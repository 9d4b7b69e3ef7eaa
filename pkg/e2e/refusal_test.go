package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// logLine is the beginning of a line of the daemon's log that is no error.
var logLine = regexp.MustCompile(`^[a-z]+\[\d+\]: \S+ (info|WARN): `)

// oneSentence fails unless a refusal is one line that holds all texts.
func oneSentence(t *testing.T, r result, code int, texts ...string) {
	t.Helper()
	var lines []string // without the log, which may hold warnings about other things
	for line := range strings.Lines(r.err) {
		if !logLine.MatchString(line) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	if r.code != code || r.out != "" || len(lines) != 1 || lines[0] == "" {
		t.Errorf("want one sentence on standard error and exit code %d: %v", code, r)
	}
	for _, text := range texts {
		if !strings.Contains(r.err, text) {
			t.Errorf("the sentence lacks %q: %v", text, r)
		}
	}
}

// TestRefusedStart: a file that cannot be used is one sentence and exit code 6.
func TestRefusedStart(t *testing.T) {
	seedrow.Shows(t, "000-010", "001-004", "001-013", "002-044")
	t.Parallel()
	c := newCluster(t, "litsha21")
	run := func(c *cluster) result { return c.run("litsha21", "quorate", "run") }
	restore := func() {
		c.write("litsha21", "/etc/ha.d/ha.cf", hacf, 0o600)
		c.write("litsha21", "/etc/ha.d/authkeys", authkeys, 0o600)
	}

	c.sub("no ha.cf", func(t *testing.T, c *cluster) {
		defer restore()
		c.ok("litsha21", "rm", "/etc/ha.d/ha.cf")
		oneSentence(t, run(c), 6, "/etc/ha.d/ha.cf", "does not exist", "sample")
	})
	c.sub("no authkeys", func(t *testing.T, c *cluster) {
		defer restore()
		c.ok("litsha21", "rm", "/etc/ha.d/authkeys")
		oneSentence(t, run(c), 6, "/etc/ha.d/authkeys", "does not exist", "sample")
	})
	c.sub("authkeys readable for all", func(t *testing.T, c *cluster) {
		defer restore()
		c.write("litsha21", "/etc/ha.d/authkeys", authkeys, 0o644)
		oneSentence(t, run(c), 6, "/etc/ha.d/authkeys", "644", "chmod 600")
	})
	c.sub("own node missing", func(t *testing.T, c *cluster) {
		defer restore()
		c.write("litsha21", "/etc/ha.d/ha.cf", strings.Replace(hacf, "node litsha21\n", "", 1), 0o600)
		oneSentence(t, run(c), 6, "/etc/ha.d/ha.cf", "litsha21")
	})
	c.sub("unreadable ha.cf", func(t *testing.T, c *cluster) {
		defer restore()
		// Root reads everything, so the daemon is run by somebody else.
		if r := c.sh("litsha21", "command -v setpriv"); r.code != 0 {
			t.Skip("SKIPPED: setpriv (util-linux) is not installed")
		}
		c.ok("litsha21", "chmod", "755", "/etc/ha.d")
		c.ok("litsha21", "mkdir", "-m", "777", "/tmp/run")
		r := c.run("litsha21", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "quorate", "run", "--run-dir", "/tmp/run")
		if strings.Contains(r.err, "setpriv:") {
			t.Skipf("SKIPPED: no second account in this user namespace: %v", r)
		}
		oneSentence(t, r, 6, "/etc/ha.d/ha.cf", "may not read it")
	})
	c.sub("nothing was left behind", func(t *testing.T, c *cluster) {
		if r := c.sh("litsha21", "ls -A /var/lib/heartbeat /var/run/heartbeat 2>/dev/null"); r.out != "" {
			t.Errorf("a refused start leaves files: %v", r)
		}
	})
}

// TestStoppedDaemon: without a daemon a command says so in one sentence.
func TestStoppedDaemon(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "litsha21")
	for _, argv := range [][]string{
		{"crm_mon", "-1"}, {"cibadmin", "-Q"}, {"cibadmin", "-D", "-X", "<primitive id='x'/>"}, {"crm_node", "-l"}, {"crm_node", "-n"}, {"crmadmin", "-D"},
		{"crm_standby", "-G"}, {"crm_standby", "-v", "on"},
	} {
		oneSentence(t, c.run("litsha21", argv...), 102, "not running", "quorate run")
	}
	if r := c.run("litsha21", "cl_status", "hbstatus"); r.code != 1 || r.out != "Heartbeat is stopped on this machine.\n" || r.err != "" {
		t.Error(r)
	}
	if r := c.run("litsha21", "cl_status", "listnodes"); r.code != 1 || r.out != "" || !strings.Contains(r.err, "Cannot signon with heartbeat") {
		t.Error(r)
	}
}
