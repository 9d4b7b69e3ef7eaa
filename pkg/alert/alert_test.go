package alert

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
)

const section = `<cib><configuration><alerts>
<alert id="a" path="PATH">
 <select><select_nodes/><select_attributes><attribute id="x" name="standby"/></select_attributes></select>
 <meta_attributes id="m"><nvpair id="m1" name="timeout" value="500ms"/></meta_attributes>
 <instance_attributes id="i"><nvpair id="i1" name="debug" value="a b"/><nvpair id="i2" name="LD_PRELOAD" value="x"/></instance_attributes>
 <recipient id="r1" value="one@example.com"><meta_attributes id="rm"><nvpair id="rm1" name="timestamp-format" value="%D %H:%M"/></meta_attributes></recipient>
 <recipient id="r2" value="/var/log/x y"><instance_attributes id="ri"><nvpair id="ri1" name="debug" value="c"/></instance_attributes></recipient>
</alert>
<alert id="b" path="/b"><meta_attributes id="bm"><rule id="bmr"/><nvpair id="bm1" name="timeout" value="1"/></meta_attributes></alert>
</alerts></configuration></cib>`

func parse(t *testing.T, path string) []Agent {
	t.Helper()
	root, err := cib.Parse([]byte(strings.ReplaceAll(section, "PATH", path)), "test")
	if err != nil {
		t.Fatal(err)
	}
	agents, remarks := Parse(root)
	if len(remarks) != 2 || !strings.Contains(remarks[0], `"LD_PRELOAD" cannot be the name of a variable`) || !strings.Contains(remarks[1], "bm has a rule") {
		t.Errorf("remarks %q", remarks)
	}
	return agents
}

func TestParse(t *testing.T) {
	got := parse(t, "/a")
	if len(got) != 3 {
		t.Fatalf("%d agents", len(got))
	}
	r1, r2, b := got[0], got[1], got[2]
	if r1.Recipient != "one@example.com" || r1.Format != "%D %H:%M" || r1.Timeout != 500*time.Millisecond || !slices.Equal(r1.Options, []string{"debug=a b"}) {
		t.Errorf("%+v", r1)
	}
	if r2.Format != DefaultFormat || !slices.Equal(r2.Options, []string{"debug=a b", "debug=c"}) {
		t.Errorf("%+v", r2)
	}
	if b.HasRecipient || b.Timeout != DefaultTimeout {
		t.Errorf("%+v", b)
	}
	for _, c := range []struct {
		e    Event
		a, b bool
	}{
		{Event{Kind: Node}, true, true}, {Event{Kind: Resource}, false, true}, {Event{Kind: Fencing}, false, true},
		{Event{Kind: Attribute, AttributeName: "standby"}, true, false}, {Event{Kind: Attribute, AttributeName: "pingd"}, false, false},
	} {
		if r1.wants(&c.e) != c.a || b.wants(&c.e) != c.b {
			t.Errorf("%+v is selected by %v and %v, want %v and %v", c.e, r1.wants(&c.e), b.wants(&c.e), c.a, c.b)
		}
	}
}

func TestTimestamp(t *testing.T) {
	at := time.Date(2026, 11, 5, 9, 8, 7, 123456789, time.UTC)
	for format, want := range map[string]string{
		DefaultFormat: "09:08:07.123456", "%Y-%m-%d,%H:%M:%S.%01N": "2026-11-05,09:08:07.1", "%s %N": "1793869687 123456789", "%D %R": "11/05/26 09:08",
		"100%% %q %": "100% %q %", "%e|%k|%l|%u|%j": " 5| 9| 9|4|309", "": "", "%c": "Thu Nov  5 09:08:07 2026", "%06": "%06",
	} {
		if got := timestamp(format, at); got != want {
			t.Errorf("%q is %q, want %q", format, got, want)
		}
	}
}

func FuzzTimestamp(f *testing.F) {
	f.Add("%H:%M:%S.%06N")
	f.Fuzz(func(t *testing.T, s string) { timestamp(s, time.Unix(0, 0)) })
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Agents are real processes here.
func TestAgentsAreCalled(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "agent")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n[ \"$CRM_alert_desc\" = lost ] && { sleep 300 & wait; }\nenv | grep -v ^_= | sort > "+dir+"/out.$$ && mv "+dir+"/out.$$ "+dir+"/told.$$\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	log := &buffer{}
	r := NewRunner(Config{Version: "1.2", Env: []string{"PATH=/usr/bin:/bin"}, Logger: slog.New(slog.NewTextHandler(log, nil)),
		Credential: func() (*syscall.Credential, error) { return nil, nil }})
	r.Configure(parse(t, script)[:2])
	r.Send(t.Context(), Event{Kind: Resource, Resource: "ip"}) // nobody selects it
	r.Send(t.Context(), Event{Kind: Node, Node: "n1", NodeID: "1", Desc: "member", Time: time.Unix(1000, 5000)})
	r.Send(context.Background(), Event{Kind: Node, Node: "n2", Desc: "lost", Time: time.Unix(1001, 0)})
	deadline := time.Now().Add(10 * time.Second)
	var told []string
	for len(told) < 2 || strings.Count(log.String(), "did not end in time and was killed") < 2 || strings.Count(log.String(), "returned 3") < 2 {
		if time.Now().After(deadline) {
			t.Fatalf("told %v\n%s", told, log)
		}
		<-time.After(5 * time.Millisecond)
		told, _ = filepath.Glob(dir + "/told.*")
	}
	found := map[string]string{}
	for _, f := range told {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range []string{"one@example.com", "/var/log/x y"} {
			if strings.Contains(string(b), "CRM_alert_recipient="+rec+"\n") {
				found[rec] = string(b)
			}
		}
	}
	for _, want := range []string{"CRM_alert_kind=node\n", "CRM_alert_node=n1\n", "CRM_alert_nodeid=1\n", "CRM_alert_desc=member\n", "CRM_alert_version=1.2\n",
		"CRM_alert_node_sequence=2\n", "CRM_alert_timestamp_epoch=1000\n", "CRM_alert_timestamp_usec=5\n", "CRM_notify_desc=member\n", "debug=a b\n", "CRM_alert_timestamp=01/01/70 "} {
		if !strings.Contains(found["one@example.com"], want) {
			t.Errorf("the agent was not told %q:\n%s", want, found["one@example.com"])
		}
	}
	if strings.Contains(found["one@example.com"], "HOME=") {
		t.Error("the environment of the daemon reaches the agent")
	}
	if !strings.Contains(found["/var/log/x y"], "debug=c\n") {
		t.Errorf("%s", found["/var/log/x y"])
	}
}
