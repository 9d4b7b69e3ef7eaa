package daemon

import (
	"bytes"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/guard"
)

func TestExclusionNamesWhatIsMissing(t *testing.T) {
	t.Setenv(guard.ResetFile, "/dev/null") // something to reset by
	twonodes := "not guaranteed: the quorum plug-in twonodes gives quorum to each half of a partition"
	for _, c := range []struct {
		layer, policy, noGuard, noReset, want string
	}{
		{guaranteed, "stop", "", "", guaranteed},
		{twonodes, "stop", "", "", twonodes},
		{guaranteed, "ignore", "", "", "not guaranteed: no-quorum-policy=ignore keeps resources when the right to run them has ended"},
		{guaranteed, "stop", "the guard has ended (signal: killed)", "", "not guaranteed: the guard has ended (signal: killed), nobody lets go if the daemon dies"},
		{twonodes, "stop", "", "not enforced: why", twonodes + "; not enforced: why"},
	} {
		if got := exclusion(c.layer, c.policy, c.noGuard, c.noReset); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if got := notEnforced("/dev/watchdog", true, nil); got != "" {
		t.Errorf("with a way to reset: %q", got)
	}
	t.Setenv(guard.ResetFile, "")
	if len(guard.Resets(nil)) > 0 {
		t.Skip("SKIPPED: sysrq is allowed here, so the rest has another answer")
	}
	for _, c := range []struct {
		path string
		off  bool
		dog  *guard.Watchdog
		want string
	}{
		{"", false, nil, "no watchdog is configured and sysrq"},
		{"/dev/watchdog", true, nil, "the watchdog /dev/watchdog is not used (--no-watchdog) and sysrq"},
		{"/x", false, &guard.Watchdog{Path: "/x", Stands: true}, "/x only stands in for a watchdog and sysrq"},
	} {
		if got := notEnforced(c.path, c.off, c.dog); !strings.HasPrefix(got, "not enforced: "+c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if got := notEnforced("/x", false, &guard.Watchdog{Path: "/x"}); got != "" {
		t.Errorf("with a watchdog: %q", got)
	}
}

func TestTimingCommand(t *testing.T) {
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		env := &cli.Env{Stdout: &out, Stderr: &errs}
		code := cli.Run(env, NewTimingCommand(env), args)
		return code, out.String(), errs.String()
	}
	code, out, _ := run("--keepalive", "3s", "--deadtime", "10s", "--watchdog")
	for _, row := range []string{"lease       L  6.3s ", "stop bound  S  3s ", "watchdog    W  9s ", "takeover    T  10s ", "left           607ms ", "lifetime       9s "} {
		if code != 0 || !strings.Contains(out, row) {
			t.Errorf("code %d, lacks %q:\n%s", code, row, out)
		}
	}
	if _, out, _ := run("--keepalive", "75ms", "--deadtime", "300ms"); !strings.Contains(out, "may outlast the takeover by up to 985ms") {
		t.Error(out)
	}
	if code, out, err := run("--keepalive", "2s", "--deadtime", "3s"); code != cli.ExitConfig || out != "" || !strings.Contains(err, "deadtime 3s must be more than twice keepalive 2s") {
		t.Errorf("%d %q %q", code, out, err)
	}
	if code, _, err := run("--config-dir", t.TempDir()); code != cli.ExitConfig || !strings.Contains(err, "ha.cf") {
		t.Errorf("%d %q", code, err)
	}
	if code, out, err := run("--config-dir", "../../docs/examples"); code != 0 || !strings.Contains(out, "deadtime       10s ") {
		t.Errorf("%d %q %q", code, out, err)
	}
}
