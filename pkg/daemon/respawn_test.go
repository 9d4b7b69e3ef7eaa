package daemon

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/seedrow"
)

// TestRespawn: a client that dies is started again, as the account it has, until
// it ends with 100.
func TestRespawn(t *testing.T) {
	seedrow.Shows(t, "002-060", "002-061")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	calls, script := filepath.Join(dir, "calls"), filepath.Join(dir, "client")
	text := "#!/bin/sh\necho \"$1 $(id -u) $HA_CURHOST\" >> " + calls + "\n[ $(wc -l < " + calls + ") -lt 3 ] && exit 7\nexit 100\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var running sync.Map
	respawn(context.Background(), NewLogger(&out, slog.LevelInfo), &running, me.Username, script, []string{"-d"}, append(os.Environ(), "HA_CURHOST=slave6"))
	b, err := os.ReadFile(calls)
	if want := strings.Repeat("-d "+me.Uid+" slave6\n", 3); err != nil || string(b) != want {
		t.Errorf("called %q, %v; want %q", b, err, want)
	}
	for _, line := range []string{"Starting child client \"" + script + " -d\" (" + me.Uid, "Client " + script + " -d exited with return code 7.", "Respawning client \"" + script + " -d\":", "exited with return code 100."} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no %q in\n%s", line, out.String())
		}
	}
}

// TestClientsEndInReverse: the last client of ha.cf ends first, and the one before it
// only then.
func TestClientsEndInReverse(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ends := filepath.Join(dir, "ends")
	conf := &hacf.Config{}
	for _, name := range []string{"one", "two", "three"} {
		script := filepath.Join(dir, name)
		text := "#!/bin/sh\ntrap 'sleep 0.1; echo " + name + " >> " + ends + "; exit 0' TERM\necho >> " + script + ".up\nwhile :; do sleep 0.02; done\n"
		if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		conf.Children = append(conf.Children, hacf.Child{User: me.Username, Path: script})
	}
	d := &Daemon{log: NewLogger(io.Discard, slog.LevelInfo), info: nodeInfo{conf: conf}}
	stop := d.startClients(t.Context())
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		if up, _ := filepath.Glob(filepath.Join(dir, "*.up")); len(up) == 3 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the clients do not start")
		}
	}
	stop(true)
	if b, err := os.ReadFile(ends); err != nil || string(b) != "three\ntwo\none\n" {
		t.Errorf("ended: %q, %v", b, err)
	}
}
