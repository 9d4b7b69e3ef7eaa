package lrm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Built-in agents that may wait for programs run as a process of their own: under
// each of their names, with the timeout of any script, and with their results. A
// script of that name goes before.
func TestBuiltInAgentsApart(t *testing.T) {
	r := newRig(t, nil)
	run := func(class, provider, name string, params map[string]string) Result {
		t.Helper()
		return r.do(Op{Resource: "r1", Class: class, Provider: provider, Type: "anything", Name: name, Timeout: 10 * time.Second, Params: params})
	}
	pidfile := filepath.Join(r.run, "pid")
	p := map[string]string{"binfile": "/bin/sleep", "cmdline_options": "77", "pidfile": pidfile}
	for _, provider := range []string{"quorate", "heartbeat"} {
		for _, s := range []struct {
			action string
			rc     int
		}{{"monitor", NotRunning}, {"start", OK}, {"monitor", OK}, {"stop", OK}, {"monitor", NotRunning}} {
			if res := run("ocf", provider, s.action, p); res.RC != s.rc || res.Status != Done || res.Op.Provider != provider {
				t.Fatalf("ocf:%s %s: %+v", provider, s.action, res)
			}
		}
	}
	if res := run("ocf", "heartbeat", "start", nil); res.RC != ErrConfigured || !strings.Contains(res.ExitReason, "parameter binfile is missing") {
		t.Errorf("without a parameter: %+v", res)
	}
	if res := run("ocf", "heartbeat", "reload-agent", p); res.RC != ErrUnimplemented || res.Status != NotSupported {
		t.Errorf("an action it does not have: %+v", res)
	}
	// The timeout kills it with all that it started.
	if res := run("ocf", "heartbeat", "start", p); res.RC != OK {
		t.Fatalf("%+v", res)
	}
	slow := map[string]string{"binfile": "/bin/sleep", "pidfile": pidfile, "monitor_hook": "sleep 78"}
	res := r.do(Op{Resource: "r1", Class: "ocf", Provider: "heartbeat", Type: "anything", Name: "monitor", Timeout: 300 * time.Millisecond, Params: slow})
	if res.Status != TimedOut || !strings.Contains(res.ExitReason, "sleep") {
		t.Errorf("a monitor that hangs: %+v", res)
	}
	if res := run("ocf", "heartbeat", "stop", p); res.RC != OK {
		t.Errorf("%+v", res)
	}

	// Row 002-069: class heartbeat, with arguments, where there is no script.
	fs := func(name string) Result {
		return r.do(Op{Resource: "fs", Class: "heartbeat", Type: "portblock", Name: name, Timeout: 10 * time.Second,
			Params: map[string]string{"1": "tcp", "2": "7777", "3": "block"}})
	}
	if _, err := exec.LookPath("nft"); err == nil && os.Getenv(inNamespace) != "" {
		for _, s := range []struct {
			action string
			rc     int
		}{{"monitor", NotRunning}, {"start", OK}, {"monitor", OK}, {"stop", OK}, {"monitor", NotRunning}} {
			if res := fs(s.action); res.RC != s.rc || res.Op.Class != "heartbeat" {
				t.Errorf("class heartbeat, %s: %+v", s.action, res)
			}
		}
	} else {
		t.Log("SKIPPED: nft or a network namespace is missing: class heartbeat is not tested")
	}
	r.write(filepath.Join(r.root, "resource.d", "heartbeat", "anything"), "exit 42")
	if res := run("ocf", "heartbeat", "start", p); res.RC != 42 {
		t.Errorf("an installed script did not go before: %+v", res)
	}
	if res := run("ocf", "quorate", "monitor", p); res.RC != NotRunning {
		t.Errorf("ocf:quorate: %+v", res)
	}
}
