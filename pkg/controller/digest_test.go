package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/lrm"
)

// A changed parameter that the agent can reload reloads the resource, another
// restarts it.
func TestReloadableParameter(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.traits = &lrm.Traits{Reloads: true, Restart: []string{"state"}, Private: []string{"passwd"}}
	const params = `<nvpair id="ip-p-ip" name="ip" value="10.0.0.1"/>`
	w.configure(params, `<nvpair id="p-f" name="fake" value="1"/><nvpair id="p-s" name="state" value="/a"/>`)
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.configure(`name="fake" value="1"`, `name="fake" value="2"`)
	w.pass(2 * time.Second)
	if s, r := w.ran("n1", "ip_start_0"), w.ran("n1", "ip_reload-agent_0"); s != 1 || r != 1 {
		t.Fatalf("%d starts and %d reloads, want one each\n%s", s, r, strings.Join(w.log, "\n"))
	}
	if s := w.nodes["n2"].m.State(); s != Idle {
		t.Errorf("the DC is in %s", s)
	}
	w.configure(`name="fake" value="2"`, `name="fake" value="3"`)
	w.pass(2 * time.Second)
	if s, r := w.ran("n1", "ip_start_0"), w.ran("n1", "ip_reload-agent_0"); s != 1 || r != 2 {
		t.Fatalf("%d starts and %d reloads, want 1 and 2\n%s", s, r, strings.Join(w.log, "\n"))
	}
	w.configure(`name="state" value="/a"`, `name="state" value="/b"`)
	w.pass(2 * time.Second)
	if s, r := w.ran("n1", "ip_start_0"), w.ran("n1", "ip_reload-agent_0"); s != 2 || r != 2 {
		t.Fatalf("%d starts and %d reloads, want 2 each\n%s", s, r, strings.Join(w.log, "\n"))
	}
	w.want("ip", "n1")
}
